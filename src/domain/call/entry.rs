//! What a person records of a call, and what such a record must hold. Each is written once.

use jiff::{SignedDuration, Timestamp};

use super::identity;
use crate::domain::{Patient, Private, Words, words};

/// How long ago a call may have been made that is recorded now: as long as a gateway may have been out of order.
const OLDEST: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The most characters of one text.
const LONGEST: usize = 300;

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallEntry {
    /// A named person says that the value is right.
    Verified {
        by: String,
        note: Private<String>,
    },
    Attempt(Attempt),
    /// It won't be called any more, and why.
    Ended {
        by: String,
        reason: Private<String>,
    },
}

/// Somebody called, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Who called: a full name.
    pub by: String,
    pub made_at: Timestamp,
    pub outcome: CallOutcome,
    /// Who took it: a full name. Where nobody did, whom the call was for.
    pub to: String,
    pub role: String,
    /// By what the patient was identified.
    pub identifiers: Vec<(IdentifierKind, Private<String>)>,
    /// What was told, as it was told.
    pub value: Private<String>,
    pub note: Private<String>,
}

/// What of an attempt is as the journal has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreement {
    /// The value that was told is the result's.
    pub value: bool,
    /// The identifiers that were told are the patient's, as far as they are known here.
    pub patient: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// Who took the call said the value again, and it was right.
    Confirmed,
    NoReadBack,
    NotReached,
}

/// What identifies a patient. A room, a bed or a tube doesn't.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IdentifierKind {
    Name,
    BirthDate,
    PatientNumber,
    NationalNumber,
    Telephone,
    Address,
}

impl Agreement {
    pub const WHOLE: Agreement = Agreement { value: true, patient: true };

    pub fn is_whole(self) -> bool {
        self == Agreement::WHOLE
    }
}

impl CallOutcome {
    pub const ALL: [(&str, CallOutcome); 3] = [
        ("confirmed", CallOutcome::Confirmed),
        ("no-read-back", CallOutcome::NoReadBack),
        ("not-reached", CallOutcome::NotReached),
    ];

    pub fn name(self) -> &'static str {
        CallOutcome::ALL.into_iter().find(|(_, it)| *it == self).map_or("", |(name, _)| name)
    }

    pub fn from_name(name: &str) -> Option<CallOutcome> {
        CallOutcome::ALL.into_iter().find(|(other, _)| *other == name).map(|(_, it)| it)
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            CallOutcome::Confirmed => "read-back confirmed",
            CallOutcome::NoReadBack => "reached without read-back",
            CallOutcome::NotReached => "unable to reach",
        }
    }
}

impl IdentifierKind {
    pub const ALL: [(&str, IdentifierKind); 6] = [
        ("name", IdentifierKind::Name),
        ("birth-date", IdentifierKind::BirthDate),
        ("patient-number", IdentifierKind::PatientNumber),
        ("national-number", IdentifierKind::NationalNumber),
        ("telephone", IdentifierKind::Telephone),
        ("address", IdentifierKind::Address),
    ];

    pub fn name(self) -> &'static str {
        IdentifierKind::ALL.into_iter().find(|(_, it)| *it == self).map_or("", |(name, _)| name)
    }

    pub fn from_name(name: &str) -> Option<IdentifierKind> {
        IdentifierKind::ALL.into_iter().find(|(other, _)| *other == name).map(|(_, it)| it)
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            IdentifierKind::Name => "name",
            IdentifierKind::BirthDate => "birth date",
            IdentifierKind::PatientNumber => "patient number",
            IdentifierKind::NationalNumber => "national number",
            IdentifierKind::Telephone => "telephone",
            IdentifierKind::Address => "address",
        }
    }
}

impl Attempt {
    /// Whether somebody was told.
    pub fn reached(&self) -> bool {
        self.outcome != CallOutcome::NotReached
    }

    /// Whether it names one of those who are known as the patient.
    pub fn names(&self, known: &[&Patient]) -> bool {
        identity::are_theirs(
            self.identifiers.iter().map(|(kind, text)| (*kind, text.reveal().as_str())),
            known,
        )
    }

    /// In one sentence, for a person who is allowed to see patient data. `written` says how a time is.
    pub fn told(&self, agreement: Agreement, written: &dyn Fn(Timestamp) -> Words) -> Words {
        let Attempt { by, made_at, outcome, to, role, .. } = self;
        let to = Words::row([to.trim().into(), role.trim().into()], ", ");
        let to = if to.is_none() { words!("nobody by name") } else { to };
        let (made_at, outcome) = (written(*made_at), Words::fixed(outcome.words()));
        if !self.reached() {
            return words!("called at {made_at} by {by}, for {to}: {outcome}", made_at, by, to, outcome);
        }
        let identifier = |(kind, text): &(IdentifierKind, Private<String>)| {
            Words::row([Words::fixed(kind.words()), text.reveal().into()], " ")
        };
        let identifiers = self.identifiers.iter().map(identifier);
        let identifiers = identifiers.reduce(|some, next| words!("{some} and {next}", some, next));
        let identifiers = identifiers.unwrap_or_else(Words::none);
        let identifiers = match agreement.patient {
            true => identifiers,
            false => words!("{identifiers}, WHICH DON'T NAME THE PATIENT", identifiers),
        };
        let value = match agreement.value {
            true => self.value.reveal().into(),
            false => words!("{value}, WHICH IS NOT THE VALUE OF THE RESULT", value = self.value.reveal()),
        };
        words!(
            "called at {made_at} by {by} to {to}: told {value}, by {identifiers}: {outcome}",
            made_at,
            by,
            to,
            value,
            identifiers,
            outcome
        )
    }

    fn faults(&self, now: Timestamp) -> Vec<&'static str> {
        let mut faults = caller(&self.by);
        if self.made_at > now {
            faults.push("the call lies in the future");
        } else if now.duration_since(self.made_at) > OLDEST {
            faults.push("the call lies more than a week back");
        }
        if self.reached() {
            if !is_full_name(&self.to) {
                faults.push("who took the call is missing: first and last name");
            }
            if self.role.trim().is_empty() {
                faults.push("the role of who took the call is missing");
            }
            let mut kinds: Vec<IdentifierKind> = self
                .identifiers
                .iter()
                .filter(|(_, text)| !text.reveal().trim().is_empty())
                .map(|(kind, _)| *kind)
                .collect();
            kinds.sort();
            kinds.dedup();
            if kinds.len() < 2 {
                faults.push("two different patient identifiers are needed");
            }
            if self.value.reveal().trim().is_empty() {
                faults.push("the value as it was told is missing");
            }
        } else if !self.value.reveal().is_empty() || !self.identifiers.is_empty() {
            faults.push("nobody was reached, so no value and no identifier was told");
        }
        let texts = [&self.to, &self.role, self.value.reveal(), self.note.reveal()];
        let told = self.identifiers.iter().map(|(_, text)| text.reveal());
        if texts.into_iter().chain(told).any(|text| !is_plain(text)) {
            faults.push(NOT_PLAIN);
        }
        faults
    }
}

const NOT_PLAIN: &str = "a text has more than 300 characters or several lines";

impl CallEntry {
    /// What it lacks; nothing where it may be kept. Tells nothing of its content.
    pub fn faults(&self, now: Timestamp) -> Vec<&'static str> {
        let texts = |by: &str, text: &str| {
            let mut faults = caller(by);
            faults.extend((!is_plain(text)).then_some(NOT_PLAIN));
            faults
        };
        match self {
            CallEntry::Attempt(attempt) => attempt.faults(now),
            CallEntry::Verified { by, note } => texts(by, note.reveal()),
            CallEntry::Ended { by, reason } => {
                let mut faults = texts(by, reason.reveal());
                if reason.reveal().trim().is_empty() {
                    faults.push("why it won't be called is missing");
                }
                faults
            }
        }
    }

    /// Who did it.
    pub fn by(&self) -> &str {
        match self {
            CallEntry::Verified { by, .. } | CallEntry::Ended { by, .. } => by,
            CallEntry::Attempt(attempt) => &attempt.by,
        }
    }
}

fn caller(by: &str) -> Vec<&'static str> {
    let named = is_full_name(by) && is_plain(by);
    if named { Vec::new() } else { vec!["your own name is missing: first and last name"] }
}

/// At least two words with letters: a first name alone names nobody.
fn is_full_name(name: &str) -> bool {
    name.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic)).count() >= 2
}

fn is_plain(text: &str) -> bool {
    text.chars().count() <= LONGEST && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt() -> Attempt {
        let private = |text: &str| Private::new(text.to_owned());
        Attempt {
            by: "Anna Example".to_owned(),
            made_at: Timestamp::UNIX_EPOCH,
            outcome: CallOutcome::Confirmed,
            to: "Bert Sample".to_owned(),
            role: "physician on duty".to_owned(),
            identifiers: vec![
                (IdentifierKind::Name, private("Test, Clara")),
                (IdentifierKind::BirthDate, private("1970-01-31")),
            ],
            value: private("2.5 mmol/L"),
            note: private(""),
        }
    }

    fn faults(change: impl FnOnce(&mut Attempt)) -> Vec<&'static str> {
        let mut attempt = attempt();
        change(&mut attempt);
        CallEntry::Attempt(attempt).faults(Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_whole_attempt_may_be_kept_and_what_is_missing_is_named() {
        assert_eq!(faults(|_| ()), [""; 0]);
        type Change = fn(&mut Attempt);
        let cases: [(&str, Change); 10] = [
            ("your own name", |it| "Anna".clone_into(&mut it.by)),
            ("who took the call is missing", |it| it.to.clear()),
            ("the role", |it| " ".clone_into(&mut it.role)),
            ("two different", |it| it.identifiers.truncate(1)),
            ("two different", |it| {
                it.identifiers = vec![it.identifiers[0].clone(), it.identifiers[0].clone()]
            }),
            ("the value as it was told", |it| it.value = Private::default()),
            ("in the future", |it| it.made_at = "1970-01-01T00:00:01Z".parse().unwrap()),
            ("more than a week", |it| it.made_at = "1969-12-24T23:59:59Z".parse().unwrap()),
            ("nobody was reached", |it| it.outcome = CallOutcome::NotReached),
            ("a text has more", |it| it.note = Private::new("a\nb".to_owned())),
        ];
        for (expected, change) in cases {
            let found = faults(change);
            assert!(matches!(found[..], [one] if one.contains(expected)), "{expected}: {found:?}");
        }
    }

    #[test]
    fn who_was_not_reached_needs_no_name_and_got_no_value() {
        let missed = |it: &mut Attempt| {
            it.outcome = CallOutcome::NotReached;
            it.to.clear();
            it.role.clear();
            it.identifiers.clear();
            it.value = Private::default();
        };
        assert_eq!(faults(missed), [""; 0]);
    }

    #[test]
    fn everything_that_is_missing_is_named_at_once() {
        let found = faults(|it| {
            it.by.clear();
            it.role.clear();
            it.identifiers.clear();
        });
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn an_attempt_shows_no_patient_to_who_debugs() {
        let shown = format!("{:?}", attempt());
        assert!(
            !shown.contains("Clara") && !shown.contains("2.5") && !shown.contains("1970-01-31"),
            "{shown}"
        );
    }
}
