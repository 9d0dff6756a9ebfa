//! Whether two tubes are the same patient's, as far as it is told. Pure; it decides nothing and guesses nothing: what is told
//! otherwise differs, be it written otherwise only.

use crate::domain::{Patient, Words, words};
use crate::status::lead::Severity;

/// What tells patients apart, and what it is.
type Telling = (fn(&Patient) -> &str, Words);

/// What is said over both tubes.
pub(super) struct Comparison {
    pub severity: Severity,
    pub says: Words,
    pub then: Words,
    /// What is told of both and differs, in English, for programs.
    pub differs: Vec<String>,
    /// Something is told of both.
    pub is_comparable: bool,
}

pub(super) fn compared(here: &[Patient], there: &[Patient]) -> Comparison {
    let (mut differing, mut alike) = (Vec::new(), 0);
    for (of, what) in telling() {
        let (here, there) = (told(here, of), told(there, of));
        if here.is_empty() || there.is_empty() {
            continue;
        }
        match here == there {
            true => alike += 1,
            false => differing.push(what),
        }
    }
    let differs = differing.iter().map(Words::english).collect();
    let is_comparable = alike > 0 || !differing.is_empty();
    let compare = || words!("Compare the labels, the volumes and the request forms before anything moves.");
    let (severity, says, then) = match (differing.is_empty(), is_comparable) {
        (false, _) => (
            Severity::Danger,
            words!(
                "These are two patients, as far as is told: different {what}.",
                what = Words::row(differing, ", ")
            ),
            words!(
                "The results would become the other patient's. Compare the labels, the volumes and the request forms before anything moves."
            ),
        ),
        (true, true) => (Severity::Calm, words!("What is told of both patients is the same."), compare()),
        (true, false) => (Severity::Act, words!("Whether both are one patient's isn't told."), compare()),
    };
    Comparison { severity, says, then, differs, is_comparable }
}

fn telling() -> [Telling; 4] {
    [
        (|it| &it.name, words!("name")),
        (|it| &it.birth_date, words!("birth date")),
        (|it| &it.id, words!("number of the patient")),
        (|it| &it.sex, words!("sex")),
    ]
}

/// What is told, each once, whatever the size of its letters.
fn told(patients: &[Patient], of: fn(&Patient) -> &str) -> std::collections::BTreeSet<String> {
    patients.iter().map(|it| of(it).trim().to_uppercase()).filter(|it| !it.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patient(name: &str, birth_date: &str, sex: &str) -> Patient {
        Patient {
            name: name.to_owned(),
            birth_date: birth_date.to_owned(),
            sex: sex.to_owned(),
            ..Patient::default()
        }
    }

    #[test]
    fn what_is_told_of_both_and_differs_is_named_and_what_is_told_of_one_is_no_difference() {
        let doe = patient("Doe^Jane", "19700101", "F");
        for (there, severity, differs, is_comparable) in [
            (vec![patient("DOE^JANE ", "19700101", "F")], Severity::Calm, &[][..], true),
            (vec![patient("Doe^John", "19700101", "M")], Severity::Danger, &["name", "sex"], true),
            (vec![patient("", "19700102", "")], Severity::Danger, &["birth date"], true),
            (vec![patient("", "", "F")], Severity::Calm, &[], true),
            (vec![patient("", "", "")], Severity::Act, &[], false),
            (vec![], Severity::Act, &[], false),
            // Of a tube that two are named for, both would have to be meant.
            (vec![doe.clone(), patient("Roe^Ann", "19700101", "F")], Severity::Danger, &["name"], true),
        ] {
            let found = compared(std::slice::from_ref(&doe), &there);
            assert_eq!((found.severity, found.is_comparable), (severity, is_comparable));
            assert_eq!(found.differs, differs);
        }
    }
}
