//! The files of `rules.d`: critical limits, deltas and integrity rules as text, each with its cases beside it. Every mistake
//! of every file is told at once; a limit without its operator, or on the wrong side, is one.

mod cases;
mod delta;
mod integrity;
mod limits;
mod reachable;

use std::collections::BTreeMap;
use std::ops::Range;

use labwire_units::{Analyte, Analytes};

use super::complaint::{Complaint, Remarks};
use super::finding::{Finding, Source};
use super::nearest::nearest;
use super::reader::{self, Entry, Table};
use crate::domain::Glob;
use crate::domain::clinic::{Age, Checks, Criteria, Example, Rule, RuleKind, Sex, Together};

const SEXES: [(&str, Sex); 2] = [("female", Sex::Female), ("male", Sex::Male)];

/// The rules that files make, in the order of the files, and what is wrong with them.
pub(super) fn assembled(sources: &[&Source], analytes: &Analytes) -> (Checks, Vec<Finding>) {
    let mut drafts: Vec<(&Source, Draft)> = Vec::new();
    let mut findings = Vec::new();
    for &source in sources {
        let remarks = Remarks::default();
        let read = reader::document(&source.text, &remarks, |file| file_of_rules(file, source, analytes));
        drafts.extend(read.unwrap_or_default().into_iter().flatten().map(|draft| (source, draft)));
        findings.extend(remarks.into_parts().0.iter().map(|complaint| source.finding(complaint)));
    }
    findings.extend(between_rules(&drafts));
    let mut checks = Checks::default();
    for (_, draft) in drafts {
        checks.rules.push(draft.rule);
        checks.examples.extend(draft.examples);
    }
    (checks, findings)
}

/// Reads one file, as far as it goes: what is wrong is noted, and the rules are left to who wants them.
pub(super) fn read(file: &mut Table<'_>, source: &Source, analytes: &Analytes) {
    file_of_rules(file, source, analytes);
}

/// One rule with its cases.
struct Draft {
    rule: Rule,
    examples: Vec<Example>,
    /// Where its name stands.
    name: Range<usize>,
}

/// What the readers of one file's rules work with.
struct Context<'a> {
    source: &'a Source,
    analytes: &'a Analytes,
}

impl Context<'_> {
    fn place(&self, span: Range<usize>) -> String {
        let found = self.source.finding(&Complaint::new(span, ""));
        let (line, column) = found.place.unwrap_or_default();
        format!("{}:{line}:{column}", found.file)
    }

    /// The analyte that an entry names.
    fn analyte(&self, entry: &Entry<'_>) -> Option<&Analyte> {
        let name = entry.text()?;
        let found = self.analytes.named(name);
        if found.is_none() {
            let advice = match nearest(name, self.analytes.iter().map(|it| it.id.as_str())) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "describe it in analytes.toml".to_owned(),
            };
            entry.error(format!("unknown analyte \"{name}\"; {advice}"));
        }
        found.map(|analyte| analyte.as_ref())
    }
}

fn file_of_rules(file: &mut Table<'_>, source: &Source, analytes: &Analytes) -> Vec<Option<Draft>> {
    let context = Context { source, analytes };
    let context = &context;
    let mut drafts = Vec::new();
    drafts.extend(file.tables("critical", |table| limits::critical(table, context)));
    drafts.extend(file.tables("range", |table| limits::range(table, context)));
    drafts.extend(file.tables("delta", |table| delta::delta(table, context)));
    drafts.extend(file.tables("together", |table| delta::together(table, context)));
    drafts.extend(file.tables("flags", |table| integrity::flags(table, context)));
    drafts.extend(file.tables("index", |table| integrity::index(table, context)));
    drafts.extend(file.tables("consistency", |table| integrity::consistency(table, context)));
    drafts.extend(file.tables("pattern", |table| integrity::pattern(table, context)));
    drafts.extend(file.tables("specimen_number", |table| integrity::number(table, context)));
    drafts.extend(file.tables("demographics", |table| integrity::demographics(table, context)));
    drafts.extend(file.tables("identity", |table| integrity::identity(table, context)));
    drafts.extend(file.tables("qc", |table| integrity::qc(table, context)));
    drafts
}

/// What every rule says, whatever it is about.
struct Head {
    name: Option<(String, Range<usize>)>,
    source: Option<String>,
    criteria: Criteria,
    holds: bool,
    preliminary: bool,
}

fn head(table: &mut Table<'_>, holds: bool) -> Head {
    let name = table.required("name", "\"a-name-of-its-own\"").and_then(|entry| {
        let name = entry.parsed(|name| super::id("a rule's name", name).map(|()| name.to_owned()))?;
        Some((name, entry.span()))
    });
    let source = table.required("source", "\"where it is from\"").and_then(|entry| entry.text());
    let hold = table.flag("hold");
    let preliminary = table.flag("preliminary").unwrap_or_default();
    let (source, holds) = (source.map(str::to_owned), hold.unwrap_or(holds));
    Head { name, source, criteria: criteria(table), holds, preliminary }
}

fn criteria(table: &mut Table<'_>) -> Criteria {
    let age_from = table.parsed("age_from", age);
    let below = table.entry("age_below");
    let age_below = below.as_ref().and_then(|entry| entry.parsed(age));
    if let (Some(entry), Some(from), Some(to)) = (&below, age_from, age_below)
        && !reachable::is_younger(from, to)
    {
        entry.error(format!("age_below is no older than age_from, {from}; no patient is both"));
    }
    Criteria {
        age_from,
        age_below,
        sex: table.choice("sex", &SEXES),
        wards: globs(table, "wards"),
        specimen_kinds: globs(table, "specimen_kinds"),
        instruments: globs(table, "instruments"),
    }
}

fn globs(table: &mut Table<'_>, key: &'static str) -> Vec<Glob> {
    table.list(key, |entry| entry.text().map(Glob::new)).unwrap_or_default()
}

fn age(text: &str) -> Result<Age, String> {
    Age::parse(text).ok_or_else(|| {
        format!("{text:?} is no age; write days, weeks, months or years such as \"30 d\", \"7 wk\", \"6 mo\" or \"18 y\"")
    })
}

/// A rule put together, where nothing that it needs is missing, with its cases.
fn draft(
    table: &mut Table<'_>,
    context: &Context<'_>,
    head: Head,
    analytes: Vec<String>,
    kind: Option<RuleKind>,
    defaults: &cases::Defaults<'_>,
) -> Option<Draft> {
    let name = head.name.as_ref().map(|(name, _)| name.clone()).unwrap_or_default();
    let examples = cases::read(table, context, &name, &head.criteria, defaults);
    let (name, span) = head.name?;
    let rule = Rule {
        name,
        analytes,
        criteria: head.criteria,
        holds: head.holds,
        preliminary: head.preliminary,
        source: head.source?,
        kind: kind?,
        place: context.place(table.span()),
    };
    Some(Draft { rule, examples, name: span })
}

/// What is wrong between rules: names that stand twice, names of no rule, and rules that no patient comes to.
fn between_rules(drafts: &[(&Source, Draft)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut names: BTreeMap<&str, &Draft> = BTreeMap::new();
    let at = |(source, draft): &(&Source, Draft), message: String| {
        source.finding(&Complaint::new(draft.name.clone(), message))
    };
    for one in drafts {
        let name = one.1.rule.name.as_str();
        if let Some(other) = names.get(name) {
            findings.push(at(one, format!("a rule at {} has this name; give it another", other.rule.place)));
        } else {
            names.insert(name, &one.1);
        }
    }
    for one in drafts {
        let RuleKind::Together(Together { deltas, .. }) = &one.1.rule.kind else { continue };
        for name in deltas {
            if !names.get(name.as_str()).is_some_and(|it| matches!(it.rule.kind, RuleKind::Delta(_))) {
                findings.push(at(one, format!("there is no [[delta]] named \"{name}\"; name one in deltas")));
            }
        }
    }
    let rules: Vec<&Rule> = drafts.iter().map(|(_, draft)| &draft.rule).collect();
    for index in reachable::never_reached(&rules) {
        if let Some(one) = drafts.get(index) {
            let text = "no patient comes to this rule: those before it take them all; remove it, or set it before them";
            findings.push(at(one, text.to_owned()));
        }
    }
    findings
}
