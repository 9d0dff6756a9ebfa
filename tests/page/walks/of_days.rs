//! What somebody does once a day or in a bad hour: signs the day off, says what a control was worth, and keeps a list for a
//! downtime.

use labsim::lims::Mode;
use labwire::config::settings::Language;

use super::person::Person;
use super::{api, audited, last_audited, until_api};
use crate::controls::LOT;
use crate::laboratory::Laboratory;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_day_s_problem_is_ticked_and_the_day_signed_off_by_keys_alone() {
    let mut laboratory = Laboratory::with_results().await;
    let problem = laboratory.open_problem();
    let mut anna = Person::arrives(&laboratory, "anna", "technician").await;
    anna.follow("/reconciliation");
    anna.press("#seen button", |it| {
        it.tick("problem", problem);
        it.fill("#reason", "measured again");
    });
    anna.until_told("Seen to: 1 problem.");
    until_api(&laboratory, "problems", "/total", 0).await;
    assert_eq!(
        last_audited(&laboratory, "anna")[1..],
        [format!("problem {problem}"), "measured again (was open, is seen to)".to_owned()]
    );
    let today = api(&laboratory, "signatures").await;
    assert_eq!(today["signatures"], serde_json::json!([]), "{today}");
    anna.tab_to("main a[href^='/reconciliation?day=']");
    anna.key("Enter");
    anna.until_at("/reconciliation");
    anna.press("form[action='/sign-off'] button", |it| {
        it.fill("#signing", "the held one is seen to tomorrow")
    });
    anna.until_told(&format!("Signed off: {}.", today["day"].as_str().unwrap()));
    anna.leaves();
    let signed = until_api(&laboratory, "signatures", "/signatures/0/is_as_signed", true).await;
    assert_eq!(signed["signatures"][0]["by"], "ANNA Example", "{signed}");
    assert_eq!(signed["signatures"][0]["reason"], "the held one is seen to tomorrow", "{signed}");
    assert_eq!(last_audited(&laboratory, "anna")[0], "day signed off");
    laboratory.close().await;
}

/// A laboratory whose control gave a value that rejects its run.
async fn with_a_rejected_run() -> Laboratory {
    let files = [("qc.d/immuno.toml", LOT.as_bytes())];
    let laboratory = Laboratory::start("127.0.0.1", "[qc]\n", &files, Language::English).await;
    laboratory.send("CONTROL-1", &[("001", "5.50")]).await;
    until_api(&laboratory, "qc", "/items/0/state", "rejected").await;
    laboratory
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_rejected_control_run_is_accepted_all_the_same_by_keys_alone() {
    let mut laboratory = with_a_rejected_run().await;
    let mut carl = Person::arrives(&laboratory, "carl", "supervisor").await;
    carl.follow("/qc");
    carl.press("form.decide button", |it| {
        it.choose("#said", "accept:1");
        it.fill("#reason", "new lot of reagent");
    });
    carl.until_told("Accepted: run 1.");
    carl.leaves();
    let stands = api(&laboratory, "qc").await;
    assert_ne!(stands["items"][0]["state"], "rejected", "{stands}");
    let [step, subject, detail] = last_audited(&laboratory, "carl");
    assert_eq!((step.as_str(), subject.as_str()), ("control run accepted", "run 1"));
    assert!(detail.starts_with("CARL Example: new lot of reagent"), "{detail}");
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_control_result_is_taken_out_by_keys_alone() {
    let mut laboratory = with_a_rejected_run().await;
    let mut carl = Person::arrives(&laboratory, "carl", "supervisor").await;
    carl.follow("/qc");
    carl.tab_to("main a[href^='/qc?instrument=vitros']");
    carl.key("Enter");
    carl.until("location.search !== ''");
    carl.until_at("/qc");
    carl.press("form.decide button", |it| {
        it.choose("#said", "exclude:1");
        it.fill("#reason", "an air bubble");
    });
    carl.until("document.querySelector('.lead.calm h1') !== null");
    carl.leaves();
    let stands = api(&laboratory, "qc").await;
    assert_ne!(stands["items"][0]["state"], "rejected", "{stands}");
    let [step, subject, detail] = last_audited(&laboratory, "carl");
    assert_eq!((step.as_str(), subject.as_str()), ("control result excluded", "observation 1"));
    assert!(detail.starts_with("CARL Example: an air bubble"), "{detail}");
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_list_is_kept_while_the_lims_is_down_and_says_what_differs_when_it_is_back() {
    let mut laboratory = Laboratory::open().await;
    laboratory.lims_does(Mode::Status(503));
    laboratory.send("24-000008", &[("001", "5.10")]).await;
    laboratory.send("24-000009", &[("001", "4,10")]).await;
    let held = until_api(&laboratory, "held", "/total", 1).await["items"][0]["id"].clone();
    let mut anna = Person::arrives(&laboratory, "anna", "technician").await;
    anna.follow("/downtime");
    assert!(anna.text("document.querySelector('main').innerText").contains("UNVERIFIED – NOT A REPORT"));
    anna.press("form.decide button", |_| {});
    anna.until_at("/downtime/1");
    assert_eq!(audited(&laboratory, "anna").pop().unwrap()[0], "downtime list kept");
    // The LIMS is back, and meanwhile somebody rejected what was held.
    laboratory.lims_does(Mode::Accept);
    anna.go(&format!("http://{}/held/{held}", laboratory.page));
    anna.decide(&format!("button[value='reject:{held}']"), "clotted");
    anna.until_told(&format!("Rejected: result {held}."));
    laboratory.until("/destinations/lims/results/accepted", 1).await;
    anna.tab_to("main a[href='/']");
    anna.key("Enter");
    anna.until_at("/");
    anna.follow("/downtime");
    anna.follow("/downtime/1");
    let since = anna.text("document.querySelector('main').innerText");
    assert!(since.contains("1 differs from the list"), "{since}");
    assert!(since.contains("rejected: tell whoever worked by the list"), "{since}");
    anna.leaves();
    assert_eq!(last_audited(&laboratory, "anna")[2], "clotted (was held: odd-value, is rejected)");
    laboratory.close().await;
}
