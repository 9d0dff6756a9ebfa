//! Who a patient of whom something isn't known may be, as far as rules tell patients apart: one on each side of every border
//! that they draw.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};

use super::case::{Case, Person};
use super::criteria::{Age, Criteria, Sex};
use crate::domain::Glob;

/// A day at which no month or year ends oddly.
pub const DAY: Date = date(2026, 7, 1);
/// A name that no rule has.
const OTHER: &str = "\u{1}";

/// The case with everything filled in that isn't known and that the criteria ask for, in every way that makes a difference
/// to them.
pub fn completions(criteria: &[&Criteria], case: &Case) -> Vec<Case> {
    let ages = match case.person.birth.zip(case.on).filter(|(birth, day)| birth <= day) {
        Some((birth, day)) => vec![(birth, day)],
        None => births(criteria).into_iter().map(|birth| (birth, DAY)).collect(),
    };
    let sexes = match case.person.sex {
        Some(sex) => vec![sex],
        None => vec![Sex::Female, Sex::Male],
    };
    let wards = names(case.person.ward.as_ref(), criteria, |it| &it.wards);
    let kinds = names(case.specimen.kind.as_ref(), criteria, |it| &it.specimen_kinds);
    let mut whole = Vec::new();
    for (birth, day) in ages {
        for sex in &sexes {
            for ward in &wards {
                for kind in &kinds {
                    let mut case = case.clone();
                    let (birth, sex, ward) = (Some(birth), Some(*sex), Some(ward.clone()));
                    case.person = Person { birth, sex, ward, ..case.person };
                    case.specimen.kind = Some(kind.clone());
                    case.on = Some(day);
                    whole.push(case);
                }
            }
        }
    }
    whole
}

/// Births that are one day on each side of every age, seen from [`DAY`], and on that day itself.
fn births(criteria: &[&Criteria]) -> BTreeSet<Date> {
    let edges = criteria.iter().flat_map(|it| [it.age_from, it.age_below]).flatten();
    let around = |age: Age| {
        let old_enough = age.before(DAY);
        let not_yet = old_enough.and_then(|day| day.tomorrow().ok()).filter(|day| *day <= DAY);
        old_enough.into_iter().chain(not_yet)
    };
    edges.flat_map(around).chain([DAY]).collect()
}

fn names(
    known: Option<&String>,
    criteria: &[&Criteria],
    of: impl Fn(&Criteria) -> &Vec<Glob>,
) -> BTreeSet<String> {
    match known {
        Some(name) => BTreeSet::from([name.clone()]),
        None => {
            let named = criteria.iter().flat_map(|it| of(it)).map(Glob::example);
            named.chain([OTHER.to_owned()]).collect()
        }
    }
}
