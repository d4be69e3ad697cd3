//! The headers that a style reads, and their values.

use std::borrow::Cow;

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
pub struct Fields<'a, 'b>(pub(super) &'a [Option<Cow<'b, [u8]>>]);

impl<'a> Fields<'a, '_> {
    /// The value of the style's n-th header, without blanks around it.
    #[inline]
    pub fn get(&self, n: usize) -> Option<&'a [u8]> {
        self.0.get(n)?.as_deref().map(super::text::trim)
    }
}
