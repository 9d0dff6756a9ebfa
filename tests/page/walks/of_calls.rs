//! A critical call, from the bench to the read-back.

use labwire::config::settings::Language;

use super::person::Person;
use super::{audited, last_audited, until_api};
use crate::accessible::{CALLED, CRITICAL};
use crate::laboratory::Laboratory;

/// A laboratory with an open call.
pub(super) async fn with_a_call() -> Laboratory {
    let files = [("rules.d/own.toml", CRITICAL.as_bytes())];
    let laboratory = Laboratory::start("127.0.0.1", CALLED, &files, Language::English).await;
    laboratory.sign_rules().await;
    laboratory.send("24-000010", &[("001", "95.0")]).await;
    until_api(&laboratory, "calls", "/total", 1).await;
    laboratory
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_critical_call_reaches_nobody_and_then_somebody_who_reads_it_back() {
    let mut laboratory = with_a_call().await;
    let mut anna = Person::arrives(&laboratory, "anna", "technician").await;
    anna.follow("/call/1");
    let record = "button[value='attempt']";
    anna.press(record, |it| {
        it.choose("#outcome", "not-reached");
        it.fill("#note", "no answer");
    });
    anna.until_told("Recorded: critical call 1.");
    assert!(anna.text("document.body.innerText").contains("It stays open."));
    let [step, subject, detail] = last_audited(&laboratory, "anna");
    assert_eq!((step.as_str(), subject.as_str()), ("critical call", "call 1"));
    assert!(detail.contains("(unable to reach) by ANNA Example") && detail.ends_with("; open"), "{detail}");
    until_api(&laboratory, "calls", "/total", 1).await;

    anna.tab_to("a[href='/']");
    anna.key("Enter");
    anna.until_at("/");
    anna.follow("/call/1");
    let before = audited(&laboratory, "anna");
    anna.press(record, |it| {
        it.choose("#outcome", "confirmed");
        it.fill("#to", "Carla Example");
        it.fill("#role", "nurse of ward 3");
        it.fill("input[name=identifier_1]", "Example");
        it.choose("#kind_2", "patient-number");
        // From the wristband: its Enter records nothing.
        it.tab_to("input[name=identifier_2]");
        it.scan("PATIENT-4711");
        assert_eq!(it.text("document.activeElement.value"), "PATIENT-4711");
        it.fill("#value", "95.0 mIU/L");
    });
    anna.until_told("Recorded: critical call 1.");
    assert!(anna.text("document.body.innerText").contains("It is closed."));
    anna.leaves();
    until_api(&laboratory, "calls", "/total", 0).await;
    let rows = audited(&laboratory, "anna");
    assert_eq!(rows.len(), before.len() + 1, "{rows:?}");
    let [step, subject, detail] = last_audited(&laboratory, "anna");
    assert_eq!((step.as_str(), subject.as_str()), ("critical call", "call 1"));
    assert!(detail.contains("(read-back confirmed) by ANNA Example"), "{detail}");
    assert!(detail.ends_with("; closed") && !detail.contains("4711"), "{detail}");
    let journal = rusqlite::Connection::open(laboratory.journal()).unwrap();
    let kept: String = journal
        .query_row("SELECT detail FROM call_event ORDER BY id DESC LIMIT 1", [], |row| row.get(0))
        .unwrap();
    for told in ["Carla Example", "nurse of ward 3", "PATIENT-4711", "95.0 mIU/L"] {
        assert!(kept.contains(told), "{told}: {kept}");
    }
    laboratory.close().await;
}
