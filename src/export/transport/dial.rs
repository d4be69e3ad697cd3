//! Connects to an agent: looks its name up, and opens TCP and Unix connections.
//!
//! Calls of the operating system that can hang (looking a name up, connecting to a Unix socket whose server accepts
//! nothing) run on the [`helper`](super::helper) thread.

// Opens connections.
#![allow(clippy::disallowed_methods)]

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, Connector, NextTimeout};
use ureq::Error;

use super::helper::{Helper, Refused};
use super::names::Names;
use super::place::Place;
use super::tls::{plain, tls_error, Link, Trust};
use super::wire::{patience, Progress, Wire};
use crate::event::send_error::{NameError, Peer, SendError, SendErrorKind};
use crate::os_error::OsError;
use crate::settings::Tls;
use crate::sys::{self, Connection};

/// Looks a host name up, blocking for as long as the system likes.
pub type Lookup = fn(host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;

/// The longest path that fits into a Unix socket's address, in bytes.
pub const UNIX_PATH_MAX: usize = 107;

const ADDRESSES_MAX: usize = 16;
/// Looks a name up with the system's resolver. Only for a thread that does nothing else, because it gives the thread a
/// descriptor table of its own: sockets and files of the C library then take no numbers of the host.
pub fn system_lookup(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    sys::leave_descriptors();
    Ok((host, port).to_socket_addrs()?.take(ADDRESSES_MAX).collect())
}

/// No connection was made, so nothing can have arrived.
#[derive(Debug)]
pub struct Unreached {
    /// Why.
    pub error: SendError,
    /// Whether every address refused the connection, because no process listens there.
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

/// Whether the error of a connection attempt means that no process listens there.
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

/// Finds and connects one [`Place`]. A clone shares its cache, its threads and its progress.
#[derive(Clone)]
pub struct Dialer {
    place: Place,
    lookup: Lookup,
    names: Arc<Names>,
    helper: Helper,
    progress: Arc<Progress>,
    trust: Trust,
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dialer({})", self.place)
    }
}

impl Dialer {
    /// Opens and starts nothing.
    pub fn new(place: Place, lookup: Lookup, names: Arc<Names>, progress: Arc<Progress>) -> Dialer {
        Dialer { place, lookup, names, helper: Helper::default(), progress, trust: Trust::default() }
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
        // In a forked child a look-up may hang: half of the time is kept for a look-up without the C library.
        let patience = if self.names.in_child() { patience / 2 } else { patience };
        let (lookup, names, name) = (self.lookup, self.names.clone(), host.to_string());
        let found = self.names.resolver.ask(patience, move || {
            // Another connection may have looked it up just now.
            if let Some(known) = names.of(&name, port).filter(|known| known.is_fresh()) {
                return Ok(known.addresses.clone());
            }
            let found = lookup(&name, port)?;
            // Kept on this thread: an answer that is too late for this request serves the next one.
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
        // The name may have other addresses by now.
        self.names.doubt();
        match first_failure {
            Some(error) if all_refused => Err(refused(error)),
            Some(error) => Err(unreached(error)),
            None => Err(unreached(SendError::new(SendErrorKind::NoAddress, Peer::Unnamed))),
        }
    }

    /// Makes the handshake until `deadline`. `patience` is the limit for both connection and handshake.
    fn secure(
        &self,
        connection: Connection,
        tls: &Tls,
        host: &str,
        (deadline, patience): (Instant, Duration),
    ) -> Result<Link, Error> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        self.trust.secure(connection, tls, host, deadline).map_err(|failed| {
            let kind = match (tls_error(&failed), failed.kind()) {
                (Some(error), _) => SendErrorKind::Tls(error),
                (None, io::ErrorKind::TimedOut) => SendErrorKind::NoConnection(shown(patience)),
                (None, _) => SendErrorKind::System(failed.into()),
            };
            unreached(SendError::new(kind, Peer::Url(self.place.to_string())))
        })
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
        self.progress.start_connection();
        let patience = patience(details.timeout);
        let link = match &self.place {
            Place::Tcp { tls: None, .. } => plain(self.connect_tcp(&details.addrs, patience)?),
            Place::Tcp { tls: Some(tls), host, .. } => {
                let deadline = Instant::now() + patience;
                self.secure(self.connect_tcp(&details.addrs, patience)?, tls, host, (deadline, patience))?
            }
            Place::Unix { path } => plain(self.connect_unix(path, patience)?),
        };
        Ok(Some(Wire::new(link, self.progress.clone())))
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
        let place = Place::Tcp { host: "agent.test".into(), port: 1, base_path: String::new(), tls: None };
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
        let place = Place::Tcp { host: name.clone(), port: 1, base_path: String::new(), tls: None };
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
