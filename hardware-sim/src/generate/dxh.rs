//! UniCel DxH: a blood count with delimiters `\!~`, whose flags stand inside the value field.

use super::draft::{Draft, Said, decimal};

/// Code, LOINC (empty where none is sent), unit, range from and to (0 and 0: none), decimal places.
type Test = (&'static str, &'static str, &'static str, u64, u64, usize);

const TESTS: [Test; 28] = [
    ("WBC", "33256-9", "10^9/L", 38, 118, 1),
    ("UWBC", "6690-2", "10^9/L", 0, 0, 1),
    ("RBC", "789-8", "10^12/L", 363, 492, 2),
    ("HGB", "718-7", "g/L", 109, 143, 0),
    ("HCT", "4544-3", "%", 312, 419, 1),
    ("MCV", "787-2", "fL", 755, 953, 1),
    ("MCH", "785-6", "pg", 247, 328, 1),
    ("MCHC", "786-4", "g/dL", 323, 356, 1),
    ("RDW", "788-0", "%", 123, 177, 1),
    ("RDW-SD", "21000-5", "fL", 376, 503, 1),
    ("PLT", "777-3", "10^9/L", 179, 408, 0),
    ("MPV", "32623-1", "fL", 79, 108, 1),
    ("@PCT", "", "%", 0, 0, 3),
    ("@PDW", "32207-3", "", 0, 0, 1),
    ("NE", "770-8", "%", 427, 768, 1),
    ("LY", "736-9", "%", 160, 459, 1),
    ("MO", "5905-5", "%", 43, 109, 1),
    ("EO", "713-8", "%", 5, 70, 1),
    ("BA", "706-2", "%", 2, 13, 1),
    ("NE#", "751-8", "10^9/L", 19, 82, 1),
    ("LY#", "731-0", "10^9/L", 11, 31, 1),
    ("MO#", "742-7", "10^9/L", 2, 9, 1),
    ("EO#", "711-2", "10^9/L", 0, 5, 1),
    ("BA#", "704-7", "10^9/L", 0, 1, 1),
    ("NRBC", "34200-6", "/100WBC", 0, 3, 1),
    ("NRBC#", "771-6", "10^9/L", 0, 2, 2),
    ("@EGC", "", "%", 0, 0, 1),
    ("@EGC#", "", "10^9/L", 0, 0, 1),
];

pub(super) fn write(draft: &mut Draft<'_>) {
    let now = draft.now;
    let (received, measured) = (now.earlier(126), now.earlier(15));
    let patient = draft.patient();
    let age = 2026 - patient.birth_year;
    let running = draft.chance.below(100_000);
    draft.record(&format!("H|\\!~|||DxH|||||LIS||P|LIS2-A|{now}"));
    draft.record(&format!("P|1||{}||||{}!{age}!Y|{}", patient.id, patient.birth_date, patient.sex));
    draft.record(&format!(
        "O|1|{}|{running:05}|!!!CD|R|||||||||{received}|Whole blood|||||!SYSTEM||{}|||F",
        draft.specimen,
        now.earlier(3)
    ));
    draft.record(
        "C|1|I|Test names beginning with @ are research use only. Not for use in diagnostics procedures.|G",
    );
    for test in TESTS {
        let (code, loinc, unit, low, high, places) = test;
        let (range, value, flag) = draw(draft, low, high, places);
        let code_field = if loinc.is_empty() { code.to_owned() } else { format!("{code}!{loinc}") };
        let n = draft.sequence();
        draft.result(
            &format!("R|{n}|!!!{code_field}|{value}|{unit}||{range}|{flag}||F||SYSTEM||{measured}|SIM0001"),
            Said { code, aspect: "", value: &value, unit, status: "F" },
        );
    }
    draft.record("L|1|N");
}

/// Range, value with its flag, and abnormal flag, as sent.
fn draw(draft: &mut Draft<'_>, low: u64, high: u64, places: usize) -> (String, String, &'static str) {
    if (low, high) == (0, 0) {
        return (String::new(), draft.number(0, 150, places), "");
    }
    let range = format!("{} to {}", decimal(low, places), decimal(high, places));
    match (draft.is_odd(), draft.chance.below(2)) {
        (true, 0) if low > 0 => (range, format!("{}!  L ", draft.number(low / 2, low - 1, places)), "A"),
        (true, _) => (range, format!("{}!  H ", draft.number(high + 1, high * 2, places)), "A"),
        (false, _) => (range, draft.number(low, high, places), ""),
    }
}
