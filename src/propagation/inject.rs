//! Writes a context as headers.

use super::config::Packed;
use super::list::STYLES;
use super::scratch::Scratch;
use super::writer::{Fault, Outgoing, Writer};
use crate::memory::Full;
use std::ffi::CStr;

/// Writes the headers of all styles in `config`. `each` gets name and value, and returns whether it wants more. The value
/// has a NUL behind it. `text` is where values are made.
#[inline]
pub fn inject<'a>(
    out: &'a Outgoing<'a>,
    config: &'a Packed,
    text: &'a mut Scratch,
    each: &mut dyn FnMut(&'static CStr, &[u8]) -> bool,
) -> Result<Option<Fault>, Full> {
    let mut writer = Writer::new(out, config, text, each);
    for number in config.inject().numbers() {
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
