//! Opens log files, and refuses those that an attacker may have put there.

// Opens files and makes folders.
#![allow(clippy::disallowed_methods)]

use crate::lines::{Given, Lines};
use crate::os_error::FileFault;
use crate::settings::FileConfig;
use crate::sys::{self, Descriptor};
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Error, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};

/// How often a file is opened again that is removed just then.
const OPEN_TRIES: u32 = 5;

/// An open file.
pub(super) struct Target {
    pub lines: Lines,
    /// Device and inode of a regular file; none of a terminal, a pipe, or a copy of a descriptor.
    pub identity: Option<(u64, u64)>,
}

/// Returns the options that every opening of a log file has.
pub(super) fn options(config: &FileConfig) -> OpenOptions {
    let mut options = OpenOptions::new();
    // O_NONBLOCK: opening a FIFO without a reader must not block the log thread.
    let flags = libc::O_NOFOLLOW | libc::O_CLOEXEC | libc::O_NOCTTY | libc::O_NONBLOCK;
    options.append(true).create(true).mode(config.mode).custom_flags(flags);
    options
}

/// Opens a file for the first time.
pub(super) fn begin(config: &FileConfig, given: Option<Given>) -> io::Result<Target> {
    if let (true, Some(folder)) = (config.make_folders, config.path.parent()) {
        fs::create_dir_all(folder)?;
    }
    let mut target = open(config, given)?;
    if let (true, Some(file)) = (config.truncate, target.lines.regular()) {
        file?.set_len(0)?;
        target.lines.look();
    }
    Ok(target)
}

/// Refuses a file that another user has made there, to read what we write.
pub(super) fn only_ours(target: Target) -> io::Result<Target> {
    match target.lines.regular() {
        Some(file) if file?.metadata()?.uid() != sys::user() => Err(ErrorKind::PermissionDenied.into()),
        _ => Ok(target),
    }
}

/// Opens a file.
pub(super) fn open(config: &FileConfig, given: Option<Given>) -> io::Result<Target> {
    if let Some(given) = given {
        return Ok(Target { lines: Lines::to_copy(given)?, identity: None });
    }
    let (mut file, mut made) = open_or_make(config)?;
    let mut facts = file.file()?.metadata()?;
    if facts.file_type().is_block_device() {
        return Err(Error::from(ErrorKind::Unsupported));
    }
    if !facts.file_type().is_file() {
        return Ok(Target { lines: Lines::to_opened(file)?, identity: None });
    }
    for left in (0..OPEN_TRIES).rev() {
        match sole_name(&file) {
            Ok(()) => break,
            // Another process may have rotated it at this moment.
            Err(error) if error.kind() == ErrorKind::NotFound && left > 0 => {}
            Err(error) => return Err(error),
        }
        (file, made) = open_or_make(config)?;
        facts = file.file()?.metadata()?;
    }
    // A file that another process made keeps its permissions.
    if config.exact_mode && made {
        let _ = file.file()?.set_permissions(fs::Permissions::from_mode(config.mode & 0o777));
    }
    Ok(Target { lines: Lines::to_opened(file)?, identity: Some(identity(&facts)) })
}

/// Opens or makes the file. Returns whether it made it.
fn open_or_make(config: &FileConfig) -> io::Result<(Descriptor, bool)> {
    match Descriptor::open(options(config).create_new(true), &config.path) {
        Ok(file) => Ok((file, true)),
        // It may be a symbolic link; opening without `create_new` follows none.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Ok((Descriptor::open(&options(config), &config.path)?, false))
        }
        Err(error) => Err(error),
    }
}

/// Refuses a file that has a second name, or whose own name was removed. A second name may be a trick: an attacker
/// makes a hard link to another user's file, so that the library writes to that file. If the attacker removes the link
/// after the open, the file has one name again, but a different one. A removed name does not come back, so this is
/// checked after the number of names. Without `/proc`, only the number of names is checked.
fn sole_name(file: &Descriptor) -> io::Result<()> {
    match file.file()?.metadata()?.nlink() {
        0 | 1 => {}
        _ => return Err(FileFault::HardLink.into()),
    }
    match fs::read_link(format!("/proc/self/fd/{}", file.fd()?)) {
        Ok(name) if name.as_os_str().as_bytes().ends_with(b" (deleted)") => Err(FileFault::Removed.into()),
        _ => Ok(()),
    }
}

/// Returns device and inode.
pub(super) fn identity(facts: &Metadata) -> (u64, u64) {
    (facts.dev(), facts.ino())
}
