//! Replaces `tls.rs` in a build without the feature `tls`.

use std::io;
use std::time::Instant;

use crate::event::tls::TlsError;
use crate::settings::Tls;
use crate::sys::Connection;

/// One connection to an agent.
pub(super) type Link = Connection;

/// The certificates that are trusted.
#[derive(Clone, Debug, Default)]
pub(super) struct Trust(());

impl Trust {
    /// Never called: no [`Tls`] exists.
    pub(super) fn secure(&self, _: Connection, tls: &Tls, _: &str, _: Instant) -> io::Result<Link> {
        match *tls {}
    }
}

/// Returns a connection without TLS.
pub(super) fn plain(connection: Connection) -> Link {
    connection
}

/// Returns the error of TLS that an error is.
pub(super) fn tls_error(_: &io::Error) -> Option<TlsError> {
    None
}
