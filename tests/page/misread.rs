//! A misread specimen number on the page: looking moves nothing, both tubes are seen before anybody decides, and who may not
//! decide moves nothing.

use super::laboratory::Laboratory;
use super::over_http::between;

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
    let guard = between(&both, "name=\"guard\" value=\"", "\"").to_owned();

    let form = format!("guard={guard}&to=24-000555&result=1&result=2&reason=rack+7+was+loaded+twice");
    let done = laboratory.post("/misread", &cookie, &form).await;
    assert_eq!(done.status, 200, "{}", done.body);
    assert!(done.body.contains("Moved to 24-000555: 2."), "{}", done.body);
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
