//! `qc.d/*.toml`: the lots of control materials, their levels, and what each should give. All mistakes are told at once.

use jiff::civil::Date;
use labwire_units::Exact;

use crate::config::complaint::Complaint;
use crate::config::reader::{Entry, Table};
use crate::domain::TestIdentity;
use crate::domain::profile::Pattern;
use crate::domain::qc::{Level, Lot, Target, Unmarked};

/// The fewest characters beside its stars by which an unmarked control is known.
const LEAST: usize = 3;

/// One target by the name of its control, so that no two are meant by one result.
pub(in crate::config) struct Claim {
    /// Where it stands.
    owner: String,
    specimens: Vec<Pattern>,
    instruments: Vec<Pattern>,
    target: Target,
}

/// What a file's lots are, and the instruments that they name, each with its place. `claims` are the targets of all files
/// so far.
pub(in crate::config) fn read(
    file: &mut Table<'_>,
    name: &str,
    claims: &mut Vec<Claim>,
) -> (Vec<Lot>, Vec<Complaint>) {
    let mut instruments = Vec::new();
    let lots = file.tables("lot", |table| lot(table, name, claims, &mut instruments));
    (lots.into_iter().flatten().collect(), instruments)
}

fn lot(
    table: &mut Table<'_>,
    file: &str,
    claims: &mut Vec<Claim>,
    named: &mut Vec<Complaint>,
) -> Option<Lot> {
    let number = table.required("lot", "\"26701\", the maker's number").and_then(|it| it.parsed(word));
    let material =
        table.required("material", "\"what people call the material\"").and_then(|it| it.parsed(word));
    let instruments = table.narrowing("instruments", |entry| {
        let name = entry.text()?;
        named.push(Complaint::new(entry.span(), name));
        Some(Pattern::new(name))
    });
    let owner = format!("lot {} of {file}", number.as_deref().unwrap_or_default());
    let mut names: Vec<String> = Vec::new();
    let levels = table.tables("level", |table| {
        let level = level(table, &owner, &instruments, claims)?;
        if names.contains(&level.level) {
            table.error(format!("level {} stands in this lot already; write its targets there", level.level));
        }
        names.push(level.level.clone());
        Some(level)
    });
    if levels.is_empty() {
        table.error("this lot has no level; write [[lot.level]] below it");
    }
    let levels = levels.into_iter().flatten().collect();
    Some(Lot { lot: number?, material: material?, instruments, levels })
}

fn level(
    table: &mut Table<'_>,
    owner: &str,
    instruments: &[Pattern],
    claims: &mut Vec<Claim>,
) -> Option<Level> {
    let level = table.required("level", "\"1\"").and_then(|it| it.parsed(word));
    let unmarked = match table.flag("unmarked") {
        Some(true) => Unmarked::IsControl,
        Some(false) | None => Unmarked::IsPatients,
    };
    let listed = table.required("specimens", "[\"QC1*\"], what the analyzer sends as its number");
    let entries = listed.as_ref().and_then(Entry::list);
    if let (Some(listed), Some(0)) = (&listed, entries.as_ref().map(Vec::len)) {
        listed.error("no control is named here; write what the analyzer sends as its number");
    }
    let entries = entries.unwrap_or_default();
    let specimens: Vec<Pattern> = entries.iter().filter_map(|entry| specimen(entry, unmarked)).collect();
    let targets = table.tables("target", |table| {
        let from = table.entry("from");
        let target = target(table, from.as_ref())?;
        let (specimens, instruments) = (specimens.clone(), instruments.to_vec());
        let claim = Claim { owner: owner.to_owned(), specimens, instruments, target: target.clone() };
        if let (Some(other), Some(from)) = (claims.iter().find(|other| other.collides(&claim)), from) {
            from.error(format!(
                "{} has a target for this control and test from {} to {}; let one end before the other begins",
                other.owner, other.target.from, other.target.to
            ));
        }
        claims.push(claim);
        Some(target)
    });
    Some(Level { level: level?, specimens, unmarked, targets: targets.into_iter().flatten().collect() })
}

fn specimen(entry: &Entry<'_>, unmarked: Unmarked) -> Option<Pattern> {
    let text = entry.text()?.trim();
    let bare = text.strip_prefix('*').unwrap_or(text);
    let bare = bare.strip_suffix('*').unwrap_or(bare);
    if bare.contains('*') {
        entry.error(format!("{text:?} has a * in the middle; one may stand at the start and at the end"));
        return None;
    }
    let least = if unmarked == Unmarked::IsControl { LEAST } else { 1 };
    if bare.chars().count() < least {
        let letters = if least == 1 { "something" } else { "at least three characters" };
        entry.error(format!("{text:?} would take too much for this control; write {letters} of its number"));
        return None;
    }
    Some(Pattern::new(text))
}

fn target(table: &mut Table<'_>, from: Option<&Entry<'_>>) -> Option<Target> {
    let code = table.required("test", "\"GLU\", the instrument's code").and_then(|it| it.parsed(word));
    let aspect = table.text("aspect").unwrap_or_default();
    let component = table.text("component").unwrap_or_default();
    let unit = table.required("unit", "\"mmol/L\", as the instrument sends it").and_then(|it| it.text());
    let mean = table.required("mean", "\"5.40\"").and_then(|it| it.parsed(number));
    let sd = table.required("sd", "\"0.12\"").and_then(|it| it.parsed(positive));
    if from.is_none() {
        table.error("this target has no from; write from = \"2026-01-01\"");
    }
    let from = from.and_then(|it| it.parsed(day));
    let until = table.required("to", "\"2026-12-31\"");
    let to = until.as_ref().and_then(|it| it.parsed(day));
    if let (Some(entry), Some(from), Some(to)) = (&until, from, to)
        && to < from
    {
        entry.error("it ends before it begins; let to be no earlier than from");
    }
    let source = table.required("source", "\"where the figures are from\"").and_then(|it| it.parsed(word));
    let test = TestIdentity { code: code?, aspect, component, dilution: String::new() };
    Some(Target { test, unit: unit?.to_owned(), mean: mean?, sd: sd?, from: from?, to: to?, source: source? })
}

impl Claim {
    /// Whether one control result can be meant by both.
    fn collides(&self, other: &Claim) -> bool {
        let everywhere = |it: &Claim| it.instruments.is_empty();
        let together = everywhere(self)
            || everywhere(other)
            || self.instruments.iter().any(|one| {
                other.instruments.iter().any(|it| it.matches(one.as_str()) || one.matches(it.as_str()))
            });
        together
            && self.target.test == other.target.test
            && self.target.from <= other.target.to
            && other.target.from <= self.target.to
            && self.specimens.iter().any(|it| other.specimens.contains(it))
    }
}

fn word(text: &str) -> Result<String, String> {
    let text = text.trim();
    let fits = (1..=120).contains(&text.chars().count()) && !text.contains(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err("write 1 to 120 characters on one line".to_owned()) }
}

fn day(text: &str) -> Result<Date, String> {
    let fits = text.len() == "2026-01-31".len();
    let date = fits.then(|| text.parse().ok()).flatten();
    date.ok_or_else(|| format!("{text:?} is no day; write one such as \"2026-01-31\""))
}

fn number(text: &str) -> Result<Exact, String> {
    Exact::parse(text).ok_or_else(|| format!("{text:?} is no number; write digits such as \"5.40\""))
}

fn positive(text: &str) -> Result<Exact, String> {
    let number = number(text)?;
    if number.is_positive() { Ok(number) } else { Err(format!("{text} isn't above zero")) }
}
