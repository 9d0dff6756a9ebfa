//! From an observation to the case that rules are asked about: its value in the unit that is reported, whom it is of, and
//! when it was measured. What the analyzer didn't say, or not so that it can be understood, isn't known.

use jiff::Timestamp;
use jiff::civil::Date;

use super::Reading;
use super::convert;
use crate::domain::clinic::{Amount, Case, Identity, Measured, Past, Person, Sex, SpecimenFacts};
use crate::domain::qc::Stood;
use crate::domain::{Observation, Patient, Private, measured_at};

/// What else is known around an observation.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// Whose the specimen is, where one patient is known.
    pub patient: Option<Private<Patient>>,
    /// What its order is for, in the instrument's words.
    pub ordered_kind: Option<String>,
    /// Of the same specimen.
    pub together: Vec<Measured>,
    /// Of the same patient's other specimens.
    pub history: Vec<Past>,
    /// Whether the LIMS was asked for more of it and hasn't told.
    pub history_untold: bool,
    /// What came with those under this patient's ID.
    pub patients: Vec<Private<Patient>>,
    /// What came with the specimen itself, where not all of it says the same.
    pub otherwise: Vec<Private<Patient>>,
    /// How its test stands by its controls, where a rule asks for that.
    pub qc: Option<Stood>,
}

/// The case of an observation. Its value is converted by the reading's rules.
pub fn case(observation: &Observation, reading: &Reading, received_at: Timestamp, around: Around) -> Case {
    case_of(measured(observation, reading), observation, reading, received_at, around)
}

/// The same, where it is known already what was measured.
pub fn case_of(
    measured: Measured,
    observation: &Observation,
    reading: &Reading,
    received_at: Timestamp,
    around: Around,
) -> Case {
    let nobody = Patient::default();
    let patient = around.patient.as_ref().map_or(&nobody, Private::reveal);
    // What came with the result is compared too: it may be another patient's.
    let sent = around.patient.as_ref().map(|_| &observation.patient).filter(|it| it.reveal() != patient);
    let told: Vec<&Patient> =
        around.patients.iter().chain(&around.otherwise).chain(sent).map(Private::reveal).collect();
    let now: Vec<&Patient> = around.otherwise.iter().map(Private::reveal).chain([patient]).collect();
    let identity = identity(&now, &told);
    let at = measured_at(observation.told_at(), received_at);
    Case {
        measured,
        specimen: SpecimenFacts {
            number: Private::new(observation.specimen.reveal().to_owned()),
            kind: kind(observation.specimen_type.as_deref(), around.ordered_kind.as_deref()),
            instrument: observation.instrument.as_str().to_owned(),
        },
        person: person(patient),
        on: Some(day(observation, reading, received_at)),
        at,
        together: around.together,
        history: around.history,
        history_untold: around.history_untold,
        identity,
        qc: around.qc,
    }
}

/// What was measured, by the reading's rules.
pub fn measured(observation: &Observation, reading: &Reading) -> Measured {
    let (analyte, amount) = convert::amount(observation, reading);
    Measured { code: observation.test.code.clone(), analyte, amount, flags: observation.flags.clone() }
}

/// The same of a stored one for rules in force: what couldn't be converted counts as that until it is read anew, whatever
/// the reading would make of it by now.
pub fn as_stored(observation: &Observation, reading: &Reading) -> Measured {
    let amount = |why: &str| Amount::Unconverted(why.to_owned());
    let measured = measured(observation, reading);
    match observation.not_converted() {
        Some(why) => Measured { amount: amount(why), ..measured },
        None => measured,
    }
}

/// What was measured of an earlier observation of the same patient; nothing where no rule can know what that is.
pub fn past(measured: Measured, observation: &Observation, received_at: Timestamp) -> Option<Past> {
    Some(Past {
        analyte: measured.analyte?,
        amount: measured.amount,
        at: measured_at(observation.told_at(), received_at),
        instrument: observation.instrument.as_str().to_owned(),
    })
}

/// The day at which the patient's age counts: that of the measurement, or of its arrival where its time is in doubt.
pub(super) fn day(observation: &Observation, reading: &Reading, received_at: Timestamp) -> Date {
    let moment = measured_at(observation.told_at(), received_at).unwrap_or(received_at);
    moment.to_zoned(reading.time_zone.clone()).date()
}

/// The kind of a specimen: the instrument's word, or else its order's. Where they contradict each other it isn't known.
fn kind(sent: Option<&str>, ordered: Option<&str>) -> Option<String> {
    let said = |kind: Option<&str>| kind.map(str::trim).filter(|kind| !kind.is_empty()).map(str::to_owned);
    match (said(sent), said(ordered)) {
        (Some(sent), Some(ordered)) if sent != ordered => None,
        (sent, ordered) => sent.or(ordered),
    }
}

/// What is known of a patient.
pub(super) fn person(patient: &Patient) -> Person {
    Person {
        birth: birth(&patient.birth_date),
        sex: Sex::sent(&patient.sex),
        ward: Some(patient.location.trim().to_owned()).filter(|ward| !ward.is_empty()),
        has_id: !patient.id.trim().is_empty(),
        has_name: patient.name.chars().any(char::is_alphabetic),
    }
}

/// `YYYYMMDD`, whatever stands behind it.
fn birth(text: &str) -> Option<Date> {
    let digits = text.trim().get(..8).filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()))?;
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i16>().ok();
    let short = |from: usize, to: usize| i8::try_from(part(from, to)?).ok();
    Date::new(part(0, 4)?, short(4, 6)?, short(6, 8)?).ok()
}

/// Whether what came with earlier results under one ID is what came with this one. What one of both doesn't say differs from
/// nothing; where both say nothing alike, nothing is known.
fn identity(now: &[&Patient], told: &[&Patient]) -> Identity {
    if told.is_empty() {
        return Identity::Unknown;
    }
    let said = |all: &[&Patient], of: fn(&Patient) -> String| -> Vec<String> {
        all.iter().map(|it| of(it)).filter(|it| !it.is_empty()).collect()
    };
    // Nothing where one of both says nothing.
    let compared = |of: fn(&Patient) -> String| {
        let (now, told) = (said(now, of), said(told, of));
        let differs = told.iter().any(|then| now.iter().any(|now| now != then));
        (!now.is_empty() && !told.is_empty()).then_some(differs)
    };
    let sex = |it: &Patient| Sex::sent(&it.sex).map_or("", Sex::name).to_owned();
    let born = |it: &Patient| birth(&it.birth_date).map(|date| date.to_string()).unwrap_or_default();
    let all = [("sex", compared(sex)), ("birth date", compared(born)), ("name", compared(plain_name))];
    let differs: Vec<String> = all
        .iter()
        .filter(|(_, differs)| *differs == Some(true))
        .map(|(what, _)| (*what).to_owned())
        .collect();
    match differs.is_empty() {
        false => Identity::Differs(differs),
        true if all.iter().all(|(_, differs)| differs.is_none()) => Identity::Unknown,
        true => Identity::Agrees,
    }
}

/// Its letters alone: analyzers set commas, carets and spaces as they like.
fn plain_name(patient: &Patient) -> String {
    let words = patient.name.split(|sign: char| !sign.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_uppercase).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patient(name: &str, birth_date: &str, sex: &str) -> Patient {
        Patient {
            id: "1".to_owned(),
            authority: String::new(),
            name: name.to_owned(),
            birth_date: birth_date.to_owned(),
            sex: sex.to_owned(),
            location: " ".to_owned(),
        }
    }

    #[test]
    fn what_can_not_be_understood_of_a_patient_is_not_known() {
        for (birth_date, sex, expected) in [
            ("19700131", "F", (Some("1970-01-31"), Some(Sex::Female))),
            ("197001311230", "m", (Some("1970-01-31"), Some(Sex::Male))),
            ("19700230", "U", (None, None)),
            ("1970", "", (None, None)),
            ("70/01/31", "O", (None, None)),
        ] {
            let person = person(&patient("Example^Anna", birth_date, sex));
            let birth = person.birth.map(|date| date.to_string());
            assert_eq!((birth.as_deref(), person.sex), expected, "{birth_date} {sex}");
            assert!(person.has_id && person.has_name && person.ward.is_none());
        }
    }

    #[test]
    fn another_person_under_one_id_is_noticed_and_what_was_left_out_is_no_difference() {
        let now = patient("Example^Anna", "19700131", "F");
        let told = |earlier: &[Patient]| identity(&[&now], &earlier.iter().collect::<Vec<_>>());
        assert_eq!(told(&[]), Identity::Unknown);
        assert_eq!(told(&[patient("EXAMPLE, ANNA", "", "U")]), Identity::Agrees);
        assert_eq!(told(&[patient("", "1970", "U")]), Identity::Unknown, "nothing was compared");
        let differs = |what: &[&str]| Identity::Differs(what.iter().map(|it| (*it).to_owned()).collect());
        assert_eq!(told(&[patient("Example^Anna", "19700131", "M")]), differs(&["sex"]));
        assert_eq!(
            told(&[patient("", "", ""), patient("Sample^Anna", "19710131", "F")]),
            differs(&["birth date", "name"])
        );
        let (one, other) = (patient("Example^Anna", "", "F"), patient("Example^Anna", "", "M"));
        let (both, agreed) = ([&one, &other], patient("Example^Anna", "", ""));
        assert_eq!(identity(&[&one, &other, &agreed], &both), differs(&["sex"]), "of one message");
    }
}
