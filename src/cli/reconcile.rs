//! `labwire reconcile`: one day's sums on both sides, how long results took, and what isn't over.

use std::io::Write;

use jiff::tz::TimeZone;

use super::Outcome;
use super::arguments::{ReconcileOptions, ReportFormat};
use crate::clock;
use crate::config::Settings;
use crate::exit::Exit;
use crate::journal::Reader;
use crate::journal::signature::Signature;
use crate::reconciliation::{self, Day, Exception, Intake, Report, Rules, Verdict, brief, csv, json};

/// The most exceptions that are listed as text.
const LISTED: usize = 200;

pub(super) fn run(settings: &Settings, options: &ReconcileOptions, out: &mut impl Write) -> Outcome {
    let (rules, now) = (Rules::of(settings), clock::now());
    let day = Day::of(options.day, now, &TimeZone::system()).ok_or("no calendar has such a day")?;
    let reader = Reader::open(&settings.journal.path)?;
    let only = options.destination.as_deref();
    let report = reconciliation::gather(&reader, day, &rules, only, now)?;
    if let Some(name) = only
        && !rules.destinations.contains_key(name)
        && !report.destinations.contains_key(name)
    {
        writeln!(out, "There is no destination {name}, and nothing of this day was owed to it.")?;
        return Ok(Exit::Failed);
    }
    match options.format {
        ReportFormat::Text => {
            text(&report, out)?;
            let signatures = reader.signatures(&report.day.name(), report.day.span())?;
            signatures.iter().try_for_each(|it| signed(it, &report.day, out))?;
        }
        ReportFormat::Json => write!(out, "{}", json(&report, 1)?)?,
        ReportFormat::Csv => write!(out, "{}", csv(&report, 1))?,
    }
    Ok(match report.verdict() {
        Verdict::Clear => Exit::Done,
        Verdict::Open => Exit::Open,
        Verdict::Unbalanced => Exit::Failed,
    })
}

fn text(report: &Report, out: &mut impl Write) -> std::io::Result<()> {
    let (day, span) = (&report.day, report.day.span());
    let so_far = if report.is_of_a_day_not_over() { ", so far" } else { "" };
    writeln!(out, "{}: reconciliation of {}{so_far}", report.site, day.name())?;
    writeln!(
        out,
        "from {} to {}, as of {}",
        day.exact(span.from),
        day.exact(span.to),
        day.exact(report.as_of)
    )?;
    writeln!(out, "\nReceived")?;
    for (instrument, intake) in &report.intake {
        let name = if instrument.is_empty() { "an unknown sender" } else { instrument };
        received(name, intake, out)?;
    }
    if report.intake.len() != 1 {
        received("all", &report.total(), out)?;
    }
    if report.cut_transfers > 0 {
        writeln!(out, "  {:>7}  transfers were cut", report.cut_transfers)?;
    }
    for (name, outgo) in &report.destinations {
        let test = if outgo.is_under_test { " (under test: what is open there is no exception)" } else { "" };
        writeln!(out, "\nOwed to {name}{test}")?;
        writeln!(out, "  {:>7}  owed", outgo.owed)?;
        for (index, (state, count)) in outgo.states.iter().enumerate() {
            writeln!(out, "  {count:>7}  {} {state}", if index == 0 { "=" } else { "+" })?;
        }
        writeln!(out, "  {:>7}  difference", outgo.difference())?;
        if let Some(lag) = outgo.lag {
            let [p50, p95, max] = [lag.p50, lag.p95, lag.max].map(brief);
            writeln!(
                out,
                "           until it took them: p50 {p50}, p95 {p95}, at most {max}, of {}",
                lag.count
            )?;
        }
    }
    if report.open_count() > 0 {
        writeln!(out, "\nOpen")?;
    }
    for it in report.exceptions.iter().take(LISTED) {
        writeln!(out, "  {}", line(it, day))?;
    }
    let more = report.open_count().saturating_sub(LISTED);
    if more > 0 {
        writeln!(out, "  and {more} more; --format csv lists up to 2000 of each kind")?;
    }
    writeln!(out)?;
    for imbalance in &report.imbalances {
        writeln!(out, "THE SUMS DO NOT BALANCE: {}", imbalance.english())?;
    }
    if report.imbalances.is_empty() {
        writeln!(out, "{}", report.sentence().english())?;
    }
    Ok(())
}

fn signed(it: &Signature, day: &Day, out: &mut impl Write) -> std::io::Result<()> {
    let lines = if it.open == 1 { "line" } else { "lines" };
    let open = if it.open == 0 { String::new() } else { format!(", with {} {lines} open", it.open) };
    let sums = if it.balanced { "" } else { ", while the sums did not balance" };
    let reason = if it.reason.is_empty() { String::new() } else { format!(": {}", it.reason) };
    writeln!(out, "Signed off by {} at {}{open}{sums}{reason}", it.by, day.exact(it.at))
}

fn received(name: &str, it: &Intake, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(
        out,
        "  {:>7}  from {name} in {} messages = {} new + {} repeated + {} problems",
        it.received, it.messages, it.new, it.repeated, it.problem
    )?;
    let of_these = [
        (it.controls, "controls and calibrations"),
        (it.failed, "failed runs"),
        (it.queries, "host queries"),
        (it.incomplete, "messages cut short"),
        (it.unread, "messages not read yet"),
    ];
    let told: Vec<String> = of_these
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if told.is_empty() { Ok(()) } else { writeln!(out, "           with {}", told.join(", ")) }
}

fn line(it: &Exception, day: &Day) -> String {
    let mut parts = vec![it.kind.words().to_owned()];
    parts.extend(it.result.map(|id| format!("result {id}")));
    parts.extend(it.specimen.as_ref().map(|specimen| specimen.reveal().to_owned()));
    parts.extend(Some(it.test.clone()).filter(|test| !test.is_empty()));
    parts.extend(Some(format!("from {}", it.instrument)).filter(|_| !it.instrument.is_empty()));
    parts.extend(it.destination.as_ref().map(|name| format!("at {name}")));
    parts.extend(it.delivery.map(|id| format!("delivery {id}")));
    parts.extend(it.message.map(|id| format!("message {id}")));
    let reason = Some(it.reason.reveal().english()).filter(|reason| !reason.is_empty());
    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{}, since {}{reason} [{}]", parts.join(" "), day.local(it.since), it.remedy.english())
}
