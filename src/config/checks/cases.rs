//! The cases beside a rule: a value, whom and what it was measured of, and what must be decided. What a case leaves out,
//! nobody knows.

use jiff::civil::Date;
use labwire_units::{Analyte, Digits, Unit};

use super::limits::Measure;
use super::{Context, SEXES, age, delta};
use crate::config::analytes;
use crate::config::reader::{Entry, Table};
use crate::domain::clinic::{
    Amount, Case, Criteria, DAY, Example, Expected, Identity, Measured, Past, Person, SpecimenFacts,
};
use crate::domain::qc::{By, QcState, Stood};
use crate::domain::{Comparator, Glob, Private};

const QC_STATES: [(&str, QcState); 7] = [
    ("never-run", QcState::NeverRun),
    ("not-evaluated", QcState::NotEvaluated),
    ("incomplete", QcState::Incomplete),
    ("accepted", QcState::Accepted),
    ("warning", QcState::Warning),
    ("rejected", QcState::Rejected),
    ("no-run-since", QcState::NoRunSince),
];

/// What cases are about where they don't say it.
pub(super) struct Defaults<'a> {
    analyte: Option<&'a Analyte>,
    unit: Option<&'a Unit>,
}

impl<'a> Defaults<'a> {
    pub(super) fn of(measure: Option<&'a Measure<'a>>) -> Defaults<'a> {
        Defaults { analyte: measure.map(|it| it.analyte), unit: measure.map(|it| &it.unit) }
    }

    pub(super) fn none() -> Defaults<'a> {
        Defaults { analyte: None, unit: None }
    }
}

/// Reads `[[….case]]`.
pub(super) fn read(
    table: &mut Table<'_>,
    context: &Context<'_>,
    rule: &str,
    criteria: &Criteria,
    defaults: &Defaults<'_>,
) -> Vec<Example> {
    let cases = table.tables("case", |table| {
        let expected = table.required("expect", "\"clear\"").and_then(|it| it.choice(&Expected::ALL));
        let case = case(table, context, criteria, defaults);
        let place = context.place(table.span());
        expected.zip(case).map(|(expected, case)| Example { rule: rule.to_owned(), case, expected, place })
    });
    cases.into_iter().flatten().collect()
}

fn case(
    table: &mut Table<'_>,
    context: &Context<'_>,
    criteria: &Criteria,
    defaults: &Defaults<'_>,
) -> Option<Case> {
    let measured = measured(table, context, defaults);
    let birth = table.parsed("age", age).and_then(|age| age.before(DAY));
    let instrument = table.text("instrument");
    let instrument = instrument.or_else(|| criteria.instruments.first().map(Glob::example));
    let instrument = instrument.unwrap_or_else(|| "an-instrument".to_owned());
    let at = noon(DAY);
    let together = table.tables("together", |table| self::measured(table, context, &Defaults::none()));
    let previous = table.tables("previous", |table| {
        let measured = self::measured(table, context, defaults);
        let before = table.required("before", "\"24 h\"").and_then(|entry| entry.parsed(delta::duration));
        let instrument = table.text("instrument").unwrap_or_else(|| instrument.clone());
        let (measured, before) = (measured?, before?);
        let at = at.and_then(|at| at.checked_sub(before).ok());
        Some(Past { analyte: measured.analyte?, amount: measured.amount, at, instrument })
    });
    let differs = table.list("differs", |entry| entry.text().map(str::to_owned));
    let has_id = table.flag("patient_id").unwrap_or(true);
    let identity = match differs {
        Some(what) if !what.is_empty() => Identity::Differs(what),
        Some(_) => Identity::Agrees,
        None => Identity::Unknown,
    };
    Some(Case {
        specimen: SpecimenFacts {
            number: Private::new(table.text("specimen").unwrap_or_default()),
            kind: table.text("specimen_kind"),
            instrument,
        },
        person: Person {
            birth,
            sex: table.choice("sex", &SEXES),
            ward: table.text("ward"),
            has_id,
            has_name: table.flag("patient_name").unwrap_or(true),
        },
        measured: measured?,
        on: Some(DAY),
        at,
        together: together.into_iter().collect::<Option<_>>()?,
        history: previous.into_iter().collect::<Option<_>>()?,
        history_untold: false,
        identity,
        qc: table.choice("qc", &QC_STATES).map(|state| Stood { state, by: By::Measurement }),
    })
}

fn noon(day: Date) -> Option<jiff::Timestamp> {
    day.at(12, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).ok().map(|noon| noon.timestamp())
}

/// A value, by its analyte or by its code alone.
fn measured(table: &mut Table<'_>, context: &Context<'_>, defaults: &Defaults<'_>) -> Option<Measured> {
    let named = table.entry("analyte");
    let analyte = match &named {
        Some(entry) => Some(context.analyte(entry)?),
        None => defaults.analyte,
    };
    let code = table.text("code");
    let flags = table.list("flags", |entry| entry.text().map(str::to_owned)).unwrap_or_default();
    let unit = match table.entry("unit") {
        Some(entry) => Some(entry.parsed(analytes::unit)?),
        None => defaults.unit.filter(|_| named.is_none()).cloned(),
    };
    let amount = match table.entry("value") {
        Some(entry) => amount(&entry, analyte, unit.as_ref())?,
        None => Amount::NoNumber,
    };
    let code = code.or_else(|| analyte.map(|it| it.id.clone())).unwrap_or_else(|| "a-test".to_owned());
    Some(Measured { code, analyte: analyte.map(|it| it.id.clone()), amount, flags })
}

fn amount(entry: &Entry<'_>, analyte: Option<&Analyte>, unit: Option<&Unit>) -> Option<Amount> {
    let text = entry.text()?;
    let (comparator, number) = Comparator::split(text);
    let Some(digits) = Digits::parse(number.trim_end()) else {
        entry.error(format!("{text:?} is no number; write one such as \"2.9\" or \"<1.5\""));
        return None;
    };
    let Some(analyte) = analyte else { return Some(Amount::plain(comparator, digits.value)) };
    let unit = unit.unwrap_or(&analyte.unit);
    Some(match analyte.convert(&digits, unit, Comparator::rounding(comparator)) {
        Ok(converted) => {
            let reported = Digits::parse(&converted.reported).map(|digits| digits.value);
            let reported = reported.unwrap_or_else(|| converted.exact.clone());
            Amount::Number { comparator, exact: converted.exact, reported }
        }
        Err(refusal) => Amount::Unconverted(refusal.to_string()),
    })
}
