//! The headers that a style reads, and their values.

/// A header that a style reads.
#[derive(Clone, Copy)]
pub struct Field {
    /// Its name in lower case.
    pub name: &'static str,
    /// What a second header of that name means.
    pub repeated: Repeated,
}

/// What a second header of the same name means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Repeated {
    /// Only the first one counts.
    First,
    /// None counts.
    Void,
    /// They are one list, joined by commas.
    List,
}

impl Field {
    pub const fn first(name: &'static str) -> Field {
        Field { name, repeated: Repeated::First }
    }
}

/// The values of one style's headers.
pub struct Fields<'a> {
    pub(super) values: &'a [&'a [u8]],
    pub(super) joined: &'a [(usize, Vec<u8>)],
    /// The number of the style's first header.
    pub(super) first: usize,
}

impl<'a> Fields<'a> {
    /// The value of the style's n-th header, without blanks around it; `None` if that is empty, as if it were absent.
    #[inline]
    pub fn get(&self, n: usize) -> Option<&'a [u8]> {
        let n = self.first + n;
        let mut value = *self.values.get(n)?;
        if !self.joined.is_empty() {
            value = self.joined.iter().find(|(other, _)| *other == n).map_or(value, |(_, joined)| joined);
        }
        let value = super::text::trim(value);
        (!value.is_empty()).then_some(value)
    }
}
