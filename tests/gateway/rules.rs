//! Signed rules: nothing is converted before, and the signed set stays in force when the file is changed.

use labsim::lims::Lims;
use labwire::journal::DeliveryId;
use serde_json::Value;

use super::support::*;

const CODES: &str = "[codes.GLCC]\nanalyte = \"glucose\"\n[codes.CREA]\nanalyte = \"creatinine\"\n";
const OTHER_GLUCOSE: &str =
    "[analyte.glucose]\nname = \"Glucose\"\nunit = \"g/L\"\ndecimals = 2\nfrom = [\"mg/dL\"]\n";

async fn laboratory() -> (Lims, Lab, std::net::SocketAddr) {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}", listener(address)));
    (lims, lab, address)
}

/// The one result of a delivery, as its payload has it.
fn payload(lab: &Lab, delivery: i64) -> Value {
    let sent = lab.reader().payload(DeliveryId(delivery)).unwrap().unwrap();
    serde_json::from_slice::<Value>(sent.reveal()).unwrap()["results"][0].clone()
}

/// Sends the glucose of another specimen, and returns it as the LIMS accepted it.
async fn arrives(lab: &Lab, address: std::net::SocketAddr, number: i64) -> Value {
    send(address, &glucose(&format!("EX000{number}"), "90.0", "F", "20260102030405")).await;
    until("the LIMS has it", || lab.count("accepted") == number).await;
    payload(lab, number)
}

fn sign(lab: &Lab) -> String {
    String::from_utf8(lab.try_to_sign().stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn results_pass_unchanged_until_somebody_signs_and_the_signed_set_outlives_a_changed_file() {
    let (_lims, lab, address) = laboratory().await;
    let gateway = lab.start().await;
    let before = arrives(&lab, address, 1).await;
    assert!(before.get("converted").is_none(), "{before}");
    assert!(lab.text(&["rules"]).contains("In force:   none."));

    assert!(sign(&lab).starts_with("Signed by Dr. Example, and in force"));
    let after = arrives(&lab, address, 2).await;
    assert_eq!((&after["value"]["number"], &after["unit"]), (&"90.0".into(), &"mg/dl".into()));
    assert_eq!(after["converted"]["number"], "5.0");
    assert_eq!(after["converted"]["exact"], "75000/15013");
    assert!(sign(&lab).starts_with("Refused: these rules are in force already"));

    std::fs::write(lab.path("analytes.toml"), OTHER_GLUCOSE).unwrap();
    assert!(sign(&lab).starts_with("Refused: the gateway runs with other rules"));
    assert!(gateway.terminate().success());
    let gateway = lab.start().await;
    let unsigned = arrives(&lab, address, 3).await;
    assert_eq!(unsigned["converted"], after["converted"], "the last signed set stays in force");
    assert!(lab.text(&["rules"]).contains("The configured rules aren't signed."));

    assert!(sign(&lab).starts_with("Signed by"));
    let signed = arrives(&lab, address, 4).await;
    assert_eq!(
        (&signed["converted"]["number"], &signed["converted"]["unit"]),
        (&"0.90".into(), &"g/L".into())
    );
    gateway.kill();
    let gateway = lab.start().await;
    let again = arrives(&lab, address, 5).await;
    assert_eq!(again["converted"], signed["converted"], "a signature outlives a crash");
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_converted_is_held_with_its_reason_and_leaves_as_sent_when_released() {
    let (_lims, lab, address) = laboratory().await;
    lab.instrument(
        "erba",
        "erba-xl",
        "",
        &format!("{}{}", listener(address), CODES.replace("glucose", "haemoglobin")),
    );
    let gateway = lab.start().await;
    assert!(sign(&lab).starts_with("Signed by"));
    send(address, &glucose("EX0001", "90.0", "F", "20260102030405")).await;
    until("it is held", || lab.count("held") == 1).await;
    let told = lab.text(&["held"]);
    assert!(told.contains("haemoglobin isn't converted from mg/dl; it allows g/L, g/dL, g%"), "{told}");
    let trace = lab.text(&["trace", "EX0001"]);
    assert!(trace.contains("90.0 mg/dl, not converted: haemoglobin isn't converted from mg/dl"), "{trace}");
    let id = told.split_whitespace().next().unwrap();
    lab.run(&["release", id, "--reason", "seen on the analyzer"]);
    until("the LIMS has it", || lab.count("accepted") == 1).await;
    let result = payload(&lab, 1);
    assert_eq!(result["value"]["number"], "90.0");
    assert!(result["not_converted"]["why"].as_str().unwrap().contains("isn't converted"));
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_rules_that_cannot_be_read_hold_every_message_back_until_others_are_signed() {
    let (_lims, lab, address) = laboratory().await;
    assert!(lab.start().await.terminate().success());
    let journal = rusqlite::Connection::open(lab.path("labwire.db")).unwrap();
    let of_another_version = "INSERT INTO rule_set (sha256, text, signed_by, account, statement, signed_at)
         VALUES ('00', '9 a\n[unknown]\n', 'Dr. Example', 'mgarcia', 'fine', 0)";
    journal.execute(of_another_version, []).unwrap();
    drop(journal);

    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "90.0", "F", "20260102030405")).await;
    let said = "no message is read until the present ones are signed";
    until("it says so", || std::fs::read_to_string(lab.path("log")).unwrap().contains(said)).await;
    assert_eq!(lab.reader().waiting().unwrap().unread, 1);
    assert!(sign(&lab).starts_with("Signed by"));
    until("the LIMS has it", || lab.count("accepted") == 1).await;
    assert_eq!(payload(&lab, 1)["converted"]["number"], "5.0");
    assert!(gateway.terminate().success());
    lab.must_balance();
}

const TWO: &str = "[[critical]]\nname = \"glucose\"\nanalyte = \"glucose\"\nunit = \"mg/dL\"\nlow = \"< 40\"\nsource = \"a test\"\n\
    [[critical]]\nname = \"urea\"\nanalyte = \"urea\"\nunit = \"mmol/L\"\nhigh = \"> 36\"\nsource = \"a test\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_no_result_comes_to_is_named_and_so_is_a_code_that_no_rule_is_applied_to() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument(
        "erba",
        "erba-xl",
        "",
        &format!("{}[codes.GLCC]\nanalyte = \"glucose\"\n", listener(address)),
    );
    std::fs::create_dir_all(lab.path("rules.d")).unwrap();
    std::fs::write(lab.path("rules.d/own.toml"), TWO).unwrap();
    let out_of_reach = "no result comes to \"urea\": no analyzer's code is named as urea";
    for command in [&["check"][..], &["rules", "test"]] {
        let told = lab.text(command);
        assert!(told.contains(out_of_reach) && told.contains("warning: rules.d/own.toml:"), "{told}");
        assert!(!told.contains("no result comes to \"glucose\""), "{told}");
    }
    assert_eq!(lab.run(&["check"]).status.code(), Some(0), "the analyzer may be away for today");
    let codes = lab.text(&["codes"]);
    let line =
        |code: &str| codes.lines().find(|line| line.trim_start().starts_with(code)).unwrap().to_owned();
    assert!(
        line("GLCC").contains("analyte glucose") && line("GLCC").contains("1 rule is about it"),
        "{codes}"
    );
    let unnamed = "analyte -  LOINC -  LIMS -  not seen of late  no rule is applied: this code isn't named as an analyte";
    assert!(line("ALTT").contains(unnamed), "{codes}");

    let gateway = lab.start().await;
    send(address, &chemistry("EX0001", &[("ALTT", "35"), ("GLCC", "90")], "F", "20260102030405")).await;
    until("both were judged", || lab.text(&["trace", "EX0001"]).matches("judged by").count() == 2).await;
    let trace = lab.text(&["trace", "EX0001"]);
    let unnamed = "no rule about an analyte is applied: this code isn't named as one";
    assert_eq!(trace.matches(unnamed).count(), 1, "{trace}");
    let page = super::page::answer(lab.page, "/specimen?id=EX0001").unwrap();
    assert!(page.contains("no rule is applied, as this code isn"), "{page}");
    assert!(gateway.terminate().success());

    lab.instrument(
        "erba",
        "erba-xl",
        "",
        &format!("{}{}", listener(address), "[codes.UREA]\nanalyte = \"urea\"\n"),
    );
    assert!(!lab.text(&["check"]).contains(out_of_reach), "{}", lab.text(&["check"]));
    // An analyzer that may name its results by LOINC itself may send anything.
    lab.instrument(
        "erba",
        "generic-hl7",
        "",
        &format!("{}[codes.X]\nlims_code = \"X\"\n", listener(address)),
    );
    assert!(!lab.text(&["check"]).contains("no result comes to"), "{}", lab.text(&["check"]));
}

const INDEX: &str = "[[index]]\nname = \"haemolysis\"\nanalytes = [\"glucose\"]\ncodes = [\"HEMO\"]\nlimit = \">= 2\"\nsource = \"a test\"\n\
    case = [{ value = \"100\", unit = \"mg/dL\", expect = \"not-evaluated\" }]\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_may_reach_nothing_is_named_by_a_check_also_where_an_analyzer_may_tell_loinc_codes() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let site = std::fs::read_to_string(lab.path("labwire.toml")).unwrap();
    let suspend = |test: &str| {
        let more = format!("[[suspend]]\ntests = [\"{test}\"]\nreason = \"it drifts\"\n");
        std::fs::write(lab.path("labwire.toml"), format!("{site}{more}")).unwrap();
    };
    let (own, other) = (free_port(), free_port());
    let glucose = "[codes.GLCC]\nanalyte = \"glucose\"\nlims_code = \"GLUC\"\n";
    lab.instrument("erba", "erba-xl", "", &format!("{}{glucose}", listener(own)));
    let unnamed = format!("{}[codes.TXT]\nlims_code = \"NOTE\"\n", listener(other));
    lab.instrument("other", "generic-hl7", "", &unnamed);
    std::fs::create_dir_all(lab.path("rules.d")).unwrap();
    std::fs::write(lab.path("rules.d/own.toml"), format!("{TWO}{INDEX}")).unwrap();
    suspend("POT");
    let told = lab.text(&["check"]);
    assert!(
        told.contains("\"urea\" comes only to results that an analyzer names by a LOINC code itself"),
        "{told}"
    );
    assert!(told.contains("\"haemolysis\" looks for an index by HEMO"), "{told}");
    assert!(told.contains("[[suspend]] for \"it drifts\": no code of these analyzers"), "{told}");
    for known in ["GLUC", "GLCC", "TX*"] {
        suspend(known);
        assert!(!lab.text(&["check"]).contains("[[suspend]]"), "{known}: {}", lab.text(&["check"]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_of_the_rules_says_where_a_result_waits_as_rounding_would_decide() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    std::fs::create_dir_all(lab.path("rules.d")).unwrap();
    // 450 mg/dL are 24.98 mmol/L, and reported as 25.0.
    let rule = "[[critical]]\nname = \"glucose\"\nanalyte = \"glucose\"\nunit = \"mg/dL\"\nhigh = \"> 450\"\nsource = \"a test\"\n\
        case = [\n{ value = \"450\", expect = \"clear\" },\n{ value = \"449\", expect = \"clear\" },\n{ value = \"451\", expect = \"high\" },\n]\n";
    std::fs::write(lab.path("rules.d/own.toml"), rule).unwrap();
    let told = lab.text(&["rules", "test"]);
    assert_eq!(told.matches("note: ").count(), 1, "{told}");
    assert!(
        told.contains("note: rules.d/own.toml:8:") && told.contains("rounded as it is reported"),
        "{told}"
    );
    assert!(told.contains("1 rules: 3 cases passed, 0 failed"), "{told}");
}
