//! Results that were held because the configuration lacked something, read anew in the running gateway once it has it: what
//! they become can be looked at, a named person has it so, and rules judge them as if they had been read so at first.

use std::time::Duration;

use labwire::journal::DeliveryId;
use serde_json::Value;

use super::judging::{CODES, CRITICAL, decided_again, rules};
use super::page;
use super::support::*;

pub(crate) const ALIAS: &str = "[units]\nmgdl = \"mg/dL\"\n";
pub(crate) const TIME: &str = "20260102030405";

/// A glucose whose unit nobody has named.
pub(crate) fn unnamed(specimen: &str, value: &str) -> String {
    glucose(specimen, value, "F", TIME).replace("|mg/dl|", "|mgdl|")
}

pub(crate) fn have_it_so(lab: &Lab, more: &[&str]) -> String {
    let said = ["--yes", "--by", "Anna Example", "--reason", "mgdl is mg/dL on this analyzer"];
    lab.text(&[&["reevaluate"], more, &said].concat())
}

/// Everything that was sent, the last of each result.
fn sent(lab: &Lab) -> Vec<Value> {
    let payloads = (1..20).filter_map(|id| lab.reader().payload(DeliveryId(id)).unwrap());
    let results = payloads.flat_map(|sent| {
        let payload = serde_json::from_slice::<Value>(sent.reveal()).unwrap();
        payload["results"].as_array().unwrap().clone()
    });
    results.collect()
}

/// A gateway in which a unit is unknown, with these results held for it.
pub(crate) async fn with_an_unknown_unit(lab: &Lab, address: std::net::SocketAddr, values: &[(&str, &str)]) {
    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}", listener(address)));
    rules(lab, CRITICAL);
    let gateway = lab.start().await;
    lab.sign();
    for (specimen, value) in values {
        send(address, &unnamed(specimen, value)).await;
    }
    until("all wait for their unit", || lab.count("held") == i64::try_from(values.len()).unwrap()).await;
    assert!(gateway.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_is_named_later_releases_what_it_held_only_after_re_evaluation() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "release = \"hold-exceptions\"\n");
    let address = free_port();
    with_an_unknown_unit(&lab, address, &[("EX0001", "90.0"), ("EX0002", "30.0"), ("EX0003", "9000")]).await;
    let gateway = lab.start().await;
    send(address, &unnamed("EX0004", "80").replace("|mgdl|", "|gpl|")).await;
    until("another unit is unknown", || lab.count("held") == 4).await;
    let nothing_new = lab.text(&["reevaluate"]);
    assert!(nothing_new.contains("GLCC 90.0 mgdl, not converted:"), "{nothing_new}");
    assert!(nothing_new.ends_with("0 results would become another, 4 stay as they are. Nothing was changed: --yes --by NAME --reason WORDS does it.\n"), "{nothing_new}");
    assert!(have_it_so(&lab, &[]).contains("0 results were re-evaluated, 4 stay"));
    assert!(gateway.terminate().success());

    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}{ALIAS}", listener(address)));
    let gateway = lab.start().await;
    lab.text(&["reread", "1", "--reason", "the unit is named"]);
    until("the message was read again", || lab.reader().pending(1).unwrap().is_empty()).await;
    assert_eq!(lab.count("held"), 4, "reading a message again changes no result that is stored");
    let preview = lab.text(&["reevaluate"]);
    for told in [
        "1  EX0001 of erba: GLCC 90.0 mgdl, not converted:",
        "    becomes GLCC 90.0 mgdl, reported as 5.0 mmol/L by",
        "    leaves for lims, as a result\n",
        "    becomes GLCC 30.0 mgdl, reported as 1.7 mmol/L by",
        "    critical: low; by glucose",
        "    held: it is critical",
        "    held: no patient has such a value",
        "4  EX0004 of erba: GLCC 80 gpl, not converted:",
        "    stays: it comes out as it is, not converted:",
        "3 results would become another, 1 stay as they are. Nothing was changed",
    ] {
        assert!(preview.contains(told), "{told} in {preview}");
    }
    let shown = page::answer(lab.page, "/held/1").unwrap();
    assert!(
        shown.contains("By the present configuration") && shown.contains("reported as 5.0 mmol/L"),
        "{shown}"
    );
    assert!(shown.contains("It leaves for lims."), "{shown}");
    assert_eq!((lab.count("held"), lab.count("accepted")), (4, 0), "looking changes nothing");
    assert!(lab.run(&["reevaluate", "--yes"]).status.code() == Some(64), "nobody is named");
    let call =
        || lab.text(&["calls"]).lines().find(|it| it.contains("EX0002")).unwrap_or_default().to_owned();
    assert!(call().contains("may be critical"), "{}", lab.text(&["calls"]));

    let done = have_it_so(&lab, &["--instrument", "erba"]);
    assert!(done.ends_with("3 results were re-evaluated, 1 stay as they are.\n"), "{done}");
    until("the LIMS has what nothing holds", || lab.count("accepted") == 1).await;
    assert_eq!(lab.count("held"), 3, "critical, absurd and still unknown");
    let [result] = sent(&lab).try_into().unwrap();
    assert_eq!((&result["value"]["number"], &result["unit"]), (&"90.0".into(), &"mgdl".into()));
    assert_eq!(
        (&result["converted"]["number"], &result["converted"]["unit"]),
        (&"5.0".into(), &"mmol/L".into())
    );
    assert_eq!(
        (&result["version"], &result["supersedes"], &result["status"]),
        (&2.into(), &serde_json::Value::Null, &"final".into()),
        "the LIMS never had the one before"
    );
    let trace = lab.text(&["trace", "EX0001"]);
    for told in [
        "Anna Example had observation 1 read anew: mgdl is mg/dL on this analyzer",
        "observation 1 held: its unit can't be converted",
        "read as observation 5: GLCC 90.0 mgdl, reported as 5.0 mmol/L",
        "observation 1 is superseded at lims",
        "observation 5 is accepted at lims",
    ] {
        assert!(trace.contains(told), "{told} in {trace}");
    }
    let shown = page::answer(lab.page, "/specimen?id=EX0001").unwrap();
    assert!(shown.contains("Anna Example had"), "{shown}");
    assert!(call().contains("critical") && !call().contains("may be"), "{}", lab.text(&["calls"]));
    let codes = lab.text(&["codes"]);
    assert!(codes.contains("4 results of late"), "the versions that were made of them are no more: {codes}");
    let again = have_it_so(&lab, &["1"]);
    assert!(again.contains("stays: observation 1 has a newer version"), "{again}");

    // The analyzer tells it once more: it is the same.
    send(address, &unnamed("EX0001", "90.0")).await;
    until("it was received again", || lab.text(&["trace", "EX0001"]).contains("received again")).await;
    assert_eq!((lab.count("accepted"), lab.count("held")), (1, 3));
    assert!(gateway.terminate().success());
    lab.must_balance();
    assert_eq!(lab.reader().deep_imbalances().unwrap(), [""; 0]);
    assert!(decided_again(&lab) > 3, "each decision, the old ones and the new, comes out the same");
    let day = lab.text(&["reconcile"]);
    assert!(!day.contains("differs"), "{day}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_unconverted_is_corrected_once() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    with_an_unknown_unit(&lab, address, &[("EX0001", "90.0")]).await;
    let gateway = lab.start().await;
    lab.text(&["release", "1", "--reason", "the ward knows the analyzer"]);
    until("the LIMS has it as it was sent", || lab.count("accepted") == 1).await;
    assert!(gateway.terminate().success());
    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}{ALIAS}", listener(address)));
    let gateway = lab.start().await;
    let none_held = lab.text(&["reevaluate"]);
    assert!(none_held.starts_with("Nothing is held"), "{none_held}");
    assert!(
        none_held.ends_with(
            "\n1 result that somebody released as it was sent may be read anew too: --released.\n"
        ),
        "{none_held}"
    );
    let preview = lab.text(&["reevaluate", "--released", "--held-for", "not-converted", "--test", "GLCC"]);
    assert!(preview.contains("1  EX0001 of erba: GLCC 90.0 mgdl, not converted:"), "{preview}");
    assert!(preview.contains("leaves for lims, as a correction of what is there"), "{preview}");
    assert_eq!(preview, lab.text(&["reevaluate", "1"]), "by its number it is the same");
    for others in [["--held-for", "odd-value"], ["--instrument", "another"], ["--test", "CREA"]] {
        let none = lab.text(&[&["reevaluate", "--released"], &others[..]].concat());
        assert_eq!(none, "Nothing was released that another configuration might read otherwise.\n");
    }
    assert!(
        have_it_so(&lab, &[]).starts_with("Nothing is held"),
        "what has left is corrected only by a word of its own"
    );
    assert_eq!(lab.count("accepted"), 1);
    have_it_so(&lab, &["--released"]);
    until("the LIMS has the correction", || lab.count("accepted") == 2).await;
    let none = lab.text(&["reevaluate", "--released"]);
    assert!(none.starts_with("Nothing was released"), "what was read anew is listed no more: {none}");
    let [first, second] = sent(&lab).try_into().unwrap();
    assert_eq!((&first["status"], first.get("converted")), (&"final".into(), None));
    assert_eq!((&second["status"], &second["supersedes"]), (&"correction".into(), &first["id"]));
    assert_eq!(second["converted"]["number"], "5.0");
    send(address, &unnamed("EX0001", "90.0")).await;
    until("it was received again", || lab.text(&["trace", "EX0001"]).contains("received again")).await;
    assert_eq!(lab.count("accepted"), 2);
    assert!(gateway.terminate().success());
    lab.must_balance();
    assert_eq!(lab.reader().deep_imbalances().unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_rules_hold_once_it_is_read_anew_is_told_as_preliminary_where_nothing_of_it_is_there() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "release = \"hold-exceptions\"\nwhile_held = \"preliminary\"\n");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}", listener(address)));
    rules(&lab, &CRITICAL.replace("hold = true\n", "hold = true\npreliminary = true\n"));
    let gateway = lab.start().await;
    lab.sign();
    send(address, &unnamed("EX0001", "30.0")).await;
    send(address, &unnamed("EX0002", "31.0")).await;
    until("they wait for their unit", || lab.count("held") == 2).await;
    lab.text(&["release", "2", "--reason", "the ward knows the analyzer"]);
    until("the LIMS has one as it was sent", || lab.count("accepted") == 1).await;
    assert!(gateway.terminate().success());
    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}{ALIAS}", listener(address)));
    let gateway = lab.start().await;
    have_it_so(&lab, &["1", "2"]);
    let trace = |specimen: &str| lab.text(&["trace", specimen]);
    until("the LIMS knows of it", || trace("EX0001").contains("was told that it is preliminary")).await;
    assert_eq!((lab.count("held"), lab.count("accepted")), (2, 1));
    let [as_sent, told] = sent(&lab).try_into().unwrap();
    assert_eq!((&as_sent["id"], &as_sent["status"]), (&"2".into(), &"final".into()));
    assert_eq!((&told["id"], &told["status"]), (&"3".into(), &"preliminary".into()));
    assert!(!trace("EX0002").contains("preliminary"), "a final one that is there isn't made preliminary");
    lab.text(&["release", "3", "4", "--reason", "called"]);
    until("both follow", || lab.count("accepted") == 3).await;
    let statuses: Vec<_> =
        sent(&lab)[2..].iter().map(|it| (it["id"].clone(), it["status"].clone())).collect();
    assert!(statuses.contains(&("3".into(), "final".into())), "{statuses:?}");
    assert!(statuses.contains(&("4".into(), "correction".into())), "{statuses:?}");
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_moved_says_so_also_once_it_was_read_anew() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    with_an_unknown_unit(&lab, address, &[("EX0001", "90.0")]).await;
    let gateway = lab.start().await;
    lab.text(&["reassign", "1", "--to", "EX0009", "--by", "Dora Example", "--reason", "misread"]);
    until("it waits under its number", || lab.text(&["held"]).contains("EX0009")).await;
    assert!(gateway.terminate().success());
    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}{ALIAS}", listener(address)));
    let gateway = lab.start().await;
    have_it_so(&lab, &[]);
    until("the LIMS has it", || lab.count("accepted") == 1).await;
    let [result] = sent(&lab).try_into().unwrap();
    assert_eq!((&result["converted"]["number"], &result["version"]), (&"5.0".into(), &3.into()));
    assert_eq!(
        (&result["moved"]["from"], &result["moved"]["by"]),
        (&"EX0001".into(), &"Dora Example".into())
    );
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_named_later_is_taken_as_it_is_read_then() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    let with = |values: &str| {
        let codes = format!(
            "[codes.GLCC]\nresult = \"coded\"\n[codes.GLCC.values]\nNEG = {{ code = \"N\" }}\n{values}"
        );
        lab.instrument("erba", "erba-xl", "", &format!("{}{codes}", listener(address)));
    };
    with("");
    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "POSI", "F", TIME)).await;
    until("the value is unknown", || lab.count("held") == 1).await;
    assert!(lab.text(&["problems"]).contains("odd-value"), "{}", lab.text(&["problems"]));
    assert!(!lab.text(&["reevaluate"]).contains("isn't in force"));
    with("POSI = { code = \"P\" }\n");
    until("the preview says by what it reads", || {
        let preview = lab.text(&["reevaluate"]);
        preview.starts_with("The configuration on disk isn't in force (")
            && preview.contains("Results are read by the one that runs.\n1  EX0001")
            && preview.contains("stays: ")
    })
    .await;
    assert!(gateway.terminate().success());
    with("POSI = { code = \"P\" }\n");
    let gateway = lab.start().await;
    let preview = lab.text(&["reevaluate"]);
    assert!(preview.contains("    becomes GLCC POSI mg/dl, which is P\n"), "{preview}");
    have_it_so(&lab, &[]);
    until("the LIMS has it", || lab.count("accepted") == 1).await;
    let [result] = sent(&lab).try_into().unwrap();
    assert_eq!((&result["value"]["code"], &result["value"]["coded"]["code"]), (&"POSI".into(), &"P".into()));
    assert!(!lab.text(&["problems"]).contains("odd-value"), "{}", lab.text(&["problems"]));
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_killed_while_it_reads_anew_doubles_and_loses_nothing() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    let values: Vec<(String, &str)> = (1..=6).map(|n| (format!("EX000{n}"), "90.0")).collect();
    let values: Vec<(&str, &str)> =
        values.iter().map(|(specimen, value)| (specimen.as_str(), *value)).collect();
    with_an_unknown_unit(&lab, address, &values).await;
    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}{ALIAS}", listener(address)));
    for (round, delay) in [0, 5, 10, 20, 40, 80].into_iter().enumerate() {
        let gateway = lab.start().await;
        let id = (round + 1).to_string();
        std::thread::scope(|scope| {
            scope.spawn(|| have_it_so(&lab, &[&id]));
            std::thread::sleep(Duration::from_millis(delay));
            gateway.kill();
        });
    }
    let gateway = lab.start().await;
    have_it_so(&lab, &[]);
    until("the LIMS has all", || lab.count("accepted") == 6).await;
    assert!(gateway.terminate().success());
    lab.must_balance();
    assert_eq!(lab.reader().deep_imbalances().unwrap(), [""; 0]);
    let ledger = lims.ledger();
    let mut specimens: Vec<&str> = ledger.held().iter().map(|it| it.specimen.as_str()).collect();
    specimens.sort_unstable();
    assert_eq!(specimens, ["EX0001", "EX0002", "EX0003", "EX0004", "EX0005", "EX0006"], "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_is_declared_for_want_of_a_sent_one_is_told_as_declared() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    let unsent = |specimen: &str, value: &str| glucose(specimen, value, "F", TIME).replace("|mg/dl|", "||");
    let with = |unit: &str| {
        let codes = format!("[codes.GLCC]\nanalyte = \"glucose\"\n{unit}");
        lab.instrument("erba", "erba-xl", "", &format!("{}{codes}", listener(address)));
    };
    with("");
    let gateway = lab.start().await;
    lab.sign();
    send(address, &unsent("EX0001", "90.0")).await;
    until("it waits for its unit", || lab.count("held") == 1).await;
    assert!(lab.text(&["held"]).contains("the analyzer sent no unit"), "{}", lab.text(&["held"]));
    assert!(gateway.terminate().success());
    with("unit = \"mg/dL\"\n");
    let gateway = lab.start().await;
    have_it_so(&lab, &["1"]);
    send(address, &glucose("EX0002", "90.0", "F", TIME)).await;
    until("the LIMS has both", || lab.count("accepted") == 2).await;
    let [declared, told] = sent(&lab).try_into().unwrap();
    assert_eq!((&declared["unit"], &declared["unit_declared"]), (&"mg/dL".into(), &true.into()));
    assert_eq!(declared["converted"]["number"], "5.0");
    assert_eq!((&told["unit"], told.get("unit_declared")), (&"mg/dl".into(), None));
    let trace = lab.text(&["trace", "EX0001"]);
    assert!(
        trace.contains("GLCC 90.0 mg/dL (the unit is declared, none was sent), reported as 5.0 mmol/L"),
        "{trace}"
    );
    assert!(!lab.text(&["trace", "EX0002"]).contains("declared"));
    let shown = page::answer(lab.page, "/specimen?id=EX0001").unwrap();
    assert!(shown.contains("mg/dL (declared, none was sent), reported as 5.0 mmol/L"), "{shown}");
    assert!(gateway.terminate().success());

    // Another declaration makes no other result of what comes again.
    with("unit = \"g/L\"\n");
    let gateway = lab.start().await;
    send(address, &unsent("EX0001", "90.0")).await;
    until("it was received again", || lab.text(&["trace", "EX0001"]).contains("received again")).await;
    assert_eq!((lab.count("accepted"), lab.count("held")), (2, 0));
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_releases_or_rejects_by_a_command_is_named_beside_the_account() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    let gateway = lab.start().await;
    for specimen in ["EX0001", "EX0002", "EX0003"] {
        send(address, &glucose(specimen, "what", "F", TIME)).await;
    }
    until("all wait", || lab.count("held") == 3).await;
    let mistaken = lab.text(&["release", "1", "--by", "labwire", "--reason", "seen"]);
    assert!(mistaken.contains("1: refused: that is what the journal calls the gateway"), "{mistaken}");
    assert_eq!(lab.count("held"), 3);
    assert_eq!(lab.text(&["release", "1", "--by", "Anna Example", "--reason", "seen"]), "1: done\n");
    assert_eq!(lab.text(&["reject", "2", "--by", "Bert Sample", "--reason", "clotted"]), "2: done\n");
    assert_eq!(lab.text(&["reject", "3", "--reason", "clotted"]), "3: done\n");
    let by = |specimen: &str| lab.text(&["trace", specimen]);
    assert!(by("EX0001").contains("observation 1 released by Anna Example ("), "{}", by("EX0001"));
    assert!(by("EX0002").contains("observation 2 rejected by Bert Sample ("), "{}", by("EX0002"));
    let alone = by("EX0003");
    assert!(alone.contains("observation 3 rejected by ") && !alone.contains("Sample ("), "{alone}");
    assert!(gateway.terminate().success());
    lab.must_balance();
}
