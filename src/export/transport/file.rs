//! A file that takes payloads, for working without an agent. `/dev/stdout`, `/dev/stderr` and `/dev/fd/N` mean a copy
//! of that descriptor, so that a pipe or a terminal can take payloads too.

// Opens a file.
#![allow(clippy::disallowed_methods)]

use crate::lines::{Given, Lines};
use crate::sys::{self, Descriptor};
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::PathBuf;
use std::time::Duration;

/// How long a line may wait for a pipe that is full.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// A file that takes payloads.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    /// The host's descriptor that the path names, as it was when this value was made.
    given: Option<Given>,
    open: Option<Lines>,
    /// The last line was written incompletely, and its file is no longer open.
    torn: bool,
}

impl File {
    /// A file at `path`, opened with the first line.
    pub fn new(path: PathBuf) -> File {
        let given = sys::named_descriptor(&path).map(Given::now);
        File { path, given, open: None, torn: false }
    }

    /// Appends a line, usually in one write. Waits up to `patience` for a pipe that no process reads. After that, lines
    /// are refused at once until the pipe is read.
    pub fn write(&mut self, line: &[u8], patience: Duration) -> io::Result<()> {
        let mut written = self.append(line, patience);
        for _ in 0..sys::TAKEN_TRIES {
            if self.given.is_some() || !written.as_ref().is_err_and(sys::is_taken) {
                break;
            }
            // The host has closed the descriptor. The file is opened by its path again.
            written = self.append(line, patience);
        }
        written
    }

    fn append(&mut self, line: &[u8], patience: Duration) -> io::Result<()> {
        let lines = match &mut self.open {
            Some(lines) => lines,
            None => {
                let opened = self.open_path()?.after_torn(self.torn);
                self.open.insert(opened)
            }
        };
        let written = lines.write(line, patience);
        self.torn = lines.torn();
        if let Err(error) = &written {
            // A full disk or pipe may take the next line. After other errors the file is opened again.
            let stays = matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::StorageFull);
            if !stays {
                self.open = None;
            }
        }
        written
    }

    fn open_path(&self) -> io::Result<Lines> {
        if let Some(given) = self.given {
            return Lines::to_copy(given);
        }
        let mut options = OpenOptions::new();
        // Not blocking: opening a FIFO that no process reads is an error instead of a wait.
        options.append(true).create(true).mode(0o600).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
        let opened = Descriptor::open(&options, &self.path)?;
        if opened.file()?.metadata()?.file_type().is_block_device() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Lines::to_opened(opened)
    }
}
