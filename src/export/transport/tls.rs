//! TLS between an agent's connection and the HTTP client, with `rustls`. Handshake and data keep the deadlines of the
//! caller, as without TLS. Errors of TLS are values of [`TlsError`] inside of an [`io::Error`].
//!
//! Nothing is kept for the whole process. A forked child makes everything anew, and never writes to its parent's
//! connections, whose keys it has a copy of.

mod authorities;

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, ClientConnection, Error, InvalidMessage};

use crate::event::tls::TlsError;
use crate::process;
use crate::settings::Tls;
use crate::sys::{self, Connection};

/// Sessions that are resumed without a full handshake: each poll makes a connection of its own.
const SESSIONS: usize = 8;
/// How often an idle connection is read for messages of TLS itself, such as tickets, before it counts as not idle.
const MESSAGES_MAX: usize = 32;

/// The certificates that are trusted, read with the first connection. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Trust(Arc<Mutex<Option<Arc<ClientConfig>>>>);

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trust")
    }
}

impl Trust {
    /// Makes the handshake on a connection to `host`, whose certificate is verified.
    pub(super) fn secure(&self, plain: Connection, tls: &Tls, host: &str, deadline: Instant) -> io::Result<Link> {
        let session = Session::begin(plain, self.config(tls, deadline)?, host).and_then(|mut session| {
            session.handshake(deadline)?;
            Ok(session)
        });
        if session.as_ref().is_err_and(is_of_certificate) {
            // The next attempt reads the files again: the authority may be installed by then.
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        Ok(Link::Tls(Box::new(session?)))
    }

    fn config(&self, tls: &Tls, deadline: Instant) -> io::Result<Arc<ClientConfig>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(match &*kept {
            Some(config) => config.clone(),
            None => kept.insert(config(tls, deadline)?).clone(),
        })
    }
}

fn config(tls: &Tls, deadline: Instant) -> io::Result<Arc<ClientConfig>> {
    let authorities = authorities::read(tls, deadline)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| io::Error::other(TlsError::Other(error.to_string())))?;
    let mut config = builder.with_root_certificates(authorities).with_no_client_auth();
    config.resumption = Resumption::in_memory_sessions(SESSIONS);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Whether the certificate of the other end was refused.
fn is_of_certificate(error: &io::Error) -> bool {
    use TlsError::{Certificate, Expired, NotYetValid, OtherHost, UnknownAuthority};
    matches!(tls_error(error), Some(UnknownAuthority | OtherHost(_) | Expired | NotYetValid | Certificate(_)))
}

/// Returns the error of TLS that an error is.
pub(super) fn tls_error(error: &io::Error) -> Option<TlsError> {
    error.get_ref()?.downcast_ref::<TlsError>().cloned()
}

fn described(error: &Error) -> TlsError {
    match error {
        Error::InvalidCertificate(error) => match error {
            CertificateError::UnknownIssuer => TlsError::UnknownAuthority,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsError::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => TlsError::NotYetValid,
            CertificateError::NotValidForName => TlsError::OtherHost(Vec::new()),
            CertificateError::NotValidForNameContext { presented, .. } => {
                TlsError::OtherHost(presented.iter().take(10).map(|name| bare(name)).collect())
            }
            error => TlsError::Certificate(error.to_string()),
        },
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge
            | InvalidMessage::InvalidEmptyPayload,
        ) => TlsError::NotTls,
        Error::AlertReceived(alert) => TlsError::Alert(format!("{alert:?}")),
        error => TlsError::Other(error.to_string()),
    }
}

/// The name in `DnsName("agent.test")`, as the library shows it.
fn bare(name: &str) -> String {
    let quoted = name.split('"').nth(1);
    quoted.unwrap_or(name).chars().filter(|c| !c.is_control()).take(253).collect()
}

/// One connection to an agent.
#[derive(Debug)]
pub(super) enum Link {
    /// Without TLS.
    Plain(Connection),
    /// With TLS.
    Tls(Box<Session>),
}

/// Returns a connection without TLS.
pub(super) fn plain(connection: Connection) -> Link {
    Link::Plain(connection)
}

impl Link {
    /// Sends what the connection takes within `patience`, at least one byte.
    pub(super) fn send(&mut self, bytes: &[u8], patience: Duration) -> io::Result<usize> {
        match self {
            Link::Plain(connection) => connection.send(bytes, patience),
            Link::Tls(session) => session.send(bytes, Instant::now() + patience),
        }
    }

    /// Receives what comes within `patience`; 0 is the end.
    pub(super) fn receive(&mut self, into: &mut [u8], patience: Duration) -> io::Result<usize> {
        match self {
            Link::Plain(connection) => connection.receive(into, patience),
            Link::Tls(session) => session.receive(into, Instant::now() + patience),
        }
    }

    /// Whether the connection is ours, open, and has nothing to be received.
    pub(super) fn is_idle(&mut self) -> bool {
        match self {
            Link::Plain(connection) => connection.is_idle(),
            Link::Tls(session) => session.is_idle(),
        }
    }
}

/// A connection with TLS.
#[derive(Debug)]
pub(super) struct Session {
    connection: Connection,
    tls: ClientConnection,
    /// The generation of the process that made the connection.
    owner: u32,
}

/// The connection, as the TLS library reads and writes it.
struct Until<'a> {
    connection: &'a Connection,
    deadline: Instant,
}

impl Until<'_> {
    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

impl Read for Until<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.connection.receive(into, self.left())
    }
}

impl Write for Until<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.connection.send(bytes, self.left())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Session {
    fn begin(connection: Connection, config: Arc<ClientConfig>, host: &str) -> io::Result<Session> {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|_| io::Error::other(TlsError::Other(format!("{host} is no name of a host"))))?;
        let tls = ClientConnection::new(config, name).map_err(|error| io::Error::other(described(&error)))?;
        Ok(Session { connection, tls, owner: process::generation() })
    }

    fn handshake(&mut self, deadline: Instant) -> io::Result<()> {
        loop {
            self.write(deadline)?;
            if !self.tls.is_handshaking() {
                return Ok(());
            }
            if !self.read(deadline)? {
                return Err(io::Error::other(TlsError::Closed));
            }
        }
    }

    /// Writes what waits to be written. Returns whether anything was.
    fn write(&mut self, deadline: Instant) -> io::Result<bool> {
        let mut wrote = false;
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut Until { connection: &self.connection, deadline }) {
                Ok(0) => return Err(ErrorKind::BrokenPipe.into()),
                Ok(_) => wrote = true,
                Err(error) if is_passing(&error) && Instant::now() < deadline => {}
                // What was written cannot be taken back; the error comes again with the next attempt.
                Err(_) if wrote => return Ok(true),
                Err(error) => return Err(error),
            }
        }
        Ok(wrote)
    }

    /// Reads once. Returns false at the end.
    fn read(&mut self, deadline: Instant) -> io::Result<bool> {
        loop {
            match self.tls.read_tls(&mut Until { connection: &self.connection, deadline }) {
                Ok(0) => return Ok(false),
                Ok(_) => break,
                Err(error) if is_passing(&error) && Instant::now() < deadline => {}
                Err(error) => return Err(error),
            }
        }
        if let Err(error) = self.tls.process_new_packets() {
            // An alert says why.
            let _ = self.write(Instant::now());
            return Err(io::Error::other(described(&error)));
        }
        Ok(true)
    }

    fn send(&mut self, bytes: &[u8], deadline: Instant) -> io::Result<usize> {
        // Fails if the end of the last call's bytes does not leave in time.
        self.write(deadline)?;
        if self.tls.wants_write() {
            return Err(ErrorKind::TimedOut.into());
        }
        let taken = self.tls.writer().write(bytes)?;
        match self.write(deadline) {
            Ok(_) => Ok(taken),
            // They are written with the next call.
            Err(error) if is_passing(&error) => Ok(taken),
            Err(error) => Err(error),
        }
    }

    fn receive(&mut self, into: &mut [u8], deadline: Instant) -> io::Result<usize> {
        // The other end reads no more, but its answer may be here already.
        let mut torn = None;
        loop {
            match self.tls.reader().read(into) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // The other end closed the connection without `close_notify`.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return torn.map_or(Ok(0), Err),
                Ok(0) => return torn.map_or(Ok(0), Err),
                read => return read,
            }
            if torn.is_none() {
                match self.write(deadline) {
                    Err(error) if is_torn(&error) => torn = Some(error),
                    wrote => {
                        wrote?;
                    }
                }
            }
            if let Err(error) = self.read(deadline) {
                return Err(torn.unwrap_or(error));
            }
        }
    }

    fn is_idle(&mut self) -> bool {
        for _ in 0..MESSAGES_MAX {
            // What is decrypted already is no longer in the socket. 0 is a `close_notify`.
            let nothing =
                matches!(self.tls.reader().read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock);
            if !nothing {
                return false;
            }
            if self.connection.is_idle() {
                return true;
            }
            // The server may have sent messages of TLS itself.
            if !matches!(self.read(Instant::now()), Ok(true)) {
                return false;
            }
        }
        false
    }
}

impl Drop for Session {
    /// Tells the other end that the connection ends here, if that needs no waiting. Not after data that never left: the
    /// other end must not take what it has for the whole. Not in a forked child: the connection is its parent's.
    fn drop(&mut self) {
        if self.owner != process::generation() || self.tls.is_handshaking() || self.tls.wants_write() {
            return;
        }
        self.tls.send_close_notify();
        let mut now = Until { connection: &self.connection, deadline: Instant::now() };
        // The host's thread may drop it. It is closed in any case.
        let _ = sys::keep_errno(|| self.tls.write_tls(&mut now));
    }
}

/// Whether the error says that the other end reads no more.
fn is_torn(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
