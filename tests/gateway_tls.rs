//! Analyzers over TLS: who has no certificate of the laboratory's authority, or speaks in the clear, gets no answer. And a
//! LIMS that asks for a certificate of ours.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use labwire::config::settings::{TlsClientSettings, TlsServerSettings};
use labwire::domain::{Private, SpecimenId};
use labwire::host::tls::{self, Acceptor, Connector};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use support::*;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

const MESSAGE: &str = "MSH|^~\\&|cobas pro||Host||20260501120000||OUL^R22^OUL_R22|17|P|2.5.1|||NE|AL\r\
                       SPM|1|S1&BARCODE||SERPLAS|||||||P\rOBR|1|\"\"||10020\r\
                       OBX|1|NM|10020|1|1.12|ng/dL|||||F|||||||e801~77|20260501115500\r";

/// An authority, and what it signs.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    /// A certificate for this name, and its key.
    fn sign(&self, name: &str) -> (Vec<u8>, Private<Vec<u8>>) {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        (certificate.pem().into_bytes(), Private::new(key.serialize_pem().into_bytes()))
    }
}

/// Sends the message and returns the answer; nothing where the line is closed or silent.
async fn exchange(line: impl AsyncRead + AsyncWrite + Unpin) -> String {
    say(line, MESSAGE).await
}

async fn say(mut line: impl AsyncRead + AsyncWrite + Unpin, message: &str) -> String {
    let talk = async {
        line.write_all(&[b"\x0B", message.as_bytes(), b"\x1C\r"].concat()).await.ok()?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\x1C\r") {
            answer.push(line.read_u8().await.ok()?);
        }
        Some(String::from_utf8(answer).unwrap())
    };
    timeout(Duration::from_secs(2), talk).await.ok().flatten().unwrap_or_default()
}

fn write(lab: &Lab, name: &str, pem: &[u8]) {
    std::fs::write(lab.path(name), pem).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_has_a_certificate_of_the_authority_is_answered() {
    tls::install_provider();
    let (authority, stranger) = (Authority::new(), Authority::new());
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let (certificate, key) = authority.sign("localhost");
    write(&lab, "labwire.pem", &certificate);
    write(&lab, "labwire.key", key.reveal());
    write(&lab, "ca.pem", &authority.pem());
    let address: SocketAddr = free_port();
    let files =
        "certificate_file = \"labwire.pem\"\nkey_file = \"labwire.key\"\nclient_ca_file = \"ca.pem\"\n";
    lab.instrument(
        "cobas",
        "roche-cobas-pro",
        "",
        &format!("{}\n[tcp_server.tls]\n{files}", listener(address)),
    );
    let gateway = lab.start().await;

    assert_eq!(exchange(connect(address).await).await, "", "in the clear");
    let as_client = |identity| TlsClientSettings {
        ca_pem: authority.pem(),
        server_name: "localhost".to_owned(),
        identity,
    };
    for identity in [None, Some(stranger.sign("analyzer"))] {
        let connector = Connector::new(&as_client(identity)).unwrap();
        // The refusal may come with the handshake or with the first byte after it.
        if let Ok(line) = connector.connect(connect(address).await).await {
            assert_eq!(exchange(line).await, "");
        }
    }
    let connector = Connector::new(&as_client(Some(authority.sign("analyzer")))).unwrap();
    let answer = exchange(connector.connect(connect(address).await).await.unwrap()).await;
    assert!(answer.contains("MSA|AA|17"), "{answer}");
    until("the LIMS has it", || lab.count("accepted") == 1).await;
    until("the refusals are noted", || lab.text(&["status"]).contains("tls-handshake")).await;
    assert!(gateway.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analyzer_that_is_called_must_be_who_it_is_said_to_be() {
    tls::install_provider();
    let (authority, stranger) = (Authority::new(), Authority::new());
    for (signer, answered) in [(&authority, true), (&stranger, false)] {
        let lims = lims().await;
        let lab = Lab::new(&lims, "");
        write(&lab, "ca.pem", &authority.pem());
        let analyzer = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let connect = analyzer.local_addr().unwrap();
        let tls = "ca_file = \"ca.pem\"\nserver_name = \"analyzer.example\"\n";
        let transport = format!("[tcp_client]\nconnect = \"{connect}\"\n\n[tcp_client.tls]\n{tls}");
        lab.instrument("cobas", "roche-cobas-pro", "", &transport);
        let (certificate_pem, key_pem) = signer.sign("analyzer.example");
        let acceptor = Arc::new(
            Acceptor::new(&TlsServerSettings { certificate_pem, key_pem, client_ca_pem: None }).unwrap(),
        );
        let gateway = lab.start().await;
        let (stream, _) = timeout(Duration::from_secs(10), analyzer.accept()).await.unwrap().unwrap();
        let answer = match acceptor.accept(stream).await {
            Ok(line) => exchange(line).await,
            Err(_) => String::new(),
        };
        assert_eq!(answer.contains("MSA|AA|17"), answered, "{answer}");
        assert!(gateway.terminate().success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn results_go_over_tls_to_a_lims_that_is_who_it_is_said_to_be() {
    tls::install_provider();
    let (authority, stranger) = (Authority::new(), Authority::new());
    for (signer, trusted) in [(&authority, true), (&stranger, false)] {
        let unused = lims().await;
        let lab = Lab::new(&unused, "");
        write(&lab, "ca.pem", &authority.pem());
        let (certificate, key) = authority.sign("labwire");
        write(&lab, "labwire.pem", &certificate);
        write(&lab, "labwire.key", key.reveal());
        let lims = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let site = std::fs::read_to_string(lab.path("labwire.toml")).unwrap();
        let (before, _) = site.split_once("[destination.").unwrap();
        let destination = format!(
            "[destination.lims]\nkind = \"mllp\"\nconnect = \"{}\"\n[destination.lims.tls]\nca_file = \"ca.pem\"\n\
             server_name = \"lims.example\"\ncertificate_file = \"labwire.pem\"\nkey_file = \"labwire.key\"\n",
            lims.local_addr().unwrap()
        );
        std::fs::write(lab.path("labwire.toml"), format!("{before}{destination}")).unwrap();
        let address = free_port();
        lab.instrument("erba", "erba-xl", "", &listener(address));
        let (certificate_pem, key_pem) = signer.sign("lims.example");
        let settings = TlsServerSettings { certificate_pem, key_pem, client_ca_pem: Some(authority.pem()) };
        let acceptor = Acceptor::new(&settings).unwrap();
        let gateway = lab.start().await;
        send(address, &glucose("EX0001", "5.40", "F", "20260102030405")).await;
        let (stream, _) = timeout(Duration::from_secs(10), lims.accept()).await.unwrap().unwrap();
        match acceptor.accept(stream).await {
            Ok(mut line) => {
                let mut message = Vec::new();
                while !message.ends_with(b"\x1C\r") {
                    message.push(line.read_u8().await.unwrap());
                }
                let message = String::from_utf8(message).unwrap();
                let control_id = message.split('|').nth(9).unwrap();
                let answer = format!("\x0BMSH|^~\\&|||||||ACK|1|P|2.5.1\rMSA|AA|{control_id}\r\x1C\r");
                line.write_all(answer.as_bytes()).await.unwrap();
                until("it is accepted", || lab.count("accepted") == 1).await;
                assert!(lab.text(&["trace", "EX0001"]).contains(", TLS"));
                assert!(trusted);
            }
            Err(_) => {
                assert!(!trusted);
                until("it is told", || lab.text(&["status"]).contains("the TLS handshake failed")).await;
                assert_eq!(lab.count("pending") + lab.count("in-flight"), 1);
            }
        }
        assert!(gateway.terminate().success());
    }
}

/// Takes whatever is posted by who has a certificate of the authority.
async fn take(lims: TcpListener, acceptor: Arc<Acceptor>) {
    while let Ok((stream, _)) = lims.accept().await {
        let Ok(mut line) = acceptor.accept(stream).await else { continue };
        let mut request = Vec::new();
        while !request.ends_with(b"]}") {
            if line.read_buf(&mut request).await.unwrap_or(0) == 0 {
                break;
            }
        }
        if !request.is_empty() {
            let _ = line.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
            let _ = line.shutdown().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lims_that_asks_who_is_there_is_shown_our_certificate() {
    tls::install_provider();
    let authority = Authority::new();
    let unused = lims().await;
    let lab = Lab::new(&unused, "");
    let (certificate_pem, key_pem) = authority.sign("localhost");
    let client_ca_pem = Some(authority.pem());
    let settings = TlsServerSettings { certificate_pem, key_pem, client_ca_pem };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(take(listener, Arc::new(Acceptor::new(&settings).unwrap())));
    let (certificate, key) = authority.sign("labwire");
    write(&lab, "ca.pem", &authority.pem());
    write(&lab, "labwire.pem", &certificate);
    write(&lab, "labwire.key", key.reveal());
    let site = std::fs::read_to_string(lab.path("labwire.toml")).unwrap();
    let (before, _) = site.split_once("[destination.lims]").unwrap();
    let nameless = format!(
        "{before}[destination.lims]\nurl = \"https://localhost:{port}/results\"\nca_file = \"ca.pem\"\n\
         backoff_first_secs = 1\nbackoff_longest_secs = 1\nbreaker_failures = 50\n"
    );
    std::fs::write(lab.path("labwire.toml"), &nameless).unwrap();
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &support::listener(address));
    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "5.40", "F", "20260102030405")).await;
    let log = || std::fs::read_to_string(lab.path("log")).unwrap();
    until("it was tried twice", || log().contains("attempt=2")).await;
    assert_eq!(lab.count("accepted"), 0);
    gateway.kill();
    let ours = "certificate_file = \"labwire.pem\"\nkey_file = \"labwire.key\"\n";
    std::fs::write(lab.path("labwire.toml"), nameless + ours).unwrap();
    let _gateway = lab.start().await;
    until("it is accepted", || lab.count("accepted") == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lims_tells_orders_over_tls_and_nobody_else_does() {
    tls::install_provider();
    let (authority, stranger) = (Authority::new(), Authority::new());
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let (certificate, key) = authority.sign("localhost");
    write(&lab, "labwire.pem", &certificate);
    write(&lab, "labwire.key", key.reveal());
    write(&lab, "ca.pem", &authority.pem());
    let address: SocketAddr = free_port();
    let site = std::fs::read_to_string(lab.path("labwire.toml")).unwrap();
    let orders = format!(
        "[orders.lims]\nkind = \"mllp\"\nlisten = \"{address}\"\nallow = [\"127.0.0.1\"]\n[orders.lims.tls]\n\
         certificate_file = \"labwire.pem\"\nkey_file = \"labwire.key\"\nclient_ca_file = \"ca.pem\"\n"
    );
    std::fs::write(lab.path("labwire.toml"), site + &orders).unwrap();
    let gateway = lab.start().await;
    let order = |tube: &str| {
        format!(
            "MSH|^~\\&|LIMS|HOSP|labwire||20260501080000||OML^O33^OML_O33|17|P|2.5.1\r\
             PID|1||EX77^^^HOSP^MR||Example^Anna\rSPM|1|{tube}||SER\rORC|NW|P1\rOBR|1|P1||GLCC\r"
        )
    };
    assert_eq!(say(connect(address).await, &order("T1")).await, "", "in the clear");
    let as_client = |identity| TlsClientSettings {
        ca_pem: authority.pem(),
        server_name: "localhost".to_owned(),
        identity,
    };
    for identity in [None, Some(stranger.sign("lims"))] {
        let connector = Connector::new(&as_client(identity)).unwrap();
        // The refusal may come with the handshake or with the first byte after it.
        if let Ok(line) = connector.connect(connect(address).await).await {
            assert_eq!(say(line, &order("T1")).await, "");
        }
    }
    let known = |tube: &str| lab.reader().orders_on(&SpecimenId::new(tube)).unwrap().len();
    assert_eq!(known("T1"), 0);
    let connector = Connector::new(&as_client(Some(authority.sign("lims")))).unwrap();
    let answer = say(connector.connect(connect(address).await).await.unwrap(), &order("T2")).await;
    assert!(answer.contains("MSA|AA|17"), "{answer}");
    assert_eq!(known("T2"), 1);
    assert!(gateway.terminate().success());
}
