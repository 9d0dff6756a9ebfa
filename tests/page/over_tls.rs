//! A page on a network address: over TLS only, for nobody who hasn't signed in, and for programs with a token.

use std::net::SocketAddr;

use labwire::config::settings::TlsClientSettings;
use labwire::host::tls::Connector;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::laboratory::{Answer, Laboratory, PASSWORD};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const SETTINGS: &str = "hosts = [\"bench-pc.example\"]\n\
    [[page.tokens]]\nname = \"monitoring\"\nrole = \"viewer\"\ntoken_file = \"monitoring.token\"\n\
    [page.tls]\ncertificate_file = \"page.pem\"\nkey_file = \"page.key\"\n";

/// A laboratory that the whole network reaches, and a way to its page.
struct Open {
    laboratory: Laboratory,
    connector: Connector,
    page: SocketAddr,
}

impl Open {
    async fn new() -> Open {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = CertificateParams::new(vec!["bench-pc.example".to_owned()]).unwrap();
        let certificate = names.signed_by(&key, &authority).unwrap().pem();
        let key = key.serialize_pem();
        let files = [
            ("page.pem", certificate.as_bytes()),
            ("page.key", key.as_bytes()),
            ("monitoring.token", TOKEN.as_bytes()),
        ];
        let laboratory = Laboratory::open_with("0.0.0.0", SETTINGS, &files).await;
        let trust = TlsClientSettings {
            ca_pem: authority.pem().into_bytes(),
            server_name: "bench-pc.example".to_owned(),
            identity: None,
        };
        let page = SocketAddr::from(([127, 0, 0, 1], laboratory.page.port()));
        Open { connector: Connector::new(&trust).unwrap(), page, laboratory }
    }

    async fn ask(&self, first: &str, headers: &str, form: &str) -> Answer {
        let stream = TcpStream::connect(self.page).await.unwrap();
        let mut stream = self.connector.connect(stream).await.unwrap();
        let length = form.len();
        let request = format!(
            "{first} HTTP/1.1\r\nHost: bench-pc.example\r\nOrigin: https://bench-pc.example\r\n{headers}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{form}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // An end without a goodbye is an end.
        let _ = stream.read_to_end(&mut answer).await;
        Answer::parse(&answer)
    }

    async fn get(&self, path: &str, headers: &str) -> Answer {
        self.ask(&format!("GET {path}"), headers, "").await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_network_nobody_sees_a_patient_without_signing_in() {
    let mut open = Open::new().await;
    open.laboratory.send("24-000007", &[("001", "4.80")]).await;
    for path in
        ["/", "/specimen?id=24-000007", "/held", "/message/1", "/downtime", "/reconciliation", "/nothing"]
    {
        let answer = open.get(path, "").await;
        assert_eq!(answer.status, 303, "{path}");
        assert!(answer.headers.contains("location: /sign-in?next="), "{path}: {}", answer.headers);
        assert!(!answer.headers.contains("24-000007"), "what was looked for goes nowhere");
    }
    assert_eq!(open.ask("POST /decide", "", "guard=a&decision=release%3A1&reason=b").await.status, 303);
    for path in ["/api/status", "/metrics"] {
        assert_eq!(open.get(path, "").await.status, 401, "{path}");
        assert_eq!(open.get(path, "Authorization: Bearer wrong\r\n").await.status, 401, "{path}");
        let known = open.get(path, &format!("Authorization: Bearer {TOKEN}\r\n")).await;
        assert_eq!(known.status, 200, "{path}");
    }
    for path in ["/sign-in", "/wall", "/health", "/assets/labwire.css"] {
        let answer = open.get(path, "").await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.headers.contains("strict-transport-security: max-age="), "{}", answer.headers);
        assert!(!answer.body.contains("24-000007"), "{path}");
    }
    open.laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signed_in_sees_it_and_the_cookie_is_for_tls_only() {
    let mut open = Open::new().await;
    open.laboratory.send("24-000007", &[("001", "4.80")]).await;
    let token = open.laboratory.invite("anna", "viewer").await;
    let form = format!("name=anna&token={token}&password={PASSWORD}&again={PASSWORD}");
    assert_eq!(open.ask("POST /set-up", "", &form).await.status, 303);
    let signed = open.ask("POST /sign-in", "", &format!("name=anna&password={PASSWORD}&next=%2Fheld")).await;
    assert!(signed.headers.contains("location: /held"), "{}", signed.headers);
    let cookie =
        signed.headers.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap().to_owned();
    assert!(cookie.ends_with("; httponly; samesite=strict; secure"), "{cookie}");
    let cookie = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
    let seen = open.get("/specimen?id=24-000007", &cookie).await;
    assert!(seen.status == 200 && seen.body.contains("24-000007"), "{}", seen.status);
    open.laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_clear_there_is_no_answer() {
    let mut open = Open::new().await;
    let mut stream = TcpStream::connect(open.page).await.unwrap();
    stream.write_all(b"GET /wall HTTP/1.1\r\nHost: bench-pc.example\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&answer));
    open.laboratory.close().await;
}
