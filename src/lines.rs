//! Writes whole lines to a file, pipe, terminal or socket that may be slow, full, closed or replaced by the host. Used
//! by the log and the `file://` exporter. A write waits no longer than the caller allows and raises no signal. A line
//! that was cut off does not spoil the next one.

// Opens descriptors of the host anew.
#![allow(clippy::disallowed_methods)]

use crate::os_error::FileFault;
use crate::sys::{self, Descriptor, Opened, Taken};
use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::time::Duration;

/// Bytes that a writable pipe accepts without blocking, even in blocking mode (`PIPE_BUF`).
const CHUNK: usize = 4096;

/// How often a regular file is looked at that seems to end inside a line, a millisecond apart.
const LOOKS: u32 = 5;

/// A descriptor of the host, such as standard error, and the file that it led to at first.
#[derive(Clone, Copy, Debug)]
pub struct Given {
    fd: RawFd,
    first: Option<Opened>,
}

impl Given {
    /// Remembers the descriptor and the file that it leads to now.
    pub fn now(fd: RawFd) -> Given {
        Given { fd, first: sys::opened(fd) }
    }

    /// Returns the number and the kind of file if it is writable, and either leads to the same file as at first or
    /// looks like a redirection by the host. Otherwise fails: if a host starts without standard error or closes it, the
    /// next file that it opens gets the number 2, and our lines must not go there.
    fn usable(&self) -> io::Result<(RawFd, u32)> {
        let now = sys::opened(self.fd).filter(|now| now.writable);
        let now = now.ok_or_else(|| io::Error::from_raw_os_error(libc::EBADF))?;
        if self.first.is_some_and(|first| first.id == now.id) || self.is_redirected(&now) {
            return Ok((self.fd, now.kind));
        }
        Err(FileFault::NotAnOutput.into())
    }

    /// Whether the file looks like one to which the host redirects its output.
    fn is_redirected(&self, now: &Opened) -> bool {
        let same = |fd: RawFd| sys::opened(fd).filter(|other| fd != self.fd && other.id == now.id);
        let both_outputs = [1, 2].into_iter().filter_map(same).any(|other| other.writable);
        match now.kind {
            // dup2() clears this flag. A program that sets it uses the descriptor for itself.
            _ if now.closed_by_exec => false,
            libc::S_IFCHR => true,
            libc::S_IFREG => now.appends || both_outputs,
            // Not the write end of a pipe whose read end is in this process: programs use such a pipe to wake their
            // event loop.
            libc::S_IFIFO => !(0..=self.fd).filter_map(same).any(|other| !other.writable),
            _ => false,
        }
    }
}

/// How a target is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A regular file that the library opened for appending.
    File,
    /// A regular file whose position is shared with the host.
    SharedFile,
    /// A pipe or terminal that the library opened in non-blocking mode.
    Pipe,
    /// A pipe or terminal whose mode the host controls.
    SharedPipe,
    Socket,
}

#[derive(Debug)]
enum Target {
    Given(Given),
    Ours(Descriptor, Kind),
}

/// A target for lines, with the state of the last write.
#[derive(Debug)]
pub struct Lines {
    target: Target,
    /// The last line timed out. Further lines do not wait until the target accepts bytes again.
    stalled: bool,
    /// The last line was cut off in its middle.
    torn: bool,
    /// The size of a regular file after the last line.
    size: u64,
}

impl Lines {
    fn to(target: Target) -> Lines {
        Lines { target, stalled: false, torn: false, size: 0 }
    }

    /// Writes to a descriptor of the host by its number, also after the host has redirected it.
    pub fn to_given(given: Given) -> Lines {
        Lines::to(Target::Given(given))
    }

    /// Writes to the file that a descriptor of the host leads to now, even if the host closes the number later. Opens
    /// pipes and terminals again, so that the host's descriptor keeps its blocking mode.
    pub fn to_copy(given: Given) -> io::Result<Lines> {
        let (fd, kind) = given.usable()?;
        if matches!(kind, libc::S_IFIFO | libc::S_IFCHR) {
            let again = PathBuf::from(format!("/proc/self/fd/{fd}"));
            let flags = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
            // Fails without /proc, and for another user's pipe.
            if let Ok(opened) = Descriptor::open(OpenOptions::new().write(true).custom_flags(flags), &again) {
                return Ok(Lines::to(Target::Ours(opened, Kind::Pipe)));
            }
        }
        let kind = match kind {
            libc::S_IFREG => Kind::SharedFile,
            libc::S_IFSOCK => Kind::Socket,
            _ => Kind::SharedPipe,
        };
        Ok(Lines::to(Target::Ours(Descriptor::copy_of(fd)?, kind)))
    }

    /// Writes to a file, pipe or terminal that was opened for appending in non-blocking mode.
    pub fn to_opened(opened: Descriptor) -> io::Result<Lines> {
        let facts = opened.file()?.metadata()?;
        let kind = if facts.is_file() { Kind::File } else { Kind::Pipe };
        let mut lines = Lines::to(Target::Ours(opened, kind));
        lines.look();
        Ok(lines)
    }

    /// Returns the open file if the library opened it and it is a regular file.
    pub fn regular(&self) -> Option<Result<&File, Taken>> {
        match &self.target {
            Target::Ours(opened, Kind::File) => Some(opened.file()),
            _ => None,
        }
    }

    /// Returns the size of a regular file after the last line.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads the size of a regular file again, because other processes write to it too. Their last line may be cut off.
    pub fn look(&mut self) {
        if let Some(size) = self.size_now().filter(|size| *size != self.size) {
            self.look_at_end(size);
        }
    }

    fn size_now(&self) -> Option<u64> {
        self.regular()?.ok()?.metadata().ok().map(|facts| facts.len())
    }

    /// Looks whether a file of this size ends inside a line. While another process writes a line, the file grows in
    /// steps and seems to end inside it, so a few looks follow.
    fn look_at_end(&mut self, mut size: u64) {
        let was_torn = self.torn;
        for look in 0..LOOKS {
            self.torn = self.ends_torn(size);
            // What was torn before and has not grown is no line on its way.
            let settled = !self.torn || (was_torn && size == self.size);
            self.size = size;
            if settled || look + 1 == LOOKS {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
            size = self.size_now().unwrap_or(size);
        }
    }

    /// Whether the last line was cut off in its middle.
    pub fn torn(&self) -> bool {
        self.torn
    }

    /// Sets whether the next line must begin with a newline because the last one was cut off. For a target that was
    /// opened again.
    pub fn after_torn(mut self, torn: bool) -> Lines {
        self.torn |= torn;
        self
    }

    /// Writes one line with its newline within `patience`. On error the line, or its end, is lost.
    pub fn write(&mut self, line: &[u8], patience: Duration) -> io::Result<()> {
        match &self.target {
            Target::Ours(opened, Kind::File) => {
                let size = opened.file()?.metadata()?.len();
                if self.torn || size != self.size {
                    self.look_at_end(size);
                }
                self.write_at_once(line)
            }
            Target::Ours(_, Kind::SharedFile) => self.write_at_once(line),
            _ => self.write_in_parts(line, patience),
        }
    }

    /// Writes several lines with their newlines in one call, where the target is a regular file of the library's own.
    /// `ends`: where each of them ends. Returns how many were written whole; [`Lines::write`] is for the others, and says
    /// why.
    pub fn write_together(&mut self, lines: &[u8], ends: &[usize]) -> usize {
        let Some(size) = self.size_now() else { return 0 };
        if size != self.size {
            self.look_at_end(size);
        }
        if self.torn {
            return 0;
        }
        let wrote = self.put(lines).unwrap_or(0);
        self.size += wrote as u64;
        let whole = ends.partition_point(|&end| end <= wrote);
        self.torn = whole.checked_sub(1).map_or(0, |last| ends[last]) < wrote;
        whole
    }

    /// Whether a file of this size ends inside a line, of this or another process.
    fn ends_torn(&self, size: u64) -> bool {
        match &self.target {
            Target::Ours(opened, Kind::File) if size > 0 => {
                last_byte(opened, size).map_or(self.torn, |last| last != b'\n')
            }
            _ => false,
        }
    }

    /// Writes in one call, so that lines of several processes do not mix.
    fn write_at_once(&mut self, line: &[u8]) -> io::Result<()> {
        let whole = if self.torn { Cow::Owned([b"\n", line].concat()) } else { Cow::Borrowed(line) };
        let mut done = 0;
        // If the first call writes only a part, a second call returns the error: a full disk, a quota, or a limit of
        // the process.
        for _ in 0..2 {
            let wrote = self.put(&whole[done..])?;
            done += wrote;
            self.size += wrote as u64;
            self.torn = done < whole.len();
            if !self.torn {
                return Ok(());
            }
        }
        Err(io::ErrorKind::StorageFull.into())
    }

    /// Writes in parts that a writable pipe accepts without blocking.
    fn write_in_parts(&mut self, line: &[u8], patience: Duration) -> io::Result<()> {
        let give_up = sys::monotonic_ns().saturating_add(patience.as_nanos() as u64);
        if self.torn {
            self.part(b"\n", give_up)?;
            self.torn = false;
        }
        let mut rest = line;
        while !rest.is_empty() {
            match self.part(&rest[..rest.len().min(CHUNK)], give_up) {
                Ok(wrote) => rest = &rest[wrote..],
                Err(error) => {
                    self.torn = rest.len() < line.len();
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Writes at most `bytes` in one write, and returns how many bytes the target took. Waits for the target until
    /// `give_up`, in nanoseconds of the monotonic clock, and then fails with `TimedOut`. After such a failure it does
    /// not wait at all until a write succeeds.
    fn part(&mut self, bytes: &[u8], give_up: u64) -> io::Result<usize> {
        loop {
            let left = if self.stalled { 0 } else { give_up.saturating_sub(sys::monotonic_ns()) };
            let fd = match &self.target {
                Target::Given(given) => given.usable()?.0,
                Target::Ours(opened, _) => opened.fd()?,
            };
            if !sys::wait_writable(fd, Duration::from_nanos(left)) {
                self.stalled = true;
                return Err(io::ErrorKind::TimedOut.into());
            }
            match self.put(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                // The pipe may accept fewer bytes than these, which only the write reports.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if left == 0 {
                        self.stalled = true;
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(error) => return Err(error),
                Ok(wrote) => {
                    self.stalled = false;
                    return Ok(wrote);
                }
            }
        }
    }

    /// Makes one write call, right after checking what the number leads to.
    fn put(&self, bytes: &[u8]) -> io::Result<usize> {
        match &self.target {
            Target::Given(given) => match given.usable()? {
                (fd, libc::S_IFIFO) => sys::write_without_waiting(fd, bytes),
                (fd, libc::S_IFSOCK) => sys::send_without_waiting(fd, bytes),
                (fd, _) => sys::write_once(fd, bytes),
            },
            Target::Ours(opened, Kind::SharedPipe) => sys::write_without_waiting(opened.fd()?, bytes),
            Target::Ours(opened, Kind::Socket) => sys::send_without_waiting(opened.fd()?, bytes),
            Target::Ours(opened, _) => sys::write_once(opened.fd()?, bytes),
        }
    }
}

/// Reads the last byte of a file that is open for writing only. `None` if it may not be read.
fn last_byte(opened: &Descriptor, size: u64) -> Option<u8> {
    let again = PathBuf::from(format!("/proc/self/fd/{}", opened.number()));
    let (again, mut last) = (Descriptor::open_to_read(&again).ok()?, [0]);
    let same = opened.file().ok()?.metadata().ok().map(|facts| identity(&facts));
    let file = again.file().ok()?;
    (file.metadata().ok().map(|facts| identity(&facts)) == same).then_some(())?;
    (file.read_at(&mut last, size - 1).ok()? == 1).then_some(last[0])
}

fn identity(facts: &std::fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (facts.dev(), facts.ino())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::fd::AsRawFd;
    use std::time::Instant;

    const PATIENCE: Duration = Duration::from_millis(200);

    fn to(writer: &impl AsRawFd) -> Lines {
        Lines::to_given(Given::now(writer.as_raw_fd()))
    }

    #[test]
    fn a_pipe_without_a_reader_costs_one_wait_and_is_used_again_when_read() {
        for copied in [false, true] {
            let (mut reader, writer) = io::pipe().expect("a pipe");
            let given = Given::now(writer.as_raw_fd());
            let mut lines = if copied { Lines::to_copy(given).expect("a copy") } else { Lines::to_given(given) };
            let line = [b'x'; 3000];
            let begun = Instant::now();
            let mut failures = 0;
            for _ in 0..1000 {
                failures += usize::from(lines.write(&line, PATIENCE).is_err());
            }
            assert!(failures > 900);
            assert!(begun.elapsed() < PATIENCE * 15, "{:?}", begun.elapsed());
            let mut buffer = vec![0; 1 << 16];
            assert!(reader.read(&mut buffer).expect("read") > 0);
            lines.write(b"again\n", PATIENCE).expect("there is room again");
            // The host's own descriptor must still block.
            let flags = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", writer.as_raw_fd())).expect("facts");
            assert!(flags.lines().any(|line| line == "flags:\t02000001"), "{flags}");
        }
    }

    #[test]
    fn a_closed_pipe_is_an_error_without_a_signal() {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let kind = to(&writer).write(b"x\n", PATIENCE).map_err(|error| error.kind());
        assert_eq!(kind, Err(io::ErrorKind::BrokenPipe));
        assert!(Lines::to_given(Given::now(-1)).write(b"x\n", PATIENCE).is_err());
    }

    #[test]
    fn a_line_after_a_torn_one_begins_on_its_own() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let mut lines = to(&writer);
        assert!(lines.write(&[b'x'; 1 << 20], PATIENCE).is_err());
        let mut buffer = vec![0; 1 << 20];
        let torn = reader.read(&mut buffer).expect("read");
        assert!(torn > 0);
        lines.write(b"whole\n", PATIENCE).expect("write");
        let got = reader.read(&mut buffer).expect("read");
        assert_eq!(&buffer[..got], b"\nwhole\n");
    }

    #[test]
    fn a_line_after_another_processs_torn_one_begins_on_its_own() {
        let path = std::env::temp_dir().join(format!("spanwire-lines-{}", sys::pid()));
        std::fs::write(&path, b"torn").expect("a file");
        let open = || Descriptor::open(OpenOptions::new().append(true), &path).expect("it opens");
        let mut lines = Lines::to_opened(open()).expect("lines");
        lines.write(b"one\n", PATIENCE).expect("write");
        lines.write(b"two\n", PATIENCE).expect("write");
        use std::io::Write;
        OpenOptions::new().append(true).open(&path).and_then(|mut other| other.write_all(b"half")).expect("other");
        lines.write(b"three\n", PATIENCE).expect("write");
        assert_eq!(std::fs::read_to_string(&path).expect("the file"), "torn\none\ntwo\nhalf\nthree\n");
        std::fs::remove_file(path).expect("removed");
    }

    #[test]
    fn a_file_opened_under_the_number_of_a_closed_stream_gets_no_lines() {
        let regular = Opened { id: (1, 2), kind: libc::S_IFREG, writable: true, appends: false, closed_by_exec: false };
        let closed = Given { fd: 2, first: None };
        assert!(!closed.is_redirected(&regular), "a data file");
        assert!(closed.is_redirected(&Opened { appends: true, ..regular }), "a log");
        assert!(!closed.is_redirected(&Opened { appends: true, closed_by_exec: true, ..regular }), "a private file");
        assert!(closed.is_redirected(&Opened { kind: libc::S_IFCHR, ..regular }), "/dev/null");
        assert!(!closed.is_redirected(&Opened { kind: libc::S_IFSOCK, ..regular }), "a connection");
    }
}
