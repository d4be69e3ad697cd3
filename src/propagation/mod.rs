//! Contexts in HTTP headers: how a trace continues in another process. One file for each style of headers, and one list
//! of them, [`list::STYLES`]: a new style is a file and an entry there.
//!
//! `collect` finds the headers of all styles in one pass, `extract` decides between styles that disagree, `inject`
//! writes, with `writer` into a `scratch`. `config` holds the settings, `found` what a style has read, `text` numbers in texts. Pure: no clock, no state,
//! no log. Work and memory are bounded by the limits of each style, whatever a header holds.

mod b3;
mod b3_single;
mod baggage;
mod collect;
mod config;
mod datadog;
mod dd_member;
mod extract;
mod found;
mod headers;
mod inject;
mod keys;
mod list;
mod none;
mod scratch;
mod style;
mod text;
mod tracecontext;
mod writer;

#[cfg(test)]
mod tests;

pub use config::{Behavior, Config, Packed, Styles};
#[cfg(test)]
pub use extract::Extracted;
pub use extract::{extract, Reading};
pub use inject::inject;
pub use keys::{ERROR, KEPT_RATE, ORIGIN, TRACESTATE};
pub use scratch::Scratch;
pub use text::hex_of;
pub use writer::{Consistent, Fault, Outgoing};
