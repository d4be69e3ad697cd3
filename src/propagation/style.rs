//! What a style is.

use super::config::Packed;
use super::found::Found;
use super::headers::{Field, Fields};
use super::writer::Writer;

/// The trace id's halves and the span that an earlier style has found; zeros if none has. A style may compare its texts
/// with these, instead of reading them.
pub type Known = [u64; 3];

/// How a style reads a context.
pub type Extract = for<'a> fn(Fields<'a>, &Packed, &Known, &mut Found<'a>) -> bool;

/// A way to write a context as headers.
pub struct Style {
    /// Its names in settings. The first one is used in links and documentation.
    pub names: &'static [&'static str],
    /// The headers that it reads.
    pub headers: &'static [Field],
    /// Reads a context out of its headers, which are in the order of `headers`. Returns whether there is one; only then
    /// it writes to the place. `None` for a style whose first header is baggage.
    pub extract: Option<Extract>,
    /// Writes its headers.
    pub inject: fn(&mut Writer<'_, '_>),
}
