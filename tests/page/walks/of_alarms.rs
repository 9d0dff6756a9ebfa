//! Alarms, by keys alone: acknowledged, shelved for a while, and a critical call's never shelved.

use labsim::lims::Mode;

use super::person::Person;
use super::{last_audited, of_calls};
use crate::laboratory::Laboratory;

/// A laboratory with a dead letter, whose alarm begins.
async fn with_a_dead_letter() -> Laboratory {
    let laboratory = Laboratory::open().await;
    laboratory.lims_does(Mode::Refuse(vec!["001".to_owned()]));
    laboratory.send("24-000008", &[("001", "5.10")]).await;
    laboratory.until("/waiting/dead_letters", 1).await;
    laboratory
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_press_counts_though_the_page_is_fetched_anew_under_it() {
    let mut laboratory = with_a_dead_letter().await;
    let mut anna = Person::arrives(&laboratory, "anna", "technician").await;
    anna.follow("/alarms");
    anna.until("document.querySelector('.alarm.rings button')?.disabled === false");
    anna.tab_to("button[value^='acknowledge:']");
    anna.key(" ");
    anna.run(
        "const old = document.querySelector('[data-live=alarms]'); old.replaceChildren(...old.cloneNode(true).childNodes); \
         old.querySelector('button[value^=acknowledge]').focus()",
    );
    anna.until("document.querySelector('.alarm')?.textContent.includes('acknowledged by ANNA Example')");
    anna.leaves();
    assert_eq!(last_audited(&laboratory, "anna")[2], "acknowledged");
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn an_alarm_is_acknowledged_and_then_shelved_by_keys_alone() {
    let mut laboratory = with_a_dead_letter().await;
    let mut anna = Person::arrives(&laboratory, "anna", "technician").await;
    anna.follow("/alarms");
    anna.until("document.querySelector('.alarm.rings button:not(:disabled)') !== null");
    anna.press("button[value^='acknowledge:']", |_| {});
    anna.until("document.querySelector('.alarm')?.textContent.includes('acknowledged by ANNA Example')");
    assert_eq!(last_audited(&laboratory, "anna")[2], "acknowledged");
    anna.until_at("/alarms");
    anna.press("button[value^='shelve:']", |it| {
        it.fill(".alarm input[name=reason]", "the LIMS is serviced");
        it.choose(".alarm select[name=hours]", "4");
    });
    anna.until("document.querySelector('.alarm')?.textContent.includes('shelved by ANNA Example until')");
    anna.leaves();
    assert_eq!(last_audited(&laboratory, "anna")[2], "shelved for 4 hours: the LIMS is serviced");
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn an_alarm_of_a_critical_call_is_acknowledged_and_never_shelved() {
    let mut laboratory = of_calls::with_a_call().await;
    let mut anna = Person::arrives(&laboratory, "anna", "technician").await;
    anna.follow("/alarms");
    let of_call = "Array.from(document.querySelectorAll('.alarm')).find((it) => it.innerText.includes('Critical call 1 is open.'))";
    anna.until(&format!("{of_call}?.querySelector('button')?.disabled === false"));
    assert!(anna.is(&format!("{of_call}.querySelector('button[value^=\"shelve:\"]') === null")));
    assert!(anna.text(&format!("{of_call}.innerText")).contains("It can't be shelved."));
    let button = anna.text(&format!("{of_call}.querySelector('button').value"));
    anna.press(&format!("button[value='{button}']"), |_| {});
    anna.until(&format!("{of_call}?.innerText.includes('acknowledged by ANNA Example')"));
    anna.leaves();
    assert_eq!(last_audited(&laboratory, "anna")[2], "acknowledged");
    super::until_api(&laboratory, "calls", "/total", 1).await;
    laboratory.close().await;
}
