//! The style `none`: no headers. For a list of styles that would otherwise be the default.

use super::style::Style;

pub const STYLE: Style = Style { names: &["none"], headers: &[], extract: None, inject: |_| {} };
