//! What rules have said of a result and the journal keeps as it was said, in English: each check, what it found, and what it
//! had before it. Known again as other kept texts are, and only where a decision is shown: so short a text may be anything
//! elsewhere.

use super::kept::known_again;
use crate::domain::Words;
use crate::domain::clinic::{Check, Path};
use crate::journal::decisions::StoredDecision;
use crate::status::clock::Clock;

/// The texts beside the names of checks and of what they find. A test holds each against the source that says it.
pub(super) const RULED: &[&str] = &[
    "undecided: {what}",
    "not evaluated: {what}",
    "the value's comparator leaves it open",
    "it isn't known which rule is the patient's, and they don't agree: look now",
    "no rule is for such a patient and specimen",
    "it isn't known whether a rule is for this patient and specimen",
    "the value isn't in the reported unit: {what}",
    "the value is no number",
    "{analyte} wasn't measured of this specimen",
    "this specimen has several values of {analyte}, which don't agree",
    "no patient ID is known, so no earlier value",
    "there is no earlier value of this patient",
    "the LIMS hasn't told the patient's earlier values, and none is known here",
    "the latest earlier value is older than the rule's window",
    "the latest earlier value is of another instrument",
    "the earlier value is zero",
    "the earlier value has a comparator",
    "the earlier value isn't in the reported unit",
    "no patient can have the earlier value that was told: its unit may be another",
    "there are several earlier values of one moment, which don't agree",
    "the time of measurement isn't known beyond doubt",
    "there is nothing to compare with",
    "no acceptable run of controls vouches for it: {what}",
    "in the order in which they came",
    "it is too close to the limit to tell",
    "{analyte} was {what} at {at} on {instrument}",
    "{analyte} is {what}",
    "not in the reported unit",
    "{number}, which no patient has",
    "no number",
    "{number} (exactly {exact})",
    "{analyte} didn't change",
    "{analyte} can't be compared",
    "{analyte} changed",
    "{operator} {limit} %, the RCV of Z {z}, CVa {cva}, CVi {cvi}",
    "{operator} {rise} % or {fall} %, the log-normal RCV of Z {z}, CVa {cva}, CVi {cvi}",
];

/// Why a value stands in no reported unit.
pub(super) const UNCONVERTED: &[&str] = &[
    "what was sent may be a number, and isn't written as one",
    "words stand in the place of a number",
    "the dilution {sent} isn't understood, and the value isn't multiplied by it",
    "the value times its dilution has too many digits",
    "the converted number has too many digits",
    "the number has too many digits",
    "the analyzer sent no unit, and its [codes] declare none",
    "{unit} is no UCUM unit: {what}",
    "the table has no {symbol}",
    "it isn't written as UCUM writes units",
    "{from} and {to} don't measure the same",
    "{from} and {to} carry different annotations and may mean different things",
    "{from} and {to} are arbitrary: only within one analyte can one become the other",
    "from {from} to {to} needs the {fact}",
    "{analyte} isn't converted from {unit}; it allows {units}",
    "{unit} is undecided for {analyte}: {because}",
    "from {from} to {to} there is no exact factor",
];

/// What rules decided, in the page's language and by its clock. What the analyzer sent, such as its flags, stands as it was sent.
pub(in crate::status) fn ruled(decision: &StoredDecision, clock: &Clock) -> Words {
    let told = decision.told(&|text| known(text), &|text| match decision.check == Check::Flags.name() {
        true => text.into(),
        false => seen(text),
    });
    timed(told, clock)
}

/// Where a part of it is nothing but a moment, as this clock writes it.
fn timed(told: Words, clock: &Clock) -> Words {
    match told {
        Words::Text { english, parts } => {
            let parts = parts.into_iter().map(|(name, part)| (name, timed(part, clock)));
            Words::Text { english, parts: parts.collect() }
        }
        Words::Row(words, between) => {
            Words::Row(words.into_iter().map(|it| timed(it, clock)).collect(), between)
        }
        Words::Data(text) => match text.parse() {
            Ok(at) => clock.at(at).into(),
            Err(_) => Words::Data(text),
        },
        other => other,
    }
}

/// Why a value isn't converted.
pub(in crate::status) fn unconverted(text: &str) -> Words {
    of_a_unit(text).unwrap_or_else(|| text.into())
}

fn of_a_unit(text: &str) -> Option<Words> {
    UNCONVERTED.iter().find_map(|known| known_again(known, text, &unconverted))
}

/// A check's name or what it found.
fn known(text: &str) -> Words {
    let names = Check::ALL.iter().map(|(name, _)| *name).chain(Path::ALL.map(Path::name));
    names.into_iter().find(|name| *name == text).map_or_else(|| seen(text), Words::fixed)
}

/// What begins in its own words comes first, then what is said of a unit: `{analyte} is {what}` is like much else.
fn seen(text: &str) -> Words {
    let of = |begins_itself: bool| {
        let mut known = RULED.iter().filter(|known| known.starts_with('{') != begins_itself);
        known.find_map(|known| known_again(known, text, &seen))
    };
    of(true).or_else(|| of_a_unit(text)).or_else(|| of(false)).unwrap_or_else(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_said_in_the_page_s_language_and_what_was_sent_as_it_was_sent() {
        let decision = |check: &str, ruling: &str, inputs: &[&str]| StoredDecision {
            check: check.to_owned(),
            rules: vec!["potassium".to_owned()],
            ruling: ruling.to_owned(),
            inputs: inputs.iter().map(|it| (*it).to_owned()).collect(),
            thresholds: Vec::new(),
            holds: false,
            rounding_decides: false,
        };
        let loud = |english: &'static str| -> &'static str {
            match english {
                "critical" => "CRITICAL",
                "high" => "HIGH",
                "undecided: {what}" => "UNDECIDED: {what}",
                "the value isn't in the reported unit: {what}" => "ANOTHER UNIT: {what}",
                "the number has too many digits" => "TOO LONG",
                "{unit} is no UCUM unit: {what}" => "{unit} NO UNIT: {what}",
                "the table has no {symbol}" => "UNLISTED {symbol}",
                "{analyte} was {what} at {at} on {instrument}" => {
                    "{analyte} WAS {what} at {at} on {instrument}"
                }
                "{number}, which no patient has" => "{number}, ABSURD",
                "by {rules}" => "BY {rules}",
                "seen {seen}" => "SEEN {seen}",
                other => other,
            }
        };
        let clock = Clock::new(jiff::tz::TimeZone::UTC, jiff::Timestamp::UNIX_EPOCH);
        for (decision, expected) in [
            (decision("critical", "high", &[]), "CRITICAL: HIGH; BY potassium"),
            (
                decision(
                    "critical",
                    "undecided: the value isn't in the reported unit: the number has too many digits",
                    &[],
                ),
                "CRITICAL: UNDECIDED: ANOTHER UNIT: TOO LONG; BY potassium",
            ),
            (
                decision(
                    "critical",
                    "undecided: the value isn't in the reported unit: \"mIU/L\" is no UCUM unit: the table has no mIU",
                    &[],
                ),
                "CRITICAL: UNDECIDED: ANOTHER UNIT: \"mIU/L\" NO UNIT: UNLISTED mIU; BY potassium",
            ),
            (
                decision("delta", "clear", &["K was 99, which no patient has at 2026 on c311"]),
                "delta: clear; BY potassium; SEEN K WAS 99, ABSURD at 2026 on c311",
            ),
            (decision("flags", "found", &["high"]), "flags: found; BY potassium; SEEN high"),
        ] {
            assert_eq!(ruled(&decision, &clock).text(&loud), expected);
            assert_eq!(
                ruled(&decision, &clock).english(),
                decision.to_string(),
                "in English nothing changes"
            );
        }
        let vienna = jiff::tz::TimeZone::get("Europe/Vienna").unwrap();
        let clock = Clock::new(vienna, "2026-11-23T22:00:00Z".parse().unwrap());
        let timed = decision("delta", "clear", &["K was 5 at 2026-11-23T21:17:03Z on c311"]);
        assert_eq!(
            ruled(&timed, &clock).english(),
            "delta: clear; by potassium; seen K was 5 at 22:17:03 on c311"
        );
    }
}
