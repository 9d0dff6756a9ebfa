//! What a supervisor says of controls on the page, and what a program may: a run is accepted all the same, or a result is taken
//! out, once, by a name and with a reason, and the audit tells what it changed.

use labwire::config::settings::Language;
use serde_json::json;

use super::api::{judge, post_json};
use super::laboratory::Laboratory;
use super::over_http::between;

const SUPERVISES: &str = "supervisor-0123456789abcdef0123456789ab";
const DECIDES: &str = "technician-0123456789abcdef0123456789ab";
const SETTINGS: &str = "[[page.tokens]]\nname = \"middleware\"\nrole = \"supervisor\"\ntoken_file = \"supervisor.token\"\n\
    [[page.tokens]]\nname = \"autoverifier\"\nrole = \"technician\"\ntoken_file = \"technician.token\"\n[qc]\n";

/// A control of which the laboratory knows what it should give.
pub(crate) const LOT: &str = "[[lot]]\nlot = \"26701\"\nmaterial = \"Immunoassay control\"\n\
    [[lot.level]]\nlevel = \"1\"\nspecimens = [\"CONTROL-1\"]\nunmarked = true\n\
    [[lot.level.target]]\ntest = \"001\"\nunit = \"mIU/L\"\nmean = \"5.00\"\nsd = \"0.10\"\nfrom = \"2026-01-01\"\n\
    to = \"2026-12-31\"\nsource = \"an invented assay sheet\"\n";

/// With a run that is rejected.
async fn laboratory() -> Laboratory {
    let files = [
        ("qc.d/immuno.toml", LOT.as_bytes()),
        ("supervisor.token", SUPERVISES.as_bytes()),
        ("technician.token", DECIDES.as_bytes()),
    ];
    let laboratory = Laboratory::start("127.0.0.1", SETTINGS, &files, Language::English).await;
    laboratory.send("CONTROL-1", &[("001", "5.50")]).await;
    laboratory.until("/waiting/open_problems", 1).await;
    laboratory
}

/// What the audit has of a step: who, of what, and what was said.
async fn audited(mut laboratory: Laboratory, step: &str) -> Vec<(String, String, String)> {
    let journal = laboratory.journal();
    laboratory.close().await;
    let journal = rusqlite::Connection::open(journal).unwrap();
    let mut statement =
        journal.prepare("SELECT actor, subject, detail FROM audit WHERE step = ? ORDER BY id").unwrap();
    let rows = statement.query_map([step], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn told(row: (&str, &str, &str)) -> (String, String, String) {
    (row.0.to_owned(), row.1.to_owned(), row.2.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_accepts_a_rejected_run_once_and_the_audit_says_what_that_changed() {
    let laboratory = laboratory().await;
    let anna = laboratory.signed_in("anna", "supervisor").await;
    let bert = laboratory.signed_in("bert", "technician").await;
    let page = laboratory.fetch_as(&anna, "/qc").await.body;
    assert!(page.contains("<option value=\"accept:1\">Accept run 1 all the same: 001 on vitros, rejected"));
    assert!(page.contains("<button disabled>"), "a scanner's Enter presses nothing");
    let of_the_test = laboratory.fetch_as(&anna, "/qc?instrument=vitros&code=001").await.body;
    assert!(of_the_test.contains("<option value=\"exclude:1\">Take out 5.50 mIU/L"), "{of_the_test}");
    let looks = laboratory.fetch_as(&bert, "/qc").await.body;
    assert!(!looks.contains("action=\"/qc\""), "a technician only looks");
    let guard = |body: &str| between(body, "name=\"guard\" value=\"", "\"").to_owned();
    let of_bert = guard(&laboratory.fetch_as(&bert, "/sign-in").await.body);
    let guard = guard(&page);
    let form = |guard: &str, said: &str, reason: &str| format!("guard={guard}&said={said}&reason={reason}");
    for (cookie, form, status) in [
        ("", form(&guard, "accept%3A1", "seen"), 303),
        (bert.as_str(), form(&of_bert, "accept%3A1", "seen"), 403),
        (&anna, form(&of_bert, "accept%3A1", "seen"), 403),
        (&anna, form(&guard, "accept%3A1", "+"), 409),
        (&anna, form(&guard, "accept%3A9", "seen"), 409),
        (&anna, form(&guard, "erase%3A1", "seen"), 404),
        (&anna, form(&guard, "accept%3Ax", "seen"), 404),
    ] {
        assert_eq!(laboratory.post("/qc", cookie, &form).await.status, status, "{cookie} {form}");
    }
    assert!(laboratory.fetch("/qc").await.body.contains("rejected"), "nothing was said yet");
    let whole = form(&guard, "accept%3A1", "new+lot+of+reagent");
    let done = laboratory.post("/qc", &anna, &whole).await;
    assert_eq!(done.status, 200, "{}", done.body);
    assert!(done.body.contains("Accepted: run 1."), "{}", done.body);
    assert_eq!(laboratory.post("/qc", &anna, &whole).await.status, 409, "nothing is said twice");
    assert!(!laboratory.fetch_as(&anna, "/qc").await.body.contains("accept:1"), "it is no longer open");
    let detail = "ANNA Example: new lot of reagent (was rejected, counts as accepted)";
    let expected = told(("anna on the page", "run 1", detail));
    assert_eq!(audited(laboratory, "control run accepted").await, [expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_s_token_takes_a_control_result_out_and_reads_how_each_test_stands() {
    let laboratory = laboratory().await;
    let document = serde_json::from_str(&laboratory.fetch("/api/v1/openapi.json").await.body).unwrap();
    let of_controls =
        || async { judge(&document, "/api/v1/qc", "get", &laboratory.fetch("/api/v1/qc").await) };
    let before = of_controls().await;
    assert_eq!(before["items"][0]["state"], "rejected", "{before}");
    assert_eq!(before["items"][0]["open"][0]["id"], 1, "{before}");
    let wish =
        |say: &str, id: i64, reason: &str| json!({ "say": say, "id": id, "reason": reason }).to_string();
    let whole = wish("exclude", 1, "an air bubble");
    assert_eq!(post_json(&laboratory, "/api/v1/qc", "nobody", &whole).await.status, 401);
    for (token, body, status) in [
        (DECIDES, whole.as_str(), 403),
        (SUPERVISES, &wish("exclude", 1, " "), 400),
        (SUPERVISES, &wish("erase", 1, "a"), 400),
        (SUPERVISES, "{", 400),
        (SUPERVISES, &wish("exclude", 9, "a"), 409),
        (SUPERVISES, &whole, 200),
        (SUPERVISES, &whole, 409),
    ] {
        let answer = post_json(&laboratory, "/api/v1/qc", token, body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
        judge(&document, "/api/v1/qc", "post", &answer);
    }
    assert_ne!(of_controls().await["items"][0]["state"], "rejected");
    let detail = "middleware: an air bubble (run 1 was rejected, now void)";
    let expected = told(("middleware by token", "observation 1", detail));
    assert_eq!(audited(laboratory, "control result excluded").await, [expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn problems_of_a_day_are_ticked_as_seen_to_where_the_day_is_shown() {
    let laboratory = laboratory().await;
    let anna = laboratory.signed_in("anna", "technician").await;
    let bert = laboratory.signed_in("bert", "viewer").await;
    let page = laboratory.fetch_as(&anna, "/reconciliation").await.body;
    let problem = laboratory.open_problem();
    assert!(page.contains(&format!("form=\"seen\" name=\"problem\" value=\"{problem}\"")), "{page}");
    assert!(page.contains(&format!("href=\"/problem/{problem}\"")), "its line leads to it: {page}");
    let guard = |body: &str| between(body, "name=\"guard\" value=\"", "\"").to_owned();
    let looks = laboratory.fetch_as(&bert, "/reconciliation").await.body;
    assert!(!looks.contains("name=\"problem\""), "who only looks ticks nothing");
    let of_bert = guard(&laboratory.fetch_as(&bert, "/sign-in").await.body);
    let guard = guard(&page);
    let whole = format!("guard={guard}&day=2026-01-05&problem={problem}&reason=measured+again");
    for (cookie, form, status) in [
        ("", whole.clone(), 303),
        (bert.as_str(), whole.replace(&guard, &of_bert), 403),
        (&anna, whole.replace("measured+again", "+"), 409),
        (&anna, format!("guard={guard}&reason=seen"), 409),
        (&anna, whole.replace(&format!("problem={problem}"), "problem=999"), 409),
    ] {
        assert_eq!(laboratory.post("/reconciliation", cookie, &form).await.status, status, "{cookie} {form}");
    }
    laboratory.until("/waiting/open_problems", 1).await;
    let done = laboratory.post("/reconciliation", &anna, &whole).await;
    assert_eq!(done.status, 200, "{}", done.body);
    assert!(done.body.contains("Seen to: 1 problem."), "{}", done.body);
    laboratory.until("/waiting/open_problems", 0).await;
    let again = laboratory.post("/reconciliation", &anna, &whole).await;
    assert_eq!(again.status, 409, "nothing is decided twice");
    // Where one is refused, what was recorded before it stays so, and the page says it.
    laboratory.send("24-000020", &[("nonsense", "1")]).await;
    laboratory.until("/waiting/open_problems", 2).await;
    let (last, first) = (laboratory.open_problem(), laboratory.open_problem() - 1);
    let three =
        format!("guard={guard}&day=2026-01-05&problem={first}&problem={last}&problem=999&reason=seen");
    let stopped = laboratory.post("/reconciliation", &anna, &three).await;
    assert_eq!(stopped.status, 409);
    let says = "2 problems were recorded as seen to, and then problem 999 was not:";
    assert!(stopped.body.contains(says), "{}", stopped.body);
    laboratory.until("/waiting/open_problems", 0).await;
}
