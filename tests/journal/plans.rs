//! No query walks through a whole table: the statements are taken from the sources, so that a new one is looked at too.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::kit::{Lab, own, result};
use labwire::journal::ledger::{Fate, Next};

/// The audit chain is read whole on purpose, and its last row from the end.
const READS_ALL: [&str; 2] = [
    "SELECT id, at, actor, step, subject, detail, hash FROM audit",
    "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1",
];
const SLOW_FILES: [&str; 1] = ["recount.rs"];

/// Small tables, and indexes that hold only what is open: a walk through those is what the query is about.
const MAY_BE_SCANNED: [&str; 13] = [
    "SCAN counter",
    "SCAN ledger_total",
    "SCAN journal",
    "SCAN CONSTANT ROW",
    "SCAN n",
    "USING INDEX message_waiting",
    "INDEX message_unattributed",
    "INDEX transfer_open",
    "INDEX problem_open",
    "INDEX hold_open",
    "INDEX host_query_asked",
    "INDEX delivery_dead",
    "INDEX delivery_sending",
];

#[test]
fn every_statement_finds_its_rows_by_an_index() {
    let lab = Lab::new();
    let connection = lab.reading();
    let mut statements = Vec::new();
    gather(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/journal")), &mut statements);
    assert!(statements.len() > 60, "only {} statements were found", statements.len());
    let walks: Vec<String> =
        statements.iter().flat_map(|statement| walks_of(&connection, statement)).collect();
    assert!(walks.is_empty(), "{}", walks.join("\n\n"));
}

#[test]
fn what_leaves_next_is_found_without_sorting_all_that_waits() {
    let lab = Lab::new();
    let connection = lab.reading();
    let mut statements = Vec::new();
    gather(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/journal/ledger")), &mut statements);
    statements.retain(|statement| statement.contains("ORDER BY priority"));
    assert_eq!(statements.len(), 2, "one finds a delivery, one finds a specimen");
    for statement in statements {
        let sorts: Vec<_> =
            plan(&connection, &statement).into_iter().filter(|it| it.contains("B-TREE")).collect();
        assert_eq!(sorts, [""; 0], "{statement}");
    }
}

#[test]
fn a_walk_through_a_whole_table_is_noticed() {
    let lab = Lab::new();
    for statement in
        ["SELECT 1 FROM ledger WHERE reason = ?", "SELECT id FROM message WHERE state = 'stored'"]
    {
        assert_eq!(walks_of(&lab.reading(), statement).len(), 1);
    }
}

#[test]
fn what_is_blocked_is_not_looked_at_to_find_what_may_leave() {
    let lab = Lab::new();
    let blocking: Vec<_> = (0..200).map(|n| own(result(&format!("S{n}"), "K", "4.1"))).collect();
    let newer: Vec<_> = (0..200).map(|n| own(result(&format!("S{n}"), "K", "4.2"))).collect();
    lab.record(blocking);
    let mut unknown = 0;
    while let Some(lease) = lab.lease() {
        lab.settle_all(&lease, &Fate::Unknown, Next::Unknown { at: super::kit::at(1_000_000) }, None);
        unknown += 1;
    }
    lab.record(newer);
    assert_eq!(unknown, 200);
    let connection = lab.reading();
    let ready = "SELECT count(*) FROM ledger WHERE destination = 'lims' AND state = 'pending' AND behind = 0";
    let mut statement = connection.prepare(ready).unwrap();
    let count: i64 = statement.query_row([], |row| row.get(0)).unwrap();
    assert_eq!(count, 0);
    assert!(statement.get_status(rusqlite::StatementStatus::VmStep) < 100);
    assert!(lab.lease().is_none());
}

fn gather(folder: &Path, statements: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, statements);
        } else if path.extension().is_some_and(|end| end == "rs")
            && !SLOW_FILES.iter().any(|slow| path.ends_with(slow))
        {
            let source = fs::read_to_string(&path).unwrap();
            let production = source.split("#[cfg(test)]").next().unwrap_or_default();
            statements.extend(production.split('"').filter(|text| is_statement(text)).map(str::to_owned));
        }
    }
}

fn is_statement(text: &str) -> bool {
    let text = text.trim_start();
    ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "].iter().any(|verb| text.starts_with(verb))
        && !READS_ALL.iter().any(|all| text.starts_with(all))
}

/// Each step of the plan that walks through a whole table, with its statement.
fn walks_of(connection: &Connection, statement: &str) -> Vec<String> {
    plan(connection, statement)
        .into_iter()
        .filter(|step| step.starts_with("SCAN") && !MAY_BE_SCANNED.iter().any(|may| step.contains(may)))
        .map(|step| format!("{step}: {statement}"))
        .collect()
}

fn plan(connection: &Connection, statement: &str) -> Vec<String> {
    let mut explained = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {statement}"))
        .unwrap_or_else(|error| panic!("{error}: {statement}"));
    explained.raw_query().mapped(|row| row.get(3)).map(Result::unwrap).collect()
}
