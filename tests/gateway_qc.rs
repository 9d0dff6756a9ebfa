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
    let blind =
        shipped.replace("name = \"roche-cobas-pro\"", "name = \"blind\"").replace("is = \"Q\"", "is = \"C\"");
    fs::write(here.lab.path("profiles.d/blind.toml"), blind).unwrap();
    here.lab.instrument("cobas", "blind", "", &listener(here.immunoassay));
    let gateway = here.lab.start().await;
    send_in_hl7(here.immunoassay, &control_in_hl7("LOT77", "2.41", "Q^^HL70369")).await;
    until("it is delivered somewhere", || here.accepted("lims") + here.accepted("qc-software") == 1).await;
    assert!(gateway.terminate().success());
    assert_eq!(here.leaks(&["LOT77", "NORMAL"]), ["LOT77"], "the test would notice a control that leaks");
}
