//! Reads the certificates of the authorities that are trusted: those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, else
//! those of the system.

// Reads files.
#![allow(clippy::disallowed_methods)]

use std::path::Path;

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
/// The most bytes of a file that are read.
const FILE_MAX: u64 = 16 << 20;
/// The most files of a folder that are read.
const NAMES_MAX: usize = 4_096;

pub(super) fn read(tls: &Tls) -> Result<RootCertStore, TlsError> {
    let mut found = RootCertStore::empty();
    if let Some(file) = &tls.file {
        add_file(&mut found, file);
    }
    if let Some(folders) = &tls.folders {
        add_folders(&mut found, folders);
    }
    let is_told = tls.file.is_some() || tls.folders.is_some();
    if !is_told {
        FILES.iter().take_while(|file| !add_file(&mut found, Path::new(file))).count();
        if found.is_empty() {
            add_folders(&mut found, FOLDERS);
        }
    }
    if found.is_empty() {
        let file = tls.file.iter().map(|file| file.display().to_string());
        let places: Vec<String> = file.chain(tls.folders.clone()).collect();
        return Err(TlsError::NoAuthorities(is_told.then(|| places.join(" and "))));
    }
    Ok(found)
}

/// Adds the certificates in a file, and leaves out what is none. Returns whether there was one.
fn add_file(found: &mut RootCertStore, path: &Path) -> bool {
    let before = found.len();
    let pem = sys::read_file(path, FILE_MAX).unwrap_or_default();
    found.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).flatten());
    found.len() > before
}

fn add_folders(found: &mut RootCertStore, folders: &str) {
    for folder in folders.split(':').filter(|folder| !folder.is_empty()).map(Path::new) {
        for name in sys::names_in(folder, NAMES_MAX).unwrap_or_default() {
            add_file(found, &folder.join(name));
        }
    }
}
