//! Bounded writes to a descriptor that may be slow, broken or somebody else's: standard error, and what `/dev/fd/N`
//! names. Nothing here opens, closes or formats.

use crate::sys;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// How long one line waits for a reader.
const PATIENCE: Duration = Duration::from_millis(200);
/// What a pipe that is ready takes without blocking, whatever its mode (`PIPE_BUF`).
const CHUNK: usize = 4096;

/// A descriptor and what its last writes taught.
#[derive(Debug)]
pub(super) struct Stream {
    fd: RawFd,
    /// What keeps `fd` open, if that is ours to do.
    _held: Option<OwnedFd>,
    /// The last line ran out of patience; the next ones do not wait until somebody reads again.
    stalled: bool,
    /// The last line broke off in its middle.
    torn: bool,
}

impl Stream {
    /// A descriptor of the host's.
    pub fn new(fd: RawFd) -> Stream {
        Stream { fd, _held: None, stalled: false, torn: false }
    }

    /// A descriptor of ours.
    pub fn owning(fd: OwnedFd) -> Stream {
        Stream { fd: fd.as_raw_fd(), _held: Some(fd), stalled: false, torn: false }
    }

    /// Writes one line, newline included, within [`PATIENCE`].
    pub fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let give_up = sys::monotonic_ns() + PATIENCE.as_nanos() as u64;
        if self.torn {
            self.chunk(b"\n", give_up)?;
            self.torn = false;
        }
        let mut rest = line;
        while !rest.is_empty() {
            match self.chunk(&rest[..rest.len().min(CHUNK)], give_up) {
                Ok(wrote) => rest = &rest[wrote..],
                Err(error) => {
                    self.torn = rest.len() < line.len();
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn chunk(&mut self, bytes: &[u8], give_up: u64) -> io::Result<usize> {
        loop {
            let left = if self.stalled { 0 } else { give_up.saturating_sub(sys::monotonic_ns()) };
            if !sys::wait_writable(self.fd, Duration::from_nanos(left)) {
                self.stalled = true;
                return Err(io::ErrorKind::TimedOut.into());
            }
            match sys::write_once(self.fd, bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                // A socket may be ready for fewer bytes than these, and say so only now.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && left > 0 => continue,
                Err(error) => return Err(error),
                Ok(wrote) => {
                    self.stalled = false;
                    return Ok(wrote);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::fd::AsRawFd;
    use std::time::Instant;

    #[test]
    fn a_pipe_that_nobody_reads_costs_one_wait_and_is_used_again_when_read() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let mut stream = Stream::new(writer.as_raw_fd());
        let line = [b'x'; 3000];
        let begun = Instant::now();
        let mut failures = 0;
        for _ in 0..1000 {
            failures += usize::from(stream.write(&line).is_err());
        }
        assert!(failures > 900);
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        let mut buffer = vec![0; 1 << 16];
        assert!(reader.read(&mut buffer).expect("read") > 0);
        stream.write(b"again\n").expect("there is room again");
    }

    #[test]
    fn a_reader_that_left_is_an_error_and_nothing_worse() {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let kind = Stream::new(writer.as_raw_fd()).write(b"x\n").map_err(|error| error.kind());
        assert_eq!(kind, Err(io::ErrorKind::BrokenPipe));
        assert!(Stream::new(-1).write(b"x\n").is_err());
    }

    #[test]
    fn a_line_after_a_torn_one_begins_on_its_own() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let mut stream = Stream::new(writer.as_raw_fd());
        assert!(stream.write(&[b'x'; 1 << 20]).is_err());
        let mut buffer = vec![0; 1 << 20];
        let torn = reader.read(&mut buffer).expect("read");
        assert!(torn > 0);
        stream.write(b"whole\n").expect("write");
        let got = reader.read(&mut buffer).expect("read");
        assert_eq!(&buffer[..got], b"\nwhole\n");
    }
}
