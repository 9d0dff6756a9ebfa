//! What the page asks costs the same whatever the journal holds of what is over: each query's steps are counted in a
//! small journal and in one twenty times as large.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, StatementStatus};

/// Where the page's queries stand.
const ASKED_BY_THE_PAGE: [&str; 6] =
    ["views/mod.rs", "views/overview.rs", "views/way.rs", "calls/reading.rs", "sums.rs", "days.rs"];
/// Results that are over in the small journal.
const FEW: i64 = 100;
const MANY: i64 = 20 * FEW;
/// A search in a larger index is a little deeper.
const SLACK: i64 = 40;

/// A journal of results that are over, each of its own message and specimen, all of one analyzer.
fn journal(results: i64) -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(include_str!("../../src/journal/migrations/0001_spine.sql")).unwrap();
    connection.execute_batch(include_str!("../../src/journal/migrations/0002_drop.sql")).unwrap();
    connection.execute_batch(include_str!("../../src/journal/migrations/0003_order.sql")).unwrap();
    connection.execute_batch(include_str!("../../src/journal/migrations/0007_rules.sql")).unwrap();
    connection.execute_batch(include_str!("../../src/journal/migrations/0008_call.sql")).unwrap();
    connection.execute_batch(include_str!("../../src/journal/migrations/0014_reassignment.sql")).unwrap();
    connection.execute_batch(include_str!("../../src/journal/migrations/0025_reevaluation.sql")).unwrap();
    connection.execute_batch(include_str!("../../src/journal/migrations/0022_resend.sql")).unwrap();
    connection.execute_batch(include_str!("../../src/journal/migrations/0024_sent_again.sql")).unwrap();
    connection.execute_batch(include_str!("../../src/journal/migrations/0026_archive.sql")).unwrap();
    let rows = [
        "transfer (id, source, peer, began_at, ended_at) SELECT i, 'port', 'peer', i, i",
        "parcel SELECT i, i, i, 0, 1, x'00', x'00', NULL",
        "message SELECT i, i, i, 0, i, 1, i, 'processed', i, 'sim', NULL, NULL, 1",
        "observation SELECT i, i, 0, 'sim', 'S' || i, 'K', '', '', 'patient', 'final', 1, NULL, i, '{}'",
        "repetition SELECT i, 1, '', i",
        "problem SELECT i, i, 0, 'sim', 'S' || i, 'odd-time', '', 0, 0, i, i, 'somebody', ''",
        "hold SELECT i, i, 'rerun', i, i, 'somebody', 'released', ''",
        "host_query SELECT i, i, 'sim', 0, '[]', 0, i, 'orders', i, 0, NULL",
        "delivery SELECT i, 'lims', 'S' || i, 'key-' || i, x'00', x'00', 1, 'settled', i, 1, i, i, 0, NULL",
        "ledger (destination, observation, specimen, lane, priority, state, delivery, changed_at)
            SELECT 'lims', i, 'S' || i, 'K', 1, 'accepted', i, i",
        "owed SELECT i, 'lims', 1",
        "attempt SELECT i, i, 1, 'send', i",
        "answer SELECT i, i, 200, x'00', 'accepted', '', NULL, NULL, NULL, NULL",
        "rule_text SELECT i, 'the rules'",
        "evaluation SELECT i, i, i, 'in-force', '{}', '[]', i, NULL, NULL",
        "critical_call SELECT i, 'S' || i, i",
        "call_event SELECT i, i, i, 'critical', i, 'labwire', '{}', 'closed'",
        "reassignment SELECT i, 'R' || i, 'somebody', 'labwire', '', i",
        "reevaluation SELECT i, 'somebody', 'labwire', '', i",
        "notice SELECT i, i, 'lims', 'misread', 'S' || i, 'K', 'accepted', i, NULL, i",
        "resend SELECT i, i, 'as-it-was', 'somebody', 'labwire', '', i",
        "resend_line SELECT i, i, 'lims', i",
        "call_line SELECT i, 'lims', i, i, 'S' || i, 'accepted', i, NULL, i",
    ];
    for row in rows {
        let (into, select) = row.split_once("SELECT").unwrap();
        let counted = format!(
            "INSERT INTO {into} SELECT {select} FROM (WITH RECURSIVE n (i) AS
                (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {results}) SELECT i FROM n)"
        );
        connection.execute(&counted, []).unwrap_or_else(|error| panic!("{error}: {row}"));
    }
    for name in ["read", "received", "new", "duplicate", "problem"] {
        connection.execute("INSERT INTO counter VALUES (?, 'sim', 1)", [name]).unwrap();
    }
    connection
}

fn statements() -> Vec<String> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/journal"));
    let of = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
    let is_query = |text: &&str| ["SELECT ", "WITH "].iter().any(|verb| text.trim_start().starts_with(verb));
    ASKED_BY_THE_PAGE
        .into_iter()
        .flat_map(|file| of(file).split('"').filter(is_query).map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// The first result's own number, or what else a parameter is compared with.
fn parameter(before: &str) -> Value {
    let word = before.trim_end_matches(['=', ' ', '(', '<']).rsplit(|c: char| !c.is_alphanumeric()).next();
    match word.unwrap_or_default() {
        "destination" => Value::Text("lims".to_owned()),
        "specimen" => Value::Text("S1".to_owned()),
        "name" => Value::Text("received".to_owned()),
        "subject" => Value::Text("sim".to_owned()),
        "LIMIT" => Value::Integer(500),
        _ => Value::Integer(1),
    }
}

fn steps(connection: &Connection, query: &str) -> i64 {
    let mut statement = connection.prepare(query).unwrap_or_else(|error| panic!("{error}: {query}"));
    let mut by_index = BTreeMap::new();
    for (number, (place, _)) in query.match_indices('?').enumerate() {
        let digit =
            query.get(place + 1..).and_then(|rest| rest.chars().next()).and_then(|next| next.to_digit(10));
        let index = digit.map_or(number + 1, |digit| usize::try_from(digit).unwrap());
        by_index.entry(index).or_insert_with(|| parameter(query.get(..place).unwrap()));
    }
    for (index, value) in by_index {
        statement.raw_bind_parameter(index, value).unwrap();
    }
    let mut rows = statement.raw_query();
    while rows.next().unwrap().is_some() {}
    drop(rows);
    i64::from(statement.get_status(StatementStatus::VmStep))
}

/// Queries that cost more in the larger journal, and by how much.
fn growing(queries: &[String]) -> Vec<String> {
    let (small, large) = (journal(FEW), journal(MANY));
    let grown = |query: &String| {
        let (before, after) = (steps(&small, query), steps(&large, query));
        (after > before + SLACK).then(|| format!("{before} steps became {after}: {query}"))
    };
    queries.iter().filter_map(grown).collect()
}

#[test]
fn what_the_page_asks_does_not_cost_more_with_what_is_over() {
    let queries = statements();
    assert!(queries.len() > 25, "only {} queries were found", queries.len());
    let growing = growing(&queries);
    assert!(growing.is_empty(), "{}", growing.join("\n\n"));
}

#[test]
fn a_query_that_walks_through_what_is_over_is_noticed() {
    for walk in [
        "SELECT max(received_at) FROM message WHERE instrument = 'sim'",
        "SELECT count(*) FROM problem WHERE instrument = 'sim'",
        "SELECT id FROM delivery WHERE destination = ? AND attempts > 7",
    ] {
        assert_eq!(growing(&[walk.to_owned()]).len(), 1, "{walk}");
    }
}
