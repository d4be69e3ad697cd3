//! Packs files into a zip archive in memory, one after the other, so that their texts need not be in memory together.

use crate::os_error::OsError;
use crate::sys;
use std::io::{self, Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// An archive that is being made.
pub struct Archive {
    zip: ZipWriter<Cursor<Vec<u8>>>,
    options: SimpleFileOptions,
    /// What went wrong first.
    error: Option<io::Error>,
}

impl Archive {
    /// An empty one. Only their owner may read its files once they are unpacked.
    pub fn new() -> Archive {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(now())
            .unix_permissions(0o600);
        Archive { zip: ZipWriter::new(Cursor::new(Vec::new())), options, error: None }
    }

    /// Adds a file. An error comes with the end.
    pub fn add(&mut self, name: &str, text: &str) {
        if self.error.is_none() {
            let begun = self.zip.start_file(name, self.options).map_err(io::Error::from);
            self.error = begun.and_then(|()| self.zip.write_all(text.as_bytes())).err();
        }
    }

    /// Ends it.
    pub fn finish(self) -> Result<Vec<u8>, OsError> {
        match self.error {
            Some(error) => Err(error.into()),
            None => Ok(self.zip.finish().map_err(io::Error::from)?.into_inner()),
        }
    }
}

/// Returns the time of the archive's entries, in UTC: the format knows no time zones.
fn now() -> DateTime {
    let (year, month, day, hour, minute, second) = sys::utc_time(sys::wall_ns());
    let parts = (u16::try_from(year), [month, day, hour, minute, second].map(|part| part as u8));
    let (Ok(year), [month, day, hour, minute, second]) = parts else { return DateTime::default() };
    DateTime::from_date_and_time(year, month, day, hour, minute, second).unwrap_or_default()
}
