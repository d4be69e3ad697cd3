//! Writes a flare to a file that only its owner may read.

// Makes and removes files.
#![allow(clippy::disallowed_methods)]

use crate::os_error::OsError;
use crate::sys::Descriptor;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes an archive to a new file with mode 0600. Follows no symbolic link at the path and replaces no file. If
/// writing fails, removes the file.
pub fn write(path: &Path, archive: &[u8]) -> Result<(), OsError> {
    let mut options = OpenOptions::new();
    // `create_new` fails on anything that exists at the path, on a symbolic link too.
    options.write(true).create_new(true).mode(0o600).custom_flags(libc::O_NOCTTY | libc::O_NOFOLLOW);
    let file = Descriptor::open(&options, path)?;
    write_all(&file, archive).map_err(|error| {
        // The archive is incomplete. If it cannot be removed, either, the first error says enough.
        let _ = fs::remove_file(path);
        OsError::from(error)
    })
}

fn write_all(file: &Descriptor, archive: &[u8]) -> io::Result<()> {
    let mut file = file.file()?;
    file.write_all(archive)?;
    file.sync_data()
}
