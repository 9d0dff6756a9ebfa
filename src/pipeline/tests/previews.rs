//! What is shown of a transmission that was cut.

use super::*;
use crate::pipeline::preview;

/// Each specimen with its results, and `…` where a record was cut.
fn seen(content: &str) -> Vec<String> {
    let preview = preview(content.as_bytes(), &reading(profile()));
    let tube = |tube: &crate::pipeline::Tube| {
        let results = tube
            .results
            .iter()
            .map(|it| format!(" {}={}{}", it.test.code, it.value, it.unit.as_deref().unwrap_or_default()));
        format!("{}:{}", tube.specimen.reveal(), results.collect::<String>())
    };
    let mut seen: Vec<String> = preview.specimens.iter().map(tube).collect();
    seen.extend(preview.unfinished.then(|| "…".to_owned()));
    seen
}

#[test]
fn whole_records_are_shown_and_half_a_value_is_not() {
    for (content, expected) in [
        ("", vec![]),
        ("H|\\^&|||Sim\r", vec![]),
        ("H|\\^&|||Sim\rP|1\rO|1| S1 |||R\r", vec!["S1:"]),
        ("H|\\^&|||Sim\rP|1\rO|1|S1|||R\rR|1|^^^K|4.1|mmol/L\r", vec!["S1: K=4.1mmol/L"]),
        ("H|\\^&|||Sim\rP|1\rO|1|S1|||R\rR|1|^^^K|14", vec!["S1:", "…"]),
        ("H|\\^&|||Sim\rP|1\rO|1|S1|||R\rR|1|^^^NOVEL|7\r", vec!["S1: NOVEL=7"]),
        (
            "H|\\^&|||Sim\rP|1\rO|1|S1\rR|1|^^^K|4.1\rO|2|S2\rO|3|S1\rR|1|^^^HGB|8\r",
            vec!["S1: K=4.1 HGB=8", "S2:"],
        ),
        ("H|\\^&|||Sim\rR|1|^^^K|4.1\r", vec![": K=4.1"]),
        ("O|1|S", vec!["…"]),
    ] {
        assert_eq!(seen(content), expected, "{content:?}");
    }
}

#[test]
fn a_cut_at_any_byte_shows_nothing_that_was_not_sent_whole() {
    let whole = "H|\\^&|||Sim\rP|1\rO|1|S1|||R\rR|1|^^^K|4.15|mmol/L\rO|2|S23\rR|1|^^^HGB|18.7|g/dL\rL|1|N\r";
    let all = seen(whole);
    for end in 0..whole.len() {
        for tube in seen(whole.get(..end).unwrap()).iter().filter(|tube| *tube != "…") {
            assert!(all.iter().any(|it| it.starts_with(tube.as_str())), "{tube} at {end}");
        }
    }
}
