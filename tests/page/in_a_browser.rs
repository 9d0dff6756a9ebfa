//! The status page in a real browser: it follows the journal, keeps the scan box to its user, says loudly when it is
//! no longer live, and runs nothing that an analyzer sent. Pictures of what was seen are left in `target/page/`.

use labsim::lims::Mode;

use super::browser::Browser;
use super::laboratory::{Laboratory, SCRIPT, SCRIPT_IN_ADDRESS};

const LIVE: &str = "document.getElementById('as-of').textContent.startsWith('live')";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn the_page_follows_the_journal_and_leaves_the_scan_box_alone() {
    let mut laboratory = Laboratory::open().await;
    let address = format!("http://{}/", laboratory.page);
    let mut seen = Browser::open(&address);
    seen.until(LIVE);
    seen.picture("calm");
    seen.until("document.activeElement === document.getElementById('scan')");
    seen.type_text("24-0000");

    laboratory.send("24-000007", &[("001", "4.80")]).await;
    seen.until("document.querySelector('tfoot .n').textContent === '1'");
    laboratory.send(SCRIPT, &[("001", "<img src=x onerror=alert(2)>")]).await;
    seen.until("document.querySelector('h1').textContent === '1 result is held and not in the LIMS.'");
    assert!(seen.is("document.activeElement === document.getElementById('scan')"));
    assert_eq!(seen.value("document.getElementById('scan').value"), "24-0000");
    assert!(seen.is("document.getElementById('stale').hidden"));
    seen.picture("held");
    seen.colours("dark");
    seen.picture("held-dark");

    laboratory.lims_does(Mode::Refuse(vec!["001".to_owned()]));
    laboratory.send("24-000008", &[("001", "5.10")]).await;
    seen.until("document.querySelector('.lead').classList.contains('danger')");
    seen.picture("dead-letter-dark");
    seen.colours("light");
    seen.picture("dead-letter");
    assert_eq!(seen.console, Vec::<String>::new());
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_specimen_s_page_selects_its_number_and_runs_nothing_that_an_analyzer_sent() {
    let mut laboratory = Laboratory::with_results().await;
    let address = |path: &str| format!("http://{}{path}", laboratory.page);
    let mut seen = Browser::open(&address("/specimen?id=24-000007"));
    seen.until(LIVE);
    let selected = "(() => { const s = document.getElementById('scan'); return s === document.activeElement \
                    && s.selectionStart === 0 && s.selectionEnd === s.value.length && s.value === '24-000007'; })()";
    seen.until(selected);
    seen.picture("specimen");
    for (path, name) in [
        (format!("/specimen?id={SCRIPT_IN_ADDRESS}"), "specimen-held"),
        ("/message/2".to_owned(), "message"),
        ("/delivery/1".to_owned(), "delivery"),
        ("/held".to_owned(), "held-list"),
        ("/message/999".to_owned(), "not-found"),
    ] {
        let is_there = !path.ends_with("999");
        seen.go(&address(&path));
        if is_there {
            seen.until(LIVE);
        }
        assert!(seen.is("document.querySelector('main script, main img') === null"), "{path}");
        seen.picture(name);
    }
    let complaints = &seen.console;
    assert!(complaints.iter().all(|it| it.contains("404")), "{complaints:?}");
    laboratory.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_page_whose_gateway_is_gone_says_that_it_is_not_live() {
    let mut laboratory = Laboratory::with_results().await;
    let mut seen = Browser::open(&format!("http://{}/", laboratory.page));
    seen.until(LIVE);
    assert!(seen.console.is_empty(), "{:?}", seen.console);
    laboratory.close().await;
    seen.until("!document.getElementById('stale').hidden");
    let banner = seen.text("document.getElementById('stale').textContent");
    assert!(banner.starts_with("NOT LIVE since ") && banner.contains("what you see is as of "), "{banner}");
    assert!(seen.text("document.title").starts_with("NOT LIVE since "));
    seen.picture("not-live");
    let complaints = &seen.console;
    assert!(!complaints.iter().any(|it| it.contains("Content Security Policy")), "{complaints:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_day_s_page_is_whole_stays_as_it_was_made_and_runs_nothing() {
    let mut laboratory = Laboratory::with_results().await;
    laboratory.lims_does(Mode::Refuse(vec!["001".to_owned()]));
    laboratory.send("24-000008", &[("001", "5.10")]).await;
    laboratory.until("/waiting/dead_letters", 1).await;
    let mut seen = Browser::open(&format!("http://{}/reconciliation", laboratory.page));
    seen.until("document.querySelector('.lead.act') !== null");
    assert!(seen.is("document.querySelector('main script, main img') === null"));
    assert!(seen.text("document.getElementById('as-of').textContent").contains("reload to refresh"));
    assert!(seen.is("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out");
    seen.picture("reconciliation");
    seen.colours("dark");
    seen.picture("reconciliation-dark");
    seen.on_paper();
    assert!(seen.is("getComputedStyle(document.querySelector('.days')).display === 'none'"));
    assert!(seen.is("getComputedStyle(document.querySelector('.signature')).display === 'block'"));
    seen.picture("reconciliation-on-paper");
    assert_eq!(seen.console, Vec::<String>::new());
    laboratory.close().await;
}
