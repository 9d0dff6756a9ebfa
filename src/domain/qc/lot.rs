//! Control materials: lots, their levels, what each level should give in each test, and which of them a control result is
//! of. Nothing is guessed: where two lots fit, or none, a result isn't judged.

use std::fmt;

use jiff::civil::Date;
use labwire_units::Exact;

use crate::domain::profile::Pattern;
use crate::domain::{InstrumentId, TestIdentity};

/// One lot of a control material.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lot {
    /// The maker's number.
    pub lot: String,
    /// What people call the material.
    pub material: String,
    /// The instruments it is measured on; empty means all.
    pub instruments: Vec<Pattern>,
    pub levels: Vec<Level>,
}

/// One concentration of a lot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    pub level: String,
    /// What stands where a specimen's number would.
    pub specimens: Vec<Pattern>,
    pub unmarked: Unmarked,
    pub targets: Vec<Target>,
}

/// Whether the number alone makes a control of what an analyzer doesn't mark as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmarked {
    IsPatients,
    IsControl,
}

/// What a level should give in one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Code, aspect and component as the instrument sends them; a dilution counts for nothing.
    pub test: TestIdentity,
    /// As the instrument sends it; empty where it sends none.
    pub unit: String,
    pub mean: Exact,
    /// Above zero.
    pub sd: Exact,
    /// The first and the last day, in the instrument's time zone.
    pub from: Date,
    pub to: Date,
    /// Where the figures are from.
    pub source: String,
}

/// A control result, as far as it takes to find its lot and target.
#[derive(Debug, Clone, Copy)]
pub struct Control<'a> {
    pub instrument: &'a InstrumentId,
    /// What stands where a specimen's number would: as sent, and by the site's rules.
    pub names: [&'a str; 2],
    pub test: &'a TestIdentity,
    pub unit: &'a str,
    /// The day of the measurement.
    pub day: Date,
}

/// Which material a control result is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    pub lot: String,
    pub level: String,
    pub target: Result<Target, WhyNot>,
}

/// Why a control result isn't judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WhyNot {
    /// The site has others judge its controls.
    SwitchedOff,
    UnknownMaterial,
    SeveralMaterials,
    NoTarget,
    OtherUnit,
    NoNumber,
    /// A number with `<` or `>` before it.
    OffScale,
    /// The analyzer questions it, or says something of it that its profile doesn't know.
    Doubted,
}

impl WhyNot {
    pub const ALL: [WhyNot; 8] = [
        WhyNot::SwitchedOff,
        WhyNot::UnknownMaterial,
        WhyNot::SeveralMaterials,
        WhyNot::NoTarget,
        WhyNot::OtherUnit,
        WhyNot::NoNumber,
        WhyNot::OffScale,
        WhyNot::Doubted,
    ];

    /// The stable name stored in the journal.
    pub fn name(self) -> &'static str {
        match self {
            WhyNot::SwitchedOff => "switched-off",
            WhyNot::UnknownMaterial => "unknown-material",
            WhyNot::SeveralMaterials => "several-materials",
            WhyNot::NoTarget => "no-target",
            WhyNot::OtherUnit => "other-unit",
            WhyNot::NoNumber => "no-number",
            WhyNot::OffScale => "off-scale",
            WhyNot::Doubted => "doubted",
        }
    }

    pub fn from_name(name: &str) -> Option<WhyNot> {
        WhyNot::ALL.into_iter().find(|why| why.name() == name)
    }
}

impl WhyNot {
    /// For a person.
    pub fn words(self) -> &'static str {
        match self {
            WhyNot::SwitchedOff => "controls aren't judged here",
            WhyNot::UnknownMaterial => "no lot of qc.d names this control",
            WhyNot::SeveralMaterials => "several lots of qc.d name this control",
            WhyNot::NoTarget => "its lot has no target for this test on that day",
            WhyNot::OtherUnit => "it came in another unit than its target",
            WhyNot::NoNumber => "it came without a number",
            WhyNot::OffScale => "it is off the scale",
            WhyNot::Doubted => "the analyzer questions it, or says what its profile doesn't know",
        }
    }
}

impl fmt::Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl Identified {
    /// The one level that a control result is of, and its target. Of several that fit by name, the one with a target for
    /// that day is meant: lots follow one another under one name.
    pub fn of(lots: &[Lot], control: &Control<'_>) -> Result<Identified, WhyNot> {
        let named: Vec<(&Lot, &Level)> = lots
            .iter()
            .filter(|lot| lot.is_measured_on(control.instrument))
            .flat_map(|lot| lot.levels.iter().map(move |level| (lot, level)))
            .filter(|(_, level)| level.is_named(&control.names))
            .collect();
        let targets: Vec<(&Lot, &Level, &Target)> = named
            .iter()
            .flat_map(|(lot, level)| level.targets.iter().map(move |target| (*lot, *level, target)))
            .filter(|(_, _, target)| target.is_for(control))
            .collect();
        let of = |lot: &Lot, level: &Level, target| {
            Ok(Identified { lot: lot.lot.clone(), level: level.level.clone(), target })
        };
        match (targets.as_slice(), named.as_slice()) {
            ([(lot, level, target)], _) if target.unit == control.unit => {
                of(lot, level, Ok((*target).clone()))
            }
            ([(lot, level, _)], _) => of(lot, level, Err(WhyNot::OtherUnit)),
            ([], [(lot, level)]) => of(lot, level, Err(WhyNot::NoTarget)),
            ([], []) => Err(WhyNot::UnknownMaterial),
            _ => Err(WhyNot::SeveralMaterials),
        }
    }
}

impl Lot {
    /// Whether it is measured on an instrument at all.
    pub fn is_measured_on(&self, instrument: &InstrumentId) -> bool {
        self.instruments.is_empty() || self.instruments.iter().any(|it| it.matches(instrument.as_str()))
    }

    /// Whether a specimen's number alone says that this lot was measured on an instrument.
    pub fn claims_unmarked(&self, instrument: &InstrumentId, names: &[&str]) -> bool {
        self.is_measured_on(instrument)
            && self.levels.iter().any(|it| it.unmarked == Unmarked::IsControl && it.is_named(names))
    }
}

impl Level {
    fn is_named(&self, names: &[&str]) -> bool {
        self.specimens.iter().any(|pattern| names.iter().any(|name| pattern.matches(name.trim())))
    }
}

impl Target {
    fn is_for(&self, control: &Control<'_>) -> bool {
        let test = |it: &TestIdentity| [it.code.clone(), it.aspect.clone(), it.component.clone()];
        test(&self.test) == test(control.test) && self.from <= control.day && control.day <= self.to
    }

    /// How many standard deviations a value is above the mean.
    pub fn deviation(&self, value: &Exact) -> Option<Exact> {
        (value - &self.mean).checked_div(&self.sd)
    }
}
