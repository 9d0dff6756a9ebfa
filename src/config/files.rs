//! Files that a configuration names: certificates, keys and tokens. It reads them and looks no further into them than to
//! tell that they are what they should be.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::reader::Entry;
use super::secret::{self, Seen};
use super::transport::path;
use crate::domain::Private;

/// A PEM file with a certificate in it.
pub(super) fn certificate(entry: &Entry<'_>, folder: &Path) -> Option<Vec<u8>> {
    const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
    let (file, pem) = contents(entry, folder)?;
    if !pem.windows(BEGIN.len()).any(|window| window == BEGIN) {
        entry.error(format!("{} holds no certificate; put a PEM file there", file.display()));
        return None;
    }
    Some(pem)
}

/// A file's path and bytes.
fn contents(entry: &Entry<'_>, folder: &Path) -> Option<(PathBuf, Vec<u8>)> {
    let file = path(entry, folder)?;
    match fs::read(&file) {
        Ok(bytes) => Some((file, bytes)),
        Err(error) => {
            entry.error(format!("failed to read {}: {error}", file.display()));
            None
        }
    }
}

/// A PEM file with a private key in it; empty where it isn't for this process to see.
pub(super) fn private_key(entry: &Entry<'_>, folder: &Path) -> Option<Private<Vec<u8>>> {
    const KIND: &[u8] = b"PRIVATE KEY-----";
    let file = path(entry, folder)?;
    let Seen::Here(pem) = secret::bytes(entry, &file)? else { return Some(Private::default()) };
    if !pem.windows(KIND.len()).any(|window| window == KIND) {
        entry.error(format!("{} holds no private key; put a PEM file there", file.display()));
        return None;
    }
    Some(Private::new(pem))
}

/// A secret that everybody can read is none.
pub(super) fn warn_if_open(entry: &Entry<'_>, file: &Path) {
    if fs::metadata(file).is_ok_and(|meta| meta.permissions().mode() & 0o007 != 0) {
        entry.warning(format!("anyone on this machine can read {}; chmod o= it", file.display()));
    }
}
