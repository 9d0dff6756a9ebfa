//! The way to the collector. It remembers what came back last, which the exporter tells in words alone; and it says what becomes of
//! traces then, by OTLP's own rule: what may be sent again is named there, and everything else that was refused never is.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response, ResponseBodyTooLarge};

/// The statuses after which the same is sent again (OTLP specification, "OTLP/HTTP response", "Retryable response codes").
const SENT_AGAIN: [u16; 4] = [429, 502, 503, 504];
/// The longest that a collector's `Retry-After` is honoured.
const LONGEST_WISH: Duration = Duration::from_secs(3_600);

/// A client that remembers. Clones share what it remembers.
#[derive(Debug, Clone)]
pub(super) struct Line {
    client: Arc<dyn HttpClient>,
    heard: Arc<Mutex<Option<Heard>>>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Heard {
    /// No answer, or a broken one.
    Nothing,
    /// An answer too long to be read.
    TooLong,
    Answer {
        status: u16,
        retry_after: Option<Duration>,
        /// Spans that it didn't take though it took the request.
        rejected: u64,
    },
}

/// What becomes of what was sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// But for so many spans, which it doesn't want again.
    Taken { rejected: u64 },
    /// It is sent again, not before so long.
    Later(Option<Duration>),
    /// It is never sent again.
    Refused,
}

impl Line {
    pub(super) fn over(client: impl HttpClient + 'static) -> Line {
        Line { client: Arc::new(client), heard: Arc::default() }
    }

    /// What becomes of what was sent last; asked once for each request. What never left can't leave the next time either.
    pub(super) fn fate(&self) -> Fate {
        match self.heard.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(Heard::Nothing) => Fate::Later(None),
            Some(Heard::Answer { status: 200..=299, rejected, .. }) => Fate::Taken { rejected },
            Some(Heard::Answer { status, retry_after, .. }) if SENT_AGAIN.contains(&status) => {
                Fate::Later(retry_after.map(|wish| wish.min(LONGEST_WISH)))
            }
            Some(Heard::Answer { .. } | Heard::TooLong) | None => Fate::Refused,
        }
    }
}

/// As the trait's own macro writes it out.
impl HttpClient for Line {
    fn send_bytes<'life0, 'async_trait>(
        &'life0 self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            let sent = self.client.send_bytes(request).await;
            *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(heard(&sent));
            sent
        })
    }
}

fn heard(sent: &Result<Response<Bytes>, HttpError>) -> Heard {
    let answer = match sent {
        Ok(answer) => answer,
        Err(error) if error.is::<ResponseBodyTooLarge>() => return Heard::TooLong,
        Err(_) => return Heard::Nothing,
    };
    // Seconds only: a date would need our clock and the collector's to agree.
    let seconds = answer.headers().get("retry-after").and_then(|it| it.to_str().ok()?.trim().parse().ok());
    Heard::Answer {
        status: answer.status().as_u16(),
        retry_after: seconds.map(Duration::from_secs),
        rejected: rejected(answer.body()),
    }
}

/// How many spans an answer says that it rejected: `{"partialSuccess":{"rejectedSpans":"3"}}`, where JSON has 64 bits as text.
fn rejected(body: &[u8]) -> u64 {
    let answer = serde_json::from_slice::<serde_json::Value>(body).unwrap_or_default();
    let told = answer.pointer("/partialSuccess/rejectedSpans");
    told.and_then(|it| it.as_u64().or_else(|| it.as_str()?.parse().ok())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fate of what this was the answer to.
    async fn fate(status: u16, retry_after: &'static str, body: &'static str) -> Fate {
        #[derive(Debug)]
        struct Says(u16, &'static str, &'static str);
        impl HttpClient for Says {
            fn send_bytes<'life0, 'async_trait>(
                &'life0 self,
                _: Request<Bytes>,
            ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'async_trait>>
            where
                'life0: 'async_trait,
                Self: 'async_trait,
            {
                Box::pin(async move {
                    match self.0 {
                        0 => Err("nobody is there".into()),
                        1 => Err(ResponseBodyTooLarge::new().into()),
                        status => {
                            let answer = Response::builder().status(status).header("Retry-After", self.1);
                            Ok(answer.body(Bytes::from_static(self.2.as_bytes()))?)
                        }
                    }
                })
            }
        }
        let line = Line::over(Says(status, retry_after, body));
        let _ = line.send_bytes(Request::new(Bytes::new())).await;
        let fate = line.fate();
        assert_eq!(line.fate(), Fate::Refused, "it is told once");
        fate
    }

    #[tokio::test]
    async fn only_what_otlp_names_is_sent_again() {
        for status in 200..600 {
            let fate = fate(status, "", "").await;
            match status {
                200..300 => assert_eq!(fate, Fate::Taken { rejected: 0 }, "{status}"),
                429 | 502 | 503 | 504 => assert_eq!(fate, Fate::Later(None), "{status}"),
                _ => assert_eq!(fate, Fate::Refused, "{status}"),
            }
        }
        assert_eq!(fate(0, "", "").await, Fate::Later(None), "nobody answered");
        assert_eq!(fate(1, "", "").await, Fate::Refused, "the answer is too long");
    }

    #[tokio::test]
    async fn a_collector_may_ask_for_time_up_to_an_hour() {
        for (said, wish) in [("7", Some(7)), ("99999", Some(3_600)), ("Fri, 31 Dec 1999", None)] {
            assert_eq!(fate(503, said, "").await, Fate::Later(wish.map(Duration::from_secs)), "{said}");
        }
    }

    #[tokio::test]
    async fn what_it_took_in_part_is_counted() {
        for (said, rejected) in [
            (r#"{"partialSuccess":{"rejectedSpans":"3"}}"#, 3),
            (r#"{"partialSuccess":{"rejectedSpans":4}}"#, 4),
            (r#"{"partialSuccess":{}}"#, 0),
            ("{}", 0),
            ("taken", 0),
        ] {
            assert_eq!(fate(200, "", said).await, Fate::Taken { rejected }, "{said}");
        }
    }
}
