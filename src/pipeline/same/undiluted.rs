//! A value of the diluted specimen, and the one that it was measured for: a value that was too high to be measured.

use labwire_units::Exact;

use super::{Arrival, Prior, Sameness, is_kin};
use crate::domain::profile::ScaleFlags;
use crate::domain::{
    Comparator, DecimalText, Dilution, Observation, SampleClass, Status, TestIdentity, Value,
};

/// What a result is to one that was too high to be measured, and that nobody has measured since: of several, to none. A
/// preliminary value takes no final one's place: it may never become final.
pub(super) fn of_diluted(prior: &[Prior], new: &Observation, arrival: &Arrival<'_>) -> Sameness {
    let scale = arrival.scale;
    let Some((dilution, number)) = diluted(new, scale).filter(|_| new.status != Status::Failed) else {
        return Sameness::New;
    };
    let undiluted = |old: &&Prior| {
        old.is_current
            && old.status == Status::Final
            && above(&old.value, &old.flags, scale).is_some()
            && is_more(dilution, old.dilution.as_ref())
            && is_kin_but_for_dilution(old, new, arrival)
    };
    let mut candidates = prior.iter().filter(undiluted);
    match (candidates.next(), candidates.next()) {
        (Some(old), None) => {
            let bound = Bound { value: &old.value, unit: old.unit.as_deref() };
            match bound.is_kept_by(number, new.unit.as_deref()) {
                true if new.status == Status::Preliminary => Sameness::Late(old.id),
                true => Sameness::Diluted(old.id),
                false => Sameness::NotAbove(old.id),
            }
        }
        _ => Sameness::New,
    }
}

/// What would be the next version of one that has given its place to the value of its diluted specimen would take that one's
/// place: it comes too late, and a person decides.
pub(super) fn unless_it_gave_way(prior: &[Prior], sameness: Sameness, arrival: &Arrival<'_>) -> Sameness {
    let (Sameness::Correction(id) | Sameness::Completion(id) | Sameness::Contradiction(id)) = sameness else {
        return sameness;
    };
    let old = prior.iter().find(|it| it.id == id);
    let known = old.and_then(|old| gave_way_to(prior, old, arrival.scale));
    known.map_or(sameness, |known| Sameness::Late(known.id))
}

/// Whether a stored one is the preliminary value of a diluted specimen that came after a final one: then it is nobody's
/// predecessor, and its final value takes that one's place.
pub(super) fn is_before_its_time(prior: &[Prior], old: &Prior, arrival: &Arrival<'_>) -> bool {
    let scale = arrival.scale;
    let is_final_one = |it: &&Prior| {
        it.id < old.id
            && it.status == Status::Final
            && above(&it.value, &it.flags, scale).is_some()
            && is_more_diluted(old, it)
            && (it.is_current || gave_way_to(prior, it, scale).is_some())
    };
    old.status == Status::Preliminary && says_how_much(old, scale) && prior.iter().any(|it| is_final_one(&it))
}

/// The value of its diluted specimen which has taken the place of one that was too high to be measured.
fn gave_way_to<'p>(prior: &'p [Prior], old: &Prior, scale: ScaleFlags) -> Option<&'p Prior> {
    above(&old.value, &old.flags, scale).filter(|_| !old.is_current)?;
    let is_it = |it: &&Prior| {
        it.is_current
            && matches!(it.status, Status::Final | Status::Correction)
            && says_how_much(it, scale)
            && is_more_diluted(it, old)
    };
    prior.iter().rev().find(is_it)
}

fn says_how_much(old: &Prior, scale: ScaleFlags) -> bool {
    matches!((&old.value, scale.sign(&old.value, &old.flags)), (Value::Quantity { .. }, Ok(None)))
}

/// Whether one is of the same specimen and test as the other, and diluted more.
fn is_more_diluted(one: &Prior, other: &Prior) -> bool {
    let test = TestIdentity { dilution: one.test.dilution.clone(), ..other.test.clone() };
    one.dilution.as_ref().is_some_and(|dilution| is_more(dilution, other.dilution.as_ref()))
        && one.site == other.site
        && one.instrument == other.instrument
        && one.specimen == other.specimen
        && one.class == other.class
        && one.test == test
}

/// What a result which only says that it is too high is to the value of its diluted specimen that was there before it.
pub(super) fn told_already(prior: &[Prior], new: &Observation, arrival: &Arrival<'_>) -> Option<Sameness> {
    let scale = arrival.scale;
    if new.status != Status::Final || new.specimen.is_blank() {
        return None;
    }
    above(&new.value, &new.flags, scale)?;
    let is_known = |old: &&Prior| {
        old.dilution.as_ref().is_some_and(|it| is_more(it, new.dilution.as_ref()))
            && says_how_much(old, scale)
            && old.is_current
            && matches!(old.status, Status::Final | Status::Correction)
            && is_kin_but_for_dilution(old, new, arrival)
    };
    let known = prior.iter().rev().find(is_known)?;
    let Value::Quantity { number, .. } = &known.value else { return None };
    let bound = Bound { value: &new.value, unit: new.unit.as_deref() };
    Some(match bound.is_kept_by(number, known.unit.as_deref()) {
        true => Sameness::Late(known.id),
        false => Sameness::NotAbove(known.id),
    })
}

/// Of one message's results, each that was too high to be measured with the one that says how much it is: by their places.
/// Where several might be meant there is no pair.
pub fn pairs(results: &[&Observation], scale: ScaleFlags) -> Vec<Pair> {
    let is_undiluted = |it: &Observation| {
        it.class == SampleClass::Patient
            && it.status == Status::Final
            && above(&it.value, &it.flags, scale).is_some()
    };
    let belong = |undiluted: &Observation, other: &Observation| {
        let of_diluted = diluted(other, scale).filter(|_| other.status == Status::Final);
        let test = TestIdentity { dilution: other.test.dilution.clone(), ..undiluted.test.clone() };
        test == other.test
            && undiluted.specimen == other.specimen
            && undiluted.class == other.class
            && of_diluted.is_some_and(|(dilution, _)| is_more(dilution, undiluted.dilution.as_ref()))
    };
    let places = |of: &dyn Fn(&Observation) -> bool| -> Vec<usize> {
        results.iter().enumerate().filter(|(_, it)| of(it)).map(|(at, _)| at).collect()
    };
    let pair = |(at, undiluted): (usize, &&Observation)| {
        let [diluted_at] = places(&|it| belong(undiluted, it))[..] else { return None };
        let value = results.get(diluted_at)?;
        let [_] = places(&|it| is_undiluted(it) && belong(it, value))[..] else { return None };
        let bound = Bound { value: &undiluted.value, unit: undiluted.unit.as_deref() };
        let (_, number) = diluted(value, scale)?;
        let is_above = bound.is_kept_by(number, value.unit.as_deref());
        Some(Pair { undiluted: at, diluted: diluted_at, is_above })
    };
    results.iter().enumerate().filter(|(_, it)| is_undiluted(it)).filter_map(pair).collect()
}

/// Two results of one message, by their places in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// It says no more than that it is too high.
    pub undiluted: usize,
    /// It says how much.
    pub diluted: usize,
    /// Whether the value is above what it was said to be above.
    pub is_above: bool,
}

/// What a value was said to be above.
struct Bound<'a> {
    value: &'a Value,
    unit: Option<&'a str>,
}

impl Bound<'_> {
    /// In another unit it isn't known.
    fn is_kept_by(&self, number: &DecimalText, unit: Option<&str>) -> bool {
        let Value::Quantity { comparator, number: bound } = self.value else { return false };
        let exact = |number: &DecimalText| Exact::parse(number.as_str());
        exact(number).zip(exact(bound)).filter(|_| self.unit == unit).is_some_and(|(number, bound)| {
            number > bound || (number == bound && *comparator == Some(Comparator::GreaterOrEqual))
        })
    }
}

/// What a value of the diluted specimen was diluted by, and the number; nothing for one that is off the scale itself.
fn diluted(result: &Observation, scale: ScaleFlags) -> Option<(&Dilution, &DecimalText)> {
    let Value::Quantity { number, .. } = &result.value else { return None };
    let is_number = matches!(scale.sign(&result.value, &result.flags), Ok(None));
    let dilution = result.dilution.as_ref().filter(|_| is_number && !result.specimen.is_blank())?;
    Some((dilution, number))
}

/// What a value says no more than to be above.
fn above<'a>(value: &'a Value, flags: &[String], scale: ScaleFlags) -> Option<&'a DecimalText> {
    let Value::Quantity { number, .. } = value else { return None };
    let sign = scale.sign(value, flags).ok().flatten();
    sign.filter(|sign| matches!(sign, Comparator::Greater | Comparator::GreaterOrEqual)).map(|_| number)
}

/// Whether one was diluted more than the other.
fn is_more(one: &Dilution, other: Option<&Dilution>) -> bool {
    let exact = |dilution: &Dilution| Exact::parse(dilution.factor.as_str());
    other.is_none_or(|other| exact(one).zip(exact(other)).is_some_and(|(one, other)| one > other))
}

fn is_kin_but_for_dilution(old: &Prior, new: &Observation, arrival: &Arrival<'_>) -> bool {
    let test = TestIdentity { dilution: new.test.dilution.clone(), ..old.test.clone() };
    is_kin(&Prior { test, ..old.clone() }, new, arrival)
}
