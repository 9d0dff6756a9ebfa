//! The page's data for programs: as docs/openapi.json says, the same as on the page, and decisions within a token's role.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::laboratory::{Answer, Laboratory, SCRIPT, SCRIPT_IN_ADDRESS};

const READS: &str = "viewer-0123456789abcdef0123456789abcdef";
const DECIDES: &str = "technician-0123456789abcdef0123456789ab";
const SETTINGS: &str = "[[page.tokens]]\nname = \"archive\"\nrole = \"viewer\"\ntoken_file = \"viewer.token\"\n\
    [[page.tokens]]\nname = \"autoverifier\"\nrole = \"technician\"\ntoken_file = \"technician.token\"\n";

async fn laboratory() -> Laboratory {
    let files = [("viewer.token", READS.as_bytes()), ("technician.token", DECIDES.as_bytes())];
    let laboratory = Laboratory::open_with("127.0.0.1", SETTINGS, &files).await;
    laboratory.lims_does(labsim::lims::Mode::Refuse(vec!["002".to_owned()]));
    laboratory.send("24-000007", &[("001", "4.80"), ("002", "5.10")]).await;
    laboratory.send(SCRIPT, &[("001", "<img src=x onerror=alert(2)>\x07")]).await;
    laboratory.until("/waiting/held", 1).await;
    laboratory.until("/waiting/dead_letters", 1).await;
    laboratory
}

async fn decide(laboratory: &Laboratory, token: &str, body: &str) -> Answer {
    post_json(laboratory, "/api/v1/decisions", token, body).await
}

pub(crate) async fn post_json(laboratory: &Laboratory, path: &str, token: &str, body: &str) -> Answer {
    let (host, length) = (laboratory.page, body.len());
    laboratory
        .request(format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ))
        .await
}

/// Checks an answer against what the document says of this path, method and status.
pub(crate) fn judge(document: &Value, path: &str, method: &str, answer: &Answer) -> Value {
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    let of_status = &document["paths"][path][method]["responses"][answer.status.to_string()];
    let schema = &of_status["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{path} says nothing of {}", answer.status);
    let schema = json!({ "allOf": [schema], "components": document["components"] });
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&body).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0], "{path}: {body}");
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_as_the_document_says_and_as_the_page_shows() {
    let mut laboratory = laboratory().await;
    let document: Value = serde_json::from_str(&laboratory.fetch("/api/v1/openapi.json").await.body).unwrap();
    let problems = laboratory.status().await.pointer("/waiting/open_problems").unwrap().as_u64().unwrap();
    let problems = usize::try_from(problems).unwrap();
    assert!(problems > 0);
    let elsewhere = ["/api/v1/decisions", "/api/v1/resend", "/api/v1/misread", "/api/v1/reevaluations"]
        .into_iter()
        .chain(["/api/v1/held/{id}", "/api/v1/calls/{id}", "/api/v1/downtime/{id}"]);
    let mut asked: BTreeSet<String> = elsewhere.map(str::to_owned).collect();
    for (path, query, total) in [
        ("/api/v1/openapi.json", "", None),
        ("/api/v1/status", "", None),
        ("/api/v1/held", "", Some(1)),
        ("/api/v1/problems", "", Some(problems)),
        ("/api/v1/dead-letters", "", Some(1)),
        ("/api/v1/calls", "", Some(0)),
        ("/api/v1/alarms", "", None),
        ("/api/v1/orders", "", None),
        ("/api/v1/downtime", "", None),
        ("/api/v1/specimen", "?id=24-000007", None),
        ("/api/v1/qc", "", None),
        ("/api/v1/reconciliation", "", None),
        ("/api/v1/reconciliation", "?day=2024-03-01", None),
        ("/api/v1/signatures", "?day=2024-03-01", None),
    ] {
        asked.insert(path.to_owned());
        let answer = laboratory.fetch(&format!("{path}{query}")).await;
        assert_eq!(answer.status, 200, "{path}");
        let body = judge(&document, path, "get", &answer);
        if let Some(total) = total {
            assert_eq!(body["total"], total, "{path}: {body}");
            assert_eq!(body["items"].as_array().unwrap().len(), total, "{path}");
        }
    }
    let described: BTreeSet<String> = document["paths"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(asked, described, "every path of the document was asked for");
    let way = laboratory.fetch(&format!("/api/v1/specimen?id={SCRIPT_IN_ADDRESS}")).await;
    let way = judge(&document, "/api/v1/specimen", "get", &way);
    assert_eq!(way["id"], SCRIPT);
    assert!(way["now"].as_array().unwrap().iter().any(|it| it["state"] == "held"), "{way}");
    for (query, status) in [("", 400), (&format!("?id={}", "9".repeat(201)), 404)] {
        let answer = laboratory.fetch(&format!("/api/v1/specimen{query}")).await;
        assert_eq!(answer.status, status);
        judge(&document, "/api/v1/specimen", "get", &answer);
    }
    let day = laboratory.fetch("/api/v1/reconciliation?day=tomorrowish").await;
    assert_eq!(day.status, 404);
    judge(&document, "/api/v1/reconciliation", "get", &day);
    // What must be caught is.
    let mut wrong = laboratory.fetch("/api/v1/held").await;
    wrong.body = wrong.body.replace("\"may_leave\":true", "\"may_leave\":1");
    assert!(std::panic::catch_unwind(|| judge(&document, "/api/v1/held", "get", &wrong)).is_err());
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_decides_within_its_role_and_the_audit_names_it() {
    let mut laboratory = laboratory().await;
    let document: Value = serde_json::from_str(&laboratory.fetch("/api/v1/openapi.json").await.body).unwrap();
    let held: Value = serde_json::from_str(&laboratory.fetch("/api/v1/held").await.body).unwrap();
    let id = held["items"][0]["id"].as_i64().unwrap();
    let seen = &held["items"][0]["seen"];
    let release =
        json!({ "decision": "release", "id": id, "reason": "curve seen", "seen": seen }).to_string();
    let unseen = json!({ "decision": "release", "id": id, "reason": "curve seen" }).to_string();
    let stale =
        json!({ "decision": "release", "id": id, "reason": "curve seen", "seen": "other" }).to_string();
    assert_eq!(decide(&laboratory, "nobody", &release).await.status, 401);
    assert_eq!(laboratory.post("/api/v1/decisions", "", "decision=release").await.status, 401);
    for (token, body, status) in [
        (READS, release.as_str(), 403),
        (DECIDES, &json!({ "decision": "give-up", "id": 1, "reason": "a" }).to_string(), 403),
        (DECIDES, &json!({ "decision": "release", "id": id, "reason": " " }).to_string(), 400),
        (DECIDES, &json!({ "decision": "shred", "id": id, "reason": "a" }).to_string(), 400),
        (DECIDES, "{", 400),
        (DECIDES, &json!({ "decision": "release", "id": 999, "reason": "a", "seen": seen }).to_string(), 409),
        (DECIDES, &unseen, 400),
        (DECIDES, &stale, 409),
        (DECIDES, &release, 200),
        (DECIDES, &release, 409),
    ] {
        let answer = decide(&laboratory, token, body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
        judge(&document, "/api/v1/decisions", "post", &answer);
    }
    let journal = laboratory.journal();
    laboratory.close().await;
    let journal = rusqlite::Connection::open(journal).unwrap();
    let actor: String =
        journal.query_row("SELECT actor FROM audit WHERE step = 'released'", [], |row| row.get(0)).unwrap();
    assert_eq!(actor, "autoverifier by token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_signs_a_day_off_as_it_was_looked_at_and_the_page_says_so() {
    let mut laboratory = laboratory().await;
    let document: Value = serde_json::from_str(&laboratory.fetch("/api/v1/openapi.json").await.body).unwrap();
    let path = "/api/v1/signatures";
    let day = laboratory.fetch(path).await;
    let day = judge(&document, path, "get", &day);
    assert_eq!((&day["open"], &day["signatures"]), (&json!(4), &json!([])), "{day}");
    let form = |fingerprint: &str, reason: &str| {
        json!({ "day": day["day"], "fingerprint": fingerprint, "reason": reason }).to_string()
    };
    let seen = day["fingerprint"].as_str().unwrap();
    for (token, body, status) in [
        ("", form(seen, "seen to tomorrow"), 401),
        (READS, form(seen, "seen to tomorrow"), 403),
        (DECIDES, form(seen, " "), 409),
        (DECIDES, form("0", "seen to tomorrow"), 409),
        (DECIDES, form(seen, &"x".repeat(501)), 409),
        (DECIDES, "{}".to_owned(), 400),
        (DECIDES, form(seen, "seen to tomorrow").replace(day["day"].as_str().unwrap(), "2024-03-01"), 409),
    ] {
        let answer = post_json(&laboratory, path, token, &body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
        if status != 401 {
            judge(&document, path, "post", &answer);
        }
    }
    let signed = post_json(&laboratory, path, DECIDES, &form(seen, "seen to tomorrow")).await;
    assert_eq!(judge(&document, path, "post", &signed)["by"], "autoverifier by token", "{}", signed.body);
    let day = laboratory.fetch(path).await;
    let day = judge(&document, path, "get", &day);
    let is_so = |what: &str| &day["signatures"][0][what];
    assert_eq!(
        (is_so("by"), is_so("open"), is_so("is_as_signed")),
        (&json!("autoverifier by token"), &json!(4), &json!(true)),
        "{day}"
    );
    laboratory.close().await;
}
