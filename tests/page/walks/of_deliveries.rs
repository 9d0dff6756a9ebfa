//! What somebody does about deliveries and problems: sends a dead letter once more or gives it up, has sent again what a LIMS
//! lost, and settles a problem.

use labsim::lims::Mode;

use super::person::Person;
use super::{last_audited, until_api};
use crate::laboratory::Laboratory;

/// A laboratory whose second delivery the LIMS refused.
async fn with_a_dead_letter() -> Laboratory {
    let laboratory = Laboratory::with_results().await;
    laboratory.lims_does(Mode::Refuse(vec!["001".to_owned()]));
    laboratory.send("24-000008", &[("001", "5.10")]).await;
    laboratory.until("/waiting/dead_letters", 1).await;
    laboratory.lims_does(Mode::Accept);
    laboratory
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_dead_letter_is_sent_once_more_by_keys_alone_and_arrives() {
    let mut laboratory = with_a_dead_letter().await;
    let mut anna = Person::arrives(&laboratory, "anna", "technician").await;
    anna.follow("/dead-letters");
    anna.follow("/delivery/2");
    assert!(anna.is("document.querySelector('button[value=\"give-up:2\"]') === null"), "a supervisor does");
    anna.decide("button[value='retry:2']", "the LIMS knows the test now");
    anna.until_told("Sent once more: delivery 2.");
    anna.leaves();
    until_api(&laboratory, "dead-letters", "/total", 0).await;
    laboratory.until("/destinations/lims/results/accepted", 3).await;
    assert_eq!(
        last_audited(&laboratory, "anna")[1..],
        ["delivery 2", "the LIMS knows the test now (was dead, is settled)"]
    );
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_dead_letter_is_given_up_by_a_supervisor_and_never_sent_again() {
    let mut laboratory = with_a_dead_letter().await;
    let sent = laboratory.lims.ledger().attempts().len();
    let mut carl = Person::arrives(&laboratory, "carl", "supervisor").await;
    carl.follow("/delivery/2");
    carl.decide("button[value='give-up:2']", "reported by telephone");
    carl.until_told("Given up: delivery 2.");
    carl.leaves();
    until_api(&laboratory, "dead-letters", "/total", 0).await;
    assert_eq!(laboratory.lims.ledger().attempts().len(), sent, "nothing was sent");
    assert_eq!(
        last_audited(&laboratory, "carl")[1..],
        ["delivery 2", "reported by telephone (was dead, is settled)"]
    );
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_problem_is_settled_by_keys_alone() {
    let mut laboratory = Laboratory::with_results().await;
    let problem = laboratory.open_problem();
    let before = super::api(&laboratory, "problems").await["total"].as_i64().unwrap();
    let mut anna = Person::arrives(&laboratory, "anna", "technician").await;
    anna.follow("/problems");
    anna.follow(&format!("/problem/{problem}"));
    anna.decide(&format!("button[value='dismiss:{problem}']"), "measured again");
    anna.until_told(&format!("Seen to: problem {problem}."));
    anna.leaves();
    until_api(&laboratory, "problems", "/total", before - 1).await;
    assert_eq!(
        last_audited(&laboratory, "anna")[1..],
        [format!("problem {problem}"), "measured again (was open, is seen to)".to_owned()]
    );
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn what_a_lims_lost_is_looked_at_and_sent_once_more_by_keys_alone() {
    let mut laboratory = Laboratory::with_results().await;
    let sent = || laboratory.lims.ledger().attempts().len();
    let before = sent();
    let mut carl = Person::arrives(&laboratory, "carl", "supervisor").await;
    // From the destination's page, where a scan chooses the specimen.
    carl.follow("/destination/lims");
    carl.tab_to("#specimen");
    carl.scan("24-000007");
    carl.until_at("/resend");
    // From the specimen's.
    carl.follow("/specimen?id=24-000007");
    carl.follow("/resend?to=lims&specimen=24-000007");
    carl.tab_to("details summary");
    carl.key(" ");
    carl.until("document.querySelector('details').open && document.querySelector('details pre').textContent.includes('4.80')");
    carl.picture("resend");
    carl.press("form.decide button", |it| {
        assert_eq!(sent(), before, "looking sends nothing");
        it.tab_to("#reason");
        it.scan("24-000007");
        assert!(it.is("location.pathname === '/resend' && document.getElementById('reason').value === ''"));
        it.fill("#reason", "the LIMS was restored");
    });
    carl.until_told("2 results leave once more, as everything else does.");
    carl.leaves();
    laboratory.until("/destinations/lims/results/accepted", 2).await;
    assert!(sent() > before);
    let [step, _, detail] = last_audited(&laboratory, "carl");
    assert_eq!(step, "sent once more");
    assert!(detail.ends_with("the LIMS was restored"), "{detail}");
    laboratory.close().await;
}
