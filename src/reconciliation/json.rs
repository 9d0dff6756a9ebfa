//! A report as JSON, for programs. Times are the laboratory's own, with their offset; durations are milliseconds. It names
//! specimens.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::Serialize;

use super::day::Day;
use super::exception::Exception;
use super::report::{Intake, Outgo, Report};
use crate::domain::Words;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    as_of: String,
    revision: u32,
    site: &'a str,
    day: String,
    from: String,
    to: String,
    is_over: bool,
    balanced: bool,
    imbalances: Vec<String>,
    received: Received<'a>,
    destinations: BTreeMap<&'a str, Destination<'a>>,
    open: BTreeMap<&'static str, usize>,
    exceptions: Vec<Item<'a>>,
    exceptions_left_out: usize,
}

#[derive(Serialize)]
struct Received<'a> {
    total: Counts,
    instruments: BTreeMap<&'a str, Counts>,
    cut_transfers: usize,
}

#[derive(Serialize)]
struct Counts {
    messages: i64,
    unread_messages: i64,
    incomplete_messages: i64,
    received: i64,
    new: i64,
    repeated: i64,
    problem: i64,
    difference: i64,
    of_the_new_controls: i64,
    of_the_new_failed: i64,
    host_queries: i64,
}

#[derive(Serialize)]
struct Destination<'a> {
    under_test: bool,
    owed: i64,
    states: &'a BTreeMap<String, i64>,
    difference: i64,
    lag_ms: Option<LagMs>,
}

#[derive(Serialize)]
struct LagMs {
    count: usize,
    p50: i64,
    p95: i64,
    max: i64,
}

#[derive(Serialize)]
struct Item<'a> {
    kind: &'static str,
    result: Option<i64>,
    specimen: Option<&'a str>,
    instrument: &'a str,
    test: &'a str,
    destination: Option<&'a str>,
    state: &'a str,
    since: String,
    dead_letter: bool,
    reason: String,
    what_to_do: String,
    message: Option<i64>,
    delivery: Option<i64>,
    problem: Option<i64>,
}

/// The whole report, indented, with a line end. `revision` counts the reports of a day that were written.
///
/// # Errors
/// Never in practice: every value can be JSON.
pub fn json(report: &Report, revision: u32) -> Result<String, String> {
    let span = report.day.span();
    let document = Document {
        schema: "labwire/reconciliation/1",
        as_of: report.day.exact(report.as_of),
        revision,
        site: &report.site,
        day: report.day.name(),
        from: report.day.exact(span.from),
        to: report.day.exact(span.to),
        is_over: !report.is_of_a_day_not_over(),
        balanced: report.imbalances.is_empty(),
        imbalances: report.imbalances.iter().map(Words::english).collect(),
        received: Received {
            total: counts(&report.total()),
            instruments: report.intake.iter().map(|(name, it)| (name.as_str(), counts(it))).collect(),
            cut_transfers: report.cut_transfers,
        },
        destinations: report.destinations.iter().map(|(name, it)| (name.as_str(), destination(it))).collect(),
        open: report.open.iter().map(|(kind, count)| (kind.name(), *count)).collect(),
        exceptions: report.exceptions.iter().map(|it| item(it, &report.day)).collect(),
        exceptions_left_out: report.left_out,
    };
    let text = serde_json::to_string_pretty(&document).map_err(|error| error.to_string())?;
    Ok(text + "\n")
}

fn counts(it: &Intake) -> Counts {
    Counts {
        messages: it.messages,
        unread_messages: it.unread,
        incomplete_messages: it.incomplete,
        received: it.received,
        new: it.new,
        repeated: it.repeated,
        problem: it.problem,
        difference: it.difference(),
        of_the_new_controls: it.controls,
        of_the_new_failed: it.failed,
        host_queries: it.queries,
    }
}

fn destination(it: &Outgo) -> Destination<'_> {
    let ms = |lag: SignedDuration| i64::try_from(lag.as_millis()).unwrap_or(i64::MAX);
    Destination {
        under_test: it.is_under_test,
        owed: it.owed,
        states: &it.states,
        difference: it.difference(),
        lag_ms: it.lag.map(|lag| LagMs {
            count: lag.count,
            p50: ms(lag.p50),
            p95: ms(lag.p95),
            max: ms(lag.max),
        }),
    }
}

fn item<'a>(it: &'a Exception, day: &Day) -> Item<'a> {
    Item {
        kind: it.kind.name(),
        result: it.result.map(|id| id.0),
        specimen: it.specimen.as_ref().map(|specimen| specimen.reveal()),
        instrument: &it.instrument,
        test: &it.test,
        destination: it.destination.as_deref(),
        state: &it.state,
        since: day.exact(it.since),
        dead_letter: it.is_dead_letter,
        reason: it.reason.reveal().english(),
        what_to_do: it.remedy.english(),
        message: it.message.map(|id| id.0),
        delivery: it.delivery.map(|id| id.0),
        problem: it.problem.map(|id| id.0),
    }
}
