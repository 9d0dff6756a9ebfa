//! What people work by while the LIMS is down: the list by ward, a list that is kept, and what differs afterwards; and the
//! card of an analyzer whose link is broken.

use labsim::lims::Mode;

use super::browser::Browser;
use super::laboratory::Laboratory;
use super::over_http::between;

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_list_says_after_the_downtime_what_differs() {
    let mut laboratory = Laboratory::open().await;
    let cookie = laboratory.signed_in("anna", "technician").await;
    let viewer = laboratory.signed_in("bert", "viewer").await;
    let empty = laboratory.fetch_as(&cookie, "/downtime").await.body;
    assert!(empty.contains("The LIMS has every patient"), "{empty}");
    let guard = between(&empty, "name=\"guard\" value=\"", "\"").to_owned();
    let keep = format!("guard={guard}");
    assert_eq!(laboratory.post("/downtime", &cookie, &keep).await.status, 409, "nothing to keep");

    laboratory.lims_does(Mode::Refuse(vec!["001".to_owned()]));
    laboratory.send("24-000008", &[("001", "5.10")]).await;
    laboratory.send("24-000009", &[("001", "<img src=x onerror=alert(2)>\x07")]).await;
    laboratory.until("/waiting/dead_letters", 1).await;
    laboratory.until("/waiting/held", 1).await;
    let list = laboratory.fetch("/downtime").await.body;
    for shown in [
        "UNVERIFIED – NOT A REPORT",
        "<h1>2 results aren",
        "No ward is known",
        "24-000008",
        "5.10 mIU/L",
        "refused by lims",
        "before somebody has looked at it",
        "Sign in to decide",
    ] {
        assert!(list.contains(shown), "{shown}: {list}");
    }
    assert_eq!(laboratory.post("/downtime", "", &keep).await.status, 303, "signing in comes first");
    assert_eq!(laboratory.post("/downtime", &viewer, &keep).await.status, 403);
    let kept = laboratory.post("/downtime", &cookie, &keep).await;
    assert_eq!(kept.status, 303);
    assert!(kept.headers.contains("location: /downtime/1"), "{}", kept.headers);

    let form = format!("guard={guard}&decision=reject%3A2&reason=clotted");
    assert_eq!(laboratory.post("/decide", &cookie, &form).await.status, 200);
    let since = laboratory.fetch("/downtime/1").await.body;
    assert!(since.contains("<p>1 differs from the list · 1 refused</p>"), "{since}");
    assert!(since.contains("rejected: tell whoever worked by the list"), "{since}");
    assert!(since.contains("<a href=\"/downtime\">the list for a downtime</a>"), "{since}");
    assert!(laboratory.fetch("/downtime").await.body.contains("by anna on the page"));
    assert_eq!(laboratory.fetch("/downtime/2").await.status, 404);
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analyzer_that_doesn_t_connect_has_a_card_and_one_that_sends_has_none() {
    let mut laboratory = Laboratory::open().await;
    let waited_for = laboratory.fetch("/analyzer/vitros").await.body;
    for shown in [
        "What to do",
        "Nobody is connected at",
        "When to go to paper",
        "After 30 minutes",
        "&#60;b&#62;immuno",
    ] {
        assert!(waited_for.contains(shown), "{shown}: {waited_for}");
    }
    laboratory.send("24-000007", &[("001", "4.80")]).await;
    laboratory.until("/intake/new", 1).await;
    let after = laboratory.fetch("/analyzer/vitros").await.body;
    assert!(after.contains("1 result in the last 24 hours, most in the hour from"), "{after}");
    assert!(laboratory.fetch("/").await.body.contains("<a href=\"/analyzer/vitros\">vitros</a>"));
    assert_eq!(laboratory.fetch("/analyzer/nobody").await.status, 404);
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_kept_list_begins_on_the_first_sheet_below_the_word_that_it_is_no_report() {
    let mut laboratory = Laboratory::open().await;
    let cookie = laboratory.signed_in("anna", "technician").await;
    laboratory.lims_does(Mode::Refuse(vec!["001".to_owned()]));
    laboratory.send("24-000008", &[("001", "5.10")]).await;
    laboratory.until("/waiting/dead_letters", 1).await;
    let list = laboratory.fetch_as(&cookie, "/downtime").await.body;
    let keep = format!("guard={}", between(&list, "name=\"guard\" value=\"", "\""));
    assert_eq!(laboratory.post("/downtime", &cookie, &keep).await.status, 303);
    let mut seen = Browser::open(&format!("http://{}/downtime/1", laboratory.page));
    seen.until("document.querySelector('.paper .no-report') !== null");
    seen.on_paper();
    let may_break =
        |row: &str| format!("getComputedStyle(document.querySelector('{row}')).breakInside === 'auto'");
    assert!(seen.is(&may_break(".paper > tbody > tr")), "kept whole, it would begin on the second sheet");
    assert!(!seen.is(&may_break(".paper .wide tbody > tr")), "a line is kept whole");
    assert!(
        seen.is(
            "getComputedStyle(document.querySelector('.paper > thead')).display === 'table-header-group'"
        ),
        "the head comes again on each sheet"
    );
    laboratory.close().await;
}
