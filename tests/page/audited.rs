//! What people do on the page: each step is in the audit with who, when and why, a PIN brings somebody back after a pause, and
//! looking changes nothing.

use std::time::Duration;

use labsim::lims::Mode;
use labwire::status;

use super::accessible::views;
use super::laboratory::{Answer, Laboratory, PASSWORD};
use super::over_http::between;

fn guard(page: &str) -> String {
    between(page, "name=\"guard\" value=\"", "\"").to_owned()
}

/// The rows of the audit that some actor has: step, subject and detail.
pub(crate) fn audited(laboratory: &Laboratory, actor: &str) -> Vec<[String; 3]> {
    let journal = rusqlite::Connection::open(laboratory.journal()).unwrap();
    let sql = "SELECT step, subject, detail FROM audit WHERE actor = ? AND at > 0 ORDER BY id";
    let mut rows = journal.prepare(sql).unwrap();
    let rows = rows.query_map([actor], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?])).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_decision_on_the_page_is_in_the_audit_with_its_name_what_it_was_about_and_the_reason() {
    let mut laboratory = Laboratory::with_results().await;
    laboratory.lims_does(Mode::Refuse(vec!["001".to_owned()]));
    laboratory.send("24-000008", &[("001", "5.10")]).await;
    laboratory.until("/waiting/dead_letters", 1).await;
    let cookie = laboratory.signed_in("anna", "supervisor").await;
    let guard = guard(&laboratory.fetch_as(&cookie, "/held/3").await.body);
    let problem = laboratory.open_problem();
    let decisions = [
        ("dismiss", problem, format!("problem {problem}"), "was open, is seen to"),
        ("reread", 2, "message 2".to_owned(), "was read, is to be read"),
        ("retry", 2, "delivery 2".to_owned(), "was dead, is settled"),
        ("give-up", 3, "delivery 3".to_owned(), "was dead, is settled"),
        ("reject", 3, "observation 3".to_owned(), "was held: odd-value, is rejected"),
    ];
    for (decision, id, subject, change) in decisions {
        let reason = format!("why to {decision}");
        let form = format!("guard={guard}&decision={decision}:{id}&reason={}", reason.replace(' ', "+"));
        let done = laboratory.post("/decide", &cookie, &form).await;
        assert_eq!(done.status, 200, "{decision}: {}", done.body);
        let rows = audited(&laboratory, "anna on the page");
        let [_, about, detail] = rows.last().unwrap();
        assert_eq!((about, detail), (&subject, &format!("{reason} ({change})")), "{decision}");
        laboratory.until("/waiting/unread", 0).await;
        while decision == "retry" && laboratory.fetch("/delivery/3").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let letters = if ["give-up", "reject"].contains(&decision) { 0 } else { 1 };
        laboratory.until("/waiting/dead_letters", letters).await;
    }
    let before = audited(&laboratory, "anna on the page").len();
    let refused = format!("guard={guard}&decision=reject:3&reason=again");
    assert_eq!(laboratory.post("/decide", &cookie, &refused).await.status, 409);
    assert_eq!(audited(&laboratory, "anna on the page").len(), before, "what was refused isn't in it");
    laboratory.close().await;
}

/// What a page shows to somebody who is away, and to nobody else.
fn is_away(answer: &Answer) -> bool {
    answer.body.contains("You are away.") && !answer.body.contains("value=\"release:3\"")
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_pause_a_pin_or_a_badge_brings_somebody_back_and_until_then_nothing_is_decided() {
    // Hashing a PIN takes a moment on a busy machine, which is no pause.
    let pause = Duration::from_secs(6);
    let mut laboratory = Laboratory::start_as("127.0.0.1", "", &[], |page| page.away_after = pause).await;
    laboratory.send_results().await;
    let cookie = laboratory.signed_in("anna", "technician").await;
    let guard = guard(&laboratory.fetch_as(&cookie, "/sign-in").await.body);
    let short = laboratory.post("/pin", &cookie, &format!("guard={guard}&pin=471")).await;
    assert!(short.body.contains("4 characters at least"), "{}", short.body);
    assert_eq!(laboratory.post("/pin", &cookie, &format!("guard={guard}&pin=BADGE-0815")).await.status, 303);
    let release = format!("guard={guard}&decision=release:3&reason=seen");
    let back = |pin: &str| format!("guard={guard}&pin={pin}&next=%2Fheld%2F3");

    tokio::time::sleep(pause + Duration::from_millis(100)).await;
    assert!(is_away(&laboratory.fetch_as(&cookie, "/held/3").await));
    assert_eq!(laboratory.post("/decide", &cookie, &release).await.status, 303, "sign in first");
    laboratory.until("/waiting/held", 1).await;
    // What was typed waits for them at the place that it was sent from, and is put into no address.
    let other = laboratory.signed_in("bert", "technician").await;
    for elsewhere in ["%2F%2Fevil.example%2Fheld", "%2Fdecide", ""] {
        laboratory.post("/decide", &cookie, &format!("{release}&place={elsewhere}")).await;
        assert!(
            laboratory.fetch_as(&cookie, "/sign-in").await.body.contains("name=\"next\" value=\"/\""),
            "{elsewhere}"
        );
    }
    let typed = format!("guard={guard}&decision=release:3&reason=CANARY+curve&place=%2Fheld%2F3");
    let refused = laboratory.post("/decide", &cookie, &typed).await;
    assert!(refused.status == 303 && !refused.headers.contains("CANARY"), "{}", refused.headers);
    let signing_in = laboratory.fetch_as(&cookie, "/sign-in").await.body;
    assert!(
        signing_in.contains("name=\"next\" value=\"/held/3\"") && !signing_in.contains("CANARY"),
        "{signing_in}"
    );
    for who in [&cookie, &other] {
        assert!(
            !laboratory.fetch_as(who, "/held/3").await.body.contains("CANARY"),
            "shown to nobody but them"
        );
    }
    laboratory.until("/waiting/held", 1).await;
    let wrong = laboratory.post("/back", &cookie, &back("BADGE-0816")).await;
    assert!(wrong.body.contains("That is not it.") && !wrong.body.contains("BADGE-0816"), "{}", wrong.body);
    let right = laboratory.post("/back", &cookie, &back("BADGE-0815")).await;
    assert!(right.status == 303 && right.headers.contains("location: /held/3"), "{}", right.headers);
    assert!(!laboratory.fetch_as(&other, "/held/3").await.body.contains("CANARY"), "nor then");
    let there = laboratory.fetch_as(&cookie, "/held/3").await;
    assert!(
        !is_away(&there) && there.body.contains("CANARY curve") && there.body.contains("nothing was done")
    );
    assert!(!laboratory.fetch_as(&cookie, "/held/3").await.body.contains("CANARY"), "it is put back once");
    laboratory.until("/waiting/held", 1).await;

    tokio::time::sleep(pause + Duration::from_millis(100)).await;
    for _ in 0..5 {
        assert_eq!(laboratory.post("/back", &cookie, &back("BADGE-0816")).await.status, 403);
    }
    let ended = laboratory.post("/back", &cookie, &back("BADGE-0815")).await;
    assert!(ended.status == 303 && ended.headers.contains("location: /sign-in"), "{}", ended.headers);
    laboratory.until("/waiting/held", 1).await;
    let told = format!("{:?}", audited(&laboratory, "anna on the page"));
    assert!(told.contains("person anna") && !told.contains("BADGE"), "{told}");
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_else_signs_in_in_one_step_and_is_shown_nothing_of_whoever_was_there() {
    let pause = Duration::from_secs(6);
    let mut laboratory = Laboratory::start_as("127.0.0.1", "", &[], |page| page.away_after = pause).await;
    laboratory.send_results().await;
    let anna = laboratory.signed_in("anna", "technician").await;
    laboratory.signed_in("bert", "technician").await;
    let of_anna = guard(&laboratory.fetch_as(&anna, "/sign-in").await.body);
    let signed_in = async |cookie: &str, name: &str| {
        let form = format!("name={name}&password={PASSWORD}&next=%2Fheld%2F3");
        let answer = laboratory.post("/sign-in", cookie, &form).await;
        assert!(answer.headers.contains("location: /held/3"), "{}", answer.headers);
        format!("labwire={}", between(&answer.headers, "labwire=", ";"))
    };
    let wrong =
        laboratory.post("/sign-in", &anna, "name=bert&password=wrong+wrong+wrong&next=%2Fheld%2F3").await;
    assert!(wrong.status == 403 && wrong.body.contains("signs ANNA Example out"), "{}", wrong.body);
    assert!(laboratory.fetch_as(&anna, "/held/3").await.body.contains("value=\"release:3\""), "still there");

    tokio::time::sleep(pause + Duration::from_millis(100)).await;
    let typed = format!("guard={of_anna}&decision=release:3&reason=CANARY&place=%2Fheld%2F3");
    assert_eq!(laboratory.post("/decide", &anna, &typed).await.status, 303);
    let signing_in = laboratory.fetch_as(&anna, "/sign-in").await.body;
    assert!(
        signing_in.contains("You have no PIN") && signing_in.contains("action=\"/sign-in\""),
        "{signing_in}"
    );
    let again = signed_in(&anna, "anna").await;
    assert!(laboratory.fetch_as(&again, "/held/3").await.body.contains("CANARY"), "the same person goes on");

    let of_anna = guard(&laboratory.fetch_as(&again, "/sign-in").await.body);
    tokio::time::sleep(pause + Duration::from_millis(100)).await;
    let typed = format!("guard={of_anna}&decision=release:3&reason=CANARY&place=%2Fheld%2F3");
    assert_eq!(laboratory.post("/decide", &again, &typed).await.status, 303);
    let bert = signed_in(&again, "bert").await;
    let there = laboratory.fetch_as(&bert, "/held/3").await.body;
    assert!(there.contains("value=\"release:3\"") && !there.contains("CANARY"), "{there}");
    assert!(!laboratory.fetch_as(&again, "/held/3").await.body.contains("CANARY"), "anna is signed out");
    assert!(laboratory.fetch_as(&again, "/held/3").await.body.contains("Sign in to decide"));
    let steps: Vec<String> =
        audited(&laboratory, "anna on the page").into_iter().map(|[.., detail]| detail).collect();
    assert_eq!(steps.iter().filter(|step| *step == "signed out").count(), 2, "{steps:?}");
    laboratory.until("/waiting/held", 1).await;
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_changes_nothing_and_what_takes_forms_alone_shows_nothing() {
    let mut laboratory = Laboratory::with_results().await;
    let cookie = laboratory.signed_in("anna", "supervisor").await;
    let audit = || {
        let journal = rusqlite::Connection::open(laboratory.journal()).unwrap();
        let rows = journal.query_row("SELECT count(*) FROM audit", [], |row| row.get::<_, i64>(0));
        rows.unwrap()
    };
    let before = audit();
    for (path, _) in views(&laboratory) {
        let fields = "guard=x&decision=release%3A3&what=attempt&problem=1&reason=seen";
        let joined = if path.contains('?') { "&" } else { "?" };
        laboratory.fetch_as(&cookie, &format!("{path}{joined}{fields}")).await;
    }
    let mut walked = 0;
    for path in status::forms() {
        assert_eq!(laboratory.fetch_as(&cookie, path).await.status, 405, "{path}");
        walked += 1;
    }
    assert!(walked >= 5, "{walked} addresses");
    assert_eq!(audit(), before);
    laboratory.until("/waiting/held", 1).await;
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_nobody_answered_with_orders_stands_on_the_bench() {
    let mut laboratory = Laboratory::open().await;
    assert!(!laboratory.fetch("/").await.body.contains("Host queries without orders"));
    laboratory
        .send_message("H|\\^&|||3600001||||||||LIS2-A|20260105111500\rQ|1|^24-000099||ALL||||||||O\rL|1|N\r")
        .await;
    laboratory.until("/waiting/unanswered_queries", 1).await;
    let bench = laboratory.fetch("/").await.body;
    let queries = between(&bench, "<h2 id=\"queries\">", "</section>");
    assert!(queries.contains("/specimen?id=24-000099") && queries.contains("vitros"), "{queries}");
    laboratory.close().await;
}
