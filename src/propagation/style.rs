//! What a style is.

use super::config::Config;
use super::found::Harvest;
use super::headers::{Field, Fields};
use super::writer::Writer;

/// A way to write a context as headers.
pub struct Style {
    /// Its names in settings. The first one is used in links and documentation.
    pub names: &'static [&'static str],
    /// The headers that it reads.
    pub headers: &'static [Field],
    /// Reads its headers, which are in the order of `headers`.
    pub extract: for<'a> fn(&Fields<'a>, &Config, &mut Harvest<'a>),
    /// Writes its headers.
    pub inject: fn(&mut Writer<'_, '_>),
}
