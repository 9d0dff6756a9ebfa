//! Traces to a collector: one a message, whole in spite of a collector that is away and of a gateway that is killed, and without a
//! word of a patient.

#![cfg(feature = "otlp")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use labsim::lims::Mode;
use serde_json::{Value, json};
use support::*;

/// A collector that keeps what it takes, each request by itself.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Value>>>);

impl Collector {
    async fn listen(&self, address: SocketAddr) {
        let kept = self.clone();
        let take = async move |headers: HeaderMap, Json(told): Json<Value>| {
            let authorization = headers.get("authorization").and_then(|it| it.to_str().ok());
            if authorization != Some("Bearer example-token") {
                return (StatusCode::UNAUTHORIZED, Json(json!({})));
            }
            kept.0.lock().unwrap().push(told);
            (StatusCode::OK, Json(json!({})))
        };
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let router = Router::new().route("/v1/traces", post(take));
        tokio::spawn(async move { axum::serve(listener, router).await });
    }

    /// Each trace's spans by name, in the order in which they began.
    fn traces(&self) -> BTreeMap<String, Vec<Value>> {
        let mut traces: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for request in self.0.lock().unwrap().iter() {
            for span in request.pointer("/resourceSpans/0/scopeSpans/0/spans").unwrap().as_array().unwrap() {
                traces.entry(text(span, "traceId")).or_default().push(span.clone());
            }
        }
        traces
    }

    /// How often a span of this name came.
    fn count(&self, name: &str) -> usize {
        self.traces().values().flatten().filter(|span| span["name"] == name).count()
    }
}

fn text(span: &Value, key: &str) -> String {
    span[key].as_str().unwrap().to_owned()
}

fn attribute<'a>(span: &'a Value, key: &str) -> &'a Value {
    let all = span["attributes"].as_array().unwrap();
    &all.iter().find(|it| it["key"] == key).unwrap()["value"]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_has_one_trace_from_its_first_byte_to_the_lims_own_answer() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let (port, address) = (free_port(), free_port());
    lab.instrument("erba", "erba-xl", "", &listener(port));
    let file = lab.path("labwire.toml");
    let site = std::fs::read_to_string(&file).unwrap();
    std::fs::write(lab.path("collector.token"), "example-token").unwrap();
    let otlp = format!("[otlp]\nurl = \"http://{address}/v1/traces\"\ntoken_file = \"collector.token\"\n");
    std::fs::write(&file, site + &otlp).unwrap();

    // Nobody is there to be told.
    let gateway = lab.start().await;
    send(port, &glucose("EX0001", "5.1", "F", "20260102030405")).await;
    until("it is with the LIMS", || lab.count("accepted") == 1).await;
    let collector = Collector::default();
    collector.listen(address).await;
    until("the collector has it", || collector.count("send to lims") == 1).await;

    // One that the LIMS refuses, and a gateway that dies.
    lims.set_mode_for(Mode::Status(422), 1);
    send(port, &glucose("EX0002", "5.2", "F", "20260102030405")).await;
    until("the LIMS refused it", || lab.count("refused") == 1).await;
    until("the collector has that", || collector.count("send to lims") == 2).await;
    gateway.kill();
    let gateway = lab.start().await;
    send(port, &glucose("EX0003", "5.3", "F", "20260102030405")).await;
    until("the collector has the third", || collector.count("send to lims") == 3).await;
    assert!(gateway.terminate().success());

    let traces = collector.traces();
    assert_eq!(traces.len(), 3);
    let mut verdicts = Vec::new();
    for spans in traces.values() {
        let named = |name: &str| spans.iter().find(|span| span["name"] == name).unwrap();
        assert_eq!(spans.len(), 4, "{spans:?}");
        let whole = named("message");
        assert_eq!(attribute(whole, "labwire.instrument")["stringValue"], "erba");
        for name in ["receive", "interpret and check", "send to lims"] {
            assert_eq!(named(name)["parentSpanId"], whole["spanId"], "{name}");
        }
        let at = |span: &Value, key| text(span, key).parse::<u64>().unwrap();
        assert_eq!(at(named("receive"), "startTimeUnixNano"), at(whole, "startTimeUnixNano"));
        assert!(at(named("send to lims"), "startTimeUnixNano") >= at(whole, "endTimeUnixNano"));
        verdicts.push(attribute(named("send to lims"), "labwire.verdict")["stringValue"].clone());
    }
    verdicts.sort_by_key(Value::to_string);
    assert_eq!(verdicts, ["accepted", "accepted", "refused"]);
    let all = serde_json::to_string(&*collector.0.lock().unwrap()).unwrap();
    assert!(!all.contains("EX000") && !all.contains("GLU") && !all.contains("5.2"), "{all}");
    assert!(all.contains("Example laboratory"), "{all}");
}
