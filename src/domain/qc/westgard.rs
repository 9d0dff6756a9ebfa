//! The control rules themselves, as Westgard's multirule texts define them, on deviations in standard deviations. Pure and
//! exact; the order of the results within a run makes no difference.
//!
//! "In a row" is by runs. Within one level: the run at hand and those before it. Across levels: all results of the run at
//! hand, of whole runs before it, and of the oldest as many as are wanting, of the lots that are in use together; what one
//! material does alone is found within its level. Two in a row across levels, and the range, are of one run alone.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use labwire_units::Exact;

use super::{Across, AtLimit, Multirule, RangeOf, Rule, Severity};

/// A reading of the rules, named wherever a decision is kept. An earlier one stays, so that what it decided can be decided
/// again; another reading of a rule gets another name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// Across levels, whatever lots followed one another, and one level alone too. Runs follow one another as they came; two lots of
    /// a level are two levels of a run.
    First,
    /// Across levels, the lots in use alone, and never one material by itself. Runs follow one another as they were measured.
    Second,
}

impl Program {
    /// By which is decided now.
    pub const NOW: Program = Program::Second;

    pub fn name(self) -> &'static str {
        match self {
            Program::First => "westgard/1",
            Program::Second => "westgard/2",
        }
    }

    pub fn from_name(name: &str) -> Option<Program> {
        [Program::First, Program::Second].into_iter().find(|program| program.name() == name)
    }
}

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

impl Point {
    fn material(&self) -> (&str, &str) {
        (&self.lot, &self.level)
    }
}

/// Every rule that a run breaks, in the order of the rules. `points` are the results that count, of this run and of those
/// before it, in any order.
pub fn violations(points: &[Point], run: i64, by: &Multirule, program: Program) -> Vec<Violation> {
    let points: Vec<&Point> = points.iter().filter(|point| point.run <= run).collect();
    let in_use = in_use(&points);
    let mut scopes: BTreeMap<Scope, Vec<&Point>> = BTreeMap::new();
    for point in &points {
        let (lot, level) = (point.lot.clone(), point.level.clone());
        scopes.entry(Scope::Level { lot, level }).or_default().push(point);
        let counts_across = program == Program::First || in_use.contains(&point.material());
        if by.across == Across::Levels && counts_across {
            scopes.entry(Scope::AcrossLevels).or_default().push(point);
        }
    }
    let mut broken = Vec::new();
    for (scope, points) in &scopes {
        let runs = Runs::of(points, scope, program);
        if !runs.begin_with(run) {
            continue;
        }
        for (rule, severity) in &by.rules {
            if runs.break_rule(*rule, by) {
                broken.push(Violation { rule: *rule, severity: *severity, scope: scope.clone() });
            }
        }
    }
    broken.sort();
    broken
}

/// The materials in use: of each level the lots, mostly one, by which it was measured last.
fn in_use<'a>(points: &[&'a Point]) -> BTreeSet<(&'a str, &'a str)> {
    let mut latest: BTreeMap<&str, i64> = BTreeMap::new();
    for point in points {
        let run = latest.entry(&point.level).or_insert(point.run);
        *run = point.run.max(*run);
    }
    let is_last = |point: &&&Point| latest.get(point.level.as_str()) == Some(&point.run);
    points.iter().filter(is_last).map(|point| point.material()).collect()
}

/// Results by run, the latest first.
struct Runs<'a> {
    of: BTreeMap<Reverse<i64>, Vec<&'a Point>>,
    /// Whether they are of one level.
    within: bool,
    program: Program,
}

#[derive(Clone, Copy)]
enum Side {
    Above,
    Below,
}

impl<'a> Runs<'a> {
    fn of(points: &[&'a Point], scope: &Scope, program: Program) -> Runs<'a> {
        let mut of: BTreeMap<Reverse<i64>, Vec<&Point>> = BTreeMap::new();
        for point in points {
            of.entry(Reverse(point.run)).or_default().push(point);
        }
        Runs { of, within: matches!(scope, Scope::Level { .. }), program }
    }

    fn begin_with(&self, run: i64) -> bool {
        self.of.keys().next() == Some(&Reverse(run))
    }

    /// The results of the run at hand.
    fn latest(&self) -> &[&'a Point] {
        self.of.values().next().map(Vec::as_slice).unwrap_or_default()
    }

    fn break_rule(&self, rule: Rule, by: &Multirule) -> bool {
        let either = |is_so: &dyn Fn(Side) -> bool| is_so(Side::Above) || is_so(Side::Below);
        let past = |limit: i64, side: Side| move |z: &Exact| is_past(z, limit, side, by.at_limit);
        let one = |limit: i64| either(&|side| self.latest().iter().any(|it| past(limit, side)(&it.z)));
        let mean =
            |count: usize| either(&|side| self.in_a_row(count, |z| is_past(z, 0, side, AtLimit::Within)));
        match rule {
            Rule::OneTwoS => self.within && one(2),
            Rule::OneThreeS => self.within && one(3),
            Rule::TwoTwoS => {
                either(&|side| self.two_of_one_run(past(2, side)))
                    || (self.within && either(&|side| self.in_a_row(2, past(2, side))))
            }
            Rule::RangeFourS => self.is_wide(by),
            Rule::FourOneS => either(&|side| self.in_a_row(4, past(1, side))),
            Rule::EightX => mean(8),
            Rule::TenX => mean(10),
            Rule::SevenT => self.within && self.is_a_trend(7),
        }
    }

    /// Whether the latest `count` results are all such. Of the oldest run that is needed, some may be.
    fn in_a_row(&self, count: usize, is_such: impl Fn(&Exact) -> bool) -> bool {
        let mut row: Vec<&Point> = Vec::new();
        for (age, run) in self.of.values().enumerate() {
            let before = row.len();
            row.extend(run.iter().filter(|it| is_such(&it.z)));
            let is_broken_off = row.len() - before < run.len();
            if row.len() >= count || is_broken_off {
                return row.len() >= count && (age > 0 || !is_broken_off) && self.count_together(&row);
            }
        }
        false
    }

    /// Whether two results of the run at hand are such. Which of a run's results came first isn't said.
    fn two_of_one_run(&self, is_such: impl Fn(&Exact) -> bool) -> bool {
        let such: Vec<&Point> = self.latest().iter().copied().filter(|it| is_such(&it.z)).collect();
        let is_looked_for = !self.within || self.program == Program::Second;
        is_looked_for && such.len() >= 2 && self.count_together(&such)
    }

    fn is_wide(&self, by: &Multirule) -> bool {
        let run = self.latest();
        let is_wide = |high: &Exact, low: &Exact| match by.range {
            RangeOf::Difference => is_past(&(high - low), 4, Side::Above, by.at_limit),
            RangeOf::EachSide => {
                is_past(high, 2, Side::Above, by.at_limit) && is_past(low, 2, Side::Below, by.at_limit)
            }
        };
        let is_wide_with =
            |high: &&Point, low: &&Point| self.count_together(&[high, low]) && is_wide(&high.z, &low.z);
        run.iter().any(|high| run.iter().any(|low| is_wide_with(high, low)))
    }

    /// Across levels, what one material does alone counts for nothing.
    fn count_together(&self, points: &[&Point]) -> bool {
        let first = points.first().map(|it| it.material());
        let are_several = || points.iter().any(|it| Some(it.material()) != first);
        self.within || self.program == Program::First || are_several()
    }

    /// Whether each of the latest `count` runs is higher than the one before, or each lower. Replicates count by their
    /// mean: which of them came first isn't said.
    fn is_a_trend(&self, count: usize) -> bool {
        let means: Vec<Exact> = self.of.values().take(count).filter_map(|run| mean(run)).collect();
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

fn mean(run: &[&Point]) -> Option<Exact> {
    let sum = run.iter().fold(Exact::zero(), |sum, it| &sum + &it.z);
    sum.checked_div(&Exact::from(i64::try_from(run.len()).ok()?))
}
