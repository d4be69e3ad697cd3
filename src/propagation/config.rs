//! The settings of propagation.

/// Styles in their order: four bits for each, its number plus 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Styles(pub(super) u64);

impl Styles {
    /// The numbers of the styles.
    #[inline(always)]
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

/// The settings as three numbers, of which each call reads what it needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packed(pub [u64; 3]);

impl Config {
    /// The settings as three numbers.
    pub fn packed(&self) -> Packed {
        let limits =
            u64::from(self.tags_max) | u64::from(self.baggage_items) << 16 | u64::from(self.baggage_bytes) << 32;
        let flags = u64::from(self.behavior as u8) << 48 | u64::from(self.extract_first) << 56;
        Packed([self.extract.0, self.inject.0, limits | flags])
    }
}

impl Packed {
    /// See [`Config::extract`].
    #[inline(always)]
    pub fn extract(&self) -> Styles {
        Styles(self.0[0])
    }

    /// See [`Config::inject`].
    #[inline(always)]
    pub fn inject(&self) -> Styles {
        Styles(self.0[1])
    }

    /// Whether [`Config::behavior`] is this one.
    #[inline(always)]
    pub fn has(&self, behavior: Behavior) -> bool {
        (self.0[2] >> 48) as u8 == behavior as u8
    }

    /// See [`Config::extract_first`].
    #[inline(always)]
    pub fn extract_first(&self) -> bool {
        self.0[2] >> 56 != 0
    }

    /// See [`Config::tags_max`].
    #[inline(always)]
    pub fn tags_max(&self) -> usize {
        usize::from(self.0[2] as u16)
    }

    /// See [`Config::baggage_items`].
    #[inline(always)]
    pub fn baggage_items(&self) -> usize {
        usize::from((self.0[2] >> 16) as u16)
    }

    /// See [`Config::baggage_bytes`].
    #[inline(always)]
    pub fn baggage_bytes(&self) -> usize {
        usize::from((self.0[2] >> 32) as u16)
    }
}
