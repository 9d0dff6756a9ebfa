//! The site's reference range for one result: by the patient's sex and age on the day of the measurement, in the unit that
//! the result is reported in. Where anything of that isn't known there is none, and the reason is told. It changes no flag
//! of the instrument's.

use jiff::Timestamp;
use jiff::civil::Date;
use labwire_units::Exact;

use super::convert;
use super::{Reading, case};
use crate::domain::clinic::{Age, Amount, Person, Reach};
use crate::domain::{
    AppliedRange, DecimalText, Observation, Patient, Private, Range, RangeBand, RangeFlag, RangeFlags,
    RangeTable,
};

/// What the site's ranges say; nothing where it has none for the test, or there is no value.
pub fn ranged(
    observation: &Observation,
    reading: &Reading,
    patient: Option<&Private<Patient>>,
    received_at: Timestamp,
) -> Option<Result<AppliedRange, String>> {
    let table = &reading.codes.get(&observation.test.code)?.ranges;
    let is_another_side = reading
        .profile
        .aspects
        .get(&observation.test.aspect)
        .is_some_and(|aspect| aspect.unit.is_some() || aspect.result.is_some());
    if table.bands.is_empty() || observation.is_without_value() || is_another_side {
        return None;
    }
    let person = patient.map(|patient| case::person(patient.reveal())).unwrap_or_default();
    let day = case::day(observation, reading, received_at);
    let sent = case::person(observation.patient.reveal());
    let differs =
        |one: Option<String>, other: Option<String>| one.zip(other).is_some_and(|(one, other)| one != other);
    let sex = |it: &Person| it.sex.map(|sex| sex.name().to_owned());
    let born = |it: &Person| it.birth.map(|day| day.to_string());
    if differs(sex(&person), sex(&sent)) || differs(born(&person), born(&sent)) {
        return Some(Err("the analyzer and the LIMS say different things of the patient".to_owned()));
    }
    Some(applied(observation, reading, table, &person, day))
}

fn applied(
    observation: &Observation,
    reading: &Reading,
    table: &RangeTable,
    person: &Person,
    day: Date,
) -> Result<AppliedRange, String> {
    let band = band(&table.bands, person, day)?;
    let in_numbers = band.range.low.is_some() || band.range.high.is_some();
    if in_numbers {
        same_unit(observation, reading, table)?;
    }
    let flag = match table.flags {
        RangeFlags::Computed => flag(&convert::amount(observation, reading).1, &band.range),
        RangeFlags::None => None,
    };
    Ok(AppliedRange {
        range: band.range.clone(),
        unit: table.unit.clone().filter(|_| in_numbers),
        band: Private::new(band.whom()),
        flag,
    })
}

/// The one band that is for this patient. What isn't known decides nothing: a band counts only where nobody else's could.
fn band<'a>(bands: &'a [RangeBand], person: &Person, day: Date) -> Result<&'a RangeBand, String> {
    let days = person.birth.filter(|birth| *birth <= day).map(|birth| (birth, day));
    let of_sex = |band: &&RangeBand| band.sex.is_none() || band.sex == person.sex;
    let of_age = |band: &&RangeBand| is_of_age(band, days);
    let fits: Vec<&RangeBand> = bands.iter().filter(of_sex).filter(of_age).collect();
    if let [band] = fits.as_slice() {
        return Ok(band);
    }
    let by_sex = person.sex.is_none() && bands.iter().filter(of_age).any(|band| band.sex.is_some());
    let by_age = days.is_none() && bands.iter().any(|band| band.from.is_some() || band.below.is_some());
    Err(match (by_age, by_sex) {
        (true, _) => "the patient's age isn't known",
        (false, true) => "the patient's sex isn't known",
        (false, false) => "the laboratory has no range for this sex and age",
    }
    .to_owned())
}

/// Without a known age, only what is for every age.
fn is_of_age(band: &RangeBand, days: Option<(Date, Date)>) -> bool {
    let Some((birth, day)) = days else { return band.from.is_none() && band.below.is_none() };
    let reached = |age: Age| age.reached(birth).is_some_and(|reached| reached <= day);
    band.from.is_none_or(reached) && !band.below.is_some_and(reached)
}

/// Whether the result is reported in the unit of the ranges.
fn same_unit(observation: &Observation, reading: &Reading, table: &RangeTable) -> Result<(), String> {
    let sent = observation.unit.as_deref().map(str::trim).filter(|unit| !unit.is_empty());
    let reported = observation.reported().map(|reported| reported.unit.as_str());
    let (unit, wanted) = (reported.or(sent), table.unit.as_deref());
    let means = |text: &str| reading.units.unit(text).ok().map(|unit| unit.code().to_owned());
    let same = match (unit, wanted) {
        (None, None) => true,
        (Some(unit), Some(wanted)) => {
            unit == wanted || means(unit).is_some_and(|code| code == wanted || Some(code) == means(wanted))
        }
        _ => false,
    };
    let named = |unit: Option<&str>| unit.map_or("no unit".to_owned(), |unit| format!("{unit:?}"));
    match same {
        true => Ok(()),
        false => Err(format!(
            "the result is in {}, and the laboratory's ranges are in {}",
            named(unit),
            named(wanted)
        )),
    }
}

/// Where the value lies, if the exact one and the rounded one lie there, and its comparator leaves no doubt.
fn flag(amount: &Amount, range: &Range) -> Option<RangeFlag> {
    let (exact, reported) = (side(&amount.reach()?, range)?, side(&amount.reported()?, range)?);
    (exact == reported).then_some(exact)
}

fn side(reach: &Reach, range: &Range) -> Option<RangeFlag> {
    let end = |end: &Option<DecimalText>| end.as_ref().and_then(|text| Exact::parse(text.as_str()));
    let (low, high) = (end(&range.low), end(&range.high));
    let is_below = |limit: &Exact| {
        reach.high.as_ref().is_some_and(|edge| edge.at < *limit || (edge.at == *limit && !edge.is_in))
    };
    let is_above = |limit: &Exact| {
        reach.low.as_ref().is_some_and(|edge| edge.at > *limit || (edge.at == *limit && !edge.is_in))
    };
    let isnt_below = |limit: &Exact| reach.low.as_ref().is_some_and(|edge| edge.at >= *limit);
    let isnt_above = |limit: &Exact| reach.high.as_ref().is_some_and(|edge| edge.at <= *limit);
    match () {
        () if low.is_none() && high.is_none() => None,
        () if low.as_ref().is_some_and(is_below) => Some(RangeFlag::Low),
        () if high.as_ref().is_some_and(is_above) => Some(RangeFlag::High),
        () if low.as_ref().is_none_or(isnt_below) && high.as_ref().is_none_or(isnt_above) => {
            Some(RangeFlag::Normal)
        }
        () => None,
    }
}
