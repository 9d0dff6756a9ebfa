//! Which analytes may be converted, from TOML: the shipped file, and a site's own that stands before it. All mistakes are
//! told at once; an unknown unit is one.

use std::collections::BTreeMap;

use labwire_units::{Analyte, Basis, Bounds, Exact, Fact, Facts, Line, Undecided, Unit, Way};

use super::codes::loinc;
use super::reader::{Entry, Name, Table};

/// Reads a file of analytes. What is wrong is noted, and its analyte left out.
pub(super) fn read(file: &mut Table<'_>) -> Vec<Analyte> {
    let mut owners = BTreeMap::new();
    let read = file.named_tables("analyte", |name, table| analyte(&name, table, &mut owners));
    read.into_iter().flatten().collect()
}

/// A UCUM unit, or what is wrong with it.
pub(super) fn unit(text: &str) -> Result<Unit, String> {
    Unit::parse(text).map_err(|refusal| format!("{refusal}; write a UCUM unit such as \"mmol/L\""))
}

/// `owners` holds the LOINC codes of the file so far, each with its analyte.
fn analyte(name: &Name<'_>, table: &mut Table<'_>, owners: &mut BTreeMap<String, String>) -> Option<Analyte> {
    let id = name.text.to_owned();
    if let Err(message) = super::id("an analyte's name", &id) {
        name.error(message);
    }
    let called = table.required("name", "\"what people call it\"").and_then(|entry| entry.text());
    let reported = table.required("unit", "\"mmol/L\", or what else is reported");
    let reported = reported.and_then(|entry| entry.parsed(unit));
    let codes = table.list("loinc", |entry| own_code(&entry, &id, owners)).unwrap_or_default();
    let reported_loinc = table.parsed("reported_loinc", loinc);
    let decimals = table.number("decimals", 0..=10);
    let ways = ways(table, reported.as_ref());
    let undecided = table.tables("undecided", undecided).into_iter().flatten().collect();
    let bounds = bounds(table);
    Some(Analyte {
        id,
        name: called?.to_owned(),
        loinc: codes,
        reported_loinc,
        unit: reported?,
        decimals,
        ways,
        undecided,
        bounds,
    })
}

fn own_code(entry: &Entry<'_>, id: &str, owners: &mut BTreeMap<String, String>) -> Option<String> {
    let code = entry.parsed(loinc)?;
    if let Some(owner) = owners.get(&code) {
        entry.error(format!("{code} means {owner} already; write it with one of them only"));
        return None;
    }
    owners.insert(code.clone(), id.to_owned());
    Some(code)
}

/// What may come, by its facts and by its rules. Each unit once.
fn ways(table: &mut Table<'_>, reported: Option<&Unit>) -> Vec<Way> {
    let molar_mass = fact(table, "molar_mass", "molar_mass_sources", |entry| entry.parsed(positive));
    let charge = fact(table, "charge", "charge_sources", |entry| {
        entry.number(1..=7_u32).map(|charge| Exact::from(i64::from(charge)))
    });
    let facts = molar_mass.zip(charge).map(|(molar_mass, charge)| Facts { molar_mass, charge });
    let mut ways: Vec<Way> = Vec::new();
    for entry in table.list("from", Some).unwrap_or_default() {
        let Some((from, (to, facts))) = entry.parsed(unit).zip(reported.zip(facts.as_ref())) else {
            continue;
        };
        match Way::find(from, to, facts) {
            Ok(way) if Some(way.from.code()) == reported.map(Unit::code) => {
                entry.error("this is the reported unit, which may always come; remove it");
            }
            Ok(way) if is_taken(&way, &ways) => entry.error("this unit stands here already; remove one"),
            Ok(way) => ways.push(way),
            Err(refusal) => entry.error(format!("{refusal}; write what can be converted, or a rule for it")),
        }
    }
    table.tables("rule", |table| match rule(table) {
        Some(way) if is_taken(&way, &ways) => {
            table.error("its unit stands in from, or in a rule, already; remove one")
        }
        Some(way) => ways.push(way),
        None => {}
    });
    ways
}

fn is_taken(way: &Way, ways: &[Way]) -> bool {
    ways.iter().any(|other| other.from.code() == way.from.code())
}

fn rule(table: &mut Table<'_>) -> Option<Way> {
    let from = table.required("from", "\"%\", the unit it is for").and_then(|entry| entry.parsed(unit));
    let slope = table.required("slope", "\"10.93\"").and_then(|entry| entry.parsed(positive));
    let offset = table.required("offset", "\"0\"").and_then(|entry| entry.parsed(number));
    let sources = sources(table, "sources");
    Some(Way { from: from?, line: Line { slope: slope?, offset: offset? }, basis: Basis::Rule(sources?) })
}

fn undecided(table: &mut Table<'_>) -> Option<Undecided> {
    let unit = table.required("unit", "\"mmol/L\"").and_then(|entry| entry.parsed(unit));
    let because = table.required("because", "\"why nobody can tell\"").and_then(|entry| entry.text());
    Some(Undecided { unit: unit?, because: because?.to_owned() })
}

/// A figure with its sources; `None` where it is wrong, which is told.
fn fact(
    table: &mut Table<'_>,
    key: &'static str,
    sources_key: &'static str,
    read: impl FnOnce(&Entry<'_>) -> Option<Exact>,
) -> Option<Option<Fact>> {
    let Some(entry) = table.entry(key) else {
        if let Some(stray) = table.entry(sources_key) {
            stray.error(format!("{sources_key} stands here without {key}; write both or neither"));
        }
        return Some(None);
    };
    let figure = read(&entry);
    let sources = sources(table, sources_key);
    Some(Some(Fact { figure: figure?, sources: sources? }))
}

fn sources(table: &mut Table<'_>, key: &'static str) -> Option<Vec<String>> {
    let listed = table.list(key, |entry| entry.text().map(str::to_owned)).unwrap_or_default();
    if listed.is_empty() {
        table.error(format!("{} has no {key}; write {key} = [\"where the figure is from\"]", table.title()));
        return None;
    }
    Some(listed)
}

fn bounds(table: &mut Table<'_>) -> Bounds {
    let below = table.parsed("absurd_below", number);
    let entry = table.entry("absurd_above");
    let above = entry.as_ref().and_then(|entry| entry.parsed(number));
    if let (Some(entry), Some(below), Some(above)) = (&entry, &below, &above)
        && below >= above
    {
        entry.error("absurd_above isn't above absurd_below; nothing would be believed");
    }
    Bounds { below, above }
}

fn number(text: &str) -> Result<Exact, String> {
    Exact::parse(text).ok_or_else(|| format!("{text:?} is no number; write digits such as \"180.156\""))
}

fn positive(text: &str) -> Result<Exact, String> {
    let number = number(text)?;
    if number.is_positive() { Ok(number) } else { Err(format!("{text} isn't above zero")) }
}

#[cfg(test)]
mod tests {
    use super::super::complaint::Remarks;
    use super::super::{ANALYTES, reader};
    use super::*;

    fn shipped() -> Vec<Analyte> {
        let remarks = Remarks::default();
        let analytes = reader::document(ANALYTES, &remarks, read).unwrap();
        assert_eq!(remarks.into_parts(), (Vec::new(), Vec::new()));
        analytes
    }

    #[test]
    fn every_shipped_figure_has_two_sources() {
        for analyte in shipped() {
            for way in &analyte.ways {
                let sources = match &way.basis {
                    Basis::Same | Basis::Ucum => continue,
                    Basis::MolarMass(fact) | Basis::Charge(fact) => &fact.sources,
                    Basis::Rule(sources) => sources,
                };
                let mut distinct: Vec<&String> = sources.iter().collect();
                distinct.dedup();
                assert!(distinct.len() >= 2, "{} from {}: {sources:?}", analyte.id, way.from);
            }
        }
    }

    #[test]
    fn what_is_undecided_is_in_no_way_decided() {
        for analyte in shipped() {
            for undecided in &analyte.undecided {
                let decided = analyte.ways.iter().any(|way| way.from.means(&undecided.unit));
                assert!(!decided && !analyte.unit.means(&undecided.unit), "{}", analyte.id);
            }
        }
    }
}
