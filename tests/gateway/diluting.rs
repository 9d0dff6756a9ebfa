//! Values that are too high to be measured, by their sign or by their flag, and the values of their diluted specimens, in the
//! running gateway: the LIMS ends with what says how much it is, and nothing that contradicts itself leaves.

use std::fmt::Write;
use std::fs;

use super::judging::{CRITICAL, rules};
use super::support::*;

const MODEL: &str = "name = \"diluting\"\nrevision = 1\nvendor = \"Acme\"\nmodel = \"an invented model\"\nrecords = \"HPORCL\"\n\
    note = \"a test\"\ndilutions = \"applied\"\n[sources]\nmanual = \"invented\"\n[places]\ndilution = \"R.3.6\"\n\
    [tests]\nGLU = { result = \"quantity\", unit = \"mg/dL\", source = \"manual\" }\n";
const CODES: &str = "[codes.GLU]\nanalyte = \"glucose\"\n";

/// Results of glucose in one message: its value, what it was diluted by, its flag, and the hour.
fn message(specimen: &str, results: &[(&str, &str, &str, &str)]) -> String {
    let mut text = format!("H|\\^&\rP|1\rO|1|{specimen}\r");
    for (number, (value, dilution, flag, hour)) in (1..).zip(results) {
        let time = format!("20260102{hour}0000");
        write!(text, "R|{number}|^^^GLU^^{dilution}|{value}|mg/dL||{flag}||F||||{time}\r").unwrap();
    }
    text + "L|1|N\r"
}

fn lab(lims: &labsim::lims::Lims, address: std::net::SocketAddr) -> Lab {
    let lab = Lab::new(lims, "release = \"hold-exceptions\"\n");
    fs::create_dir(lab.path("profiles.d")).unwrap();
    fs::write(lab.path("profiles.d/diluting.toml"), MODEL).unwrap();
    lab.instrument("acme", "diluting", "", &format!("{}{CODES}", listener(address)));
    rules(&lab, CRITICAL);
    lab
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_the_diluted_specimen_takes_the_place_of_one_that_was_too_high_wherever_it_stands() {
    let lims = lims().await;
    let address = free_port();
    let lab = lab(&lims, address);
    let gateway = lab.start().await;
    lab.sign();
    // Of one message, in either order; by its sign or by its flag.
    let (above, flagged) = ((">300", "", "", "03"), ("300", "", ">", "03"));
    let value = ("420", "10", "", "04");
    for (specimen, results) in
        [("EX0001", [above, value]), ("EX0002", [value, above]), ("EX0003", [flagged, value])]
    {
        send(address, &message(specimen, &results)).await;
        until("the value leaves", || lab.text(&["trace", specimen]).contains("accepted")).await;
    }
    assert_eq!((lab.count("accepted"), lab.count("superseded"), lab.count("held")), (3, 3, 0));
    // What comes later and says less than is known waits.
    send(address, &message("EX0002", &[(">300", "", "", "05")])).await;
    until("what says less waits", || lab.count("held") == 1).await;
    assert!(lab.text(&["held"]).contains("the value of the diluted specimen came before it"));
    // Of two messages.
    send(address, &message("EX0004", &[flagged])).await;
    until("off the scale, it can't be told from a critical value", || lab.count("held") == 2).await;
    send(address, &message("EX0004", &[value])).await;
    until("the value leaves in its place", || lab.count("accepted") == 4).await;
    assert_eq!((lab.count("superseded"), lab.count("held")), (4, 1), "{}", lab.text(&["held"]));
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_the_diluted_specimen_that_is_too_low_for_it_waits_and_ends_no_call() {
    let lims = lims().await;
    let address = free_port();
    let lab = lab(&lims, address);
    let gateway = lab.start().await;
    lab.sign();
    send(address, &message("EX0001", &[(">500", "", "", "03")])).await;
    until("a critical value waits", || lab.count("held") == 1).await;
    let open = || lab.text(&["calls", "EX0001"]);
    assert!(open().contains(">500"), "{}", open());
    send(address, &message("EX0001", &[("90", "10", "", "04")])).await;
    until("the contradiction waits too", || lab.count("held") == 2).await;
    assert!(lab.text(&["held"]).contains("isn't above what the undiluted one was said to be above"));
    assert!(!open().contains("closed"), "{}", open());
    send(address, &message("EX0002", &[("90", "10", "", "03"), (">500", "", "", "04")])).await;
    until("in one message as well", || lab.count("held") == 4).await;
    assert_eq!((lab.count("accepted"), lab.count("superseded")), (0, 0));
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flag_that_says_off_the_scale_is_a_bound_for_the_rules_and_what_was_sent_goes_on_unchanged() {
    let lims = lims().await;
    let address = free_port();
    let lab = lab(&lims, address);
    let gateway = lab.start().await;
    lab.sign();
    send(address, &message("EX0001", &[("440", "", ">", "03")])).await;
    until("440 or more may be above 450", || lab.count("held") == 1).await;
    let trace = lab.text(&["trace", "EX0001"]);
    assert!(trace.contains("critical: undecided"), "{trace}");
    assert!(lab.text(&["held"]).contains("flagged >"), "{}", lab.text(&["held"]));
    lab.text(&["release", "1", "--reason", "looked at"]);
    until("it leaves", || lab.count("accepted") == 1).await;
    let payload = lab.text(&["trace", "EX0001", "--raw"]);
    assert!(payload.contains("\"440\"") && !payload.contains("\">440\""), "{payload}");
    // Too low to be measured is below what is critical in any case, and above it nothing is said.
    send(address, &message("EX0002", &[("30", "", "<", "03")])).await;
    send(address, &message("EX0003", &[("440", "", "H", "03")])).await;
    until("one is critical, one isn't", || lab.count("held") == 1 && lab.count("accepted") == 2).await;
    assert!(lab.text(&["trace", "EX0002"]).contains("critical: low"));
    assert!(gateway.terminate().success());
    lab.must_balance();
}

/// The same, of a named patient.
fn of(patient: &str, specimen: &str, result: (&str, &str, &str, &str)) -> String {
    message(specimen, &[result]).replace("P|1\r", &format!("P|1||||{patient}^Test\r"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_another_patient_takes_nobodys_place() {
    let lims = lims().await;
    let address = free_port();
    let lab = lab(&lims, address);
    let gateway = lab.start().await;
    lab.sign();
    send(address, &of("Lindner", "EX0001", (">500", "", "", "03"))).await;
    until("a critical value waits", || lab.count("held") == 1).await;
    send(address, &of("Sample", "EX0001", ("620", "10", "", "04"))).await;
    until("the other patient's waits too", || lab.count("held") == 2).await;
    assert_eq!((lab.count("accepted"), lab.count("superseded")), (0, 0));
    assert!(lab.text(&["held"]).contains("named another patient"), "{}", lab.text(&["held"]));
    assert!(lab.text(&["calls", "EX0001"]).contains(">500"), "{}", lab.text(&["calls", "EX0001"]));
    // Of the same patient it takes its place.
    send(address, &of("Example", "EX0003", (">500", "", "", "03"))).await;
    send(address, &of("Example", "EX0003", ("620", "10", "", "04"))).await;
    until("the value takes its place", || lab.count("superseded") == 1).await;
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dilution_that_is_not_understood_leaves_open_whether_the_value_is_critical() {
    let lims = lims().await;
    let address = free_port();
    let lab = lab(&lims, address);
    let to_apply = MODEL.replace("\"applied\"", "\"to-apply\"");
    fs::write(lab.path("profiles.d/diluting.toml"), to_apply).unwrap();
    let gateway = lab.start().await;
    lab.sign();
    send(address, &message("EX0001", &[("200", "0.1", "", "03")])).await;
    until("it waits", || lab.count("held") == 1).await;
    let calls = lab.text(&["calls", "EX0001"]);
    assert!(calls.contains("may be critical: look now"), "{calls}");
    let trace = lab.text(&["trace", "EX0001"]);
    assert!(trace.contains("critical: undecided") && trace.contains("isn't multiplied"), "{trace}");
    send(address, &message("EX0002", &[("20", "10", "", "03")])).await;
    until("one that is understood leaves", || lab.count("accepted") == 1).await;
    assert!(gateway.terminate().success());
    lab.must_balance();
}
