//! What a rule found stands while it can't be asked any more: at a restart, and where a unit is named, nothing leaves that
//! nobody has decided.

use super::judging::{CODES, CRITICAL, decided_again, of_patient, rules};
use super::support::*;

const ALIAS: &str = "[units]\nmgdl = \"mg/dL\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_rise_that_was_found_holds_until_it_is_decided_again_whatever_becomes_of_the_value_before() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "release = \"hold-exceptions\"\n");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}", listener(address)));
    rules(&lab, CRITICAL);
    let gateway = lab.start().await;
    lab.sign();
    send(address, &of_patient("EX0001", "90", "20260102030405")).await;
    until("the first leaves", || lab.count("accepted") == 1).await;
    send(address, &of_patient("EX0002", "180", "20260102040405").replace("|mg/dl|", "|mgdl|")).await;
    until("the second waits for its unit", || lab.count("held") == 1).await;
    send(address, &of_patient("EX0003", "250", "20260102050405")).await;
    until("the third has risen", || lab.text(&["held"]).contains("too far")).await;
    lab.text(&["release", "2", "--reason", "the ward knows the analyzer"]);
    until("the second leaves as it was sent", || lab.count("accepted") == 2).await;
    assert!(gateway.terminate().success());

    let gateway = lab.start().await;
    let unconverted = "delta: not evaluated: the earlier value isn't in the reported unit";
    until("the third is judged again", || lab.text(&["trace", "EX0003"]).contains(unconverted)).await;
    assert_eq!((lab.count("held"), lab.count("accepted")), (1, 2), "not evaluated is not clear");
    assert!(lab.text(&["held"]).contains("too far"), "{}", lab.text(&["held"]));
    assert!(gateway.terminate().success());

    // That the unit is named now changes nothing of what is stored, nor of what is compared with it.
    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}{ALIAS}", listener(address)));
    let gateway = lab.start().await;
    send(address, &of_patient("EX0004", "320", "20260102053005")).await;
    until("another one is compared", || lab.text(&["trace", "EX0004"]).contains(unconverted)).await;
    until("it leaves", || lab.count("accepted") == 3).await;
    assert_eq!(lab.count("held"), 1);
    let trace = lab.text(&["trace", "EX0003"]);
    assert!(!trace.contains("delta: clear") && !trace.contains("no longer held"), "{trace}");
    let said = ["--yes", "--by", "Anna Example", "--reason", "mgdl is mg/dL on this analyzer"];
    let done = lab.text(&[&["reevaluate", "2"], &said[..]].concat());
    assert!(done.contains("1 results were re-evaluated"), "{done}");
    until("it is decided: clear", || lab.text(&["trace", "EX0003"]).contains("delta: clear")).await;
    until("and leaves", || lab.count("held") == 0).await;
    assert!(lab.text(&["trace", "EX0003"]).contains("no longer held for this"));
    assert!(gateway.terminate().success());
    lab.must_balance();
    assert!(decided_again(&lab) > 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_that_was_found_holds_once_the_value_beside_it_is_corrected_into_an_unknown_unit() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "release = \"hold-exceptions\"\n");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}", listener(address)));
    let pattern = "[[pattern]]\nname = \"both\"\nwhen = [\n    { analyte = \"glucose\", unit = \"mg/dL\", is = \"> 60\" },\n    \
        { analyte = \"creatinine\", unit = \"mg/dL\", is = \"> 5\" },\n]\nsource = \"a test\"\n";
    rules(&lab, pattern);
    let gateway = lab.start().await;
    lab.sign();
    let time = "20260102030405";
    send(address, &chemistry("EX0001", &[("GLCC", "90"), ("CREA", "9")], "F", time)).await;
    until("both wait", || lab.count("held") == 2).await;
    let corrected = chemistry("EX0001", &[("CREA", "9")], "C", time).replace("|mg/dl|", "|mgdl|");
    send(address, &corrected).await;
    until("the correction waits for its unit", || lab.text(&["held"]).contains("unit can't be converted"))
        .await;
    assert!(gateway.terminate().success());
    let gateway = lab.start().await;
    let unasked = "pattern: not evaluated: creatinine wasn't measured of this specimen";
    until("the glucose is judged again", || lab.text(&["trace", "EX0001"]).contains(unasked)).await;
    assert_eq!((lab.count("held"), lab.count("accepted")), (2, 0), "{}", lab.text(&["trace", "EX0001"]));
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_rejects_a_version_is_told_of_the_older_one_that_the_lims_keeps() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    let gateway = lab.start().await;
    let time = "20260102030405";
    send(address, &glucose("EX0001", "90.0", "F", time)).await;
    until("the LIMS has it", || lab.count("accepted") == 1).await;
    send(address, &glucose("EX0001", "what", "C", time)).await;
    send(address, &glucose("EX0002", "what", "F", time)).await;
    until("the correction waits, and another", || lab.count("held") == 2).await;
    let said = lab.text(&["reject", "2", "--reason", "no value"]);
    let kept = "lims keeps version 1 of it, result 1, as it was sent: where that is wrong, correct it there by hand.";
    assert_eq!(said, format!("2: done\n    {kept}\n"));
    assert_eq!(lab.text(&["reject", "3", "--reason", "no value"]), "3: done\n", "nothing of it is there");
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_rejects_what_another_destination_has_already_is_told_that_it_stays_there() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let mut site = std::fs::read_to_string(lab.path("labwire.toml")).unwrap();
    site += "[destination.other]\nkind = \"file\"\nfolder = \"out\"\nrelease = \"full\"\n";
    std::fs::create_dir(lab.path("out")).unwrap();
    std::fs::write(lab.path("labwire.toml"), site).unwrap();
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "90.0", "F", "20260102030405")).await;
    until("one has it, one waits", || lab.count("accepted") == 1 && lab.count("held") == 1).await;
    let said = lab.text(&["reject", "1", "--reason", "wrong tube"]);
    assert!(said.contains("lims keeps version 1 of it, result 1, as it was sent"), "{said}");
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_person_under_one_number_is_noticed_though_nothing_has_been_released_yet() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "release = \"full\"\n");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}", listener(address)));
    rules(&lab, "[[identity]]\nname = \"who\"\nsource = \"a test\"\n");
    let gateway = lab.start().await;
    lab.sign();
    send(address, &of_patient("EX0001", "90", "20260102030405")).await;
    until("the first waits for its release", || lab.count("held") == 1).await;
    let other = of_patient("EX0002", "95", "20260102040405").replace("Example^Anna", "Sample^Berta");
    send(address, &other).await;
    until("another one's is found", || lab.text(&["trace", "EX0002"]).contains("identity: found")).await;
    assert!(lab.text(&["held"]).contains("a rule doubts it"), "{}", lab.text(&["held"]));
    // What is in doubt itself is nobody's word on whose the number is.
    send(address, &of_patient("EX0003", "92", "20260102050405")).await;
    until("the first one's is clear", || lab.text(&["trace", "EX0003"]).contains("identity: clear")).await;
    assert!(gateway.terminate().success());
    lab.must_balance();
}
