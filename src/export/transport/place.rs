//! Where an agent listens.

#[cfg(feature = "cli")]
use crate::settings::AgentAddress;
use crate::settings::Tls;
use std::fmt;
use std::path::PathBuf;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// HTTP over TCP.
    Tcp {
        /// A name or an address. An IPv6 address has brackets or not.
        host: String,
        /// The port.
        port: u16,
        /// Precedes every path: empty, or such as `/agent`.
        base_path: String,
        /// For HTTPS.
        tls: Option<Tls>,
    },
    /// HTTP over a Unix stream socket.
    Unix {
        /// The socket's path, at most 107 bytes.
        path: PathBuf,
    },
}

impl Place {
    /// The place of an Agent or a Collector: the whole path of requests to a Collector is the base path. `None` for a file,
    /// and for an address that cannot be used.
    #[cfg(feature = "cli")]
    pub fn of(address: &AgentAddress) -> Option<Place> {
        match address.clone() {
            AgentAddress::Http { host, port, base_path, tls }
            | AgentAddress::Otlp { host, port, path: base_path, tls } => {
                Some(Place::Tcp { host, port, base_path, tls })
            }
            AgentAddress::Unix { path } => Some(Place::Unix { path }),
            AgentAddress::File { .. } | AgentAddress::Unusable { .. } => None,
        }
    }

    /// The URL that precedes every path in requests.
    pub(super) fn base_url(&self) -> String {
        match self {
            Place::Tcp { .. } => self.to_string(),
            Place::Unix { .. } => "http://localhost".into(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Tcp { host, port, base_path, tls } => {
                let scheme = if tls.is_some() { "https" } else { "http" };
                let base = base_path.trim_matches('/');
                let slash = if base.is_empty() { "" } else { "/" };
                if host.contains(':') && !host.starts_with('[') {
                    write!(f, "{scheme}://[{host}]:{port}{slash}{base}")
                } else {
                    write!(f, "{scheme}://{host}:{port}{slash}{base}")
                }
            }
            Place::Unix { path } => write!(f, "unix://{}", path.display()),
        }
    }
}
