//! `labwire codes`: what each analyzer's test codes are called here, and which of them nobody has given a name yet. It reads
//! the configuration, and of the journal which codes came of late.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::Arc;

use super::Outcome;
use crate::config::Settings;
use crate::config::settings::Instrument;
use crate::domain::Rules;
use crate::exit::Exit;
use crate::journal::Reader;
use crate::pipeline::rules::analyte_of_code;
use crate::pipeline::runner::reading_by;

/// In how many of an analyzer's latest messages codes are looked for.
const MESSAGES: usize = 2_000;

pub(super) fn run(settings: &Settings, instrument: Option<&str>, out: &mut impl Write) -> Outcome {
    let wanted = |it: &&Arc<Instrument>| instrument.is_none_or(|name| it.id.as_str() == name);
    let instruments: Vec<_> = settings.instruments.iter().filter(wanted).collect();
    if instruments.is_empty() {
        let names: Vec<&str> = settings.instruments.iter().map(|it| it.id.as_str()).collect();
        writeln!(out, "There is no such instrument; there are {}.", names.join(", "))?;
        return Ok(Exit::Failed);
    }
    let reader = match Reader::open(&settings.journal.path) {
        Ok(reader) => Some(reader),
        Err(error) => {
            writeln!(out, "Which codes came of late isn't known: {error}")?;
            None
        }
    };
    let mut unmapped = 0;
    for it in instruments {
        let came = match &reader {
            Some(reader) => reader.codes_of_late(&it.id, MESSAGES)?,
            None => BTreeMap::new(),
        };
        unmapped += table(it, &came, &settings.rules, out)?;
        let unknown = reader.as_ref().map_or(Ok(0), |reader| reader.unknown_codes(&it.id))?;
        if unknown > 0 {
            writeln!(out, "  {unknown} open problems with codes that nobody has named: labwire problems")?;
        }
        unmapped += unknown;
    }
    Ok(if unmapped == 0 { Exit::Done } else { Exit::Open })
}

/// One analyzer's codes: those with a name, those that came, and those that its profile knows. How many came and have none.
fn table(
    it: &Instrument,
    came: &BTreeMap<String, usize>,
    rules: &Arc<Rules>,
    out: &mut impl Write,
) -> Result<usize, std::io::Error> {
    let reading = reading_by(it, rules);
    writeln!(out, "{} ({})", it.id, it.profile.identity())?;
    let codes: BTreeSet<&String> =
        it.codes.keys().chain(came.keys()).chain(it.profile.tests.keys()).collect();
    if codes.is_empty() {
        writeln!(out, "  no code is known, and none came of late")?;
    }
    let mut unmapped = 0;
    for code in codes {
        let mapping = it.codes.get(code);
        let test = it.profile.tests.get(code);
        let or_none = |text: Option<&str>| text.unwrap_or("-").to_owned();
        let loinc =
            mapping.and_then(|it| it.loinc.as_deref()).or_else(|| test.and_then(|it| it.loinc.as_deref()));
        let lims_code = mapping.and_then(|it| it.lims_code.as_deref());
        let named = mapping.and_then(|it| it.analyte.as_deref());
        let analyte = analyte_of_code(code, &reading).or(named);
        let of_late = came.get(code).copied().unwrap_or_default();
        let is_unmapped = of_late > 0 && lims_code.is_none() && loinc.is_none();
        unmapped += usize::from(is_unmapped);
        writeln!(
            out,
            "  {code}  analyte {}  LOINC {}  LIMS {}  {}{}{}",
            or_none(analyte),
            or_none(loinc),
            or_none(lims_code),
            match of_late {
                0 => "not seen of late".to_owned(),
                1 => "1 result of late".to_owned(),
                some => format!("{some} results of late"),
            },
            applied(analyte, rules),
            if is_unmapped { "  NOT MAPPED: the LIMS gets the analyzer's own code alone" } else { "" },
        )?;
    }
    Ok(unmapped)
}

/// How many rules about analytes come to a result of this one. Nothing where there are none at all.
fn applied(analyte: Option<&str>, rules: &Rules) -> String {
    let mut about = rules.checks.rules.iter().filter(|rule| !rule.analytes.is_empty()).peekable();
    match analyte {
        _ if about.peek().is_none() => String::new(),
        None => "  no rule is applied: this code isn't named as an analyte".to_owned(),
        Some(analyte) => match about.filter(|rule| rule.analytes.iter().any(|it| it == analyte)).count() {
            0 => format!("  no rule is about {analyte}"),
            1 => "  1 rule is applied once signed".to_owned(),
            several => format!("  {several} rules are applied once signed"),
        },
    }
}
