//! A report as CSV, for spreadsheets: one table in which each line says what it is about. As RFC 4180 has it, in UTF-8. It
//! names specimens.

use jiff::SignedDuration;

use super::exception::Exception;
use super::report::{Intake, Report};

/// The columns; new ones go to the end.
const COLUMNS: [&str; 16] = [
    "day",
    "about",
    "instrument",
    "destination",
    "name",
    "value",
    "result",
    "specimen",
    "test",
    "state",
    "since",
    "reason",
    "what_to_do",
    "message",
    "delivery",
    "problem",
];

type Line = [String; COLUMNS.len()];

/// The whole report. `revision` counts the reports of a day that were written.
pub fn csv(report: &Report, revision: u32) -> String {
    let day = report.day.name();
    let mut lines = vec![
        number(&day, "report", "", "", "revision", revision),
        number(&day, "report", "", "", "as_of", report.day.exact(report.as_of)),
        number(&day, "day", "", "", "site", &report.site),
        number(&day, "day", "", "", "from", report.day.exact(report.day.span().from)),
        number(&day, "day", "", "", "to", report.day.exact(report.day.span().to)),
        number(&day, "day", "", "", "is_over", !report.is_of_a_day_not_over()),
        number(&day, "day", "", "", "balanced", report.imbalances.is_empty()),
    ];
    lines.extend(report.imbalances.iter().map(|it| number(&day, "imbalance", "", "", "", it.english())));
    for (instrument, intake) in &report.intake {
        let counts = counts(intake).into_iter();
        lines.extend(counts.map(|(name, count)| number(&day, "received", instrument, "", name, count)));
    }
    lines.push(number(&day, "received", "", "", "cut_transfers", report.cut_transfers));
    for (destination, outgo) in &report.destinations {
        let mut line =
            |name: &str, value: String| lines.push(number(&day, "sent", "", destination, name, value));
        line("owed", outgo.owed.to_string());
        outgo.states.iter().for_each(|(state, count)| line(state, count.to_string()));
        line("difference", outgo.difference().to_string());
        if let Some(lag) = outgo.lag {
            let ms = |lag: SignedDuration| lag.as_millis().to_string();
            line("settled", lag.count.to_string());
            line("lag_p50_ms", ms(lag.p50));
            line("lag_p95_ms", ms(lag.p95));
            line("lag_max_ms", ms(lag.max));
        }
    }
    lines.extend(report.open.iter().map(|(kind, count)| number(&day, "open", "", "", kind.name(), count)));
    lines.extend(report.exceptions.iter().map(|it| exception(&day, it, report)));
    if report.left_out > 0 {
        lines.push(number(&day, "open", "", "", "exceptions_left_out", report.left_out));
    }
    let mut text = COLUMNS.join(",") + "\r\n";
    for line in lines {
        text.push_str(&line.map(|field| quoted(&field)).join(","));
        text.push_str("\r\n");
    }
    text
}

fn counts(it: &Intake) -> [(&'static str, i64); 11] {
    [
        ("messages", it.messages),
        ("unread_messages", it.unread),
        ("incomplete_messages", it.incomplete),
        ("received", it.received),
        ("new", it.new),
        ("repeated", it.repeated),
        ("problem", it.problem),
        ("difference", it.difference()),
        ("of_the_new_controls", it.controls),
        ("of_the_new_failed", it.failed),
        ("host_queries", it.queries),
    ]
}

fn number(
    day: &str,
    about: &str,
    instrument: &str,
    destination: &str,
    name: &str,
    value: impl std::fmt::Display,
) -> Line {
    let mut line = Line::default();
    for (field, text) in line.iter_mut().zip([day, about, instrument, destination, name, &value.to_string()])
    {
        text.clone_into(field);
    }
    line
}

fn exception(day: &str, it: &Exception, report: &Report) -> Line {
    let id = |id: Option<i64>| id.map(|id| id.to_string()).unwrap_or_default();
    [
        day.to_owned(),
        "exception".to_owned(),
        it.instrument.clone(),
        it.destination.clone().unwrap_or_default(),
        it.kind.name().to_owned(),
        "1".to_owned(),
        id(it.result.map(|id| id.0)),
        it.specimen.as_ref().map(|specimen| plain(specimen.reveal())).unwrap_or_default(),
        plain(&it.test),
        it.state.clone(),
        report.day.exact(it.since),
        plain(&it.reason.reveal().english()),
        it.remedy.english(),
        id(it.message.map(|id| id.0)),
        id(it.delivery.map(|id| id.0)),
        id(it.problem.map(|id| id.0)),
    ]
}

/// Text of an analyzer or a LIMS that a spreadsheet would take for a formula gets an apostrophe before it.
fn plain(text: &str) -> String {
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{text}"),
        _ => text.to_owned(),
    }
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\r', '\n']) || field.starts_with(' ') || field.ends_with(' ') {
        return format!("\"{}\"", field.replace('"', "\"\""));
    }
    field.to_owned()
}
