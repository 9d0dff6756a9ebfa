//! Limits with their operators, in a unit that the analyte may come in: critical ones, and what an instrument can measure.

use labwire_units::{Analyte, Believed, Digits, Exact, Line, Rounding, Unit};

use super::{Context, Draft, cases, draft, head};
use crate::config::analytes;
use crate::config::reader::{Entry, Table};
use crate::domain::Comparator;
use crate::domain::clinic::{Limit, Limits, RuleKind};

/// Which way a limit looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Low,
    High,
    Either,
}

pub(super) fn critical(table: &mut Table<'_>, context: &Context<'_>) -> Draft {
    limited(table, context, false, RuleKind::Critical)
}

pub(super) fn range(table: &mut Table<'_>, context: &Context<'_>) -> Draft {
    limited(table, context, true, RuleKind::Range)
}

fn limited(table: &mut Table<'_>, context: &Context<'_>, holds: bool, kind: fn(Limits) -> RuleKind) -> Draft {
    let head = head(table, holds);
    let measure = Measure::read(table, context);
    let measure = measure.as_ref();
    let (below, above) = (table.entry("low"), table.entry("high"));
    let line = measure.map(|it| &it.line);
    let low = below.as_ref().and_then(|entry| limit(entry, Side::Low, line));
    let high = above.as_ref().and_then(|entry| limit(entry, Side::High, line));
    let unit = measure.map(|it| it.unit.code());
    if below.is_none() && above.is_none() {
        table.error(format!("{} has neither low nor high; write low = \"< 3.0\"", table.title()));
    }
    if let (Some(entry), Some(low), Some(high)) = (&above, &low, &high)
        && low.at >= high.at
    {
        entry.error(format!("high, {}, isn't above low, {}", high.written, low.written));
    }
    for (entry, limit) in [(&below, &low), (&above, &high)] {
        if let (Some(entry), Some(limit), Some(measure)) = (entry, limit, measure)
            && measure.analyte.believe(&limit.at) == Believed::No
        {
            let Measure { analyte, unit, .. } = measure;
            entry.error(format!(
                "{} {unit} lies where no value of {} is believed to; write the limit in {unit}, or another unit",
                limit.written, analyte.id
            ));
        }
    }
    let with_unit = |limit: Limit| Limit { written: written(&limit.written, unit), ..limit };
    let limits = Limits { low: low.map(with_unit), high: high.map(with_unit) };
    let analytes = measure.map(|it| vec![it.analyte.id.clone()]).unwrap_or_default();
    let defaults = cases::Defaults::of(measure);
    let kind = measure.map(|_| kind(limits));
    draft(table, context, head, analytes, kind, &defaults)
}

pub(super) fn written(limit: &str, unit: Option<&str>) -> String {
    match unit {
        Some(unit) => format!("{limit} {unit}"),
        None => limit.to_owned(),
    }
}

/// An analyte, and the unit of a rule's limits.
pub(super) struct Measure<'a> {
    pub(super) analyte: &'a Analyte,
    pub(super) unit: Unit,
    /// From the rule's unit to the reported one.
    pub(super) line: Line,
}

impl<'a> Measure<'a> {
    /// Reads `analyte` and `unit`, and tells what is wrong with them.
    pub(super) fn read(table: &mut Table<'_>, context: &'a Context<'_>) -> Option<Measure<'a>> {
        let analyte = table.required("analyte", "\"potassium\"").and_then(|entry| context.analyte(&entry));
        let entry = table.required("unit", "\"mmol/L\"");
        let unit = entry.as_ref().and_then(|entry| entry.parsed(analytes::unit));
        let (analyte, entry, unit) = (analyte?, entry?, unit?);
        let line = line(&entry, analyte, &unit)?;
        Some(Measure { analyte, unit, line })
    }
}

/// The line from a unit to the one in which an analyte is reported.
pub(super) fn line(entry: &Entry<'_>, analyte: &Analyte, unit: &Unit) -> Option<Line> {
    let one = Digits::parse("1")?;
    match analyte.convert(&one, unit, Rounding::Nearest) {
        Ok(converted) if converted.line.slope.is_positive() => Some(converted.line),
        Ok(_) => {
            entry.error(format!("{unit} goes the other way than the reported unit; write another"));
            None
        }
        Err(refusal) => {
            entry.error(format!("{refusal}; write a unit that {} allows", analyte.id));
            None
        }
    }
}

/// A limit as text, such as `< 3.0`: its operator is part of it.
pub(super) fn limit(entry: &Entry<'_>, side: Side, line: Option<&Line>) -> Option<Limit> {
    let text = entry.text()?;
    let (operator, number) = Comparator::split(text);
    let number = number.trim_end();
    let Some(at) = Exact::parse(number) else {
        entry.error(format!("{text:?} is no limit; write one such as {}", side.such_as("3.0")));
        return None;
    };
    let Some(operator) = operator else {
        entry.error(format!("{text:?} has no operator; write {}, whichever is meant", side.such_as(number)));
        return None;
    };
    if !side.takes(operator) {
        let low = side == Side::Low;
        let which = if low { "a low" } else { "a high" };
        entry.error(format!("{text:?} is not {which} limit; write {}", side.such_as(number)));
        return None;
    }
    let at = line.map_or(at.clone(), |line| line.apply(&at));
    Some(Limit { operator, at, written: format!("{} {number}", operator.as_str()) })
}

impl Side {
    fn such_as(self, number: &str) -> String {
        match self {
            Side::Low => format!("\"< {number}\" or \"<= {number}\""),
            Side::High => format!("\"> {number}\" or \">= {number}\""),
            Side::Either => format!("\"< {number}\", \"<= {number}\", \"> {number}\" or \">= {number}\""),
        }
    }

    fn takes(self, operator: Comparator) -> bool {
        let is_low = matches!(operator, Comparator::Less | Comparator::LessOrEqual);
        match self {
            Side::Low => is_low,
            Side::High => !is_low,
            Side::Either => true,
        }
    }
}
