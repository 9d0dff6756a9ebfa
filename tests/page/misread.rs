//! A misread specimen number on the page: looking moves nothing, both tubes are seen before anybody decides, and who may not
//! decide moves nothing.

use serde_json::{Value, json};

use super::api::{judge, post_json};
use super::laboratory::Laboratory;
use super::over_http::between;

const LOOKS: &str = "viewer-0123456789abcdef0123456789abcdef";
const DECIDES: &str = "technician-0123456789abcdef0123456789ab";
const SETTINGS: &str = "[[page.tokens]]\nname = \"archive\"\nrole = \"viewer\"\ntoken_file = \"viewer.token\"\n\
    [[page.tokens]]\nname = \"middleware\"\nrole = \"technician\"\ntoken_file = \"technician.token\"\n";
const BOTH: &str = "/misread?id=24-000007&to=24-000555&result=1&result=2";

/// How many results were moved, and what the audit says of the last.
async fn moved(mut laboratory: Laboratory) -> (i64, Option<(String, String)>) {
    let journal = laboratory.journal();
    laboratory.close().await;
    let journal = rusqlite::Connection::open(journal).unwrap();
    let count = journal.query_row("SELECT count(*) FROM reassignment", [], |row| row.get(0)).unwrap();
    let said = journal
        .query_row(
            "SELECT actor, detail FROM audit WHERE step = 'specimen reassigned' ORDER BY id DESC LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .ok();
    (count, said)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_technician_sees_both_tubes_and_moves_what_was_misread() {
    let laboratory = Laboratory::with_results().await;
    let cookie = laboratory.signed_in("anna", "technician").await;
    assert!(laboratory.fetch("/specimen?id=24-000007").await.body.contains("/misread?id=24-000007"));
    let first = laboratory.fetch_as(&cookie, "/misread?id=24-000007").await.body;
    assert!(first.contains("name=\"result\" value=\"1\"") && first.contains("name=\"to\""), "{first}");
    assert!(
        !first.contains("method=\"post\" action=\"/misread\""),
        "nothing is decided before both are seen"
    );
    let both = laboratory.fetch_as(&cookie, BOTH).await.body;
    assert!(both.contains(">24-000007</a>") && both.contains(">24-000555</a>"), "{both}");
    assert!(both.contains("It has no results yet.") && both.contains("Move to 24-000555"), "{both}");
    assert!(both.contains("<button disabled>"), "a scanner's Enter presses nothing");
    assert!(
        both.contains("Whether both are one patient&#39;s isn&#39;t told."),
        "nobody named a patient: {both}"
    );
    for (query, why) in [
        ("&to=24-000555", "No result was ticked."),
        ("&to=24-000007&result=1", "This is the number that they have."),
        ("&result=1", "Scan the right tube, or type its number."),
    ] {
        let page = laboratory.fetch_as(&cookie, &format!("/misread?id=24-000007{query}")).await.body;
        assert!(
            page.contains(why) && !page.contains("method=\"post\" action=\"/misread\""),
            "{query}: {page}"
        );
    }
    assert!(!first.contains("<p class=\"complaint\" role"), "nothing was asked yet");
    let guard = between(&both, "name=\"guard\" value=\"", "\"").to_owned();

    let form = format!("guard={guard}&to=24-000555&result=1&result=2&reason=rack+7+was+loaded+twice");
    let done = laboratory.post("/misread", &cookie, &form).await;
    assert_eq!(done.status, 200, "{}", done.body);
    assert!(done.body.contains("Moved to 24-000555: 2."), "{}", done.body);
    assert!(done.body.contains("href=\"/specimen?id=24-000555\""), "{}", done.body);
    let again = laboratory.post("/misread", &cookie, &form).await;
    assert_eq!(again.status, 409, "nothing moves twice");
    let mut patience = 200;
    loop {
        let there = laboratory.fetch_as(&cookie, "/misread?id=24-000555").await;
        if there.status == 200 && there.body.matches("name=\"result\"").count() == 2 {
            break;
        }
        patience -= 1;
        assert!(patience > 0, "both are judged under the right number: {}", there.body);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }

    let here = laboratory.fetch_as(&cookie, "/misread?id=24-000007").await;
    assert_eq!(here.status, 200, "nothing is left under the misread number, and that is no dead end");
    assert!(here.body.contains("were moved to another specimen already"), "{}", here.body);
    assert!(here.body.contains("href=\"/specimen?id=24-000555\""), "{}", here.body);

    let (count, said) = moved(laboratory).await;
    let (actor, detail) = said.unwrap();
    assert_eq!((count, actor.as_str()), (2, "anna on the page"));
    assert!(detail.contains("rack 7 was loaded twice"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_moves_a_result_without_a_session_a_role_a_reason_and_another_specimen() {
    let laboratory = Laboratory::with_results().await;
    let anna = laboratory.signed_in("anna", "technician").await;
    let bert = laboratory.signed_in("bert", "viewer").await;
    let of = |body: &str| between(body, "name=\"guard\" value=\"", "\"").to_owned();
    let guard = of(&laboratory.fetch_as(&anna, "/sign-in").await.body);
    let of_bert = of(&laboratory.fetch_as(&bert, "/sign-in").await.body);
    let form = |guard: &str, to: &str, result: &str, reason: &str| {
        format!("guard={guard}&to={to}&result={result}&reason={reason}")
    };
    for (cookie, form, status) in [
        ("", form(&guard, "24-000555", "1", "seen"), 303),
        (anna.as_str(), form(&of_bert, "24-000555", "1", "seen"), 403),
        (&bert, form(&of_bert, "24-000555", "1", "seen"), 403),
        (&anna, form(&guard, "24-000555", "1", "+"), 409),
        (&anna, form(&guard, "24-000007", "1", "seen"), 409),
        (&anna, form(&guard, "+", "1", "seen"), 409),
        (&anna, form(&guard, "24-000555", "999", "seen"), 409),
        (&anna, form(&guard, "24-000555", "x", "seen"), 409),
    ] {
        let answer = laboratory.post("/misread", cookie, &form).await;
        assert_eq!(answer.status, status, "{cookie} {form}");
    }
    for (path, status) in [("/misread", 404), ("/misread?id=nothing", 404), (BOTH, 200)] {
        assert_eq!(laboratory.fetch_as(&anna, path).await.status, status, "{path}");
    }
    let looks = laboratory.fetch_as(&bert, BOTH).await.body;
    assert!(looks.contains("Your role looks") && !looks.contains("action=\"/misread\""), "{looks}");
    assert_eq!(moved(laboratory).await, (0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_read_is_not_offered_to_be_moved() {
    let mut laboratory = Laboratory::open().await;
    let of_an_unknown_test = of_patient("24-000007", "").replace("1.0000+001+1.0", "TSH");
    laboratory.send_message(&of_an_unknown_test).await;
    laboratory.until("/waiting/open_problems", 1).await;
    let page = laboratory.fetch("/specimen?id=24-000007").await.body;
    assert!(page.contains("Its result could not be used"), "{page}");
    assert!(!page.contains("/misread"), "{page}");
    laboratory.close().await;
}

/// A message of one result, with what the analyzer says of the patient.
fn of_patient(specimen: &str, patient: &str) -> String {
    format!(
        "H|\\^&|||3600001||||||||LIS2-A|20260105111500\rP|1|{patient}\rO|1|{specimen}^1^3||^^^1.0000+001+1.0|R||||||N||||5||||||||||F\r\
         R|1|^^^1.0000+001+1.0|4.80|mIU/L||^0^||V|||20260105104000|20260105111001|36000001\rL|1|N\r"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn two_patients_are_told_apart_before_anything_moves() {
    let mut laboratory = Laboratory::open().await;
    laboratory.send_message(&of_patient("24-000007", "P1|||Doe^Jane||19700101|F")).await;
    laboratory.send_message(&of_patient("24-000008", "P2|||Roe^Jane||19700101|F")).await;
    laboratory.send_message(&of_patient("24-000009", "P1|||Doe^Jane||19700101|F")).await;
    laboratory.until("/destinations/lims/results/accepted", 3).await;
    let looked = async |to: &str| {
        let query = format!("?id=24-000007&to={to}&result=1");
        let page = laboratory.fetch(&format!("/misread{query}")).await.body;
        let json = laboratory.fetch(&format!("/api/v1/misread{query}")).await.body;
        (page, serde_json::from_str::<Value>(&json).unwrap())
    };
    let (page, json) = looked("24-000008").await;
    assert!(page.contains("<div class=\"lead danger\""), "{page}");
    assert!(
        page.contains("These are two patients, as far as is told: different name, number of the patient."),
        "{page}"
    );
    assert_eq!(json["differs"], json!(["name", "number of the patient"]), "{json}");
    let (page, json) = looked("24-000009").await;
    assert!(page.contains("What is told of both patients is the same."), "{page}");
    assert_eq!(json["differs"], json!([]), "{json}");
    assert_eq!(looked("24-000555").await.1["differs"], Value::Null, "nothing is told of it");
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_see_both_tubes_and_a_technicians_token_moves_results() {
    let files = [("viewer.token", LOOKS.as_bytes()), ("technician.token", DECIDES.as_bytes())];
    let laboratory = Laboratory::open_with("127.0.0.1", SETTINGS, &files).await;
    laboratory.send_results().await;
    let document: Value = serde_json::from_str(&laboratory.fetch("/api/v1/openapi.json").await.body).unwrap();
    let path = "/api/v1/misread";
    for (query, status) in [("", 400), ("?id=nothing", 404), ("?id=24-000007", 200)] {
        let answer = laboratory.fetch(&format!("{path}{query}")).await;
        assert_eq!(answer.status, status, "{query}");
        judge(&document, path, "get", &answer);
    }
    let both = laboratory.fetch(&BOTH.replace("/misread", path)).await;
    let both = judge(&document, path, "get", &both);
    assert_eq!(
        (&both["there"]["specimen"], &both["here"]["results"][1]["is_chosen"]),
        (&json!("24-000555"), &json!(true))
    );
    let whole = json!({ "to": "24-000555", "results": [1, 2], "reason": "rack 7 was loaded twice" });
    assert_eq!(post_json(&laboratory, path, "nobody", &whole.to_string()).await.status, 401);
    for (token, body, status) in [
        (LOOKS, &whole, 403),
        (DECIDES, &json!({ "to": "24-000555" }), 400),
        (DECIDES, &json!({ "to": "24-000555", "results": [1], "reason": " " }), 400),
        (DECIDES, &json!({ "to": "24-000555", "results": [999], "reason": "seen" }), 409),
        (DECIDES, &whole, 200),
        (DECIDES, &whole, 409),
    ] {
        let answer = post_json(&laboratory, path, token, &body.to_string()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
        judge(&document, path, "post", &answer);
    }
    let (count, said) = moved(laboratory).await;
    assert_eq!((count, said.unwrap().0.as_str()), (2, "middleware by token"));
}
