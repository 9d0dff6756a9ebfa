//! A number in the unit that the laboratory reports, beside the one that was sent. Only signed rules are asked; where they
//! know the analyte and can't convert its value, a person must look. Decides nothing by how high or low a value is, but
//! that no patient can have it.

use labwire_units::{Analyte, Believed, Converted, Digits, Exact, Refusal, Unit};

use super::Reading;
use super::diluted::diluted;
use crate::domain::clinic::Amount;
use crate::domain::profile::ResultType;
use crate::domain::{
    Comparator, Conversion, DecimalText, HoldReason, Observation, Reported, TestIdentity, UnknownValue,
    Value, ValueKind,
};

/// Gives an observation its conversion, and tells why it must wait, if it must. Without rules in force it stays as it is.
pub(super) fn convert(observation: Observation, reading: &Reading) -> (Observation, Option<HoldReason>) {
    let Some(rules) = &reading.rules else { return (observation, None) };
    let Some((analyte, number)) = measured(&observation, reading) else { return (observation, None) };
    let answer = converted(&observation, analyte, number, reading);
    let hold = match &answer {
        Ok((_, Believed::Yes)) => None,
        Ok((_, Believed::No)) => Some(HoldReason::AbsurdValue),
        Err(_) => Some(HoldReason::NotConverted),
    };
    // What came in the reported unit stands as it was sent.
    let outcome = answer.map(|(reported, _)| reported).transpose();
    let told = |outcome| Conversion { analyte: analyte.id.clone(), rules: rules.sha256.clone(), outcome };
    let conversion = outcome.map(told);
    (Observation { conversion, ..observation }, hold)
}

/// The analyte and the number of a result that the rules are about. A side of a measurement that has a unit of its own,
/// such as a signal, is another measurand.
fn measured<'a>(
    observation: &'a Observation,
    reading: &'a Reading,
) -> Option<(&'a Analyte, &'a DecimalText)> {
    let Value::Quantity { number, .. } = &observation.value else { return None };
    if observation.is_without_value() {
        return None;
    }
    analyte(observation, reading).map(|analyte| (analyte, number))
}

/// What an observation measured, where the reading's rules know.
pub fn analyte<'a>(observation: &Observation, reading: &'a Reading) -> Option<&'a Analyte> {
    analyte_of(&observation.test, observation.loinc.as_deref(), reading)
}

/// What such a test measures.
pub fn analyte_of<'a>(test: &TestIdentity, loinc: Option<&str>, reading: &'a Reading) -> Option<&'a Analyte> {
    let analytes = &reading.rules.as_ref()?.analytes;
    let aspect = reading.profile.aspects.get(&test.aspect);
    if aspect.is_some_and(|aspect| aspect.unit.is_some()) {
        return None;
    }
    let chosen = reading.codes.get(&test.code).and_then(|site| site.analyte.as_deref());
    let analyte = match chosen {
        Some(id) => analytes.named(id),
        None => loinc.and_then(|code| analytes.of_loinc(code)),
    };
    analyte.map(|analyte| analyte.as_ref())
}

/// What was measured, and how much of it, for rules to decide on: in the unit that is reported, exactly, and no more than a
/// bound where its sign or its flag says that it is off the scale. What has no analyte stays in its own unit.
pub(super) fn amount(observation: &Observation, reading: &Reading) -> (Option<String>, Amount) {
    let analyte = analyte(observation, reading);
    let name = analyte.map(|analyte| analyte.id.clone());
    if observation.is_without_value() {
        return (name, Amount::NoNumber);
    }
    let Value::Quantity { number, .. } = &observation.value else {
        let why = analyte.and_then(|_| in_place_of_number(observation, reading));
        return (name, why.map_or(Amount::NoNumber, |why| Amount::Unconverted(why.to_owned())));
    };
    let sign =
        multiplied(observation, reading).and_then(|()| sign(observation, reading).map_err(str::to_owned));
    let amount = match (sign, analyte) {
        (Err(why), _) => Some(Amount::Unconverted(why)),
        (Ok(sign), None) => Exact::parse(number.as_str()).map(|exact| Amount::plain(sign, exact)),
        (Ok(sign), Some(analyte)) => Some(amount_of(sign, exactly(observation, analyte, number, reading))),
    };
    (name, amount.unwrap_or(Amount::NoNumber))
}

/// Why a text may stand for a critical value, so that a person must look: "7.0*", or "HI" where a number belongs.
fn in_place_of_number(observation: &Observation, reading: &Reading) -> Option<&'static str> {
    let Value::Text(text) = &observation.value else { return None };
    if text.bytes().any(|it| it.is_ascii_digit()) {
        return Some("what was sent may be a number, and isn't written as one");
    }
    let TestIdentity { code, aspect, .. } = &observation.test;
    let expected = reading.profile.result_type(code, aspect);
    // Of a test that the profile doesn't know a number is expected too.
    let is_numeric = !matches!(expected, Some(ResultType::Coded(_) | ResultType::Text));
    let by_site = reading.codes.get(code).filter(|site| site.reads_values());
    let by_site = by_site.is_some_and(|site| {
        site.unknown_value == UnknownValue::Show || site.kind.is_some_and(|it| it != ValueKind::Quantity)
    });
    (is_numeric && !by_site).then_some("words stand in the place of a number")
}

/// The value in the reported unit, unless it came in it; or why there is none.
fn converted(
    observation: &Observation,
    analyte: &Analyte,
    number: &DecimalText,
    reading: &Reading,
) -> Result<(Option<Reported>, Believed), String> {
    let converted = exactly(observation, analyte, number, reading)?;
    let believed = converted.believed;
    if observation.unit.as_deref() == Some(analyte.unit.code()) {
        return Ok((None, believed));
    }
    let reported =
        reported(observation, analyte, converted).ok_or("the converted number has too many digits")?;
    Ok((Some(reported), believed))
}

/// Why the number isn't that of the undiluted specimen.
fn multiplied(observation: &Observation, reading: &Reading) -> Result<(), String> {
    let Observation { value, test, dilution: None, .. } = observation else { return Ok(()) };
    diluted(value, &test.dilution, reading.profile.dilutions).map(drop)
}

fn exactly(
    observation: &Observation,
    analyte: &Analyte,
    number: &DecimalText,
    reading: &Reading,
) -> Result<Converted, String> {
    multiplied(observation, reading)?;
    let sent = observation.unit.as_deref().filter(|unit| !unit.is_empty());
    let sent = sent.ok_or("the analyzer sent no unit, and its [codes] declare none")?;
    // Where its flags contradict one another, or its sign, nobody can tell on which side it lies: its own sign stays beside it.
    let sign = sign(observation, reading).unwrap_or_else(|_| observation.value.comparator());
    in_unit(analyte, sign, number, reading.units.unit(sent))
}

fn sign(observation: &Observation, reading: &Reading) -> Result<Option<Comparator>, &'static str> {
    reading.profile.scale_flags().sign(&observation.value, &observation.flags)
}

/// A number with this sign, or none.
fn in_unit(
    analyte: &Analyte,
    sign: Option<Comparator>,
    number: &DecimalText,
    unit: Result<Unit, Refusal>,
) -> Result<Converted, String> {
    let unit = unit.map_err(|refusal| refusal.to_string())?;
    let digits = Digits::parse(number.as_str()).ok_or("the number has too many digits")?;
    analyte.convert(&digits, &unit, Comparator::rounding(sign)).map_err(|refusal| refusal.to_string())
}

/// A number of an analyte that another system told, in whatever unit, for rules to compare with. Nobody has looked at it
/// here: one that no patient can have is nothing to compare with.
pub fn as_told(
    analyte: &Analyte,
    comparator: Option<Comparator>,
    number: &DecimalText,
    unit: Result<Unit, Refusal>,
) -> Amount {
    match in_unit(analyte, comparator, number, unit) {
        Ok(Converted { reported, believed: Believed::No, .. }) => Amount::Absurd(reported),
        converted => amount_of(comparator, converted),
    }
}

fn amount_of(comparator: Option<Comparator>, converted: Result<Converted, String>) -> Amount {
    match converted {
        Ok(converted) => {
            let reported = Exact::parse(&converted.reported).unwrap_or_else(|| converted.exact.clone());
            Amount::Number { comparator, exact: converted.exact, reported }
        }
        Err(why) => Amount::Unconverted(why),
    }
}

fn reported(observation: &Observation, analyte: &Analyte, converted: Converted) -> Option<Reported> {
    Some(Reported {
        number: DecimalText::parse(&converted.reported, '.')?,
        unit: converted.unit,
        loinc: analyte.reported_loinc.clone().filter(|code| observation.loinc.as_ref() != Some(code)),
        exact: converted.exact.to_string(),
        factor: converted.line.slope.to_string(),
        offset: converted.line.offset.to_string(),
        basis: converted.basis.to_string(),
    })
}
