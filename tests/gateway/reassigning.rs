//! A misread specimen number in the running gateway: a named person moves the result, it is judged under the right number,
//! and the LIMS, the trace and the page show both. And held results, told as preliminary.

use labwire::host::control::{self, Request, Response};
use labwire::journal::DeliveryId;
use serde_json::Value;

use super::page;
use super::support::*;

const CODES: &str = "[codes.GLCC]\nanalyte = \"glucose\"\n";
const NUMBER: &str = "[[specimen_number]]\nname = \"number\"\npattern = \"EX9999\"\nsource = \"a test\"\n";

fn rules(lab: &Lab, text: &str) {
    std::fs::create_dir_all(lab.path("rules.d")).unwrap();
    std::fs::write(lab.path("rules.d/own.toml"), text).unwrap();
}

/// What was sent: the specimen's number, and its one result.
fn told(lab: &Lab, delivery: i64) -> (String, Value) {
    let sent = lab.reader().payload(DeliveryId(delivery)).unwrap().unwrap();
    let payload = serde_json::from_slice::<Value>(sent.reveal()).unwrap();
    (payload["specimen"]["id"].as_str().unwrap().to_owned(), payload["results"][0].clone())
}

fn reassign(lab: &Lab, id: &str, to: &str) -> String {
    let reason = "the rack was loaded twice";
    lab.text(&["reassign", id, "--to", to, "--by", "Anna Example", "--reason", reason])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_under_a_misread_number_is_moved_and_void_where_it_was() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}", listener(address)));
    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "90.0", "F", "20260102030405")).await;
    until("the LIMS has it", || lab.count("accepted") == 1).await;

    assert!(reassign(&lab, "7", "EX0002").starts_with("Refused, and nothing was moved: there is no"));
    assert!(reassign(&lab, "1", "EX0002").starts_with("Moved to EX0002: 1."));
    until("the LIMS has it under the right number", || lab.count("accepted") == 2).await;
    until("and knows that it is void under the other", || {
        lab.text(&["trace", "EX0001"]).contains("lims was told that it is void under this number")
    })
    .await;

    let mut heard: Vec<_> = [2, 3].map(|delivery| told(&lab, delivery)).into();
    heard.sort_by(|(a, _), (b, _)| a.cmp(b));
    let [(wrong, void), (right, result)] = heard.try_into().unwrap();
    assert_eq!((wrong.as_str(), &void["id"], &void["status"]), ("EX0001", &"1".into(), &"void".into()));
    assert_eq!(void["value"]["kind"], "absent");
    assert_eq!((right.as_str(), &result["value"]["number"]), ("EX0002", &"90.0".into()));
    assert_eq!((&result["specimen_as_sent"], &result["moved"]["from"]), (&"EX0001".into(), &"EX0001".into()));
    assert_eq!(result["moved"]["by"], "Anna Example");
    assert!(result.get("supersedes").is_none(), "of this specimen it supersedes nothing");

    for specimen in ["EX0001", "EX0002"] {
        let trace = lab.text(&["trace", specimen]);
        assert!(
            trace.contains("moved from EX0001 to EX0002 by Anna Example: the rack was loaded twice"),
            "{trace}"
        );
        let page = page::answer(lab.page, &format!("/specimen?id={specimen}")).unwrap();
        assert!(page.contains("came under EX0001; Anna Example moved it to EX0002"), "{page}");
    }
    let page = page::answer(lab.page, "/specimen?id=EX0001").unwrap();
    assert!(page.contains("void in lims under this number"), "{page}");
    send(address, &glucose("EX0001", "95.0", "C", "20260102030405")).await;
    until("what follows under the wrong number waits", || lab.count("held") == 1).await;
    assert!(lab.text(&["held"]).contains("moved to another specimen"), "{}", lab.text(&["held"]));
    assert!(gateway.terminate().success());
    lab.must_balance();
    assert_eq!(lab.reader().deep_imbalances().unwrap(), [""; 0]);
    let day = lab.text(&["reconcile"]);
    assert!(!day.contains("differs"), "{day}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_came_with_a_misread_number_is_not_taken_along() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    let gateway = lab.start().await;
    let of = |specimen: &str, code: &str, id: &str, name: &str| {
        chemistry(specimen, &[(code, "5.1")], "F", "20260102030405")
            .replace("P|1||EX-77||Example^Anna", &format!("P|1|{id}|||{name}"))
    };
    send(address, &of("EX0001", "GLCC", "EX-99", "Sample^Otto")).await;
    send(address, &of("EX0002", "ALTT", "EX-77", "Example^Anna")).await;
    send(address, &of("EX0003", "CRR", "EX-99", "Sample^Otto")).await;
    until("the LIMS has them", || lab.count("accepted") == 3).await;
    assert!(reassign(&lab, "1", "EX0002").starts_with("Moved to EX0002"));
    assert!(reassign(&lab, "3", "EX0004").starts_with("Moved to EX0004"));
    until("the LIMS has them under the right numbers", || lab.count("accepted") == 5).await;
    // What was told of a specimen's moved result last.
    let moved = |specimen: &str| {
        let sent = (4..15).rev().filter_map(|delivery| lab.reader().payload(DeliveryId(delivery)).unwrap());
        let mut payloads = sent.map(|sent| String::from_utf8_lossy(sent.reveal()).into_owned());
        let is_it = |it: &String| it.contains(&format!("\"id\":\"{specimen}\"")) && it.contains("\"moved\"");
        payloads.find(is_it).unwrap()
    };
    assert!(
        moved("EX0002").contains("Example^Anna") && !moved("EX0002").contains("Otto"),
        "{}",
        moved("EX0002")
    );
    let unknown = moved("EX0004");
    assert!(
        !unknown.contains("Otto") && !unknown.contains("EX-99"),
        "nobody knows whose tube it is: {unknown}"
    );
    // Then its own result names the patient, and what is moved there is that one's.
    send(address, &of("EX0004", "GLCC", "EX-77", "Example^Anna")).await;
    send(address, &of("EX0005", "ALTT", "EX-99", "Sample^Otto")).await;
    until("the LIMS has both", || lab.count("accepted") == 7).await;
    assert!(reassign(&lab, "7", "EX0004").starts_with("Moved to EX0004"));
    until("and the moved one", || lab.count("accepted") == 8).await;
    let known = moved("EX0004");
    assert!(known.contains("ALTT") && known.contains("Example^Anna") && !known.contains("Otto"), "{known}");
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_result_is_judged_by_the_rules_under_its_right_number() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "release = \"hold-exceptions\"\n");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}", listener(address)));
    let other = free_port();
    lab.instrument("other", "erba-xl", "", &format!("{}{CODES}", listener(other)));
    rules(&lab, NUMBER);
    let gateway = lab.start().await;
    lab.sign();
    send(address, &glucose("XE0001", "90.0", "F", "20260102030405")).await;
    send(address, &glucose("", "91.0", "F", "20260102030505")).await;
    until("neither number is one of ours", || lab.count("held") == 2).await;
    for (id, to) in [("1", "EX0001"), ("2", "EX0002")] {
        assert!(reassign(&lab, id, to).starts_with("Moved to"), "{to}");
    }
    until("under the right number both leave", || lab.count("accepted") == 2).await;
    send(address, &glucose("EX0003", "92.0", "F", "20260102030605")).await;
    until("another leaves", || lab.count("accepted") == 3).await;
    assert!(reassign(&lab, "3", "EX0003").starts_with("Moved to"));
    until("two of one test wait for a choice", || lab.count("held") == 1).await;
    assert!(lab.text(&["trace", "EX0003"]).contains("a second value"), "{}", lab.text(&["trace", "EX0003"]));
    // Nor has anybody chosen where the other one is another analyzer's.
    send(other, &glucose("EX0004", "93.0", "F", "20260102030705")).await;
    send(address, &glucose("EX0005", "94.0", "F", "20260102030805")).await;
    until("both leave", || lab.count("accepted") == 5).await;
    let trace = lab.text(&["trace", "EX0005"]);
    let id = trace.split("read as observation ").nth(1).and_then(|it| it.split(':').next()).unwrap();
    assert!(reassign(&lab, id, "EX0004").starts_with("Moved to EX0004"), "{trace}");
    until("two analyzers' results of one test wait for a choice", || lab.count("held") == 2).await;
    assert!(lab.text(&["trace", "EX0004"]).contains("a second value"), "{}", lab.text(&["trace", "EX0004"]));
    assert!(gateway.terminate().success());
    lab.must_balance();
    assert_eq!(lab.reader().deep_imbalances().unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_its_release_alone_is_told_as_preliminary() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "release = \"full\"\nwhile_held = \"preliminary\"\n");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}", listener(address)));
    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "90.0", "F", "20260102030405")).await;
    let heard = |specimen: &str| lab.text(&["trace", specimen]).contains("was told that it is preliminary");
    until("the LIMS is told of it", || heard("EX0001")).await;
    assert_eq!((lab.count("held"), told(&lab, 1).1["status"].as_str()), (1, Some("preliminary")));
    lab.text(&["release", "1", "--reason", "seen"]);
    until("the result itself follows", || lab.count("accepted") == 1).await;
    let (_, result) = told(&lab, 2);
    assert_eq!((&result["id"], &result["status"]), (&"1".into(), &"final".into()));
    send(address, &glucose("EX0002", "90.0", "F", "20260102030505")).await;
    until("the LIMS is told of another", || heard("EX0002")).await;
    lab.text(&["reject", "2", "--reason", "wrong tube"]);
    until("which is taken back", || lab.text(&["trace", "EX0002"]).contains("was told that it is void"))
        .await;
    assert_eq!(told(&lab, 4).1["status"], "void");
    // What the analyzer corrects meanwhile is told as preliminary too: nothing of it is final there.
    send(address, &glucose("EX0003", "90.0", "F", "20260102030605")).await;
    until("the LIMS is told of a third", || heard("EX0003")).await;
    send(address, &glucose("EX0003", "95.0", "C", "20260102030605")).await;
    until("and of its correction", || {
        lab.text(&["trace", "EX0003"]).matches("was told that it is preliminary").count() == 2
    })
    .await;
    let (_, corrected) = told(&lab, 6);
    assert_eq!(
        (&corrected["status"], &corrected["value"]["number"]),
        (&"preliminary".into(), &"95.0".into())
    );
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_itself_signs_no_rules_whose_own_cases_fail() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}", listener(free_port())));
    rules(
        &lab,
        &format!("{NUMBER}case = [{{ value = \"9\", specimen = \"EX0001\", expect = \"found\" }}]\n"),
    );
    let gateway = lab.start().await;
    let shown = lab.text(&["rules"]);
    let sha256 = shown.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned();
    let (by, statement) = ("Dr. Example".to_owned(), "checked".to_owned());
    let asked = Request::Sign { sha256, by, statement, untried_because: None };
    let socket = lab.path("sock");
    let answer = tokio::task::spawn_blocking(move || control::ask(&socket, &asked)).await.unwrap().unwrap();
    let Response::Refused { why } = answer else { unreachable!("{answer:?}") };
    assert!(why.contains("1 cases beside the rules don't come out"), "{why}");
    assert!(lab.text(&["rules"]).contains("In force:   none."));
    let codes = lab.text(&["codes"]);
    assert!(codes.contains("GLCC  analyte glucose  LOINC"), "{codes}");
    assert!(gateway.terminate().success());
}
