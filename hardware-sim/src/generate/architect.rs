//! ARCHITECT: final value, interpretation and light units of one test; `L|1` without a code; status R on all.

use super::draft::{Draft, Said};

/// Code, name, unit, whether it is interpreted, lowest and highest value, decimal places, the value above
/// which it reads `> …`, the value from which it is reactive (both scaled like the value).
struct Test {
    code: &'static str,
    name: &'static str,
    unit: &'static str,
    interpreted: bool,
    values: (u64, u64, usize),
    limit: u64,
    reactive_from: u64,
}

const TESTS: [Test; 5] = [
    Test {
        code: "133",
        name: "Anti-HBs 3",
        unit: "mIU/mL",
        interpreted: false,
        values: (0, 90_000, 2),
        limit: 100_000,
        reactive_from: 1000,
    },
    Test {
        code: "281",
        name: "HBcAb-IgM",
        unit: "S/CO",
        interpreted: true,
        values: (3, 250, 2),
        limit: 3000,
        reactive_from: 100,
    },
    Test {
        code: "380",
        name: "SyphilisTP",
        unit: "S/CO",
        interpreted: true,
        values: (3, 250, 2),
        limit: 4500,
        reactive_from: 100,
    },
    Test {
        code: "531",
        name: "CMV IgG",
        unit: "AU/mL",
        interpreted: true,
        values: (1, 2400, 1),
        limit: 2500,
        reactive_from: 60,
    },
    Test {
        code: "541",
        name: "CMV IgM",
        unit: "Index",
        interpreted: true,
        values: (3, 250, 2),
        limit: 2000,
        reactive_from: 100,
    },
];

pub(super) fn write(draft: &mut Draft<'_>) {
    let now = draft.now;
    let patient = draft.patient();
    let chosen = draft.chance.below(TESTS.len() as u64) as usize;
    let Some(test) = TESTS.get(chosen) else { return };
    let (specimen, lot) = (draft.specimen.clone(), format!("00000SIM^{:05}", draft.chance.below(100_000)));
    let (rack, position) = (draft.chance.between(100, 599), draft.chance.between(1, 5));
    let identity = format!("^^^{}^{}^UNDILUTED^P", test.code, test.name);
    draft.record(&format!("H|\\^&|||ARCHITECT^9.45^FSIM0000001^H1P1O1R1C1Q1L1|||||||P|1|{now}"));
    draft.record(&format!(
        "P|1|{}|||{}^{}||{}|{}",
        patient.id, patient.family, patient.given, patient.birth_date, patient.sex
    ));
    draft.record(&format!("O|1|{specimen}|{specimen}^W{rack}^{position}|{identity}|R||||||||||||||||||||F"));
    let (low, high, places) = test.values;
    let scaled = if draft.is_odd() { test.limit + 1 } else { draft.chance.between(low, high) };
    let (value, flag) = match scaled > test.limit {
        true => (format!("> {}", super::draft::decimal(test.limit, places)), ">"),
        false => (super::draft::decimal(scaled, places), ""),
    };
    write_aspect(draft, test, &format!("{identity}^{lot}^^F"), "F", &value, test.unit, flag);
    if test.interpreted {
        let call = if scaled >= test.reactive_from { "Reactive" } else { "Nonreactive" };
        write_aspect(draft, test, &format!("{identity}^{lot}^^I"), "I", call, "", "");
    }
    let light = draft.number(100, 300_000, 0);
    write_aspect(draft, test, &format!("{identity}^{lot}^^P"), "P", &light, "RLU", "");
    draft.record("L|1");
}

fn write_aspect(
    draft: &mut Draft<'_>,
    test: &Test,
    identity: &str,
    aspect: &str,
    value: &str,
    unit: &str,
    flag: &str,
) {
    let (n, completed) = (draft.sequence(), draft.now.earlier(120));
    draft.result(
        &format!("R|{n}|{identity}|{value}|{unit}||{flag}||R||ADMIN^ADMIN||{completed}|i1SRSIM01"),
        Said { code: test.code, aspect, value, unit, status: "R" },
    );
}
