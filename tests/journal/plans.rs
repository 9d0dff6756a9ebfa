//! No query walks through a whole table, nor through all that one destination or instrument ever had: the statements
//! are taken from the sources and the triggers, so that a new one is looked at too.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::kit::{Lab, own, result};
use labwire::journal::ledger::{Fate, Next};

/// The audit chain is read whole on purpose, and its last row from the end, as is the LIMS's last word.
const READS_ALL: [&str; 3] = [
    "SELECT id, at, actor, step, subject, detail, hash FROM audit",
    "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1",
    "SELECT at FROM order_word ORDER BY id DESC LIMIT 1",
];
/// These read all on purpose, and the first speaks of another file, by its keys.
const LEFT_OUT: [&str; 5] = ["archive.rs", "recount.rs", "salvage.rs", "standstill.rs", "verify.rs"];

/// Small tables, lists given with a statement, and indexes that hold only what is open or what people released: a walk through those is what the query is about.
const MAY_BE_SCANNED: [&str; 33] = [
    "SCAN archive",
    "SCAN downtime_list",
    "SCAN person",
    "SCAN call_open",
    "SCAN reassignment_due",
    "SCAN beside_due",
    "SCAN told",
    "SCAN link_note",
    "SCAN stuck",
    "SCAN counter",
    "SCAN ledger_total",
    "SCAN journal",
    "SCAN CONSTANT ROW",
    "SCAN qc_series",
    "SCAN json_each",
    "SCAN n",
    "SCAN v",
    "USING INDEX message_waiting",
    "INDEX message_unattributed",
    "INDEX transfer_open",
    "INDEX problem_open",
    "INDEX hold_open",
    "INDEX hold_let_go",
    "INDEX host_query_unhelped",
    "INDEX delivery_dead",
    "INDEX delivery_sending",
    "INDEX lab_order_active",
    "INDEX restoration_open",
    "INDEX download_open",
    "INDEX lab_order_held",
    "INDEX download_step_taken",
    "INDEX history_question_open",
    "INDEX history_question_closed",
];

/// Columns with so few values that a search by one of them alone is a walk.
const FEW_VALUES: [&str; 6] = [
    "(destination=?)",
    "(destination=? AND observation>?)",
    "(destination=? AND observation<?)",
    "(instrument=?)",
    "(state=?)",
    "(name=?)",
];

/// Searches by one of those that end at their first row, go through what is open, or through a small table; and what
/// a statement that does so must say.
const MAY_BE_WALKED: [(&str, &str); 20] = [
    ("SEARCH archive USING", "WHERE name = ?"),
    ("INDEX ledger_in_the_way", "LIMIT ?2"),
    ("INDEX ledger_oldest", "LIMIT ?2"),
    ("SEARCH traffic USING PRIMARY KEY", "min(quarter)"),
    ("SEARCH person USING PRIMARY KEY", "name = ?"),
    ("INDEX call_line_pending", "LIMIT 1"),
    ("INDEX notice_pending", "LIMIT 1"),
    ("INDEX message_instrument", "ORDER BY id DESC LIMIT ?"),
    ("INDEX ledger_ready", "LIMIT 1"),
    ("INDEX ledger_oldest", "min(observation)"),
    ("INDEX delivery_waiting", "SET state = 'dead'"),
    ("INDEX delivery_waiting", "SET due_at = min(created_at"),
    ("INDEX delivery_waiting", "SET due_at = CASE"),
    ("INDEX delivery_open", "state <> 'settled'"),
    ("INDEX message_instrument", "max(id)"),
    ("INDEX download_due", "LIMIT 1"),
    ("INDEX download_sending", "SET state = 'due'"),
    ("SEARCH download_cursor", ""),
    ("SEARCH counter", ""),
    ("SEARCH ledger_total", ""),
];

#[test]
fn every_statement_finds_its_rows_by_an_index() {
    let lab = Lab::new();
    let connection = lab.reading();
    let mut statements = Vec::new();
    gather(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/journal")), &mut statements);
    assert!(statements.len() > 60, "only {} statements were found", statements.len());
    let in_triggers = of_triggers(&connection);
    assert_eq!(in_triggers.len(), 9, "{in_triggers:?}");
    statements.extend(in_triggers);
    let walks: Vec<String> =
        statements.iter().flat_map(|statement| walks_of(&connection, statement)).collect();
    assert!(walks.is_empty(), "{}", walks.join("\n\n"));
}

#[test]
fn what_is_open_is_walked_through_once_and_not_once_for_each_row() {
    let lab = Lab::new();
    let connection = lab.reading();
    let mut statements = Vec::new();
    gather(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/journal/views")), &mut statements);
    assert!(statements.len() > 25, "only {} statements were found", statements.len());
    let again_and_again = |statement: &&String| walks_for_each_row(&connection, statement);
    assert_eq!(statements.iter().filter(again_and_again).collect::<Vec<_>>(), [""; 0]);
    let walk = "SELECT (SELECT count(*) FROM hold h JOIN observation o ON o.id = h.observation
        WHERE h.closed_at IS NULL AND o.instrument = subject) FROM counter";
    assert!(walks_for_each_row(&connection, walk));
}

fn walks_for_each_row(connection: &Connection, statement: &str) -> bool {
    let plan = plan(connection, statement);
    plan.iter().zip(plan.iter().skip(1)).any(|(step, next)| {
        step.starts_with("CORRELATED") && (next.starts_with("SCAN") || next.contains("host_query_unhelped"))
    })
}

#[test]
fn what_leaves_next_is_found_without_sorting_all_that_waits() {
    let lab = Lab::new();
    let connection = lab.reading();
    let mut statements = Vec::new();
    gather(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/journal/ledger")), &mut statements);
    statements.retain(|statement| statement.ends_with("LIMIT 1") && statement.contains("NOT EXISTS"));
    assert_eq!(statements.len(), 4, "a delivery, a specimen, the record of a call, a word of a result");
    for statement in statements {
        let walks = |it: &String| it.contains("B-TREE") || it.contains("delivery_waiting (destination=?)");
        let walks: Vec<_> = plan(&connection, &statement).into_iter().filter(walks).collect();
        assert_eq!(walks, [""; 0], "{statement}");
    }
}

#[test]
fn a_walk_through_a_whole_table_is_noticed() {
    let lab = Lab::new();
    for statement in [
        "SELECT 1 FROM ledger WHERE reason = ?",
        "SELECT id FROM message WHERE state = 'stored'",
        "SELECT 1 FROM message WHERE transfer > ? AND instrument = 'sim' AND state <> 'stored'",
    ] {
        assert_eq!(walks_of(&lab.reading(), statement).len(), 1, "{statement}");
    }
}

#[test]
fn a_ledger_that_is_ordered_by_destination_is_noticed() {
    let connection = Connection::open_in_memory().unwrap();
    let schema = include_str!("../../src/journal/migrations/0001_spine.sql");
    let turned = schema.replace("(observation, destination)", "(destination, observation)");
    assert_ne!(turned, schema);
    connection.execute_batch(&turned).unwrap();
    let walks: Vec<String> =
        of_triggers(&connection).iter().flat_map(|statement| walks_of(&connection, statement)).collect();
    assert_ne!(walks, [""; 0]);
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
            && !LEFT_OUT.iter().any(|file| path.ends_with(file))
        {
            let source = fs::read_to_string(&path).unwrap();
            let production = source.split("#[cfg(test)]").next().unwrap_or_default();
            statements.extend(production.split('"').filter(|text| is_statement(text)).map(str::to_owned));
        }
    }
}

fn is_statement(text: &str) -> bool {
    let text = text.trim_start();
    ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "REPLACE ", "WITH "]
        .iter()
        .any(|verb| text.starts_with(verb))
        && !READS_ALL.iter().any(|all| text.starts_with(all))
}

/// What the triggers run, with parameters where they use the row: a plan doesn't show the triggers that it fires.
fn of_triggers(connection: &Connection) -> Vec<String> {
    let mut triggers =
        connection.prepare("SELECT sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name").unwrap();
    let triggers = triggers.query_map([], |row| row.get::<_, String>(0)).unwrap();
    triggers
        .flat_map(|trigger| {
            let trigger = trigger.unwrap();
            let (_, body) = trigger.split_once("BEGIN").unwrap();
            let statements = body.trim_end().trim_end_matches("END").split(';');
            statements
                .map(without_row)
                .filter(|it| is_statement(it) && !it.contains("RAISE"))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn without_row(statement: &str) -> String {
    let mut parts = statement.trim().split_inclusive(|c: char| !(c.is_alphanumeric() || "._".contains(c)));
    let of_row = |part: &str| part.starts_with("new.") || part.starts_with("old.");
    parts.by_ref().fold(String::new(), |statement, part| {
        let rest = part.trim_start_matches(|c: char| c.is_alphanumeric() || "._".contains(c));
        statement + if of_row(part) { "?" } else { part.trim_end_matches(rest) } + rest
    })
}

/// Each step of the plan that walks through a whole table, or the best part of one, with its statement.
fn walks_of(connection: &Connection, statement: &str) -> Vec<String> {
    let is_in = |step: &str, list: &[&str]| list.iter().any(|one| step.contains(one));
    let may =
        |step: &str| MAY_BE_WALKED.iter().any(|(how, why)| step.contains(how) && statement.contains(why));
    plan(connection, statement)
        .into_iter()
        .filter(|step| {
            let scans = step.starts_with("SCAN") && !is_in(step, &MAY_BE_SCANNED);
            scans || step.starts_with("SEARCH") && is_in(step, &FEW_VALUES) && !may(step)
        })
        .map(|step| format!("{step}: {statement}"))
        .collect()
}

fn plan(connection: &Connection, statement: &str) -> Vec<String> {
    let mut explained = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {statement}"))
        .unwrap_or_else(|error| panic!("{error}: {statement}"));
    explained.raw_query().mapped(|row| row.get(3)).map(Result::unwrap).collect()
}
