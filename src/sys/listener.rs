//! A local socket that other processes of this machine connect to. It has a name and no file.

use super::descriptor::Descriptor;
use super::socket::Connection;
use super::{user, wait_readable};
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::io;
use std::os::fd::RawFd;
use std::time::Duration;

/// A listening socket.
#[derive(Debug)]
pub struct Listener(Descriptor);

impl Listener {
    /// Listens under an abstract name.
    pub fn named(name: &str) -> io::Result<Listener> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let made = Descriptor::keep(net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?)?;
        net::bind(made.borrowed()?, &SocketAddrUnix::new_abstract_name(name.as_bytes())?)?;
        net::listen(made.borrowed()?, 8)?;
        Ok(Listener(made))
    }

    /// Returns the next connection and its peer's user, if one comes within `patience`. An error concerns one peer as long as the
    /// listener [`is_open`](Listener::is_open).
    pub fn accept(&self, patience: Duration) -> io::Result<Option<(Connection, u32)>> {
        if !wait_readable(self.0.fd()?, patience) {
            return Ok(None);
        }
        let made = net::accept_with(self.0.borrowed()?, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?;
        let made = Descriptor::keep(made)?;
        let user = user_of(made.fd()?)?;
        Ok(Some((Connection::accepted(made), user)))
    }

    /// Whether the descriptor is still ours: the host has not closed it.
    pub fn is_open(&self) -> bool {
        self.0.fd().is_ok()
    }
}

/// Returns the user of the process at the other end of a connection. A user that this process's user namespace does not
/// contain has the number of another one. Not by `rustix`: its type for a pid cannot be 0, and the kernel gives 0 for a
/// process outside of the pid namespace.
fn user_of(fd: RawFd) -> io::Result<u32> {
    let mut credentials = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    let mut length = size_of_val(&credentials) as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes, and any bytes are a `ucred`.
    let got = unsafe {
        let into = (&raw mut credentials).cast();
        libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_PEERCRED, into, &mut length)
    };
    match got == 0 && length as usize == size_of_val(&credentials) {
        true => Ok(credentials.uid),
        false => Err(io::Error::last_os_error()),
    }
}

/// What decides who may look into this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    /// This process's user.
    pub user: u32,
    /// Whether other processes of this user may look into this one. Not after it has given up the rights of another user.
    pub is_open_to_user: bool,
}

impl Rights {
    /// Returns them as they are now.
    pub fn now() -> Rights {
        // SAFETY: takes no pointers.
        let is_open_to_user = unsafe { libc::prctl(libc::PR_GET_DUMPABLE) == 1 };
        Rights { user: user(), is_open_to_user }
    }
}

/// Whether this process has the rights of the user who started it: it is not a setuid program.
pub fn has_users_rights() -> bool {
    // SAFETY: reads a value that the kernel has given the process.
    let secure = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    !secure && rustix::process::getuid().as_raw() == user()
}

/// Copies memory of this process; false where not all of it can be read.
pub fn read_own_memory(address: u64, into: &mut [u8]) -> bool {
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: into.len() };
    // SAFETY: writes to `into` alone; the kernel checks the other address.
    let read = unsafe { libc::process_vm_readv(std::process::id() as libc::pid_t, &local, 1, &remote, 1, 0) };
    usize::try_from(read) == Ok(into.len())
}
