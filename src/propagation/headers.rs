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
#[derive(Clone, Copy)]
pub struct Fields<'a>(pub(super) &'a [Option<&'a [u8]>]);

impl<'a> Fields<'a> {
    /// The value of the style's n-th header, without blanks around it; `None` if that is empty, as if it were absent.
    #[inline(always)]
    pub fn get(self, n: usize) -> Option<&'a [u8]> {
        let value = super::text::trim((*self.0.get(n)?)?);
        (!value.is_empty()).then_some(value)
    }
}
