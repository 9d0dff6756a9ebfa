//! A scanner at the page: its code replaces what stood in the scan box, and a space within it presses nothing. What a person types
//! or presses by hand goes where it went before.

use std::time::Duration;

use labwire::config::settings::Language;

use super::browser::Browser;
use super::laboratory::Laboratory;

const HAND: Duration = Duration::from_millis(180);
const SCAN: &str = "document.getElementById('scan').value";
/// Counts what is pressed, and lets nothing of it happen.
const COUNTING: &str = "window.pressed = 0; document.addEventListener('click', (event) => { \
    if (event.target.closest('button, summary, [type=checkbox]')) { window.pressed += 1; event.preventDefault(); } }, true)";

fn sign_in(seen: &mut Browser, path: &str) {
    seen.signs_in_as_anna();
    seen.until(&format!("document.readyState === 'complete' && location.pathname === '{path}'"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_scan_replaces_what_stood_in_the_scan_box_and_a_hand_corrects_it() {
    let mut laboratory = Laboratory::with_results().await;
    let mut seen = Browser::open(&format!("http://{}/", laboratory.page));
    let looked_up = |seen: &mut Browser, id: &str| {
        seen.until(&format!("document.readyState === 'complete' && location.search === '?id={id}'"));
        seen.until_typing_into("scan", "/specimen");
    };
    seen.until_typing_into("scan", "/");
    seen.type_text("ABC");
    seen.scan("24-000007");
    looked_up(&mut seen, "24-000007");
    // As after a click into the box, at its end and in its middle.
    seen.run("document.getElementById('scan').setSelectionRange(9, 9)");
    seen.scan("X1");
    looked_up(&mut seen, "X1");
    seen.type_text("24-000009");
    seen.run("document.getElementById('scan').setSelectionRange(3, 3)");
    seen.scan("24-000008");
    looked_up(&mut seen, "24-000008");
    // One that stops on its way, with the caret at the end of what stood there.
    for parts in
        [["24-", "000007"], ["24-00", "0007"], ["2", "4-000007"], ["24-0000", "07"], ["24-00000", "7"]]
    {
        for pause in [60, 400] {
            seen.run("document.getElementById('scan').value = 'ABC'");
            seen.run("document.getElementById('scan').setSelectionRange(3, 3)");
            seen.run("history.replaceState(null, '', '?id=none')");
            seen.scan_in_two(parts, Duration::from_millis(pause));
            looked_up(&mut seen, "24-000007");
        }
    }
    // A scanner that sends no Enter, and somebody who presses it.
    seen.run("document.getElementById('scan').setSelectionRange(9, 9)");
    seen.type_burst("24-000007");
    assert_eq!(seen.value(SCAN), "24-000007");
    seen.key("Enter");
    looked_up(&mut seen, "24-000007");
    // By hand: at the end, and in the middle of what was typed.
    seen.run("document.getElementById('scan').setSelectionRange(9, 9)");
    seen.type_keys("12", HAND);
    looked_up(&mut seen, "24-00000712");
    seen.run("document.getElementById('scan').setSelectionRange(2, 3)");
    seen.type_keys("/5678", HAND);
    looked_up(&mut seen, "24%2F567800000712");
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_space_within_a_scan_presses_no_button_and_one_of_a_hand_does() {
    let control = [("qc.d/immuno.toml", super::controls::LOT.as_bytes())];
    let mut laboratory = Laboratory::start("127.0.0.1", "[qc]\n", &control, Language::English).await;
    laboratory.signed_in("anna", "supervisor").await;
    laboratory.send("CONTROL-1", &[("001", "5.50")]).await;
    laboratory.until("/waiting/open_problems", 1).await;
    let address = |path: &str| format!("http://{}{path}", laboratory.page);
    let mut seen = Browser::open(&address("/sign-in?next=%2Fqc"));
    sign_in(&mut seen, "/qc");
    for (path, button) in [
        ("/qc", "form.decide button"),
        ("/reconciliation", "#seen button"),
        ("/reconciliation", "[type=checkbox]"),
        ("/downtime", "form.decide button"),
        ("/alarms", ".alarm button"),
        ("/alarms", "#sound"),
    ] {
        for code in ["24 0007", " 240007", "240007 "] {
            seen.go(&address(path));
            seen.until(&format!("document.querySelector('{button}')?.disabled === false"));
            seen.run(COUNTING);
            seen.run(&format!("document.querySelector('{button}').focus()"));
            seen.type_burst(code);
            tokio::time::sleep(Duration::from_millis(400)).await;
            assert_eq!(seen.value("window.pressed"), 0, "{path} {button} {code:?}");
            if path == "/alarms" {
                assert_eq!(seen.value(SCAN), code, "{path} {button}");
            }
        }
        seen.run(&format!("document.querySelector('{button}').focus()"));
        seen.key(" ");
        seen.until("window.pressed === 1");
    }
    // It is looked up as it was scanned, where no scan box is too.
    for path in ["/qc", "/alarms"] {
        seen.go(&address(path));
        seen.until("document.querySelector('form.decide button')?.disabled === false");
        seen.run("document.querySelector('form.decide button').focus()");
        seen.scan("24 0007");
        seen.until("location.pathname === '/specimen' && new URLSearchParams(location.search).get('id') === '24 0007'");
    }
    laboratory.close().await;
}
