//! Why something did not reach an agent, or was not answered. Made where the error arises; events, the start-up line,
//! the flight recorder and the state of an exporter carry it as it is. `Display` has our own words for it; a language
//! that imitates another HTTP client goes by [`SendError::class`].

use super::tls::TlsError;
use crate::os_error::OsError;
use crate::recorder::fates::{Cause, CauseKind};
use crate::settings::rejection::Unusable;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What failed, and to whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SendError {
    /// What failed.
    pub kind: SendErrorKind,
    /// The other end, as far as it was known at that point.
    pub peer: Peer,
}

/// What failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SendErrorKind {
    /// The agent's name has no address.
    NotResolved(NameError),
    /// No connection within this time.
    NoConnection(Duration),
    /// A connection attempt for an earlier request has not ended yet.
    StillConnecting,
    /// The connection needs a thread, and there is none.
    NoThread(NoThread),
    /// There is no address to connect to.
    NoAddress,
    /// A path that does not fit into the address of a Unix socket.
    PathTooLong {
        /// Its length.
        bytes: usize,
        /// The most that fits.
        max_bytes: usize,
    },
    /// A system call failed while connecting, sending or receiving.
    System(OsError),
    /// The agent is reached, and TLS cannot be used with it.
    Tls(TlsError),
    /// A request was sent, and no answer came within this time.
    NoAnswer(Duration),
    /// The agent closed the connection before its answer was complete.
    Closed,
    /// The HTTP client cannot use the address.
    InvalidAddress {
        /// What the HTTP client says.
        error: String,
    },
    /// The answer is not HTTP.
    InvalidAnswer {
        /// What the HTTP client says.
        error: String,
    },
    /// `/info` was answered with another status than success.
    InfoStatus(u16),
    /// `/info` was answered with something else than a JSON object.
    InfoNotJson,
    /// Asking for `/info` needs a thread, and the system gives none.
    InfoNoThread(OsError),
    /// A panic was caught while `/info` was asked for.
    InfoPanicked,
    /// The file that takes the traces cannot be written.
    NotWritten(OsError),
    /// The URL is understood but cannot be served.
    Unusable(Unusable),
}

/// Why a name has no address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NameError {
    /// The look-up has not ended in time.
    Pending,
    /// The look-up failed.
    Failed(OsError),
    /// The look-up found no address.
    NoAddress,
    /// The look-up needs a thread, and there is none.
    NoThread(NoThread),
}

/// Why there is no thread for something that can hang.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NoThread {
    /// The system gives none.
    System(OsError),
    /// It ended without a result.
    EndedEarly,
}

/// The other end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Peer {
    /// The error says enough without.
    #[default]
    Unnamed,
    /// An agent's URL.
    Url(String),
    /// A host's name.
    Host(String),
    /// An address to which the name led.
    Address(SocketAddr),
    /// A Unix socket.
    Socket(PathBuf),
}

/// The classes of send errors that HTTP clients of most languages distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SendErrorClass {
    /// Nothing listens there.
    Refused,
    /// No connection in time.
    TimedOut,
    /// A connection, but no answer in time.
    NoAnswer,
    /// The host's name has no address, or none yet.
    NotResolved,
    /// Anything else.
    Other,
}

impl SendError {
    /// An error with this other end.
    pub fn new(kind: SendErrorKind, peer: Peer) -> SendError {
        SendError { kind, peer }
    }

    /// Returns the number of the system's error if a system call failed.
    pub fn errno(&self) -> Option<i32> {
        match &self.kind {
            SendErrorKind::System(OsError::Errno(errno)) => Some(*errno),
            _ => None,
        }
    }

    /// Returns what the ring of fates keeps of it.
    pub fn cause(&self) -> Cause {
        let of_system = |kind, error: &OsError| match error {
            OsError::Errno(errno) => Cause { kind, code: u16::try_from(*errno).unwrap_or(0) },
            _ => Cause::of(kind),
        };
        match &self.kind {
            SendErrorKind::System(error) => of_system(CauseKind::System, error),
            SendErrorKind::NotWritten(error) => of_system(CauseKind::NotWritten, error),
            SendErrorKind::NotResolved(_) => Cause::of(CauseKind::NotResolved),
            SendErrorKind::NoConnection(_) => Cause::of(CauseKind::NoConnection),
            SendErrorKind::NoAnswer(_) => Cause::of(CauseKind::NoAnswer),
            SendErrorKind::Closed => Cause::of(CauseKind::Closed),
            SendErrorKind::InvalidAnswer { .. } => Cause::of(CauseKind::InvalidAnswer),
            SendErrorKind::Unusable(_) => Cause::of(CauseKind::UrlUnusable),
            _ => Cause::of(CauseKind::NotSent),
        }
    }

    /// Whether the agent closed the connection before its answer was complete.
    pub fn is_closed(&self) -> bool {
        self.kind == SendErrorKind::Closed
    }

    /// Returns the class of the error, for languages that distinguish only a few.
    pub fn class(&self) -> SendErrorClass {
        match &self.kind {
            SendErrorKind::NoConnection(_) => SendErrorClass::TimedOut,
            SendErrorKind::NoAnswer(_) => SendErrorClass::NoAnswer,
            SendErrorKind::NotResolved(NameError::NoThread(_)) => SendErrorClass::Other,
            SendErrorKind::NotResolved(_) => SendErrorClass::NotResolved,
            SendErrorKind::System(error) | SendErrorKind::NotWritten(error) => match error.kind() {
                io::ErrorKind::ConnectionRefused => SendErrorClass::Refused,
                io::ErrorKind::TimedOut => SendErrorClass::TimedOut,
                _ => SendErrorClass::Other,
            },
            _ => SendErrorClass::Other,
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peer = &self.peer;
        match &self.kind {
            SendErrorKind::NotResolved(why) => return not_resolved(f, peer, why),
            SendErrorKind::InfoStatus(status) => return write!(f, "{peer}/info answered {status}"),
            SendErrorKind::InfoNotJson => return write!(f, "{peer}/info answered no JSON object"),
            SendErrorKind::NoConnection(time) => write!(f, "no connection within {time:?}")?,
            SendErrorKind::StillConnecting => f.write_str("still connecting")?,
            SendErrorKind::NoThread(why) => write!(f, "cannot connect, no thread for it: {why}")?,
            SendErrorKind::NoAddress => f.write_str("no address to connect to")?,
            SendErrorKind::PathTooLong { bytes, max_bytes } => {
                write!(f, "socket path of {bytes} bytes, at most {max_bytes} are possible")?;
            }
            SendErrorKind::System(error) => match (error.kind(), peer) {
                (io::ErrorKind::NotFound, Peer::Socket(_)) => f.write_str("no such file")?,
                _ => f.write_str(&error.plain())?,
            },
            SendErrorKind::Tls(error) => error.fmt(f)?,
            SendErrorKind::NoAnswer(time) => write!(f, "no answer within {time:?}")?,
            SendErrorKind::Closed => f.write_str("connection closed before the answer was complete")?,
            SendErrorKind::InvalidAddress { error } => write!(f, "not an address to send to: {error}")?,
            SendErrorKind::InvalidAnswer { error } => write!(f, "not an HTTP answer: {error}")?,
            SendErrorKind::InfoNoThread(error) => write!(f, "no thread to ask with: {error}")?,
            SendErrorKind::InfoPanicked => f.write_str("an internal error while asking")?,
            SendErrorKind::NotWritten(error) => error.fmt(f)?,
            SendErrorKind::Unusable(why) => why.fmt(f)?,
        }
        match peer {
            Peer::Unnamed => Ok(()),
            Peer::Socket(_) => write!(f, ": {peer}"),
            Peer::Url(_) | Peer::Host(_) | Peer::Address(_) => write!(f, " ({peer})"),
        }
    }
}

fn not_resolved(f: &mut fmt::Formatter<'_>, host: &Peer, why: &NameError) -> fmt::Result {
    match why {
        NameError::Pending => write!(f, "name not resolved yet ({host})"),
        NameError::Failed(error) => write!(f, "cannot resolve {host}: {}", error.plain()),
        NameError::NoAddress => write!(f, "cannot resolve {host}: no address"),
        NameError::NoThread(why) => write!(f, "cannot resolve {host}: no thread for it: {why}"),
    }
}

impl fmt::Display for NoThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoThread::System(error) => f.write_str(&error.plain()),
            NoThread::EndedEarly => f.write_str("the thread ended early"),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Unnamed => Ok(()),
            Peer::Url(text) | Peer::Host(text) => f.write_str(text),
            Peer::Address(address) => address.fmt(f),
            Peer::Socket(path) => path.display().fmt(f),
        }
    }
}

impl std::error::Error for SendError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn url() -> Peer {
        Peer::Url("http://agent:8126".into())
    }

    fn socket() -> Peer {
        Peer::Socket("/run/refused.sock".into())
    }

    fn host() -> Peer {
        Peer::Host("agent.test".into())
    }

    #[test]
    fn each_error_has_one_sentence_and_one_class() {
        use SendErrorClass::*;
        use SendErrorKind as Kind;
        let second = Duration::from_secs(1);
        let address = || Peer::Address(SocketAddr::from(([127, 0, 0, 1], 8126)));
        let lookup = || OsError::Words("Name or service not known".into());
        let no_thread = || NoThread::System(OsError::Errno(libc::EAGAIN));
        for (kind, peer, sentence, class) in [
            (
                Kind::System(OsError::Errno(libc::ECONNREFUSED)),
                address(),
                "connection refused (127.0.0.1:8126)",
                Refused,
            ),
            (
                Kind::System(OsError::Errno(libc::ECONNREFUSED)),
                socket(),
                "connection refused: /run/refused.sock",
                Refused,
            ),
            (Kind::System(OsError::Errno(libc::ENOENT)), socket(), "no such file: /run/refused.sock", Other),
            (
                Kind::System(OsError::Errno(libc::ECONNRESET)),
                url(),
                "connection reset by peer (http://agent:8126)",
                Other,
            ),
            (
                Kind::System(OsError::Errno(libc::ETIMEDOUT)),
                url(),
                "connection timed out (http://agent:8126)",
                TimedOut,
            ),
            (Kind::NoConnection(second), url(), "no connection within 1s (http://agent:8126)", TimedOut),
            (Kind::NoAnswer(second), url(), "no answer within 1s (http://agent:8126)", NoAnswer),
            (Kind::NotResolved(NameError::Pending), host(), "name not resolved yet (agent.test)", NotResolved),
            (
                Kind::NotResolved(NameError::Failed(lookup())),
                host(),
                "cannot resolve agent.test: name or service not known",
                NotResolved,
            ),
            (Kind::NotResolved(NameError::NoAddress), host(), "cannot resolve agent.test: no address", NotResolved),
            (
                Kind::NotResolved(NameError::NoThread(no_thread())),
                host(),
                "cannot resolve agent.test: no thread for it: resource temporarily unavailable",
                Other,
            ),
            (
                Kind::NoThread(NoThread::EndedEarly),
                socket(),
                "cannot connect, no thread for it: the thread ended early: /run/refused.sock",
                Other,
            ),
            (Kind::NoAddress, Peer::Unnamed, "no address to connect to", Other),
            (Kind::InfoStatus(500), url(), "http://agent:8126/info answered 500", Other),
            (
                Kind::NotWritten(OsError::Errno(libc::ENOSPC)),
                Peer::Unnamed,
                "No space left on device (os error 28)",
                Other,
            ),
            (Kind::NotWritten(OsError::Kind(io::ErrorKind::TimedOut)), Peer::Unnamed, "timed out", TimedOut),
        ] {
            let error = SendError::new(kind, peer);
            assert_eq!((error.to_string().as_str(), error.class()), (sentence, class));
        }
    }
}
