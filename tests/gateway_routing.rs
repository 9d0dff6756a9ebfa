//! Several destinations at once: each gets what its table says, one that is dead or silent delays nobody else, and a new
//! LIMS takes over from an old one without a result that both or neither get.

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

use std::fs;
use std::net::SocketAddr;

use labsim::lims::mllp::{MllpLims, Setup};
use lims_by_hand::{LimsByHand, json};
use serde_json::Value;
use support::*;
use tokio::net::TcpListener;

const TIME: &str = "20260102030405";
/// Quick to try again, so that a test needn't wait.
const BRISK: &str =
    "backoff_first_secs = 1\nbackoff_longest_secs = 1\nbreaker_failures = 50\nbreaker_rest_secs = 1\n";

/// A LIMS that takes whatever comes.
async fn http_lims() -> LimsByHand {
    LimsByHand::start(|_, _| json("200 OK", "", "{}")).await
}

fn http(name: &str, lims: SocketAddr, more: &str) -> String {
    format!("[destination.{name}]\nurl = \"http://{lims}/\"\ntimeout_secs = 1\n{BRISK}{more}\n")
}

/// The results that a LIMS was sent, each as `specimen code value`, with a `?` behind it where it is marked as a test.
fn sent(lims: &LimsByHand) -> Vec<String> {
    let mut sent = Vec::new();
    for asked in lims.asked() {
        let delivery: Value = serde_json::from_str(&asked.body).unwrap();
        let mark = if delivery["test"] == Value::Bool(true) { "?" } else { "" };
        for result in delivery["results"].as_array().unwrap() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let (code, number) = (text(&result["test"]["code"]), text(&result["value"]["number"]));
            sent.push(format!("{} {code} {number}{mark}", text(&delivery["specimen"]["id"])));
        }
    }
    sent
}

/// A laboratory with one Erba XL and no destination yet.
async fn laboratory() -> (Lab, SocketAddr) {
    let unused = lims().await;
    let lab = Lab::new(&unused, "");
    let address = free_port();
    let codes = ["GLOB", "NA", "TSH"].map(|code| format!("[codes.{code}]\nlims_code = \"L-{code}\"\n"));
    lab.instrument("erba", "erba-xl", "", &(listener(address) + &codes.concat()));
    (lab, address)
}

/// Gives the laboratory these destinations and no others.
fn deliver_to(lab: &Lab, destinations: &[String]) {
    let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
    let (before, _) = site.split_once("[destination.").unwrap();
    fs::write(lab.path("labwire.toml"), format!("{before}{}", destinations.concat())).unwrap();
}

fn state(lab: &Lab, destination: &str, state: &str) -> i64 {
    lab.reader().sums().unwrap().destinations.get(destination).map_or(0, |sums| sums.of(state))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_and_a_silent_lims_delay_nobody_and_each_gets_what_its_table_says() {
    let (chemistry_only, hormones) = (http_lims().await, MllpLims::start(Setup::default()).await.unwrap());
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (lab, address) = laboratory().await;
    deliver_to(
        &lab,
        &[
            http("dead", free_port(), ""),
            http("silent", silent.local_addr().unwrap(), "parallel = 1"),
            http(
                "chemistry",
                chemistry_only.address,
                "tests = [\"GL*\", \"NA\"]\nexcept_tests = [\"L-GLOB\"]",
            ),
            format!(
                "[destination.hormones]\nkind = \"mllp\"\nconnect = \"{}\"\n{BRISK}tests = [\"TSH\"]\n\
                 except_specimen_kinds = [\"URINE\"]\n",
                hormones.address()
            ),
        ],
    );
    let _gateway = lab.start().await;
    for number in 1..=20 {
        let results = [("GLCC", "5.40"), ("GLOB", "30.1"), ("TSH", "1.23")];
        send(address, &support::chemistry(&format!("EX{number:04}"), &results, "F", TIME)).await;
    }
    let urine = support::chemistry("EX0099", &[("TSH", "9.99")], "F", TIME).replace("SERUM", "URINE");
    send(address, &urine).await;
    let owed = |destination: &str| lab.reader().sums().unwrap().destinations[destination].owed;
    until("the healthy ones have everything", || {
        owed("dead") == 61
            && state(&lab, "chemistry", "accepted") == 20
            && state(&lab, "hormones", "accepted") == 20
    })
    .await;
    let glucose: Vec<String> = (1..=20).map(|number| format!("EX{number:04} GLCC 5.40")).collect();
    let mut got = sent(&chemistry_only);
    got.sort();
    assert_eq!(got, glucose);
    assert!(hormones.ledger().taken().iter().all(|taken| (&*taken.code, &*taken.value) == ("L-TSH", "1.23")));
    let sums = lab.reader().sums().unwrap().destinations;
    for waiting in ["dead", "silent"] {
        let still: i64 = ["pending", "in-flight", "unknown"].iter().map(|it| sums[waiting].of(it)).sum();
        assert_eq!((sums[waiting].owed, still), (61, 61), "{waiting} is owed all of it still");
    }
    assert!(lab.text(&["status"]).contains("The sums balance."));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_lims_is_tried_out_and_takes_over_and_corrections_reach_both() {
    let (old, new) = (http_lims().await, http_lims().await);
    let (lab, address) = laboratory().await;
    let both = |old_mode: &str, new_mode: &str| {
        deliver_to(
            &lab,
            &[
                http("old", old.address, &format!("mode = \"{old_mode}\"")),
                http("new", new.address, &format!("mode = \"{new_mode}\"")),
            ],
        );
    };
    both("live", "test");
    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "5.40", "F", TIME)).await;
    send(address, &glucose("EX0002", "6.10", "F", TIME).replace("||||P|E", "||||T|E")).await;
    until("it is where it belongs", || sent(&old).len() == 1 && sent(&new).len() == 2).await;
    assert_eq!(sent(&old), ["EX0001 GLCC 5.40"], "what the analyzer marks as training isn't for patients");
    assert_eq!(sent(&new), ["EX0001 GLCC 5.40?", "EX0002 GLCC 6.10?"]);
    assert!(lab.text(&["status"]).contains("new (under test): up"));
    assert!(gateway.terminate().success());

    both("drain", "live");
    let gateway = lab.start().await;
    // The same result as in training, now meant: no repetition.
    send(address, &glucose("EX0002", "6.10", "F", TIME)).await;
    send(address, &glucose("EX0001", "5.60", "C", "20260102040405")).await;
    until("all is settled", || sent(&old).len() == 2 && sent(&new).len() == 4).await;
    assert_eq!(sent(&old)[1], "EX0001 GLCC 5.60", "it isn't left with a value that was corrected");
    let mut taken_over = sent(&new).split_off(2);
    taken_over.sort();
    assert_eq!(taken_over, ["EX0001 GLCC 5.60", "EX0002 GLCC 6.10"]);
    until("the answers are on disk", || state(&lab, "old", "accepted") == 2).await;
    assert!(lab.text(&["status"]).contains("old (drains): up"));
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_destination_takes_is_a_problem_and_leaves_once_one_does() {
    let lims = http_lims().await;
    let (lab, address) = laboratory().await;
    deliver_to(&lab, &[http("lims", lims.address, "tests = [\"NA\"]")]);
    let gateway = lab.start().await;
    send(address, &support::chemistry("EX0001", &[("GLCC", "5.40"), ("NA", "140")], "F", TIME)).await;
    until("what is taken is delivered", || state(&lab, "lims", "accepted") == 1).await;
    let problems = lab.text(&["problems"]);
    assert!(problems.contains("no destination takes these tests: GLCC"), "{problems}");
    assert!(gateway.terminate().success());

    deliver_to(&lab, &[http("lims", lims.address, "")]);
    let gateway = lab.start().await;
    until("the rest is delivered too", || state(&lab, "lims", "accepted") == 2).await;
    assert_eq!(sent(&lims), ["EX0001 NA 140", "EX0001 GLCC 5.40"]);
    let problems = lab.text(&["problems"]);
    assert!(!problems.contains("no destination takes"), "{problems}");
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_goes_where_its_result_went_and_is_no_problem_though_no_table_takes_it() {
    let lims = http_lims().await;
    let (lab, address) = laboratory().await;
    deliver_to(&lab, &[http("lims", lims.address, "tests = [\"GLCC\"]")]);
    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "5.40", "F", TIME)).await;
    until("it is delivered", || state(&lab, "lims", "accepted") == 1).await;
    assert!(gateway.terminate().success());

    deliver_to(&lab, &[http("lims", lims.address, "tests = [\"NA\"]")]);
    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "5.60", "C", TIME)).await;
    until("the correction follows", || sent(&lims).len() == 2).await;
    until("its answer is on disk", || state(&lab, "lims", "accepted") == 2).await;
    let problems = lab.text(&["problems"]);
    assert!(!problems.contains("no destination takes"), "{problems}");
    assert!(gateway.terminate().success());
    lab.must_balance();
}
