//! How bytes reach an agent: names to addresses, TCP and Unix connections, and a record of how far a request got. What
//! the bytes mean is `agent.rs`'s affair.
//!
//! Whatever the operating system offers only in a form that can hang (looking a name up, connecting to a Unix socket
//! whose server accepts nothing) runs on the [`helper`] thread.

// Opens connections.
#![allow(clippy::disallowed_methods)]

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport};
use ureq::Error;

use super::agent::Place;
use super::helper::{Helper, Refused};
use crate::event::send_error::{NameError, Peer, SendError, SendErrorKind};
use crate::os_error::OsError;
use crate::sys::{self, Connection};

use super::names::Names;

/// Looks a host name up, blocking for as long as the system likes.
pub type Lookup = fn(host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;

/// The longest path that fits into a Unix socket's address, in bytes.
pub const UNIX_PATH_MAX: usize = 107;

const ADDRESSES_MAX: usize = 16;
const INPUT_BUFFER: usize = 32 * 1024;
const OUTPUT_BUFFER: usize = 64 * 1024;
/// Stands in for "no limit", which our own configuration never asks for.
const WAIT_MAX: Duration = Duration::from_secs(3_600);

/// The system's own lookup. For a thread that does nothing else: the C library's sockets and files then have numbers in
/// a table of that thread's own, and none of the host's.
pub fn system_lookup(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    sys::leave_descriptors();
    Ok((host, port).to_socket_addrs()?.take(ADDRESSES_MAX).collect())
}

/// No connection was made, so nothing can have arrived.
#[derive(Debug)]
pub struct Unreached {
    /// Why.
    pub error: SendError,
    /// Every address answered that nobody listens there.
    pub refused: bool,
}

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Unreached {}

fn unreached(error: SendError) -> Error {
    Error::Other(Box::new(Unreached { error, refused: false }))
}

fn refused(error: SendError) -> Error {
    Error::Other(Box::new(Unreached { error, refused: true }))
}

/// Whether the error of a connection attempt means that nobody listens there.
fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::AddrNotAvailable
    )
}

/// The error of a failed look-up. The standard library puts words of its own before the resolver's.
fn lookup_error(error: &io::Error) -> OsError {
    match OsError::from(error) {
        OsError::Words(words) => {
            let bare = words.strip_prefix("failed to lookup address information: ");
            OsError::Words(bare.map_or_else(|| words.clone(), Box::from))
        }
        other => other,
    }
}

/// How far the current request got.
#[derive(Debug, Default)]
pub struct Progress {
    fresh: AtomicBool,
    written: AtomicUsize,
    received: AtomicUsize,
}

impl Progress {
    /// A new request begins.
    pub fn start_request(&self) {
        self.written.store(0, Relaxed);
        self.start_attempt();
    }

    /// The request is about to be tried, perhaps again; what earlier tries wrote still counts.
    pub fn start_attempt(&self) {
        self.fresh.store(false, Relaxed);
        self.received.store(0, Relaxed);
    }

    /// Whether any byte of the request has left.
    pub fn sent_anything(&self) -> bool {
        self.written.load(Relaxed) > 0
    }

    /// Whether the attempt used a connection of an earlier request that took no byte of this one.
    pub fn never_began_on_an_old_connection(&self) -> bool {
        !self.fresh.load(Relaxed) && self.received.load(Relaxed) == 0 && !self.sent_anything()
    }
}

/// Finds and connects one [`Place`]; a clone shares its cache, its threads and its progress.
#[derive(Clone)]
pub struct Dialer {
    place: Place,
    lookup: Lookup,
    names: Arc<Names>,
    helper: Helper,
    progress: Arc<Progress>,
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dialer({})", self.place)
    }
}

impl Dialer {
    /// Opens and starts nothing.
    pub fn new(place: Place, lookup: Lookup, names: Arc<Names>, progress: Arc<Progress>) -> Dialer {
        Dialer { place, lookup, names, helper: Helper::default(), progress }
    }

    /// Addresses of the agent. A numeric address and `localhost` need no look-up.
    fn addresses(&self, host: &str, port: u16, patience: Duration) -> Result<Vec<SocketAddr>, Error> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        if host.eq_ignore_ascii_case("localhost") {
            let both = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
            return Ok(both.map(|ip| SocketAddr::new(ip, port)).to_vec());
        }
        let former = self.names.of(host, port);
        if let Some(known) = former.as_ref().filter(|known| known.is_fresh()) {
            return Ok(known.addresses.clone());
        }
        // In a forked child a look-up may hang: half of the time is for finding the name without it.
        let patience = if self.names.in_child() { patience / 2 } else { patience };
        let (lookup, names, name) = (self.lookup, self.names.clone(), host.to_string());
        let found = self.names.resolver.ask(patience, move || {
            // Another connection may have looked it up just now.
            if let Some(known) = names.of(&name, port).filter(|known| known.is_fresh()) {
                return Ok(known.addresses.clone());
            }
            let found = lookup(&name, port)?;
            // Kept here, so that an answer too late for this request serves the next.
            names.keep(&name, port, &found);
            Ok::<_, io::Error>(found)
        });
        self.names.tell_of_thread(&found);
        if matches!(found, Err(Refused::Busy)) {
            if let Some(known) = self.names.awaited(host, port, patience) {
                return Ok(known.addresses.clone());
            }
        }
        match &found {
            Ok(Ok(addresses)) if !addresses.is_empty() => return Ok(addresses.clone()),
            // A look-up in a forked child may hang for ever on a lock that the fork left held.
            Err(Refused::Busy | Refused::Late) if self.names.in_child() => {
                self.names.report_hang(host);
                let found = super::direct::addresses(host, port, patience);
                if !found.is_empty() {
                    self.names.keep(host, port, &found);
                    return Ok(found);
                }
            }
            _ => {}
        }
        // Keep the last resolved addresses when a later look-up fails or hangs.
        if let Some(known) = former {
            return Ok(known.addresses.clone());
        }
        let why = match found {
            Err(Refused::Busy | Refused::Late) => NameError::Pending,
            Err(Refused::NoThread(why)) => NameError::NoThread(why),
            Ok(Err(error)) => NameError::Failed(lookup_error(&error)),
            Ok(Ok(_)) => NameError::NoAddress,
        };
        Err(unreached(SendError::new(SendErrorKind::NotResolved(why), Peer::Host(host.into()))))
    }

    fn connect_tcp(&self, addresses: &[SocketAddr], patience: Duration) -> Result<Connection, Error> {
        let deadline = Instant::now() + patience;
        let (mut first_failure, mut all_refused) = (None, true);
        for (index, address) in addresses.iter().enumerate() {
            let others = (addresses.len() - index) as u32;
            let share = deadline.saturating_duration_since(Instant::now()) / others;
            let failure = match Connection::connect(address, share.max(Duration::from_millis(1))) {
                Ok(connection) => return Ok(connection),
                Err(error) => {
                    all_refused &= is_refusal(&error);
                    let kind = match error.kind() {
                        io::ErrorKind::TimedOut => SendErrorKind::NoConnection(shown(patience)),
                        _ => SendErrorKind::System(error.into()),
                    };
                    SendError::new(kind, Peer::Address(*address))
                }
            };
            first_failure.get_or_insert(failure);
        }
        // The name may mean another machine by now.
        self.names.doubt();
        match first_failure {
            Some(error) if all_refused => Err(refused(error)),
            Some(error) => Err(unreached(error)),
            None => Err(unreached(SendError::new(SendErrorKind::NoAddress, Peer::Unnamed))),
        }
    }

    fn connect_unix(&self, path: &Path, patience: Duration) -> Result<Connection, Error> {
        let error = |kind| SendError::new(kind, Peer::Socket(path.into()));
        let bytes = path.as_os_str().as_bytes().len();
        if bytes > UNIX_PATH_MAX {
            return Err(unreached(error(SendErrorKind::PathTooLong { bytes, max_bytes: UNIX_PATH_MAX })));
        }
        let target: PathBuf = path.into();
        let connected = self.helper.ask(patience, move || Connection::connect_unix(&target));
        self.names.tell_of_thread(&connected);
        match connected {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(failed)) => {
                let is_refusal = is_refusal(&failed);
                let error = error(SendErrorKind::System(failed.into()));
                Err(if is_refusal { refused(error) } else { unreached(error) })
            }
            Err(Refused::Late) => Err(unreached(error(SendErrorKind::NoConnection(shown(patience))))),
            Err(Refused::Busy) => Err(unreached(error(SendErrorKind::StillConnecting))),
            Err(Refused::NoThread(why)) => Err(unreached(error(SendErrorKind::NoThread(why)))),
        }
    }
}

/// `time` to the millisecond, as an error shows it.
fn shown(time: Duration) -> Duration {
    Duration::from_millis((time.as_micros() as u64).div_ceil(1_000))
}

fn patience(timeout: NextTimeout) -> Duration {
    (*timeout.after).min(WAIT_MAX)
}

impl Resolver for Dialer {
    fn resolve(&self, _: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut resolved = self.empty();
        if let Place::Tcp { host, port, .. } = &self.place {
            for address in self.addresses(host, *port, patience(timeout))?.into_iter().take(ADDRESSES_MAX) {
                resolved.push(address);
            }
        }
        Ok(resolved)
    }
}

impl Connector for Dialer {
    type Out = Wire;

    fn connect(&self, details: &ConnectionDetails, _: Option<()>) -> Result<Option<Wire>, Error> {
        self.progress.fresh.store(true, Relaxed);
        let patience = patience(details.timeout);
        let connection = match &self.place {
            Place::Tcp { .. } => self.connect_tcp(&details.addrs, patience)?,
            Place::Unix { path } => self.connect_unix(path, patience)?,
        };
        let buffers = LazyBuffers::new(INPUT_BUFFER, OUTPUT_BUFFER);
        Ok(Some(Wire { connection, buffers, progress: self.progress.clone(), torn: false }))
    }
}

/// One connection, either kind.
#[derive(Debug)]
pub struct Wire {
    connection: Connection,
    buffers: LazyBuffers,
    progress: Arc<Progress>,
    /// The other end no longer reads.
    torn: bool,
}

fn left_until(deadline: Instant, timeout: &NextTimeout) -> Result<Duration, Error> {
    match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(Error::Timeout(timeout.reason)),
        left => Ok(left),
    }
}

impl Transport for Wire {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let deadline = Instant::now() + patience(timeout);
        let mut done = 0;
        while done < amount && !self.torn {
            // Anew for each write: a reader that takes a little now and then must not stretch the whole.
            let left = left_until(deadline, &timeout)?;
            match self.connection.send(&self.buffers.output()[done..amount], left) {
                Ok(0) => self.torn = true,
                Ok(wrote) => {
                    done += wrote;
                    self.progress.written.fetch_add(wrote, Relaxed);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {}
                    // An agent that refuses a body early closes its end, but its answer may lie here unread: go on
                    // to reading, which reports the loss if there is none.
                    io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => self.torn = true,
                    _ => return Err(Error::Io(error)),
                },
            }
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let deadline = Instant::now() + patience(timeout);
        loop {
            let left = left_until(deadline, &timeout)?;
            match self.connection.receive(self.buffers.input_append_buf(), left) {
                Ok(got) => {
                    self.buffers.input_appended(got);
                    self.progress.received.fetch_add(got, Relaxed);
                    return Ok(got > 0);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {}
                    _ => return Err(Error::Io(error)),
                },
            }
        }
    }

    fn is_open(&mut self) -> bool {
        // Silence is what an idle connection should have; bytes would belong to no request.
        !self.torn && self.connection.is_idle()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_once_known_outlives_a_broken_name_server() {
        fn broken(_: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
            Err(io::Error::other("failed to lookup address information: Try again"))
        }
        let place = Place::Tcp { host: "agent.test".into(), port: 1, base_path: String::new() };
        let names = Arc::<Names>::default();
        let dialer = Dialer::new(place, broken, names.clone(), Arc::default());
        let ask = || dialer.addresses("agent.test", 1, Duration::from_secs(5));
        assert!(matches!(ask(), Err(Error::Other(why)) if why.to_string() == "cannot resolve agent.test: try again"));
        let address = SocketAddr::from(([192, 0, 2, 1], 1));
        names.long_ago("agent.test", 1, &[address]);
        assert!(matches!(ask(), Ok(addresses) if addresses == [address]));
    }

    #[test]
    fn a_look_up_that_hangs_in_a_child_is_told_and_the_address_found_without_the_c_library() {
        fn hanging(_: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
            std::thread::sleep(Duration::from_secs(3_600));
            Ok(Vec::new())
        }
        let Ok(hosts) = std::fs::read_to_string("/etc/hosts") else { return };
        let named = |line: &str| {
            let mut words = line.split('#').next()?.split_whitespace();
            let address = words.next()?.parse::<IpAddr>().ok()?;
            Some((address, words.find(|name| *name != "localhost")?.to_string()))
        };
        let Some((address, name)) = hosts.lines().find_map(named) else { return };
        let place = Place::Tcp { host: name.clone(), port: 1, base_path: String::new() };
        let ask = |names: &Arc<Names>| {
            let dialer = Dialer::new(place.clone(), hanging, names.clone(), Arc::default());
            dialer.addresses(&name, 1, Duration::from_millis(20))
        };
        let names = Arc::<Names>::default();
        assert!(matches!(ask(&names), Err(Error::Other(why)) if why.to_string().contains("not resolved yet")));
        let logs: &'static crate::log::Logs = Box::leak(Box::default());
        names.report_to(logs);
        names.inherit(&name, 1, std::iter::empty());
        let found = ask(&names).expect("an address");
        assert!(found.contains(&SocketAddr::new(address, 1)), "{found:?}");
        let mut said = String::new();
        logs.poll(usize::MAX, &mut |record| said += &record.text);
        assert!(said.contains("WARN look-up hangs:") && said.contains(&name), "{said}");
        assert_eq!(names.of(&name, 1).expect("kept").addresses, found);
    }
}
