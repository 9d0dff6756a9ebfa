//! A unit, in a field whose components are a code, its text and its coding system. Some analyzers write `10^9/L` there and
//! don't escape the mark between components: what is a power is one unit, as it stands. What is neither is never cut.

use labwire_hl7::message::Segment;

use super::{Reader, some, whole_field};
use crate::domain::profile::Hl7Location;

/// The unit at the first place that holds one, and why it can't be read, if it can't: then it is the whole field.
pub(super) fn read<'m>(
    reader: &mut Reader<'_, 'm>,
    obx: &Segment<'m>,
    scope: usize,
    places: &[Hl7Location],
) -> (Option<String>, Option<String>) {
    for at in places {
        let Some(segment) = reader.scopes.find(&at.path, Some(obx), scope) else { continue };
        let field = segment.field(at.path.field);
        let field = at.path.repeat.map_or(field, |number| field.repeat(number));
        let said: Vec<_> = field.repeats().filter(|repeat| !repeat.is_empty() && !repeat.is_null()).collect();
        let components: Vec<String> =
            field.components().map(|component| reader.decoder.trimmed(&segment, component)).collect();
        let sense = match said.len() {
            0 | 1 => match sense(&components) {
                // With another mark between components it is none.
                Sense::Power if field.separators().component != Some(b'^') => Sense::Unclear,
                sense => sense,
            },
            _ => Sense::Several,
        };
        let (unit, unread) = match sense {
            Sense::Coded => (reader.trimmed(&[*at], Some(obx), scope), None),
            Sense::Power => (components.join("^"), None),
            Sense::Several => (reader.decoder.as_sent(&segment, field.raw()), Some("holds several units")),
            Sense::Unclear => {
                let why = "has parts that are neither a power nor a unit, its text and its coding system";
                (reader.decoder.as_sent(&segment, field.raw()), Some(why))
            }
        };
        // A text alone stands for its code.
        let unit = match (at.path.component, components.as_slice()) {
            (Some(1), [_, text, ..]) if unit.is_empty() => text.clone(),
            _ => unit,
        };
        if !unit.is_empty() {
            let place = whole_field(&at.path);
            return (some(unit), unread.map(|why| format!("{place} {why}")));
        }
    }
    (None, None)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    /// A code, perhaps with its text and its coding system.
    Coded,
    /// One unit, all of it.
    Power,
    Several,
    Unclear,
}

fn sense(components: &[String]) -> Sense {
    let filled = components.iter().rposition(|component| !component.is_empty()).map_or(0, |last| last + 1);
    let components = components.get(..filled).unwrap_or_default();
    let is_power = |pair: &[String]| matches!(pair, [base, exponent] if is_power(base, exponent));
    let powers = components.windows(2).filter(|pair| is_power(pair)).count();
    match powers {
        0 if is_coded(components) => Sense::Coded,
        0 => Sense::Unclear,
        _ if powers + 1 == components.len() => Sense::Power,
        _ => Sense::Unclear,
    }
}

/// Whether the mark between two components was meant as a power: of ten, or of a unit as in `mm^3`.
fn is_power(base: &str, exponent: &str) -> bool {
    let unsigned = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let ends =
        unsigned.get(digits..).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.', '*', ')']));
    match ends_in_ten(base) {
        true => matches!(digits, 1 | 2),
        false => base.ends_with(char::is_alphabetic) && digits == 1 && ends,
    }
}

/// `10`, `x10`, `/10`, but not `110`.
fn ends_in_ten(text: &str) -> bool {
    let before = text.strip_suffix("10").map(|before| before.chars().next_back());
    before.is_some_and(|before| {
        before.is_none_or(|it| !it.is_alphanumeric() && it != '.' || matches!(it, 'x' | 'X'))
    })
}

/// Whether components that hold no power are a code, a text and a coding system.
fn is_coded(components: &[String]) -> bool {
    let (code, text, system) = match components {
        [] | [_] => return true,
        [code, text] => (code, text, ""),
        [code, text, system, ..] => (code, text, system.as_str()),
    };
    let is_number = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit());
    let begins_with_digit = text.trim_start_matches(['-', '+']).starts_with(|it: char| it.is_ascii_digit());
    match (text.is_empty(), system.is_empty()) {
        (true, _) => true,
        _ if ends_in_ten(code) => false,
        (false, false) => true,
        (false, true) => !is_number && (!begins_with_digit || text == code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_is_one_unit_and_what_else_stands_in_components_is_a_code_or_in_doubt() {
        for (field, expected) in [
            ("", Sense::Coded),
            ("mmol/L", Sense::Coded),
            ("mmol/L^millimole per litre^UCUM", Sense::Coded),
            ("mmol/L^millimole per litre", Sense::Coded),
            ("mmol/L^^UCUM", Sense::Coded),
            ("10*9/L^10*9/L^UCUM", Sense::Coded),
            ("10*9/L^10*9/L", Sense::Coded),
            ("10*3/uL^1000 per microlitre^UCUM", Sense::Coded),
            ("10*-1.{copies}/mL^^UCUM", Sense::Coded),
            ("d^day [time]^UCUM", Sense::Coded),
            ("ng/dL^^99ROC", Sense::Coded),
            ("^Log (Copies/mL)", Sense::Coded),
            ("264864^beat^MDC", Sense::Coded),
            ("10^9/L", Sense::Power),
            ("10^9/L^", Sense::Power),
            ("10^12/L", Sense::Power),
            ("10^3/mm3", Sense::Power),
            ("10^3/mm^3", Sense::Power),
            ("x10^3/uL", Sense::Power),
            ("/10^6 cells", Sense::Power),
            ("10^-3 g", Sense::Power),
            ("10^6", Sense::Power),
            ("mL/min/1.73m^2", Sense::Power),
            ("cells/mm^3", Sense::Power),
            ("g.m^-2", Sense::Power),
            ("10^9/L^UCUM", Sense::Unclear),
            ("10^9/L^10^9/L^UCUM", Sense::Unclear),
            ("10^cells", Sense::Unclear),
            ("10^cells^UCUM", Sense::Unclear),
            ("10^", Sense::Coded),
            ("1^9/L", Sense::Unclear),
            ("100^9/L", Sense::Unclear),
            ("%^2", Sense::Unclear),
            ("mg^25 of it", Sense::Unclear),
        ] {
            let components: Vec<String> = field.split('^').map(str::to_owned).collect();
            assert_eq!(sense(&components), expected, "{field:?}");
        }
    }
}
