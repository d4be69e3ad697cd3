//! Connections and events on descriptors of ours. Nothing here blocks longer than its caller says, changes a signal's
//! disposition, or raises SIGPIPE. Each call makes sure that the descriptor is still ours, and fails on a number that
//! leads to no socket.

use super::descriptor::Descriptor;
use super::{monotonic_ns, wait_readable, wait_writable};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

const QUIETLY: libc::c_int = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;

fn socket(domain: libc::c_int, kind: libc::c_int) -> io::Result<Descriptor> {
    // SAFETY: takes integers only.
    match unsafe { libc::socket(domain, kind | libc::SOCK_CLOEXEC, 0) } {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: a new descriptor, owned by nobody else.
        fd => Descriptor::keep(unsafe { OwnedFd::from_raw_fd(fd) }),
    }
}

/// What a call that answers -1 for an error did.
fn checked(answer: isize) -> io::Result<usize> {
    usize::try_from(answer).map_err(|_| io::Error::last_os_error())
}

/// A connected socket: a stream, TCP or Unix, or UDP.
#[derive(Debug)]
pub struct Connection(Descriptor);

impl Connection {
    /// Connects to `address` within `patience`.
    pub fn connect(address: &SocketAddr, patience: Duration) -> io::Result<Connection> {
        let give_up = monotonic_ns().saturating_add(patience.as_nanos() as u64);
        let domain = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        let made = socket(domain, libc::SOCK_STREAM | libc::SOCK_NONBLOCK)?;
        let begun = with_address(address, |at, size| {
            let fd = made.fd()?;
            // SAFETY: `at` leads to an address of `size` bytes.
            checked(unsafe { libc::connect(fd, at, size) } as isize)
        });
        match begun {
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other.map(|_| Connection::of(made)),
        }
        let left = Duration::from_nanos(give_up.saturating_sub(monotonic_ns()));
        if !wait_writable(made.fd()?, left) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match option(made.fd()?, libc::SOL_SOCKET, libc::SO_ERROR)? {
            0 => Ok(Connection::of(made)),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }

    fn of(made: Descriptor) -> Connection {
        if let Ok(fd) = made.fd() {
            let on: libc::c_int = 1;
            let size = size_of::<libc::c_int>() as libc::socklen_t;
            // SAFETY: `on` is valid for the call. Only a delay is lost if it fails.
            unsafe { libc::setsockopt(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, std::ptr::addr_of!(on).cast(), size) };
        }
        Connection(made)
    }

    /// A UDP socket that exchanges datagrams with `address` alone.
    pub fn connect_datagram(address: &SocketAddr) -> io::Result<Connection> {
        let domain = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        let made = socket(domain, libc::SOCK_DGRAM | libc::SOCK_NONBLOCK)?;
        with_address(address, |at, size| {
            let fd = made.fd()?;
            // SAFETY: `at` leads to an address of `size` bytes.
            checked(unsafe { libc::connect(fd, at, size) } as isize)
        })?;
        Ok(Connection(made))
    }

    /// Connects to a Unix socket. Blocks as long as its server accepts nothing.
    pub fn connect_unix(path: &Path) -> io::Result<Connection> {
        // SAFETY: zeros are a valid address.
        let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
        let bytes = path.as_os_str().as_bytes();
        if bytes.len() >= address.sun_path.len() || bytes.contains(&0) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        address.sun_family = libc::AF_UNIX as libc::sa_family_t;
        for (to, from) in address.sun_path.iter_mut().zip(bytes) {
            *to = *from as libc::c_char;
        }
        let made = socket(libc::AF_UNIX, libc::SOCK_STREAM)?;
        let (at, size) = (std::ptr::addr_of!(address).cast(), size_of::<libc::sockaddr_un>() as libc::socklen_t);
        loop {
            let fd = made.fd()?;
            // SAFETY: `address` is valid for the call.
            match checked(unsafe { libc::connect(fd, at, size) } as isize) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(_) => return Ok(Connection(made)),
            }
        }
    }

    /// Sends what the connection takes within `patience`, at least one byte.
    pub fn send(&self, bytes: &[u8], patience: Duration) -> io::Result<usize> {
        if !wait_writable(self.0.fd()?, patience) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        send(self.0.fd()?, bytes)
    }

    /// Receives what comes within `patience`; 0 is the end.
    pub fn receive(&self, into: &mut [u8], patience: Duration) -> io::Result<usize> {
        if !wait_readable(self.0.fd()?, patience) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        receive(&self.0, into, 0)
    }

    /// Whether the connection is ours, open, and has nothing to be received.
    pub fn is_idle(&self) -> bool {
        matches!(receive(&self.0, &mut [0], libc::MSG_PEEK), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

/// Sends without waiting.
pub(super) fn send(fd: RawFd, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: the pointer and the length describe `bytes`.
    checked(unsafe { libc::send(fd, bytes.as_ptr().cast(), bytes.len(), QUIETLY) })
}

fn receive(from: &Descriptor, into: &mut [u8], flags: libc::c_int) -> io::Result<usize> {
    let fd = from.fd()?;
    // SAFETY: the pointer and the length describe `into`.
    checked(unsafe { libc::recv(fd, into.as_mut_ptr().cast(), into.len(), flags | QUIETLY) })
}

fn option(fd: RawFd, level: libc::c_int, name: libc::c_int) -> io::Result<libc::c_int> {
    let (mut value, mut size) = (0, size_of::<libc::c_int>() as libc::socklen_t);
    // SAFETY: `value` has the four bytes that the call may write.
    checked(unsafe { libc::getsockopt(fd, level, name, std::ptr::addr_of_mut!(value).cast(), &mut size) } as isize)?;
    Ok(value)
}

/// Calls with the address in the kernel's form.
fn with_address<R>(address: &SocketAddr, call: impl FnOnce(*const libc::sockaddr, libc::socklen_t) -> R) -> R {
    match address {
        SocketAddr::V4(v4) => {
            let at = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: v4.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(v4.ip().octets()) },
                sin_zero: [0; 8],
            };
            call(std::ptr::addr_of!(at).cast(), size_of::<libc::sockaddr_in>() as libc::socklen_t)
        }
        SocketAddr::V6(v6) => {
            let at = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: v6.port().to_be(),
                sin6_flowinfo: v6.flowinfo(),
                sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
                sin6_scope_id: v6.scope_id(),
            };
            call(std::ptr::addr_of!(at).cast(), size_of::<libc::sockaddr_in6>() as libc::socklen_t)
        }
    }
}

/// Readable while it is set. A datagram socket that is connected to itself, and no eventfd: all eventfds of a system have
/// one inode, so that ours could not be told from one of the host's.
#[derive(Debug)]
pub struct Event(Descriptor);

impl Event {
    /// One that is not set.
    pub fn new() -> io::Result<Event> {
        let made = socket(libc::AF_UNIX, libc::SOCK_DGRAM | libc::SOCK_NONBLOCK)?;
        let fd = made.fd()?;
        // SAFETY: the address is valid for all three calls. One of no more than its family has the kernel choose a name
        // that no file has; once connected to itself, the socket takes datagrams from nobody else.
        unsafe {
            let mut address: libc::sockaddr_un = std::mem::zeroed();
            address.sun_family = libc::AF_UNIX as libc::sa_family_t;
            let at = std::ptr::addr_of_mut!(address).cast::<libc::sockaddr>();
            let mut size = size_of::<libc::sockaddr_un>() as libc::socklen_t;
            checked(libc::bind(fd, at, size_of::<libc::sa_family_t>() as libc::socklen_t) as isize)?;
            checked(libc::getsockname(fd, at, &mut size) as isize)?;
            checked(libc::connect(fd, at, size) as isize)?;
        }
        Ok(Event(made))
    }

    /// The number for event loops, if it is still ours.
    pub fn fd(&self) -> Option<RawFd> {
        self.0.fd().ok()
    }

    /// Sets it.
    pub fn set(&self) {
        // One that is set many times takes no more; that is as good.
        let _ = self.0.fd().map(|fd| send(fd, &[1]));
    }

    /// Clears it.
    pub fn clear(&self) {
        // Bounded, since other threads may set it meanwhile.
        (0..1_024).take_while(|_| receive(&self.0, &mut [0; 8], 0).is_ok_and(|got| got > 0)).count();
    }

    #[cfg(test)]
    pub(super) fn into_descriptor(self) -> Descriptor {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn an_event_is_readable_exactly_while_it_is_set() {
        let event = Event::new().expect("an event");
        let fd = event.fd().expect("it is ours");
        let readable = || wait_readable(fd, Duration::ZERO);
        assert!(!readable());
        (0..1_000).for_each(|_| event.set());
        assert!(readable());
        event.clear();
        assert!(!readable());
    }

    #[test]
    fn a_connection_carries_bytes_both_ways_over_both_families() {
        for at in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(at) else { continue };
            let ours = Connection::connect(&listener.local_addr().unwrap(), Duration::from_secs(5)).expect("connected");
            let mut theirs: TcpStream = listener.accept().unwrap().0;
            assert!(ours.is_idle());
            assert_eq!(ours.send(b"ask", Duration::from_secs(5)).expect("sent"), 3);
            let mut got = [0; 3];
            theirs.read_exact(&mut got).unwrap();
            theirs.write_all(b"answer").unwrap();
            let mut answer = [0; 16];
            assert_eq!(ours.receive(&mut answer, Duration::from_secs(5)).expect("received"), 6);
            assert_eq!((&got, &answer[..6]), (b"ask", b"answer".as_slice()));
            drop(theirs);
            assert_eq!(ours.receive(&mut answer, Duration::from_secs(5)).expect("the end"), 0);
            assert!(!ours.is_idle());
        }
    }

    #[test]
    fn a_port_that_nobody_listens_on_refuses() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = Connection::connect(&port, Duration::from_secs(5)).expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
