//! From when until when a certificate is valid, by asking the verifier about times when none is. It trusts nobody.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, Error, RootCertStore};

/// The end of the year 9999, after which no certificate is valid (RFC 5280, 4.1.2.5), in seconds.
const THE_LAST: u64 = 253_402_300_799;

/// When a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    pub from: Timestamp,
    pub until: Timestamp,
}

/// The validity of the first certificate of a PEM text; `None` where there is none, or it tells none.
pub fn validity(pem: &[u8]) -> Option<Validity> {
    let certificate = CertificateDer::pem_slice_iter(pem).next()?.ok()?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).ok()?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().ok()?;
    let name = ServerName::try_from("localhost").ok()?;
    // Its time is what the verifier looks at first.
    let asked = |seconds: u64| {
        let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        match verifier.verify_server_cert(&certificate, &[], &name, &[], at) {
            Err(Error::InvalidCertificate(why)) => Some(why),
            _ => None,
        }
    };
    let moment = |it: UnixTime| Timestamp::from_second(i64::try_from(it.as_secs()).ok()?).ok();
    let from = match asked(0)? {
        CertificateError::NotValidYetContext { not_before, .. } => moment(not_before)?,
        _ => Timestamp::UNIX_EPOCH,
    };
    let until = match asked(THE_LAST)? {
        CertificateError::ExpiredContext { not_after, .. } => moment(not_after)?,
        _ => Timestamp::from_second(i64::try_from(THE_LAST).ok()?).ok()?,
    };
    Some(Validity { from, until })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};

    use super::*;

    #[test]
    fn a_certificate_says_from_when_until_when_it_is_valid() {
        for usage in [vec![], vec![ExtendedKeyUsagePurpose::ClientAuth]] {
            let mut parameters = CertificateParams::new(["labwire.example".to_owned()]).unwrap();
            parameters.not_before = date_time_ymd(2025, 3, 1);
            parameters.not_after = date_time_ymd(2031, 12, 24);
            parameters.extended_key_usages = usage;
            let pem = parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
            let told = validity(format!("words before it\n{pem}").as_bytes()).unwrap();
            assert_eq!(told.from.to_string(), "2025-03-01T00:00:00Z");
            assert_eq!(told.until.to_string(), "2031-12-24T00:00:00Z");
        }
        assert_eq!(validity(b"no certificate"), None);
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(validity(broken.as_bytes()), None);
    }
}
