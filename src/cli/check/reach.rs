//! Whether those whom labwire connects to can be reached: a connection and, where it is configured, a TLS handshake with our
//! certificate. A LIMS is sent nothing over it, so that it takes nothing for a message; whether its answer would be the right one
//! isn't known. A server of files is logged in to and asked for its list, a mail server is logged in to; either is left as it was.

use std::fs;
use std::io;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::certificates::has_key;
use super::{about, file_of};
use crate::alerts::mail_server_admits;
use crate::config::settings::{
    DropSettings, Email, Instrument, Kind, OrderWay, PlaceSettings, TlsClientSettings, Transport, Web,
};
use crate::config::{Finding, Settings};
use crate::domain::Private;
use crate::host::tls::Connector;
use crate::intake::drop::place_admits;

/// How long one of them may take; all of them are asked at once.
const PATIENCE: Duration = Duration::from_secs(3);
/// The same where there is a login.
const WITH_LOGIN: Duration = Duration::from_secs(10);
/// By TLS 1.3 a server says only after the handshake that it doesn't take our certificate.
const SECOND_THOUGHTS: Duration = Duration::from_millis(500);
/// Whom the system trusts, as Debian keeps it.
const TRUSTED: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Somebody who should answer.
struct Peer {
    file: String,
    /// What the configuration calls it.
    title: String,
    /// `host:port`.
    address: String,
    how: How,
    /// What follows if it doesn't.
    then: &'static str,
}

/// How far somebody is tried.
enum How {
    Name,
    Connection(Option<TlsClientSettings>),
    Files(Box<DropSettings>),
    Mail(Box<Email>),
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
    let site = |title: String, address: String, how, then| Peer {
        file: "labwire.toml".to_owned(),
        title,
        address,
        how,
        then,
    };
    let mut peers = Vec::new();
    let mut on_the_web = |title: String, url: &str, web: &Web, then| {
        let Some((address, host)) = host_and_port(url) else { return };
        let tls = url.starts_with("https://").then(|| trusting(web, &host)).flatten();
        peers.push(site(title, address, How::Connection(tls), then));
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
    if let Some(history) = &settings.history {
        let then = "results wait for wait_secs each and are judged without earlier values";
        on_the_web("[history]".to_owned(), &history.url, &history.web, then);
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
        let how = How::Mail(Box::new(email.clone()));
        peers.push(site("[alerts.email]".to_owned(), address, how, "nobody is told by e-mail"));
    }
    for destination in &settings.destinations {
        if let Kind::Mllp(mllp) = &destination.kind {
            let title = format!("[destination.{}]", destination.id);
            peers.push(site(title, mllp.connect.clone(), How::Connection(mllp.tls.clone()), waits));
        }
    }
    peers.extend(settings.instruments.iter().filter_map(|it| of_instrument(it)));
    peers
}

/// An analyzer may take its one connection for the gateway's: it isn't tried, but that its name means an address. Where it
/// leaves its files is.
fn of_instrument(instrument: &Instrument) -> Option<Peer> {
    let (title, address, how, then) = match &instrument.transport {
        Transport::TcpClient(client) if client.connect.parse::<std::net::SocketAddr>().is_err() => {
            ("the analyzer", client.connect.clone(), How::Name, "labwire tries again and again")
        }
        Transport::Drop(files) => {
            let (title, address, seen) = match &files.place {
                PlaceSettings::Folder(_) => return None,
                PlaceSettings::Ftp(it) => ("[ftp]", (&it.host, it.port), !it.password.reveal().is_empty()),
                #[cfg(feature = "sftp")]
                PlaceSettings::Sftp(it) => ("[sftp]", (&it.host, it.port), is_seen(&it.login)),
            };
            // Without the password a login would only be one more that failed.
            let how = if seen { How::Files(Box::new(files.clone())) } else { How::Connection(None) };
            (title, format!("{}:{}", address.0, address.1), how, "no file is fetched until it can be")
        }
        _ => return None,
    };
    Some(Peer { file: file_of(instrument), title: title.to_owned(), address, how, then })
}

#[cfg(feature = "sftp")]
fn is_seen(login: &crate::config::settings::SftpLogin) -> bool {
    use crate::config::settings::SftpLogin::{Key, Password};
    match login {
        Password(secret) | Key(secret) => !secret.reveal().is_empty(),
    }
}

async fn attempt(peer: &Peer) -> io::Result<()> {
    let limit = match &peer.how {
        How::Name | How::Connection(_) => PATIENCE,
        How::Files(_) | How::Mail(_) => WITH_LOGIN,
    };
    let late = |_| {
        let text = format!("no answer within {} seconds", limit.as_secs());
        io::Error::new(io::ErrorKind::TimedOut, text)
    };
    match &peer.how {
        How::Name => {
            let found = timeout(limit, tokio::net::lookup_host(&peer.address)).await.map_err(late)??;
            found.map(drop).next().ok_or_else(|| io::Error::other("its name means no address"))
        }
        How::Connection(tls) => {
            let stream = timeout(limit, TcpStream::connect(&peer.address)).await.map_err(late)??;
            let Some(tls) = tls else { return Ok(()) };
            let connector = Connector::new(tls).map_err(io::Error::other)?;
            let mut stream = timeout(limit, connector.connect(stream)).await.map_err(late)??;
            match timeout(SECOND_THOUGHTS, stream.read(&mut [0])).await {
                Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => Err(error),
                _ => Ok(()),
            }
        }
        How::Files(settings) => {
            timeout(limit, place_admits(settings)).await.map_err(late)?.map_err(io::Error::other)
        }
        How::Mail(settings) => {
            timeout(limit, mail_server_admits(settings)).await.map_err(late)?.map_err(io::Error::other)
        }
    }
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

/// Whom a web server's certificate is believed by, and our own where there is one to show and its key is here.
fn trusting(web: &Web, host: &str) -> Option<TlsClientSettings> {
    let ca_pem = web.ca_pem.clone().or_else(|| fs::read(TRUSTED).ok())?;
    let identity = web.identity_pem.as_ref().map(Private::reveal).filter(|pem| has_key(pem));
    let identity = identity.map(|pem| (pem.clone(), Private::new(pem.clone())));
    Some(TlsClientSettings { ca_pem, server_name: host.trim_matches(['[', ']']).to_owned(), identity })
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
