//! ADVIA Centaur XP: light units, cut-off and dose or index of one test as results of their own.

use super::draft::{Draft, Said};

/// Code, unit, lowest and highest dose, decimal places.
type Test = (&'static str, &'static str, u64, u64, usize);

const TESTS: [Test; 3] =
    [("VitD", "ng/mL", 500, 6000, 2), ("CEA", "ng/mL", 20, 900, 2), ("CA199", "U/mL", 200, 9000, 2)];

pub(super) fn write(draft: &mut Draft<'_>) {
    let now = draft.now;
    let patient = draft.patient();
    let syphilis = draft.chance.below(4) == 0;
    let (code, unit, low, high, places) = draft.chance.pick(&TESTS);
    let (code, unit) = if syphilis { ("SYPH", "Index") } else { (code, unit) };
    let (rack, position) = (draft.chance.between(14, 24), draft.chance.pick(&["A", "B", "C", "D", "E"]));
    draft.record(&format!("H|\\^&|||UIW_LIS|||||LIS_ID||P||{now}"));
    draft.record(&format!("P|1|{}||||||{}", patient.id, patient.sex));
    draft.record(&format!(
        "O|1|{}^{rack:04}^{position}||^^^{code}|R||||||||||Serum||||||||||F",
        draft.specimen
    ));
    let light = draft.number(1000, 800_000, 0);
    write_aspect(draft, code, "RLU", &light, "");
    write_aspect(draft, code, "COFF", "1.00", unit);
    if syphilis {
        let reactive = draft.is_odd();
        let (low, high, call) = if reactive { (110, 900, "R") } else { (5, 89, "NR") };
        let index = draft.number(low, high, 2);
        write_aspect(draft, code, "INDX", &index, unit);
        write_aspect(draft, code, "INTR", call, "");
    } else {
        let dose = draft.number(low, high, places);
        let dose = if draft.is_odd() { format!("<{dose}") } else { dose };
        write_aspect(draft, code, "DOSE", &dose, unit);
    }
    draft.record("L|1|N");
}

fn write_aspect(draft: &mut Draft<'_>, code: &str, aspect: &str, value: &str, unit: &str) {
    let (n, now) = (draft.sequence(), draft.now);
    draft.result(
        &format!("R|{n}|^^^{code}^^^1^{aspect}|{value}|{unit}||||F||||{now}|IRLSIM00001"),
        Said { code, aspect, value, unit, status: "F" },
    );
    if code == "SYPH" {
        draft.record("C|1|I|Below Check|I");
        draft.record("C|2|I|Final Result Ru|I");
    }
}
