//! From the specimen number on the wire to the LIMS's. Never guesses a number that the analyzer cut off.

use crate::domain::{SpecimenId, SpecimenRules};

/// A specimen number after the site's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Specimen {
    pub id: SpecimenId,
    pub length: Length,
}

/// Whether the number can have been cut off by the analyzer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    Whole,
    /// It is as long as the analyzer can send: characters may be missing.
    PossiblyTruncated,
}

impl Specimen {
    /// Applies the rules in the order of their fields. A blank number stays blank.
    pub fn read(sent: &str, rules: &SpecimenRules) -> Specimen {
        let sent_length = sent.trim().chars().count();
        let truncated = rules.truncated_at.is_some_and(|limit| sent_length >= limit);
        let mut id = if rules.trim { sent.trim() } else { sent };
        if let Some((before, _)) = id.split_once(|c| rules.suffix_separators.contains(c)) {
            id = before;
        }
        if !rules.strip_prefix.is_empty() {
            id = id.strip_prefix(&rules.strip_prefix).unwrap_or(id);
        }
        if rules.strip_leading_zeros {
            let stripped = id.trim_start_matches('0');
            id = match stripped.is_empty() && !id.is_empty() {
                true => "0",
                false => stripped,
            };
        }
        let missing = match rules.pad_to {
            Some(width) if !id.trim().is_empty() => width.saturating_sub(id.chars().count()),
            _ => 0,
        };
        Specimen {
            id: SpecimenId::new(format!("{}{id}", "0".repeat(missing))),
            length: if truncated { Length::PossiblyTruncated } else { Length::Whole },
        }
    }
}

/// The numbers under which a specimen can be known whose label reads so: as it stands, and by each site rule. A scanner
/// reads what the analyzer read, and the rules may have changed that.
pub fn forms<'a>(label: &str, rules: impl IntoIterator<Item = &'a SpecimenRules>) -> Vec<SpecimenId> {
    let mut forms = vec![SpecimenId::new(label)];
    for rules in rules {
        let form = Specimen::read(label, rules).id;
        if !form.is_blank() && !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(change: impl Fn(&mut SpecimenRules)) -> SpecimenRules {
        let mut rules = SpecimenRules::default();
        change(&mut rules);
        rules
    }

    #[test]
    fn a_label_is_looked_for_as_it_stands_and_as_the_rules_make_it() {
        let plain = SpecimenRules::default();
        let stripped = rules(|rules| rules.strip_leading_zeros = true);
        let padded = rules(|rules| rules.pad_to = Some(8));
        let shown = |label: &str| -> Vec<String> {
            let all = forms(label, [&plain, &stripped, &padded]);
            all.iter().map(|form| form.reveal().to_owned()).collect()
        };
        assert_eq!(shown("000123"), ["000123", "123", "00000123"]);
        assert_eq!(shown("A1234567"), ["A1234567"]);
    }

    #[test]
    fn each_rule_does_its_part_in_the_order_of_the_fields() {
        for (rules, sent, expected) in [
            (rules(|_| ()), " 0042-1 ", " 0042-1 "),
            (rules(|r| r.trim = true), " 0042 ", "0042"),
            (rules(|r| r.suffix_separators = "-/".into()), "0042-1/2", "0042"),
            (rules(|r| r.suffix_separators = "-".into()), "0042", "0042"),
            (rules(|r| r.strip_prefix = "LAB".into()), "LAB42", "42"),
            (rules(|r| r.strip_prefix = "LAB".into()), "42LAB", "42LAB"),
            (rules(|r| r.strip_leading_zeros = true), "0042", "42"),
            (rules(|r| r.strip_leading_zeros = true), "0000", "0"),
            (rules(|r| r.strip_leading_zeros = true), "", ""),
            (rules(|r| r.pad_to = Some(6)), "42", "000042"),
            (rules(|r| r.pad_to = Some(6)), "12345678", "12345678"),
            (rules(|r| r.pad_to = Some(6)), "", ""),
            (rules(|r| r.pad_to = Some(6)), "  ", "  "),
        ] {
            assert_eq!(Specimen::read(sent, &rules).id.reveal(), expected, "{sent:?} {rules:?}");
        }
        let all = SpecimenRules {
            trim: true,
            suffix_separators: "-".into(),
            strip_prefix: "L".into(),
            strip_leading_zeros: true,
            pad_to: Some(8),
            truncated_at: None,
        };
        assert_eq!(Specimen::read("  L00042-7 ", &all).id.reveal(), "00000042");
    }

    #[test]
    fn a_number_as_long_as_the_analyzer_can_send_may_be_cut_off() {
        let rules = rules(|r| r.truncated_at = Some(10));
        for (sent, expected) in [
            ("123456789", Length::Whole),
            ("1234567890", Length::PossiblyTruncated),
            ("12345678901", Length::PossiblyTruncated),
            (" 123456789  ", Length::Whole),
        ] {
            assert_eq!(Specimen::read(sent, &rules).length, expected, "{sent:?}");
        }
    }
}
