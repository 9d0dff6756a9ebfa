//! LOINC numbers. Knows their form and their check digit, and never which of them exist.

/// Whether a text is a LOINC number: one to seven digits, a hyphen, and the check digit that belongs to them, which
/// catches most slips of the finger.
pub fn is_loinc(text: &str) -> bool {
    text.split_once('-').is_some_and(|(number, check)| {
        (1..=7).contains(&number.len())
            && number.bytes().all(|digit| digit.is_ascii_digit())
            && check == mod_10(number).to_string()
    })
}

/// The Luhn check digit of a row of ASCII digits.
fn mod_10(digits: &str) -> u32 {
    let sum: u32 = digits
        .chars()
        .rev()
        .filter_map(|digit| digit.to_digit(10))
        .enumerate()
        .map(|(index, digit)| if index % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit })
        .sum();
    (10 - sum % 10) % 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loinc_number_needs_its_check_digit() {
        for (text, right) in [
            ("2345-7", true),
            ("718-7", true),
            ("6690-2", true),
            ("94500-6", true),
            ("2345-8", false),
            ("2354-7", false),
            ("2345", false),
            ("-0", false),
            ("2345-07", false),
            (" 2345-7", false),
            ("12345678-4", false),
        ] {
            assert_eq!(is_loinc(text), right, "{text}");
        }
    }

    #[test]
    fn one_wrong_digit_is_always_noticed() {
        for (number, digit) in
            ["2345-7", "718-7", "94500-6"].iter().flat_map(|it| (0..10).map(move |d| (it, d)))
        {
            for (at, original) in number.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
                let mut changed = (*number).to_owned();
                changed.replace_range(at..=at, &digit.to_string());
                assert_eq!(is_loinc(&changed), original.to_digit(10) == Some(digit), "{changed}");
            }
        }
    }
}
