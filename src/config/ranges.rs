//! A test's reference ranges by sex and age. Bands that overlap or leave a gap between them are mistakes: the first would
//! give a patient two ranges, the second none without anybody having meant it.

use std::cmp::Ordering;

use labwire_units::Exact;

use super::codes::filled;
use super::reader::{Entry, Table};
use crate::domain::clinic::{Age, AgeUnit, Sex};
use crate::domain::{DecimalText, Range, RangeBand, RangeFlags, RangeTable};

const SEXES: [(&str, Sex); 2] = [("female", Sex::Female), ("male", Sex::Male)];

/// Reads the keys of a code's table that are about ranges.
pub(super) fn read(table: &mut Table<'_>) -> RangeTable {
    let unit = table.parsed("range_unit", |text| filled("range_unit", text));
    let flags = match table.flag("range_flags") {
        Some(true) => RangeFlags::Computed,
        Some(false) | None => RangeFlags::None,
    };
    let mut whole = true;
    let bands: Vec<RangeBand> = table
        .tables("ranges", band)
        .into_iter()
        .filter_map(|band| {
            whole &= band.is_some();
            band
        })
        .collect();
    if bands.is_empty() && whole && (unit.is_some() || flags == RangeFlags::Computed) {
        let title = table.title();
        let name = title.trim_matches(['[', ']']);
        table.error(format!(
            "range_unit and range_flags are about ranges, and there are none; add [[{name}.ranges]] or remove them"
        ));
    }
    if whole {
        for sex in [Sex::Female, Sex::Male] {
            if let Err(fault) = one_after_another(&bands, sex) {
                table.error(format!("the ranges of {}: {fault}", table.title()));
                break;
            }
        }
    }
    RangeTable { unit, bands, flags }
}

/// `None` where something in it is wrong, which is told.
fn band(table: &mut Table<'_>) -> Option<RangeBand> {
    let sex = table.entry("sex").map(|entry| entry.choice(&SEXES));
    let from = table.entry("from").map(|entry| entry.parsed(age));
    let below_entry = table.entry("below");
    let below = below_entry.as_ref().map(|entry| entry.parsed(age));
    let low = table.entry("low").map(|entry| entry.parsed(number));
    let high_entry = table.entry("high");
    let high = high_entry.as_ref().map(|entry| entry.parsed(number));
    let text = table.entry("text").map(|entry| entry.parsed(|text| filled("text", text)));
    if low.is_none() && high.is_none() && text.is_none() {
        table.error(format!("{} says no range; write low, high or both, or text", table.title()));
        return None;
    }
    if text.is_some() && (low.is_some() || high.is_some()) {
        table.error(format!("{} has numbers and a text; write one or the other", table.title()));
        return None;
    }
    let (sex, from, below, low, high, text) =
        (given(sex)?, given(from)?, given(below)?, given(low)?, given(high)?, given(text)?);
    let exact = |number: &DecimalText| Exact::parse(number.as_str());
    let ends = low.as_ref().and_then(exact).zip(high.as_ref().and_then(exact));
    in_order(high_entry.as_ref(), ends.is_none_or(|(low, high)| low < high), "high isn't above low")?;
    let ages = from.zip(below).map(|(from, below)| compared(from, below));
    let apart = ages.is_none_or(|order| order == Some(Ordering::Less));
    in_order(below_entry.as_ref(), apart, "below isn't a higher age than from, as every calendar has it")?;
    Some(RangeBand { sex, from, below, range: Range { low, high, text } })
}

/// What a key says; `None` where it is wrong.
fn given<T>(key: Option<Option<T>>) -> Option<Option<T>> {
    key.map_or(Some(None), |value| value.map(Some))
}

fn in_order(entry: Option<&Entry<'_>>, right: bool, fault: &str) -> Option<()> {
    if right {
        return Some(());
    }
    entry.into_iter().for_each(|entry| entry.error(fault));
    None
}

fn age(text: &str) -> Result<Age, String> {
    Age::parse(text).ok_or_else(|| {
        let units = AgeUnit::ALL.map(|(name, _)| name).join(", ");
        format!("{text:?} is no age; write a whole number, a space and one of {units}, such as \"18 y\"")
    })
}

fn number(text: &str) -> Result<DecimalText, String> {
    DecimalText::parse(text, '.')
        .ok_or_else(|| format!("{text:?} is no number; write digits such as \"4.1\""))
}

/// Whether the bands for one sex follow one another without a gap and without an overlap.
fn one_after_another(bands: &[RangeBand], sex: Sex) -> Result<(), String> {
    let mut bands: Vec<&RangeBand> =
        bands.iter().filter(|band| band.sex.is_none_or(|own| own == sex)).collect();
    bands.sort_by_key(|band| band.from.map_or(0, about_days));
    let shown = |band: &RangeBand| {
        let whom = band.whom();
        if whom.is_empty() { "the one for everybody".to_owned() } else { format!("\"{whom}\"") }
    };
    for (one, next) in bands.iter().zip(bands.iter().skip(1)) {
        let order = one.below.zip(next.from).map(|(below, from)| compared(below, from));
        let fault = match order {
            Some(Some(Ordering::Equal)) => continue,
            Some(Some(Ordering::Less)) => "leave a gap between them",
            Some(Some(Ordering::Greater)) | None => "overlap",
            Some(None) => "meet at ages that the calendar can't compare; write both in the same unit",
        };
        return Err(format!("{} and {} {fault}", shown(one), shown(next)));
    }
    Ok(())
}

/// An age as a number of days or of months.
enum Length {
    Days(u32),
    Months(u32),
}

fn length(age: Age) -> Length {
    let count = u32::from(age.count);
    match age.unit {
        AgeUnit::Days => Length::Days(count),
        AgeUnit::Weeks => Length::Days(7 * count),
        AgeUnit::Months => Length::Months(count),
        AgeUnit::Years => Length::Months(12 * count),
    }
}

/// `None` where a month more or less would decide.
fn compared(one: Age, other: Age) -> Option<Ordering> {
    let against = |days: u32, months: u32| match () {
        () if days < 28 * months => Some(Ordering::Less),
        () if days > 31 * months => Some(Ordering::Greater),
        () => None,
    };
    match (length(one), length(other)) {
        (Length::Days(one), Length::Days(other)) | (Length::Months(one), Length::Months(other)) => {
            Some(one.cmp(&other))
        }
        (Length::Days(days), Length::Months(months)) => against(days, months),
        (Length::Months(months), Length::Days(days)) => against(days, months).map(Ordering::reverse),
    }
}

/// To put ages in order, not to compare them.
fn about_days(age: Age) -> u32 {
    match length(age) {
        Length::Days(days) => days,
        Length::Months(months) => 30 * months,
    }
}
