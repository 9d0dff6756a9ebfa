//! No patient datum reaches the log or what monitoring programs read, whatever goes wrong, however much is logged, and
//! though the LIMS sends back everything that it was sent.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "support/lims_by_hand.rs"]
mod lims_by_hand;
#[path = "support/page.rs"]
mod page;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;
#[expect(dead_code, reason = "shared with the tests of orders, which use the rest")]
#[path = "support/teller.rs"]
mod teller;

use std::fs;

use lims_by_hand::{Asked, LimsByHand, json};
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What must not be seen, compared without regard to case. Each stands in what is sent.
const CANARIES: [&str; 9] = [
    "canaryspecimen",
    "canarypatient",
    "canaryname",
    "18991231",
    "canarycomment",
    "canaryvalue",
    "canaryquery",
    "canarycode",
    "canaryreason",
];
const TIME: &str = "20260102030405";

fn messages() -> Vec<String> {
    let header = format!("H|`^&||||||||||P|E 1394-97|{TIME}\r");
    let patient = "P|1||CANARYPATIENT|CANARYPATIENT|CanaryName^Anna||18991231|F\r";
    let of = |middle: &str| format!("{header}{patient}{middle}L|1|N\r");
    let result = |number: u32, code: &str, value: &str, status: &str, time: &str| {
        let order = format!("O|1|CANARYSPECIMEN{number}||^^^GLCC|||||||||||SERUM\r");
        format!("{order}R|1|^^^{code}|{value}|mg/dl||N||{status}||||{time}\rC|1|I|canarycomment|G\r")
    };
    let mut messages = vec![
        of(&result(1, "GLCC", "5.1", "F", TIME)),
        of(&result(2, "GLCC", "canaryvalue", "F", TIME)),
        of(&result(3, "CANARYCODE", "1", "F", TIME)),
        of(&result(4, "GLCC", "5", "CanaryName", "CanaryName")),
        of(&result(5, "GLCC", "5", "F", "20269902030405")),
        of("O|1|||^^^GLCC\rR|1|^^^GLCC|5.1|mg/dl||N||F||||20260102030405\rC|1|I|canarycomment|G\r"),
        of("X|CanaryName|CANARYSPECIMEN\rR|1|^^^GLCC|canaryvalue|mg/dl||N||F||||CanaryName\r"),
        of("O|1|CANARYSPECIMEN7\u{b5}\u{e9}\u{ff}||^^^GLCC\rR|CanaryName|^^^GLCC|5\rM|canarycomment\r"),
        format!("{header}Q|1|^CANARYQUERY|||S|||||||O\rL|1|N\r"),
        format!("{header}Q|CANARYQUERY|CANARYQUERY^CANARYQUERY^^|ALL\rL|1|N\r"),
        "Hnonsense CanaryName\rO|1|CANARYSPECIMEN8\rL|1|N\r".to_owned(),
        "CanaryName without a header\rL|1|N\r".to_owned(),
    ];
    // Enough deliveries for every kind of echo.
    messages.extend((10..20).map(|number| of(&result(number, "GLCC", "5.1", "F", TIME))));
    messages
}

/// Sends everything back: in the status line, in headers, in the body, and as reasons.
fn echo(asked: &Asked, before: usize) -> String {
    let body: String = asked.body.chars().filter(|c| !c.is_control()).collect();
    let reason = serde_json::Value::from(body.as_str());
    match before % 6 {
        0 => json("422 Refused", "", &body),
        1 => json(&format!("400 {body}"), "", &body),
        2 => json("200 OK", "", &format!("{{\"error\":{reason},\"items\":[{{\"id\":{reason}}}]}}")),
        3 => json("302 Found", &format!("Location: http://127.0.0.1:1/{body}\r\n"), ""),
        4 => format!("{body}\r\n\r\n"),
        _ => json("429 Slow down", &format!("Retry-After: {body}\r\n"), &body),
    }
}

/// Sends everything back as a FHIR server might: as words, codes, statuses and places.
fn echo_fhir(asked: &Asked, before: usize) -> String {
    let said = match asked.body.as_str() {
        "" => serde_json::json!("CanaryName"),
        body => serde_json::json!(body),
    };
    let issue =
        serde_json::json!({ "severity": said, "code": said, "diagnostics": said, "expression": [said] });
    let outcome = serde_json::json!({ "resourceType": "OperationOutcome", "issue": [issue] });
    let response = serde_json::json!({ "status": said, "location": said, "outcome": outcome });
    let entry =
        serde_json::json!({ "resource": { "resourceType": said, "CanaryName": said }, "response": response });
    let bundle = |entries: usize| {
        let entries = vec![entry.clone(); entries];
        serde_json::json!({ "resourceType": "Bundle", "type": "transaction-response", "entry": entries })
    };
    match before % 6 {
        0 => json("422 Refused", "", &outcome.to_string()),
        1 => json("200 OK", "", &bundle(5).to_string()),
        2 => json("200 OK", "", &bundle(1).to_string()),
        3 => json("200 OK", "", &asked.body),
        4 => json("401 Unauthorized", "", &outcome.to_string()),
        _ => json("429 Slow down", &format!("Retry-After: {said}\r\n"), &outcome.to_string()),
    }
}

/// A transmission that goes wrong in every way that a line allows.
async fn mistransmit(address: std::net::SocketAddr) {
    for bytes in [
        b"\x05\x021O|1|CANARYSPECIMEN9||^^^GLCC\r\x03FF\r\n".as_slice(),
        b"\x05\x021P|1||CANARYPATIENT|||CanaryName\r".as_slice(),
        b"CanaryName CANARYPATIENT\x05\x02CanaryName\x03\x04".as_slice(),
    ] {
        let mut line = TcpStream::connect(address).await.unwrap();
        line.write_all(bytes).await.unwrap();
        assert!(line.read_u8().await.is_ok(), "the gateway has read it and says something");
    }
}

/// A LIMS that orders, cancels and mistakes itself, with something of a patient's in every place.
async fn order_everything(address: std::net::SocketAddr) {
    let mut lims = teller::Teller::connect(address).await;
    let header = |kind: &str, id: &str| format!("MSH|^~\\&|LIMS||||2026||{kind}|{id}|P|2.5.1\r");
    let patient = "PID|1||CANARYPATIENT^^^CANARYPATIENT||CanaryName^Anna||18991231|F\r";
    let order = |control: &str, test: &str| {
        format!("{patient}SPM|1|CANARYQUERY||canarycomment\rORC|{control}|CANARYPATIENT\rOBR|1|||{test}\r")
    };
    for (kind, id, rest) in [
        ("OML^O33", "1", order("NW", "GLCC")),
        ("OML^O33", "CANARYPATIENT", order("CanaryName", "CANARYCODE")),
        ("OML^O33", "2", order("XO", "CANARYCODE")),
        ("OML^O33", "3", format!("{patient}{patient}")),
        ("ADT^A40", "4", format!("{patient}MRG|CANARYPATIENT\r")),
        ("CanaryName", "5", "canarycomment\r".to_owned()),
    ] {
        assert!(lims.tell(&(header(kind, id) + &rest)).await.contains("/MSA|A"));
    }
}

/// Lets everything go wrong and gives what can be read without leave: the log, the metrics, the status.
async fn told(format: &str) -> Vec<(&'static str, String)> {
    let echoing = LimsByHand::start(echo).await;
    let fhir = LimsByHand::start(echo_fhir).await;
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
    let site = site.replace("filter = \"debug\"", &format!("filter = \"trace\"\nformat = \"{format}\""));
    let site = site.replace(&lims.url(), &format!("http://{}/results", echoing.address));
    let fhir_too = format!(
        "\n[destination.ehr]\nkind = \"fhir\"\nurl = \"http://{}/fhir\"\nsystem = \"https://lab.example/labwire\"\n\
         patient_system = \"https://hospital.example/patient\"\nbackoff_first_secs = 1\nbackoff_longest_secs = 1\n\
         breaker_failures = 50\n",
        fhir.address
    );
    let orders = free_port();
    let orders_too = format!("[orders.lims]\nlisten = \"{orders}\"\n");
    fs::write(lab.path("labwire.toml"), site + &fhir_too + &orders_too).unwrap();
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    let gateway = lab.start().await;
    order_everything(orders).await;
    for message in messages() {
        // What isn't understood is received all the same; whether it is acknowledged is the link's affair.
        analyzer(address).await.transfer(&[message]).await;
    }
    mistransmit(address).await;
    until("all are read", || lab.reader().waiting().unwrap().unread == 0).await;
    until("every echo was heard", || echoing.asked().len() >= 10 && fhir.asked().len() >= 12).await;
    assert!(lab.reader().waiting().unwrap().open_problems >= 3, "{}", lab.text(&["problems"]));
    until("something waits for a person", || lab.reader().waiting().unwrap().dead_letters > 0).await;
    let first = |list: &str| lab.text(&[list]).split_whitespace().next().unwrap_or_default().to_owned();
    for (decision, list) in [("release", "held"), ("retry", "dead-letters"), ("dismiss", "problems")] {
        lab.run(&[decision, &first(list), "--reason", "CanaryReason"]);
    }
    let trace = lab.text(&["trace", "CANARYSPECIMEN1"]);
    let first = trace.lines().next().unwrap();
    let (_, token) = first.split_once("CANARYSPECIMEN1, in the log as ").unwrap();
    assert!(lab.text(&["trace", "--token", token]).starts_with(first), "the token leads back to the number");
    let metrics = page::answer(lab.page, "/metrics").unwrap();
    let status = page::answer(lab.page, "/api/status").unwrap();
    assert!(gateway.terminate().success());
    assert!(
        echoing.asked().iter().any(|asked| asked.body.contains("CANARYSPECIMEN")),
        "it had an echo to make"
    );
    let log = fs::read_to_string(lab.path("log")).unwrap();
    for (what, of) in [("a message was read", "erba"), ("destination", "lims"), ("destination", "ehr")] {
        let says = |line: &str| [token, "specimen_token", what, of].iter().all(|it| line.contains(it));
        assert!(log.lines().any(says), "{what} {of}: the log says it of {token}\n{log}");
    }
    assert!(log.lines().count() > 50, "at this level much is logged:\n{log}");
    vec![("the log", log), ("/metrics", metrics), ("/api/status", status)]
}

/// Where the canaries are seen.
fn seen(told: &[(&str, String)]) -> Vec<String> {
    let mut seen = Vec::new();
    for (place, text) in told {
        for line in text.to_lowercase().lines() {
            seen.extend(
                CANARIES.iter().filter(|it| line.contains(**it)).map(|it| format!("{it} in {place}: {line}")),
            );
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn no_patient_datum_is_told_in_text() {
    assert_eq!(seen(&told("text").await), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_patient_datum_is_told_in_json() {
    assert_eq!(seen(&told("json").await), Vec::<String>::new());
}

#[test]
fn a_canary_would_be_seen() {
    let leak = [("the log", "INFO refused: specimen CANARYSPECIMEN1 of CanaryName\n".to_owned())];
    assert_eq!(seen(&leak).len(), 2);
}
