//! Reads files that settings name: whole, up to a limit, without waiting for the writer of a FIFO.

use super::rejection::ConfigFileFault;
use crate::sys::{self, Descriptor};
use std::path::Path;

/// The largest file, in bytes.
const FILE_MAX: u64 = 1_000_000;

/// Reads a file that a setting names.
#[allow(clippy::disallowed_methods)] // Opens the file.
pub fn read(path: &Path) -> Result<Vec<u8>, ConfigFileFault> {
    let opened = Descriptor::open_to_read(path);
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => ConfigFileFault::Missing,
        _ => ConfigFileFault::Unreadable(error.into()),
    };
    let file = opened.map_err(unreadable)?;
    let is_file = |open: &std::fs::File| Ok(open.metadata()?.is_file());
    if !file.file().map_err(std::io::Error::from).and_then(is_file).map_err(unreadable)? {
        return Err(ConfigFileFault::NotAFile);
    }
    let text = sys::read_all(&file, FILE_MAX + 1).map_err(unreadable)?;
    if text.len() as u64 > FILE_MAX {
        return Err(ConfigFileFault::TooLarge { max_bytes: FILE_MAX });
    }
    Ok(text.strip_prefix(b"\xef\xbb\xbf".as_slice()).map_or_else(|| text.clone(), <[u8]>::to_vec))
}
