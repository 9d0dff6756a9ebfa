//! A LIMS whose own people verify gets everything, and with it what signed rules found; what is found once a result is there
//! is told here.

use labwire::journal::DeliveryId;
use serde_json::{Value, json};

use super::judging::{CODES, CRITICAL, of_patient, rules};
use super::support::*;

const INDEX: &str = "[[index]]\nname = \"haemolysis\"\nanalytes = [\"creatinine\"]\ncodes = [\"HEM\"]\nlimit = \">= 2\"\nsource = \"a test\"\n";

/// What a delivery told of its only result.
fn findings(lab: &Lab, delivery: i64) -> Value {
    let payload = lab.reader().payload(DeliveryId(delivery)).unwrap().unwrap();
    let payload: Value = serde_json::from_slice(payload.reveal()).unwrap();
    let schema: Value = serde_json::from_str(include_str!("../../docs/payload.schema.json")).unwrap();
    assert!(jsonschema::is_valid(&schema, &payload), "{payload:#}");
    payload["results"][0]["findings"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_verifies_is_told_what_signed_rules_found() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    let codes = format!("{CODES}[codes.HEM]\nlims_code = \"HEM\"\n");
    lab.instrument("erba", "erba-xl", "", &format!("{}{codes}", listener(address)));
    rules(&lab, &format!("{CRITICAL}{INDEX}"));
    let gateway = lab.start().await;
    let mut delivered = 0;
    let mut leaves = async |text: String| {
        send(address, &text).await;
        delivered += 1;
        until("it leaves", || lab.count("accepted") == delivered).await;
        findings(&lab, delivered)
    };
    assert_eq!(
        leaves(of_patient("EX0001", "30", "20260102030405")).await,
        Value::Null,
        "nobody has signed them"
    );
    lab.sign();
    assert_eq!(leaves(of_patient("EX0002", "90", "20260102040405")).await, Value::Null);
    let found = leaves(of_patient("EX0003", "460", "20260102050405")).await;
    assert_eq!((&found[0]["check"], &found[0]["ruling"]), (&json!("critical"), &json!("high")));
    assert_eq!((&found[1]["check"], &found[1]["rules"]), (&json!("delta"), &json!(["glucose-delta"])));
    let text = found[1]["text"].as_str().unwrap();
    assert!(
        text.starts_with("delta: rise; by glucose-delta; limits ") && text.contains("seen glucose was 5"),
        "{text}"
    );
    let haemolysed = chemistry("EX0004", &[("CREA", "1.0"), ("HEM", "4")], "F", "20260102060405");
    send(address, &haemolysed).await;
    until("both leave", || lab.count("accepted") == 5).await;
    assert_eq!(findings(&lab, 4)[0]["text"].as_str().unwrap().split(';').next(), Some("index: found"));
    assert!(!lab.text(&["problems"]).contains("found-later"));

    send(address, &chemistry("EX0005", &[("CREA", "1.0")], "F", "20260102070405")).await;
    until("it leaves", || lab.count("accepted") == 6).await;
    send(address, &chemistry("EX0005", &[("HEM", "4")], "F", "20260102070505")).await;
    until("what the LIMS can't know is told here", || lab.text(&["problems"]).contains("found-later")).await;
    let problems = lab.text(&["problems"]);
    assert!(problems.contains("CREA, has left: index: found; by haemolysis"), "{problems}");
    until("the index leaves", || lab.count("accepted") == 7).await;
    assert!(gateway.terminate().success());
    lab.must_balance();
    assert_eq!(lab.reader().deep_imbalances().unwrap(), [""; 0]);
}
