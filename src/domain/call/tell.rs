//! What must be told, and whether it is what was told. Numbers are compared exactly: 2.50 is 2.5.

use labwire_units::Exact;

use crate::domain::{Comparator, Observation, UnitSource, Value, Words, words};

/// What the person who takes a call must hear.
#[derive(Clone, PartialEq, Eq)]
pub enum Tell {
    Value {
        /// In the unit that is reported, where that isn't the one that was sent.
        reported: Option<Said>,
        sent: Said,
        /// The unit of what was sent is declared.
        unit_source: UnitSource,
        /// It couldn't be put into the unit that is reported: its number alone says nothing.
        unconverted: bool,
        /// The flags `<` and `>`, where the value doesn't have that sign itself. Most analyzers say by them that it is off the scale; what
        /// this one says by them stands in its profile, which may be another one by now: they are told as sent.
        flagged: Vec<Comparator>,
    },
    /// That the value told before was rejected.
    Withdrawn,
}

/// A value in words, with its unit.
#[derive(Clone, PartialEq, Eq)]
pub struct Said {
    text: String,
    unit: String,
}

/// Whether what was told is known to differ from what is in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Differing {
    /// Then it is refused: it may be a slip of the keyboard.
    Refused,
    /// It was told so.
    Told,
}

const WITHDRAWN: &str = "withdrawn";

impl Tell {
    pub fn of(observation: &Observation) -> Tell {
        let sign = observation.value.comparator();
        let comparator = sign.map_or("", Comparator::as_str);
        let is_beside = |flag: &Comparator| {
            sign != Some(*flag) && observation.flags.iter().any(|it| it.trim() == flag.as_str())
        };
        let flagged = [Comparator::Less, Comparator::Greater].into_iter().filter(is_beside).collect();
        let text = match &observation.value {
            Value::Quantity { number, .. } => format!("{comparator}{number}"),
            Value::Code { .. } | Value::Text(_) | Value::Absent { .. } => {
                observation.value_as_sent.trim().to_owned()
            }
        };
        let reported = observation
            .reported()
            .map(|it| Said { text: format!("{comparator}{}", it.number), unit: it.unit.clone() });
        let sent = Said { text, unit: observation.unit.clone().unwrap_or_default().trim().to_owned() };
        let unit_source = observation.unit_source;
        let unconverted = observation.not_converted().is_some();
        Tell::Value { reported: reported.filter(|it| *it != sent), sent, unit_source, unconverted, flagged }
    }

    /// Whether this is what was told. Without a unit it is in the one that is reported, where it has one. A flag may have been told as a sign.
    pub fn agrees(&self, called: &str) -> bool {
        match self {
            Tell::Withdrawn => called.trim().eq_ignore_ascii_case(WITHDRAWN),
            Tell::Value { reported: None, sent, unconverted, flagged, .. } => {
                let needs_unit = *unconverted && !sent.unit.is_empty();
                sent.is(called, if needs_unit { NeedsUnit::Yes } else { NeedsUnit::No }, flagged)
            }
            Tell::Value { reported: Some(reported), sent, flagged, .. } => {
                reported.is(called, NeedsUnit::No, flagged) || sent.is(called, NeedsUnit::Yes, flagged)
            }
        }
    }

    /// As the person who calls reads it.
    pub fn words(&self) -> Words {
        let Tell::Value { reported, sent, unit_source, flagged, .. } = self else {
            return Words::fixed(WITHDRAWN);
        };
        let value = match (reported, unit_source) {
            (None, _) => sent.words().into(),
            (Some(reported), UnitSource::Declared) => {
                let (reported, text, unit) = (reported.words(), &sent.text, &sent.unit);
                words!("{reported} (as sent: {text}; its unit is declared as {unit})", reported, text, unit)
            }
            (Some(reported), UnitSource::Sent) => {
                words!("{reported} (as sent: {sent})", reported = reported.words(), sent = sent.words())
            }
        };
        let flags: Vec<&str> = flagged.iter().map(|flag| flag.as_str()).collect();
        if flags.is_empty() {
            value
        } else {
            words!("{value}, flagged {flags}", value, flags = flags.join(", "))
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum NeedsUnit {
    Yes,
    No,
}

impl Said {
    fn words(&self) -> String {
        [self.text.as_str(), &self.unit].join(" ").trim_end().to_owned()
    }

    fn is(&self, called: &str, needs_unit: NeedsUnit, flagged: &[Comparator]) -> bool {
        let called = called.trim();
        let value = match called.strip_suffix(self.unit.as_str()) {
            Some(value) if !self.unit.is_empty() => value,
            _ if needs_unit == NeedsUnit::Yes => return false,
            _ => called,
        };
        match (number(&self.text), number(value)) {
            (Some((sign, ours)), Some((told, theirs))) => {
                let by_flag = sign.is_none() && told.is_some_and(|told| flagged.contains(&told));
                ours == theirs && (sign == told || by_flag)
            }
            (None, None) => self.text.eq_ignore_ascii_case(value.trim()),
            _ => false,
        }
    }
}

fn number(text: &str) -> Option<(Option<Comparator>, Exact)> {
    let (comparator, rest) = Comparator::split(text);
    let rest = rest.trim();
    let plain = rest.bytes().all(|byte| byte.is_ascii_digit() || b".,-".contains(&byte));
    // Half of the world writes 6.9 as 6,9. With three digits behind it, it may as well stand between thousands.
    let written = match rest.split_once(',') {
        Some((whole, decimals)) if decimals.len() != 3 => format!("{whole}.{decimals}"),
        _ => rest.to_owned(),
    };
    Some((comparator, Exact::parse(&written).filter(|_| plain)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, unit: &str) -> Said {
        Said { text: text.to_owned(), unit: unit.to_owned() }
    }

    fn told(reported: Option<Said>, sent: Said) -> Tell {
        let unit_source = UnitSource::Sent;
        Tell::Value { reported, sent, unit_source, unconverted: false, flagged: Vec::new() }
    }

    #[test]
    fn a_number_whose_unit_could_not_be_read_is_told_with_it() {
        let tell = |unit: &str| Tell::Value {
            reported: None,
            sent: said("27", unit),
            unit_source: UnitSource::Sent,
            unconverted: true,
            flagged: Vec::new(),
        };
        assert!(
            !tell("mgdl").agrees("27") && !tell("mgdl").agrees("27 mg/dL") && tell("mgdl").agrees("27 mgdl")
        );
        assert!(tell("").agrees("27"), "there is none to tell");
    }

    #[test]
    fn a_number_is_compared_as_a_number_and_in_its_unit() {
        let plain = told(None, said("2.50", "mmol/L"));
        let converted = told(Some(said("2.5", "mmol/L")), said("45", "mg/dL"));
        let off_scale = told(None, said("<1.5", "mmol/L"));
        let text = told(None, said("POSITIVE", ""));
        for (tell, called, expected) in [
            (&plain, "2.5 mmol/L", true),
            (&plain, "2.50", true),
            (&plain, " 2.5mmol/L ", true),
            (&plain, "2.8", false),
            (&plain, "2,5", true),
            (&plain, "2,50 mmol/L", true),
            (&plain, "2,500", false),
            (&plain, "2,5,0", false),
            (&plain, "2.5,0", false),
            (&plain, "<2.5", false),
            (&plain, "2.5 mg/dL", false),
            (&plain, "", false),
            (&plain, "1/2", false),
            (&converted, "2.5", true),
            (&converted, "45 mg/dL", true),
            (&converted, "45", false),
            (&converted, "45 mmol/L", false),
            (&off_scale, "< 1.5", true),
            (&off_scale, "1.5", false),
            (&text, "positive", true),
            (&text, "negative", false),
            (&Tell::Withdrawn, "Withdrawn", true),
            (&Tell::Withdrawn, "2.5", false),
        ] {
            assert_eq!(tell.agrees(called), expected, "{} and {called:?}", tell.words().english());
        }
    }

    #[test]
    fn a_flag_may_be_told_as_a_sign_and_no_other_sign_may() {
        let sent = said("500", "mg/dL");
        let flagged = |sent: Said, flag| Tell::Value {
            reported: None,
            sent,
            unit_source: UnitSource::Sent,
            unconverted: false,
            flagged: vec![flag],
        };
        let above = flagged(sent, Comparator::Greater);
        for (called, agrees) in
            [("500", true), (">500 mg/dL", true), ("<500", false), (">=500", false), (">501", false)]
        {
            assert_eq!(above.agrees(called), agrees, "{called}");
        }
        let opposed = flagged(said(">500", "mg/dL"), Comparator::Less);
        for (called, agrees) in [(">500", true), ("<500", false), ("500", false)] {
            assert_eq!(opposed.agrees(called), agrees, "{called}");
        }
    }
}
