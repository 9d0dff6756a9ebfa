//! Erba XL: one result a message, `` ` `` as repeat delimiter, no sender name, an instrument comment.

use super::draft::{Draft, Said};

/// Code, unit, lowest, highest, decimal places.
type Test = (&'static str, &'static str, u64, u64, usize);

const TESTS: [Test; 9] = [
    ("GLCC", "mg/dl", 60, 520, 0),
    ("CRR", "mg/dl", 4, 60, 1),
    ("ALTT", "U/L", 8, 240, 0),
    ("CHOO", "mg/dl", 100, 320, 0),
    ("DBILL", "mg/dl", 0, 20, 1),
    ("TBILL", "mg/dl", 1, 60, 1),
    ("TGG", "mg/dl", 40, 400, 0),
    ("ALBB", "g/dl", 20, 55, 1),
    ("TPP", "g/dl", 45, 90, 1),
];

pub(super) fn write(draft: &mut Draft<'_>) {
    let now = draft.now;
    let patient = draft.patient();
    let (code, unit, low, high, places) = draft.chance.pick(&TESTS);
    let number = draft.number(low, high, places);
    let (code, value, unit, range) = match draft.is_odd() {
        true => ("CKK", "NA", "mg/dl", ""),
        false => (code, number.as_str(), unit, "^DEFAULT"),
    };
    let completed = now.earlier(draft.chance.between(1, 10));
    draft.record(&format!("H|`^&||||||||||P|E 1394-97|{now}"));
    draft.record(&format!("P|1|||||||{}||||||||0|0", patient.sex));
    draft.record(&format!("O|1|{}||^^^{code}|||||||||||SERUM", draft.specimen));
    draft.result(
        &format!("R|1|^^^{code}|{value}|{unit}|{range}|A|N|F||||{completed}"),
        Said { code, aspect: "", value, unit, status: "F" },
    );
    draft.record("C|1|I|Instrument Flag A");
    draft.record("L|1|N");
}
