//! Whom a rule is for: age, sex, ward, kind of specimen, instrument. What isn't known of a patient answers no question;
//! it is never taken for what most patients are.

use std::fmt;

use jiff::civil::Date;
use jiff::{Span, ToSpan};

use super::case::Case;
use crate::domain::Glob;

/// Whether something holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Yes,
    No,
    /// What is known doesn't say.
    Unknown,
}

/// Whom a rule is for. What is left out restricts nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Criteria {
    /// From this age on.
    pub age_from: Option<Age>,
    /// Up to this age, and no longer at it.
    pub age_below: Option<Age>,
    pub sex: Option<Sex>,
    pub wards: Vec<Glob>,
    pub specimen_kinds: Vec<Glob>,
    pub instruments: Vec<Glob>,
}

/// An age in whole days, weeks, months or years. Months and years go by the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    pub count: u16,
    pub unit: AgeUnit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgeUnit {
    Days,
    Weeks,
    Months,
    Years,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sex {
    Female,
    Male,
}

impl Answer {
    /// Yes only where both are, no where either is.
    pub fn and(self, other: Answer) -> Answer {
        match (self, other) {
            (Answer::No, _) | (_, Answer::No) => Answer::No,
            (Answer::Yes, Answer::Yes) => Answer::Yes,
            _ => Answer::Unknown,
        }
    }
}

impl From<bool> for Answer {
    fn from(holds: bool) -> Answer {
        if holds { Answer::Yes } else { Answer::No }
    }
}

impl Age {
    /// Reads `30 d`, `7 wk`, `6 mo` or `18 y`. Up to 65 535 of them.
    pub fn parse(text: &str) -> Option<Age> {
        let (count, unit) = text.split_once(' ')?;
        let unit = AgeUnit::ALL.into_iter().find(|(name, _)| *name == unit)?.1;
        Some(Age { count: count.parse().ok()?, unit })
    }

    /// The day on which somebody comes to this age. `None` beyond the calendar.
    pub fn reached(self, birth: Date) -> Option<Date> {
        birth.checked_add(self.span()).ok()
    }

    /// The day on which somebody was born who comes to this age on a day.
    pub fn before(self, day: Date) -> Option<Date> {
        day.checked_sub(self.span()).ok()
    }

    fn span(self) -> Span {
        match self.unit {
            AgeUnit::Days => i32::from(self.count).days(),
            AgeUnit::Weeks => i32::from(self.count).weeks(),
            AgeUnit::Months => i32::from(self.count).months(),
            // A span of more years than the calendar has is refused by panicking.
            AgeUnit::Years => i32::from(self.count.min(9_999)).years(),
        }
    }
}

impl AgeUnit {
    /// Each with its short name, UCUM's but for the years.
    pub const ALL: [(&str, AgeUnit); 4] =
        [("d", AgeUnit::Days), ("wk", AgeUnit::Weeks), ("mo", AgeUnit::Months), ("y", AgeUnit::Years)];
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = AgeUnit::ALL.into_iter().find(|(_, unit)| *unit == self.unit).map_or("", |(name, _)| name);
        write!(f, "{} {unit}", self.count)
    }
}

impl Criteria {
    /// Whether a result of this instrument may be one that it is for.
    pub fn may_be_of(&self, instrument: &str) -> bool {
        self.instruments.is_empty() || self.instruments.iter().any(|glob| glob.matches(instrument))
    }

    /// Whether the rule is for this case.
    pub fn fit(&self, case: &Case) -> Answer {
        let person = &case.person;
        let sex = match (self.sex, person.sex) {
            (None, _) => Answer::Yes,
            (Some(wanted), Some(sex)) => Answer::from(wanted == sex),
            (Some(_), None) => Answer::Unknown,
        };
        let instrument = Some(case.specimen.instrument.as_str());
        self.fits_age(case)
            .and(sex)
            .and(among(&self.wards, person.ward.as_deref()))
            .and(among(&self.specimen_kinds, case.specimen.kind.as_deref()))
            .and(among(&self.instruments, instrument))
    }

    fn fits_age(&self, case: &Case) -> Answer {
        if self.age_from.is_none() && self.age_below.is_none() {
            return Answer::Yes;
        }
        // Nobody is measured before the birth: then one of the two days is wrong.
        let Some((birth, day)) = case.person.birth.zip(case.on).filter(|(birth, day)| birth <= day) else {
            return Answer::Unknown;
        };
        let is_old_enough =
            self.age_from.is_none_or(|age| age.reached(birth).is_some_and(|reached| reached <= day));
        let is_young_enough =
            self.age_below.is_none_or(|age| age.reached(birth).is_none_or(|reached| reached > day));
        Answer::from(is_old_enough && is_young_enough)
    }
}

fn among(globs: &[Glob], known: Option<&str>) -> Answer {
    match known {
        _ if globs.is_empty() => Answer::Yes,
        Some(name) => Answer::from(globs.iter().any(|glob| glob.matches(name))),
        None => Answer::Unknown,
    }
}

impl fmt::Display for Criteria {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |globs: &[Glob]| globs.iter().map(Glob::as_str).collect::<Vec<_>>().join(", ");
        let mut parts = Vec::new();
        parts.extend(self.age_from.map(|age| format!("from {age}")));
        parts.extend(self.age_below.map(|age| format!("below {age}")));
        parts.extend(self.sex.map(|sex| sex.name().to_owned()));
        for (what, globs) in
            [("ward", &self.wards), ("specimen", &self.specimen_kinds), ("instrument", &self.instruments)]
        {
            if !globs.is_empty() {
                parts.push(format!("{what} {}", list(globs)));
            }
        }
        f.write_str(&parts.join(", "))
    }
}

impl Sex {
    pub fn name(self) -> &'static str {
        match self {
            Sex::Female => "female",
            Sex::Male => "male",
        }
    }

    /// What an instrument sent in its patient record: `F` or `M`. Every other text leaves it open.
    pub fn sent(text: &str) -> Option<Sex> {
        match text.trim() {
            "F" | "f" => Some(Sex::Female),
            "M" | "m" => Some(Sex::Male),
            _ => None,
        }
    }
}
