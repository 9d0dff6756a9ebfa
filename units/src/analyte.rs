//! What a laboratory lets be converted: one measurand, the unit it is reported in, the units it may come in, and why each
//! factor is right. A unit that isn't listed is refused, however well UCUM could convert it.

use std::collections::BTreeMap;
use std::fmt;

use super::convert::{Line, line, line_within_one_analyte};
use super::exact::{Digits, Exact, Rounding};
use super::refusal::Refusal;
use super::unit::Unit;

/// A measurand in one convention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Analyte {
    pub id: String,
    /// For people.
    pub name: String,
    /// The LOINC codes that mean it, in whatever unit.
    pub loinc: Vec<String>,
    /// The LOINC code of what is reported, where it needs one of its own.
    pub reported_loinc: Option<String>,
    /// What is reported.
    pub unit: Unit,
    /// The digits after the full stop of what is reported. `None`: one digit more than the source has.
    pub decimals: Option<u32>,
    /// What may be converted into `unit`, which itself may always come.
    pub ways: Vec<Way>,
    pub undecided: Vec<Undecided>,
    pub bounds: Bounds,
}

/// One unit that may come, and how it becomes the reported one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    pub from: Unit,
    pub line: Line,
    pub basis: Basis,
}

/// Why a conversion is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Basis {
    /// It is the reported unit.
    Same,
    /// By UCUM's table alone.
    Ucum,
    MolarMass(Fact),
    Charge(Fact),
    /// A line that somebody published.
    Rule(Vec<String>),
}

/// A figure with where it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub figure: Exact,
    pub sources: Vec<String>,
}

/// What is known of an analyte beyond its units: in g/mol, and in elementary charges.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub molar_mass: Option<Fact>,
    pub charge: Option<Fact>,
}

/// A unit in which more than one convention is in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    pub unit: Unit,
    pub because: String,
}

/// Outside of these, in the reported unit, a value isn't believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounds {
    pub below: Option<Exact>,
    pub above: Option<Exact>,
}

/// A value in the unit that is reported, beside the one that was sent and never instead of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// On this, rules decide.
    pub exact: Exact,
    /// What is shown: decimal text, rounded as it was asked for.
    pub reported: String,
    pub unit: String,
    pub line: Line,
    pub basis: Basis,
    pub believed: Believed,
}

/// Whether a value lies where a value of this analyte can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Believed {
    Yes,
    /// Below or above all reason: the unit may not be what it is said to be.
    No,
}

impl Way {
    /// The way between two units of one analyte: by UCUM, by its charge or by its molar mass.
    ///
    /// # Errors
    /// Why there is none, or which fact is missing.
    pub fn find(from: Unit, to: &Unit, facts: &Facts) -> Result<Way, Refusal> {
        let refused = match line_within_one_analyte(&from, to) {
            Ok(line) => return Ok(Way { from, line, basis: Basis::Ucum }),
            Err(refused) => refused,
        };
        let bridges = [
            ("g", "molar mass", &facts.molar_mass, Basis::MolarMass as fn(Fact) -> Basis),
            ("eq", "charge", &facts.charge, Basis::Charge as fn(Fact) -> Basis),
        ];
        for (other, name, fact, basis) in bridges {
            let forth = bridge(&from, ("mol", other), to)?;
            let inverse = if forth.is_none() { bridge(&from, (other, "mol"), to)? } else { None };
            if forth.is_none() && inverse.is_none() {
                continue;
            }
            let Some(fact) = fact else {
                return Err(Refusal::FactMissing { from: from.code, to: to.code.clone(), fact: name });
            };
            let line = match (forth, inverse) {
                (Some(forth), _) => {
                    Line::through_zero(fact.figure.clone()).inverse().map(|by| forth.then(&by))
                }
                (None, inverse) => inverse.map(|back| back.then(&Line::through_zero(fact.figure.clone()))),
            };
            return line.map(|line| Way { from, line, basis: basis(fact.clone()) }).ok_or(refused);
        }
        Err(refused)
    }
}

/// The line that is left to go when `from` is multiplied by the first and divided by the second of two units; `None` where
/// that doesn't lead to `to`.
fn bridge(from: &Unit, (by, over): (&str, &str), to: &Unit) -> Result<Option<Line>, Refusal> {
    if from.exponent(over) != to.exponent(over) + 1 || from.exponent(by) != to.exponent(by) - 1 {
        return Ok(None);
    }
    let factor = Unit::parse(by)?.per(&Unit::parse(over)?)?;
    Ok(from.times(&factor).ok().and_then(|bridged| line(&bridged, to).ok()))
}

impl Analyte {
    /// Converts a number that came in `from`. A number that is only a bound is rounded to the side on which it stays true.
    ///
    /// # Errors
    /// Why it isn't converted.
    pub fn convert(&self, number: &Digits, from: &Unit, rounding: Rounding) -> Result<Converted, Refusal> {
        let same = Way { from: self.unit.clone(), line: Line::identity(), basis: Basis::Same };
        let mut ways = std::iter::once(&same).chain(&self.ways);
        let as_written = ways.clone().find(|way| way.from.code == from.code);
        let Some(way) = as_written.or_else(|| ways.find(|way| way.from.means(from))) else {
            return Err(self.refuse(from));
        };
        let exact = way.line.apply(&number.value);
        let reported = match self.decimals {
            // The analyzer's own digits are the result: none is taken away where nothing was converted.
            _ if matches!(way.basis, Basis::Same) => exact.rounded(number.decimals),
            Some(decimals) => exact.rounded_by(decimals, rounding),
            None if exact == number.value => exact.rounded(number.decimals),
            None => exact.rounded_to_significant(number.significant + 1, rounding),
        };
        Ok(Converted {
            believed: self.bounds.believe(&exact),
            exact,
            reported,
            unit: self.unit.code.clone(),
            line: way.line.clone(),
            basis: way.basis.clone(),
        })
    }

    /// Whether a value in the reported unit lies where one of this analyte can.
    pub fn believe(&self, value: &Exact) -> Believed {
        self.bounds.believe(value)
    }

    fn refuse(&self, from: &Unit) -> Refusal {
        let analyte = self.id.clone();
        let unit = from.code.clone();
        if let Some(undecided) = self.undecided.iter().find(|undecided| undecided.unit.means(from)) {
            return Refusal::Undecided { analyte, unit, because: undecided.because.clone() };
        }
        let allowed = std::iter::once(&self.unit).chain(self.ways.iter().map(|way| &way.from));
        Refusal::NotAllowed { analyte, unit, allowed: allowed.map(|unit| unit.code.clone()).collect() }
    }
}

impl Bounds {
    fn believe(&self, value: &Exact) -> Believed {
        let too_low = self.below.as_ref().is_some_and(|below| value < below);
        let too_high = self.above.as_ref().is_some_and(|above| value > above);
        if too_low || too_high { Believed::No } else { Believed::Yes }
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Basis::Same => write!(f, "it is the reported unit"),
            Basis::Ucum => write!(f, "UCUM 2.2"),
            Basis::MolarMass(fact) => {
                write!(f, "molar mass {} g/mol ({})", fact.figure, fact.sources.join("; "))
            }
            Basis::Charge(fact) => write!(f, "charge {} ({})", fact.figure, fact.sources.join("; ")),
            Basis::Rule(sources) => write!(f, "{}", sources.join("; ")),
        }
    }
}

/// Which text an instrument sends for which UCUM unit. It is asked first; what it doesn't name must be UCUM itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aliases(BTreeMap<String, Unit>);

impl Aliases {
    pub fn new(aliases: BTreeMap<String, Unit>) -> Aliases {
        Aliases(aliases)
    }

    /// What is sent, and the unit that is meant by it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Unit)> {
        self.0.iter().map(|(sent, unit)| (sent.as_str(), unit))
    }

    /// The unit that an instrument means.
    ///
    /// # Errors
    /// It is neither an alias nor UCUM; it is never guessed.
    pub fn unit(&self, sent: &str) -> Result<Unit, Refusal> {
        self.0.get(sent).cloned().map_or_else(|| Unit::parse(sent), Ok)
    }
}

#[cfg(test)]
mod tests;
