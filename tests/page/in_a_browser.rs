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
    seen.until_typing_into("scan", "/");
    seen.type_text("24-0000");

    laboratory.send("24-000007", &[("001", "4.80")]).await;
    seen.until("document.querySelector('tfoot small').textContent.startsWith('1 received ')");
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
async fn a_page_that_nobody_looks_at_keeps_no_connection_unless_it_is_to_be_heard() {
    let mut laboratory = Laboratory::open().await;
    let mut seen = Browser::open(&format!("http://{}/", laboratory.page));
    seen.until(LIVE);
    let counting = "(() => { const close = EventSource.prototype.close; window.given = 0; \
                    EventSource.prototype.close = function () { window.given += 1; close.call(this); }; return true; })()";
    assert!(seen.is(counting));
    let turns = |hidden: bool| {
        format!(
            "(() => {{ Object.defineProperty(document, 'hidden', {{ value: {hidden}, configurable: true }}); \
             document.dispatchEvent(new Event('visibilitychange')); return true; }})()"
        )
    };
    assert!(seen.is("(localStorage.setItem('labwire-sound', 'on'), true)") && seen.is(&turns(true)));
    assert!(seen.is("window.given === 0"), "its alarms are to be heard");
    assert!(seen.is(&turns(false)) && seen.is("(localStorage.removeItem('labwire-sound'), true)"));
    assert!(seen.is(&turns(true)) && seen.is("window.given === 1"));
    laboratory.send("24-000007", &[("001", "4.80")]).await;
    laboratory.until("/destinations/lims/results/accepted", 1).await;
    // Longer than an open page waits before it says that it isn't live: its name in the row of tabs must say nothing of it.
    tokio::time::sleep(std::time::Duration::from_secs(7)).await;
    let stale = "document.documentElement.classList.contains('is-stale')";
    assert!(!seen.is(stale), "it rests");
    assert!(seen.is(&turns(false)) && seen.is(stale), "what it shows is old");
    seen.until("document.querySelector('tfoot small').textContent.startsWith('1 received ')");
    seen.until(LIVE);
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

/// Takes away what browsers have learned since the middle of 2021, as far as a page could come to use it.
const OLDER: &str = "delete AbortSignal.timeout; delete AbortSignal.any; delete AbortSignal.prototype.throwIfAborted; \
    delete window.structuredClone; delete Object.hasOwn; delete Object.groupBy; delete Map.groupBy; \
    delete Promise.withResolvers; delete Promise.try; delete URL.canParse; delete URL.parse; \
    for (const kind of [Array, String, Uint8Array]) delete kind.prototype.at; \
    for (const name of ['findLast', 'findLastIndex', 'toSorted', 'toReversed', 'toSpliced', 'with']) delete Array.prototype[name]; \
    for (const name of ['checkVisibility', 'setHTMLUnsafe']) delete Element.prototype[name]; \
    for (const name of ['showPopover', 'hidePopover', 'togglePopover']) delete HTMLElement.prototype[name]; \
    for (const name of ['union', 'intersection', 'difference', 'isSubsetOf']) delete Set.prototype[name];";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_browser_of_five_years_ago_shows_the_page_live_and_looks_up_a_scan() {
    let mut laboratory = Laboratory::with_results().await;
    let mut seen = Browser::open("about:blank");
    seen.before_each_page(OLDER);
    seen.go(&format!("http://{}/", laboratory.page));
    assert!(seen.is("AbortSignal.timeout === undefined"), "nothing was taken away");
    seen.until(LIVE);
    laboratory.send("24-000009", &[("001", "4.80")]).await;
    laboratory.until("/destinations/lims/results/accepted", 3).await;
    seen.until("document.querySelector('tfoot small').textContent.startsWith('4 received ')");
    assert!(seen.is("document.getElementById('stale').hidden"));
    seen.until_typing_into("scan", "/");
    seen.scan("24-000007");
    seen.until("location.pathname === '/specimen'");
    assert_eq!(seen.console, Vec::<String>::new());
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

/// Ways to make a careless page run what an analyzer sent: as markup, within attributes, addresses, scripts and styles, with
/// odd encodings, and as a template's own code.
const INJECTIONS: [&str; 28] = [
    "<script>ran=1</script>",
    "</script><script>ran=1</script>",
    "\"><script>ran=1</script>",
    "'><script>ran=1</script>",
    "<ScRiPt>ran=1</sCrIpT>",
    "<scr<script>ipt>ran=1</scr</script>ipt>",
    "<img src=x onerror=ran=1>",
    "<img/src=x/onerror=ran=1//",
    "\" onmouseover=ran=1 autofocus onfocus=ran=1 x=\"",
    "' onfocus=ran=1 autofocus x='",
    "<svg onload=ran=1>",
    "<svg><script>ran=1</script></svg>",
    "<svg><a href=javascript:ran=1><text y=9>a</text></a></svg>",
    "<math><mi xlink:href=javascript:ran=1>a</mi></math>",
    "<body onload=ran=1>",
    "<iframe srcdoc=\"<script>parent.ran=1</script>\">",
    "<iframe src=javascript:parent.ran=1>",
    "<details open ontoggle=ran=1>",
    "<style>@import 'javascript:ran=1';</style>",
    "<link rel=stylesheet href=data:text/css,*{display:none}>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<form action=//evil.example><input name=id><button>",
    "javascript:ran=1",
    "&lt;script&gt;ran=1&lt;/script&gt;",
    "{{ 7*7 }}{% raw %}${7*7}",
    "</textarea></title></style></noscript><script>ran=1</script>",
    "\u{202e}<!--\u{2028}ran=1",
];

/// In an ASTM field: what would be a delimiter is escaped.
fn in_a_field(text: &str) -> String {
    let escaped = |c: char| match c {
        '|' => "&F&".to_owned(),
        '^' => "&S&".to_owned(),
        '&' => "&E&".to_owned(),
        '\\' => "&R&".to_owned(),
        other => other.to_string(),
    };
    text.chars().map(escaped).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn nothing_of_a_corpus_of_injections_runs_on_any_view() {
    let mut laboratory = Laboratory::open().await;
    for text in INJECTIONS {
        let text = in_a_field(text);
        laboratory.send(&text, &[("001", &text), (&text, "1")]).await;
    }
    let total = i64::try_from(INJECTIONS.len()).unwrap();
    laboratory.until("/intake/received", 2 * total).await;
    laboratory.until("/waiting/unread", 0).await;
    let page = laboratory.page;
    let mut seen = Browser::open(&format!("http://{page}/"));
    let mut views: Vec<String> =
        ["/", "/held", "/problems", "/downtime", "/wall", "/alarms", "/analyzer/vitros", "/destination/lims"]
            .map(str::to_owned)
            .into();
    views.extend(["/reconciliation", "/dead-letters", "/orders", "/qc"].map(str::to_owned));
    for number in 1..=INJECTIONS.len() {
        views.extend([format!("/message/{number}"), format!("/held/{number}"), format!("/problem/{number}")]);
    }
    for text in INJECTIONS {
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        views.push(format!("/specimen?id={encoded}"));
        views.push(format!("/misread?id={encoded}&to={encoded}"));
        views.push(format!("/resend?to=lims&specimen={encoded}"));
    }
    for view in views {
        seen.go(&format!("http://{page}{view}"));
        assert!(seen.is("document.querySelector('main') !== null && typeof ran === 'undefined'"), "{view}");
        let address = seen.text("location.origin");
        assert_eq!(address, format!("http://{page}"), "{view}");
        let odd = "main script, main iframe, main style, main link, main meta, main base, main [onload], main [onerror], main [onfocus]";
        assert!(seen.is(&format!("document.querySelector('{odd}') === null")), "{view}");
    }
    laboratory.close().await;
}
