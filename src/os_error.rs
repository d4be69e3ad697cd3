//! An error of the operating system as a value: a number, a kind, or one of the few errors that have neither. Events
//! carry it, so that each language can say it in its own words.

use crate::sys;
use std::fmt;
use std::io;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OsError {
    /// The system's error number.
    Errno(i32),
    /// An error that the standard library or the library itself detects, without a number: a time-out, a full disk.
    Kind(io::ErrorKind),
    /// The host has closed a descriptor of the library.
    DescriptorTaken,
    /// A file that the library does not write to.
    File(FileFault),
    /// An error that has words only, such as a name server's. They come from outside of the library.
    Words(Box<str>),
}

impl OsError {
    /// Returns the standard library's kind of this error.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            OsError::Errno(errno) => io::Error::from_raw_os_error(*errno).kind(),
            OsError::Kind(kind) => *kind,
            OsError::File(fault) => fault.kind(),
            OsError::DescriptorTaken | OsError::Words(_) => io::ErrorKind::Other,
        }
    }

    /// Returns the text for the middle of a sentence: with a small first letter, and without its number.
    pub fn plain(&self) -> String {
        let text = self.without_number();
        let mut letters = text.chars();
        letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
    }

    /// Returns the system's text of the error, without its number.
    pub fn without_number(&self) -> String {
        match self {
            OsError::Errno(errno) => {
                // The standard library has no other way to the system's text.
                let text = io::Error::from_raw_os_error(*errno).to_string();
                text.split(" (os error").next().unwrap_or_default().to_string()
            }
            _ => self.to_string(),
        }
    }
}

impl From<&io::Error> for OsError {
    fn from(error: &io::Error) -> OsError {
        if let Some(errno) = error.raw_os_error() {
            return OsError::Errno(errno);
        }
        let Some(inner) = error.get_ref() else { return OsError::Kind(error.kind()) };
        match inner.downcast_ref::<FileFault>() {
            Some(fault) => OsError::File(*fault),
            None if sys::is_taken(error) => OsError::DescriptorTaken,
            None => OsError::Words(inner.to_string().into()),
        }
    }
}

impl From<io::Error> for OsError {
    fn from(error: io::Error) -> OsError {
        OsError::from(&error)
    }
}

impl fmt::Display for OsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OsError::Errno(errno) => io::Error::from_raw_os_error(*errno).fmt(f),
            OsError::Kind(kind) => kind.fmt(f),
            OsError::DescriptorTaken => sys::Taken.fmt(f),
            OsError::File(fault) => fault.fmt(f),
            OsError::Words(words) => f.write_str(words),
        }
    }
}

/// Why a file that could be opened is not written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileFault {
    /// The host has closed one of its own streams, and its number leads to another file.
    NotAnOutput,
    /// The file has another name, under which it may be anything.
    HardLink,
    /// Another process removed the file while it was being opened.
    Removed,
}

impl FileFault {
    fn kind(self) -> io::ErrorKind {
        match self {
            FileFault::NotAnOutput => io::ErrorKind::Other,
            FileFault::HardLink => io::ErrorKind::PermissionDenied,
            FileFault::Removed => io::ErrorKind::NotFound,
        }
    }
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FileFault::NotAnOutput => "the process closed it, and its number leads to a file that is no output",
            FileFault::HardLink => "it is a hard link to a file with other names",
            FileFault::Removed => "it was removed while it was being opened",
        })
    }
}

impl std::error::Error for FileFault {}

impl From<FileFault> for io::Error {
    fn from(fault: FileFault) -> io::Error {
        io::Error::new(fault.kind(), fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_as_the_standard_library_says_it() {
        for error in [
            io::Error::from_raw_os_error(libc::ENOENT),
            io::ErrorKind::TimedOut.into(),
            io::ErrorKind::StorageFull.into(),
            io::Error::other("said by a name server"),
            io::Error::from(sys::Taken),
            FileFault::NotAnOutput.into(),
            FileFault::HardLink.into(),
            FileFault::Removed.into(),
        ] {
            let value = OsError::from(&error);
            assert_eq!((value.to_string(), value.kind()), (error.to_string(), error.kind()));
        }
        assert_eq!(OsError::Errno(libc::ECONNREFUSED).plain(), "connection refused");
        assert_eq!(OsError::Errno(libc::EAGAIN).without_number(), "Resource temporarily unavailable");
        assert_eq!(OsError::from(io::Error::from(sys::Taken)), OsError::DescriptorTaken);
        assert_eq!(OsError::from(io::Error::from(FileFault::Removed)), OsError::File(FileFault::Removed));
    }
}
