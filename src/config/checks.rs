//! The files of `rules.d`: critical limits, deltas and integrity rules as text, each with its cases beside it. Every mistake
//! of every file is told at once; a limit without its operator, or on the wrong side, is one.

mod cases;
mod delta;
mod integrity;
mod limits;
mod reachable;

use std::collections::{BTreeMap, BTreeSet};
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
        drafts.extend(read.unwrap_or_default().into_iter().map(|draft| (source, draft)));
        findings.extend(remarks.into_parts().0.iter().map(|complaint| source.finding(complaint)));
    }
    findings.extend(between_rules(&drafts));
    let mut checks = Checks::default();
    for (_, draft) in drafts {
        checks.rules.extend(draft.rule);
        checks.examples.extend(draft.examples);
    }
    (checks, findings)
}

/// Reads one file, as far as it goes: what is wrong is noted, and the rules are left to who wants them.
pub(super) fn read(file: &mut Table<'_>, source: &Source, analytes: &Analytes) {
    file_of_rules(file, source, analytes);
}

/// One rule with its cases, as far as they could be read.
struct Draft {
    /// Empty where the rule has none that can be read.
    name: String,
    /// Where its name stands, or else the rule.
    span: Range<usize>,
    place: String,
    /// Whether it is a [[delta]], which others may name.
    is_delta: bool,
    /// Whether it could be read whom it is for.
    is_for_known: bool,
    /// Nothing where it couldn't be read what is asked.
    rule: Option<Rule>,
    examples: Vec<Example>,
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

fn file_of_rules(file: &mut Table<'_>, source: &Source, analytes: &Analytes) -> Vec<Draft> {
    let context = Context { source, analytes };
    let context = &context;
    let mut drafts = Vec::new();
    drafts.extend(file.tables("critical", |table| limits::critical(table, context)));
    drafts.extend(file.tables("range", |table| limits::range(table, context)));
    let deltas = file.tables("delta", |table| delta::delta(table, context)).into_iter();
    drafts.extend(deltas.map(|draft| Draft { is_delta: true, ..draft }));
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
    is_for_known: bool,
    holds: bool,
    preliminary: bool,
}

fn head(table: &mut Table<'_>, holds: bool) -> Head {
    let name = table.required("name", "\"a-name-of-its-own\"").and_then(|entry| {
        let name = entry.parsed(|name| super::id("a rule's name", name).map(|()| name.to_owned()))?;
        Some((name, entry.span()))
    });
    let source = table.required("source", "\"where it is from\"").and_then(|entry| {
        let source = entry.text()?;
        if source.trim().is_empty() {
            entry.error("it says nothing; write where the rule is from");
        }
        Some(source)
    });
    let hold = table.flag("hold");
    let preliminary = table.flag("preliminary").unwrap_or_default();
    let (source, holds) = (source.map(str::to_owned), hold.unwrap_or(holds));
    let before = table.count_of_errors();
    let criteria = criteria(table);
    Head { name, source, criteria, is_for_known: table.count_of_errors() == before, holds, preliminary }
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
        wards: table.narrowing("wards", glob),
        specimen_kinds: table.narrowing("specimen_kinds", glob),
        instruments: table.narrowing("instruments", glob),
    }
}

fn globs(table: &mut Table<'_>, key: &'static str) -> Vec<Glob> {
    table.list(key, glob).unwrap_or_default()
}

fn glob(entry: Entry<'_>) -> Option<Glob> {
    entry.text().map(Glob::new)
}

fn age(text: &str) -> Result<Age, String> {
    Age::parse(text).ok_or_else(|| {
        format!("{text:?} is no age; write days, weeks, months or years such as \"30 d\", \"7 wk\", \"6 mo\" or \"18 y\"")
    })
}

/// A rule put together with its cases. What is missing was told.
fn draft(
    table: &mut Table<'_>,
    context: &Context<'_>,
    head: Head,
    analytes: Vec<String>,
    kind: Option<RuleKind>,
    defaults: &cases::Defaults<'_>,
) -> Draft {
    let (name, span) = head.name.unwrap_or_else(|| (String::new(), table.span()));
    let examples = cases::read(table, context, &name, &head.criteria, defaults);
    let place = context.place(table.span());
    let rule = kind.map(|kind| Rule {
        name: name.clone(),
        analytes,
        criteria: head.criteria,
        holds: head.holds,
        preliminary: head.preliminary,
        source: head.source.unwrap_or_default(),
        kind,
        place: place.clone(),
    });
    Draft { name, span, place, is_delta: false, is_for_known: head.is_for_known, rule, examples }
}

/// What is wrong between rules: names that stand twice, names of no rule, and rules that no patient comes to.
fn between_rules(drafts: &[(&Source, Draft)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut names: BTreeMap<&str, &Draft> = BTreeMap::new();
    let at = |(source, draft): &(&Source, Draft), message: String| {
        source.finding(&Complaint::new(draft.span.clone(), message))
    };
    for one in drafts.iter().filter(|(_, draft)| !draft.name.is_empty()) {
        let name = one.1.name.as_str();
        if let Some(other) = names.get(name) {
            findings.push(at(one, format!("a rule at {} has this name; give it another", other.place)));
        } else {
            names.insert(name, &one.1);
        }
    }
    for one in drafts {
        let kind = one.1.rule.as_ref().map(|rule| &rule.kind);
        let Some(RuleKind::Together(Together { deltas, at_least })) = kind else { continue };
        for name in deltas {
            if !names.get(name.as_str()).is_some_and(|it| it.is_delta) {
                findings.push(at(one, format!("there is no [[delta]] named \"{name}\"; name one in deltas")));
            }
        }
        let rules: Option<Vec<&Rule>> =
            deltas.iter().map(|name| names.get(name.as_str())?.rule.as_ref()).collect();
        let analytes: BTreeSet<&String> = rules.iter().flatten().flat_map(|rule| &rule.analytes).collect();
        if rules.is_some() && analytes.len() < *at_least && *at_least <= deltas.len() {
            let count = analytes.len();
            let text = format!(
                "it never finds anything: at_least is {at_least}, and the analytes of its deltas are {count}"
            );
            findings.push(at(one, format!("{text}; name changes of more")));
        }
    }
    // Of a rule that may be for fewer than it seems nobody can say whom it takes.
    let known: Vec<(&(&Source, Draft), &Rule)> = drafts
        .iter()
        .filter(|(_, draft)| draft.is_for_known)
        .filter_map(|one| Some((one, one.1.rule.as_ref()?)))
        .collect();
    let rules: Vec<&Rule> = known.iter().map(|(_, rule)| *rule).collect();
    for index in reachable::never_reached(&rules) {
        if let Some((one, _)) = known.get(index) {
            let text = "no patient comes to this rule: those before it take them all; remove it, or set it before them";
            findings.push(at(one, text.to_owned()));
        }
    }
    findings
}
