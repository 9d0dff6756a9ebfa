//! Yumizen H500: a blood count with histograms and a matrix that take several frames, W where in doubt.

use super::draft::{Draft, Said, decimal};

/// Code, LOINC (empty where none is sent), unit, range from and to, decimal places.
type Test = (&'static str, &'static str, &'static str, u64, u64, usize);

const TESTS: [Test; 27] = [
    ("PCT", "51637-7", "%", 15, 40, 2),
    ("NEU#", "751-8", "10E3/uL", 160, 700, 2),
    ("MCV", "787-2", "um3", 760, 1000, 1),
    ("P-LCR", "48386-7", "%", 180, 500, 1),
    ("NEU%", "770-8", "%", 400, 730, 1),
    ("RDW-CV", "788-0", "%", 110, 170, 1),
    ("MPV", "32623-1", "um3", 80, 110, 1),
    ("RBC", "789-8", "10E6/uL", 380, 600, 2),
    ("P-LCC", "", "10E3/uL", 44, 140, 0),
    ("MON#", "742-7", "10E3/uL", 20, 80, 2),
    ("WBC", "6690-2", "10E3/uL", 350, 1000, 2),
    ("PLT", "777-3", "10E3/uL", 150, 400, 0),
    ("LIC%", "55433-7", "%", 0, 10, 1),
    ("MON%", "5905-5", "%", 40, 120, 1),
    ("LIC#", "55432-9", "10E3/uL", 0, 10, 2),
    ("LYM#", "731-0", "10E3/uL", 100, 300, 2),
    ("PDW", "51631-0", "um3", 110, 220, 1),
    ("HGB", "718-7", "g/dL", 115, 170, 1),
    ("LYM%", "736-9", "%", 150, 450, 1),
    ("RDW-SD", "21000-5", "um3", 370, 490, 1),
    ("BAS%", "706-2", "%", 0, 20, 1),
    ("BAS#", "704-7", "10E3/uL", 0, 15, 2),
    ("MCH", "785-6", "pg", 270, 340, 1),
    ("MCHC", "786-4", "g/dL", 320, 350, 1),
    ("HCT", "4544-3", "%", 350, 520, 1),
    ("EOS#", "711-2", "10E3/uL", 0, 50, 2),
    ("EOS%", "713-8", "%", 5, 70, 1),
];

/// Measured well even in a sample whose other results are in doubt.
const NEVER_IN_DOUBT: [&str; 7] = ["MCV", "RDW-CV", "RBC", "HGB", "RDW-SD", "MCHC", "HCT"];

pub(super) fn write(draft: &mut Draft<'_>) {
    let now = draft.now;
    let completed = now.earlier(draft.chance.between(60, 600));
    let in_doubt = draft.is_odd();
    let patient = draft.patient();
    draft.record(&format!("H|\\^&|||H500^SIMYOXH00001^2.2.0.5|||||||P|LIS2-A2|{now}"));
    draft.record(&format!("P|1||||{}^{}{}", patient.family, patient.given, "|".repeat(30)));
    draft.record(&format!("O|1|{}||^^^DIF|R|{completed}|||||||||BLOOD||||||||||F|||||", draft.specimen));
    if in_doubt {
        draft.record("C|1|I|NON_COMPLIANT_DATA^WBC^LL_OR_LL1_INTERFERE\\SUSPECTED_PATHOLOGY^^ANEMIA|I");
    }
    write_attachments(draft);
    for test in TESTS {
        let (code, loinc, unit, low, high, places) = test;
        let scaled = draft.chance.between(low - low / 10, high + high / 10);
        let flag = match scaled {
            scaled if scaled < low => "L",
            scaled if scaled > high => "H",
            _ => "N",
        };
        let value = decimal(scaled, places);
        let status = if in_doubt && !NEVER_IN_DOUBT.contains(&code) { "W" } else { "F" };
        let code_field = if loinc.is_empty() { code.to_owned() } else { format!("{code}^{loinc}") };
        let range = format!("{} - {}^REFERENCE_RANGE", decimal(low, places), decimal(high, places));
        let n = draft.sequence();
        draft.result(
            &format!(
                "R|{n}|^^^{code_field}|{value}|{unit}|{range}|{flag}||{status}||PATHO^^USER|{completed}||"
            ),
            Said { code, aspect: "", value: &value, unit, status },
        );
    }
    draft.record("L|1|N");
}

const ENCODING: &str = "FLOATLE-stream/deflate:base64";

fn write_attachments(draft: &mut Draft<'_>) {
    for (n, name) in [(1, "RbcAlongRes"), (2, "PltAlongRes")] {
        let (scale, curve) = (base64_like(draft, 20, 36), base64_like(draft, 1300, 1500));
        draft.record(&format!("M|{n}|HISTOGRAM|RBC/PLT|{name}|{ENCODING}^{scale}|{ENCODING}^{curve}"));
    }
    let matrix = base64_like(draft, 3000, 5000);
    draft.record(&format!("M|3|MATRIX|LMNE|LMNEResAbs|{ENCODING}^{matrix}"));
    let (opened, expires) = (draft.now.earlier(900_000), draft.now.later(6_000_000));
    draft.record(&format!(
        "M|4|REAGENT|CLEANER\\DILUENT\\LYSE|SIM01^{opened}^{expires}\\SIM02^{opened}^{expires}"
    ));
}

/// Text that looks like base64 and means nothing.
fn base64_like(draft: &mut Draft<'_>, shortest: u64, longest: u64) -> String {
    const DIGITS: &[char] = &[
        'A', 'D', 'F', 'H', 'J', 'M', 'P', 'R', 'T', 'W', 'Z', 'a', 'c', 'e', 'g', 'k', 'm', 'q', 's', 'v',
        'x', 'z', '0', '2', '3', '5', '7', '8', '9', '+', '/',
    ];
    let length = draft.chance.between(shortest / 4, longest / 4) * 4 - 1;
    (0..length).map(|_| draft.chance.pick(DIGITS)).chain(['=']).collect()
}
