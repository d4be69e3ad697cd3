//! Connections and events on descriptors of ours. No function here blocks longer than its caller allows, changes a
//! signal's disposition, or raises SIGPIPE. Each call makes sure that the descriptor is still ours, and fails on a
//! number that is not a socket.

use super::descriptor::Descriptor;
use super::{monotonic_ns, numbered, wait_readable, wait_writable};
use rustix::io::Errno;
use rustix::net::{self, sockopt, AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType};
use std::io;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::path::Path;
use std::time::Duration;

fn socket(family: AddressFamily, kind: SocketType, flags: SocketFlags) -> io::Result<Descriptor> {
    Descriptor::keep(net::socket_with(family, kind, flags | SocketFlags::CLOEXEC, None)?)
}

fn family_of(address: &SocketAddr) -> AddressFamily {
    if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    }
}

/// A connected socket: a stream, TCP or Unix, or UDP.
#[derive(Debug)]
pub struct Connection(Descriptor);

impl Connection {
    /// Connects to `address` within `patience`.
    pub fn connect(address: &SocketAddr, patience: Duration) -> io::Result<Connection> {
        let give_up = monotonic_ns().saturating_add(patience.as_nanos() as u64);
        let made = socket(family_of(address), SocketType::STREAM, SocketFlags::NONBLOCK)?;
        match net::connect(made.borrowed()?, address) {
            Err(Errno::INPROGRESS | Errno::INTR) => {}
            other => return Ok(other.map(|()| Connection::of(made))?),
        }
        let left = Duration::from_nanos(give_up.saturating_sub(monotonic_ns()));
        if !wait_writable(made.fd()?, left) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        sockopt::socket_error(made.borrowed()?)??;
        Ok(Connection::of(made))
    }

    /// A connection that a peer has made to a socket of ours.
    pub(super) fn accepted(made: Descriptor) -> Connection {
        Connection(made)
    }

    fn of(made: Descriptor) -> Connection {
        // Only a delay is lost if it fails.
        let _ = made.borrowed().map(|made| sockopt::set_tcp_nodelay(made, true));
        Connection(made)
    }

    /// A UDP socket that exchanges datagrams with `address` alone.
    pub fn connect_datagram(address: &SocketAddr) -> io::Result<Connection> {
        let made = socket(family_of(address), SocketType::DGRAM, SocketFlags::NONBLOCK)?;
        net::connect(made.borrowed()?, address)?;
        Ok(Connection(made))
    }

    /// Connects to a Unix socket. Blocks as long as its server accepts nothing.
    pub fn connect_unix(path: &Path) -> io::Result<Connection> {
        let address = SocketAddrUnix::new(path).map_err(|_| io::ErrorKind::InvalidInput)?;
        let made = socket(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::empty())?;
        loop {
            match net::connect(made.borrowed()?, &address) {
                Err(Errno::INTR) => {}
                other => return Ok(other.map(|()| Connection(made))?),
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
        receive(&self.0, into, RecvFlags::empty())
    }

    /// Whether the connection is ours, open, and has nothing to be received.
    pub fn is_idle(&self) -> bool {
        matches!(receive(&self.0, &mut [0], RecvFlags::PEEK), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

/// Sends without waiting. If the peer has closed its end, returns an error instead of raising SIGPIPE.
pub(super) fn send(fd: RawFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(net::send(numbered(fd), bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?)
}

fn receive(from: &Descriptor, into: &mut [u8], flags: RecvFlags) -> io::Result<usize> {
    Ok(net::recv(from.borrowed()?, into, flags | RecvFlags::DONTWAIT)?.0)
}

/// An event that is readable while it is set. It is a datagram socket connected to itself. An eventfd would not do: all
/// eventfds of a system have one inode, so the library could not distinguish a host's eventfd from its own.
#[derive(Debug)]
pub struct Event(Descriptor);

impl Event {
    /// Makes an event that is not set.
    pub fn new() -> io::Result<Event> {
        let made = socket(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::NONBLOCK)?;
        // Without a name the kernel chooses one that no file has. Once connected to itself, the socket takes no
        // datagrams from other sockets.
        net::bind(made.borrowed()?, &SocketAddrUnix::new_unnamed())?;
        net::connect(made.borrowed()?, &net::getsockname(made.borrowed()?)?)?;
        Ok(Event(made))
    }

    /// Returns the descriptor for event loops, if it is still ours.
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
        (0..1_024).take_while(|_| receive(&self.0, &mut [0; 8], RecvFlags::empty()).is_ok_and(|got| got > 0)).count();
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
