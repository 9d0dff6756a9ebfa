//! TLS: the one provider of the process, and connections over it as the configuration describes them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme,
};
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use crate::config::settings::{TlsClientSettings, TlsServerSettings, Trust};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Chooses ring for everything that speaks TLS. Call it before anything else.
pub fn install_provider() {
    // An error means that it was installed before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Why TLS can't be set up as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("failed to read a certificate or key: {0}; it must be PEM")]
    Pem(#[from] rustls::pki_types::pem::Error),
    #[error("failed to use the certificate or key: {0}")]
    Unusable(#[from] rustls::Error),
    #[error("failed to trust the authority of clients: {0}")]
    Authority(#[from] rustls::server::VerifierBuilderError),
    #[error("{0:?} is no name that a certificate could have")]
    Name(String),
}

/// Takes connections of a listener.
#[derive(Clone)]
pub struct Acceptor(TlsAcceptor);

impl Acceptor {
    pub fn new(settings: &TlsServerSettings) -> Result<Acceptor, TlsError> {
        let builder = match &settings.client_ca_pem {
            Some(ca) => {
                let verifier = WebPkiClientVerifier::builder(Arc::new(roots(ca)?)).build()?;
                ServerConfig::builder().with_client_cert_verifier(verifier)
            }
            None => ServerConfig::builder().with_no_client_auth(),
        };
        let key = PrivateKeyDer::from_pem_slice(settings.key_pem.reveal())?;
        let config = builder.with_single_cert(chain(&settings.certificate_pem)?, key)?;
        Ok(Acceptor(TlsAcceptor::from(Arc::new(config))))
    }

    /// Fails when the peer doesn't agree within ten seconds, or has no certificate where one is asked for.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<server::TlsStream<TcpStream>> {
        in_time(self.0.accept(stream)).await
    }
}

/// Makes connections to one analyzer.
#[derive(Clone)]
pub struct Connector(TlsConnector, ServerName<'static>);

impl Connector {
    pub fn new(settings: &TlsClientSettings) -> Result<Connector, TlsError> {
        let builder = ClientConfig::builder().with_root_certificates(roots(&settings.ca_pem)?);
        let config = match &settings.identity {
            Some((certificate, key)) => {
                let key = PrivateKeyDer::from_pem_slice(key.reveal())?;
                builder.with_client_auth_cert(chain(certificate)?, key)?
            }
            None => builder.with_no_client_auth(),
        };
        let name = ServerName::try_from(settings.server_name.clone())
            .map_err(|_| TlsError::Name(settings.server_name.clone()))?;
        Ok(Connector(TlsConnector::from(Arc::new(config)), name))
    }

    /// Fails when the analyzer doesn't agree within ten seconds, or its certificate isn't the authority's for its name.
    pub async fn connect(&self, stream: TcpStream) -> io::Result<client::TlsStream<TcpStream>> {
        in_time(self.0.connect(self.1.clone(), stream)).await
    }
}

/// Secures connections to one file server, all of them with the sessions of the earlier ones.
#[derive(Clone)]
pub struct FileServer(TlsConnector, String);

impl FileServer {
    /// `host` is where the server is; a trusted authority may know it by another name.
    pub fn new(trust: &Trust, host: &str) -> Result<FileServer, TlsError> {
        let (builder, name) = match trust {
            Trust::Authority { ca_pem, server_name } => {
                (ClientConfig::builder().with_root_certificates(roots(ca_pem)?), server_name.as_str())
            }
            Trust::Fingerprint(sha256) => {
                let pinned = Arc::new(Pinned(*sha256));
                (ClientConfig::builder().dangerous().with_custom_certificate_verifier(pinned), host)
            }
        };
        ServerName::try_from(name.to_owned()).map_err(|_| TlsError::Name(name.to_owned()))?;
        Ok(FileServer(TlsConnector::from(Arc::new(builder.with_no_client_auth())), name.to_owned()))
    }

    pub fn connector(&self) -> TlsConnector {
        self.0.clone()
    }

    /// The name that is asked for.
    pub fn name(&self) -> &str {
        &self.1
    }
}

/// Trusts the one certificate that has this SHA-256, whatever it says. That the server holds its key is verified as
/// always.
#[derive(Debug)]
struct Pinned([u8; 32]);

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if Sha256::digest(end_entity).as_slice() == self.0 {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &algorithms())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &algorithms())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        algorithms().supported_schemes()
    }
}

fn algorithms() -> WebPkiSupportedAlgorithms {
    rustls::crypto::ring::default_provider().signature_verification_algorithms
}

async fn in_time<T>(handshake: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no TLS handshake within ten seconds");
    tokio::time::timeout(HANDSHAKE, handshake).await.map_err(late)?
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    Ok(CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>()?)
}

fn roots(pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(pem)? {
        roots.add(certificate)?;
    }
    Ok(roots)
}
