//! Where an agent listens.

use std::fmt;
use std::path::PathBuf;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// Plain HTTP.
    Tcp {
        /// A name or an address. An IPv6 address has brackets or not.
        host: String,
        /// The port.
        port: u16,
        /// Precedes every path: empty, or such as `/agent`.
        base_path: String,
    },
    /// HTTP over a Unix stream socket.
    Unix {
        /// The socket's path, at most 107 bytes.
        path: PathBuf,
    },
}

impl Place {
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
            Place::Tcp { host, port, base_path } => {
                let base = base_path.trim_matches('/');
                let slash = if base.is_empty() { "" } else { "/" };
                if host.contains(':') && !host.starts_with('[') {
                    write!(f, "http://[{host}]:{port}{slash}{base}")
                } else {
                    write!(f, "http://{host}:{port}{slash}{base}")
                }
            }
            Place::Unix { path } => write!(f, "unix://{}", path.display()),
        }
    }
}
