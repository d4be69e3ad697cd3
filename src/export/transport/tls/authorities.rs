//! Reads the certificates of the authorities that are trusted: those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, else
//! those of the system.

// Reads files.
#![allow(clippy::disallowed_methods)]

use std::io;
use std::path::Path;
use std::time::Instant;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::CertificateDer;
use rustls::RootCertStore;

use crate::event::tls::TlsError;
use crate::settings::Tls;
use crate::sys;

/// Where systems have all certificates in one file: Debian and its kin, Red Hat's, SUSE's, Alpine.
const FILES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// Where systems have a file for each certificate.
const FOLDERS: &str = "/etc/ssl/certs:/etc/pki/tls/certs";
/// The most bytes that are read of all files together.
const BYTES_MAX: u64 = 16 << 20;
/// The most files of a folder that are read.
const NAMES_MAX: usize = 4_096;

/// Reads them, and fails if that is not done by `deadline`.
pub(super) fn read(tls: &Tls, deadline: Instant) -> io::Result<RootCertStore> {
    let mut reading = Reading { found: RootCertStore::empty(), bytes_left: BYTES_MAX, deadline };
    if let Some(file) = &tls.file {
        reading.add_file(file)?;
    }
    if let Some(folders) = &tls.folders {
        reading.add_folders(folders)?;
    }
    let is_told = tls.file.is_some() || tls.folders.is_some();
    if !is_told {
        for file in FILES {
            reading.add_file(Path::new(file))?;
            if !reading.found.is_empty() {
                break;
            }
        }
        if reading.found.is_empty() {
            reading.add_folders(FOLDERS)?;
        }
    }
    if reading.found.is_empty() {
        let file = tls.file.iter().map(|file| file.display().to_string());
        let places: Vec<String> = file.chain(tls.folders.clone()).collect();
        return Err(io::Error::other(TlsError::NoAuthorities(is_told.then(|| places.join(" and ")))));
    }
    Ok(reading.found)
}

/// What is found, and what reading may still cost.
struct Reading {
    found: RootCertStore,
    bytes_left: u64,
    deadline: Instant,
}

impl Reading {
    /// Adds the certificates in a file, and skips the rest of its content. A file that cannot be read has none.
    fn add_file(&mut self, path: &Path) -> io::Result<()> {
        if Instant::now() >= self.deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let pem = sys::read_file(path, self.bytes_left).unwrap_or_default();
        self.bytes_left = self.bytes_left.saturating_sub(pem.len() as u64);
        self.found.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).flatten());
        Ok(())
    }

    fn add_folders(&mut self, folders: &str) -> io::Result<()> {
        for folder in folders.split(':').filter(|folder| !folder.is_empty()).map(Path::new) {
            for name in sys::names_in(folder, NAMES_MAX).unwrap_or_default() {
                if self.bytes_left == 0 {
                    return Ok(());
                }
                self.add_file(&folder.join(name))?;
            }
        }
        Ok(())
    }
}
