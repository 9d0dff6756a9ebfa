//! One request to a web server: a new connection, no redirects, no silent retries, a bounded answer.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, Url};

use super::kind::Attempted;
use super::verdict::http::Answer;
use super::verdict::{Judgement, Reply, Why};
use crate::board::Cause;
use crate::config::settings;
use crate::domain::Private;
use crate::host::web::{Afterwards, client};

/// The most of an answer that is read, in bytes.
const ANSWER: usize = 1024 * 1024;

/// The way to one server.
pub(super) struct Web {
    client: reqwest::Client,
    token: Option<Private<String>>,
}

/// What is said of a server whose name has no address.
const NO_NAME: &str = "dns error";

/// What came of a request.
pub(super) struct Exchange {
    pub(super) reply: Reply<Answer>,
    /// The connection that it went by, once there was one.
    pub(super) connection: Option<String>,
}

impl Exchange {
    /// The attempt that it was.
    pub(super) fn judged(self, judgement: Judgement) -> Attempted {
        let (status, body) = match self.reply {
            Reply::Answered(answer) => (Some(answer.status), Some(answer.body)),
            Reply::NotSent(_) | Reply::NoAnswer(_) => (None, None),
        };
        Attempted { judgement, status, body, connection: self.connection }
    }
}

impl Web {
    /// Fails where the certificates can't be read. It doesn't connect.
    pub(super) fn new(settings: &settings::Web) -> reqwest::Result<Web> {
        let client = client(settings, Afterwards::Closed)?;
        Ok(Web { client, token: settings.token.clone() })
    }

    pub(super) fn get(&self, url: &str) -> RequestBuilder {
        self.authorized(self.client.get(url))
    }

    pub(super) fn post(&self, url: &str) -> RequestBuilder {
        self.authorized(self.client.post(url))
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {}", token.reveal())),
            None => request,
        }
    }

    /// Sends a request. Never fails: what goes wrong is a reply too.
    pub(super) async fn ask(request: RequestBuilder) -> Exchange {
        let (client, request) = request.build_split();
        let request = match request {
            Ok(request) => request,
            Err(error) => return Exchange { reply: Reply::NotSent(why(&error)), connection: None },
        };
        let url = request.url().clone();
        match client.execute(request).await {
            Ok(response) => {
                let connection = connection(&url, response.remote_addr());
                Exchange { reply: answer(response).await, connection }
            }
            Err(error) if error.is_connect() || error.is_builder() => {
                Exchange { reply: Reply::NotSent(why(&error)), connection: None }
            }
            Err(error) => {
                Exchange { reply: Reply::NoAnswer(why(&error)), connection: connection(&url, None) }
            }
        }
    }
}

/// Where a request went, without what was asked: the peer's address, or its name where nobody answered.
fn connection(url: &Url, peer: Option<SocketAddr>) -> Option<String> {
    let peer = match (peer, url.host_str(), url.port_or_known_default()) {
        (Some(peer), ..) => peer.to_string(),
        (None, Some(host), Some(port)) => format!("{host}:{port}"),
        (None, ..) => return None,
    };
    let security = if url.scheme() == "https" { "TLS" } else { "in the clear" };
    Some(format!("{peer}, {security}"))
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
                return Reply::NoAnswer(Why::unknown(&format!("the answer is larger than {ANSWER} bytes")));
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
fn why(error: &reqwest::Error) -> Why {
    if error.is_timeout() {
        return Why { text: "the time limit ran out".to_owned(), cause: Cause::NoAnswer };
    }
    let (mut innermost, mut cause): (&dyn Error, Cause) = (error, Cause::Unknown);
    while let Some(inner) = innermost.source() {
        innermost = inner;
        match innermost.downcast_ref::<io::Error>().map(|it| cause_of(it, error.is_connect())) {
            Some(told) if told != Cause::Unknown => cause = told,
            None if innermost.to_string() == NO_NAME => cause = Cause::NotThere,
            _ => {}
        }
    }
    Why { text: innermost.to_string(), cause }
}

/// By the innermost of the system's errors that one is made of.
fn cause_of(error: &io::Error, is_connecting: bool) -> Cause {
    // What TLS can't use comes as data that isn't valid.
    if is_connecting && error.kind() == io::ErrorKind::InvalidData {
        return Cause::Untrusted;
    }
    match error.get_ref().and_then(|inner| inner.downcast_ref::<io::Error>()) {
        Some(inner) => cause_of(inner, is_connecting),
        None => Cause::of(error),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    /// A server that says this to whoever connects, and hangs up.
    async fn server(says: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut line, _)) = listener.accept().await {
                let _ = line.write_all(says.as_bytes()).await;
            }
        });
        address
    }

    #[tokio::test]
    async fn what_was_in_the_way_is_told() {
        crate::host::tls::install_provider();
        let settings =
            settings::Web { token: None, ca_pem: None, identity_pem: None, timeout: Duration::from_secs(30) };
        let web = Web::new(&settings).unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        for (url, expected) in [
            (format!("http://{closed}/"), Cause::Refused),
            ("http://no-such-host.invalid/".to_owned(), Cause::NotThere),
            (format!("https://{}/", server("HTTP/1.1 400 Bad Request\r\n\r\n").await), Cause::Untrusted),
        ] {
            let Reply::NotSent(why) = Web::ask(web.get(&url)).await.reply else { panic!("{url}") };
            assert_eq!(why.cause, expected, "{url}: {}", why.text);
        }
        let half = server("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{").await;
        let exchange = Web::ask(web.get(&format!("http://{half}/"))).await;
        assert!(matches!(exchange.reply, Reply::NoAnswer(_)), "half an answer is none");
    }
}
