//! What `https://` needs. Only a build with the feature `tls` has it: without the feature no value of [`Tls`] exists, so
//! that the compiler leaves out what is only for it.

/// TLS settings of an address.
#[cfg(not(feature = "tls"))]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Tls {}

/// TLS settings of an address. The certificates in the file and the folders are trusted, or those of the system if both are
/// unset.
#[cfg(feature = "tls")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tls {
    /// `SSL_CERT_FILE`.
    pub file: Option<std::path::PathBuf>,
    /// `SSL_CERT_DIR`: folders, separated by colons.
    pub folders: Option<String>,
}

impl Tls {
    /// TLS with the certificates that the system trusts. `None` if this build has no TLS.
    #[cfg(not(feature = "tls"))]
    pub fn usual() -> Option<Tls> {
        None
    }

    /// TLS with the certificates that the system trusts.
    #[cfg(feature = "tls")]
    pub fn usual() -> Option<Tls> {
        Some(Tls::default())
    }

    /// Takes over what the environment says.
    #[cfg(not(feature = "tls"))]
    pub(super) fn settle(&mut self, _: &dyn Fn(&str) -> Option<String>) {
        match *self {}
    }

    /// Takes over what the environment says.
    #[cfg(feature = "tls")]
    pub(super) fn settle(&mut self, env: &dyn Fn(&str) -> Option<String>) {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        (self.file, self.folders) = (set("SSL_CERT_FILE").map(Into::into), set("SSL_CERT_DIR"));
    }
}
