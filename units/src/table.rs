//! What each symbol is, from UCUM's table, and what labwire adds to it: the units that a laboratory must keep apart,
//! though UCUM makes them plain numbers or each other.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::essence::{self, Definition, Entry};
use super::exact::Exact;
use super::unit::{self, Dimension, Scale, Unit};

/// Each measures something of its own here. In UCUM a mole is 6.022×10²³ and so mmol/L a number per litre; an
/// equivalent and an osmole are a mole, so that 5 meq/L of calcium would be 5 mmol/L; a microscope's field is 1.
const KEPT_APART: [&str; 5] = ["mol", "eq", "osm", "[HPF]", "[LPF]"];

/// The base units, in the order of the table.
const BASES: [&str; 7] = ["m", "s", "g", "rad", "K", "C", "cd"];

/// Whether what a unit measures is of an assay's own making.
pub(crate) fn is_arbitrary(measured: &str) -> bool {
    !BASES.contains(&measured) && !KEPT_APART.contains(&measured)
}

/// The unit of one symbol: a unit of the table, or a prefix and a unit that takes prefixes.
pub(crate) fn unit(symbol: &str) -> Option<Unit> {
    TABLE.unit(symbol)
}

static TABLE: LazyLock<Table> = LazyLock::new(Table::load);

struct Table {
    prefixes: Vec<(&'static str, Exact)>,
    units: BTreeMap<&'static str, (Unit, Prefixed)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prefixed {
    Yes,
    No,
}

impl Table {
    fn load() -> Table {
        let mut table = Table { prefixes: Vec::new(), units: BTreeMap::new() };
        let mut open = Vec::new();
        for entry in essence::entries() {
            match entry {
                Entry::Prefix { code, value } => {
                    table.prefixes.extend(Exact::parse(value).map(|value| (code, value)));
                }
                Entry::Base { code } => {
                    table.units.insert(code, (own(code, Exact::one()), Prefixed::Yes));
                }
                Entry::Unit(definition) => open.push(definition),
            }
        }
        // A definition may use what the file defines later.
        loop {
            let before = open.len();
            open.retain(|definition| !table.define(definition));
            if open.len() == before {
                return table;
            }
        }
    }

    /// Whether all that the definition uses was known.
    fn define(&mut self, definition: &Definition) -> bool {
        let Some(unit) = self.defined(definition) else { return false };
        let prefixed = if definition.takes_prefix { Prefixed::Yes } else { Prefixed::No };
        self.units.insert(definition.code, (unit, prefixed));
        true
    }

    fn defined(&self, definition: &Definition) -> Option<Unit> {
        let code = definition.code;
        let built_on =
            unit::evaluate(&unit::read(definition.unit).ok()?, &|symbol| self.unit(symbol)).ok()?;
        let value = Exact::parse(definition.value)?;
        let factor = &built_on.factor * &value;
        if KEPT_APART.contains(&code) || (definition.is_arbitrary && definition.unit == "1") {
            return Some(own(code, factor));
        }
        let scale = definition.function.map_or(Some(Scale::Ratio), |function| scale(function, code));
        Some(Unit { code: code.to_owned(), factor, scale: scale?, ..built_on })
    }

    fn unit(&self, symbol: &str) -> Option<Unit> {
        if let Some((unit, _)) = self.units.get(symbol) {
            return Some(unit.clone());
        }
        self.prefixes.iter().find_map(|(prefix, by)| {
            let (unit, prefixed) = self.units.get(symbol.strip_prefix(prefix)?)?;
            (*prefixed == Prefixed::Yes).then(|| unit.clone().scaled(by))
        })
    }
}

/// A unit that measures something of its own.
fn own(code: &'static str, factor: Exact) -> Unit {
    Unit { code: code.to_owned(), factor, dimension: Dimension::from([(code, 1)]), ..Unit::unity() }
}

/// The scale that a function of the table makes. The temperatures' offsets are UCUM's, §22, table of special units.
fn scale(function: &str, code: &'static str) -> Option<Scale> {
    let by = Exact::one();
    let offset = match function {
        "Cel" => "273.15",
        "degF" => "459.67",
        "degRe" => "218.52",
        _ => return Some(Scale::Curve { of: code, by }),
    };
    Some(Scale::Interval { by, offset: Exact::parse(offset)? })
}

#[cfg(test)]
mod tests {
    use octofhir_ucum::{get_all_prefixes, get_all_units};

    use super::*;

    #[test]
    fn every_unit_of_the_table_is_known() {
        let entries = essence::entries().count();
        assert_eq!(TABLE.prefixes.len() + TABLE.units.len(), entries);
    }

    #[test]
    fn a_second_reading_of_the_table_comes_to_the_same_factors() {
        let mut compared = 0;
        for record in get_all_units() {
            let unit = unit(record.code).unwrap();
            // It keeps 28 digits, and cuts some of them while it multiplies. Curves aren't converted at all.
            let theirs = Exact::parse(&record.factor.to_string()).unwrap().to_significant(25);
            let is_curve = matches!(unit.scale, Scale::Curve { .. });
            assert!(is_curve || unit.factor.to_significant(25) == theirs, "{}", record.code);
            assert_eq!(unit.scale != Scale::Ratio, record.special.is_special(), "{}", record.code);
            let (bases, others): (Dimension, Dimension) =
                unit.dimension.iter().partition(|(code, _)| BASES.contains(code));
            let theirs =
                BASES.into_iter().zip(record.dim.0.map(i32::from)).filter(|(_, exponent)| *exponent != 0);
            assert_eq!(bases, theirs.collect(), "{}", record.code);
            let arbitrary: Vec<(&str, i32)> =
                others.into_iter().filter(|(code, _)| !KEPT_APART.contains(code)).collect();
            assert_eq!(arbitrary, record.arbitrary, "{}", record.code);
            compared += 1;
        }
        assert!(compared > 300, "{compared}");
        for prefix in get_all_prefixes() {
            assert!(TABLE.prefixes.iter().any(|(code, _)| *code == prefix.symbol), "{}", prefix.symbol);
        }
    }

    #[test]
    fn no_symbol_can_be_read_in_two_ways() {
        let metric = || TABLE.units.iter().filter(|(_, (_, prefixed))| *prefixed == Prefixed::Yes);
        let mut symbols: Vec<String> = TABLE.units.keys().map(|code| (*code).to_owned()).collect();
        for (prefix, _) in &TABLE.prefixes {
            symbols.extend(metric().map(|(code, _)| format!("{prefix}{code}")));
        }
        let all = symbols.len();
        symbols.sort();
        let twice: Vec<&String> =
            symbols.iter().zip(symbols.iter().skip(1)).filter(|(a, b)| a == b).map(|(a, _)| a).collect();
        assert!(all > 2_000, "{all}");
        assert_eq!(twice, [""; 0]);
    }
}
