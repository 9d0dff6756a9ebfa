//! What a site makes of an analyzer's codes: of a test, and of its qualitative values.

use std::collections::BTreeMap;

use super::RangeTable;

/// This site's view of one test code of an instrument.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CodeMapping {
    /// What the LIMS calls the test.
    pub lims_code: Option<String>,
    pub loinc: Option<String>,
    /// The unit the instrument means where it sends none.
    pub unit: Option<String>,
    /// What it measures, by the name of an analyte; else its LOINC code says so.
    pub analyte: Option<String>,
    /// What kind of value it gives, where the site says so; else the profile does.
    pub kind: Option<ValueKind>,
    /// What each qualitative value is called, by the value exactly as sent. Where there is one, there are no others.
    pub values: BTreeMap<String, Coding>,
    pub unknown_value: UnknownValue,
    /// The site's reference ranges.
    pub ranges: RangeTable,
}

impl CodeMapping {
    /// Whether the site says how values of this test are read, and the profile alone doesn't.
    pub fn reads_values(&self) -> bool {
        self.kind.is_some() || !self.values.is_empty() || self.unknown_value != UnknownValue::Hold
    }
}

/// What the LIMS orders under one code and an instrument reports as several tests. By the LIMS's code.
pub type Panels = BTreeMap<String, Panel>;

/// One of them, in the instrument's codes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Panel {
    /// Without whose results it isn't done; at least one.
    pub components: Vec<String>,
    /// What may come beside them.
    pub optional: Vec<String>,
    /// What the instrument calls it, where it is told of that and not of each component.
    pub told_as: Option<String>,
}

impl Panel {
    /// Whether results of this code belong to it.
    pub fn holds(&self, code: &str) -> bool {
        self.components.iter().chain(&self.optional).any(|it| it == code)
    }

    /// What the instrument is told.
    pub fn told(&self) -> &[String] {
        self.told_as.as_ref().map_or(self.components.as_slice(), std::slice::from_ref)
    }
}

/// The kind of value that a test gives at a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// A number, or one of the values.
    Quantity,
    /// One of the values.
    Coded,
    /// A dilution such as `1:80`, or one of the values.
    Titre,
    /// Any text; the values among them have a code.
    Text,
}

/// What happens to a value that is neither of its test's kind nor one of its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownValue {
    /// A person must look first.
    #[default]
    Hold,
    /// It leaves as it came: a code as a code, anything else as text.
    Show,
}

/// What a qualitative value is called outside of the analyzer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coding {
    pub code: String,
    pub system: CodeSystem,
    /// In words.
    pub text: Option<String>,
}

/// Whose codes they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeSystem {
    /// The LIMS's own.
    Local,
    /// SNOMED CT.
    Snomed,
    /// LOINC's answers.
    Loinc,
}

impl CodeSystem {
    pub const ALL: [CodeSystem; 3] = [CodeSystem::Local, CodeSystem::Snomed, CodeSystem::Loinc];

    /// The stable name, as configured, stored and sent.
    pub fn name(self) -> &'static str {
        match self {
            CodeSystem::Local => "local",
            CodeSystem::Snomed => "snomed",
            CodeSystem::Loinc => "loinc",
        }
    }

    pub fn from_name(name: &str) -> Option<CodeSystem> {
        CodeSystem::ALL.into_iter().find(|system| system.name() == name)
    }

    /// Whether a code can be one of this system's: SNOMED CT's identifiers end in a check digit, LOINC's answers begin
    /// with `LA`.
    pub fn can_be(self, code: &str) -> bool {
        match self {
            CodeSystem::Local => !code.trim().is_empty(),
            CodeSystem::Snomed => {
                // Two digits before the last say that it is a concept.
                let kind = code.len().checked_sub(3).and_then(|at| code.get(at..at + 2));
                let is_concept = kind.is_some_and(|kind| kind == "00" || kind == "10");
                (6..=18).contains(&code.len()) && !code.starts_with('0') && is_concept && verhoeff(code)
            }
            CodeSystem::Loinc => {
                let parts = code.strip_prefix("LA").and_then(|rest| rest.split_once('-'));
                parts.is_some_and(|(number, check)| {
                    let digits =
                        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                    digits(number) && digits(check) && check.len() == 1
                })
            }
        }
    }
}

/// Whether digits end in the check digit that Verhoeff's scheme gives them.
fn verhoeff(digits: &str) -> bool {
    /// The group of a pentagon's symmetries.
    const PRODUCT: [&[u8; 10]; 10] = [
        b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09",
        b"\x01\x02\x03\x04\x00\x06\x07\x08\x09\x05",
        b"\x02\x03\x04\x00\x01\x07\x08\x09\x05\x06",
        b"\x03\x04\x00\x01\x02\x08\x09\x05\x06\x07",
        b"\x04\x00\x01\x02\x03\x09\x05\x06\x07\x08",
        b"\x05\x09\x08\x07\x06\x00\x04\x03\x02\x01",
        b"\x06\x05\x09\x08\x07\x01\x00\x04\x03\x02",
        b"\x07\x06\x05\x09\x08\x02\x01\x00\x04\x03",
        b"\x08\x07\x06\x05\x09\x03\x02\x01\x00\x04",
        b"\x09\x08\x07\x06\x05\x04\x03\x02\x01\x00",
    ];
    const STEP: [u8; 10] = *b"\x01\x05\x07\x06\x02\x08\x03\x00\x09\x04";
    let permuted = |digit: u8, times: usize| {
        (0..times).try_fold(digit, |digit, _| STEP.get(usize::from(digit)).copied())
    };
    let sum = digits.bytes().rev().enumerate().try_fold(0_u8, |sum, (at, byte)| {
        let digit = byte.is_ascii_digit().then(|| byte - b'0')?;
        let permuted = permuted(digit, at % 8)?;
        PRODUCT.get(usize::from(sum))?.get(usize::from(permuted)).copied()
    });
    sum == Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snomed_code_needs_its_check_digit() {
        for (code, right) in [
            ("10828004", true),
            ("260385009", true),
            ("260373001", true),
            ("260415000", true),
            ("260373002", false),
            ("260373010", false),
            ("26037300", false),
            ("POS", false),
            ("", false),
        ] {
            assert_eq!(CodeSystem::Snomed.can_be(code), right, "{code}");
        }
    }

    #[test]
    fn an_answer_of_loinc_is_no_loinc_number() {
        for (code, right) in
            [("LA6576-8", true), ("LA11882-0", true), ("2345-7", false), ("LA-8", false), ("LA6576", false)]
        {
            assert_eq!(CodeSystem::Loinc.can_be(code), right, "{code}");
        }
    }
}
