//! A local socket that other processes of this machine connect to. It has a name and no file.

use super::descriptor::Descriptor;
use super::socket::Connection;
use super::{user, wait_readable};
use rustix::net::{self, sockopt, AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::io;
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

    /// Returns the next connection and the user of its peer, if one comes within `patience`.
    pub fn accept(&self, patience: Duration) -> io::Result<Option<(Connection, u32)>> {
        if !wait_readable(self.0.fd()?, patience) {
            return Ok(None);
        }
        let made = net::accept_with(self.0.borrowed()?, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?;
        let made = Descriptor::keep(made)?;
        let peer = sockopt::socket_peercred(made.borrowed()?)?;
        Ok(Some((Connection::accepted(made), peer.uid.as_raw())))
    }
}

/// Whether this process has the rights of the user who started it: it is not a setuid program.
pub fn has_users_rights() -> bool {
    // SAFETY: reads a value that the kernel has given the process.
    let secure = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    !secure && rustix::process::getuid().as_raw() == user()
}

/// Whether other processes of this user may look into this one. Not after it has given up the rights of another user.
pub fn is_open_to_its_user() -> bool {
    // SAFETY: takes no pointers.
    unsafe { libc::prctl(libc::PR_GET_DUMPABLE) == 1 }
}

/// Copies memory of this process; false where not all of it can be read.
pub fn read_own_memory(address: u64, into: &mut [u8]) -> bool {
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: into.len() };
    // SAFETY: writes to `into` alone; the kernel checks the other address.
    let read = unsafe { libc::process_vm_readv(std::process::id() as libc::pid_t, &local, 1, &remote, 1, 0) };
    usize::try_from(read) == Ok(into.len())
}
