//! Traces to a collector: one a message, whole in spite of a collector that is away and of a gateway that is killed, and without a
//! word of a patient.

#![cfg(feature = "otlp")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "support/page.rs"]
mod page;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use labsim::lims::{Lims, Mode};
use serde_json::{Value, json};
use support::*;
use tokio::time::Instant;

/// A collector that keeps what it takes, each request by itself.
#[derive(Clone, Default)]
struct Collector {
    taken: Arc<Mutex<Vec<Value>>>,
    /// What it says before it takes anything: a status, and after how many seconds it may be asked again.
    refusals: Arc<Mutex<VecDeque<(u16, &'static str)>>>,
    /// What it refused, and when.
    refused: Arc<Mutex<Vec<(Value, Instant)>>>,
}

impl Collector {
    async fn listen(&self, address: SocketAddr) {
        let kept = self.clone();
        let take = async move |headers: HeaderMap, Json(told): Json<Value>| {
            let authorization = headers.get("authorization").and_then(|it| it.to_str().ok());
            if authorization != Some("Bearer example-token") {
                return (StatusCode::UNAUTHORIZED, [("Retry-After", "")], Json(json!({})));
            }
            if let Some((status, seconds)) = kept.refusals.lock().unwrap().pop_front() {
                kept.refused.lock().unwrap().push((told, Instant::now()));
                return (StatusCode::from_u16(status).unwrap(), [("Retry-After", seconds)], Json(json!({})));
            }
            kept.taken.lock().unwrap().push(told);
            (StatusCode::OK, [("Retry-After", "")], Json(json!({})))
        };
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let router = Router::new().route("/v1/traces", post(take));
        tokio::spawn(async move { axum::serve(listener, router).await });
    }

    /// Each trace's spans by name, in the order in which they began.
    fn traces(&self) -> BTreeMap<String, Vec<Value>> {
        let mut traces: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for request in self.taken.lock().unwrap().iter() {
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

/// A laboratory with an analyzer, and where its collector is to listen.
fn laboratory(lims: &Lims) -> (Lab, SocketAddr, SocketAddr) {
    let lab = Lab::new(lims, "");
    let (port, address) = (free_port(), free_port());
    lab.instrument("erba", "erba-xl", "", &listener(port));
    let file = lab.path("labwire.toml");
    let site = std::fs::read_to_string(&file).unwrap();
    std::fs::write(lab.path("collector.token"), "example-token").unwrap();
    let otlp = format!("[otlp]\nurl = \"http://{address}/v1/traces\"\ntoken_file = \"collector.token\"\n");
    std::fs::write(&file, site + &otlp).unwrap();
    (lab, port, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_has_one_trace_from_its_first_byte_to_the_lims_own_answer() {
    let lims = lims().await;
    let (lab, port, address) = laboratory(&lims);

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
    let all = serde_json::to_string(&*collector.taken.lock().unwrap()).unwrap();
    assert!(!all.contains("EX000") && !all.contains("GLU") && !all.contains("5.2"), "{all}");
    assert!(all.contains("Example laboratory"), "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_collector_refuses_for_good_is_dropped_and_what_it_can_not_take_now_comes_again() {
    let lims = lims().await;
    let (lab, port, address) = laboratory(&lims);
    let collector = Collector::default();
    // The first is to come again, after more than it takes to look anew; the second never.
    collector.refusals.lock().unwrap().extend([(503, "7"), (400, "")]);
    collector.listen(address).await;
    let gateway = lab.start().await;
    let metric = || {
        let metrics = page::answer(lab.page, "/metrics").unwrap();
        let line = metrics.lines().find(|line| line.starts_with("labwire_dropped_spans_total "));
        line.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap())
    };
    until("nothing was dropped yet", || metric() == Some(0)).await;
    send(port, &glucose("EX0001", "5.1", "F", "20260102030405")).await;
    until("it is with the LIMS", || lab.count("accepted") == 1).await;
    until("it was refused twice", || collector.refused.lock().unwrap().len() == 2).await;
    let refused = collector.refused.lock().unwrap().clone();
    let spans = |request: &Value| {
        let spans = request.pointer("/resourceSpans/0/scopeSpans/0/spans").unwrap().as_array().unwrap();
        spans.iter().map(|span| text(span, "spanId")).collect::<Vec<_>>()
    };
    let [(first, at), (second, again)] = refused.as_slice() else { panic!("{refused:?}") };
    assert!(spans(first).iter().all(|span| spans(second).contains(span)), "the same came again");
    assert!(again.duration_since(*at) >= Duration::from_secs(7), "after what it had asked for");
    let dropped = spans(second);
    until("what was dropped is counted", || metric() == Some(dropped.len())).await;

    send(port, &glucose("EX0002", "5.2", "F", "20260102030405")).await;
    until("the collector has what came later", || collector.count("send to lims") >= 1).await;
    until("and all of it", || collector.count("message") == 1).await;
    assert!(gateway.terminate().success());
    let taken: Vec<String> = collector.taken.lock().unwrap().iter().flat_map(spans).collect();
    assert!(dropped.iter().all(|span| !taken.contains(span)), "what was dropped never comes again");
    let log = std::fs::read_to_string(lab.path("log")).unwrap();
    assert_eq!(log.matches("the collector refused traces for good").count(), 1, "{log}");
}
