//! A specimen's results of one test over time, as a small plot and a table of the same. Pure; values stand as they were sent, only
//! those of one unit are compared, and none that was replaced or is another specimen's is among them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use labwire_units::Exact;

use crate::domain::{Comparator, Observation, Value, Words, words};
use crate::journal::ObservationId;
use crate::journal::views::{Step, Way};
use crate::status::chart::{self, CIRCLE, Dot, TRIANGLE};
use crate::status::clock::{Clock, Moment};
use crate::status::shell::test_name;

/// The drawing's highest and lowest place, in its own units.
const TOP: i64 = 14;
const BOTTOM: i64 = 86;
/// The most results of one test that are drawn, the latest ones.
const DRAWN: usize = 60;

pub(in crate::status) struct Plot {
    /// The test, and the unit that was sent.
    pub(in crate::status) title: String,
    /// The highest and the lowest value, as they were sent.
    pub(in crate::status) highest: String,
    pub(in crate::status) lowest: String,
    pub(in crate::status) dots: Vec<Dot>,
    pub(in crate::status) way: String,
    pub(in crate::status) rows: Vec<PlotRow>,
}

/// One result, as the table has it.
pub(in crate::status) struct PlotRow {
    pub(in crate::status) id: i64,
    pub(in crate::status) value: String,
    /// When it was measured, else read.
    pub(in crate::status) at: Moment,
    pub(in crate::status) instrument: String,
}

/// One result that is a number.
struct Point {
    at: Timestamp,
    number: Exact,
    is_off_scale: bool,
    id: i64,
    value: String,
    instrument: String,
}

/// One for each test and unit of which there are several numbers.
pub(super) fn plots(steps: &[Step], clock: &Clock) -> Vec<Plot> {
    let mut tests: BTreeMap<(String, &str), Vec<Point>> = BTreeMap::new();
    let over: BTreeSet<ObservationId> = steps.iter().filter_map(put_an_end_to).collect();
    for step in steps {
        let Way::Read { observation, detail, .. } = &step.what else { continue };
        if over.contains(observation) {
            continue;
        }
        if let Some(point) = point(step.at, observation.0, detail) {
            let unit = detail.unit.as_deref().unwrap_or_default();
            tests.entry((test_name(&detail.test), unit)).or_default().push(point);
        }
    }
    let several = tests.into_iter().filter(|(_, points)| points.len() > 1);
    several.filter_map(|((test, unit), points)| plot(&test, unit, points, clock)).collect()
}

/// The result that a newer version has replaced, or that a person has moved to its own specimen.
fn put_an_end_to(step: &Step) -> Option<ObservationId> {
    match &step.what {
        Way::Read { supersedes, .. } => *supersedes,
        Way::Moved { observation, .. } => Some(*observation),
        _ => None,
    }
}

fn point(read_at: Timestamp, id: i64, detail: &Observation) -> Option<Point> {
    let Value::Quantity { comparator, number } = &detail.value else { return None };
    let measured = detail.completed.as_ref().and_then(|time| time.instant);
    Some(Point {
        at: measured.unwrap_or(read_at),
        number: Exact::parse(number.as_str())?,
        is_off_scale: comparator.is_some(),
        id,
        value: format!("{}{number}", comparator.map_or("", Comparator::as_str)),
        instrument: detail.instrument.to_string(),
    })
}

fn plot(test: &str, unit: &str, mut points: Vec<Point>, clock: &Clock) -> Option<Plot> {
    points.sort_by_key(|point| (point.at, point.id));
    points.drain(..points.len().saturating_sub(DRAWN));
    let highest = points.iter().max_by_key(|point| &point.number)?;
    let lowest = points.iter().min_by_key(|point| &point.number)?;
    let dots: Vec<Dot> = (0..)
        .zip(&points)
        .map(|(number, point)| Dot {
            x: chart::x(number, points.len()),
            y: y(&point.number, &lowest.number, &highest.number),
            class: if point.is_off_scale { "beyond-two" } else { "within" },
            shape: if point.is_off_scale { TRIANGLE } else { CIRCLE },
            says: words!(
                "{value}, {at}, from {instrument}",
                value = format!("{} {unit}", point.value),
                at = clock.at(point.at),
                instrument = &point.instrument
            ),
        })
        .collect();
    let row = |point: &Point| PlotRow {
        id: point.id,
        value: format!("{} {unit}", point.value).trim_end().to_owned(),
        at: clock.at(point.at),
        instrument: point.instrument.clone(),
    };
    Some(Plot {
        title: format!("{test} {unit}").trim_end().to_owned(),
        highest: highest.value.clone(),
        lowest: lowest.value.clone(),
        way: chart::way(dots.iter()),
        dots,
        rows: points.iter().rev().map(row).collect(),
    })
}

/// Where a number stands between the lowest and the highest; in the middle where all are the same.
fn y(number: &Exact, lowest: &Exact, highest: &Exact) -> i64 {
    let share = (number - lowest).checked_div(&(highest - lowest));
    let above = share.map(|share| (&share * &Exact::from(BOTTOM - TOP)).rounded(0));
    above.and_then(|above| above.parse::<i64>().ok()).map_or((TOP + BOTTOM) / 2, |above| BOTTOM - above)
}

impl Plot {
    /// What the drawing shows, for whoever can't see it.
    pub(in crate::status) fn says(&self) -> Words {
        words!(
            "{test}: {n} results over time, from {lowest} to {highest}; the table below has them",
            test = &self.title,
            n = self.rows.len(),
            lowest = &self.lowest,
            highest = &self.highest
        )
    }
}
