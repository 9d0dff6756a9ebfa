//! Every view for everybody: axe-core finds nothing against WCAG 2.2 AA in light and dark, nothing sticks out on a phone
//! or at 200 % zoom, and the keyboard reaches everything with its focus to be seen. Pictures are left in `target/page/`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use labsim::lims::Mode;
use labwire::config::settings::Language;
use serde_json::Value;

use super::browser::Browser;
use super::controls::LOT;
use super::laboratory::Laboratory;
use super::over_http::between;

const AXE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/peers/node_modules/axe-core/axe.min.js");
const RUN: &str = "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })\
                   .then((found) => found.violations.map((it) => it.id + ': ' + it.nodes.map((node) => node.html).join(' ; ')))";

/// What makes the value of a critical call.
pub(crate) const CRITICAL: &str = "[[critical]]\nname = \"tsh\"\nanalyte = \"thyrotropin\"\nunit = \"m[IU]/L\"\nlow = \"< 0.01\"\n\
    high = \"> 90\"\nsource = \"a test\"\n[[critical]]\nname = \"potassium\"\nanalyte = \"potassium\"\nunit = \"mmol/L\"\n\
    high = \"> 6.0\"\nsource = \"a test\"\n[[index]]\nname = \"haemolysis\"\nanalytes = [\"potassium\"]\ncodes = [\"HEM\"]\nlimit = \">= 100\"\n\
    source = \"a test\"\n";
/// The call of which a patient's potassium is critical.
pub(crate) const OF_POTASSIUM: &str = "/call/3";
pub(crate) const CALLED: &str =
    "[qc]\n[critical_calls]\n[[critical_calls.step]]\nafter_minutes = 0\nwhom = \"ward 3, 4711\"\n";

/// A laboratory with something in every list, and a browser in which a supervisor signed in.
pub(crate) async fn laboratory() -> (Laboratory, Browser) {
    laboratory_speaking(Language::English).await
}

pub(crate) async fn laboratory_speaking(language: Language) -> (Laboratory, Browser) {
    let files = [("rules.d/own.toml", CRITICAL.as_bytes()), ("qc.d/own.toml", LOT.as_bytes())];
    let laboratory = Laboratory::start("127.0.0.1", CALLED, &files, language).await;
    laboratory.send_results().await;
    laboratory.lims_does(Mode::Refuse(vec!["001".to_owned()]));
    laboratory.send("24-000008", &[("001", "5.10")]).await;
    laboratory.until("/waiting/dead_letters", 1).await;
    laboratory.lims_does(Mode::Accept);
    laboratory.sign_rules().await;
    laboratory.send("24-000010", &[("001", "95.0")]).await;
    while !laboratory.fetch("/").await.body.contains("href=\"/call/1\"") {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    // A control that is out.
    let problems = laboratory.open_problem();
    laboratory.send("CONTROL-1", &[("001", "5.50")]).await;
    while laboratory.open_problem() == problems {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    critical_potassium(&laboratory).await;
    let cookie = laboratory.signed_in("anna", "supervisor").await;
    let downtime = laboratory.fetch_as(&cookie, "/downtime").await.body;
    let guard = between(&downtime, "name=\"guard\" value=\"", "\"");
    assert_eq!(laboratory.post("/downtime", &cookie, &format!("guard={guard}")).await.status, 303);
    let mut seen = Browser::open(&format!("http://{}/sign-in", laboratory.page));
    seen.signs_in_as_anna();
    seen.until(
        "location.pathname === '/' && document.querySelector('.visitor').textContent === 'ANNA Example'",
    );
    (laboratory, seen)
}

/// A potassium of a patient that is critical, with what verifies it beside and an earlier one that wasn't.
pub(crate) async fn critical_potassium(laboratory: &Laboratory) {
    laboratory.send_of_patient("24-000020", 2, &[("002", "4.2", "mmol/L")]).await;
    laboratory
        .send_of_patient(
            "24-000021",
            30,
            &[("002", "6.8", "mmol/L"), ("003", "2.31", "mmol/L"), ("HEM", "12", "")],
        )
        .await;
    while !laboratory.fetch("/").await.body.contains("Potassium 6.8") {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Every view, and what its picture is called.
pub(crate) fn views(laboratory: &Laboratory) -> Vec<(String, &'static str)> {
    addresses(laboratory.open_problem())
}

pub(crate) fn addresses(problem: i64) -> Vec<(String, &'static str)> {
    [
        ("/".to_owned(), "bench"),
        ("/specimen?id=24-000007".to_owned(), "specimen"),
        ("/held".to_owned(), "held"),
        ("/held/several".to_owned(), "held-several"),
        ("/held/3".to_owned(), "hold"),
        ("/problems".to_owned(), "problems"),
        (format!("/problem/{problem}"), "problem"),
        ("/dead-letters".to_owned(), "dead-letters"),
        ("/delivery/2".to_owned(), "delivery"),
        ("/message/1".to_owned(), "message"),
        ("/reconciliation".to_owned(), "reconciliation"),
        ("/qc".to_owned(), "qc"),
        ("/qc?instrument=vitros&code=001".to_owned(), "qc-test"),
        ("/wall".to_owned(), "wall"),
        ("/alarms".to_owned(), "alarms"),
        ("/analyzer/vitros".to_owned(), "analyzer"),
        ("/destination/lims".to_owned(), "destination"),
        ("/resend?to=lims&specimen=24-000007".to_owned(), "resend"),
        ("/downtime".to_owned(), "downtime"),
        ("/downtime/1".to_owned(), "downtime-list"),
        (OF_POTASSIUM.to_owned(), "call"),
        ("/orders".to_owned(), "orders"),
        ("/misread?id=24-000007".to_owned(), "misread"),
        ("/misread?id=24-000007&to=24-000008&result=1".to_owned(), "misread-both"),
        ("/sign-in".to_owned(), "signed-in"),
        ("/set-up".to_owned(), "set-up"),
        ("/message/999".to_owned(), "not-found"),
    ]
    .into()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and axe-core"]
async fn no_view_keeps_anybody_out_in_light_or_dark() {
    let axe = fs::read_to_string(Path::new(AXE)).unwrap();
    let (mut laboratory, mut seen) = laboratory().await;
    for scheme in ["light", "dark"] {
        seen.colours(scheme);
        for (path, name) in views(&laboratory) {
            seen.go(&format!("http://{}{path}", laboratory.page));
            seen.run(&axe);
            let found = seen.promised(RUN);
            assert_eq!(found, Value::Array(Vec::new()), "{path} in {scheme}");
            seen.picture(&format!("all-{name}-{scheme}"));
        }
    }
    // What it must find is found.
    seen.run("document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=\"/assets/icon.svg\"><input>')");
    let found = seen.promised(RUN).to_string();
    assert!(found.contains("image-alt") && found.contains("label"), "{found}");
    laboratory.close().await;
}

/// What is seen only on the way in, or once: the form to sign in, what is said when something is done, and who was away.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and axe-core"]
async fn nor_does_what_is_seen_on_the_way_in_or_once() {
    let axe = fs::read_to_string(Path::new(AXE)).unwrap();
    let pause = Duration::from_secs(8);
    let mut laboratory = Laboratory::start_as("127.0.0.1", "", &[], |page| page.away_after = pause).await;
    laboratory.send_results().await;
    let mut seen = Browser::open(&format!("http://{}/sign-in", laboratory.page));
    seen.until_typing_into("name", "/sign-in");
    everywhere(&mut seen, &axe, "sign-in");
    let cookie = laboratory.signed_in("anna", "technician").await;
    let page = laboratory.fetch_as(&cookie, "/sign-in").await.body;
    let pin = format!("guard={}&pin=BADGE-0815", between(&page, "name=\"guard\" value=\"", "\""));
    assert_eq!(laboratory.post("/pin", &cookie, &pin).await.status, 303);
    seen.run(&format!("document.cookie = '{cookie}; path=/'"));
    seen.go(&format!("http://{}/held/3", laboratory.page));
    seen.until("document.querySelector('form.decide button:not(:disabled)') !== null");
    seen.run("document.getElementById('reason').focus()");
    seen.type_text("looked at the curve");
    seen.run("document.querySelector('button[value=\"release:3\"]').focus()");
    seen.key(" ");
    seen.until("document.querySelector('h1').textContent === 'Released: result 3.'");
    everywhere(&mut seen, &axe, "done");
    tokio::time::sleep(pause).await;
    seen.go(&format!("http://{}/sign-in", laboratory.page));
    seen.until_typing_into("pin", "/sign-in");
    everywhere(&mut seen, &axe, "away");
    laboratory.close().await;
}

/// What is shown now: for everybody in light and dark, whole on a phone, and printed.
fn everywhere(seen: &mut Browser, axe: &str, name: &str) {
    for scheme in ["dark", "light"] {
        seen.colours(scheme);
        seen.run(axe);
        assert_eq!(seen.promised(RUN), Value::Array(Vec::new()), "{name} in {scheme}");
        seen.picture(&format!("all-{name}-{scheme}"));
    }
    seen.size(360, 800);
    let wide = seen.value("document.documentElement.scrollWidth").as_u64().unwrap();
    seen.picture(&format!("all-{name}-phone"));
    assert!(wide <= 360, "{name} is {wide} wide on a phone");
    seen.size(1360, 1100);
    seen.on_paper();
    seen.picture(&format!("all-{name}-paper"));
    seen.colours("light");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn nothing_sticks_out_on_a_phone_or_at_twice_the_size() {
    let (mut laboratory, mut seen) = laboratory().await;
    // 680 pixels are what a window of 1,360 has at 200 %.
    for (width, what) in [(360, "phone"), (680, "zoomed")] {
        seen.size(width, 800);
        for (path, name) in views(&laboratory) {
            seen.go(&format!("http://{}{path}", laboratory.page));
            let wide = seen.value("document.documentElement.scrollWidth");
            seen.picture(&format!("all-{name}-{what}"));
            assert!(wide.as_u64().unwrap() <= width.into(), "{path} is {wide} wide on {width}");
        }
    }
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn what_only_a_screen_can_do_is_not_printed() {
    const CLICKED: &str = "Array.from(document.querySelectorAll('nav, button, #decide')).some((it) => it.offsetParent !== null)";
    let (mut laboratory, mut seen) = laboratory().await;
    seen.go(&format!("http://{}/", laboratory.page));
    assert!(seen.is(CLICKED), "on a screen it is there");
    seen.on_paper();
    for (path, name) in views(&laboratory) {
        seen.go(&format!("http://{}{path}", laboratory.page));
        assert!(!seen.is(CLICKED), "{path}");
        seen.picture(&format!("all-{name}-paper"));
    }
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn the_keyboard_reaches_everything_and_its_focus_is_seen() {
    const STOPS: &str = "Array.from(document.querySelectorAll('a[href], button:not(:disabled), input:not([type=hidden]), \
                         select, textarea, summary, [tabindex=\"0\"]')).filter((it) => it.checkVisibility() && (it.offsetParent !== null || it.matches('.skip'))).length";
    let (mut laboratory, mut seen) = laboratory().await;
    for (path, _) in views(&laboratory) {
        seen.go(&format!("http://{}{path}", laboratory.page));
        seen.run("document.activeElement.blur(); document.body.tabIndex = -1; document.body.focus(); window.reached = new Set()");
        let stops = seen.value(STOPS).as_u64().unwrap();
        let mut reached = 0;
        // The parts of a date are stops too.
        for _ in 0..stops + 5 {
            if reached == stops {
                break;
            }
            seen.key("Tab");
            seen.run("window.reached.add(document.activeElement)");
            let is_seen = "(() => { const style = getComputedStyle(document.activeElement); \
                           return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2; })()";
            assert!(seen.is(is_seen), "{path}: {}", seen.text("document.activeElement.outerHTML"));
            reached = seen.value("window.reached.size").as_u64().unwrap();
        }
        assert_eq!(reached, stops, "{path}");
    }
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and axe-core"]
async fn the_german_page_keeps_nobody_out_either() {
    let axe = fs::read_to_string(Path::new(AXE)).unwrap();
    let (mut laboratory, mut seen) = laboratory_speaking(Language::German).await;
    for (path, name) in views(&laboratory) {
        seen.go(&format!("http://{}{path}", laboratory.page));
        seen.run(&axe);
        assert_eq!(seen.promised(RUN), Value::Array(Vec::new()), "{path}");
        seen.picture(&format!("german-{name}"));
    }
    laboratory.close().await;
}
