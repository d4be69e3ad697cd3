//! The library's descriptors. The host may close any of them at any time, and open its own file under the same number.
//!
//! A [`Descriptor`] is never 0, 1 or 2, and is closed by exec. It remembers which file or socket its number referred to
//! when it was made, and compares right before each use and before it closes the number. If the number refers to
//! something else, it is the host's, and the library neither uses nor closes it. The kernel has no call that compares
//! and uses in one step, so a host can still exchange the number in between. For sockets the library therefore uses
//! only calls that fail on anything but a socket.
//!
//! A static table lists all descriptors, so that a forked child can close those of its parent.

use super::generation::generation;
use super::{keep_errno, numbered};
use rustix::fs::OFlags;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering::*};

/// The lowest number that is not a standard stream.
const LOWEST: RawFd = 3;

/// Error: the host has closed the descriptor, and may have opened something else under its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken;

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host has closed or replaced this descriptor of the library")
    }
}

impl std::error::Error for Taken {}

impl From<Taken> for io::Error {
    fn from(taken: Taken) -> io::Error {
        io::Error::other(taken)
    }
}

/// How often something is opened anew after [`is_taken`]. A host that closes all its descriptors in a loop may close the
/// new one, too, but never many in a row.
pub const TAKEN_TRIES: u32 = 5;

/// Whether the error says that the host has closed or replaced the descriptor: [`Taken`], or what the kernel says of it.
pub fn is_taken(error: &io::Error) -> bool {
    // EBADF: the host has closed it between our look at it and its use.
    error.raw_os_error() == Some(libc::EBADF) || error.get_ref().is_some_and(|inner| inner.is::<Taken>())
}

/// Identifies the file or socket that a number refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Identity {
    /// The kernel never uses a cookie for two sockets.
    Socket { cookie: u64 },
    /// If the host opens the same file, only the flags can differ from the library's: see [`flags_of`].
    File { device: u64, inode: u64, flags: u64 },
}

impl Identity {
    fn of(fd: RawFd) -> Option<Identity> {
        if let Some(cookie) = cookie_of(fd) {
            return Some(Identity::Socket { cookie });
        }
        let (device, inode) = super::file_id(fd)?;
        Some(Identity::File { device, inode, flags: flags_of(fd)? })
    }

    /// Whether the number still refers to this file or socket.
    fn is_at(self, fd: RawFd) -> bool {
        match self {
            Identity::Socket { cookie } => cookie_of(fd) == Some(cookie),
            Identity::File { device, inode, flags } => {
                super::file_id(fd) == Some((device, inode)) && flags_of(fd) == Some(flags)
            }
        }
    }

    fn words(self) -> [u64; 3] {
        match self {
            Identity::Socket { cookie } => [cookie, 0, u64::MAX],
            Identity::File { device, inode, flags } => [device, inode, flags],
        }
    }

    fn from_words([first, second, third]: [u64; 3]) -> Identity {
        match third {
            u64::MAX => Identity::Socket { cookie: first },
            flags => Identity::File { device: first, inode: second, flags },
        }
    }
}

/// Returns the kernel's cookie of a socket. `None` if `fd` is not a socket.
fn cookie_of(fd: RawFd) -> Option<u64> {
    rustix::net::sockopt::socket_cookie(numbered(fd)).ok()
}

/// Returns the flags with which a file was opened, and its close-on-exec flag. Leaves out the flags that a host may
/// change later on a file that it shares with the library.
fn flags_of(fd: RawFd) -> Option<u64> {
    const ASYNC: OFlags = OFlags::from_bits_retain(libc::O_ASYNC as u32);
    let changeable = OFlags::APPEND | ASYNC | OFlags::DIRECT | OFlags::NOATIME | OFlags::NONBLOCK;
    let opened = rustix::fs::fcntl_getfl(numbered(fd)).ok()?.difference(changeable);
    let own = rustix::io::fcntl_getfd(numbered(fd)).ok()?;
    Some(u64::from(opened.bits()) | u64::from(own.bits()) << 32)
}

/// A descriptor of the library; see the module.
pub struct Descriptor {
    file: ManuallyDrop<File>,
    identity: Identity,
    listed: Option<&'static Place>,
}

impl fmt::Debug for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Descriptor({})", self.number())
    }
}

impl Descriptor {
    /// Opens a path. Exec closes the descriptor.
    pub fn open(options: &OpenOptions, path: &Path) -> io::Result<Descriptor> {
        Descriptor::keep(options.open(path)?.into())
    }

    /// Opens a path for reading. Does not wait for the writer of a FIFO.
    pub fn open_to_read(path: &Path) -> io::Result<Descriptor> {
        Descriptor::open(OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY), path)
    }

    /// Duplicates a descriptor of the host. The copy shares its file position and flags.
    pub fn copy_of(fd: RawFd) -> io::Result<Descriptor> {
        Descriptor::keep(rustix::io::fcntl_dupfd_cloexec(numbered(fd), LOWEST)?)
    }

    /// Takes over a descriptor that was just made and that exec closes. Moves it to a number above the standard
    /// streams. Fails with [`Taken`] if the host has closed it already.
    pub(super) fn keep(made: OwnedFd) -> io::Result<Descriptor> {
        let fd = made.into_raw_fd();
        let Some(identity) = Identity::of(fd) else { return Err(Taken.into()) };
        if fd >= LOWEST {
            return Ok(Descriptor::of(fd, identity));
        }
        let higher = rustix::io::fcntl_dupfd_cloexec(numbered(fd), LOWEST);
        close_if(fd, identity);
        Ok(Descriptor::of(higher?.into_raw_fd(), identity))
    }

    fn of(fd: RawFd, identity: Identity) -> Descriptor {
        let listed = list(fd, identity);
        // SAFETY: the number is ours. Only `close_if` closes it, because the file is never dropped.
        Descriptor { file: ManuallyDrop::new(unsafe { File::from_raw_fd(fd) }), identity, listed }
    }

    /// Returns the number, whether or not it is still ours.
    pub fn number(&self) -> RawFd {
        self.file.as_raw_fd()
    }

    /// Whether the number still refers to the library's file or socket.
    pub fn still_ours(&self) -> bool {
        self.identity.is_at(self.number())
    }

    /// Returns the number, for immediate use. Fails if the host has taken it.
    pub fn fd(&self) -> Result<RawFd, Taken> {
        self.file().map(AsRawFd::as_raw_fd)
    }

    /// Returns the descriptor, for immediate use. Fails if the host has taken its number.
    pub fn borrowed(&self) -> Result<BorrowedFd<'_>, Taken> {
        self.file().map(AsFd::as_fd)
    }

    /// Returns the file, for immediate use. Fails if the host has taken its number.
    pub fn file(&self) -> Result<&File, Taken> {
        if self.still_ours() {
            Ok(&self.file)
        } else {
            Err(Taken)
        }
    }

    /// Keeps the descriptor open until the process ends. A forked child closes its copy when it first calls the
    /// library.
    pub fn stay_open(self) {
        std::mem::forget(self);
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        keep_errno(|| close_if(self.number(), self.identity));
        if let Some(place) = self.listed {
            place.state.store(FREE, Release);
        }
    }
}

/// Closes the number if it still refers to this file or socket.
fn close_if(fd: RawFd, identity: Identity) {
    if identity.is_at(fd) {
        // SAFETY: the number was just seen to be ours. Not closed through `File`, which requires that no one else
        // closes it.
        unsafe { libc::close(fd) };
    }
}

/// More descriptors than the library ever has open: for each of 64 agents a connection and one being made, and the
/// log's.
const PLACES: usize = 256;
const FREE: u32 = 0;
const BEING_SET: u32 = 1;
const SET: u32 = 2;

/// An open descriptor in the table.
struct Place {
    state: AtomicU32,
    fd: AtomicI32,
    identity: [AtomicU64; 3],
    /// The generation of the process that opened it.
    generation: AtomicU32,
}

static TABLE: [Place; PLACES] = [const {
    Place {
        state: AtomicU32::new(FREE),
        fd: AtomicI32::new(-1),
        identity: [const { AtomicU64::new(0) }; 3],
        generation: AtomicU32::new(0),
    }
}; PLACES];

/// Where the search for a free place begins. It moves on, so that a place keeps what it held for a while after it is
/// free: see [`close_inherited`].
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// Enters a descriptor in the table. Returns `None` if the table is full; a forked child then keeps the descriptor
/// open.
fn list(fd: RawFd, identity: Identity) -> Option<&'static Place> {
    let claimed = |place: &&Place| place.state.compare_exchange(FREE, BEING_SET, AcqRel, Relaxed).is_ok();
    let next = NEXT.fetch_add(1, Relaxed) % PLACES;
    let place = TABLE[next..].iter().chain(&TABLE[..next]).find(claimed)?;
    place.fd.store(fd, Relaxed);
    for (word, value) in place.identity.iter().zip(identity.words()) {
        word.store(value, Relaxed);
    }
    place.generation.store(generation(), Relaxed);
    place.state.store(SET, Release);
    Some(place)
}

/// Closes the descriptors that an ancestor opened, where the number still refers to the same file or socket. A forked
/// child calls this.
///
/// A fork copies the descriptors before the memory. If a thread of the parent closes a socket in between, the child has
/// the socket, and its copy of the table says that the place is free. So sockets of free places are looked at, too. Files
/// are not: a host may have opened the same file in the same way, whereas no two sockets have the same cookie.
pub fn close_inherited() {
    let current = generation();
    for place in &TABLE {
        let state = place.state.load(Acquire);
        if place.generation.load(Relaxed) == current && state != BEING_SET {
            continue;
        }
        let fd = place.fd.swap(-1, Relaxed);
        let identity = Identity::from_words(place.identity.each_ref().map(|word| word.load(Relaxed)));
        // A thread of the parent may have been entering a descriptor during the fork. That one stays open.
        if fd >= 0 && (state == SET || (state == FREE && matches!(identity, Identity::Socket { .. }))) {
            close_if(fd, identity);
        }
        place.state.store(FREE, Release);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Event;
    use super::*;
    use std::io::Write;

    fn null() -> Descriptor {
        Descriptor::open(OpenOptions::new().write(true), Path::new("/dev/null")).expect("it opens")
    }

    /// Does what a host may do: closes the number and opens this path under it.
    fn exchange(descriptor: &Descriptor, path: &Path) -> File {
        let other = OpenOptions::new().create(true).read(true).append(true).open(path).expect("it opens");
        // SAFETY: the test acts as the host.
        let fd = unsafe { libc::dup2(other.as_raw_fd(), descriptor.number()) };
        assert_eq!(fd, descriptor.number());
        // SAFETY: the number is the test's from here on.
        unsafe { File::from_raw_fd(fd) }
    }

    #[test]
    fn a_number_that_the_host_has_taken_is_neither_used_nor_closed() {
        let path = std::env::temp_dir().join(format!("spanwire-descriptor-{}", super::super::pid()));
        for ours in [null(), Event::new().expect("an event").into_descriptor()] {
            assert!(ours.still_ours() && ours.number() >= LOWEST);
            let mut hosts = exchange(&ours, &path);
            assert!(!ours.still_ours());
            assert_eq!((ours.fd(), ours.file().map(|_| ())), (Err(Taken), Err(Taken)));
            drop(ours);
            hosts.write_all(b"the host's").expect("it is still open");
        }
        assert_eq!(std::fs::read(&path).expect("the file"), b"the host'sthe host's");
        std::fs::remove_file(path).expect("removed");
    }

    #[test]
    fn two_openings_of_one_file_by_one_number_are_told_apart_by_how_they_were_opened() {
        let ours = null();
        let hosts = exchange(&ours, Path::new("/dev/null"));
        assert!(!ours.still_ours());
        drop(ours);
        assert!(hosts.metadata().is_ok());
    }

    #[test]
    fn an_error_says_that_the_descriptor_is_gone_and_others_do_not() {
        assert!(is_taken(&Taken.into()) && is_taken(&io::Error::from_raw_os_error(libc::EBADF)));
        assert!(!is_taken(&io::Error::from_raw_os_error(libc::ENOSPC)) && !is_taken(&io::Error::other("else")));
    }
}
