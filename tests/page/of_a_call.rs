//! What the page says of a critical call, and of a held result, to whoever must judge it: what was measured, and what is known beside.

use super::accessible::{CALLED, CRITICAL, critical_potassium};
use super::laboratory::Laboratory;
use super::over_http::between;
use labwire::config::settings::Language;

#[tokio::test(flavor = "multi_thread")]
async fn a_critical_call_names_its_analyte_and_singles_out_what_verifies_it() {
    let files = [("rules.d/own.toml", CRITICAL.as_bytes())];
    let laboratory = Laboratory::start("127.0.0.1", CALLED, &files, Language::English).await;
    laboratory.sign_rules().await;
    critical_potassium(&laboratory).await;
    let bench = laboratory.fetch("/").await.body;
    assert!(bench.contains("Potassium 6.8 mmol/L <small>002</small>"), "{bench}");

    let call = laboratory.fetch("/call/1").await.body;
    assert!(call.contains("<h1>Potassium 6.8 mmol/L <small>002</small>"), "{call}");
    let verifies = between(&call, "<section class=\"verifies\"", "</section>");
    let says = |what: &str| between(verifies, &format!("<dt>{what}</dt><dd>"), "</dd>").to_owned();
    assert!(says("Index of haemolysis").starts_with("HEM 12"), "{verifies}");
    assert!(says("Calcium").starts_with("003 2.31 mmol/L"), "{verifies}");
    assert!(says("Previous").starts_with("4.2 mmol/L, "), "{verifies}");
    assert!(says("Rerun").ends_with("not measured again</span>"), "{verifies}");
    assert!(!verifies.contains("<dt>Beside</dt>"), "what was singled out stands there once: {verifies}");
    let known = between(&call, "<dl>", "</dl>");
    assert!(known.contains("ward 3, 4711") && known.contains("<dt>Is it in the LIMS</dt>"), "{known}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_verifies_a_call_is_named_where_it_was_not_measured() {
    let files = [("rules.d/own.toml", CRITICAL.as_bytes())];
    let laboratory = Laboratory::start("127.0.0.1", CALLED, &files, Language::English).await;
    laboratory.sign_rules().await;
    laboratory.send_of_patient("24-000021", 30, &[("002", "6.8", "mmol/L")]).await;
    while !laboratory.fetch("/").await.body.contains("Potassium 6.8") {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let call = laboratory.fetch("/call/1").await.body;
    let verifies = between(&call, "<section class=\"verifies\"", "</section>");
    for (what, without) in [
        ("Index of haemolysis", "not measured"),
        ("Calcium", "not measured"),
        ("Previous", "none known"),
        ("Rerun", "not measured again"),
    ] {
        let says = between(verifies, &format!("<dt>{what}</dt><dd>"), "</dd>");
        assert!(says.ends_with(&format!("{without}</span>")), "{what}: {says}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_held_results_says_whose_each_is_by_what_rule_and_what_was_measured_before() {
    const HELD: &str = "[[delta]]\nname = \"potassium-delta\"\nanalyte = \"potassium\"\nunit = \"mmol/L\"\nmethod = \"absolute\"\n\
        rise = \"> 1\"\nwindow = \"72 h\"\nsource = \"a test\"\n";
    let rules = format!("{CRITICAL}{HELD}");
    let files = [("rules.d/own.toml", rules.as_bytes())];
    let mut laboratory = Laboratory::start("127.0.0.1", CALLED, &files, Language::English).await;
    laboratory.sign_rules().await;
    laboratory.restart_holding().await;
    critical_potassium(&laboratory).await;
    laboratory.until("/waiting/held", 1).await;
    for path in ["/held", "/held/several"] {
        let list = laboratory.fetch(path).await.body;
        let row = between(&list, "<tbody>", "</tbody>");
        for known in [
            "Name Example^Ada · Birth date 19610412 · Number 4711",
            "by potassium-delta; limits ",
            "Previous: 4.2 mmol/L, ",
            "href=\"/call/1\"",
        ] {
            assert!(row.contains(known), "{path} lacks {known}: {row}");
        }
        assert!(!row.contains("by haemolysis"), "a rule that doesn't hold it is on its own page: {row}");
    }
}
