//! Every shipped profile reads its fixtures as the snapshot beside each says, and each thing that a profile declares
//! is shown by a fixture. Set `LABWIRE_BLESS=1` to write the snapshots anew, then read the difference.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed test says why")]

#[path = "support/captures.rs"]
mod captures;
#[path = "profiles/corpus.rs"]
mod corpus;
#[path = "profiles/corpus_orders.rs"]
mod corpus_orders;
#[path = "profiles/pseudonymous.rs"]
mod pseudonymous;
#[path = "profiles/render.rs"]
mod render;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use labwire::config::profile;
use labwire::domain::profile::{Dialect, Hl7Dialect, Profile, ResultType};
use labwire::domain::{CodeMapping, InstrumentId, Outcome, SpecimenRules, Value};
use labwire::pipeline::{Context, Found, Part, Reading, answer, process, process_part};
use labwire_astm::record::Message;
use labwire_drop::{Cutter, Verdict};
use labwire_units::Aliases;

pub(crate) fn profiles() -> BTreeMap<String, Arc<Profile>> {
    let shipped = profile::shipped();
    assert!(!shipped.is_empty(), "no profile is part of the program");
    let read = |(file, text): (String, String)| {
        let profile = profile::parse(&text).unwrap_or_else(|faults| panic!("{file}: {faults:?}"));
        assert_eq!(file, format!("{}.toml", profile.name));
        (profile.name.clone(), Arc::new(profile))
    };
    shipped.into_iter().map(read).collect()
}

pub(crate) fn reading(profile: &Arc<Profile>) -> Reading {
    Reading {
        instrument: InstrumentId::new("bench-1"),
        profile: Arc::clone(profile),
        time_zone: jiff::tz::TimeZone::get("Europe/Berlin").unwrap(),
        character_set: Some(encoding_rs::UTF_8),
        decimal_separator: '.',
        specimen: SpecimenRules { trim: true, ..SpecimenRules::default() },
        codes: Arc::new(codes(&profile.name)),
        panels: BTreeMap::new(),
        specimen_kinds: BTreeMap::new(),
        units: Aliases::default(),
        rules: None,
    }
}

/// The codes that a lab names where the profile lists none, as its fixtures need them: one a line in a file `codes`.
fn codes(profile: &str) -> BTreeMap<String, CodeMapping> {
    let text = std::fs::read_to_string(folder(profile).join("codes")).unwrap_or_default();
    text.lines().map(|code| (code.to_owned(), CodeMapping::default())).collect()
}

fn folder(profile: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/profiles").join(profile)
}

pub(crate) fn received_at() -> Timestamp {
    "2026-05-01T12:00:00Z".parse().unwrap()
}

/// The fixtures of one profile, as they would come off the wire or out of a folder.
fn fixtures(profile: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = folder(profile);
    let entries =
        std::fs::read_dir(&folder).unwrap_or_else(|_| panic!("no fixtures in {}", folder.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|name| name != "txt")).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).unwrap();
        let over_a_line = path.extension().is_some_and(|kind| kind == "astm" || kind == "hl7");
        let bytes = match over_a_line {
            true => String::from_utf8(bytes).unwrap().replace('\n', "\r").into_bytes(),
            false => bytes,
        };
        (path, bytes)
    };
    paths.into_iter().map(read).collect()
}

fn outcomes(profile: &Arc<Profile>) -> Vec<Outcome> {
    let all = fixtures(&profile.name);
    all.iter().map(|(_, bytes)| read(bytes, &reading(profile))).collect()
}

/// Reads a message, or each part of a file.
fn read(bytes: &[u8], reading: &Reading) -> Outcome {
    let context = Context { received_at: received_at() };
    let Dialect::Table(_) = &reading.profile.dialect else { return process(bytes, reading, &context) };
    let mut cutter = Cutter::new(reading.profile.dialect.contents(None));
    cutter.push(bytes);
    assert_eq!(cutter.finish(), Verdict::Whole);
    let slice = |range: std::ops::Range<u64>| {
        let at = |offset: u64| usize::try_from(offset).unwrap();
        bytes.get(at(range.start)..at(range.end)).unwrap()
    };
    let head = cutter.head().map_or(&[][..], slice);
    let mut outcome = Outcome::default();
    while let Some(part) = cutter.poll() {
        let part = Part { head, rows: slice(part.bytes), first_line: part.first_line };
        let read = process_part(&part, reading, &context);
        outcome.observations.extend(read.observations);
        outcome.problems.extend(read.problems);
        outcome.habits.extend(read.habits);
    }
    outcome
}

#[test]
fn each_fixture_is_read_as_its_snapshot_says() {
    let bless = std::env::var_os("LABWIRE_BLESS").is_some();
    let mut replayed = 0;
    for (name, profile) in &profiles() {
        let reading = reading(profile);
        for (path, bytes) in fixtures(name) {
            let outcome = read(&bytes, &reading);
            let answer = answer(&bytes, &reading, &Found::new(), received_at());
            let seen = render::outcome(&outcome, answer.as_deref());
            let snapshot = path.with_extension("txt");
            if bless {
                std::fs::write(&snapshot, &seen).unwrap();
            }
            let expected = std::fs::read_to_string(&snapshot).unwrap_or_default();
            assert_eq!(seen, expected, "{}", path.display());
            replayed += 1;
        }
    }
    assert!(replayed > 0);
}

#[test]
fn fixtures_show_every_kind_of_record_and_no_other() {
    for (name, profile) in &profiles() {
        let all = fixtures(name);
        match &profile.dialect {
            Dialect::Astm(dialect) => {
                let messages = all.iter().map(|(_, bytes)| Message::parse(bytes));
                let shown: BTreeSet<_> = messages
                    .flat_map(|message| message.records().map(|record| record.kind()).collect::<Vec<_>>())
                    .collect();
                assert_eq!(shown, dialect.records, "{name}");
            }
            Dialect::Hl7(dialect) => {
                let shown: BTreeSet<[u8; 3]> = all.iter().flat_map(|(_, bytes)| segments(bytes)).collect();
                assert_eq!(shown, dialect.segments, "{name}");
            }
            // A file that lacks a column of its profile isn't read.
            Dialect::Table(_) => {}
        }
    }
}

#[test]
fn no_fixture_departs_from_its_profile() {
    for (name, profile) in &profiles() {
        for outcome in outcomes(profile) {
            let departs = |habit: &&labwire::domain::Habit| {
                habit.pinned.is_some() && habit.kind != labwire::domain::HabitKind::Code
            };
            let departures: Vec<_> = outcome.habits.iter().filter(departs).collect();
            assert!(departures.is_empty(), "{name}: {departures:?}");
        }
    }
}

fn segments(bytes: &[u8]) -> Vec<[u8; 3]> {
    let message = labwire_hl7::message::Message::parse(bytes).unwrap();
    message.segments().map(|segment| segment.name().try_into().unwrap()).collect()
}

/// The profile without each of its signs of a control, and the sign.
fn each_class_left_out(profile: &Profile) -> Vec<(Profile, String)> {
    let with = |dialect| Profile { dialect, ..profile.clone() };
    match &profile.dialect {
        Dialect::Astm(dialect) => (0..dialect.classes.len())
            .map(|at| {
                let mut without = dialect.clone();
                let rule = without.classes.remove(at);
                (with(Dialect::Astm(without)), rule.at.to_string())
            })
            .collect(),
        // The standard's own table is shown once, for all who keep to it.
        Dialect::Hl7(dialect)
            if dialect.classes == Hl7Dialect::default().classes && profile.name != "generic-hl7" =>
        {
            Vec::new()
        }
        Dialect::Hl7(dialect) => (0..dialect.classes.len())
            .map(|at| {
                let mut without = dialect.clone();
                let (rule, _) = without.classes.remove(at);
                (with(Dialect::Hl7(without)), format!("{} {}", rule.at, rule.is.as_str()))
            })
            .collect(),
        Dialect::Table(dialect) => (0..dialect.classes.len())
            .map(|at| {
                let mut without = dialect.clone();
                let (rule, _) = without.classes.remove(at);
                (with(Dialect::Table(without)), format!("{} {}", rule.at, rule.is.as_str()))
            })
            .collect(),
    }
}

#[test]
fn fixtures_show_every_test_aspect_and_value() {
    for (name, profile) in &profiles() {
        let outcomes = outcomes(profile);
        let all = || outcomes.iter().flat_map(|outcome| &outcome.observations);
        for code in profile.tests.keys() {
            assert!(all().any(|o| o.test.code == *code), "{name}: no fixture shows test {code}");
        }
        for (aspect, declared) in &profile.aspects {
            assert!(all().any(|o| o.test.aspect == *aspect), "{name}: no fixture shows aspect {aspect}");
            coded(name, declared.result.as_ref(), &outcomes);
        }
        for test in profile.tests.values() {
            coded(name, Some(&test.result), &outcomes);
        }
        for (value, reason) in &profile.failed_values {
            let shows = |o: &labwire::domain::Observation| {
                o.value_as_sent == *value && o.value == Value::Absent { reason: reason.clone() }
            };
            assert!(all().any(shows), "{name}: no fixture shows the failed value {value}");
        }
    }
}

fn coded(name: &str, result: Option<&ResultType>, outcomes: &[Outcome]) {
    let Some(ResultType::Coded(values) | ResultType::QuantityOrCall(values)) = result else { return };
    for code in values.keys() {
        let value = Value::code(code.clone());
        let shown = outcomes.iter().flat_map(|outcome| &outcome.observations).any(|o| o.value == value);
        assert!(shown, "{name}: no fixture shows the value {code}");
    }
}

#[test]
fn fixtures_show_every_status_flag_and_sign_of_a_control() {
    for (name, profile) in &profiles() {
        let outcomes = outcomes(profile);
        let all = || outcomes.iter().flat_map(|outcome| &outcome.observations);
        for status in profile.statuses.keys() {
            assert!(all().any(|o| o.status_as_sent == *status), "{name}: no fixture shows status {status:?}");
        }
        for flag in profile.flags.keys() {
            assert!(all().any(|o| o.flags.contains(flag)), "{name}: no fixture shows flag {flag:?}");
        }
        for (without, sign) in each_class_left_out(profile) {
            let before: Vec<_> = all().map(|o| (o.class, o.standing.clone())).collect();
            let outcomes = self::outcomes(&Arc::new(without));
            let after: Vec<_> = outcomes
                .iter()
                .flat_map(|outcome| &outcome.observations)
                .map(|o| (o.class, o.standing.clone()))
                .collect();
            assert_ne!(before, after, "{name}: no fixture shows the sign {sign}");
        }
    }
}

#[test]
fn every_test_names_its_source_and_every_profile_what_it_does_not_know() {
    for (name, profile) in &profiles() {
        assert!(!profile.note.trim().is_empty() && !profile.vendor.is_empty(), "{name}");
        for (code, test) in &profile.tests {
            assert!(!test.source.is_empty(), "{name}: {code}");
        }
    }
}
