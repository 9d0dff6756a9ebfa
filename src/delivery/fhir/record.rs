//! Everything that a server said during one attempt, looks included: a verdict rests on it. It judges nothing.

use super::super::kind::Attempted;
use super::super::verdict::{Judgement, Reply};
use super::super::web::Exchange;

/// The most bytes that are kept of an attempt.
const KEPT: usize = 4 * 1024 * 1024;

/// What was heard so far.
#[derive(Default)]
pub(super) struct Record {
    /// Of the answer to the Bundle.
    status: Option<u16>,
    connection: Option<String>,
    heard: Vec<u8>,
}

impl Record {
    /// An answer to a look. A line before it tells what was asked for.
    pub(super) fn looked(&mut self, path: &str, exchange: &Exchange) {
        let told = match &exchange.reply {
            Reply::Answered(answer) => answer.status.to_string(),
            Reply::NotSent(why) | Reply::NoAnswer(why) => why.text.clone(),
        };
        self.part(&format!("GET {path}: {told}\n"), exchange);
    }

    /// The answer to the Bundle. Where nothing was looked at, it stands alone.
    pub(super) fn posted(&mut self, exchange: &Exchange) {
        if let Reply::Answered(answer) = &exchange.reply {
            self.status = Some(answer.status);
        }
        self.part(if self.heard.is_empty() { "" } else { "POST:\n" }, exchange);
    }

    fn part(&mut self, asked: &str, exchange: &Exchange) {
        self.connection = exchange.connection.clone().or_else(|| self.connection.take());
        if !self.heard.is_empty() {
            self.keep(b"\n");
        }
        self.keep(asked.as_bytes());
        if let Reply::Answered(answer) = &exchange.reply {
            self.keep(&answer.body);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = KEPT.saturating_sub(self.heard.len());
        self.heard.extend(bytes.iter().take(room));
    }

    /// The attempt that it was.
    pub(super) fn judged(self, judgement: Judgement) -> Attempted {
        let body = (!self.heard.is_empty()).then_some(self.heard);
        Attempted { judgement, status: self.status, body, connection: self.connection }
    }
}
