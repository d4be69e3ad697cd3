//! How a log file is kept, as data: decided by settings, carried out by the log.

use std::path::PathBuf;

/// Where and how to keep a log file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileConfig {
    /// The path. `/dev/stdout`, `/dev/stderr` and `/dev/fd/N` mean a copy of that descriptor, which is never rotated.
    pub path: PathBuf,
    /// The size in bytes at which the file is rotated; 0 is never.
    pub max_bytes: u64,
    /// Rotated files kept, as `path.1` (the latest) to `path.N`.
    pub backups: u32,
    /// Permissions of a new file, less the process's umask.
    pub mode: u32,
    /// Whether the permissions hold whatever the umask is.
    pub exact_mode: bool,
    /// Whether missing folders are made.
    pub make_folders: bool,
    /// Whether an existing file is emptied when it is first opened, instead of appended to.
    pub truncate: bool,
    /// The path to use if `path` cannot be opened at first.
    pub or_else: Option<PathBuf>,
    /// Whether records go to standard error while the file cannot be opened.
    pub else_stderr: bool,
    /// Which old files of its folder are deleted when it is first opened.
    pub retention: Option<Retention>,
}

/// Old log files that are deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Days since a file was last written.
    pub days: u64,
    /// What the names of the files begin with; they end in `.log`, or in `.log.` and a number.
    pub prefixes: Vec<String>,
}
