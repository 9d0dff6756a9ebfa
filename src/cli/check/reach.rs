//! Whether those whom labwire connects to can be reached: a connection and, where it is configured, a TLS handshake. Nothing is
//! sent over it, so that nobody takes it for a message; whether the answer would be the right one isn't known.

use std::fs;
use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{about, file_of};
use crate::config::settings::{Kind, OrderWay, TlsClientSettings, Transport, Web};
use crate::config::{Finding, Settings};
use crate::host::tls::Connector;

/// How long one of them may take; all of them are asked at once.
const PATIENCE: Duration = Duration::from_secs(3);
/// Whom the system trusts, as Debian keeps it.
const TRUSTED: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Somebody who should answer.
struct Peer {
    file: String,
    /// What the configuration calls it.
    title: String,
    /// `host:port`.
    address: String,
    tls: Option<TlsClientSettings>,
    /// What follows if it doesn't.
    then: &'static str,
}

pub(super) fn findings(settings: &Settings) -> Vec<Finding> {
    let peers = peers(settings);
    if peers.is_empty() {
        return Vec::new();
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return vec![about("labwire.toml", format!("failed to try connections: {error}"))],
    };
    let told = runtime.block_on(async {
        let attempts: Vec<_> = peers.iter().map(|peer| Box::pin(attempt(peer))).collect();
        all(attempts).await
    });
    // A name that nobody resolves mustn't keep the check from ending.
    runtime.shutdown_background();
    let failed = peers.iter().zip(told).filter_map(|(peer, told)| Some((peer, told.err()?)));
    failed
        .map(|(peer, error)| {
            let Peer { file, title, address, then, .. } = peer;
            about(file, format!("{title} can't be reached at {address}: {error}; {then}"))
        })
        .collect()
}

fn peers(settings: &Settings) -> Vec<Peer> {
    let site = |title: String, address: String, tls, then| Peer {
        file: "labwire.toml".to_owned(),
        title,
        address,
        tls,
        then,
    };
    let mut peers = Vec::new();
    let mut on_the_web = |title: String, url: &str, web: &Web, then| {
        let Some((address, host)) = host_and_port(url) else { return };
        let tls = url.starts_with("https://").then(|| trusting(web, &host)).flatten();
        peers.push(site(title, address, tls, then));
    };
    let waits = "results for it wait until it answers";
    for destination in &settings.destinations {
        let title = format!("[destination.{}]", destination.id);
        match &destination.kind {
            Kind::Http(http) => on_the_web(title, &http.url, &http.web, waits),
            Kind::Fhir(fhir) => on_the_web(title, &fhir.url, &fhir.web, waits),
            Kind::Mllp(_) | Kind::Folder(_) => {}
        }
    }
    for source in &settings.orders {
        let title = format!("[orders.{}]", source.name);
        if let OrderWay::Poll(poll) = &source.way {
            on_the_web(title.clone(), &poll.url, &poll.web, "no new orders come until it answers");
        }
        if let Some(ask) = &source.ask {
            on_the_web(title, &ask.url, &ask.web, "it isn't asked about tubes until it answers");
        }
    }
    if let Some(webhook) = &settings.alerts.webhook {
        on_the_web("[alerts.webhook]".to_owned(), &webhook.url, &webhook.web, "nobody is told");
    }
    if let Some(heartbeat) = &settings.alerts.heartbeat {
        let then = "whoever waits for it takes this PC for dead";
        on_the_web("[alerts.heartbeat]".to_owned(), &heartbeat.url, &heartbeat.web, then);
    }
    if let Some(otlp) = &settings.otlp {
        on_the_web("[otlp]".to_owned(), &otlp.url, &otlp.web, "traces wait in the journal");
    }
    if let Some(email) = &settings.alerts.email {
        let address = format!("{}:{}", email.host, email.port);
        peers.push(site("[alerts.email]".to_owned(), address, None, "nobody is told by e-mail"));
    }
    for destination in &settings.destinations {
        if let Kind::Mllp(mllp) = &destination.kind {
            let title = format!("[destination.{}]", destination.id);
            peers.push(site(title, mllp.connect.clone(), mllp.tls.clone(), waits));
        }
    }
    // An analyzer may take its one connection for the gateway's: it isn't tried, but that its name means an address.
    peers.extend(settings.instruments.iter().filter_map(|instrument| match &instrument.transport {
        Transport::TcpClient(client) if client.connect.parse::<std::net::SocketAddr>().is_err() => {
            Some(Peer {
                file: file_of(instrument),
                title: ANALYZER.to_owned(),
                address: client.connect.clone(),
                tls: None,
                then: "labwire tries again and again",
            })
        }
        _ => None,
    }));
    peers
}

/// Of whom only the name is looked up.
const ANALYZER: &str = "the analyzer";

async fn attempt(peer: &Peer) -> io::Result<()> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no answer within three seconds");
    if peer.title == ANALYZER {
        let found = timeout(PATIENCE, tokio::net::lookup_host(&peer.address)).await.map_err(late)??;
        return found.map(drop).next().ok_or_else(|| io::Error::other("its name means no address"));
    }
    let stream = timeout(PATIENCE, TcpStream::connect(&peer.address)).await.map_err(late)??;
    let Some(tls) = &peer.tls else { return Ok(()) };
    let connector = Connector::new(tls).map_err(io::Error::other)?;
    timeout(PATIENCE, connector.connect(stream)).await.map_err(late)?.map(drop)
}

/// All of them at once, in their order.
async fn all<T>(mut waiting: Vec<std::pin::Pin<Box<impl Future<Output = T>>>>) -> Vec<T> {
    let mut done: Vec<Option<T>> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in waiting.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

/// Whom a web server's certificate is believed by, and our own where there is one to show.
fn trusting(web: &Web, host: &str) -> Option<TlsClientSettings> {
    let ca_pem = web.ca_pem.clone().or_else(|| fs::read(TRUSTED).ok())?;
    Some(TlsClientSettings { ca_pem, server_name: host.trim_matches(['[', ']']).to_owned(), identity: None })
}

/// `host:port` of a web address, and its host.
fn host_and_port(url: &str) -> Option<(String, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let port = if scheme == "https" { 443 } else { 80 };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, digits)) if !digits.ends_with(']') => (host, digits.parse().ok()?),
        _ => (authority, port),
    };
    Some((format!("{host}:{port}"), host.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_web_address_leads_to_a_host_and_a_port() {
        for (url, expected) in [
            ("https://lims.example/results", Some("lims.example:443")),
            ("http://lims.example", Some("lims.example:80")),
            ("http://127.0.0.1:8900/results?a=b:c", Some("127.0.0.1:8900")),
            ("https://[::1]/x", Some("[::1]:443")),
            ("https://[::1]:8443", Some("[::1]:8443")),
            ("lims.example", None),
        ] {
            assert_eq!(host_and_port(url).map(|it| it.0).as_deref(), expected, "{url}");
        }
    }
}
