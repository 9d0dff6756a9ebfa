//! What the instrument says of its result, and what stands on the tube: flags, the specimen's number, the patient.

use super::Judged;
use crate::domain::clinic::{
    Case, CheckDigit, Demographic, Demographics, Flags, Identity, Missing, NumberPattern, Path, QcRule,
    Ruling, Why,
};
use crate::domain::qc::{By, QcState};

/// Where the result or its controls told no time that counts.
const BY_RECEIPT: &str = "in the order in which they came";

pub(super) fn flags(rule: &Flags, case: &Case) -> Judged {
    let is_meant = |flag: &&String| rule.0.iter().any(|glob| glob.matches(flag));
    let mut found: Vec<String> = case.measured.flags.iter().filter(is_meant).cloned().collect();
    found.sort();
    let thresholds = rule.0.iter().map(|glob| glob.as_str().to_owned()).collect();
    Judged { ruling: finding(!found.is_empty()), inputs: found, thresholds }
}

pub(super) fn number(rule: &NumberPattern, case: &Case) -> Judged {
    let number = case.specimen.number.reveal();
    let fits = fits(&rule.pattern, number) && rule.check_digit.is_none_or(|digit| agrees(digit, number));
    let check = match rule.check_digit {
        None => "",
        Some(CheckDigit::Luhn) => " with a check digit by Luhn",
        Some(CheckDigit::Mod11) => " with a check digit by ISO 7064 MOD 11-2",
    };
    let thresholds = vec![format!("{}{check}", rule.pattern)];
    Judged { ruling: finding(!fits), inputs: Vec::new(), thresholds }
}

fn fits(pattern: &str, number: &str) -> bool {
    let is_one = |(wanted, found): (char, char)| match wanted {
        '9' => found.is_ascii_digit(),
        'A' => found.is_ascii_uppercase(),
        'X' => found.is_ascii_digit() || found.is_ascii_uppercase(),
        other => other == found,
    };
    pattern.chars().count() == number.chars().count() && pattern.chars().zip(number.chars()).all(is_one)
}

/// Whether the digits of a number, letters and signs before the check digit aside, agree with its last sign.
fn agrees(check: CheckDigit, number: &str) -> bool {
    let digits = |text: &str| -> Vec<u32> { text.chars().filter_map(|sign| sign.to_digit(10)).collect() };
    match check {
        CheckDigit::Luhn => {
            let digits = digits(number);
            let doubled = digits.iter().rev().enumerate().map(|(index, digit)| match index % 2 {
                0 => *digit,
                _ => digit * 2 / 10 + digit * 2 % 10,
            });
            digits.len() > 1 && doubled.sum::<u32>() % 10 == 0
        }
        CheckDigit::Mod11 => {
            let mut before = number.chars();
            let Some(last) = before.next_back() else { return false };
            let rest = digits(before.as_str());
            let sum = rest.iter().fold(0, |sum, digit| (sum + digit) * 2 % 11);
            let wanted = (12 - sum) % 11;
            let found = if last == 'X' { Some(10) } else { last.to_digit(10) };
            !rest.is_empty() && found == Some(wanted)
        }
    }
}

pub(super) fn demographics(rule: &Demographics, case: &Case) -> Judged {
    let person = &case.person;
    let is_missing = |wanted: &&Demographic| match wanted {
        Demographic::Id => !person.has_id,
        Demographic::Name => !person.has_name,
        Demographic::BirthDate => person.birth.is_none(),
        Demographic::Sex => person.sex.is_none(),
    };
    let missing: Vec<String> =
        rule.0.iter().filter(is_missing).map(|it| format!("no {}", it.name())).collect();
    let thresholds = rule.0.iter().map(|it| it.name().to_owned()).collect();
    Judged { ruling: finding(!missing.is_empty()), inputs: missing, thresholds }
}

pub(super) fn identity(case: &Case) -> Judged {
    let (ruling, inputs) = match &case.identity {
        Identity::Unknown => (Ruling::NotEvaluated(Why::NothingToCompare), Vec::new()),
        Identity::Agrees => (finding(false), Vec::new()),
        Identity::Differs(what) => (finding(true), what.clone()),
    };
    Judged { ruling, inputs, thresholds: Vec::new() }
}

/// A rejected run is found; that no run is acceptable, or that nobody looked, is what the rule says it is.
pub(super) fn qc(rule: QcRule, case: &Case) -> Judged {
    let told = case.qc.map_or("not known", |stood| stood.state.name());
    let by_receipt = case.qc.filter(|stood| stood.by == By::Receipt).map(|_| BY_RECEIPT.to_owned());
    let why = || Why::NoAcceptableRun(told.to_owned());
    let ruling = match (case.qc.map(|stood| stood.state), rule.missing) {
        (Some(QcState::Rejected), _) => finding(true),
        (Some(state), _) if state.is_acceptable() => finding(false),
        (_, Missing::Undecided) => Ruling::Undecided(why()),
        (_, Missing::NotEvaluated) => Ruling::NotEvaluated(why()),
    };
    let inputs = [told.to_owned()].into_iter().chain(by_receipt).collect();
    Judged { ruling, inputs, thresholds: Vec::new() }
}

fn finding(found: bool) -> Ruling {
    Ruling::Decided(if found { Path::Found } else { Path::Clear })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_as_its_pattern_says_sign_by_sign() {
        for (pattern, number, expected) in [
            ("9999", "0042", true),
            ("9999", "042", false),
            ("9999", "004X", false),
            ("A99-X", "B12-7", true),
            ("A99-X", "b12-7", false),
            ("A99-X", "B12-Z", true),
            ("9", "٣", false),
        ] {
            assert_eq!(fits(pattern, number), expected, "{pattern} {number}");
        }
    }

    #[test]
    fn a_check_digit_finds_a_misread_or_swapped_digit() {
        for (check, number, expected) in [
            (CheckDigit::Luhn, "79927398713", true),
            (CheckDigit::Luhn, "79927398710", false),
            (CheckDigit::Luhn, "97927398713", false),
            (CheckDigit::Luhn, "0", false),
            (CheckDigit::Mod11, "0794", false),
            (CheckDigit::Mod11, "07940", true),
            (CheckDigit::Mod11, "079X", true),
            (CheckDigit::Mod11, "0000000218250097", true),
            (CheckDigit::Mod11, "0000000218520097", false),
            (CheckDigit::Mod11, "0000000121032683", true),
            (CheckDigit::Mod11, "0000000121023683", false),
            (CheckDigit::Mod11, "X", false),
        ] {
            assert_eq!(agrees(check, number), expected, "{check:?} {number}");
        }
    }
}
