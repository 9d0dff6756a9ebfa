//! The ledger's own rules: once for a key, refusals by code, versions, a file that survives a torn end.

use serde_json::json;

use super::*;

fn delivery(specimen: &str, results: &[Value]) -> Vec<u8> {
    let mut results = results.to_vec();
    for result in &mut results {
        result["specimen_as_sent"] = format!("00{specimen}").into();
    }
    json!({
        "schema": "labwire/results/1",
        "specimen": {"id": specimen},
        "results": results,
    })
    .to_string()
    .into_bytes()
}

fn result(id: &str, code: &str, value: &str) -> Value {
    json!({
        "id": id, "version": 1, "supersedes": null, "class": "patient", "instrument": "h500",
        "test": {"code": code, "aspect": "", "component": "", "dilution": ""},
        "replicate": 1,
        "value": {"kind": "quantity", "number": value, "as_sent": value},
        "unit": "g/dL", "status": "final",
    })
}

fn expected(specimen: &str, code: &str, value: &str) -> ExpectedResult {
    ExpectedResult {
        specimen: specimen.into(),
        code: code.into(),
        aspect: String::new(),
        replicate: 1,
        value: value.into(),
        unit: String::new(),
        status: String::new(),
    }
}

fn taken(book: &mut Book, key: &str, payload: &[u8]) -> Recorded {
    book.record(key, payload, &[]).unwrap()
}

#[test]
fn a_delivery_is_taken_once_however_often_it_comes() {
    let mut book = Book::default();
    let payload = delivery("17", &[result("1", "HGB", "7.40")]);
    assert!(matches!(taken(&mut book, "k1", &payload), Recorded::Taken(_)));
    assert!(matches!(taken(&mut book, "k1", &payload), Recorded::Replayed(_)));
    assert!(matches!(taken(&mut book, "k1", &delivery("17", &[])), Recorded::Conflict));
    let acknowledged = [expected("17", "HGB", "7.40"), expected("0017", "HGB", "7.40")];
    assert_eq!(book.ledger.discrepancies(&acknowledged), []);
    assert_eq!((book.ledger.doubled().len(), book.ledger.times_of_observation("1")), (0, 1));
}

#[test]
fn a_lost_an_altered_and_a_doubled_result_are_each_found() {
    let mut book = Book::default();
    for (key, id) in [("k1", "1"), ("k2", "1"), ("k3", "2")] {
        taken(&mut book, key, &delivery("17", &[result(id, "HGB", "7.40")]));
    }
    let acknowledged =
        [expected("17", "HGB", "7.40"), expected("17", "HGB", "7.41"), expected("18", "HGB", "7.40")];
    let times: Vec<usize> =
        book.ledger.discrepancies(&acknowledged).iter().map(|found| found.times).collect();
    assert_eq!(times, [3, 0, 0]);
    assert_eq!(book.ledger.doubled().len(), 2);
}

#[test]
fn a_newer_version_replaces_and_an_older_one_that_comes_after_it_is_late() {
    let mut book = Book::default();
    let mut newer = result("2", "HGB", "7.40");
    newer["supersedes"] = json!("1");
    newer["version"] = json!(2);
    taken(&mut book, "k2", &delivery("17", &[newer]));
    taken(&mut book, "k1", &delivery("17", &[result("1", "HGB", "7.40")]));
    assert_eq!(book.ledger.times(&expected("17", "HGB", "7.40")), 1);
    assert_eq!(book.ledger.doubled(), Vec::<&Held>::new());
    assert_eq!(book.ledger.held().iter().map(|held| held.late).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn results_with_a_refused_code_are_not_held() {
    let mut book = Book::default();
    let payload = delivery("17", &[result("1", "HGB", "7.40"), result("2", "WBC", "5.1")]);
    let Recorded::Taken(answer) = book.record("k1", &payload, &["WBC".into()]).unwrap() else {
        panic!("not taken");
    };
    let outcomes: Vec<&str> = answer.items.iter().map(|item| item.outcome.as_str()).collect();
    assert_eq!(outcomes, ["accepted", "refused"]);
    assert_eq!(book.ledger.held().len(), 1);
}

#[test]
fn what_is_no_delivery_is_not_taken() {
    let mut book = Book::default();
    for payload in ["", "{", "[]", "{\"results\": 7}"] {
        assert!(matches!(taken(&mut book, "k", payload.as_bytes()), Recorded::Unreadable(_)), "{payload}");
    }
}

#[test]
fn the_file_brings_everything_back_but_a_torn_last_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lims.jsonl");
    let payload = delivery("17", &[result("1", "HGB", "7.40")]);
    taken(&mut Book::open(&path).unwrap(), "k1", &payload);
    std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"key\":\"k2").unwrap();
    for _ in 0..2 {
        let mut book = Book::open(&path).unwrap();
        assert!(matches!(taken(&mut book, "k1", &payload), Recorded::Replayed(_)));
        assert_eq!(book.ledger.discrepancies(&[expected("17", "HGB", "7.40")]), []);
        taken(&mut book, "k3", &delivery("18", &[result("3", "HGB", "8.0")]));
    }
    assert_eq!(Book::open(&path).unwrap().ledger.held().len(), 2);
}
