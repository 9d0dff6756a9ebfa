//! Rules about changes: by how much, of what, and how long ago the earlier value may have been measured.

use jiff::SignedDuration;
use labwire_units::{Exact, Line};

use super::limits::{Measure, Side, limit, written};
use super::{Context, Draft, cases, draft, head};
use crate::config::reader::{Entry, Table};
use crate::domain::Comparator;
use crate::domain::clinic::{Base, Delta, Limit, Limits, Method, RuleKind, Together};

const BASES: [(&str, Base); 2] = [("previous", Base::Previous), ("mean", Base::Mean)];
const OPERATORS: [(&str, Comparator); 2] = [(">", Comparator::Greater), (">=", Comparator::GreaterOrEqual)];
const METHODS: [(&str, Kind); 5] = [
    ("absolute", Kind::Absolute),
    ("percent", Kind::Percent),
    ("rate", Kind::Rate),
    ("rcv", Kind::Rcv),
    ("rcv-log", Kind::RcvLog),
];

/// What one method or another takes.
const FIGURES: [&str; 7] = ["fall", "rise", "base", "operator", "z", "cva", "cvi"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Absolute,
    Percent,
    Rate,
    Rcv,
    RcvLog,
}

pub(super) fn delta(table: &mut Table<'_>, context: &Context<'_>) -> Draft {
    let head = head(table, true);
    let measure = Measure::read(table, context);
    let measure = measure.as_ref();
    let method = table.required("method", "\"absolute\"").and_then(|entry| entry.choice(&METHODS));
    let window = table.required("window", "\"72 h\"").and_then(|entry| entry.parsed(duration));
    let across_instruments = table.flag("across_instruments").unwrap_or(false);
    if method.is_none() {
        // Which of them it takes nobody can say.
        FIGURES.into_iter().for_each(|key| drop(table.entry(key)));
    }
    let method = method.and_then(|kind| read(table, kind, measure));
    let analytes = measure.map(|it| vec![it.analyte.id.clone()]).unwrap_or_default();
    let kind = method
        .zip(window)
        .filter(|_| measure.is_some())
        .map(|(method, window)| RuleKind::Delta(Delta { method, window, across_instruments }));
    draft(table, context, head, analytes, kind, &cases::Defaults::of(measure))
}

fn read(table: &mut Table<'_>, kind: Kind, measure: Option<&Measure<'_>>) -> Option<Method> {
    let unit = measure.map(|it| it.unit.code().to_owned());
    // A difference knows no offset.
    let line = measure.map(|it| Line { offset: Exact::zero(), ..it.line.clone() });
    match kind {
        Kind::Absolute => sides(table, line.as_ref(), unit.as_deref()).map(Method::Absolute),
        Kind::Rate => {
            let unit = unit.map(|unit| format!("{unit} a day"));
            sides(table, line.as_ref(), unit.as_deref()).map(Method::Rate)
        }
        Kind::Percent => {
            let base = table.required("base", "\"previous\"").and_then(|entry| entry.choice(&BASES));
            let limits = sides(table, None, Some("%"));
            limits.zip(base).map(|(limits, base)| Method::Percent { limits, base })
        }
        Kind::Rcv | Kind::RcvLog => {
            let operator = table.required("operator", "\">\"").and_then(|entry| entry.choice(&OPERATORS));
            let mut figure = |key, example| table.required(key, example).and_then(|it| it.parsed(above_zero));
            let z = figure("z", "\"1.96\"");
            let cva = figure("cva", "\"3.0\"");
            let cvi = figure("cvi", "\"5.0\"");
            let (operator, z, cva, cvi) = (operator?, z?, cva?, cvi?);
            Some(match kind {
                Kind::Rcv => Method::Rcv { operator, z, cva, cvi },
                _ => Method::RcvLog { operator, z, cva, cvi },
            })
        }
    }
}

/// How far a value may fall and rise; at least one of them is said.
fn sides(table: &mut Table<'_>, line: Option<&Line>, unit: Option<&str>) -> Option<Limits> {
    let (fall, rise) = (table.entry("fall"), table.entry("rise"));
    if fall.is_none() && rise.is_none() {
        table.error(format!("{} has neither rise nor fall; write rise = \"> 8\"", table.title()));
        return None;
    }
    let change = |entry: &Entry<'_>| -> Option<Limit> {
        let limit = limit(entry, Side::High, line)?;
        if !limit.at.is_positive() {
            entry.refuse("how far it may go, above zero");
            return None;
        }
        Some(Limit { written: written(&limit.written, unit), ..limit })
    };
    let low = fall.as_ref().map(change);
    let high = rise.as_ref().map(change);
    match (low, high) {
        (Some(None), _) | (_, Some(None)) => None,
        (low, high) => Some(Limits { low: low.flatten(), high: high.flatten() }),
    }
}

pub(super) fn together(table: &mut Table<'_>, context: &Context<'_>) -> Draft {
    let head = head(table, true);
    let entry = table.required("at_least", "2");
    let at_least = entry.as_ref().and_then(|entry| entry.number(2..=100_usize));
    let deltas = table.list("deltas", |entry| entry.text().map(str::to_owned)).unwrap_or_default();
    if let (Some(entry), Some(at_least)) = (&entry, at_least)
        && at_least > deltas.len()
    {
        entry.error(format!("at_least is {at_least}, and deltas names {}; name more rules", deltas.len()));
    }
    let kind = Some(RuleKind::Together(Together { deltas, at_least: at_least.unwrap_or_default() }));
    draft(table, context, head, Vec::new(), kind, &cases::Defaults::none())
}

/// `72 h` or `30 d`.
pub(super) fn duration(text: &str) -> Result<SignedDuration, String> {
    let hours = |count: &str, of: i64| count.parse::<u16>().ok().map(|count| i64::from(count) * of);
    let hours = match text.split_once(' ') {
        Some((count, "h")) => hours(count, 1),
        Some((count, "d")) => hours(count, 24),
        _ => None,
    };
    hours.filter(|hours| *hours > 0).map(SignedDuration::from_hours).ok_or_else(|| {
        format!("{text:?} is no length of time; write hours or days such as \"72 h\" or \"30 d\"")
    })
}

pub(super) fn above_zero(text: &str) -> Result<Exact, String> {
    let number = Exact::parse(text).filter(Exact::is_positive);
    number.ok_or_else(|| format!("{text:?} is no number above zero; write digits such as \"5.0\""))
}
