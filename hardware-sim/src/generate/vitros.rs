//! VITROS 3600: replicates of one test, indices 950–952 beside it, all of it marked V.

use super::draft::{Draft, Said};

const ANALYZER: &str = "3600SIM";

pub(super) fn write(draft: &mut Draft<'_>) {
    let now = draft.now;
    let (assay, replicates) = match draft.chance.below(3) {
        0 => ("", 0),
        1 => ("001", 1),
        _ => ("002", draft.chance.between(1, 5)),
    };
    let ordered: Vec<String> = (0..replicates)
        .map(|_| assay)
        .chain(["950", "951", "952"])
        .map(|code| format!("{code}+1.0"))
        .collect();
    let (tray, position) = (draft.chance.between(1, 4), draft.chance.between(1, 10));
    draft.record(&format!("H|\\^&|||{ANALYZER}||||||||LIS2-A|{now}"));
    draft.record("P|1");
    draft.record(&format!(
        "O|1|{}^{tray}^{position}||^^^1.0000+{}|R||||||N||||5||||||||||F",
        draft.specimen,
        ordered.join("\\")
    ));
    for replicate in 0..replicates {
        write_assay(draft, assay, replicate);
    }
    for (code, low, high) in [("950", 20, 60), ("951", 2, 9), ("952", 30, 70)] {
        write_index(draft, code, low, high);
    }
    draft.record("L|1|N");
}

fn write_assay(draft: &mut Draft<'_>, code: &str, replicate: u64) {
    let (value, unit, flags) = match code {
        "001" => (draft.number(30, 900, 2), "mIU/L", "^1^\\^0^\\^0^\\^0^"),
        _ => (draft.number(600, 26_000, 2), "nmol/L", "^0^NQ\\^0^NR\\^0^NR\\^0^NR"),
    };
    let missing = draft.is_odd();
    let (value, unit) = if missing { ("No Result", "") } else { (value.as_str(), unit) };
    let flags = if missing { "^0^NR" } else { flags };
    let started = draft.now.earlier(1800 - 19 * replicate);
    let completed = draft.now.earlier(300 - 19 * replicate);
    let n = draft.sequence();
    draft.result(
        &format!("R|{n}|^^^1.0000+{code}+1.0|{value}|{unit}||{flags}||V|||{started}|{completed}|{ANALYZER}"),
        Said { code, aspect: "", value, unit, status: "V" },
    );
    if !missing {
        let (loaded, opened) = (draft.now.earlier(86_400), draft.now.earlier(90_000));
        let (expires, calibrated) = (draft.now.later(2_000_000), draft.now.earlier(400_000));
        draft.record(&format!(
            "M|1|X|0001^{expires}^{opened}^^^9999|{loaded}^N^{expires}|0002^{calibrated}^{expires}||N"
        ));
    }
}

fn write_index(draft: &mut Draft<'_>, code: &str, low: u64, high: u64) {
    let (value, flags) = match (draft.is_odd(), draft.chance.below(4)) {
        (true, _) => ("No Result".to_owned(), "^0^NR"),
        (false, 0) => (format!("<{low}"), "^5^"),
        (false, _) => (draft.number(low, high, 0), "^0^NQ"),
    };
    let (started, completed) = (draft.now.earlier(1000), draft.now.earlier(983));
    let n = draft.sequence();
    draft.result(
        &format!("R|{n}|^^^1.0000+{code}+1.0|{value}|||{flags}||V|||{started}|{completed}|{ANALYZER}"),
        Said { code, aspect: "", value: &value, unit: "", status: "V" },
    );
}
