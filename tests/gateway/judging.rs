//! Rules of `rules.d` in the running gateway: unsigned they only look on; signed they hold where a destination lets them
//! verify; and what they decided can be read, with its limits.

use super::support::*;

const CODES: &str = "[codes.GLCC]\nanalyte = \"glucose\"\n[codes.CREA]\nanalyte = \"creatinine\"\n";
const CRITICAL: &str = "[[critical]]\nname = \"glucose\"\nanalyte = \"glucose\"\nunit = \"mg/dL\"\nlow = \"< 40\"\n\
    high = \"> 450\"\nhold = true\nsource = \"a test\"\n\
    [[delta]]\nname = \"glucose-delta\"\nanalyte = \"glucose\"\nunit = \"mg/dL\"\nmethod = \"absolute\"\n\
    rise = \"> 100\"\nfall = \"> 100\"\nwindow = \"72 h\"\nsource = \"a test\"\n";

fn rules(lab: &Lab, text: &str) {
    std::fs::create_dir_all(lab.path("rules.d")).unwrap();
    std::fs::write(lab.path("rules.d/own.toml"), text).unwrap();
}

/// A result of one patient, whose number stands where this analyzer's profile reads it.
fn of_patient(specimen: &str, value: &str, time: &str) -> String {
    glucose(specimen, value, "F", time).replace("P|1||EX-77|", "P|1|EX-77||")
}

fn sign(lab: &Lab) {
    let said = lab.text(&["rules", "sign", "--by", "Dr. Example", "--statement", "checked"]);
    assert!(said.starts_with("Signed by"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unsigned_rules_look_on_and_signed_ones_hold_and_each_decision_can_be_read() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "release = \"hold-exceptions\"\n");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}", listener(address)));
    rules(&lab, CRITICAL);
    let gateway = lab.start().await;

    send(address, &glucose("EX0001", "30.0", "F", "20260102030405")).await;
    until("nothing leaves while no rules are signed", || lab.count("held") == 1).await;
    let trace = lab.text(&["trace", "EX0001"]);
    assert!(trace.contains("judged by rules that nobody has signed, which do nothing"), "{trace}");
    assert!(
        trace.contains("critical: low; by glucose; limits < 40 mg/dL, > 450 mg/dL; a person must look"),
        "{trace}"
    );
    assert!(trace.contains("delta: not evaluated"), "{trace}");
    assert!(lab.text(&["held"]).contains("nobody has released"), "{}", lab.text(&["held"]));

    sign(&lab);
    send(address, &of_patient("EX0002", "90.0", "20260102040405")).await;
    until("what passes leaves by itself", || lab.count("accepted") == 1).await;
    send(address, &glucose("EX0003", "39.9", "F", "20260102050405")).await;
    until("what is critical waits", || lab.count("held") == 2).await;
    let trace = lab.text(&["trace", "EX0003"]);
    assert!(trace.contains("judged by rules in force"), "{trace}");
    assert!(trace.contains("held: it is critical, or may be"), "{trace}");
    send(address, &of_patient("EX0004", "200", "20260102060405")).await;
    until("it is read", || lab.text(&["trace", "EX0004"]).contains("judged")).await;
    let trace = lab.text(&["trace", "EX0004"]);
    assert_eq!(lab.count("held"), 3, "{trace}");
    assert!(trace.contains("delta: rise; by glucose-delta"), "{trace}");
    assert!(trace.contains("held: it is too far from the patient's earlier value"), "{trace}");
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_verifies_itself_gets_everything_and_what_is_critical_first() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}", listener(address)));
    rules(&lab, CRITICAL);
    let gateway = lab.start().await;
    sign(&lab);
    send(address, &glucose("EX0001", "30.0", "F", "20260102030405")).await;
    until("the LIMS has it", || lab.count("accepted") == 1).await;
    let journal = rusqlite::Connection::open(lab.path("labwire.db")).unwrap();
    let urgency: i64 = journal.query_row("SELECT priority FROM ledger", [], |row| row.get(0)).unwrap();
    assert_eq!(urgency, 0);
    assert!(gateway.terminate().success());
    lab.must_balance();
}
