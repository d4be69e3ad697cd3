//! Writes a context as headers.

use super::config::Config;
use super::list::STYLES;
use super::scratch::Scratch;
use super::writer::{Fault, Hex, Outgoing, Writer};
use crate::memory::Full;
use std::ffi::CStr;

/// Writes the headers of all styles in `config`. `each` gets name and value, and returns whether it wants more. The value
/// has a NUL behind it. `text` is where values are made.
pub fn inject(
    out: &Outgoing<'_>,
    config: &Config,
    text: &mut Scratch,
    each: &mut dyn FnMut(&'static CStr, &[u8]) -> bool,
) -> Result<Option<Fault>, Full> {
    let mut writer = Writer { out, config, hex: Hex::of(out), fault: None, text, each, full: false, ended: false };
    for number in config.inject.numbers() {
        (STYLES[number].inject)(&mut writer);
        writer.clear();
        if writer.ended {
            break;
        }
    }
    match writer.full {
        true => Err(Full),
        false => Ok(writer.fault),
    }
}
