//! Why TLS cannot be used with an agent. Without the feature `tls` there is no such error, and no value of the type.

use std::fmt;

/// See the module.
#[cfg(not(feature = "tls"))]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TlsError {}

/// See the module.
#[cfg(feature = "tls")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TlsError {
    /// There are no certificates of authorities in this file or these folders, or at the usual places of a system.
    NoAuthorities(Option<String>),
    /// The certificate is from an authority that is not trusted.
    UnknownAuthority,
    /// The certificate is for these hosts.
    OtherHost(Vec<String>),
    /// The certificate has expired.
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The certificate cannot be used for another reason.
    Certificate(String),
    /// What answers does not speak TLS.
    NotTls,
    /// The connection was closed during the handshake.
    Closed,
    /// The other end has ended the handshake with this alert.
    Alert(String),
    /// Anything else, in words of the TLS library.
    Other(String),
}

#[cfg(not(feature = "tls"))]
impl fmt::Display for TlsError {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

#[cfg(feature = "tls")]
impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TlsError::NoAuthorities(Some(place)) => {
                write!(f, "no certificate of an authority can be read from {place}; check SSL_CERT_FILE and SSL_CERT_DIR")
            }
            TlsError::NoAuthorities(None) => f.write_str(
                "this system has no certificates of authorities; install its package ca-certificates or set SSL_CERT_FILE",
            ),
            TlsError::UnknownAuthority => f.write_str(
                "certificate of an authority that is not trusted; set SSL_CERT_FILE to a file with the certificate of \
                 that authority",
            ),
            TlsError::OtherHost(names) if names.is_empty() => f.write_str("certificate for another host"),
            TlsError::OtherHost(names) => write!(f, "certificate for another host: {}", names.join(", ")),
            TlsError::Expired => f.write_str("certificate has expired, or the clock of this machine is wrong"),
            TlsError::NotYetValid => f.write_str("certificate is not valid yet, or the clock of this machine is wrong"),
            TlsError::Certificate(error) => write!(f, "certificate cannot be used: {error}"),
            TlsError::NotTls => f.write_str("no TLS at this port; use http:// if that is intended"),
            TlsError::Closed => f.write_str("connection closed during the TLS handshake"),
            TlsError::Alert(alert) => write!(f, "the other end refused TLS: {alert}"),
            TlsError::Other(error) => write!(f, "TLS failed: {error}"),
        }
    }
}

impl std::error::Error for TlsError {}
