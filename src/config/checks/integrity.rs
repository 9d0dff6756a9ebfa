//! Rules about whether a result can be what it is said to be.

use labwire_units::Exact;

use super::limits::{Measure, Side, limit, written};
use super::{Context, Draft, cases, draft, globs, head};
use crate::config::reader::{Entry, Table};
use crate::domain::clinic::{
    CheckDigit, Consistency, Demographic, Demographics, Flags, IdentityRule, Index, Missing, NumberPattern,
    Pattern, QcRule, Relation, RuleKind, Sign, Term,
};

const MISSING: [(&str, Missing); 2] = [("pass", Missing::NotEvaluated), ("hold", Missing::Undecided)];
const CHECK_DIGITS: [(&str, CheckDigit); 2] =
    [("luhn", CheckDigit::Luhn), ("iso7064-mod11-2", CheckDigit::Mod11)];
const RELATIONS: [&str; 5] = ["<", "<=", ">", ">=", "within"];

pub(super) fn flags(table: &mut Table<'_>, context: &Context<'_>) -> Draft {
    let head = head(table, true);
    let analytes = analytes(table, context);
    let flags = globs(table, "flags");
    if flags.is_empty() {
        table.error(format!("{} has no flags; write flags = [\"H*\"]", table.title()));
    }
    let kind = (!flags.is_empty()).then_some(RuleKind::Flags(Flags(flags)));
    draft(table, context, head, analytes, kind, &cases::Defaults::none())
}

pub(super) fn index(table: &mut Table<'_>, context: &Context<'_>) -> Draft {
    let head = head(table, true);
    let analytes = table.list("analytes", |entry| analyte(&entry, context)).unwrap_or_default();
    if analytes.is_empty() {
        table.error(format!("{} has no analytes; write analytes = [\"potassium\"]", table.title()));
    }
    let codes = globs(table, "codes");
    if codes.is_empty() {
        table.error(format!(
            "{} has no codes; write codes = [\"HEM\"], as the instrument sends it",
            table.title()
        ));
    }
    let limit = table.required("limit", "\">= 3\"").and_then(|entry| limit(&entry, Side::High, None));
    let missing = table.choice("missing", &MISSING).unwrap_or(Missing::NotEvaluated);
    let is_whole = !codes.is_empty() && !analytes.is_empty();
    let kind = limit.filter(|_| is_whole).map(|limit| RuleKind::Index(Index { codes, limit, missing }));
    draft(table, context, head, analytes, kind, &cases::Defaults::none())
}

pub(super) fn consistency(table: &mut Table<'_>, context: &Context<'_>) -> Draft {
    let head = head(table, true);
    let left = terms(table, "left", context);
    let right = terms(table, "right", context);
    let relation = table.required("relation", "\"within\"").and_then(|entry| {
        let word = entry.text()?;
        if !RELATIONS.contains(&word) {
            entry.error(format!(
                "unknown relation {word:?}; write \"<\", \"<=\", \">\", \">=\" or \"within\""
            ));
        }
        RELATIONS.into_iter().find(|it| *it == word)
    });
    let percent = match relation {
        Some("within") => table.required("within_percent", "\"10\""),
        _ => None,
    };
    let percent = percent.and_then(|entry| entry.parsed(super::delta::above_zero));
    let relation = relation.and_then(|word| match word {
        "<" => Some(Relation::Less),
        "<=" => Some(Relation::LessOrEqual),
        ">" => Some(Relation::Greater),
        ">=" => Some(Relation::GreaterOrEqual),
        _ => percent.map(Relation::Within),
    });
    let mut analytes: Vec<String> = Vec::new();
    for term in left.iter().chain(&right).flatten().flatten() {
        if analytes.contains(&term.analyte) {
            let (title, twice) = (table.title(), &term.analyte);
            table.error(format!("{title} names {twice} twice; name each analyte once, with times"));
        } else {
            analytes.push(term.analyte.clone());
        }
    }
    let kind = left.zip(right).zip(relation).and_then(|((left, right), relation)| {
        let (left, right) = (whole(left)?, whole(right)?);
        Some(RuleKind::Consistency(Consistency { left, relation, right }))
    });
    draft(table, context, head, analytes, kind, &cases::Defaults::none())
}

fn whole<T>(items: Vec<Option<T>>) -> Option<Vec<T>> {
    items.into_iter().collect()
}

/// One side of a formula; `None` where it is empty, which is told.
fn terms(table: &mut Table<'_>, key: &'static str, context: &Context<'_>) -> Option<Vec<Option<Term>>> {
    let terms = table.tables(key, |table| {
        let times = match table.entry("times") {
            Some(entry) => entry.parsed(super::delta::above_zero),
            None => Some(Exact::one()),
        };
        let measure = Measure::read(table, context)?;
        let back = measure.line.inverse()?;
        let (times, unit) = (times?, measure.unit.code());
        let written = match times == Exact::one() {
            true => format!("{} in {unit}", measure.analyte.id),
            false => format!("{times} × {} in {unit}", measure.analyte.id),
        };
        let analyte = measure.analyte.id.clone();
        Some(Term { times, analyte, slope: back.slope, offset: back.offset, written })
    });
    if terms.is_empty() {
        let example = "[{ analyte = \"haematocrit\", unit = \"%\" }]";
        table.error(format!("{} has no {key}; write {key} = {example}", table.title()));
        return None;
    }
    Some(terms)
}

pub(super) fn pattern(table: &mut Table<'_>, context: &Context<'_>) -> Draft {
    let head = head(table, true);
    let signs = table.tables("when", |table| {
        let measure = Measure::read(table, context);
        let entry = table.required("is", "\"> 6.0\"");
        let line = measure.as_ref().map(|it| &it.line);
        let limit = entry.and_then(|entry| limit(&entry, Side::Either, line));
        let (measure, mut limit) = (measure?, limit?);
        limit.written = written(&limit.written, Some(measure.unit.code()));
        Some(Sign { analyte: measure.analyte.id.clone(), limit })
    });
    if signs.len() < 2 {
        let example = "when = [{ analyte = \"potassium\", unit = \"mmol/L\", is = \"> 6.0\" }, …]";
        table.error(format!("{} has fewer than two signs; write {example}", table.title()));
    }
    let analytes = signs.iter().flatten().map(|sign| sign.analyte.clone()).collect();
    for (number, one) in signs.iter().enumerate() {
        let excludes = |other: &&Sign| one.as_ref().is_some_and(|one| one.excludes(other));
        if let Some(other) = signs.iter().take(number).flatten().find(excludes) {
            let title = table.title();
            table.error(format!(
                "{title} can never be met: no {} is {} and at the same time {}",
                other.analyte,
                other.limit.written,
                one.as_ref().map_or("", |one| &one.limit.written)
            ));
        }
    }
    let kind = whole(signs).filter(|signs| signs.len() > 1).map(|signs| RuleKind::Pattern(Pattern(signs)));
    draft(table, context, head, analytes, kind, &cases::Defaults::none())
}

pub(super) fn number(table: &mut Table<'_>, context: &Context<'_>) -> Draft {
    let head = head(table, true);
    let pattern = table.required("pattern", "\"9999999999\"").and_then(|entry| entry.parsed(picture));
    let check_digit = table.choice("check_digit", &CHECK_DIGITS);
    let kind = pattern.map(|pattern| RuleKind::Number(NumberPattern { pattern, check_digit }));
    draft(table, context, head, Vec::new(), kind, &cases::Defaults::none())
}

fn picture(text: &str) -> Result<String, String> {
    if (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err("a pattern has 1 to 40 signs: 9 for a digit, A for a capital letter, X for either, others for themselves"
        .to_owned())
}

pub(super) fn demographics(table: &mut Table<'_>, context: &Context<'_>) -> Draft {
    let head = head(table, true);
    let analytes = analytes(table, context);
    let wanted = table.list("required", |entry| entry.choice(&Demographic::ALL)).unwrap_or_default();
    if wanted.is_empty() {
        table.error(format!("{} has no required; write required = [\"id\", \"birth_date\"]", table.title()));
    }
    let kind = (!wanted.is_empty()).then_some(RuleKind::Demographics(Demographics(wanted)));
    draft(table, context, head, analytes, kind, &cases::Defaults::none())
}

pub(super) fn identity(table: &mut Table<'_>, context: &Context<'_>) -> Draft {
    let head = head(table, true);
    let kind = Some(RuleKind::Identity(IdentityRule));
    draft(table, context, head, Vec::new(), kind, &cases::Defaults::none())
}

pub(super) fn qc(table: &mut Table<'_>, context: &Context<'_>) -> Draft {
    let head = head(table, true);
    let analytes = analytes(table, context);
    let missing = table.choice("missing", &MISSING).unwrap_or(Missing::Undecided);
    let kind = Some(RuleKind::Qc(QcRule { missing }));
    draft(table, context, head, analytes, kind, &cases::Defaults::none())
}

fn analytes(table: &mut Table<'_>, context: &Context<'_>) -> Vec<String> {
    table.narrowing("analytes", |entry| analyte(&entry, context))
}

fn analyte(entry: &Entry<'_>, context: &Context<'_>) -> Option<String> {
    Some(context.analyte(entry)?.id.clone())
}
