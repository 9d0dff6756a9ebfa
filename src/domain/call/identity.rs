//! Whether the patient who was named in a call is the one whose result it is, as far as anybody can say. Names are cut,
//! turned round and spelled without their accents on the way, days are written in many ways: only what can't be of one
//! person counts as another's. What isn't known here of a patient can't be compared.

use super::IdentifierKind;
use crate::domain::Patient;

impl IdentifierKind {
    /// Whether what was told is another's than any of those who are known. `false` also where nothing is known to compare it with.
    pub fn is_of_another(self, told: &str, known: &[&Patient]) -> bool {
        match self {
            IdentifierKind::Name => {
                none_is(known.iter().map(|it| words(&it.name)), |name| is_one_name(&words(told), name))
            }
            IdentifierKind::BirthDate => {
                let days = known.iter().map(|it| it.day_of_birth()).filter(|day| day.len() == 8);
                none_is(days.map(Vec::from), |day| days_of(told).iter().any(|it| it.as_bytes() == day))
            }
            IdentifierKind::PatientNumber => {
                none_is(known.iter().map(|it| signs(&it.id)), |number| *number == signs(told))
            }
            IdentifierKind::NationalNumber | IdentifierKind::Telephone | IdentifierKind::Address => false,
        }
    }
}

/// Whether something is known and none of it fits.
fn none_is<T>(known: impl Iterator<Item = Vec<T>>, fits: impl Fn(&Vec<T>) -> bool) -> bool {
    let known: Vec<Vec<T>> = known.filter(|it| !it.is_empty()).collect();
    !known.is_empty() && !known.iter().any(fits)
}

/// The letters and digits of a number, whatever stands between them.
fn signs(number: &str) -> Vec<char> {
    number.to_lowercase().chars().filter(|it| it.is_alphanumeric()).collect()
}

fn words(name: &str) -> Vec<Vec<char>> {
    let name = name.to_lowercase();
    let words = name.split(|sign: char| !sign.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word.chars().collect()).collect()
}

/// Two names are one where one has nothing that the other lacks: a second given name or none, an initial, a name cut short.
fn is_one_name(one: &[Vec<char>], other: &[Vec<char>]) -> bool {
    let has_all = |all: &[Vec<char>], of: &[Vec<char>]| {
        of.iter().all(|word| all.iter().any(|it| is_one_word(it, word)))
    };
    !one.is_empty() && !other.is_empty() && (has_all(one, other) || has_all(other, one))
}

/// Whether one begins like the other. A letter that isn't ASCII may stand as one or two that are: ü as u or ue.
fn is_one_word(one: &[char], other: &[char]) -> bool {
    let ([a, rest_a @ ..], [b, rest_b @ ..]) = (one, other) else { return true };
    if a == b {
        return is_one_word(rest_a, rest_b);
    }
    let spelled = |whole: &[char], rest: &[char]| {
        is_one_word(whole, rest) || rest.get(1..).is_some_and(|rest| is_one_word(whole, rest))
    };
    match (a.is_ascii(), b.is_ascii()) {
        (false, true) => spelled(rest_a, rest_b),
        (true, false) => spelled(rest_b, rest_a),
        _ => false,
    }
}

/// The days that a text may mean, as eight digits each: 1970-01-31, 31.1.1970, 1/31/1970, 19700131 or 31011970. Where
/// either may be the month, it is both; with two digits of the year it is of either century.
fn days_of(text: &str) -> Vec<String> {
    let groups: Vec<&str> =
        text.split(|sign: char| !sign.is_ascii_digit()).filter(|group| !group.is_empty()).collect();
    let (year, one, other) = match groups[..] {
        [whole] if whole.len() == 8 => {
            let (day, rest) = whole.split_at(2);
            let (month, year) = rest.split_at(2);
            return vec![whole.to_owned(), format!("{year}{month}{day}"), format!("{year}{day}{month}")];
        }
        [year, month, day] if year.len() == 4 => (year, month, day),
        [one, other, year] if matches!(year.len(), 2 | 4) => (year, one, other),
        _ => return Vec::new(),
    };
    let centuries: &[&str] = if year.len() == 4 { &[""] } else { &["19", "20"] };
    let written = |century: &str, month: &str, day: &str| format!("{century}{year}{month:0>2}{day:0>2}");
    centuries.iter().flat_map(|it| [written(it, one, other), written(it, other, one)]).collect()
}

#[cfg(test)]
mod tests {
    use super::IdentifierKind::{Address, BirthDate, Name, PatientNumber};
    use super::*;

    fn patient(name: &str, birth_date: &str, id: &str) -> Patient {
        let [name, birth_date, id] = [name, birth_date, id].map(str::to_owned);
        Patient { name, birth_date, id, ..Patient::default() }
    }

    #[test]
    fn a_name_may_be_cut_or_turned_round_and_is_another_where_each_has_what_the_other_lacks() {
        for (known, told, is_another) in [
            ("EXAMPLE^ANNA", "Anna Example", false),
            ("EXAMPLE^ANNA", "Example, A.", false),
            ("EXAMPLE^ANNA", "Example", false),
            ("EXAMPLE^ANNA", "Anna Maria Example", false),
            ("EXAMP^ANN", "Example, Anna", false),
            ("VAN DER SAMPLE^OTTO", "Sample, Otto", false),
            ("MUELLER^OTTO", "Otto Müller", false),
            ("MULLER^OTTO", "Otto Müller", false),
            ("Müller^Otto", "otto mueller", false),
            ("EXAMPLE^ANNA", "Example, Maria", true),
            ("EXAMPLE^ANNA", "Sample, Anna", true),
            ("VAN DER SAMPLE^OTTO", "van der Sample, Anna", true),
            ("MUELLER^OTTO", "Otto Maller", true),
            ("MILLER^OTTO", "Müller", false),
            ("EXAMPLE^ANNA", "?", true),
            ("^", "Example, Anna", false),
            ("", "Example, Anna", false),
        ] {
            assert_eq!(Name.is_of_another(told, &[&patient(known, "", "")]), is_another, "{known}, {told}");
        }
    }

    #[test]
    fn a_day_of_birth_is_known_however_it_is_written() {
        let anna = patient("", "1970-01-31", "");
        for told in [
            "1970-01-31",
            "19700131",
            "31.01.1970",
            "31.1.1970",
            "1/31/1970",
            "31/1/70",
            "31011970",
            "31 01 1970",
        ] {
            assert!(!BirthDate.is_of_another(told, &[&anna]), "{told}");
        }
        for told in ["1970-01-30", "31.1.1971", "30/1/70", "1970", "January 1970", "?", "31.1.", "311970"] {
            assert!(BirthDate.is_of_another(told, &[&anna]), "{told}");
        }
        let with_time = patient("", "19700131000000", "");
        assert!(!BirthDate.is_of_another("31.1.1970", &[&with_time]));
        for unknown in ["", "1970", "?"] {
            assert!(!BirthDate.is_of_another("31.1.1971", &[&patient("", unknown, "")]), "{unknown}");
        }
    }

    #[test]
    fn one_of_those_who_are_known_is_enough_and_what_nobody_knows_is_not_compared() {
        let (sent, ordered) = (patient("", "", "EX-77"), patient("EXAMPLE^ANNA", "19700131", "4711"));
        assert!(!PatientNumber.is_of_another("ex77", &[&sent, &ordered]));
        assert!(!PatientNumber.is_of_another("4711", &[&sent, &ordered]));
        assert!(PatientNumber.is_of_another("04711", &[&sent, &ordered]));
        assert!(PatientNumber.is_of_another("-", &[&sent]));
        assert!(!PatientNumber.is_of_another("4711", &[]));
        assert!(!Address.is_of_another("1 Road", &[&sent, &ordered]));
    }
}
