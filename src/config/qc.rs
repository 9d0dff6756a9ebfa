//! `[qc]`: by which rules runs of controls are judged. Without the table controls are kept and forwarded, and not judged.

mod lots;

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::reader::{Entry, Table};
use crate::domain::qc::{Across, AtLimit, Multirule, Plan, RangeOf, Rule, Severity};

pub(super) use lots::read as read_lots;

/// The folder of the lots.
pub(super) const FOLDER: &str = "qc.d";

const LIMITS: [(&str, AtLimit); 2] = [("within", AtLimit::Within), ("beyond", AtLimit::Beyond)];
const RANGES: [(&str, RangeOf); 2] = [("each-side", RangeOf::EachSide), ("difference", RangeOf::Difference)];

/// The settings; the lots stand elsewhere.
pub(super) fn read(table: &mut Table<'_>) -> Plan {
    let default = Multirule::default();
    let judges = table.flag("westgard").unwrap_or(true);
    let rules = rules(table, &default);
    let minutes = |minutes: u32| SignedDuration::from_mins(minutes.into());
    let multirule = Multirule {
        rules,
        at_limit: table.choice("at_limit", &LIMITS).unwrap_or(default.at_limit),
        range: table.choice("range", &RANGES).unwrap_or(default.range),
        across: match table.flag("across_levels") {
            Some(false) => Across::Nothing,
            Some(true) | None => Across::Levels,
        },
        run_within: table.number("run_mins", 1..=1_440_u32).map_or(default.run_within, minutes),
        replicates: table.number("replicates", 1..=10).unwrap_or(default.replicates),
        levels: table.number("levels", 1..=10).unwrap_or(default.levels),
    };
    let hours = |hours: u32| SignedDuration::from_hours(hours.into());
    Plan {
        lots: Vec::new(),
        multirule: judges.then_some(multirule),
        valid_for: table.number("valid_hours", 1..=8_760_u32).map_or(Plan::default().valid_for, hours),
    }
}

/// What the two lists name. A list that isn't there stands for the usual rules of its kind, without those that the other
/// names.
fn rules(table: &mut Table<'_>, default: &Multirule) -> BTreeMap<Rule, Severity> {
    let mut rules = BTreeMap::new();
    let mut usual = Vec::new();
    for (key, severity) in [("warn", Severity::Warn), ("reject", Severity::Reject)] {
        let Some(listed) = table.entry(key) else {
            usual.extend(default.rules.iter().filter(|(_, it)| **it == severity));
            continue;
        };
        for entry in listed.list().unwrap_or_default() {
            if let Some(rule) = entry.parsed(rule) {
                add(&mut rules, &entry, rule, severity);
            }
        }
    }
    for (rule, severity) in usual {
        rules.entry(*rule).or_insert(*severity);
    }
    rules
}

fn add(rules: &mut BTreeMap<Rule, Severity>, entry: &Entry<'_>, rule: Rule, severity: Severity) {
    if rules.insert(rule, severity).is_some() {
        entry.error(format!("{} stands in warn or in reject already; write it once", rule.name()));
    }
}

fn rule(text: &str) -> Result<Rule, String> {
    let names = Rule::ALL.map(Rule::name);
    Rule::from_name(text).ok_or_else(|| {
        let known = super::nearest::either(names);
        format!("unknown rule {text:?}; write {known}")
    })
}
