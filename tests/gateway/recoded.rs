//! A result that goes by another code at the LIMS than the version of it that has left: the LIMS would keep both. It is told
//! that the one is void by its code, and gets the other as a result of its own; and what a destination hasn't got isn't
//! corrected there.

use std::fs::File;
use std::io::Write;

use labsim::lims::mllp::{self, MllpLims};
use labwire::journal::DeliveryId;
use serde_json::Value;

use super::fhir_by_hand::FhirByHand;
use super::page;
use super::reevaluating::{ALIAS, TIME, have_it_so, unnamed};
use super::support::*;

const OLD: &str = "[codes.GLCC]\nanalyte = \"glucose\"\nlims_code = \"OLD\"\n";
const NEW: &str = "[codes.GLCC]\nanalyte = \"glucose\"\nlims_code = \"NEW\"\n";
const HURRY: &str = "timeout_secs = 1\nbackoff_first_secs = 1\nbackoff_longest_secs = 1\n";

fn also(lab: &Lab, destination: &str) {
    let mut site = File::options().append(true).open(lab.path("labwire.toml")).unwrap();
    write!(site, "{destination}{HURRY}").unwrap();
}

/// What was sent to a destination of the gateway's own kind, in the order in which it was made.
fn sent_to(lab: &Lab, destination: &str) -> Vec<String> {
    let reader = lab.reader();
    let journal = rusqlite::Connection::open(lab.path("labwire.db")).unwrap();
    let mut made = journal.prepare("SELECT id FROM delivery WHERE destination = ? ORDER BY id").unwrap();
    let made = made.query_map([destination], |row| row.get(0)).unwrap();
    let payloads = made.map(|id| reader.payload(DeliveryId(id.unwrap())).unwrap().unwrap());
    payloads.map(|it| String::from_utf8(it.reveal().clone()).unwrap()).collect()
}

fn results(payloads: &[String]) -> Vec<Value> {
    let read = payloads.iter().map(|it| serde_json::from_str::<Value>(it).unwrap());
    read.flat_map(|it| it["results"].as_array().unwrap().clone()).collect()
}

/// A gateway whose first result waited for its unit and was let go, to all that it knows.
async fn has_left(lab: &Lab, address: std::net::SocketAddr, codes: &str, destinations: i64) -> Gateway {
    lab.instrument("erba", "erba-xl", "", &format!("{}{codes}", listener(address)));
    let gateway = lab.start().await;
    lab.sign();
    send(address, &unnamed("EX0001", "90.0")).await;
    until("it waits for its unit", || lab.count("held") == destinations).await;
    lab.text(&["release", "1", "--reason", "the ward knows the analyzer"]);
    until("all have it as it was sent", || lab.count("accepted") == destinations).await;
    gateway
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_by_another_code_once_it_is_read_anew_is_void_under_the_old_one_at_each_kind_of_lims() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let hl7 = MllpLims::start(mllp::Setup::default()).await.unwrap();
    let fhir = FhirByHand::start().await;
    also(&lab, &format!("[destination.hl7]\nkind = \"mllp\"\nconnect = \"{}\"\n", hl7.address()));
    let system = "system = \"https://lab.example/labwire\"";
    also(
        &lab,
        &format!("[destination.fhir]\nkind = \"fhir\"\nurl = \"http://{}/fhir\"\n{system}\n", fhir.address()),
    );
    let address = free_port();
    let gateway = has_left(&lab, address, OLD, 3).await;
    assert!(gateway.terminate().success());
    lab.instrument("erba", "erba-xl", "", &format!("{}{NEW}{ALIAS}", listener(address)));
    let gateway = lab.start().await;
    let preview = lab.text(&["reevaluate", "1"]);
    for told in [
        "    goes by another code: NEW\n",
        "    void by its code before: fhir, hl7, lims is told so\n",
        "    leaves for fhir, hl7, lims, as a result\n",
    ] {
        assert!(preview.contains(told), "{told} in {preview}");
    }
    have_it_so(&lab, &["1"]);
    until("all have it by its code", || lab.count("accepted") == 6).await;
    let heard =
        |destination: &str| format!("{destination} was told that it is void under the code by which it went");
    let trace = || lab.text(&["trace", "EX0001"]);
    until("all know that the other is void", || {
        ["fhir", "hl7", "lims"].iter().all(|it| trace().contains(&heard(it)))
    })
    .await;

    let [first, void, result] = results(&sent_to(&lab, "lims")).try_into().unwrap();
    assert_eq!((&first["test"]["lims_code"], &first["status"]), (&"OLD".into(), &"final".into()));
    assert_eq!((&void["id"], &void["status"]), (&first["id"], &"void".into()));
    assert_eq!((&void["test"]["lims_code"], &void["value"]["kind"]), (&"OLD".into(), &"absent".into()));
    assert_eq!((&result["test"]["lims_code"], &result["status"]), (&"NEW".into(), &"final".into()));
    assert_eq!(result["converted"]["number"], "5.0");
    assert!(result.get("supersedes").is_none(), "there is nothing by this code that it could correct");

    let obx = |it: &String| it.split('\r').find(|it| it.starts_with("OBX|")).unwrap().to_owned();
    let [first, void, result] = sent_to(&lab, "hl7").iter().map(obx).collect::<Vec<_>>().try_into().unwrap();
    let of = |obx: &str| {
        let field = |at: usize| obx.split('|').nth(at).unwrap_or_default().to_owned();
        (field(3).split('^').next().unwrap().to_owned(), field(5), field(11))
    };
    assert_eq!(of(&first), ("OLD".into(), "90.0".into(), "F".into()));
    assert_eq!(of(&void), ("OLD".into(), String::new(), "W".into()));
    assert_eq!(of(&result), ("NEW".into(), "5.0".into(), "F".into()));

    let observations = fhir.observations();
    let mut last: Vec<(String, String)> = observations
        .iter()
        .map(|(_, versions)| {
            let it = versions.last().unwrap();
            (it["status"].as_str().unwrap().to_owned(), it["code"].to_string())
        })
        .collect();
    last.sort();
    let [(wrong, old), (right, new)] = last.try_into().unwrap();
    assert_eq!((wrong.as_str(), right.as_str()), ("entered-in-error", "final"));
    assert!(old.contains("OLD") && new.contains("NEW"), "{old} {new}");

    let shown = page::answer(lab.page, "/specimen?id=EX0001").unwrap();
    assert!(!shown.contains("still has"), "what is void is no earlier version that the LIMS has: {shown}");

    // What the analyzer corrects then is a version of that one.
    let corrected = unnamed("EX0001", "99.0").replace("||F||", "||C||");
    send(address, &corrected).await;
    until("all have the correction", || lab.count("accepted") == 9).await;
    let last = results(&sent_to(&lab, "lims")).pop().unwrap();
    assert_eq!((&last["status"], &last["supersedes"]), (&"correction".into(), &"2".into()));
    assert_eq!(fhir.observations().len(), 2, "it takes the place of the one that stands");
    assert!(gateway.terminate().success());
    lab.must_balance();
    assert_eq!(lab.reader().deep_imbalances().unwrap(), [""; 0]);
    let day = lab.text(&["reconcile"]);
    assert!(!day.contains("differs"), "{day}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_that_comes_by_another_code_leaves_nothing_under_the_old_one() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    let codes = |code: &str| format!("[codes.GLCC]\nlims_code = \"{code}\"\n");
    let with =
        |code: &str| lab.instrument("erba", "erba-xl", "", &format!("{}{}", listener(address), codes(code)));
    with("OLD");
    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "90.0", "F", TIME)).await;
    until("the LIMS has it", || lab.count("accepted") == 1).await;
    assert!(gateway.terminate().success());
    with("NEW");
    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "95.0", "C", TIME)).await;
    until("the LIMS has the correction", || lab.count("accepted") == 2).await;
    let [_, void, result] = results(&sent_to(&lab, "lims")).try_into().unwrap();
    assert_eq!((&void["status"], &void["test"]["lims_code"]), (&"void".into(), &"OLD".into()));
    assert_eq!((&result["test"]["lims_code"], result.get("supersedes")), (&"NEW".into(), None));
    // By the same code nothing is void.
    send(address, &glucose("EX0001", "96.0", "C", TIME)).await;
    until("the LIMS has the second correction", || lab.count("accepted") == 3).await;
    assert_eq!(results(&sent_to(&lab, "lims")).len(), 4);
    assert!(gateway.terminate().success());
    lab.must_balance();
    assert_eq!(lab.reader().deep_imbalances().unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_left_by_a_code_that_was_wrong_is_void_under_it_once_it_is_read_anew() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    let with = |code: &str| {
        let codes = format!("[codes.GLCC]\nlims_code = \"{code}\"\n");
        lab.instrument("erba", "erba-xl", "", &format!("{}{codes}", listener(address)));
    };
    with("OLD");
    let gateway = lab.start().await;
    for specimen in ["EX0001", "EX0002"] {
        send(address, &glucose(specimen, "90.0", "F", TIME)).await;
    }
    until("the LIMS has both", || lab.count("accepted") == 2).await;
    let same = lab.text(&["reevaluate", "1"]);
    assert!(same.contains("stays: nothing of it was odd when it was read"), "{same}");
    assert!(gateway.terminate().success());
    with("NEW");
    let gateway = lab.start().await;
    let preview = lab.text(&["reevaluate", "1"]);
    for told in [
        "    goes by another code: NEW\n",
        "    void by its code before: lims is told so\n",
        "    leaves for lims, as a result\n",
    ] {
        assert!(preview.contains(told), "{told} in {preview}");
    }
    assert_eq!(lab.count("accepted"), 2, "looking changes nothing");
    have_it_so(&lab, &["1"]);
    until("the LIMS has it by its code", || lab.count("accepted") == 3).await;
    let [_, _, void, result] = results(&sent_to(&lab, "lims")).try_into().unwrap();
    assert_eq!((&void["status"], &void["test"]["lims_code"]), (&"void".into(), &"OLD".into()));
    assert_eq!((&result["status"], &result["test"]["lims_code"]), (&"final".into(), &"NEW".into()));
    assert_eq!(result["value"]["number"], "90.0");
    let again = lab.text(&["reevaluate", "1"]);
    assert!(again.contains("has a newer version"), "{again}");
    assert!(gateway.terminate().success());
    lab.must_balance();
    assert_eq!(lab.reader().deep_imbalances().unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_has_nothing_gets_a_result_and_only_the_other_a_correction() {
    let (lims, other) = (lims().await, super::support::lims().await);
    let lab = Lab::new(&lims, "");
    let address = free_port();
    let gateway = has_left(&lab, address, NEW, 1).await;
    assert!(gateway.terminate().success());
    also(&lab, &format!("[destination.other]\nurl = \"{}\"\n", other.url()));
    lab.instrument("erba", "erba-xl", "", &format!("{}{NEW}{ALIAS}", listener(address)));
    let gateway = lab.start().await;
    let preview = lab.text(&["reevaluate", "1"]);
    for told in
        ["    leaves for other, as a result\n", "    leaves for lims, as a correction of what is there\n"]
    {
        assert!(preview.contains(told), "{told} in {preview}");
    }
    assert!(!preview.contains("void by its code"), "{preview}");
    have_it_so(&lab, &["1"]);
    until("both have it", || lab.count("accepted") == 3).await;
    let status = |destination: &str| results(&sent_to(&lab, destination)).pop().unwrap()["status"].clone();
    assert_eq!((status("lims"), status("other")), ("correction".into(), "final".into()));
    assert!(gateway.terminate().success());
    lab.must_balance();
}
