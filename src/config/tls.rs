//! The tables that say how a connection is secured. It reads the certificates and keys that they name; it never connects.

use std::path::Path;

use super::files;
use super::reader::Table;
use super::settings::{TlsClientSettings, TlsServerSettings};

pub(super) fn server(table: &mut Table<'_>, folder: &Path) -> Option<TlsServerSettings> {
    let certificate = table.required("certificate_file", "\"labwire.pem\"");
    let key = table.required("key_file", "\"labwire.key\"");
    let client_ca = table.entry("client_ca_file").map(|entry| files::certificate(&entry, folder));
    let certificate_pem = certificate.and_then(|entry| files::certificate(&entry, folder));
    let key_pem = key.and_then(|entry| files::private_key(&entry, folder));
    Some(TlsServerSettings {
        certificate_pem: certificate_pem?,
        key_pem: key_pem?,
        client_ca_pem: match client_ca {
            Some(pem) => Some(pem?),
            None => None,
        },
    })
}

/// TLS to a server at this host, which is the name in its certificate unless another is given.
pub(super) fn client(table: &mut Table<'_>, host: &str, folder: &Path) -> Option<TlsClientSettings> {
    let ca = table.required("ca_file", "\"analyzer-ca.pem\"");
    let server_name = table.text("server_name").unwrap_or_else(|| host.trim_matches(['[', ']']).to_owned());
    let ca_pem = ca.and_then(|entry| files::certificate(&entry, folder));
    let certificate = table.entry("certificate_file");
    let key = table.entry("key_file");
    let identity = match (&certificate, &key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => {
            let (certificate, key) =
                (files::certificate(certificate, folder), files::private_key(key, folder));
            Some((certificate?, key?)).filter(|(_, key)| !key.reveal().is_empty())
        }
        (Some(lonely), None) | (None, Some(lonely)) => {
            lonely.error("certificate_file and key_file belong together; write both or none");
            return None;
        }
    };
    Some(TlsClientSettings { ca_pem: ca_pem?, server_name, identity })
}
