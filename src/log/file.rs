//! The log file: appending, rotating, and noticing that another process rotated. Only the log thread uses it.

// Renames and removes files.
#![allow(clippy::disallowed_methods)]

mod open;

use super::retention;
use crate::lines::Given;
use crate::os_error::OsError;
use crate::settings::FileConfig;
use crate::sys::{self, Descriptor};
use open::{begin, identity, only_ours, open, options, Target};
use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often the path is compared with what is open, and how long a failed opening or rotation is left alone.
const CHECK_NS: u64 = 1_000_000_000;
/// How long a rotation waits for that of another process.
const LOCK_PATIENCE_MS: u64 = 200;

/// The log goes to another file than the settings say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Moved {
    /// The file that cannot be written.
    pub wanted: PathBuf,
    /// The file that is written instead.
    pub used: PathBuf,
    /// Why.
    pub error: OsError,
}

/// The file as the log thread holds it.
pub(super) struct LogFile {
    config: FileConfig,
    /// How long one line waits for a reader.
    patience: Duration,
    /// The host's descriptor that the path names, as it was when this was made.
    given: Option<Given>,
    target: Option<Target>,
    checked_ns: u64,
    /// When opening or rotating failed last, and why. Lines are refused with this error for a second.
    failed: Option<(u64, io::Error)>,
    /// Whether it was open before: then it is not emptied again, and old files are not deleted again.
    was_open: bool,
    /// Why it is not at its path, until `moved` is called.
    moved: Option<Moved>,
}

impl LogFile {
    /// `given` is the host's descriptor that the path names, if it names one.
    pub fn new(config: FileConfig, given: Option<Given>, patience: Duration) -> LogFile {
        LogFile { config, patience, given, target: None, checked_ns: 0, failed: None, was_open: false, moved: None }
    }

    /// Whether the file, or the one in its place, is open.
    pub fn is_open(&self) -> bool {
        self.target.is_some()
    }

    pub fn path(&self) -> &Path {
        &self.config.path
    }

    /// Appends one line, newline included, opening and rotating first as needed. An error means that the line was lost;
    /// opening and rotating are tried again after a second.
    pub fn write(&mut self, line: &[u8], now_ns: u64) -> io::Result<()> {
        match &self.failed {
            Some((since, error)) if now_ns.saturating_sub(*since) < CHECK_NS => return Err(same(error)),
            _ => self.failed = None,
        }
        let mut written = self.append(line, now_ns);
        for _ in 0..sys::TAKEN_TRIES {
            if self.given.is_some() || !written.as_ref().is_err_and(sys::is_taken) {
                break;
            }
            // The host has closed the descriptor.
            (self.target, self.failed) = (None, None);
            written = self.append(line, now_ns);
        }
        written
    }

    /// Appends several lines, which end at `ends`, in one call, if the file is open and has room for them. Returns how many
    /// were written whole; [`LogFile::write`] is for the others.
    pub fn write_together(&mut self, lines: &[u8], ends: &[usize], now_ns: u64) -> usize {
        if self.failed.is_some() || self.given.is_some() {
            return 0;
        }
        if self.target.is_some() && now_ns.saturating_sub(self.checked_ns) >= CHECK_NS {
            self.check(now_ns);
        }
        let (most, length) = (self.config.max_bytes, lines.len() as u64);
        match &mut self.target {
            Some(target) if most == 0 || target.lines.size() + length <= most => {
                target.lines.write_together(lines, ends)
            }
            _ => 0,
        }
    }

    fn append(&mut self, line: &[u8], now_ns: u64) -> io::Result<()> {
        self.prepare(line.len() as u64, now_ns).inspect_err(|error| self.failed = Some((now_ns, same(error))))?;
        match &mut self.target {
            Some(target) => target.lines.write(line, self.patience),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    fn prepare(&mut self, length: u64, now_ns: u64) -> io::Result<()> {
        if self.target.is_some() && now_ns.saturating_sub(self.checked_ns) >= CHECK_NS {
            self.check(now_ns);
        }
        if self.target.is_none() {
            self.target = Some(if self.was_open { open(&self.config, self.given)? } else { self.open_first()? });
            self.was_open = true;
            self.checked_ns = now_ns;
        }
        match &self.target {
            Some(Target { lines, identity: Some(held) })
                if self.config.max_bytes > 0 && lines.size() > 0 && lines.size() + length > self.config.max_bytes =>
            {
                self.rotate(*held)
            }
            _ => Ok(()),
        }
    }

    /// Opens the file for the first time, at another path if it has one and its own cannot be used.
    fn open_first(&mut self) -> io::Result<Target> {
        let opened = match (begin(&self.config, self.given), self.config.or_else.clone()) {
            (Err(error), Some(path)) => {
                let instead = FileConfig { path, or_else: None, ..self.config.clone() };
                let target = begin(&instead, None).and_then(only_ours).map_err(|_| same(&error))?;
                let (wanted, used) = (self.config.path.clone(), instead.path.clone());
                self.moved = Some(Moved { wanted, used, error: error.into() });
                (self.config, self.given) = (instead, None);
                target
            }
            (opened, _) => opened?,
        };
        if let (Some(retention), Some(folder)) = (&self.config.retention, self.config.path.parent()) {
            retention::apply(retention, folder, std::time::SystemTime::now());
        }
        Ok(opened)
    }

    /// Returns, once, why the file is not at its path.
    pub fn moved(&mut self) -> Option<Moved> {
        self.moved.take()
    }

    /// Closes a file that is no longer the one at the path, and updates the size, which other processes change.
    fn check(&mut self, now_ns: u64) {
        self.checked_ns = now_ns;
        let Some(Target { lines, identity: Some(held) }) = &mut self.target else { return };
        match fs::symlink_metadata(&self.config.path) {
            Ok(there) if identity(&there) == *held => lines.look(),
            _ => self.target = None,
        }
    }

    /// Renames every file to the next number and opens a new one, unless another process has done so.
    fn rotate(&mut self, held: (u64, u64)) -> io::Result<()> {
        let lock = Descriptor::open(&options(&self.config), &numbered(&self.config.path, "lock"))?;
        let give_up = sys::monotonic_ns() + LOCK_PATIENCE_MS * 1_000_000;
        while !sys::lock_file(lock.fd()?)? {
            if sys::monotonic_ns() > give_up {
                // Another process is rotating: this line still goes to the file that is open.
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let path = &self.config.path;
        if fs::symlink_metadata(path).is_ok_and(|there| identity(&there) == held) {
            if self.config.backups == 0 {
                fs::remove_file(path)?;
            }
            for n in (0..self.config.backups).rev() {
                let from = if n == 0 { path.clone() } else { numbered(path, &n.to_string()) };
                match fs::rename(from, numbered(path, &(n + 1).to_string())) {
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
        self.target = None;
        self.target = Some(open(&self.config, None)?);
        Ok(())
    }
}

/// Copies an error, with its number or its text.
fn same(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(errno) => io::Error::from_raw_os_error(errno),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

fn numbered(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests;
