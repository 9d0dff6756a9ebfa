//! LIMS that fail in every way, and what becomes of the results.

use std::path::Path;

use labsim::lims::{Lims, Mode, Outcome};
use labwire::journal::DeliveryId;

use super::oracle;
use super::support::*;

async fn laboratory(more: &str) -> (Lims, Lab, std::net::SocketAddr) {
    let lims = lims().await;
    let more = more.replace("PROBE", &lims.probe_url());
    let lab = Lab::new(&lims, &more);
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    (lims, lab, address)
}

const TIME: &str = "20260102030405";

/// One result meets a LIMS in this mode once and must be held once in the end.
async fn mends_itself(mode: Mode, more: &str) -> Lims {
    let (lims, lab, address) = laboratory(more).await;
    let _gateway = lab.start().await;
    lims.set_mode_for(mode, 1);
    send(address, &glucose("EX0001", "5.40", "F", TIME)).await;
    until("the LIMS has it", || lab.count("accepted") == 1).await;
    let ledger = lims.ledger();
    assert_eq!(ledger.held().len(), 1);
    assert_eq!(oracle::faults(&[], &ledger), Vec::<String>::new());
    let keys: std::collections::BTreeSet<&str> =
        ledger.attempts().iter().map(|attempt| attempt.key.as_str()).collect();
    assert_eq!(keys.len(), 1, "one key for every attempt: {:?}", ledger.attempts());
    lims
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_came_is_resolved_by_sending_the_same_again() {
    let lims = mends_itself(Mode::TimeoutAfterAccepting, "on_unknown = \"resend\"").await;
    let outcomes: Vec<Outcome> = lims.ledger().attempts().iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, [Outcome::Taken, Outcome::Replayed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_came_is_resolved_by_asking() {
    let more = "on_unknown = \"probe\"\nprobe_url = \"PROBE\"";
    let lims = mends_itself(Mode::TimeoutAfterAccepting, more).await;
    assert_eq!(lims.ledger().attempts().len(), 1, "it was asked and not sent again");
    let lims = mends_itself(Mode::TimeoutBeforeAccepting, more).await;
    assert_eq!(lims.ledger().attempts().len(), 2, "the LIMS didn't know it, so it was sent again");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_that_pass_are_survived() {
    for mode in [
        Mode::Status(503),
        Mode::StatusAfterAccepting(500),
        Mode::TooManyRequests(std::time::Duration::from_secs(1)),
        Mode::Garbage,
        Mode::CutMidAnswer,
    ] {
        mends_itself(mode, "").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_lims_refuses_waits_for_a_person_and_leaves_unchanged() {
    let (lims, lab, address) = laboratory("").await;
    let _gateway = lab.start().await;
    lims.set_mode(Mode::Status(422));
    send(address, &glucose("EX0001", "5.40", "F", TIME)).await;
    until("it is refused", || lab.count("refused") == 1).await;
    let status = lab.run(&["status"]);
    let told = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(told.contains("refused by the LIMS") && status.status.code() == Some(1), "{told}");
    let listed = lab.text(&["dead-letters"]);
    let id = listed.split_whitespace().next().unwrap().to_owned();
    assert!(listed.contains("EX0001") && listed.contains("422"), "{listed}");
    send(address, &glucose("EX0001", "5.90", "F", "20260102040405")).await;
    until("the next one waits behind it", || lab.count("quarantined") == 1).await;
    lims.set_mode(Mode::Accept);
    assert!(lab.run(&["retry", &id, "--reason", "the test was added to the LIMS"]).status.success());
    until("both are accepted", || lab.count("accepted") == 2).await;
    let ledger = lims.ledger();
    let values: Vec<&str> = ledger.held().iter().map(|held| held.value.as_str()).collect();
    assert_eq!(values, ["5.40", "5.90"], "in their order");
    assert_eq!(lab.run(&["status"]).status.code(), Some(0), "{}", lab.text(&["status"]));
    assert_eq!(ledger.attempts()[0].key, ledger.attempts()[1].key, "refused as a whole: the same key again");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refused_result_does_not_stop_the_others() {
    let (lims, lab, address) = laboratory("").await;
    let _gateway = lab.start().await;
    lims.set_mode(Mode::Refuse(vec!["CKK".to_owned()]));
    send(address, &chemistry("EX0001", &[("GLCC", "5.1"), ("CKK", "77")], "F", TIME)).await;
    until("one is accepted and one refused", || lab.count("accepted") == 1 && lab.count("refused") == 1)
        .await;
    let listed = lab.text(&["dead-letters"]);
    assert!(listed.contains("unknown test code"), "{listed}");
    lims.set_mode(Mode::Accept);
    assert!(lab.run(&["retry", "--all", "--reason", "the code was added"]).status.success());
    until("both are accepted", || lab.count("accepted") == 2).await;
    let ledger = lims.ledger();
    assert_eq!(oracle::faults(&[], &ledger), Vec::<String>::new());
    assert_ne!(ledger.held()[0].key, ledger.held()[1].key, "the LIMS had settled the first key");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_person_is_to_be_asked_nothing_is_sent_again_by_itself() {
    let (lims, lab, address) = laboratory("on_unknown = \"ask\"").await;
    let _gateway = lab.start().await;
    lims.set_mode_for(Mode::TimeoutAfterAccepting, 1);
    send(address, &glucose("EX0001", "5.40", "F", TIME)).await;
    until("its fate is unknown", || lab.count("unknown") == 1).await;
    send(address, &glucose("EX0002", "5.40", "F", TIME)).await;
    until("another specimen isn't stopped", || lab.count("accepted") == 1).await;
    assert_eq!(lims.ledger().attempts().len(), 2);
    let id = lab.text(&["dead-letters"]).split_whitespace().next().unwrap().to_owned();
    assert!(lab.run(&["confirm", &id, "--reason", "seen in the LIMS"]).status.success());
    until("it counts as accepted", || lab.count("accepted") == 2).await;
    assert_eq!(lims.ledger().attempts().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_payload_is_as_its_schema_says() {
    let (_lims, lab, address) = laboratory("").await;
    let _gateway = lab.start().await;
    let values = [("GLCC", "5.40"), ("CKK", "NA"), ("ALTC", "<5")];
    send(address, &chemistry("EX0001", &values, "F", TIME)).await;
    until("the LIMS has them", || lab.count("accepted") >= 2).await;
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/payload.schema.json");
    let schema: serde_json::Value = serde_json::from_slice(&std::fs::read(schema).unwrap()).unwrap();
    let payload = lab.reader().payload(DeliveryId(1)).unwrap().unwrap();
    let payload: serde_json::Value = serde_json::from_slice(payload.reveal()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> = validator.iter_errors(&payload).map(|error| error.to_string()).collect();
    assert_eq!(wrong, Vec::<String>::new(), "{payload:#}");
    let mut other = payload.clone();
    other["results"][0]["value"]["number"] = 5.4.into();
    assert!(!validator.is_valid(&other), "a number that isn't text is no payload");
}
