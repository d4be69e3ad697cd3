//! Packs files into a zip archive in memory.

use super::contents::File;
use crate::os_error::OsError;
use crate::sys;
use std::io::{self, Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Returns the archive of these files, which only their owner may read once they are unpacked.
pub fn pack(files: &[File]) -> Result<Vec<u8>, OsError> {
    packed(files).map_err(OsError::from)
}

fn packed(files: &[File]) -> io::Result<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(now())
        .unix_permissions(0o600);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for file in files {
        zip.start_file(file.name.as_str(), options)?;
        zip.write_all(file.text.as_bytes())?;
    }
    Ok(zip.finish()?.into_inner())
}

/// Returns the time of the archive's entries, in UTC: the format knows no time zones.
fn now() -> DateTime {
    let (year, month, day, hour, minute, second) = sys::utc_time(sys::wall_ns());
    let parts = (u16::try_from(year), [month, day, hour, minute, second].map(|part| part as u8));
    let (Ok(year), [month, day, hour, minute, second]) = parts else { return DateTime::default() };
    DateTime::from_date_and_time(year, month, day, hour, minute, second).unwrap_or_default()
}
