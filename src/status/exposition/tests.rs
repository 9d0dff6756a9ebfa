//! What is told to Prometheus, and that the alert rules, the dashboard and the manual speak of the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::board::DropView;
use crate::journal::notes::LinkNotes;
use crate::journal::retention::Moved;
use crate::status::lead::tests::calm_bench;

fn busy_bench() -> (Snapshot, Vitals) {
    let mut snapshot = calm_bench();
    let note = LinkNotes {
        source: "tcp \"7001\"".to_owned(),
        code: "bad-checksum".to_owned(),
        count: 3,
        first_at: snapshot.as_of,
        last_at: snapshot.as_of,
    };
    for analyzer in &mut snapshot.analyzers {
        analyzer.notes = vec![note.clone()];
        analyzer.drop = Some(DropView::default());
    }
    for lims in &mut snapshot.destinations {
        lims.attempts = BTreeMap::from([("accepted", 7), ("retry", 1)]);
        lims.sums.states = BTreeMap::from([("accepted".to_owned(), 14)]);
        lims.queue.oldest = snapshot.as_of.checked_sub(Duration::from_secs(90)).ok();
        lims.queue.deliveries = BTreeMap::from([("dead".to_owned(), 2)]);
    }
    let within = vec![(Duration::from_micros(2_500), 4), (Duration::from_secs(10), 5)];
    let delays = Delays { within, count: 6, sum: Duration::from_millis(12_345) };
    let holds = Moved { items: 3, bytes: 999 };
    let archive = Archive { name: "2024-11.db".to_owned(), last_at: snapshot.as_of, holds, is_there: true };
    let space = Space { free: 10, used: 5, unused: 0 };
    let dead = vec![Dead { instrument: "centaur".to_owned(), destination: "lims".to_owned(), results: 3 }];
    let archives = vec![archive];
    let board = crate::board::Board::default();
    board.arrived("centaur", Duration::from_secs(70));
    let lags = board.lags();
    (snapshot, Vitals { delays, space, reserve_bytes: 7, archives, dropped_spans: Some(4), dead, lags })
}

#[test]
fn numbers_are_told_with_their_labels() {
    let (snapshot, vitals) = busy_bench();
    let text = exposition(&snapshot, &vitals);
    for line in [
        "labwire_journal_free_bytes 10",
        "labwire_journal_reserve_bytes 7",
        "labwire_journal_days_left 400",
        "labwire_archived_bytes 999",
        "labwire_frame_stored_seconds_bucket{le=\"0.0025\"} 4",
        "labwire_frame_stored_seconds_bucket{le=\"10\"} 5",
        "labwire_frame_stored_seconds_bucket{le=\"+Inf\"} 6",
        "labwire_frame_stored_seconds_sum 12.345",
        "labwire_frame_stored_seconds_count 6",
        "labwire_link_notes_total{link=\"tcp \\\"7001\\\"\",kind=\"bad-checksum\"} 3",
        "labwire_attempts_total{destination=\"lims\",verdict=\"retry\"} 1",
        "labwire_deliveries{destination=\"lims\",state=\"dead\"} 2",
        "labwire_deliveries{destination=\"lims\",state=\"due\"} 0",
        "labwire_oldest_owed_age_seconds{destination=\"lims\"} 90",
        "labwire_dropped_spans_total 4",
        "labwire_delivery_lag_seconds_bucket{analyzer=\"centaur\",le=\"60\"} 0",
        "labwire_delivery_lag_seconds_bucket{analyzer=\"centaur\",le=\"300\"} 1",
        "labwire_delivery_lag_seconds_sum{analyzer=\"centaur\"} 70",
        "labwire_dead_letter_results{analyzer=\"centaur\",destination=\"lims\"} 3",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}:\n{text}");
    }
}

#[test]
fn each_sample_stands_once_and_under_its_family() {
    let (snapshot, vitals) = busy_bench();
    let (mut family, mut seen) = (String::new(), BTreeSet::new());
    for line in exposition(&snapshot, &vitals).lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            family = rest.split(' ').next().unwrap().to_owned();
        } else if !line.starts_with('#') {
            let (series, value) = line.rsplit_once(' ').unwrap();
            assert!(series.starts_with(&family), "{line} under {family}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
            assert!(seen.insert(series.to_owned()), "{line} twice");
        }
    }
}

/// Every `labwire_…` that a text speaks of, without what a histogram adds to its name.
fn spoken_of(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let is_name = |word: &&str| !word.contains(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit());
    let names =
        words.filter(|word| word.len() > "labwire_".len() && word.starts_with("labwire_")).filter(is_name);
    names
        .map(|name| {
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            base.unwrap_or(name).to_owned()
        })
        .collect()
}

#[test]
fn the_rules_the_dashboard_and_the_manual_speak_of_what_is_told() {
    let (snapshot, vitals) = busy_bench();
    let text = exposition(&snapshot, &vitals);
    let told: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next().map(str::to_owned))
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    for path in ["packaging/observability/labwire.rules.yml", "packaging/observability/dashboard.json"] {
        let spoken = spoken_of(&read(path));
        assert!(spoken.len() > 5, "{path} speaks of something");
        let unknown: Vec<_> = spoken.difference(&told).collect();
        assert!(unknown.is_empty(), "{path} speaks of {unknown:?}");
    }
    let manual = spoken_of(&read("docs/OPERATIONS.md"));
    assert_eq!(manual, told, "docs/OPERATIONS.md, in its table of metrics");
    serde_json::from_str::<serde_json::Value>(&read("packaging/observability/dashboard.json")).unwrap();
}
