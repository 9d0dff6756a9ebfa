//! The control rules themselves, as Westgard's multirule texts define them, on deviations in standard deviations. Pure and
//! exact; the order of the results within a run makes no difference.
//!
//! "In a row" is by runs. Within one level: the run at hand and those before it. Across levels: all results of the run at
//! hand, of whole runs before it, and of the oldest as many as are wanting. Two in a row across levels, and the range, are
//! of one run alone.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use labwire_units::Exact;

use super::{Across, AtLimit, Multirule, RangeOf, Rule, Severity};

/// Names this program of rules wherever a decision is kept. Another reading of a rule gets another name.
pub const PROGRAM: &str = "westgard/1";

/// A control result against its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// A later run has a higher number.
    pub run: i64,
    pub lot: String,
    pub level: String,
    /// How many standard deviations above the mean.
    pub z: Exact,
}

/// A rule that a run breaks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    pub rule: Rule,
    pub severity: Severity,
    pub scope: Scope,
}

/// Which results break it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    Level { lot: String, level: String },
    AcrossLevels,
}

/// Every rule that a run breaks, in the order of the rules. `points` are the results that count, of this run and of those
/// before it, in any order.
pub fn violations(points: &[Point], run: i64, by: &Multirule) -> Vec<Violation> {
    let mut scopes: BTreeMap<Scope, Vec<&Point>> = BTreeMap::new();
    for point in points.iter().filter(|point| point.run <= run) {
        let (lot, level) = (point.lot.clone(), point.level.clone());
        scopes.entry(Scope::Level { lot, level }).or_default().push(point);
        if by.across == Across::Levels {
            scopes.entry(Scope::AcrossLevels).or_default().push(point);
        }
    }
    let mut broken = Vec::new();
    for (scope, points) in &scopes {
        let runs = Runs::of(points);
        if !runs.begin_with(run) {
            continue;
        }
        for (rule, severity) in &by.rules {
            if runs.break_rule(*rule, scope, by) {
                broken.push(Violation { rule: *rule, severity: *severity, scope: scope.clone() });
            }
        }
    }
    broken.sort();
    broken
}

/// Results by run, the latest first.
struct Runs<'a>(BTreeMap<Reverse<i64>, Vec<&'a Exact>>);

#[derive(Clone, Copy)]
enum Side {
    Above,
    Below,
}

impl<'a> Runs<'a> {
    fn of(points: &[&'a Point]) -> Runs<'a> {
        let mut runs: BTreeMap<Reverse<i64>, Vec<&Exact>> = BTreeMap::new();
        for point in points {
            runs.entry(Reverse(point.run)).or_default().push(&point.z);
        }
        Runs(runs)
    }

    fn begin_with(&self, run: i64) -> bool {
        self.0.keys().next() == Some(&Reverse(run))
    }

    /// The results of the run at hand.
    fn latest(&self) -> &[&'a Exact] {
        self.0.values().next().map(Vec::as_slice).unwrap_or_default()
    }

    fn break_rule(&self, rule: Rule, scope: &Scope, by: &Multirule) -> bool {
        let within = matches!(scope, Scope::Level { .. });
        let either = |is_so: &dyn Fn(Side) -> bool| is_so(Side::Above) || is_so(Side::Below);
        let past = |limit: i64, side: Side| move |z: &Exact| is_past(z, limit, side, by.at_limit);
        match rule {
            Rule::OneTwoS => within && either(&|side| self.latest().iter().any(|z| past(2, side)(z))),
            Rule::OneThreeS => within && either(&|side| self.latest().iter().any(|z| past(3, side)(z))),
            Rule::TwoTwoS if within => either(&|side| self.in_a_row(2, past(2, side))),
            Rule::TwoTwoS => either(&|side| self.latest().iter().filter(|z| past(2, side)(z)).count() >= 2),
            Rule::RangeFourS => self.is_wide(by),
            Rule::FourOneS => either(&|side| self.in_a_row(4, past(1, side))),
            Rule::EightX => either(&|side| self.in_a_row(8, |z| is_past(z, 0, side, AtLimit::Within))),
            Rule::TenX => either(&|side| self.in_a_row(10, |z| is_past(z, 0, side, AtLimit::Within))),
            Rule::SevenT => within && self.is_a_trend(7),
        }
    }

    /// Whether the latest `count` results are all such. Of the oldest run that is needed, some may be.
    fn in_a_row(&self, count: usize, is_such: impl Fn(&Exact) -> bool) -> bool {
        let mut so_far = 0;
        for (age, run) in self.0.values().enumerate() {
            let such = run.iter().filter(|z| is_such(z)).count();
            so_far += such;
            if such < run.len() {
                return age > 0 && so_far >= count;
            }
            if so_far >= count {
                return true;
            }
        }
        false
    }

    fn is_wide(&self, by: &Multirule) -> bool {
        let run = self.latest();
        let (Some(highest), Some(lowest)) = (run.iter().max(), run.iter().min()) else { return false };
        match by.range {
            RangeOf::Difference => is_past(&(*highest - *lowest), 4, Side::Above, by.at_limit),
            RangeOf::EachSide => {
                is_past(highest, 2, Side::Above, by.at_limit) && is_past(lowest, 2, Side::Below, by.at_limit)
            }
        }
    }

    /// Whether each of the latest `count` runs is higher than the one before, or each lower. Replicates count by their
    /// mean: which of them came first isn't said.
    fn is_a_trend(&self, count: usize) -> bool {
        let means: Vec<Exact> = self.0.values().take(count).filter_map(|run| mean(run)).collect();
        let pairs = || means.iter().zip(means.iter().skip(1));
        means.len() == count
            && (pairs().all(|(later, one)| later > one) || pairs().all(|(later, one)| later < one))
    }
}

fn is_past(z: &Exact, limit: i64, side: Side, at_limit: AtLimit) -> bool {
    let limit = Exact::from(limit);
    let deviation = match side {
        Side::Above => z.clone(),
        Side::Below => -z,
    };
    deviation > limit || (at_limit == AtLimit::Beyond && deviation == limit)
}

fn mean(run: &[&Exact]) -> Option<Exact> {
    let sum = run.iter().fold(Exact::zero(), |sum, z| &sum + *z);
    sum.checked_div(&Exact::from(i64::try_from(run.len()).ok()?))
}
