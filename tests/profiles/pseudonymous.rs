//! A message with pseudonyms is read as the message itself: as many results, with the same codes, values and units, and the
//! same problems; whatever the key, and for every fixture of every profile.

use std::collections::BTreeMap;

use labwire::domain::{Observation, Outcome, ProblemKind, Value};
use labwire::pseudonym::Pseudonyms;
use proptest::prelude::*;

use super::{fixtures, profiles, read, reading};

/// What must be alike: of each result, and how many problems there are of each kind. A text that no profile knows may name
/// somebody: its length stays.
fn gist(outcome: &Outcome) -> (Vec<String>, BTreeMap<ProblemKind, usize>, usize) {
    let result = |found: &Observation| {
        let value = match &found.value {
            Value::Text(text) if !text.starts_with(|c: char| c.is_ascii_digit()) => {
                format!("{} bytes", text.len())
            }
            known => format!("{known:?}"),
        };
        format!(
            "{:?} {:?} {:?} {value} {:?} {:?} {:?}",
            found.record, found.class, found.test, found.unit, found.status, found.completed
        )
    };
    let mut problems = BTreeMap::new();
    for problem in &outcome.problems {
        *problems.entry(problem.kind).or_default() += 1;
    }
    (outcome.observations.iter().map(result).collect(), problems, outcome.queries.len())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    #[test]
    fn a_message_with_pseudonyms_is_read_as_the_message_itself(key in any::<[u8; 32]>()) {
        let mut seen = 0;
        for (name, profile) in &profiles() {
            let reading = reading(profile);
            for (path, bytes) in fixtures(name) {
                let mut disguised = bytes.clone();
                if Pseudonyms::new(key).disguise(&mut disguised, profile).is_err() {
                    continue;
                }
                prop_assert_eq!(disguised.len(), bytes.len());
                prop_assert_ne!(&disguised, &bytes, "{}", path.display());
                let (before, after) = (gist(&read(&bytes, &reading)), gist(&read(&disguised, &reading)));
                prop_assert_eq!(before, after, "{}\n{}", path.display(), String::from_utf8_lossy(&disguised));
                seen += 1;
            }
        }
        prop_assert!(seen >= 40, "only {} fixtures were compared", seen);
    }
}

/// By this key two letters that no profile knows would have become two that one knows.
#[test]
fn what_no_profile_knows_never_becomes_what_one_knows() {
    let key = [
        173, 134, 31, 47, 190, 180, 145, 74, 78, 178, 86, 197, 186, 14, 146, 57, 126, 111, 216, 113, 202, 4,
        30, 99, 201, 21, 165, 153, 244, 205, 48, 67,
    ];
    for (name, profile) in &profiles() {
        let reading = reading(profile);
        for (path, bytes) in fixtures(name) {
            let mut disguised = bytes.clone();
            if Pseudonyms::new(key).disguise(&mut disguised, profile).is_ok() {
                assert_eq!(
                    gist(&read(&bytes, &reading)),
                    gist(&read(&disguised, &reading)),
                    "{}",
                    path.display()
                );
            }
        }
    }
}
