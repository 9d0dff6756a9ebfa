//! Delivery to a FHIR server that fails in every way: each result is one Observation in the end, a correction takes its
//! place, the same Bundle is always the same bytes, and what the server has otherwise than it was sent is told.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "support/fhir_by_hand.rs"]
mod fhir_by_hand;
#[path = "support/lims_by_hand.rs"]
mod lims_by_hand;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;

use fhir_by_hand::{FhirByHand, Meet};
use serde_json::{Value, json};
use support::*;

const TIME: &str = "20260102030405";
const PROBE: &str = "on_unknown = \"probe\"";
const RESEND: &str = "on_unknown = \"resend\"";

/// A laboratory with one Erba XL whose results go to this server; `more` is added to the destination's table.
async fn laboratory(server: &FhirByHand, more: &str) -> (Lab, SocketAddr) {
    let unused = support::lims().await;
    let lab = Lab::new(&unused, "");
    let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
    let (before, _) = site.split_once("[destination.lims]").unwrap();
    let timeout = if more.contains("timeout_secs") { "" } else { "timeout_secs = 1" };
    let destination = format!(
        "[destination.lims]\nkind = \"fhir\"\nurl = \"http://{}/fhir/\"\nsystem = \"https://lab.example/labwire\"\n\
         patient_system = \"https://hospital.example/patient\"\nbackoff_first_secs = 1\nbackoff_longest_secs = 1\n\
         breaker_failures = 50\nbreaker_rest_secs = 1\n{timeout}\n{more}\n",
        server.address()
    );
    fs::write(lab.path("labwire.toml"), format!("{before}{destination}")).unwrap();
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    (lab, address)
}

/// Sends one result and waits until one more is in this state.
async fn send_until(lab: &Lab, address: SocketAddr, message: &str, state: &str) {
    let before = lab.count(state);
    send(address, message).await;
    until(&format!("one more is {state}"), || lab.count(state) > before).await;
}

fn result(specimen: &str) -> String {
    glucose(specimen, "5.40", "F", TIME)
}

/// The values that a specimen's one Observation had, in their order.
fn values(server: &FhirByHand, specimen: &str) -> Vec<String> {
    let results = server.results(specimen);
    assert_eq!(results.len(), 1, "{specimen} has one Observation");
    results[0].iter().map(|version| version["valueQuantity"]["value"].to_string()).collect()
}

/// How often each Bundle came, in the order of their first coming; each time it was the same to the byte.
fn times_each(server: &FhirByHand) -> Vec<usize> {
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut order = Vec::new();
    for asked in server.bundles() {
        let bundle: Value = serde_json::from_str(&asked.body).unwrap();
        let key = bundle["identifier"]["value"].as_str().unwrap().to_owned();
        if !order.contains(&key) {
            order.push(key.clone());
        }
        seen.entry(key).or_default().push(asked.body.clone());
    }
    for (key, bodies) in &seen {
        assert!(bodies.iter().all(|body| *body == bodies[0]), "{key} changed");
    }
    order.iter().map(|key| seen[key].len()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_specimens_results_arrive_with_all_that_belongs_to_them() {
    let server = FhirByHand::start().await;
    let (lab, address) = laboratory(&server, "").await;
    let _gateway = lab.start().await;
    let two = chemistry("EX0001", &[("GLCC", "5.40"), ("TBILL", "0.050")], "F", TIME);
    send(address, &two).await;
    send(address, &result("EX0002")).await;
    until("all are accepted", || lab.count("accepted") == 3).await;
    assert_eq!(server.asked(), ["POST /fhir", "POST /fhir"], "a first delivery asks for nothing");
    let of_first: Vec<String> = server
        .results("EX0001")
        .iter()
        .map(|versions| versions[0]["valueQuantity"]["value"].to_string())
        .collect();
    assert_eq!(of_first, ["5.40", "0.050"], "to the digit");
    assert_eq!(values(&server, "EX0002"), ["5.40"]);
    let counts = ["Device", "Specimen", "Observation", "DiagnosticReport", "Provenance", "Patient"]
        .map(|kind| server.all(kind).len());
    assert_eq!(counts, [1, 2, 3, 2, 2, 0]);
    for report in server.all("DiagnosticReport") {
        let results = report["result"].as_array().unwrap();
        assert!(results.iter().all(|one| one["reference"].as_str().unwrap().starts_with("Observation/")));
    }
}

/// Every way to give no whole answer, one specimen each; how often each Bundle came.
async fn without_a_whole_answer(on_unknown: &str) -> Vec<usize> {
    let server = FhirByHand::start().await;
    let (lab, address) = laboratory(&server, on_unknown).await;
    let _gateway = lab.start().await;
    let meets = [
        Meet::LoseAnswer,
        Meet::Ignore,
        Meet::TakeAndHang,
        Meet::Hang,
        Meet::Cut,
        Meet::Short,
        Meet::Page,
        Meet::Partly(1),
        Meet::Partly(3),
        Meet::Partly(4),
    ];
    for (number, meet) in (1..).zip(&meets) {
        server.meet([*meet]);
        send_until(&lab, address, &result(&format!("EX{number:04}")), "accepted").await;
    }
    for (number, meet) in (1..).zip(&meets) {
        assert_eq!(values(&server, &format!("EX{number:04}")), ["5.40"], "{on_unknown}: {meet:?}");
    }
    let reports = [server.all("DiagnosticReport").len(), server.all("Provenance").len()];
    assert_eq!(reports, [meets.len(); 2]);
    times_each(&server)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_got_no_whole_answer_is_one_observation_in_the_end() {
    let (probed, resent) = tokio::join!(without_a_whole_answer(PROBE), without_a_whole_answer(RESEND));
    assert_eq!(probed, [1, 2, 1, 2, 1, 1, 1, 2, 2, 2], "what was there wasn't sent again");
    assert_eq!(resent, [2; 10]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ignores_conditions_is_seen_to_double() {
    let server = FhirByHand::careless().await;
    server.meet([Meet::LoseAnswer]);
    let (lab, address) = laboratory(&server, RESEND).await;
    let _gateway = lab.start().await;
    send_until(&lab, address, &result("EX0001"), "accepted").await;
    assert_eq!(server.all("Observation").len(), 2, "so these tests would notice one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_busy_or_shut_gets_it_again() {
    let server = FhirByHand::start().await;
    let (lab, address) = laboratory(&server, "").await;
    let _gateway = lab.start().await;
    let again = [
        Meet::Answer("401 Unauthorized", "", ""),
        Meet::Answer("404 Not Found", "", "<html>nothing here</html>"),
        Meet::Answer("409 Conflict", "", "{}"),
        Meet::Answer("503 Unavailable", "", ""),
        Meet::Answer("429 Slow down", "Retry-After: 2\r\n", ""),
    ];
    server.meet(again);
    send_until(&lab, address, &result("EX0001"), "accepted").await;
    assert_eq!(times_each(&server), [again.len() + 1]);
    assert_eq!(values(&server, "EX0001"), ["5.40"]);
    let bundles = server.bundles();
    let waited = bundles[5].at - bundles[4].at;
    assert!(waited.as_secs_f64() >= 2.0, "{waited:?}");
    let log = fs::read_to_string(lab.path("log")).unwrap();
    assert!(log.contains("check token_file") && log.contains("check url"), "it says what to look at");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_with_the_servers_words_and_the_log_has_none_of_them() {
    const OUTCOME: &str = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"required","diagnostics":"no order for Example Anna"}]}"#;
    let server = FhirByHand::start().await;
    let (lab, address) = laboratory(&server, "").await;
    let _gateway = lab.start().await;
    for (number, status) in [(1, "400 Bad"), (2, "412 Precondition Failed"), (3, "422 Unprocessable")] {
        server.meet([Meet::Answer(status, "", OUTCOME)]);
        send_until(&lab, address, &result(&format!("EX{number:04}")), "refused").await;
    }
    server.meet([Meet::Answer("307 Moved", "Location: http://127.0.0.1:1/\r\n", "")]);
    send_until(&lab, address, &result("EX0004"), "refused").await;
    assert_eq!(times_each(&server), [1; 4]);
    assert_eq!(server.all("Observation").len(), 0);
    assert!(lab.text(&["dead-letters"]).contains("no order for Example Anna"));
    let log = fs::read_to_string(lab.path("log")).unwrap();
    assert!(log.contains("answered 422, required") && !log.contains("Anna") && !log.contains("EX0001"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_value_under_a_results_identifier_is_a_refusal() {
    for on_unknown in [PROBE, RESEND] {
        let server = FhirByHand::start().await;
        let alter: fn(&mut Value) = |observation| observation["valueQuantity"]["value"] = json!(5.41);
        let link: fn(&mut Value) = |observation| observation["subject"] = json!({ "reference": "Patient/1" });
        server.meet([Meet::TakeAndChange(alter)]);
        let (lab, address) = laboratory(&server, on_unknown).await;
        let _gateway = lab.start().await;
        send_until(&lab, address, &result("EX0001"), "refused").await;
        assert!(lab.text(&["dead-letters"]).contains("another value"), "{on_unknown}");
        let told = lab.text(&["trace", "EX0001", "--raw"]);
        assert!(told.contains("5.41"), "{on_unknown}: what the refusal rests on is kept: {told}");
        server.meet([Meet::TakeAndChange(link)]);
        send_until(&lab, address, &result("EX0002"), "accepted").await;
        let linked = server.results("EX0002")[0][0]["subject"].clone();
        assert_eq!(linked["reference"], "Patient/1", "{on_unknown}: what was added is left as it is");
    }
}

fn correction(value: &str) -> String {
    glucose("EX0001", value, "C", TIME)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_takes_the_place_of_what_it_corrects_however_often_it_is_sent() {
    for on_unknown in [PROBE, RESEND] {
        let server = FhirByHand::start().await;
        let (lab, address) = laboratory(&server, on_unknown).await;
        let _gateway = lab.start().await;
        send_until(&lab, address, &result("EX0001"), "accepted").await;
        for (value, meet) in [
            ("5.50", Meet::Take),
            ("5.60", Meet::LoseAnswer),
            ("5.70", Meet::Ignore),
            ("5.80", Meet::Partly(3)),
            ("5.90", Meet::Answer("503 Unavailable", "", "")),
        ] {
            server.meet([meet]);
            send_until(&lab, address, &correction(value), "accepted").await;
        }
        let expected = ["5.40", "5.50", "5.60", "5.70", "5.80", "5.90"];
        let mut values = values(&server, "EX0001");
        values.dedup();
        assert_eq!(values, expected, "{on_unknown}: no value is lost, and none comes after a newer one");
        let newest = server.results("EX0001")[0].last().unwrap().clone();
        assert_eq!(newest["status"], "corrected");
        let notes: Vec<&str> =
            newest["note"].as_array().unwrap().iter().map(|note| note["text"].as_str().unwrap()).collect();
        assert_eq!(notes[0], "replaces an earlier version: 5.40 mg/dl, final");
        assert_eq!(notes[4], "replaces an earlier version: 5.80 mg/dl, corrected");
        assert_eq!(server.all("DiagnosticReport").len(), 6);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_of_no_more_than_a_flag_arrives_too() {
    let server = FhirByHand::start().await;
    let (lab, address) = laboratory(&server, "").await;
    let _gateway = lab.start().await;
    send_until(&lab, address, &result("EX0001"), "accepted").await;
    for flag in ["N", "H"] {
        let flagged = correction("5.90").replace("||N||C|", &format!("||{flag}||C|"));
        send_until(&lab, address, &flagged, "accepted").await;
        let newest = server.all("Observation").remove(0);
        assert_eq!(newest["interpretation"][0]["text"], flag);
    }
    assert_eq!(values(&server, "EX0001"), ["5.40", "5.90", "5.90"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_lims_did_to_a_result_is_not_lost_to_a_correction() {
    for (change, told) in [
        (json!({ "subject": { "reference": "Patient/1" } }), "the server's copy has subject"),
        (json!({ "basedOn": [{ "reference": "ServiceRequest/1" }] }), "the server's copy has basedOn"),
        (json!({ "valueQuantity": { "value": 5.3, "unit": "mg/dl" } }), "another value"),
    ] {
        let server = FhirByHand::start().await;
        let (lab, address) = laboratory(&server, "").await;
        let _gateway = lab.start().await;
        send_until(&lab, address, &result("EX0001"), "accepted").await;
        server.change(|observation| {
            observation.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        });
        let before = server.all("Observation");
        send_until(&lab, address, &correction("5.90"), "refused").await;
        assert_eq!(server.all("Observation"), before);
        assert!(lab.text(&["dead-letters"]).contains(told), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_killed_while_it_waits_neither_loses_nor_doubles() {
    for on_unknown in [PROBE, RESEND] {
        for meet in [Meet::TakeAndHang, Meet::Hang] {
            let server = FhirByHand::start().await;
            server.meet([meet]);
            let (lab, address) = laboratory(&server, &format!("timeout_secs = 25\n{on_unknown}")).await;
            let gateway = lab.start().await;
            send(address, &result("EX0001")).await;
            until("the server has it", || server.bundles().len() == 1).await;
            gateway.kill();
            let gateway = lab.start().await;
            until("it is accepted", || lab.count("accepted") == 1).await;
            assert_eq!(values(&server, "EX0001"), ["5.40"], "{on_unknown} {meet:?}");
            times_each(&server);
            gateway.terminate();
            lab.must_balance();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_was_restored_from_a_copy_delivers_nothing_twice() {
    let server = FhirByHand::start().await;
    server.meet([Meet::Answer("503 Unavailable", "", "")]);
    let (lab, address) = laboratory(&server, "").await;
    let gateway = lab.start().await;
    send(address, &result("EX0001")).await;
    until("it was tried", || server.bundles().len() == 1).await;
    gateway.kill();
    let names = ["labwire.db", "labwire.db-wal", "labwire.db-shm"];
    let copy: Vec<_> = names.iter().filter_map(|name| Some((name, fs::read(lab.path(name)).ok()?))).collect();
    let gateway = lab.start().await;
    until("it is accepted", || lab.count("accepted") == 1).await;
    gateway.kill();
    names.iter().for_each(|name| drop(fs::remove_file(lab.path(name))));
    copy.iter().for_each(|(name, content)| fs::write(lab.path(name), content).unwrap());
    // Whether a start notices that depends on how far the line beside the journal had come; without one it always does.
    fs::remove_file(lab.path("labwire.epoch")).unwrap();
    let gateway = lab.start().await;
    assert!(fs::read_to_string(lab.path("log")).unwrap().contains("NOTHING IS DELIVERED"));
    let resumed = lab.run(&["resume", "--send-waiting", "--reason", "compared with the LIMS"]);
    assert!(resumed.status.success(), "{resumed:?}");
    until("it is accepted again", || lab.count("accepted") == 1).await;
    gateway.kill();
    // A new PC with an empty journal, and the analyzer sends its results again.
    names.iter().for_each(|name| drop(fs::remove_file(lab.path(name))));
    let _gateway = lab.start().await;
    send(address, &result("EX0001")).await;
    until("it is read", || lab.reader().waiting().unwrap().unread == 0).await;
    let resumed = lab.run(&["resume", "--send-waiting", "--reason", "compared with the LIMS"]);
    assert!(resumed.status.success(), "{resumed:?}");
    until("it is accepted once more", || lab.count("accepted") == 1).await;
    assert_eq!(values(&server, "EX0001"), ["5.40"]);
    assert_eq!(server.all("DiagnosticReport").len(), 1);
    assert_eq!(times_each(&server).len(), 2, "under another key");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_sends_once_more_is_found_by_its_identifier() {
    let server = FhirByHand::start().await;
    let (lab, address) = laboratory(&server, "").await;
    let _gateway = lab.start().await;
    let two = chemistry("EX0001", &[("GLCC", "5.40"), ("TBILL", "0.050")], "F", TIME);
    send(address, &two).await;
    until("both are accepted", || lab.count("accepted") == 2).await;
    send_until(&lab, address, &glucose("EX0001", "5.60", "C", TIME), "accepted").await;
    let wanted = ["resend", "--specimen", "EX0001", "--to-destination", "lims"];
    let said = ["--yes", "--by", "Anna Example", "--reason", "the LIMS was restored"];
    let sent = lab.text(&[&wanted[..], &said[..]].concat());
    assert!(sent.starts_with("2 results leave"), "{sent}");
    let found =
        |delivery: &str| lab.text(&["trace", "EX0001"]).contains(&format!("{delivery} to lims: duplicate"));
    until("the correction is found there, and what went beside the first value", || {
        found("delivery 2") && found("delivery 3")
    })
    .await;
    let results = server.results("EX0001");
    assert_eq!(results.len(), 2, "each result is one Observation");
    let newest = |of: &[Value]| of.last().unwrap()["valueQuantity"]["value"].to_string();
    assert_eq!(results.iter().map(|it| newest(it)).collect::<Vec<_>>(), ["5.60", "0.050"]);
}
