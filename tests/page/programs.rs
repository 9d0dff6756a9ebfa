//! What programs do at `/api/v1` as people do on the page: within a token's role, with the same answers, and in the audit under the
//! token's name.

use labsim::lims::Mode;
use labwire::config::settings::Language;
use serde_json::{Value, json};

use super::accessible::{CALLED, CRITICAL};
use super::api::{judge, post_json};
use super::audited::audited;
use super::laboratory::Laboratory;

const LOOKS: &str = "viewer-0123456789abcdef0123456789abcdef";
const DECIDES: &str = "technician-0123456789abcdef0123456789ab";
const TOKENS: &str = "[[page.tokens]]\nname = \"archive\"\nrole = \"viewer\"\ntoken_file = \"viewer.token\"\n\
    [[page.tokens]]\nname = \"middleware\"\nrole = \"technician\"\ntoken_file = \"technician.token\"\n";
const ACCOUNT: &str = "middleware by token";

async fn laboratory(more: &str, files: &[(&str, &[u8])]) -> (Laboratory, Value) {
    let tokens = [("viewer.token", LOOKS.as_bytes()), ("technician.token", DECIDES.as_bytes())];
    let files: Vec<(&str, &[u8])> = files.iter().copied().chain(tokens).collect();
    let laboratory =
        Laboratory::start("127.0.0.1", &format!("{TOKENS}{more}"), &files, Language::English).await;
    let document = serde_json::from_str(&laboratory.fetch("/api/v1/openapi.json").await.body).unwrap();
    (laboratory, document)
}

/// A laboratory with an open call.
async fn with_a_call() -> (Laboratory, Value) {
    let (laboratory, document) = laboratory(CALLED, &[("rules.d/own.toml", CRITICAL.as_bytes())]).await;
    laboratory.sign_rules().await;
    laboratory.send("24-000010", &[("001", "95.0")]).await;
    laboratory.until("/waiting/held", 1).await;
    (laboratory, document)
}

/// What is read at an address, as the document says of its path.
async fn read(laboratory: &Laboratory, document: &Value, path: &str, address: &str) -> Value {
    let answer = laboratory.fetch(address).await;
    assert_eq!(answer.status, 200, "{address}: {}", answer.body);
    judge(document, path, "get", &answer)
}

/// Sends each of these with its token, and is answered so each time; the last answer.
async fn each(
    laboratory: &Laboratory,
    document: &Value,
    (path, address): (&str, &str),
    sent: &[(&str, Value, u16)],
) -> Value {
    let stranger = post_json(laboratory, address, "nobody", &sent.last().unwrap().1.to_string()).await;
    assert_eq!(stranger.status, 401, "{address}");
    let mut last = Value::Null;
    for (token, body, status) in sent {
        let answer = post_json(laboratory, address, token, &body.to_string()).await;
        assert_eq!(answer.status, *status, "{body}: {}", answer.body);
        last = judge(document, path, "post", &answer);
    }
    last
}

/// The last row of the audit that the token has, of as many.
fn noted(laboratory: &Laboratory, count: usize) -> [String; 3] {
    let mut rows = audited(laboratory, ACCOUNT);
    assert_eq!(rows.len(), count, "{rows:?}");
    rows.pop().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_acknowledges_and_shelves_an_alarm_and_never_a_critical_call_s() {
    let (mut laboratory, document) = with_a_call().await;
    let path = "/api/v1/alarms";
    let alarm = async |alert: &str| {
        let began = std::time::Instant::now();
        loop {
            let alarms = read(&laboratory, &document, path, path).await;
            let found = alarms["items"].as_array().unwrap().iter().find(|it| it["alert"] == alert).cloned();
            if let Some(found) = found {
                return found;
            }
            assert!(began.elapsed().as_secs() < 60, "no {alert}: {alarms} {}", laboratory.status().await);
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let call = alarm("critical-call-open").await;
    assert_eq!((&call["rings"], &call["may_be_shelved"]), (&json!(true), &json!(false)), "{call}");
    let id = call["id"].clone();
    let acknowledge = json!({ "what": "acknowledge", "id": id });
    let done = each(
        &laboratory,
        &document,
        (path, path),
        &[
            (LOOKS, acknowledge.clone(), 403),
            (DECIDES, json!({ "what": "silence", "id": id }), 400),
            (DECIDES, json!({ "id": id }), 400),
            (DECIDES, json!({ "what": "acknowledge", "id": 99 }), 404),
            (DECIDES, json!({ "what": "shelve", "id": id, "reason": "seen", "hours": 1 }), 409),
            (DECIDES, acknowledge, 200),
        ],
    )
    .await;
    assert_eq!(done, json!({ "what": "acknowledge", "id": id, "by": ACCOUNT }));
    let call = alarm("critical-call-open").await;
    assert_eq!((&call["rings"], &call["acknowledged"]["by"]), (&json!(false), &json!(ACCOUNT)), "{call}");
    assert_eq!(noted(&laboratory, 1)[2], "acknowledged");

    let id = alarm("results-held").await["id"].clone();
    let shelve =
        |reason: &str, hours: u8| json!({ "what": "shelve", "id": id, "reason": reason, "hours": hours });
    let sent = [
        (DECIDES, shelve(" ", 2), 409),
        (DECIDES, shelve("service", 13), 409),
        (DECIDES, shelve("service", 0), 409),
        (DECIDES, shelve("service", 2), 200),
    ];
    each(&laboratory, &document, (path, path), &sent).await;
    let held = alarm("results-held").await;
    assert_eq!((&held["shelved"]["reason"], &held["rings"]), (&json!("service"), &json!(false)), "{held}");
    assert_eq!(noted(&laboratory, 2)[2], "shelved for 2 hours: service");
    assert!(laboratory.fetch("/alarms").await.body.contains("shelved by middleware by token until"));
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_writes_down_a_call_by_whoever_made_it_and_reads_what_stands_beside_it() {
    let (mut laboratory, document) = with_a_call().await;
    let (path, address) = ("/api/v1/calls/{id}", "/api/v1/calls/1");
    let call = read(&laboratory, &document, path, address).await;
    assert_eq!((&call["specimen"], &call["open"]["id"]), (&json!("24-000010"), &json!(1)), "{call}");
    assert_eq!(call["evidence"]["at"][0]["destination"], "lims", "{call}");
    let rerun = call["verifiers"].as_array().unwrap().iter().find(|it| it["what"] == "Rerun").cloned();
    assert_eq!(
        rerun,
        Some(json!({ "what": "Rerun", "found": [], "without": "not measured again" })),
        "{call}"
    );
    assert!(call["tell"].as_str().unwrap().starts_with("95.0"), "{call}");
    for nowhere in ["/api/v1/calls/99", "/api/v1/calls/x"] {
        let answer = laboratory.fetch(nowhere).await;
        assert_eq!(answer.status, 404, "{nowhere}");
        judge(&document, path, "get", &answer);
    }
    let told = |second: &str, value: &str| {
        json!({
            "what": "attempt", "by": "Anna Example", "outcome": "confirmed", "to": "Carla Example", "role": "nurse of ward 3",
            "identifiers": [{ "kind": "name", "text": "Example" }, { "kind": "birth-date", "text": second }], "value": value,
        })
    };
    let nobody =
        json!({ "what": "attempt", "by": "Anna Example", "outcome": "not-reached", "note": "no answer" });
    let mut at_no_time = nobody.clone();
    at_no_time["made_at"] = json!("yesterday");
    let sent = [
        (LOOKS, nobody.clone(), 403),
        (DECIDES, json!({ "what": "whispered", "by": "Anna Example" }), 400),
        (DECIDES, json!({ "what": "attempt", "by": "Anna Example", "outcome": "perhaps" }), 400),
        (DECIDES, json!({ "what": "attempt", "outcome": "not-reached" }), 400),
        (DECIDES, at_no_time, 400),
        (DECIDES, json!({ "what": "attempt", "by": " ", "outcome": "not-reached" }), 409),
        (DECIDES, told("", "95.0 mIU/L"), 409),
        (DECIDES, told("1975-03-17", "59.0 mIU/L"), 409),
        (DECIDES, nobody, 200),
    ];
    let open = each(&laboratory, &document, (path, address), &sent).await;
    assert_eq!(open, json!({ "id": 1, "by": "Anna Example", "account": ACCOUNT, "is_open": true }));
    assert!(noted(&laboratory, 1)[2].contains("(unable to reach) by Anna Example"));
    let sent = [(DECIDES, told("1975-03-17", "95.0 mIU/L"), 200)];
    let closed = each(&laboratory, &document, (path, address), &sent).await;
    assert_eq!(closed["is_open"], false, "{closed}");
    let detail = noted(&laboratory, 2)[2].clone();
    assert!(detail.contains("by Anna Example") && detail.ends_with("; closed"), "{detail}");
    let call = read(&laboratory, &document, path, address).await;
    assert_eq!((&call["open"], call["happened"].as_array().unwrap().len()), (&Value::Null, 3), "{call}");
    let nowhere = post_json(&laboratory, "/api/v1/calls/99", DECIDES, &told("a", "b").to_string()).await;
    assert!([404, 409].contains(&nowhere.status), "{}", nowhere.body);
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_result_tells_its_patient_and_what_stands_beside_and_is_released_as_it_was_seen() {
    let (mut laboratory, document) = laboratory("", &[]).await;
    let message = "H|\\^&|||3600001||||||||LIS2-A|20260105111500\rP|1|P1|||Doe^Jane||19700101|F\r\
                   O|1|24-000012^1^3||^^^1.0000+001+1.0|R||||||N||||5||||||||||F\r\
                   R|1|^^^1.0000+001+1.0|4,80|mIU/L||^0^||V|||20260105104000|20260105111001|36000001\rL|1|N\r";
    laboratory.send_message(message).await;
    laboratory.until("/waiting/held", 1).await;
    let id = laboratory.held();
    let path = "/api/v1/held/{id}";
    let held = read(&laboratory, &document, path, &format!("/api/v1/held/{id}")).await;
    assert_eq!((&held["specimen"], &held["value"]), (&json!("24-000012"), &json!("4,80")), "{held}");
    assert!(
        held["patient"].as_array().unwrap().iter().any(|it| it["what"] == "Number" && it["text"] == "P1"),
        "{held}"
    );
    assert_eq!(held["evidence"]["at"][0], json!({ "destination": "lims", "state": "held" }), "{held}");
    for nowhere in ["/api/v1/held/99", "/api/v1/held/x"] {
        let answer = laboratory.fetch(nowhere).await;
        assert_eq!(answer.status, 404, "{nowhere}");
        judge(&document, path, "get", &answer);
    }
    let release =
        |seen: &str| json!({ "decision": "release", "id": id, "reason": "curve seen", "seen": seen });
    let decisions = "/api/v1/decisions";
    let seen = held["seen"].as_str().unwrap();
    let sent = [(DECIDES, release("something else"), 409), (DECIDES, release(seen), 200)];
    each(&laboratory, &document, (decisions, decisions), &sent).await;
    laboratory.until("/waiting/held", 0).await;
    assert_eq!(noted(&laboratory, 1)[..2], ["released".to_owned(), format!("observation {id}")]);
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_keeps_a_list_for_a_downtime_and_reads_what_became_of_it() {
    let (mut laboratory, document) = laboratory("", &[]).await;
    let path = "/api/v1/downtime";
    let sent =
        [(LOOKS, json!({}), 403), (DECIDES, json!({ "of": "ward 3" }), 400), (DECIDES, json!({}), 409)];
    each(&laboratory, &document, (path, path), &sent).await;
    laboratory.lims_does(Mode::Refuse(vec!["001".to_owned()]));
    laboratory.send("24-000008", &[("001", "5.10")]).await;
    laboratory.send("24-000009", &[("001", "4,10")]).await;
    laboratory.until("/waiting/dead_letters", 1).await;
    laboratory.until("/waiting/held", 1).await;
    let list = read(&laboratory, &document, path, path).await;
    assert_eq!(list["total"], 2, "{list}");
    let specimens = list["wards"][0]["specimens"].as_array().unwrap();
    let of =
        |it: usize| (specimens[it]["specimen"].clone(), specimens[it]["results"][0]["states"][0].clone());
    assert_eq!(of(0), (json!("24-000008"), json!("refused by lims")), "{list}");
    assert_eq!(
        of(1),
        (json!("24-000009"), json!("HELD: don't use before somebody has looked at it")),
        "{list}"
    );
    let kept = each(&laboratory, &document, (path, path), &[(DECIDES, json!({}), 200)]).await;
    assert_eq!(kept, json!({ "id": 1, "by": ACCOUNT }));
    assert_eq!(noted(&laboratory, 1)[0], "downtime list kept");
    let reject = json!({ "decision": "reject", "id": laboratory.held(), "reason": "clotted" });
    assert_eq!(post_json(&laboratory, "/api/v1/decisions", DECIDES, &reject.to_string()).await.status, 200);
    let since = read(&laboratory, &document, "/api/v1/downtime/{id}", "/api/v1/downtime/1").await;
    assert_eq!((&since["by"], since["lines"].as_array().unwrap().len()), (&json!(ACCOUNT), 2), "{since}");
    assert_eq!(since["lines"][0]["became"][0], "rejected: tell whoever worked by the list", "{since}");
    let nowhere = laboratory.fetch("/api/v1/downtime/2").await;
    assert_eq!(nowhere.status, 404);
    judge(&document, "/api/v1/downtime/{id}", "get", &nowhere);
    assert!(laboratory.fetch("/downtime").await.body.contains("by middleware by token"));
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_read_who_asked_for_orders_in_vain() {
    let (mut laboratory, document) = laboratory("", &[]).await;
    laboratory
        .send_message("H|\\^&|||3600001||||||||LIS2-A|20260105111500\rQ|1|^24-000099||ALL||||||||O\rL|1|N\r")
        .await;
    laboratory.until("/waiting/unanswered_queries", 1).await;
    let orders = read(&laboratory, &document, "/api/v1/orders", "/api/v1/orders").await;
    assert_eq!(orders["is_told"], false, "{orders}");
    assert_eq!(
        (&orders["queries"][0]["instrument"], &orders["queries"][0]["specimens"]),
        (&json!("vitros"), &json!(["24-000099"])),
        "{orders}"
    );
    laboratory.close().await;
}
