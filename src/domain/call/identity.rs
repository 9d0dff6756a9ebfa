//! Whether the patient who was named in a call is the one whose result it is. Names are cut, turned round and spelled
//! without their accents on the way, days are written in many ways; what may as well be another person's is another's.
//! What isn't known here of a patient can't be compared.

use super::IdentifierKind;
use crate::domain::Patient;

/// What a comparison comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compared {
    /// It is of one of those who are known.
    Theirs,
    Anothers,
    /// Nothing is known to compare it with.
    Unknown,
}

/// Whether all that was told is of those who are known, as far as it can be compared, and something of it is. Where
/// nothing is known that could be told, whatever was told is.
pub(super) fn are_theirs<'a>(
    told: impl Iterator<Item = (IdentifierKind, &'a str)>,
    known: &[&Patient],
) -> bool {
    let compared: Vec<Compared> = told.map(|(kind, text)| kind.compared(text, known)).collect();
    let is_known = |(_, kind): &(&str, IdentifierKind)| kind.compared("", known) != Compared::Unknown;
    let nothing_known = !IdentifierKind::ALL.iter().any(is_known);
    !compared.contains(&Compared::Anothers) && (nothing_known || compared.contains(&Compared::Theirs))
}

impl IdentifierKind {
    fn compared(self, told: &str, known: &[&Patient]) -> Compared {
        match self {
            IdentifierKind::Name => {
                compared(known.iter().map(|it| words(&it.name)), |name| is_one_name(&words(told), name))
            }
            IdentifierKind::BirthDate => {
                let days = known.iter().map(|it| it.day_of_birth()).filter(|day| day.len() == 8);
                compared(days.map(Vec::from), |day| days_of(told).iter().any(|it| it.as_bytes() == day))
            }
            IdentifierKind::PatientNumber => {
                compared(known.iter().map(|it| signs(&it.id)), |number| *number == signs(told))
            }
            IdentifierKind::NationalNumber | IdentifierKind::Telephone | IdentifierKind::Address => {
                Compared::Unknown
            }
        }
    }
}

fn compared<T>(known: impl Iterator<Item = Vec<T>>, fits: impl Fn(&Vec<T>) -> bool) -> Compared {
    let known: Vec<Vec<T>> = known.filter(|it| !it.is_empty()).collect();
    match known.iter().any(fits) {
        _ if known.is_empty() => Compared::Unknown,
        true => Compared::Theirs,
        false => Compared::Anothers,
    }
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

/// Words of so many letters may have been cut to them by a field's width; what is shorter may as well be another's word.
const CUT: usize = 8;
/// Beside a whole word, another may have been cut to so many letters: the given name at the end of a field.
const CUT_BESIDE: usize = 3;

/// Two names are one where one has nothing that the other lacks (a second given name or none, an initial, a name cut
/// short) and they share a word of more than a letter.
fn is_one_name(one: &[Vec<char>], other: &[Vec<char>]) -> bool {
    let has_all = |all: &[Vec<char>], of: &[Vec<char>]| {
        of.iter().all(|word| all.iter().any(|it| may_be_one_word(it, word)))
    };
    let shares = one.iter().any(|word| word.len() > 1 && other.iter().any(|it| is_one_word(it, word)));
    shares && (has_all(one, other) || has_all(other, one))
}

fn is_one_word(one: &[char], other: &[char]) -> bool {
    let cut = one.len().min(other.len()) >= CUT;
    agree(one, other, if cut { Ends::Anywhere } else { Ends::Together })
}

/// Also an initial, and what was cut shorter.
fn may_be_one_word(one: &[char], other: &[char]) -> bool {
    let shorter = one.len().min(other.len());
    let ends = if shorter == 1 || shorter >= CUT_BESIDE { Ends::Anywhere } else { Ends::Together };
    agree(one, other, ends)
}

/// Where one of two words may end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Together,
    Anywhere,
}

/// Whether two words agree up to there. A letter that isn't ASCII may stand as one or two that are: ü as u or ue.
fn agree(one: &[char], other: &[char], ends: Ends) -> bool {
    let ([a, rest_a @ ..], [b, rest_b @ ..]) = (one, other) else {
        return ends == Ends::Anywhere || (one.is_empty() && other.is_empty());
    };
    if a == b {
        return agree(rest_a, rest_b, ends);
    }
    let spelled = |whole: &[char], rest: &[char]| {
        agree(whole, rest, ends) || rest.get(1..).is_some_and(|rest| agree(whole, rest, ends))
    };
    match (a.is_ascii(), b.is_ascii()) {
        (false, true) => spelled(rest_a, rest_b),
        (true, false) => spelled(rest_b, rest_a),
        _ => false,
    }
}

/// The days that a text may mean, as eight digits each: 1970-01-31, 31.1.1970, 1/31/1970, 19700131 or 31011970. Between
/// full stops the day comes first. Where either may be the month otherwise, it is no day. With two digits of the year it
/// is of either century.
fn days_of(text: &str) -> Vec<String> {
    let groups: Vec<&str> =
        text.split(|sign: char| !sign.is_ascii_digit()).filter(|group| !group.is_empty()).collect();
    let (day, month, year) = match groups[..] {
        [whole] if whole.len() == 8 => {
            let (day, rest) = whole.split_at(2);
            let (month, year) = rest.split_at(2);
            return vec![whole.to_owned(), format!("{year}{month}{day}")];
        }
        [year, month, day] if year.len() == 4 => (day, month, year),
        [day, month, year] if matches!(year.len(), 2 | 4) && text.contains('.') => (day, month, year),
        [one, other, year] if matches!(year.len(), 2 | 4) => match (may_be_month(one), may_be_month(other)) {
            (true, true) if one.trim_start_matches('0') != other.trim_start_matches('0') => {
                return Vec::new();
            }
            (true, false) => (other, one, year),
            _ => (one, other, year),
        },
        _ => return Vec::new(),
    };
    let centuries: &[&str] = if year.len() == 4 { &[""] } else { &["19", "20"] };
    centuries.iter().map(|century| format!("{century}{year}{month:0>2}{day:0>2}")).collect()
}

fn may_be_month(digits: &str) -> bool {
    digits.parse().is_ok_and(|number: u8| (1..=12).contains(&number))
}

#[cfg(test)]
mod tests {
    use super::IdentifierKind::{Address, BirthDate, Name, PatientNumber, Telephone};
    use super::*;

    fn is_anothers(kind: IdentifierKind, told: &str, known: &[&Patient]) -> bool {
        kind.compared(told, known) == Compared::Anothers
    }

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
            ("EXAMP^ANN", "Example, Anna", true),
            ("EXAMPLES^ANN", "Examplesson, Anna", false),
            ("EXAMPLE^ALEXAN", "Example, Alexander", false),
            ("EXAMPLE^AL", "Example, Alexander", true),
            ("LI^BO", "Lindner, Boris", true),
            ("LI^BO", "Li, Boris", true),
            ("LI^BO", "Bo Li", false),
            ("FOX^FI", "FoxBaker", true),
            ("EXAMPLE^ANNA", "A", true),
            ("EXAMPLE^ANNA", "E A", true),
            ("E^A", "Example, Anna", true),
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
            assert_eq!(is_anothers(Name, told, &[&patient(known, "", "")]), is_another, "{known}, {told}");
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
            assert!(!is_anothers(BirthDate, told, &[&anna]), "{told}");
        }
        let mother = patient("", "1960-07-03", "");
        for told in ["3.7.1960", "03.07.60", "1960-7-3", "03071960", "1960/07/03"] {
            assert!(!is_anothers(BirthDate, told, &[&mother]), "{told}");
        }
        for told in ["7.3.1960", "3/7/1960", "7/3/1960", "1960-03-07", "07031960", "3 7 60"] {
            assert!(is_anothers(BirthDate, told, &[&mother]), "{told}");
        }
        assert!(!is_anothers(BirthDate, "7/7/1960", &[&patient("", "19600707", "")]));
        for told in ["1970-01-30", "31.1.1971", "30/1/70", "1970", "January 1970", "?", "31.1.", "311970"] {
            assert!(is_anothers(BirthDate, told, &[&anna]), "{told}");
        }
        let with_time = patient("", "19700131000000", "");
        assert!(!is_anothers(BirthDate, "31.1.1970", &[&with_time]));
        for unknown in ["", "1970", "?"] {
            assert!(!is_anothers(BirthDate, "31.1.1971", &[&patient("", unknown, "")]), "{unknown}");
        }
    }

    #[test]
    fn one_of_those_who_are_known_is_enough_and_what_nobody_knows_is_not_compared() {
        let (sent, ordered) = (patient("", "", "EX-77"), patient("EXAMPLE^ANNA", "19700131", "4711"));
        assert!(!is_anothers(PatientNumber, "ex77", &[&sent, &ordered]));
        assert!(!is_anothers(PatientNumber, "4711", &[&sent, &ordered]));
        assert!(is_anothers(PatientNumber, "04711", &[&sent, &ordered]));
        assert!(is_anothers(PatientNumber, "-", &[&sent]));
        assert!(!is_anothers(PatientNumber, "4711", &[]));
        assert!(!is_anothers(Address, "1 Road", &[&sent, &ordered]));
    }

    #[test]
    fn something_that_was_told_must_be_theirs_where_anything_is_known() {
        let (known, unknown) = (patient("EXAMPLE^ANNA", "19700131", ""), Patient::default());
        let are =
            |told: &[(IdentifierKind, &str)], known: &Patient| are_theirs(told.iter().copied(), &[known]);
        let elsewhere = [(Telephone, "555 0100"), (Address, "1 Example Road")];
        assert!(!are(&elsewhere, &known), "nobody here can tell whose they are");
        assert!(are(&elsewhere, &unknown));
        assert!(are(&[(Name, "Anna Example"), (Telephone, "555 0100")], &known));
        assert!(are(&[(Name, "Anna Example"), (PatientNumber, "4711")], &known), "no number is known");
        assert!(!are(&[(Name, "Anna Example"), (BirthDate, "1970-01-30")], &known));
        assert!(!are(&[(PatientNumber, "4711"), (Telephone, "555 0100")], &known));
    }
}
