//! The settings of propagation.

/// Styles in their order: four bits for each, its number plus 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Styles(pub(super) u64);

impl Styles {
    /// The numbers of the styles.
    pub fn numbers(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let number = (rest & 15).checked_sub(1)?;
            rest >>= 4;
            Some(number as usize)
        })
    }
}

/// What becomes of a context that comes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Behavior {
    /// Its trace is continued.
    #[default]
    Continue = 0,
    /// A new trace begins, with a link to it. Its baggage is kept.
    Restart = 1,
    /// It is ignored, with its baggage.
    Ignore = 2,
}

impl Behavior {
    /// The words for them in settings.
    pub const WORDS: &'static [&'static str] = &["continue", "restart", "ignore"];

    /// The behavior of a word.
    pub fn of(word: &str) -> Behavior {
        match word {
            "restart" => Behavior::Restart,
            "ignore" => Behavior::Ignore,
            _ => Behavior::Continue,
        }
    }
}

/// The settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The styles that are read, in the order in which they count.
    pub extract: Styles,
    /// The styles that are written.
    pub inject: Styles,
    /// What becomes of a context that comes in.
    pub behavior: Behavior,
    /// Whether the first style that finds a context ends the search.
    pub extract_first: bool,
    /// The longest `x-datadog-tags` in bytes, both ways. 0: the header is not written.
    pub tags_max: u16,
    /// The most items of baggage, both ways.
    pub baggage_items: u16,
    /// The longest `baggage` in bytes, both ways.
    pub baggage_bytes: u16,
}

impl Config {
    /// The settings as three numbers.
    pub fn packed(&self) -> [u64; 3] {
        let limits =
            u64::from(self.tags_max) | u64::from(self.baggage_items) << 16 | u64::from(self.baggage_bytes) << 32;
        let flags = u64::from(self.behavior as u8) << 48 | u64::from(self.extract_first) << 56;
        [self.extract.0, self.inject.0, limits | flags]
    }

    /// The settings that three numbers hold.
    pub fn unpacked([extract, inject, rest]: [u64; 3]) -> Config {
        let behavior = [Behavior::Continue, Behavior::Restart, Behavior::Ignore];
        Config {
            extract: Styles(extract),
            inject: Styles(inject),
            behavior: behavior[(rest >> 48) as usize % 4 % 3],
            extract_first: rest >> 56 & 1 == 1,
            tags_max: rest as u16,
            baggage_items: (rest >> 16) as u16,
            baggage_bytes: (rest >> 32) as u16,
        }
    }
}
