//! The list of styles.

use super::config::Styles;
use super::style::Style;
use super::{b3, b3_single, baggage, datadog, none, tracecontext};

/// All styles. A style's place is its number in [`Styles`].
pub const STYLES: &[Style] =
    &[datadog::STYLE, tracecontext::STYLE, b3::STYLE, b3_single::STYLE, baggage::STYLE, none::STYLE];

/// Finds a style by one of its names, in any case.
fn named(name: &str) -> Option<usize> {
    STYLES.iter().position(|style| style.names.iter().any(|known| known.eq_ignore_ascii_case(name)))
}

impl Styles {
    /// Reads names, separated by commas. `Err` has the name that no style has. `none` counts only if it is alone.
    pub fn parse(text: &str) -> Result<Styles, &str> {
        let (mut styles, mut count) = (Styles(0), 0);
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let number = named(name).ok_or(name)?;
            if !STYLES[number].headers.is_empty() && !styles.numbers().any(|other| other == number) {
                styles.0 |= (number as u64 + 1) << (4 * count);
                count += 1;
            }
        }
        Ok(styles)
    }

    /// The accepted names, of each style the first one.
    pub fn names() -> impl Iterator<Item = &'static str> {
        STYLES.iter().map(|style| style.names[0])
    }
}
