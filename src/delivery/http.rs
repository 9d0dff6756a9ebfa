//! One attempt over HTTP: a new connection, no redirects, no silent retries, a bounded answer.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Certificate, Url, redirect, retry};

use super::kind::Attempted;
use super::verdict::Reply;
use super::verdict::http::{Answer, judge};
use crate::config::settings::{Http, KeyStyle};
use crate::journal::ledger::{AttemptKind, Lease};

/// The most of an answer that is read, in bytes.
const ANSWER: usize = 1024 * 1024;

/// A client for one self.settings.
pub struct Client {
    http: reqwest::Client,
    settings: Http,
}

impl Client {
    /// Fails where the destination's certificate authority can't be read.
    pub fn new(settings: &Http) -> reqwest::Result<Client> {
        let mut builder = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .pool_max_idle_per_host(0)
            .timeout(settings.timeout)
            .user_agent(concat!("labwire/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = &settings.ca_pem {
            builder = builder.tls_certs_only(Certificate::from_pem_bundle(pem)?);
        }
        Ok(Client { http: builder.build()?, settings: settings.clone() })
    }

    /// Makes the attempt and judges it. Never fails: what goes wrong is a reply too.
    pub async fn attempt(&self, lease: &Lease) -> Attempted {
        let (reply, peer) = self.send(lease).await;
        let connection = connection(self.address(lease), &reply, peer);
        let judgement = judge(&reply, lease.kind, &self.settings, &lease.items);
        let (status, body) = match reply {
            Reply::Answered(answer) => (Some(answer.status), Some(answer.body)),
            Reply::NotSent(_) | Reply::NoAnswer(_) => (None, None),
        };
        Attempted { judgement, status, body, connection }
    }

    /// Where an attempt goes, without its key.
    fn address(&self, lease: &Lease) -> &str {
        match (lease.kind, &self.settings.probe_url) {
            (AttemptKind::Probe, Some(probe)) => probe,
            _ => &self.settings.url,
        }
    }

    /// The reply, and who gave it.
    async fn send(&self, lease: &Lease) -> (Reply<Answer>, Option<SocketAddr>) {
        let request = match (lease.kind, &self.settings.probe_url) {
            (AttemptKind::Probe, Some(probe)) => self.http.get(probe.replace("{key}", &lease.key)),
            _ => self.http.post(&self.settings.url).body(lease.payload.clone()),
        };
        let key = match self.settings.key_style {
            KeyStyle::Quoted => format!("\"{}\"", lease.key),
            KeyStyle::Bare => lease.key.clone(),
        };
        let mut request = request.header(CONTENT_TYPE, "application/json").header("Idempotency-Key", key);
        if let Some(token) = &self.settings.token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.reveal()));
        }
        match request.send().await {
            Ok(response) => {
                let peer = response.remote_addr();
                (answer(response).await, peer)
            }
            Err(error) if error.is_connect() || error.is_builder() => (Reply::NotSent(why(&error)), None),
            Err(error) => (Reply::NoAnswer(why(&error)), None),
        }
    }
}

/// The connection of an attempt at `url`: the peer's address, or its name where nobody answered.
fn connection(url: &str, reply: &Reply<Answer>, peer: Option<SocketAddr>) -> Option<String> {
    if matches!(reply, Reply::NotSent(_)) {
        return None;
    }
    let url = Url::parse(url).ok()?;
    let peer = match (peer, url.host_str(), url.port_or_known_default()) {
        (Some(peer), ..) => peer.to_string(),
        (None, Some(host), Some(port)) => format!("{host}:{port}"),
        (None, ..) => return None,
    };
    let security = if url.scheme() == "https" { "TLS" } else { "in the clear" };
    Some(format!("to {peer}, {security}"))
}

async fn answer(mut response: reqwest::Response) -> Reply<Answer> {
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers());
    let replayed = response
        .headers()
        .get("Idempotent-Replayed")
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > ANSWER => {
                return Reply::NoAnswer(format!("the answer is larger than {ANSWER} bytes"));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Reply::Answered(Answer { status, retry_after, replayed, body }),
            Err(error) => return Reply::NoAnswer(why(&error)),
        }
    }
}

/// Seconds only: a date would need our clock and the server's to agree.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The innermost cause, without the URL: a probe's carries a key.
fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "the time limit ran out".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
