//! A result and the order it belongs to, with the real program: the LIMS's numbers and patient go out with it, and what
//! speaks against an order goes by the site's rule.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "gateway_linking/panels.rs"]
mod panels;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;
#[path = "support/teller.rs"]
mod teller;

use support::*;
use teller::*;

/// What of `labwire trace --raw` was sent to the LIMS.
fn sent(lab: &Lab, tube: &str) -> String {
    let trace = lab.text(&["trace", tube, "--raw"]);
    let sent: Vec<&str> = trace.lines().filter(|line| line.contains("sent, ")).collect();
    sent.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_goes_out_with_its_orders_numbers_and_the_lims_own_patient() {
    let (_lims, lab, analyzer, address) = laboratory().await;
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC")])).await;
    lims.tell(
        "MSH|^~\\&|LIMS|HOSP|labwire||2026||ADT^A40^ADT_A39|2|P|2.5.1\rPID|1||EX78^^^HOSP||Example^Anne\rMRG|EX77^^^HOSP\r",
    )
    .await;
    send(analyzer, &chemistry("T1", &[("GLCC", "5.1")], "F", "20260501110000")).await;
    until("it is accepted", || lab.count("accepted") == 1).await;
    let sent = sent(&lab, "T1");
    for part in
        ["\"placer\":\"P1\"", "\"id\":\"EX78\"", "\"authority\":\"HOSP\"", "\"name\":\"Example^Anne\""]
    {
        assert!(sent.contains(part), "{part}: {sent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_containers_label_finds_the_order_of_its_specimen() {
    let (_lims, lab, erba, address) = laboratory().await;
    lab.instrument("erba", "erba-xl", "unordered = \"hold\"", &listener(erba));
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    let order = oml("1", "T1", &[("NW", "P1", "GLCC")]).replace("||SER\r", "||SER\rSAC|||C1\r");
    assert!(lims.tell(&order).await.contains("/MSA|AA|"));
    let answer = analyzer(erba).await.query(query("^C1").as_bytes()).await.unwrap();
    assert_eq!(told(&String::from_utf8(answer).unwrap()), [("C1".to_owned(), vec!["GLCC".to_owned()])]);
    send(erba, &chemistry("C1", &[("GLCC", "5.1")], "F", "20260501110000")).await;
    until("it is accepted", || lab.count("accepted") == 1).await;
    assert!(sent(&lab, "C1").contains("\"placer\":\"P1\""), "{}", sent(&lab, "C1"));
    // The control: a label of nobody's.
    send(erba, &chemistry("C2", &[("GLCC", "5.1")], "F", "20260501110100")).await;
    until("it waits", || lab.count("held") == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_comes_after_its_result_lets_it_go() {
    let (_lims, lab, analyzer, address) = laboratory().await;
    lab.instrument("erba", "erba-xl", "unordered = \"hold\"", &listener(analyzer));
    let gateway = lab.start().await;
    send(analyzer, &chemistry("T1", &[("GLCC", "5.1"), ("CRR", "0.9")], "F", "20260501110000")).await;
    until("both wait", || lab.count("held") == 2).await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC")])).await;
    until("what is ordered now is accepted", || lab.count("accepted") == 1).await;
    assert!(sent(&lab, "T1").contains("\"placer\":\"P1\""), "{}", sent(&lab, "T1"));
    // The gateway is killed before it can have judged: the next start does.
    lims.tell(&oml("2", "T1", &[("NW", "P2", "CRR")])).await;
    gateway.kill();
    let gateway = lab.start().await;
    until("the other is, too", || lab.count("accepted") == 2).await;
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_speaks_against_an_order_goes_by_the_rule_of_the_site() {
    let (_lims, lab, analyzer, address) = laboratory().await;
    let rules = "unordered = \"mark\"\norder_cancelled = \"hold\"\norder_done = \"mark\"\n";
    lab.instrument("erba", "erba-xl", rules, &listener(analyzer));
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    let orders = [
        ("NW", "P1", "GLCC"),
        ("NW", "P2", "CRR"),
        ("CA", "P2", "CRR"),
        ("NW", "P3", "NA"),
        ("NW", "P4", "NA"),
    ];
    lims.tell(&oml("1", "T1", &orders)).await;
    let done = oml("2", "T1", &[("SC", "P1", "GLCC")]).replace("ORC|SC|P1\r", "ORC|SC|P1|||CM\r");
    assert!(lims.tell(&done).await.contains("/ORC|OK|P1/"));
    let results = [("GLCC", "5.1"), ("CRR", "0.9"), ("ALTT", "20")];
    send(analyzer, &chemistry("T1", &results, "F", "20260501110000")).await;
    until("what isn't held is accepted", || lab.count("accepted") == 2).await;
    let held = lab.text(&["held"]);
    assert!(held.contains("CRR 0.9") && held.contains("took its order"), "{held}");
    let sent = sent(&lab, "T1");
    assert!(sent.contains("[\"order-final\"]") && sent.contains("[\"not-ordered\"]"), "{sent}");
    // The LIMS takes its cancellation back: nothing speaks against it any more.
    lims.tell(&oml("3", "T1", &[("NW", "P2", "CRR")])).await;
    until("it is accepted", || lab.count("accepted") == 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_patient_on_the_analyzer_is_a_problem_and_changes_nothing_of_the_lims() {
    let (_lims, lab, analyzer, address) = laboratory().await;
    lab.instrument("erba", "erba-xl", "other_patient = \"hold\"", &listener(analyzer));
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC")])).await;
    let message = chemistry("T1", &[("GLCC", "5.1")], "F", "20260501110000");
    let message = message.replace("P|1||EX-77||Example^Anna", "P|1||EX99||Sample^Otto||19500505|M");
    send(analyzer, &message).await;
    until("it waits", || lab.count("held") == 1).await;
    assert!(lab.text(&["held"]).contains("another patient"), "{}", lab.text(&["held"]));
    assert!(lab.text(&["problems"]).contains("other-patient"), "{}", lab.text(&["problems"]));
    let told = {
        let mut line =
            labsim::analyzer::Analyzer::new(connect(analyzer).await, labsim::analyzer::Options::default());
        String::from_utf8(line.query(query("^T1").as_bytes()).await.unwrap()).unwrap()
    };
    assert!(told.contains("Example^Anna") && !told.contains("EX99"), "{told}");
}

const BY_KIND: &str = "[[critical]]\nname = \"serum\"\nanalyte = \"glucose\"\nunit = \"mg/dL\"\nhigh = \"> 450\"\n\
    specimen_kinds = [\"SERUM\"]\nsource = \"a test\"\n\
    [[critical]]\nname = \"urine\"\nanalyte = \"glucose\"\nunit = \"mg/dL\"\nhigh = \"> 1000\"\n\
    specimen_kinds = [\"URINE\"]\nsource = \"a test\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn rules_take_the_kind_of_specimen_from_the_order_where_the_analyzer_names_none() {
    let (_lims, lab, analyzer, address) = laboratory().await;
    let tables = "[codes.GLCC]\nanalyte = \"glucose\"\n[specimen_kinds]\nSER = \"SERUM\"\n";
    lab.instrument("erba", "erba-xl", "", &format!("{}{tables}", listener(analyzer)));
    std::fs::create_dir(lab.path("rules.d")).unwrap();
    std::fs::write(lab.path("rules.d/own.toml"), BY_KIND).unwrap();
    let gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    let undecided = "critical: undecided: it isn't known which rule is the patient's";
    for (tube, ordered, sent, expected) in [
        ("T1", Some("SER"), "", "critical: high; by serum;"),
        ("T2", Some("SER"), "SERUM", "critical: high; by serum;"),
        ("T3", Some("SER"), "URINE", undecided),
        ("T4", Some("XYZ"), "URINE", "critical: clear; by urine;"),
        ("T5", Some("XYZ"), "", undecided),
        ("T6", None, "URINE", "critical: clear; by urine;"),
        ("T7", None, "", undecided),
    ] {
        if let Some(kind) = ordered {
            let order = oml(tube, tube, &[("NW", &format!("P{tube}"), "GLCC")])
                .replace("||SER\r", &format!("||{kind}\r"));
            assert!(lims.tell(&order).await.contains("/MSA|AA|"));
        }
        let message = chemistry(tube, &[("GLCC", "500")], "F", "20260501110000")
            .replace("|SERUM\r", &format!("|{sent}\r"));
        send(analyzer, &message).await;
        until("it is judged", || lab.text(&["trace", tube]).contains("judged")).await;
        let trace = lab.text(&["trace", tube]);
        assert!(trace.contains(expected), "{tube}: {trace}");
    }
    assert!(gateway.terminate().success());
    lab.must_balance();
}
