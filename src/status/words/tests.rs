//! Each catalogue knows every text that the page says, with the same places, and no other; and no template holds a text
//! that passes them by. What pages say past the catalogues is looked for in tests/page.

#![expect(clippy::string_slice, reason = "a test cuts sources where it has just found an ASCII letter")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::*;
use crate::domain::call::{CallOutcome, IdentifierKind, Opening, Reopening, Tell};
use crate::domain::clinic::{Check, Path};
use crate::domain::qc::{Outcome, QcState, WhyNot};
use crate::domain::{HoldReason, OrderDoubt, ProblemKind, Role};
use crate::journal::calls::Reason;
use crate::journal::views::Kin;
use crate::orders::Contested;
use crate::reconciliation::Kind;

/// All that is said, by its English.
fn used() -> BTreeSet<String> {
    let mut used: BTreeSet<String> = closed_sets().into_iter().map(str::to_owned).collect();
    for (_, text) in files("src", "rs").iter().filter(|(path, _)| !is_test(path)) {
        used.extend(texts_of_code(production(text)));
        used.extend(doings(text));
    }
    for crate_of_protocols in ["protocols/astm/src", "protocols/hl7/src"] {
        files(crate_of_protocols, "rs").iter().for_each(|(_, text)| used.extend(doings(text)));
    }
    files("src/status/templates", "html").iter().for_each(|(_, text)| used.extend(texts_of_template(text)));
    used
}

/// Texts that are told by a code's own words.
fn closed_sets() -> Vec<&'static str> {
    let mut texts = vec![",", "%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%H:%M:%S %:z", "%H:%M", WHOLE];
    texts.extend(["%A %-d %B %Y", Contested::REMEDY]);
    texts.extend(kept::KEPT);
    texts.extend(refused::REFUSED);
    texts.extend(ruled::RULED.iter().chain(ruled::UNCONVERTED));
    texts.extend(Check::ALL.map(|(name, _)| name));
    texts.extend(Path::ALL.map(Path::name));
    texts.extend(ProblemKind::ALL.iter().flat_map(|it| [it.words(), it.remedy()]));
    texts.extend(HoldReason::ALL.map(HoldReason::text));
    texts.extend(OrderDoubt::ALL.map(OrderDoubt::text));
    texts.extend(CallOutcome::ALL.map(|(_, it)| it.words()));
    texts.extend(IdentifierKind::ALL.map(|(_, it)| it.words()));
    texts.extend([Opening::Critical, Opening::Undecided].map(Opening::words));
    texts.extend([Reopening::Corrected, Reopening::Withdrawn].map(Reopening::words));
    texts.push(Reason::TakenBack.words());
    texts.extend([Kin::EarlierVersion, Kin::Rerun, Kin::Other].map(Kin::words));
    texts.extend(QcState::ALL.map(QcState::name));
    texts.extend(Outcome::ALL.map(Outcome::name));
    texts.extend(WhyNot::ALL.map(WhyNot::words));
    texts.extend(Kind::ALL.map(Kind::words));
    texts.extend(Role::ALL.map(Role::name));
    if let Words::Text { english, .. } = Tell::Withdrawn.words() {
        texts.push(english);
    }
    texts
}

pub(super) fn files(folder: &str, ending: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == ending) {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "nothing in {folder}");
    found
}

fn is_test(path: &std::path::Path) -> bool {
    path.ends_with("tests.rs") || path.ends_with("domain/words.rs") || path.iter().any(|it| it == "tests")
}

pub(super) fn production(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or_default()
}

/// The string literal that some code begins with, and what comes after it.
pub(super) fn literal(code: &str) -> Option<(String, &str)> {
    let mut rest = code.trim_start().strip_prefix('"')?;
    let mut text = String::new();
    loop {
        let end = rest.find(['"', '\\'])?;
        text.push_str(&rest[..end]);
        match (&rest[end..=end], rest[end + 1..].chars().next()) {
            ("\\", Some('\n')) => rest = rest[end + 1..].trim_start(),
            ("\\", Some(escaped)) => {
                text.push(escaped);
                rest = &rest[end + 2..];
            }
            _ => return Some((text, &rest[end + 1..])),
        }
    }
}

/// What comes after the first argument.
fn after_argument(code: &str) -> Option<&str> {
    let (mut depth, mut rest) = (0, code);
    loop {
        if let (Some((_, after)), true) = (literal(rest), rest.starts_with('"')) {
            rest = after;
            continue;
        }
        let letter = rest.chars().next()?;
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => return Some(&rest[1..]),
            _ => {}
        }
        rest = &rest[letter.len_utf8()..];
    }
}

fn texts_of_code(code: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for marker in [" words!(", "(words!(", "[words!(", "Words::fixed(", "NotFound(", "Forbidden("] {
        let calls = code.split(marker).skip(1);
        texts.extend(calls.filter_map(literal).map(|(text, _)| text));
    }
    for call in code.split("counted!(").skip(1) {
        let (one, rest) = after_argument(call).and_then(literal).unwrap();
        let (many, _) = literal(rest.trim_start_matches(',')).unwrap();
        texts.extend([one, many]);
    }
    texts
}

/// What links are doing, as protocols say it.
fn doings(code: &str) -> Vec<String> {
    let bodies = code.split("fn doing(&self)").skip(1);
    let bodies = bodies.filter_map(|body| body.split("\n    }").next());
    bodies.flat_map(|body| body.split('"').skip(1).step_by(2).map(str::to_owned)).collect()
}

fn texts_of_template(template: &str) -> Vec<String> {
    let quoted: Vec<&str> = template.split('"').collect();
    let said =
        |pair: &&[&str]| ["|say", "|plain", "|with(", "|counted("].iter().any(|it| pair[1].starts_with(it));
    let many = quoted.windows(3).filter(|three| three[1] == "|counted(");
    let many = many.map(|three| three[2].to_owned());
    quoted.windows(2).filter(said).map(|pair| pair[0].to_owned()).chain(many).collect()
}

fn places(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

/// What is wrong with a catalogue.
fn faults(used: &BTreeSet<String>, catalogue: &BTreeMap<String, String>) -> Vec<String> {
    let missing =
        used.iter().filter(|text| !catalogue.contains_key(*text)).map(|it| format!("missing: {it}"));
    let unused = catalogue.keys().filter(|text| !used.contains(*text)).map(|it| format!("unused: {it}"));
    let differ = catalogue.iter().filter(|(text, said)| places(text) != places(said));
    let empty = catalogue.iter().filter(|(_, said)| said.is_empty()).map(|(it, _)| format!("empty: {it}"));
    let differ = differ.map(|(it, _)| format!("other places: {it}"));
    missing.chain(unused).chain(differ).chain(empty).collect()
}

#[test]
fn german_says_all_that_is_said_with_the_same_in_it_and_no_more() {
    let used = used();
    assert!(used.len() > 900, "only {} texts were found", used.len());
    assert_eq!(faults(&used, &GERMAN), Vec::<String>::new());
    // What it must notice.
    let mut broken = GERMAN.clone();
    broken.remove("Nothing is held.");
    broken.insert("Nobody says this.".to_owned(), "Niemand sagt das.".to_owned());
    broken.insert("{n} results".to_owned(), "Ergebnisse".to_owned());
    broken.insert("Held".to_owned(), String::new());
    let expected = [
        "missing: Nothing is held.",
        "unused: Nobody says this.",
        "other places: {n} results",
        "empty: Held",
    ];
    assert_eq!(faults(&used, &broken), expected);
}

#[test]
fn a_text_is_found_where_its_english_would_be_looked_up() {
    let file = include_str!("de.toml");
    let texts: Vec<String> =
        file.lines().filter_map(|line| Some(line.split_once("\" = \"")?.0.to_lowercase())).collect();
    assert_eq!(texts.len(), GERMAN.len());
    let misplaced: Vec<_> = texts.windows(2).filter(|pair| pair[0] > pair[1]).collect();
    assert!(misplaced.is_empty(), "{misplaced:?}");
}

/// A template without what stands between these.
fn without(template: &str, begin: &str, end: &str) -> String {
    let mut parts = template.split(begin);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + " " + part.split_once(end).unwrap().1)
}

/// What stands in a template to be read, and is no text of the catalogue.
fn bare(template: &str) -> Vec<String> {
    let template = without(&without(template, "{{", "}}"), "{%", "%}");
    // What is typed as it stands is the same in every language.
    let template = without(&template, "<code>", "</code>");
    let mut text = without(&template, "<", ">");
    for named in [" aria-label=\"", " title=\"", " placeholder=\"", " alt=\"", " data-of=\""] {
        let worded = template.split(named).skip(1).filter_map(|it| it.split('"').next());
        text.extend(worded.flat_map(|it| [" ", it]));
    }
    let known = ["labwire", "SHA", "STAT", "p50", "p95", "h", "data", "still", "wall"];
    let words = text.split(|letter: char| !letter.is_alphanumeric());
    let words = words.filter(|it| it.chars().any(char::is_alphabetic) && !known.contains(it));
    words.map(str::to_owned).collect()
}

#[test]
fn no_template_holds_words_that_pass_the_catalogues_by() {
    for (path, text) in files("src/status/templates", "html") {
        assert_eq!(bare(&text), Vec::<String>::new(), "{}", path.display());
    }
    // What it must notice.
    for (template, expected) in [
        ("<p>Nothing is held.</p>", &["Nothing", "is", "held"][..]),
        ("<p>{{ it }} open</p>", &["open"]),
        ("<b title=\"Held\">{{ it }}</b>", &["Held"]),
        ("<p>{{ \"Held\"|say }} <code>labwire held</code></p>", &[]),
    ] {
        assert_eq!(bare(template), expected, "{template}");
    }
}

#[test]
fn times_have_their_day_and_offset_for_whoever_points_at_them_and_nothing_else_is_markup() {
    let zone = jiff::tz::TimeZone::get("Europe/Vienna").unwrap();
    let at = "2026-03-29T22:29:59Z".parse::<jiff::Timestamp>().unwrap().to_zoned(zone);
    let words = crate::domain::words!(
        "since {since}: {what}",
        since = Moment { at, form: "%Y-%m-%d %H:%M:%S" },
        what = "<b>\"it's\" & so"
    );
    assert_eq!(
        html(&words, Language::German),
        "seit <time datetime=\"2026-03-29T22:29:59Z\" title=\"30.03.2026 00:29:59 +02:00\">30.03.2026 00:29:59</time>: \
         &#60;b&#62;&#34;it&#39;s&#34; &#38; so"
    );
    assert_eq!(plain(&words, Language::English), "since 2026-03-30 00:29:59: <b>\"it's\" & so");
    assert_eq!(plain(&Words::Number(12_345), Language::German), "12\u{202f}345");
}
