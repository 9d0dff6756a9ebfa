//! A patient's earlier values that only the LIMS has: results wait for its answer and are compared with it, and where it
//! doesn't come they go on without, and say so.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::judging::{CODES, CRITICAL, of_patient, rules};
use super::lims_by_hand::{Asked, LimsByHand, SILENCE};
use super::support::*;

fn json(values: &str) -> String {
    let body = format!("{{\"values\":[{values}]}}");
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// A glucose of 90 mg/dL, a day before the results of these tests and on the same analyzer.
fn ninety(specimen: &str) -> String {
    format!(
        "{{\"test\":\"GLCC\",\"value\":\"90\",\"unit\":\"mg/dL\",\"at\":\"2026-01-01T03:00:00Z\",\
         \"specimen\":\"{specimen}\",\"instrument\":\"erba\"}}"
    )
}

/// A laboratory whose LIMS tells history as `answer` does.
async fn laboratory(
    more: &str,
    answer: impl Fn(&Asked, usize) -> String + Send + Sync + 'static,
) -> (labsim::lims::Lims, LimsByHand, Lab, std::net::SocketAddr) {
    let (lims, desk) = (lims().await, LimsByHand::start(answer).await);
    let lab = Lab::new(&lims, "release = \"hold-exceptions\"\n");
    let table = format!(
        "[history]\nurl = \"http://{}/history?patient={{patient}}&since={{since}}\"\n{more}\n",
        desk.address
    );
    let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
    fs::write(lab.path("labwire.toml"), site + &table).unwrap();
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}", listener(address)));
    rules(&lab, CRITICAL);
    (lims, desk, lab, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_seen_against_a_value_that_only_the_lims_has() {
    let (_lims, desk, lab, address) = laboratory("", |_, _| json(&ninety("OLD1"))).await;
    let gateway = lab.start().await;
    lab.sign();
    send(address, &of_patient("EX0001", "200", "20260102030405")).await;
    until("it is too far from what the LIMS has", || lab.text(&["held"]).contains("too far")).await;
    let [held, trace] = [["held"].as_slice(), &["trace", "EX0001"]].map(|command| lab.text(command));
    for told in [&held, &trace] {
        assert!(told.contains("delta: rise; by glucose-delta"), "{told}");
    }
    assert!(
        trace.contains("seen glucose was 5 (") && trace.contains("at 2026-01-01T03:00:00Z on erba"),
        "{trace}"
    );
    send(address, &of_patient("EX0002", "95", "20260102040405")).await;
    until("what is near it leaves by itself", || lab.count("accepted") == 1).await;
    // Nothing compares creatinine, and nobody is asked for it.
    let asked = desk.count();
    send(address, &of_patient("EX0003", "1.1", "20260102050405").replace("GLCC", "CREA")).await;
    until("it leaves", || lab.count("accepted") == 2).await;
    assert_eq!(desk.count(), asked);
    let first = &desk.asked()[0].head;
    assert!(first.starts_with("GET /history?patient=EX-77&since=20"), "{first}");
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_found_against_the_lims_holds_also_once_the_lims_is_not_asked_any_more() {
    let (_lims, _desk, lab, address) = laboratory("", |_, _| json(&ninety("OLD1"))).await;
    let gateway = lab.start().await;
    lab.sign();
    send(address, &of_patient("EX0001", "200", "20260102030405")).await;
    until("it is too far from what the LIMS has", || lab.text(&["held"]).contains("too far")).await;
    assert!(gateway.terminate().success());
    let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
    fs::write(lab.path("labwire.toml"), site.split("[history]").next().unwrap()).unwrap();
    let gateway = lab.start().await;
    until("it is judged again", || lab.text(&["trace", "EX0001"]).contains("delta: not evaluated")).await;
    assert_eq!((lab.count("held"), lab.count("accepted")), (1, 0), "{}", lab.text(&["trace", "EX0001"]));
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_never_compared_with_itself() {
    let here = Arc::new(Mutex::new("EX0001".to_owned()));
    let of = Arc::clone(&here);
    let (_lims, _desk, lab, address) = laboratory("", move |_, _| json(&ninety(&of.lock().unwrap()))).await;
    let _gateway = lab.start().await;
    lab.sign();
    send(address, &of_patient("EX0001", "200", "20260102030405")).await;
    until("nothing is left to compare with", || lab.count("accepted") == 1).await;
    assert!(lab.text(&["trace", "EX0001"]).contains("there is no earlier value of this patient"));
    *here.lock().unwrap() = "OLD1".to_owned();
    send(address, &of_patient("EX0002", "200", "20260102030405")).await;
    until("another specimen's counts", || lab.count("held") == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_nobody_knows_which_analyzer_is_compared_only_where_the_rule_says_so() {
    let value = ninety("OLD1").replace("\"erba\"", "\"\"");
    let (_lims, _desk, lab, address) = laboratory("", move |_, _| json(&value)).await;
    let gateway = lab.start().await;
    lab.sign();
    send(address, &of_patient("EX0001", "200", "20260102030405")).await;
    until("it isn't compared", || lab.count("accepted") == 1).await;
    assert!(lab.text(&["trace", "EX0001"]).contains("is of another instrument"));
    assert!(gateway.terminate().success());
    rules(&lab, &CRITICAL.replace("window =", "across_instruments = true\nwindow ="));
    let _gateway = lab.start().await;
    lab.sign();
    send(address, &of_patient("EX0002", "200", "20260102030405")).await;
    until("it is", || lab.text(&["held"]).contains("too far")).await;
    assert!(lab.text(&["trace", "EX0002"]).contains("on the LIMS"));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_lims_does_not_answer_results_go_on_without_and_say_so() {
    let answers = Arc::new(AtomicBool::new(false));
    let does = Arc::clone(&answers);
    let (_lims, desk, lab, address) = laboratory("patience_secs = 1\nwait_secs = 4", move |_, _| {
        if does.load(Ordering::SeqCst) { json(&ninety("OLD1")) } else { SILENCE.to_owned() }
    })
    .await;
    let gateway = lab.start().await;
    lab.sign();
    send(address, &of_patient("EX0001", "200", "20260102030405")).await;
    until("it waits for the LIMS", || lab.text(&["held"]).contains("earlier values are still to come")).await;
    until("the LIMS is asked again", || desk.count() >= 2).await;
    // A stop in between forgets no question.
    gateway.kill();
    let _gateway = lab.start().await;
    until("it goes on without", || lab.count("accepted") == 1).await;
    let trace = lab.text(&["trace", "EX0001"]);
    assert!(trace.contains("delta: not evaluated: the LIMS hasn't told"), "{trace}");
    // The next result of the same tube asks once more.
    answers.store(true, Ordering::SeqCst);
    send(address, &of_patient("EX0001", "210", "20260102040405")).await;
    until("it is compared", || lab.text(&["trace", "EX0001"]).contains("delta: rise")).await;
}

/// A FHIR searchset with one glucose of 90 mg/dL.
fn searchset(observation: &str) -> String {
    let body = format!(
        "{{\"resourceType\":\"Bundle\",\"entry\":[{{\"resource\":{{\"resourceType\":\"Observation\",\"status\":\"final\",\
         \"code\":{{\"coding\":[{{\"system\":\"http://loinc.org\",\"code\":\"2345-7\"}}]}},\
         \"effectiveDateTime\":\"2026-01-01T04:00:00+01:00\",\"device\":{{\"display\":\"erba\"}},\
         \"valueQuantity\":{{\"value\":90,\"unit\":\"mg/dl\",\"system\":\"http://unitsofmeasure.org\",\"code\":\"mg/dL\"}},{observation}}}}}]}}"
    );
    json("")
        .replace("{\"values\":[]}", &body)
        .replace("content-length: 13", &format!("content-length: {}", body.len()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fhir_server_tells_what_it_knew_before_the_result_came() {
    let said = Arc::new(Mutex::new("\"issued\":\"2126-01-01T00:00:00Z\"".to_owned()));
    let says = Arc::clone(&said);
    let more = "format = \"fhir\"\ncodes = \"loinc\"";
    let (_lims, desk, lab, address) = laboratory(more, move |_, _| searchset(&says.lock().unwrap())).await;
    let _gateway = lab.start().await;
    lab.sign();
    send(address, &of_patient("EX0001", "200", "20260102030405")).await;
    until("what was made known later may be the result itself", || lab.count("accepted") == 1).await;
    *said.lock().unwrap() = "\"issued\":\"2026-01-01T05:00:00Z\"".to_owned();
    send(address, &of_patient("EX0002", "200", "20260102030405")).await;
    until("what was known before counts", || lab.text(&["held"]).contains("too far")).await;
    assert!(desk.asked()[0].head.contains("accept: application/fhir+json"), "{}", desk.asked()[0].head);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_patient_of_whom_the_lims_says_nothing_keeps_nobody_elses_question() {
    let (_lims, desk, lab, address) = laboratory("patience_secs = 2\nwait_secs = 20", |asked, _| {
        if asked.head.contains("patient=SILENT") { SILENCE.to_owned() } else { json(&ninety("OLD1")) }
    })
    .await;
    let _gateway = lab.start().await;
    lab.sign();
    let of = |patient: &str, specimen: &str| {
        of_patient(specimen, "200", "20260102030405").replace("EX-77", patient)
    };
    send(address, &of("SILENT", "EX0001")).await;
    until("the LIMS is asked about the first", || desk.count() == 1).await;
    for number in 2..6 {
        send(address, &of(&format!("EX-{number}"), &format!("EX000{number}"))).await;
    }
    until("the others are compared", || lab.text(&["held"]).matches("too far").count() == 4).await;
    assert!(lab.text(&["held"]).contains("earlier values are still to come"), "the first goes on waiting");
    until("it goes on without", || lab.count("accepted") == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_failure_of_the_lims_is_taken_for_a_patient_without_history() {
    let (_lims, desk, lab, address) = laboratory("patience_secs = 2", |_, before| match before {
        0 => {
            "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()
        }
        1 => "HTTP/1.1 404 Not Found\r\ncontent-length: 13\r\nconnection: close\r\n\r\n{\"values\":[]}"
            .to_owned(),
        2 => "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_owned(),
        // Cut off before a byte, within its head, and within its body.
        3 => String::new(),
        4 => "HTTP/1.1 200 OK\r\ncontent-".to_owned(),
        5 => json("").replace("content-length: 13", "content-length: 14"),
        _ => json(&ninety("OLD1")),
    })
    .await;
    let gateway = lab.start().await;
    lab.sign();
    send(address, &of_patient("EX0001", "200", "20260102030405")).await;
    for failures in 1..=6 {
        until("it is asked again", || desk.count() > failures).await;
        assert_eq!(lab.count("accepted"), 0, "nothing leaves after {failures} failures");
    }
    until("it is compared with the answer at last", || lab.text(&["held"]).contains("too far")).await;
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lims_that_only_fails_keeps_a_result_for_as_long_as_it_may_and_is_shown_as_down() {
    let (_lims, desk, lab, address) = laboratory("wait_secs = 4", |_, _| {
        "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()
    })
    .await;
    let _gateway = lab.start().await;
    lab.sign();
    send(address, &of_patient("EX0001", "200", "20260102030405")).await;
    until("it is asked once more", || desk.count() >= 2).await;
    assert!(lab.text(&["held"]).contains("earlier values are still to come"), "{}", lab.text(&["held"]));
    until("it goes on without", || lab.count("accepted") == 1).await;
    let trace = lab.text(&["trace", "EX0001"]);
    assert!(trace.contains("delta: not evaluated: the LIMS hasn't told"), "{trace}");
    let status = lab.text(&["status"]);
    let link = status.lines().find(|line| line.contains("patients' history")).unwrap_or_default();
    assert!(link.contains("500"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_compared_with_a_value_of_the_lims_that_no_patient_can_have() {
    // 25 g/L are 139 mmol/L: its unit was another.
    let switched = ninety("OLD1").replace("\"90\"", "\"2500\"");
    let (_lims, _desk, lab, address) = laboratory("", move |_, _| json(&switched)).await;
    let _gateway = lab.start().await;
    lab.sign();
    send(address, &of_patient("EX0001", "200", "20260102030405")).await;
    until("it isn't compared", || lab.count("accepted") == 1).await;
    let trace = lab.text(&["trace", "EX0001"]);
    assert!(trace.contains("delta: not evaluated: no patient can have the earlier value"), "{trace}");
    assert!(trace.contains("seen glucose was 138.8, which no patient has"), "{trace}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_orders_come_in_only_their_patients_are_asked_about() {
    let more = "orders = \"hospital\"\nauthority = \"HOSP\"\n\
                [orders.hospital]\nkind = \"folder\"\nfolder = \"orders\"\nevery_secs = 1\nmoved_to = \"taken\"";
    let (_lims, desk, lab, address) = laboratory(more, |_, _| json(&ninety("OLD1"))).await;
    fs::create_dir(lab.path("orders")).unwrap();
    fs::create_dir(lab.path("taken")).unwrap();
    let _gateway = lab.start().await;
    lab.sign();
    let order = |id: &str, tube: &str, authority: &str| {
        let text = format!(
            r#"{{"id":"{id}","orders":[{{"action":"place","placer":"P{id}","specimen":"{tube}","test":"GLCC",
            "patient":{{"id":"EX88","authority":"{authority}","name":"Example^Anna"}}}}]}}"#
        );
        fs::write(lab.path("orders").join(format!(".{id}")), text).unwrap();
        let whole = lab.path("orders").join(format!("{id}.json"));
        fs::rename(lab.path("orders").join(format!(".{id}")), &whole).unwrap();
        whole
    };
    let files = [order("1", "EX0001", "HOSP"), order("2", "EX0002", "CLINIC")];
    until("the orders are taken", || files.iter().all(|file| !file.exists())).await;
    // The analyzer names no patient: the order says whose tube it is.
    send(address, &glucose("EX0001", "200", "F", "20260102030405").replace("EX-77", "")).await;
    until("it is too far from what the LIMS has", || lab.text(&["held"]).contains("too far")).await;
    assert!(desk.asked()[0].head.starts_with("GET /history?patient=EX88&"), "{}", desk.asked()[0].head);
    let asked = desk.count();
    // The same number of somebody else's, and a number that only the analyzer says.
    send(address, &glucose("EX0002", "200", "F", "20260102030405").replace("EX-77", "")).await;
    send(address, &of_patient("EX0003", "200", "20260102030405").replace("EX-77", "EX88")).await;
    for specimen in ["EX0002", "EX0003"] {
        let is_told = || lab.text(&["trace", specimen]).contains("there is no earlier value of this patient");
        until("it is compared with nobody's values", is_told).await;
    }
    assert_eq!(desk.count(), asked, "the LIMS isn't asked about patients whom it may not know");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_person_releases_all_the_lims_is_asked_too_and_its_answer_lets_nothing_go() {
    let answers = Arc::new(AtomicBool::new(false));
    let does = Arc::clone(&answers);
    let (_lims, _desk, lab, address) = laboratory("patience_secs = 1", move |asked, _| {
        let far = asked.head.contains("patient=EX-77");
        match does.load(Ordering::SeqCst) {
            true => json(&if far { ninety("OLD1") } else { ninety("OLD1").replace("\"90\"", "\"190\"") }),
            false => SILENCE.to_owned(),
        }
    })
    .await;
    let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
    fs::write(lab.path("labwire.toml"), site.replace("\"hold-exceptions\"", "\"full\"")).unwrap();
    let gateway = lab.start().await;
    lab.sign();
    send(address, &of_patient("EX0001", "200", "20260102030405")).await;
    send(address, &of_patient("EX0002", "200", "20260102030405").replace("EX-77", "EX-78")).await;
    let held = || lab.text(&["held"]);
    until("both wait for the LIMS", || held().matches("earlier values are still to come").count() == 2).await;
    answers.store(true, Ordering::SeqCst);
    until("both are compared", || !held().contains("earlier values are still to come")).await;
    assert_eq!(held().matches("too far").count(), 1, "{}", held());
    assert_eq!((lab.count("held"), lab.count("accepted")), (2, 0), "{}", held());
    for id in ["1", "2"] {
        assert!(lab.run(&["release", id, "--reason", "seen"]).status.success());
    }
    until("a person lets them go", || lab.count("accepted") == 2).await;
    assert!(gateway.terminate().success());
    lab.must_balance();
}
