//! The journal's own twins of a case and of what was decided of it.

use std::fmt;
use std::ops::Not;

use jiff::civil::Date;
use labwire_units::Exact;
use serde::{Deserialize, Serialize};

use super::instant;
use crate::domain::clinic::{
    Amount, Band, Case, Check, Decision, Identity, Measured, Past, Path, Person, Program, Sex, SpecimenFacts,
};
use crate::domain::qc::{By, QcState, Stood};
use crate::domain::{Comparator, Private, Words, words};

#[derive(Serialize, Deserialize)]
pub(crate) struct StoredCase {
    /// Which reading of the rules was asked about it. The first didn't say so.
    #[serde(default = "first")]
    program: String,
    measured: StoredMeasured,
    specimen: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    specimen_kind: Option<String>,
    instrument: String,
    /// As 2026-11-20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    birth: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sex: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ward: Option<String>,
    has_id: bool,
    has_name: bool,
    on: Option<String>,
    at: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    together: Vec<StoredMeasured>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    history: Vec<StoredPast>,
    #[serde(default, skip_serializing_if = "Not::not")]
    history_untold: bool,
    /// Absent: nothing to compare; empty: nothing differs.
    differs: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    qc: Option<String>,
    #[serde(default, skip_serializing_if = "Not::not")]
    qc_by_receipt: bool,
}

#[derive(Serialize, Deserialize)]
struct StoredMeasured {
    code: String,
    analyte: Option<String>,
    amount: StoredAmount,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    flags: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredPast {
    analyte: String,
    amount: StoredAmount,
    at: Option<i64>,
    instrument: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
enum StoredAmount {
    /// Numbers are decimal text, or fractions where they never end.
    Number {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comparator: Option<String>,
        exact: String,
        reported: String,
    },
    Unconverted {
        why: String,
    },
    Absurd {
        number: String,
    },
    NoNumber,
}

fn first() -> String {
    Program::First.name().to_owned()
}

/// How the ruling of a rule that couldn't be asked begins.
const NOT_EVALUATED: &str = "not evaluated: ";

/// A decision as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredDecision {
    pub check: String,
    pub rules: Vec<String>,
    pub ruling: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<String>,
    #[serde(default, skip_serializing_if = "Not::not")]
    pub holds: bool,
    #[serde(default, skip_serializing_if = "Not::not")]
    pub rounding_decides: bool,
}

impl StoredDecision {
    /// Whether its rules could be asked.
    pub fn is_evaluated(&self) -> bool {
        !self.ruling.starts_with(NOT_EVALUATED)
    }

    /// Whether it says that the value is critical, and not only that it may be.
    pub fn is_critical(&self) -> bool {
        self.check == Check::Critical.name()
            && [Path::Low, Path::High].iter().any(|path| self.ruling == path.name())
    }

    /// Whether a person should see it: something was found or may be the matter.
    pub fn wants_a_person(&self) -> bool {
        self.holds || self.rounding_decides || self.is_evaluated() && self.ruling != Path::Clear.name()
    }

    /// Whether it decides what an earlier one decided. Of rules in bands the first that fits speaks for all.
    pub fn answers(&self, earlier: &StoredDecision) -> bool {
        let in_bands = || Check::from_name(&self.check).is_some_and(|it| it.band() == Band::First);
        self.is_evaluated() && (self.shares_a_rule(earlier) || self.check == earlier.check && in_bands())
    }

    /// Whether a rule was asked for both, whatever came of it.
    pub fn shares_a_rule(&self, other: &StoredDecision) -> bool {
        self.check == other.check && self.rules.iter().any(|rule| other.rules.contains(rule))
    }

    /// For whom the result goes to: what was found, by which rules, limits and values, and not what is done with it here.
    pub fn finding(&self) -> String {
        StoredDecision { holds: false, ..self.clone() }.to_string()
    }

    /// For a person. What rules found is told as it was written down.
    pub fn words(&self) -> Words {
        self.told(&|text| text.into(), &|text| text.into())
    }

    /// The same, with what was found and what was before the rules told by these.
    pub fn told(&self, found: &impl Fn(&str) -> Words, seen: &impl Fn(&str) -> Words) -> Words {
        let row = |texts: &[String]| Words::row(texts.iter().map(|it| seen(it)), ", ");
        let some = |texts: &[String]| (!texts.is_empty()).then(|| row(texts));
        let found = Words::row([found(&self.check), found(&self.ruling)], ": ");
        let rounding = || words!("the value as it is reported, rounded, would be decided otherwise");
        let parts = [
            Some(found),
            (!self.rules.is_empty()).then(|| words!("by {rules}", rules = self.rules.join(", "))),
            some(&self.thresholds).map(|limits| words!("limits {limits}", limits)),
            some(&self.inputs).map(|seen| words!("seen {seen}", seen)),
            self.rounding_decides.then(rounding),
            self.holds.then(|| words!("a person must look")),
        ];
        Words::row(parts.into_iter().flatten(), "; ")
    }
}

impl fmt::Display for StoredDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().english())
    }
}

impl From<&Decision> for StoredDecision {
    fn from(it: &Decision) -> StoredDecision {
        StoredDecision {
            check: it.check.name().to_owned(),
            rules: it.rules.clone(),
            ruling: it.ruling.to_string(),
            inputs: it.inputs.clone(),
            thresholds: it.thresholds.clone(),
            holds: it.holds,
            rounding_decides: it.rounding_decides,
        }
    }
}

impl From<&Case> for StoredCase {
    fn from(it: &Case) -> StoredCase {
        StoredCase {
            program: Program::NOW.name().to_owned(),
            measured: StoredMeasured::from(&it.measured),
            specimen: it.specimen.number.reveal().clone(),
            specimen_kind: it.specimen.kind.clone(),
            instrument: it.specimen.instrument.clone(),
            birth: it.person.birth.map(|day| day.to_string()),
            sex: it.person.sex.map(|sex| sex.name().to_owned()),
            ward: it.person.ward.clone(),
            has_id: it.person.has_id,
            has_name: it.person.has_name,
            on: it.on.map(|day| day.to_string()),
            at: it.at.map(jiff::Timestamp::as_microsecond),
            together: it.together.iter().map(StoredMeasured::from).collect(),
            history: it.history.iter().map(StoredPast::from).collect(),
            history_untold: it.history_untold,
            differs: match &it.identity {
                Identity::Unknown => None,
                Identity::Agrees => Some(Vec::new()),
                Identity::Differs(what) => Some(what.clone()),
            },
            qc: it.qc.map(|stood| stood.state.name().to_owned()),
            qc_by_receipt: it.qc.is_some_and(|stood| stood.by == By::Receipt),
        }
    }
}

impl StoredCase {
    /// The program that decided, which this version may not have.
    pub(crate) fn program(&self) -> &str {
        &self.program
    }

    /// The case, or why the stored text is none.
    pub(crate) fn into_case(self) -> Result<Case, String> {
        let by = if self.qc_by_receipt { By::Receipt } else { By::Measurement };
        let stood = |name: String| match QcState::from_name(&name) {
            Some(state) => Ok(Stood { state, by }),
            None => Err(format!("unknown QC state {name:?}")),
        };
        let sex = |name: String| match name.as_str() {
            "female" => Ok(Sex::Female),
            "male" => Ok(Sex::Male),
            _ => Err(format!("unknown sex {name:?}")),
        };
        let day = |text: String| text.parse::<Date>().map_err(|_| "a stored day is none".to_owned());
        Ok(Case {
            measured: self.measured.into_measured()?,
            specimen: SpecimenFacts {
                number: Private::new(self.specimen),
                kind: self.specimen_kind,
                instrument: self.instrument,
            },
            person: Person {
                birth: self.birth.map(day).transpose()?,
                sex: self.sex.map(sex).transpose()?,
                ward: self.ward,
                has_id: self.has_id,
                has_name: self.has_name,
            },
            on: self.on.map(day).transpose()?,
            at: self.at.map(instant),
            together: self
                .together
                .into_iter()
                .map(StoredMeasured::into_measured)
                .collect::<Result<_, _>>()?,
            history: self.history.into_iter().map(StoredPast::into_past).collect::<Result<_, _>>()?,
            history_untold: self.history_untold,
            identity: match self.differs {
                None => Identity::Unknown,
                Some(what) if what.is_empty() => Identity::Agrees,
                Some(what) => Identity::Differs(what),
            },
            qc: self.qc.map(stood).transpose()?,
        })
    }
}

impl From<&Measured> for StoredMeasured {
    fn from(it: &Measured) -> StoredMeasured {
        StoredMeasured {
            code: it.code.clone(),
            analyte: it.analyte.clone(),
            amount: StoredAmount::from(&it.amount),
            flags: it.flags.clone(),
        }
    }
}

impl StoredMeasured {
    fn into_measured(self) -> Result<Measured, String> {
        let StoredMeasured { code, analyte, amount, flags } = self;
        Ok(Measured { code, analyte, amount: amount.into_amount()?, flags })
    }
}

impl From<&Past> for StoredPast {
    fn from(it: &Past) -> StoredPast {
        StoredPast {
            analyte: it.analyte.clone(),
            amount: StoredAmount::from(&it.amount),
            at: it.at.map(jiff::Timestamp::as_microsecond),
            instrument: it.instrument.clone(),
        }
    }
}

impl StoredPast {
    fn into_past(self) -> Result<Past, String> {
        let StoredPast { analyte, amount, at, instrument } = self;
        Ok(Past { analyte, amount: amount.into_amount()?, at: at.map(instant), instrument })
    }
}

impl From<&Amount> for StoredAmount {
    fn from(it: &Amount) -> StoredAmount {
        match it {
            Amount::Number { comparator, exact, reported } => {
                let text = exact.to_string();
                StoredAmount::Number {
                    comparator: comparator.map(|comparator| comparator.as_str().to_owned()),
                    reported: if exact == reported { text.clone() } else { reported.to_string() },
                    exact: text,
                }
            }
            Amount::Unconverted(why) => StoredAmount::Unconverted { why: why.clone() },
            Amount::Absurd(number) => StoredAmount::Absurd { number: number.clone() },
            Amount::NoNumber => StoredAmount::NoNumber,
        }
    }
}

impl StoredAmount {
    fn into_amount(self) -> Result<Amount, String> {
        let number = |text: &str| match text.split_once('/') {
            Some((above, below)) => Exact::whole_text(above)
                .zip(Exact::whole_text(below))
                .and_then(|(above, below)| above.checked_div(&below)),
            None => Exact::whole_text(text).or_else(|| Exact::parse(text)),
        };
        let read = |text: String| number(&text).ok_or_else(|| "a stored number is none".to_owned());
        Ok(match self {
            StoredAmount::Number { comparator, exact, reported } => Amount::Number {
                comparator: comparator.as_deref().and_then(|sign| Comparator::split(sign).0),
                exact: read(exact)?,
                reported: read(reported)?,
            },
            StoredAmount::Unconverted { why } => Amount::Unconverted(why),
            StoredAmount::Absurd { number } => Amount::Absurd(number),
            StoredAmount::NoNumber => Amount::NoNumber,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_that_was_kept_with_its_empty_fields_is_the_same() {
        let long = r#"{"check":"critical","rules":["k"],"ruling":"clear","inputs":[],"thresholds":["< 3 mmol/L"],
            "holds":false,"rounding_decides":false}"#;
        let short = r#"{"check":"critical","rules":["k"],"ruling":"clear","thresholds":["< 3 mmol/L"]}"#;
        let [was, is] = [long, short].map(|text| serde_json::from_str::<StoredDecision>(text).unwrap());
        assert_eq!(was, is);
        assert_eq!(serde_json::to_string(&was).unwrap(), short);
    }

    #[test]
    fn a_case_comes_back_as_it_was_kept_to_the_last_digit() {
        let third = Exact::one().checked_div(&Exact::from(3)).unwrap();
        let long = Exact::parse("1e-99").unwrap().checked_div(&Exact::from(7)).unwrap();
        let amounts = [
            Amount::Number {
                comparator: Some(Comparator::Less),
                exact: third,
                reported: Exact::parse("0.3").unwrap(),
            },
            Amount::plain(None, long),
            Amount::plain(None, -&Exact::parse("5.25").unwrap()),
            Amount::Unconverted("why".to_owned()),
            Amount::Absurd("500".to_owned()),
            Amount::NoNumber,
        ];
        for amount in amounts {
            let measured = Measured {
                code: "K".to_owned(),
                analyte: Some("potassium".to_owned()),
                amount: amount.clone(),
                flags: vec!["H".to_owned()],
            };
            let past = Past {
                analyte: "potassium".to_owned(),
                amount,
                at: Some(instant(1_000_000)),
                instrument: "a".to_owned(),
            };
            for identity in [Identity::Unknown, Identity::Agrees, Identity::Differs(vec!["sex".to_owned()])] {
                let case = Case {
                    measured: measured.clone(),
                    specimen: SpecimenFacts {
                        number: Private::new("1".to_owned()),
                        kind: Some("SER".to_owned()),
                        instrument: "a".to_owned(),
                    },
                    person: Person {
                        birth: Some(jiff::civil::date(1970, 1, 31)),
                        sex: Some(Sex::Male),
                        ward: None,
                        has_id: true,
                        has_name: false,
                    },
                    on: None,
                    at: Some(instant(1)),
                    together: vec![measured.clone()],
                    history: vec![past.clone()],
                    history_untold: true,
                    identity,
                    qc: Some(Stood { state: QcState::NoRunSince, by: By::Receipt }),
                };
                let text = serde_json::to_string(&StoredCase::from(&case)).unwrap();
                assert_eq!(serde_json::from_str::<StoredCase>(&text).unwrap().into_case().unwrap(), case);
            }
        }
    }
}
