//! Control results, end to end: none ever reaches where patients' results go, each reaches the QC software once, and a
//! profile that doesn't know a control when it sees one is found out.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "support/lims_by_hand.rs"]
mod lims_by_hand;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;

use lims_by_hand::{LimsByHand, json};
use serde_json::Value;
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const TIME: &str = "20260102030405";
const BRISK: &str = "timeout_secs = 1\nbackoff_first_secs = 1\nbackoff_longest_secs = 1\nbreaker_failures = 50\nbreaker_rest_secs = 1\n";

/// A chemistry analyzer over ASTM, an immunoassay analyzer over HL7, a LIMS, and QC software that fails at first.
struct Laboratory {
    lab: Lab,
    patients: LimsByHand,
    controls: LimsByHand,
    chemistry: SocketAddr,
    immunoassay: SocketAddr,
}

impl Laboratory {
    async fn new() -> Laboratory {
        let patients = LimsByHand::start(|_, _| json("200 OK", "", "{}")).await;
        let controls = LimsByHand::start(|_, before| match before {
            0 | 1 => json("503 Service Unavailable", "", "{}"),
            _ => json("200 OK", "", "{}"),
        })
        .await;
        let unused = lims().await;
        let lab = Lab::new(&unused, "");
        let (chemistry, immunoassay) = (free_port(), free_port());
        lab.instrument("erba", "erba-xl", "", &listener(chemistry));
        lab.instrument("cobas", "roche-cobas-pro", "", &listener(immunoassay));
        let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
        let (before, _) = site.split_once("[destination.").unwrap();
        let destination = |name: &str, lims: &LimsByHand| {
            format!("[destination.{name}]\nurl = \"http://{}/\"\n{BRISK}", lims.address)
        };
        let both = destination("lims", &patients) + &destination("qc-software", &controls) + "qc = true\n";
        fs::write(lab.path("labwire.toml"), format!("{before}{both}")).unwrap();
        Laboratory { lab, patients, controls, chemistry, immunoassay }
    }

    fn accepted(&self, destination: &str) -> i64 {
        self.lab.reader().sums().unwrap().destinations.get(destination).map_or(0, |sums| sums.of("accepted"))
    }

    /// Which specimens reached a destination, and under how many keys each.
    fn reached(&self, lims: &LimsByHand) -> BTreeMap<String, usize> {
        let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for asked in lims.asked() {
            let body: Value = serde_json::from_str(&asked.body).unwrap();
            let key = asked.header("idempotency-key").unwrap().to_owned();
            keys.entry(body["specimen"]["id"].as_str().unwrap().to_owned()).or_default().insert(key);
        }
        keys.into_iter().map(|(specimen, keys)| (specimen, keys.len())).collect()
    }

    /// What must never be: results of these controls among the patients'.
    fn leaks(&self, controls: &[&str]) -> Vec<String> {
        let reached = self.reached(&self.patients);
        controls.iter().filter(|name| reached.contains_key(**name)).map(|name| (*name).to_owned()).collect()
    }
}

/// A control of the chemistry analyzer, marked as one.
fn control(name: &str, value: &str, time: &str) -> String {
    glucose(name, value, "F", time)
        .replace("^^^GLCC|||||||||||", "^^^GLCC|||||||Q||||")
        .replace("EX-77||Example^Anna", "||")
}

/// A control of the immunoassay analyzer, marked as one.
fn control_in_hl7(name: &str, value: &str, mark: &str) -> String {
    [
        "MSH|^~\\&|cobas pro||Host||20260430073051+0200||OUL^R22^OUL_R22|3001|P|2.5.1|||NE|AL||UNICODE UTF-8|||LAB-29^IHE",
        &format!("SPM|1|{name}&BARCODE||SERPLAS^^99ROC|||||||{mark}|||~~~~"),
        &format!("SAC|||{name}^BARCODE|||||||50001|1"),
        "OBR|1|\"\"||10020^^99ROC|||||||",
        "ORC|SC||||CM",
        &format!(
            "OBX|1|NM|10020^10020^99ROC^^^IHELAW|1|{value}|ng/dL^^99ROC||N^^HL70078|||F|||||ADMIN~BATCH||\
             e801^ROCHE~1234-05^ROCHE~1^ROCHE|20260430072914||||||||||RSLT"
        ),
        "",
    ]
    .join("\r")
}

/// Sends one message in an MLLP block and waits for its answer.
async fn send_in_hl7(address: SocketAddr, message: &str) {
    let mut line = connect(address).await;
    line.write_all(format!("\u{b}{message}\u{1c}\r").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.contains(&0x1c) {
        assert!(line.read_buf(&mut answer).await.unwrap() > 0, "the gateway hung up");
    }
    assert!(String::from_utf8_lossy(&answer).contains("MSA|AA"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_reaches_the_qc_software_once_and_never_the_patients_lims() {
    let here = Laboratory::new().await;
    let gateway = here.lab.start().await;
    send(here.chemistry, &control("NORMAL", "101", TIME)).await;
    send(here.chemistry, &glucose("EX0001", "88", "F", TIME)).await;
    send_in_hl7(here.immunoassay, &control_in_hl7("LOT77", "2.41", "Q^^HL70369")).await;
    send_in_hl7(here.immunoassay, &control_in_hl7("EX0002", "1.10", "P^^HL70369")).await;
    // The same again: nothing new for anybody.
    send(here.chemistry, &control("NORMAL", "101", TIME)).await;
    until("all is settled", || here.accepted("lims") == 2 && here.accepted("qc-software") == 2).await;
    assert!(gateway.terminate().success());
    let once = |names: [&str; 2]| names.map(|name| (name.to_owned(), 1)).into();
    assert_eq!(here.reached(&here.patients), once(["EX0001", "EX0002"]));
    assert_eq!(here.reached(&here.controls), once(["LOT77", "NORMAL"]));
    assert_eq!(here.leaks(&["LOT77", "NORMAL"]), [""; 0]);
    assert!(here.controls.asked().len() > 2, "the QC software failed at first, and was asked again");
    here.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_does_not_know_its_controls_is_caught() {
    let here = Laboratory::new().await;
    // A model of the site's own, whose author got the mark of its controls wrong.
    let shipped = fs::read_to_string("config/profiles.d/roche-cobas-pro.toml").unwrap();
    fs::create_dir(here.lab.path("profiles.d")).unwrap();
    let blind = shipped.replace("name = \"roche-cobas-pro\"", "name = \"blind\"");
    let blind = blind + "\n[[classes]]\nat = \"SPM-11.1\"\nis = \"QC\"\nclass = \"control\"\n";
    fs::write(here.lab.path("profiles.d/blind.toml"), blind).unwrap();
    here.lab.instrument("cobas", "blind", "", &listener(here.immunoassay));
    let gateway = here.lab.start().await;
    send_in_hl7(here.immunoassay, &control_in_hl7("LOT77", "2.41", "Q^^HL70369")).await;
    until("it is delivered somewhere", || here.accepted("lims") + here.accepted("qc-software") == 1).await;
    assert!(gateway.terminate().success());
    assert_eq!(here.leaks(&["LOT77", "NORMAL"]), ["LOT77"], "the test would notice a control that leaks");
}

/// What the QC of this laboratory knows.
const LOTS: &str = r#"
[[lot]]
lot = "26701"
material = "Chemistry control"
instruments = ["erba"]
[[lot.level]]
level = "1"
specimens = ["NORMAL"]
[[lot.level.target]]
test = "GLCC"
unit = "mg/dl"
mean = "100"
sd = "2"
from = "2026-01-01"
to = "2026-12-31"
source = "an invented assay sheet"
[[lot.level]]
level = "2"
specimens = ["QC-UNMARKED*"]
unmarked = true
[[lot.level.target]]
test = "GLCC"
unit = "mg/dl"
mean = "300"
sd = "5"
from = "2026-01-01"
to = "2026-12-31"
source = "an invented assay sheet"
"#;

impl Laboratory {
    /// Judges controls, by these lots.
    fn with_lots(self) -> Laboratory {
        let site = fs::read_to_string(self.lab.path("labwire.toml")).unwrap();
        fs::write(self.lab.path("labwire.toml"), format!("{site}[qc]\n")).unwrap();
        fs::create_dir(self.lab.path("qc.d")).unwrap();
        fs::write(self.lab.path("qc.d/chemistry.toml"), LOTS).unwrap();
        self
    }

    /// Lets results wait that were measured while their controls were out, once somebody signs that.
    fn with_a_rule(self) -> Laboratory {
        let rule = "[[qc]]\nname = \"controls\"\nmissing = \"pass\"\nsource = \"a test\"\n";
        fs::create_dir(self.lab.path("rules.d")).unwrap();
        fs::write(self.lab.path("rules.d/own.toml"), rule).unwrap();
        let site = fs::read_to_string(self.lab.path("labwire.toml")).unwrap();
        let lims = "[destination.lims]\n";
        let site = site.replacen(lims, &format!("{lims}release = \"hold-exceptions\"\n"), 1);
        fs::write(self.lab.path("labwire.toml"), site).unwrap();
        self
    }

    /// A page, with its head.
    async fn page(&self, path: &str) -> String {
        let mut line = connect(self.lab.page).await;
        line.write_all(
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes(),
        )
        .await
        .unwrap();
        let mut text = String::new();
        line.read_to_string(&mut text).await.unwrap();
        text
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_is_a_problem_and_names_the_patients_since_the_last_acceptable_one() {
    let here = Laboratory::new().await.with_lots();
    let gateway = here.lab.start().await;
    send(here.chemistry, &control("NORMAL", "101", "20260102060000")).await;
    send(here.chemistry, &glucose("EX0001", "88", "F", "20260102070000")).await;
    send(here.chemistry, &glucose("EX0002", "91", "F", "20260102080000")).await;
    send(here.chemistry, &control("NORMAL", "107", "20260102090000")).await;
    until("all is settled", || here.accepted("lims") == 2 && here.accepted("qc-software") == 2).await;
    let problems = here.lab.text(&["problems"]);
    assert!(problems.contains("qc-failed NORMAL from erba"), "{problems}");
    assert!(problems.contains("controls of GLCC are out: 1-3s at level 1 of lot 26701"), "{problems}");
    let qc = here.lab.text(&["qc"]);
    assert!(
        qc.contains("erba GLCC: rejected") && qc.contains("run 2, measured 2026-01-02T09:00:00Z"),
        "{qc}"
    );
    assert!(qc.contains("last acceptable: run 1"), "{qc}");
    let since = here.lab.text(&["qc", "since", "erba", "GLCC"]);
    for shown in ["EX0001 88 mg/dl", "EX0002 91 mg/dl", "lims accepted", "2 in all"] {
        assert!(since.contains(shown), "{shown}: {since}");
    }
    assert!(!since.contains("NORMAL"), "a control is nobody's result: {since}");

    let page = here.page("/qc?instrument=erba&code=GLCC").await;
    for shown in ["rejected", "1-3s at level 1", "<svg class=\"chart\"", "+3.50 s", "mean 100 mg/dl, s 2"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert!(!page.contains("EX0001"), "the page of controls names no patient's specimen");

    let results = here.lab.text(&["qc", "results", "erba", "GLCC"]);
    let bad = results
        .lines()
        .find(|line| line.contains("107"))
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned();
    let refused = here.lab.run(&["qc", "exclude", &bad, "--by", "", "--reason", "an air bubble"]);
    assert_eq!(refused.status.code(), Some(1));
    let done = here.lab.text(&["qc", "exclude", &bad, "--by", "Dr. Example", "--reason", "an air bubble"]);
    assert!(done.contains("done"), "{done}");
    assert!(here.lab.text(&["qc"]).contains("erba GLCC: no run since"), "the run before is from January");
    send(here.chemistry, &control("NORMAL", "109", "20260102100000")).await;
    until("it is judged", || here.lab.text(&["qc"]).contains("erba GLCC: rejected")).await;
    let done =
        here.lab.text(&["qc", "accept", "3", "--by", "Dr. Example", "--reason", "a new lot of reagent"]);
    assert!(done.contains("done"), "{done}");
    let qc = here.lab.text(&["qc"]);
    assert!(qc.contains("accepted by Dr. Example (a new lot of reagent)"), "{qc}");
    let replayed = here.lab.run(&["qc", "replay"]);
    assert_eq!(
        String::from_utf8_lossy(&replayed.stdout),
        "4 decisions were made again, 0 came out otherwise.\n"
    );
    assert!(gateway.terminate().success());
    assert_eq!(here.leaks(&["NORMAL"]), [""; 0]);
    here.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_signed_rule_says_so_results_wait_that_were_measured_while_their_controls_were_out() {
    let here = Laboratory::new().await.with_lots().with_a_rule();
    let lab = &here.lab;
    let codes = "[codes.CREA]\nanalyte = \"creatinine\"\n";
    lab.instrument("erba", "erba-xl", "", &format!("{}{codes}", listener(here.chemistry)));
    let gateway = lab.start().await;
    lab.sign();

    send(here.chemistry, &control("NORMAL", "107", "20260102060000")).await;
    send(here.chemistry, &glucose("EX0001", "88", "F", "20260102070000")).await;
    send(here.chemistry, &chemistry("EX0002", &[("CREA", "1.0")], "F", "20260102070000")).await;
    until("what has no controls leaves", || here.accepted("lims") == 1).await;
    until("the other waits", || lab.text(&["held"]).contains("EX0001")).await;
    assert!(lab.text(&["trace", "EX0001"]).contains("qc: found; by controls; seen rejected"));
    let done = lab.text(&["qc", "accept", "1", "--by", "Dr. Example", "--reason", "the wrong bottle"]);
    assert!(done.contains("done"), "{done}");
    send(here.chemistry, &glucose("EX0003", "89", "F", "20260102080000")).await;
    until("what is measured afterwards leaves", || here.accepted("lims") == 2).await;
    // A control and a patient's result in one message.
    let both = control("NORMAL", "109", "20260102090000").replace(
        "L|1|N\r",
        "P|2||EX-78\rO|2|EX0004||^^^GLCC|||||||||||SERUM\rR|1|^^^GLCC|90|mg/dl||N||F||||20260102090000\rL|1|N\r",
    );
    send(here.chemistry, &both).await;
    until("its own message's control counts too", || lab.text(&["held"]).contains("EX0004")).await;
    assert!(gateway.terminate().success());

    let gateway = lab.start().await;
    send(here.chemistry, &chemistry("EX0005", &[("CREA", "1.1")], "F", "20260102100000")).await;
    until("the gateway has looked again", || here.accepted("lims") == 3).await;
    let held = lab.text(&["held"]);
    assert!(held.contains("EX0001") && held.contains("EX0004"), "later controls vouch for neither: {held}");
    let told = lab.text(&["release", "--held-for", "doubted", "--reason", "measured again elsewhere"]);
    assert_eq!(told.lines().filter(|line| line.ends_with(": done")).count(), 2, "{told}");
    until("a person lets them go", || here.accepted("lims") == 5).await;
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn results_wait_by_the_controls_that_stood_when_they_were_measured_whatever_came_first() {
    let here = Laboratory::new().await.with_lots().with_a_rule();
    let lab = &here.lab;
    let gateway = lab.start().await;
    lab.sign();

    // After an outage the analyzer sends its controls first.
    for (value, time) in [("101", "20260102060000"), ("107", "20260102090000"), ("100", "20260102110000")] {
        send(here.chemistry, &control("NORMAL", value, time)).await;
    }
    for (specimen, value, time) in [
        ("EX0001", "88", "20260102080000"),
        ("EX0002", "91", "20260102100000"),
        ("EX0003", "92", "20260102113000"),
    ] {
        send(here.chemistry, &glucose(specimen, value, "F", time)).await;
    }
    until("what was measured while they were good leaves", || here.accepted("lims") == 2).await;
    until("the other waits", || lab.text(&["held"]).contains("EX0002")).await;
    let held = lab.text(&["held"]);
    assert!(!held.contains("EX0001") && !held.contains("EX0003"), "{held}");
    assert!(lab.text(&["trace", "EX0002"]).contains("qc: found; by controls; seen rejected"));
    assert!(lab.text(&["trace", "EX0003"]).contains("qc: clear; by controls; seen accepted"));

    // A good control comes late that was measured before the one that is out.
    send(here.chemistry, &control("NORMAL", "110", "20260102140000")).await;
    send(here.chemistry, &control("NORMAL", "101", "20260102123000")).await;
    send(here.chemistry, &glucose("EX0004", "93", "F", "20260102150000")).await;
    send(here.chemistry, &glucose("EX0005", "94", "F", "20260102130000")).await;
    send(here.chemistry, &glucose("EX0006", "95", "F", "")).await;
    until("what is measured between them leaves", || here.accepted("lims") == 3).await;
    until("what is measured after both waits", || {
        let held = lab.text(&["held"]);
        held.contains("EX0004") && held.contains("EX0006")
    })
    .await;
    assert!(!lab.text(&["held"]).contains("EX0005"));
    assert!(lab.text(&["trace", "EX0006"]).contains("seen rejected, in the order in which they came"));
    let qc = lab.text(&["qc"]);
    assert!(qc.contains("erba GLCC: rejected") && qc.contains("last acceptable: run 5"), "{qc}");
    let replayed = lab.text(&["qc", "replay"]);
    assert_eq!(replayed, "5 decisions were made again, 0 came out otherwise.\n");
    assert!(gateway.terminate().success());
    lab.must_balance();
}

/// An order for a tube of this number.
fn order(tube: &str) -> String {
    format!(
        "MSH|^~\\&|LIMS|HOSP|labwire||20260101080000||OML^O33^OML_O33|1|P|2.5.1\r\
         PID|1||EX77^^^HOSP^MR||Example^Anna||19800102|F\rSPM|1|{tube}||SER\r\
         ORC|NW|P1\rTQ1|||||||||R\rOBR|1|P1||GLCC\r"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_alone_makes_a_control_only_of_what_is_nobodys() {
    let here = Laboratory::new().await.with_lots();
    let orders = free_port();
    let site = fs::read_to_string(here.lab.path("labwire.toml")).unwrap();
    let table = format!("[orders.lims]\nlisten = \"{orders}\"\nallow = [\"127.0.0.1\"]\n");
    fs::write(here.lab.path("labwire.toml"), site + &table).unwrap();
    let gateway = here.lab.start().await;
    send_in_hl7(orders, &order("QC-UNMARKED-4")).await;
    let unmarked = |name: &str| glucose(name, "301", "F", TIME).replace("EX-77||Example^Anna", "||");
    send(here.chemistry, &unmarked("QC-UNMARKED-1")).await;
    send(here.chemistry, &glucose("QC-UNMARKED-2", "88", "F", TIME)).await;
    send(here.chemistry, &unmarked("QC-UNMARKED-4")).await;
    send(here.chemistry, &unmarked("EX0003")).await;
    until("all is settled", || here.accepted("lims") == 1 && here.accepted("qc-software") == 1).await;
    let held = here.lab.text(&["held"]);
    for number in ["QC-UNMARKED-2", "QC-UNMARKED-4"] {
        let line = held.lines().find(|line| line.contains(number)).unwrap();
        assert!(line.contains("its number is that of a control"), "{held}");
    }
    assert!(here.lab.text(&["qc", "results", "erba", "GLCC"]).contains("level 2 of lot 26701, +0.20s"));
    assert_eq!(here.leaks(&["QC-UNMARKED-1", "QC-UNMARKED-2", "QC-UNMARKED-4"]), [""; 0]);
    assert!(gateway.terminate().success());
    here.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn once_controls_are_good_again_a_rejected_run_still_names_the_patients_around_it() {
    let here = Laboratory::new().await.with_lots();
    let gateway = here.lab.start().await;
    for (specimen, value, time) in [
        ("NORMAL", "101", "20260102060000"),
        ("EX0001", "88", "20260102070000"),
        ("EX0002", "91", "20260102080000"),
        ("NORMAL", "107", "20260102090000"),
        ("EX0003", "92", "20260102093000"),
        ("NORMAL", "100", "20260102100000"),
        ("EX0004", "93", "20260102110000"),
    ] {
        let message = match specimen {
            "NORMAL" => control(specimen, value, time),
            _ => glucose(specimen, value, "F", time),
        };
        send(here.chemistry, &message).await;
    }
    until("all is settled", || here.accepted("lims") == 4 && here.accepted("qc-software") == 3).await;
    let now = here.lab.text(&["qc", "since", "erba", "GLCC"]);
    assert!(now.contains("EX0004 93") && now.contains("1 in all"), "{now}");
    assert!(
        now.contains(
            "Before it, run 2, measured 2026-01-02T09:00:00Z: rejected by 1-3s, warned by 1-2s; --before 2"
        ),
        "{now}"
    );
    let around = here.lab.text(&["qc", "since", "erba", "GLCC", "--before", "2"]);
    for shown in [
        "since run 1, measured 2026-01-02T06:00:00Z",
        "EX0001 88",
        "EX0002 91",
        "EX0003 92",
        "3 in all, until run 3",
    ] {
        assert!(around.contains(shown), "{shown}: {around}");
    }
    assert!(!around.contains("EX0004"), "run 3 vouches for it: {around}");
    let of_first = here.lab.text(&["qc", "since", "erba", "GLCC", "--before", "1"]);
    assert!(of_first.contains("No run of GLCC on erba was acceptable before."), "{of_first}");
    let unknown = here.lab.run(&["qc", "since", "erba", "GLCC", "--before", "77"]);
    assert_eq!(unknown.status.code(), Some(1), "{}", String::from_utf8_lossy(&unknown.stdout));
    assert!(gateway.terminate().success());
}
