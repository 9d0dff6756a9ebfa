//! From what the journal knows to spans. The same message has the same trace each time, whoever makes it.

use std::time::SystemTime;

use jiff::Timestamp;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use sha2::{Digest, Sha256};

use crate::domain::Correlation;
use crate::journal::MessageId;
use crate::journal::traces::{Attempt, Way};

/// Tells journals apart: message 7 of another one is another message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity {
    created_at: Timestamp,
}

/// A span of one message's trace.
struct Span {
    name: String,
    /// What tells it from others of its trace; the whole way has none.
    part: String,
    kind: SpanKind,
    from: Timestamp,
    to: Timestamp,
    status: Status,
    attributes: Vec<KeyValue>,
}

impl Identity {
    pub(super) fn of(created_at: Timestamp) -> Identity {
        Identity { created_at }
    }

    /// A message, from its first bytes until it was read; within that how it was received and how it was read.
    pub(super) fn of_way(&self, way: &Way) -> [SpanData; 3] {
        let message = (way.message, way.received_at);
        let mut attributes = vec![
            KeyValue::new("labwire.message", way.message.0),
            KeyValue::new("labwire.source", way.source.clone()),
            KeyValue::new("labwire.results", i64::try_from(way.results).unwrap_or(i64::MAX)),
            KeyValue::new("labwire.repetition", way.is_repetition),
        ];
        attributes.extend(way.instrument.clone().map(|it| KeyValue::new("labwire.instrument", it)));
        let status = match (way.is_incomplete, &way.instrument) {
            (true, _) => Status::error("the transmission was cut short"),
            (_, None) => Status::error("no instrument takes this message"),
            _ => Status::Unset,
        };
        let span = |name: &str, part: &str, from, to, status, attributes| Span {
            name: name.to_owned(),
            part: part.to_owned(),
            kind: SpanKind::Internal,
            from,
            to,
            status,
            attributes,
        };
        [
            Span {
                kind: SpanKind::Server,
                ..span("message", "", way.began_at, way.processed_at, status, attributes)
            },
            span("receive", "receive", way.began_at, way.received_at, Status::Unset, Vec::new()),
            span("interpret and check", "read", way.received_at, way.processed_at, Status::Unset, Vec::new()),
        ]
        .map(|span| self.data(message, span))
    }

    /// An attempt to deliver, once in the trace of each message whose results it carries.
    pub(super) fn of_attempt(&self, attempt: &Attempt) -> Vec<SpanData> {
        let what = if attempt.is_probe { "ask" } else { "send to" };
        let status = match attempt.verdict.as_str() {
            "accepted" => Status::Ok,
            other => Status::error(other.to_owned()),
        };
        let mut attributes = vec![
            KeyValue::new("labwire.destination", attempt.destination.clone()),
            KeyValue::new("labwire.delivery", attempt.delivery),
            KeyValue::new("labwire.attempt", i64::try_from(attempt.number).unwrap_or(i64::MAX)),
            KeyValue::new("labwire.verdict", attempt.verdict.clone()),
        ];
        attributes
            .extend(attempt.http_status.map(|it| KeyValue::new("http.response.status_code", i64::from(it))));
        let span = |message| {
            let span = Span {
                name: format!("{what} {}", attempt.destination),
                part: format!("attempt {}", attempt.id),
                kind: SpanKind::Client,
                from: attempt.began_at,
                to: attempt.ended_at,
                status: status.clone(),
                attributes: attributes.clone(),
            };
            self.data(message, span)
        };
        attempt.messages.iter().map(|message| span(*message)).collect()
    }

    fn data(&self, (message, received_at): (MessageId, Timestamp), span: Span) -> SpanData {
        let whole =
            format!("{} {} {}", self.created_at.as_microsecond(), message.0, received_at.as_microsecond());
        let trace = Correlation::of(self.created_at, message.0, received_at);
        let trace = TraceId::from_bytes(trace.bytes());
        let context = |part: &str| SpanId::from_bytes(first(&format!("{whole} {part}")));
        SpanData {
            span_context: SpanContext::new(
                trace,
                context(&span.part),
                TraceFlags::SAMPLED,
                false,
                TraceState::NONE,
            ),
            parent_span_id: if span.part.is_empty() { SpanId::INVALID } else { context("") },
            parent_span_is_remote: false,
            span_kind: span.kind,
            name: span.name.into(),
            start_time: SystemTime::from(span.from),
            // A clock that was set back in between makes no span end before it began.
            end_time: SystemTime::from(span.to.max(span.from)),
            attributes: span.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: span.status,
            instrumentation_scope: InstrumentationScope::builder("labwire").build(),
        }
    }
}

/// The first bytes of what a text's hash is.
fn first<const N: usize>(text: &str) -> [u8; N] {
    let hash = Sha256::digest(text);
    std::array::from_fn(|at| hash.get(at).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(message: i64) -> Way {
        let at = |second: i64| Timestamp::from_second(1_700_000_000 + second).unwrap();
        Way {
            message: MessageId(message),
            source: "listener 127.0.0.1:4001".to_owned(),
            instrument: Some("dxh".to_owned()),
            began_at: at(0),
            received_at: at(1),
            processed_at: at(2),
            is_incomplete: false,
            is_repetition: false,
            results: 3,
        }
    }

    fn attempt(of: &[&Way]) -> Attempt {
        Attempt {
            id: 5,
            delivery: 4,
            destination: "lims".to_owned(),
            number: 2,
            is_probe: false,
            began_at: of[0].processed_at,
            ended_at: of[0].processed_at,
            verdict: "refused".to_owned(),
            http_status: Some(422),
            messages: of.iter().map(|way| (way.message, way.received_at)).collect(),
        }
    }

    #[test]
    fn a_message_has_one_trace_and_another_one_another() {
        let identity = Identity::of(Timestamp::UNIX_EPOCH);
        let (one, other) = (way(1), way(2));
        let [whole, parts @ ..] = identity.of_way(&one);
        let sent = identity.of_attempt(&attempt(&[&one, &other]));
        let trace = |span: &SpanData| span.span_context.trace_id();
        let of_one: Vec<&SpanData> = parts.iter().chain(sent.first()).collect();
        assert!(of_one.iter().all(|span| trace(span) == trace(&whole)));
        assert!(of_one.iter().all(|span| span.parent_span_id == whole.span_context.span_id()));
        assert_eq!(whole.parent_span_id, SpanId::INVALID);
        assert_eq!(trace(&sent[1]), trace(&identity.of_way(&other)[0]));
        assert_ne!(trace(&sent[0]), trace(&sent[1]));
        assert_ne!(trace(&Identity::of(Timestamp::MIN).of_way(&one)[0]), trace(&whole), "another journal's");
        assert_eq!(sent[0].status, Status::error("refused"));
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_span_of_less_than_nothing() {
        let mut way = way(1);
        way.processed_at = Timestamp::UNIX_EPOCH;
        for span in Identity::of(Timestamp::UNIX_EPOCH).of_way(&way) {
            assert!(span.end_time >= span.start_time);
        }
    }
}
