//! Nothing is said past the catalogues: in a language that marks each of its texts, no words stand outside of the marks but data;
//! and in German no English is left.

use std::collections::{BTreeMap, BTreeSet};

use labsim::lims::Mode;
use labwire::config::settings::Language;

use crate::accessible::{CALLED, CRITICAL};
use crate::controls::LOT;
use crate::laboratory::{Laboratory, SCRIPT_IN_ADDRESS};
use crate::over_http::between;

/// What analyzers, the configuration and people say in this laboratory, word by word.
const DATA: &str = "labwire Example laboratory vitros immuno assay b lims script alert img src x onerror mIU L tcp \
                    ANNA anna ortho vitros 3600 SHA HTTP CONTROL 1 3s p50 p95 ms s h min STAT V F R P ward \
                    Thyroid stimulating hormone TSH";
/// What the journal keeps in words, and the page shows as it was written.
const KEPT: &[&str] = &["answered", "unknown test code", "listener"];

/// The address of each view.
pub(crate) fn addresses(held: i64, problem: i64) -> Vec<String> {
    let of_one =
        [format!("/specimen?id={SCRIPT_IN_ADDRESS}"), format!("/held/{held}"), format!("/problem/{problem}")];
    let all = [
        "/",
        "/wall",
        "/alarms",
        "/held",
        "/held/several",
        "/held/several?held_for=odd-value",
        "/problems",
        "/dead-letters",
        "/orders",
        "/misread?id=24-000007",
        "/misread?id=24-000007&to=24-000008&result=1",
        "/reconciliation",
        "/qc",
        "/qc?instrument=vitros&code=001",
        "/specimen",
        "/specimen?id=24-000007",
        "/specimen?id=24-000009",
        "/specimen?id=nothing",
        "/message/1",
        "/delivery/1",
        "/delivery/2",
        "/analyzer/vitros",
        "/destination/lims",
        "/resend",
        "/resend?to=lims&specimen=24-000007",
        "/resend?to=lims&from=2000-01-01&until=x",
        "/downtime",
        "/downtime/1",
        "/call/1",
        "/sign-in",
        "/set-up",
        "/no-such-page",
        "/message/999",
    ];
    all.into_iter().map(str::to_owned).chain(of_one).collect()
}

/// Every view that shows something, by its address.
async fn views(laboratory: &Laboratory) -> Vec<(String, String)> {
    let held = laboratory.held();
    let problem = laboratory.open_problem();
    let cookie = laboratory.signed_in("anna", "supervisor").await;
    let guard = |body: &str| {
        let field = body.split("name=\"guard\" value=\"").nth(1).unwrap();
        field.split('"').next().unwrap().to_owned()
    };
    let downtime = laboratory.fetch_as(&cookie, "/downtime").await.body;
    let kept = laboratory.post("/downtime", &cookie, &format!("guard={}", guard(&downtime))).await;
    assert_eq!(kept.status, 303);
    let mut views = Vec::new();
    for path in addresses(held, problem) {
        let seen_by = if path == "/set-up" { "" } else { &cookie };
        let body = laboratory.fetch_as(seen_by, &path).await.body;
        views.push((path, body));
    }
    views.push(("/sign-in without a session".to_owned(), laboratory.fetch("/sign-in").await.body));
    views.push(("/held without a session".to_owned(), laboratory.fetch(&format!("/held/{held}")).await.body));
    let form = format!("guard={}&decision=reject:{held}&reason=invented", guard(&downtime));
    views.push(("/decide".to_owned(), laboratory.post("/decide", &cookie, &form).await.body));
    let guard = guard(&downtime);
    let day = laboratory.fetch_as(&cookie, "/reconciliation").await.body;
    let fingerprint = between(&day, "name=\"fingerprint\" value=\"", "\"");
    let form = format!("guard={guard}&day=today&fingerprint={fingerprint}&reason=invented");
    views.push(("/sign-off".to_owned(), laboratory.post("/sign-off", &cookie, &form).await.body));
    views.push(("a signed day".to_owned(), laboratory.fetch("/reconciliation").await.body));
    for (path, form) in REFUSED {
        let answer = laboratory.post(path, &cookie, &format!("guard={guard}&reason=invented&{form}")).await;
        assert_eq!(answer.status, 409, "{path} {form}: {}", answer.body);
        views.push((format!("{path} {form}"), answer.body));
    }
    views
}

/// What the gateway refuses.
const REFUSED: [(&str, &str); 15] = [
    ("/decide", "decision=release:999"),
    ("/decide", "decision=reject:1"),
    ("/decide", "decision=retry:1"),
    ("/decide", "decision=give-up:999"),
    ("/decide", "decision=confirm:2"),
    ("/decide", "decision=reread:999"),
    ("/decide", "decision=dismiss:999"),
    ("/decide", "decision=dismiss-message:1"),
    ("/decide", "decision=reevaluate:1"),
    ("/misread", "id=24-000007&to=24-000007&result=1"),
    ("/misread", "id=24-000007&to=24-000008"),
    ("/qc", "said=accept:999"),
    ("/qc", "said=exclude:1"),
    ("/resend", "to=lims&specimen=nothing&seen=x"),
    ("/sign-off", "day=today&fingerprint=x"),
];

/// Open, with results of which some are held, refused, and a problem.
async fn speaking(language: Language) -> Laboratory {
    let files = [("rules.d/own.toml", CRITICAL.as_bytes()), ("qc.d/own.toml", LOT.as_bytes())];
    let laboratory = Laboratory::start("127.0.0.1", CALLED, &files, language).await;
    laboratory.send_results().await;
    laboratory.lims_does(Mode::Refuse(vec!["001".to_owned()]));
    laboratory.send("24-000009", &[("001", "5.10")]).await;
    laboratory.until("/waiting/dead_letters", 1).await;
    let problem = laboratory.open_problem();
    laboratory.send("CONTROL-1", &[("001", "5.50")]).await;
    while laboratory.open_problem() == problem {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    laboratory.sign_rules().await;
    laboratory.send("24-000010", &[("001", "95.0")]).await;
    while laboratory.fetch("/call/1").await.status != 200 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    laboratory
}

/// What is read of a page, or heard: text, and the attributes that are words. Bytes and commands are left out.
fn visible(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some((before, tail)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        let hidden = ["code", "pre", "style", "script"].iter().find(|it| tail.starts_with(**it));
        if let Some(name) = hidden {
            rest = tail.split_once(&format!("</{name}>")).map_or("", |(_, after)| after);
            continue;
        }
        let Some((tag, after)) = tail.split_once('>') else { break };
        for named in [" aria-label=\"", " title=\"", " placeholder=\"", " data-of=\"", " data-words-"] {
            for value in tag.split(named).skip(1) {
                let value =
                    if named.ends_with('-') { value.split('"').nth(1) } else { value.split('"').next() };
                text.push_str(value.unwrap_or_default());
                text.push(' ');
            }
        }
        rest = after;
    }
    text + rest
}

/// What isn't between marks.
fn unmarked(text: &str) -> String {
    let mut depth = 0;
    let mut rest = String::new();
    for letter in text.chars() {
        match letter {
            '⟦' => depth += 1,
            '⟧' => depth -= 1,
            other if depth == 0 => rest.push(other),
            _ => {}
        }
    }
    assert_eq!(depth, 0, "marks don't pair");
    rest
}

/// The words of a text that are no data of this laboratory.
fn foreign(text: &str) -> Vec<String> {
    let data: BTreeSet<&str> = DATA.split_whitespace().collect();
    let text = KEPT.iter().fold(text.to_owned(), |text, kept| text.replace(kept, " "));
    let words = text.split(|letter: char| !letter.is_alphanumeric());
    let is_word = |it: &&str| it.chars().filter(|it| it.is_alphabetic()).count() > 1;
    words.filter(is_word).filter(|it| !data.contains(it)).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_view_says_its_words_from_the_catalogue() {
    let mut laboratory = speaking(Language::Marked).await;
    let mut found = BTreeMap::new();
    for (path, page) in views(&laboratory).await {
        assert!(page.contains('⟦'), "{path}: {page}");
        let foreign = foreign(&unmarked(&visible(&page)));
        if !foreign.is_empty() {
            found.insert(path, foreign);
        }
    }
    laboratory.close().await;
    assert_eq!(found, BTreeMap::new());
}

#[test]
fn words_that_pass_the_catalogue_by_are_noticed() {
    for (page, expected) in [
        ("<p>⟦Nothing is held.⟧</p>", &[][..]),
        ("<p>⟦Held since⟧ yesterday</p>", &["yesterday"]),
        ("<p>⟦{vitros} is ⟦down⟧: no route⟧</p><b title=\"Held\">⟦a⟧</b>", &["Held"]),
        ("<i aria-label=\"⟦Open⟧ now\"></i><code>labwire held</code>", &["now"]),
    ] {
        assert_eq!(foreign(&unmarked(&visible(page))), expected, "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_german_page_leaves_no_english_and_says_that_it_is_german() {
    let file = std::fs::read_to_string("src/status/words/de.toml").unwrap();
    let catalogue: BTreeMap<String, String> = toml::from_str(&file).unwrap();
    // Texts whose words can't be data: longer ones, without places, that German says otherwise.
    let english: Vec<&String> = catalogue
        .iter()
        .filter(|(text, said)| text.len() > 12 && !text.contains(['{', '%']) && text != said)
        .map(|(text, _)| text)
        .collect();
    let mut laboratory = speaking(Language::German).await;
    for (path, page) in views(&laboratory).await {
        assert!(page.contains("<html lang=\"de\">"), "{path}");
        let text = visible(&page).replace("&#39;", "'");
        let left: Vec<&&String> = english.iter().filter(|it| text.contains(it.as_str())).collect();
        assert!(left.is_empty(), "{path}: {left:?}");
    }
    let bench = laboratory.fetch("/").await.body;
    assert!(bench.contains("Gescheiterte Sendungen"), "{bench}");
    // Programs are told in English.
    assert!(laboratory.status().await["headline"].as_str().unwrap().contains("delivery waits for a person"));
    laboratory.close().await;
}
