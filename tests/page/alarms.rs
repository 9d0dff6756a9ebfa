//! Alarms on the page: they ring until somebody acknowledges or shelves them, in their name, and no scanner does.

use labsim::lims::Mode;

use super::browser::Browser;
use super::laboratory::Laboratory;
use super::over_http::between;

/// A laboratory with a dead letter, once its alarm is on.
async fn ringing() -> Laboratory {
    let laboratory = Laboratory::open().await;
    laboratory.lims_does(Mode::Refuse(vec!["001".to_owned()]));
    laboratory.send("24-000008", &[("001", "5.10")]).await;
    laboratory.until("/waiting/dead_letters", 1).await;
    while !laboratory.fetch("/alarms").await.body.contains("class=\"alarm rings\"") {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    laboratory
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_rings_until_somebody_acknowledges_it_and_the_audit_says_who() {
    let mut laboratory = ringing().await;
    let cookie = laboratory.signed_in("anna", "technician").await;
    let page = laboratory.fetch_as(&cookie, "/alarms").await.body;
    let text = "1 delivery waits for a person: refused by lims, or of unknown fate.";
    assert!(page.contains(text) && page.contains("nobody has acknowledged it"), "{page}");
    assert!(page.contains("Alarms <b class=\"count rings\">1</b>"), "{page}");
    assert!(!laboratory.fetch("/alarms").await.body.contains("value=\"acknowledge:"), "sign in first");
    let guard = between(&page, "name=\"guard\" value=\"", "\"").to_owned();
    let what = between(&page, "value=\"acknowledge:", "\"").to_owned();
    let form = |what: &str, more: &str| format!("guard={guard}&what={what}{more}");

    for (more, why) in [
        ("&hours=2&reason=+", "shelved for a reason"),
        ("&hours=13&reason=mended", "12 hours at most"),
        ("&hours=0&reason=mended", "12 hours at most"),
    ] {
        let refused = laboratory.post("/alarms", &cookie, &form(&format!("shelve%3A{what}"), more)).await;
        assert!(refused.status == 409 && refused.body.contains(why), "{more}: {}", refused.body);
    }
    assert_eq!(laboratory.post("/alarms", &cookie, &form("acknowledge%3A99", "")).await.status, 404);
    assert_eq!(laboratory.post("/alarms", "", &form(&format!("acknowledge%3A{what}"), "")).await.status, 303);
    let done = laboratory.post("/alarms", &cookie, &form(&format!("acknowledge%3A{what}"), "")).await;
    assert_eq!(done.status, 303);
    let page = laboratory.fetch("/alarms").await.body;
    assert!(page.contains("acknowledged by ANNA Example at") && !page.contains("count rings"), "{page}");
    let done = laboratory
        .post("/alarms", &cookie, &form(&format!("shelve%3A{what}"), "&hours=2&reason=service"))
        .await;
    assert_eq!(done.status, 303);
    assert!(laboratory.fetch("/alarms").await.body.contains("shelved by ANNA Example until"));

    let journal = laboratory.journal();
    laboratory.close().await;
    let journal = rusqlite::Connection::open(journal).unwrap();
    let mut steps =
        journal.prepare("SELECT actor, detail FROM audit WHERE step = 'alarm' ORDER BY id").unwrap();
    let steps: Vec<(String, String)> =
        steps.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    let by = "anna on the page".to_owned();
    assert_eq!(
        steps,
        [(by.clone(), "acknowledged".to_owned()), (by, "shelved for 2 hours: service".to_owned())]
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn an_open_page_shows_an_alarm_as_it_begins_and_a_scan_acknowledges_nothing() {
    let mut laboratory = Laboratory::open().await;
    laboratory.signed_in("anna", "technician").await;
    let mut seen = Browser::open(&format!("http://{}/sign-in?next=%2Falarms", laboratory.page));
    seen.signs_in_as_anna();
    seen.until("location.pathname === '/alarms' && document.body.textContent.includes('No alarm is on.')");
    laboratory.lims_does(Mode::Refuse(vec!["001".to_owned()]));
    laboratory.send("24-000008", &[("001", "5.10")]).await;
    seen.until("document.querySelector('nav .count.rings') !== null");
    seen.until("document.querySelector('.alarm.rings button:not(:disabled)') !== null");
    seen.run("document.querySelector('.alarm.rings button').focus()");
    seen.scan("24-000008");
    seen.until("location.pathname === '/specimen'");
    assert!(laboratory.fetch("/alarms").await.body.contains("class=\"alarm rings\""), "it rings on");
    laboratory.close().await;
}

/// Writes down which tones are begun, where a browser would play them.
const LISTENING: &str = "window.tones = []; window.AudioContext = class { \
    constructor() { this.currentTime = 0; this.destination = {}; } \
    createGain() { return { gain: {}, connect: (next) => next }; } \
    createOscillator() { const it = { frequency: {}, connect: (next) => next, stop: () => {}, \
        start: () => window.tones.push(it.frequency.value) }; return it; } }; \
    localStorage.setItem('labwire-sound', 'on');";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn an_open_list_of_alarms_follows_them_without_cutting_their_sound_or_what_is_typed() {
    let mut laboratory = Laboratory::open().await;
    let cookie = laboratory.signed_in("anna", "technician").await;
    let mut seen = Browser::open(&format!("http://{}/sign-in?next=%2Falarms", laboratory.page));
    seen.before_each_page(LISTENING);
    seen.signs_in_as_anna();
    seen.until("location.pathname === '/alarms' && document.body.textContent.includes('No alarm is on.')");
    seen.until("document.getElementById('as-of').textContent.startsWith('live')");
    seen.run("window.same = true");
    laboratory.lims_does(Mode::Refuse(vec!["001".to_owned()]));
    laboratory.send("24-000008", &[("001", "5.10")]).await;
    seen.until("document.querySelector('.alarm.rings') !== null");
    seen.until("window.tones.join() === '660,880'");
    assert!(seen.is("document.querySelector('#happened + ol').textContent.includes('began')"));
    // Somebody writes a reason, while somebody else acknowledges.
    seen.until("document.querySelector('.alarm button.second')?.disabled === false");
    seen.run("document.querySelector('.alarm input[name=reason]').focus()");
    seen.type_text("the LIMS is ");
    let page = laboratory.fetch_as(&cookie, "/alarms").await.body;
    let guard = between(&page, "name=\"guard\" value=\"", "\"");
    let what = between(&page, "value=\"acknowledge:", "\"");
    let form = format!("guard={guard}&what=acknowledge%3A{what}");
    assert_eq!(laboratory.post("/alarms", &cookie, &form).await.status, 303);
    seen.until("document.querySelector('.alarm')?.textContent.includes('acknowledged by ANNA Example')");
    seen.type_text("serviced");
    let reason = "document.querySelector('.alarm input[name=reason]')";
    assert_eq!(seen.value(&format!("{reason}.value")), "the LIMS is serviced");
    assert!(seen.is(&format!("document.activeElement === {reason}")));
    // What was fetched anew takes a decision too, and none from a scanner's Enter.
    seen.key("Enter");
    seen.run("document.querySelector('.alarm button.second').focus()");
    assert!(seen.is("window.same && document.querySelector('.alarm button.second').disabled === false"));
    seen.key(" ");
    seen.until("document.querySelector('.alarm')?.textContent.includes('shelved by ANNA Example')");
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_browser_that_lets_no_sound_out_says_so_until_somebody_touches_the_page() {
    const SAYS: &str = "!document.getElementById('unheard').hidden";
    let mut laboratory = Laboratory::open().await;
    let mut seen = Browser::open(&format!("http://{}/alarms", laboratory.page));
    seen.until("document.getElementById('as-of').textContent.startsWith('live')");
    assert!(!seen.is(SAYS), "nobody wants the sound here");
    seen.run("localStorage.setItem('labwire-sound', 'on')");
    for view in ["alarms", "wall"] {
        seen.go(&format!("http://{}/{view}", laboratory.page));
        seen.until(SAYS);
        seen.picture(&format!("unheard-{view}"));
        seen.key("Tab");
        seen.key("a");
        seen.until("document.getElementById('unheard').hidden");
    }
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_click_takes_no_row_that_moved_in_under_the_hand() {
    let mut laboratory = ringing().await;
    laboratory.signed_in("anna", "technician").await;
    let mut seen = Browser::open(&format!("http://{}/sign-in?next=%2Falarms", laboratory.page));
    seen.signs_in_as_anna();
    // Rows that follow the gateway while they are aimed at would be others.
    seen.until("document.querySelector('form.decide button')?.disabled === false");
    seen.run(
        "window.moved = performance.now(); const follows = window.labwireMoves; \
         window.labwireMoves = () => { window.moved = performance.now(); follows(); }",
    );
    seen.until("performance.now() - window.moved > 3000");
    let aimed = seen.middle_of("form.decide button");
    seen.run(
        "window.pressed = []; document.addEventListener('submit', (event) => { \
         window.pressed.push(event.submitter.value); event.preventDefault(); })",
    );
    // Another alarm moves in above, in the place of the one that was aimed at.
    seen.run(
        "window.labwireMoves(); const row = document.querySelector('.alarm'); row.before(row.cloneNode(true)); \
         document.querySelector('.alarm button').value = 'acknowledge:99'",
    );
    seen.click_at(aimed);
    assert_eq!(seen.value("window.pressed.length"), 0, "another one stood there a moment ago");
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    seen.click_at(aimed);
    seen.until("window.pressed.length === 1");
    laboratory.close().await;
}
