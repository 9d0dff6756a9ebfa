//! Delivery by HL7 over MLLP to a LIMS that answers in every way: what it said of a message counts for that message only,
//! the same message is always the same bytes under the same control ID, and each result is held once in the end.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;

use labsim::lims::Outcome;
use labsim::lims::mllp::{MllpLims, Mode, Setup, next_block, write_block};
use support::*;
use tokio::net::TcpStream;

const TIME: &str = "20260102030405";

async fn mllp_lims() -> MllpLims {
    MllpLims::start(Setup::default()).await.unwrap()
}

/// A laboratory with one Erba XL whose results go by HL7 to this address; `more` is added to the destination's table.
async fn laboratory(lims: SocketAddr, more: &str) -> (Lab, SocketAddr) {
    let unused = support::lims().await;
    let lab = Lab::new(&unused, "");
    let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
    let (before, _) = site.split_once("[destination.lims]").unwrap();
    let timeout = if more.starts_with("timeout_secs") { "" } else { "timeout_secs = 1" };
    let destination = format!(
        "[destination.lims]\nkind = \"mllp\"\nconnect = \"{lims}\"\nbackoff_first_secs = 1\nbackoff_longest_secs = 1\n\
         breaker_failures = 50\nbreaker_rest_secs = 1\n{timeout}\n{more}\n"
    );
    fs::write(lab.path("labwire.toml"), format!("{before}{destination}")).unwrap();
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    (lab, address)
}

/// Sends one result and waits until it is in this state.
async fn send_until(lab: &Lab, address: SocketAddr, specimen: &str, state: &str) {
    let before = lab.count(state);
    send(address, &glucose(specimen, "5.40", "F", TIME)).await;
    until(&format!("{specimen} is {state}"), || lab.count(state) == before + 1).await;
}

/// Every message of a control ID is the same to the byte; tells how often each came.
fn times_each(lims: &MllpLims) -> Vec<usize> {
    let mut seen: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    let mut order = Vec::new();
    for attempt in lims.ledger().attempts() {
        if !seen.contains_key(&attempt.control_id) {
            order.push(attempt.control_id.clone());
        }
        assert!((10..=20).contains(&attempt.control_id.len()), "{}", attempt.control_id);
        seen.entry(attempt.control_id.clone()).or_default().push(attempt.message.clone());
    }
    for (control_id, messages) in &seen {
        assert!(messages.iter().all(|message| *message == messages[0]), "{control_id} changed");
    }
    order.iter().map(|control_id| seen[control_id].len()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_answer_has_its_verdict() {
    let lims = mllp_lims().await;
    let (lab, address) = laboratory(lims.address(), "").await;
    let _gateway = lab.start().await;
    let refuse = |code: &str, error| Mode::Refuse(code.to_owned(), error);
    let cases = [
        (Mode::Accept, "accepted", 1),
        (Mode::CommitThenAccept, "accepted", 1),
        (Mode::Doubled, "accepted", 1),
        (refuse("AE", None), "refused", 1),
        (refuse("AE", Some(101)), "refused", 1),
        (refuse("AE", Some(207)), "accepted", 2),
        (refuse("AR", None), "accepted", 2),
        (refuse("AR", Some(200)), "refused", 1),
        (refuse("CE", None), "accepted", 2),
        (refuse("CR", None), "refused", 1),
    ];
    for (number, (mode, state, _)) in (1..).zip(&cases) {
        lims.meet([mode.clone()]);
        send_until(&lab, address, &format!("EX{number:04}"), state).await;
    }
    let ledger = lims.ledger();
    for (number, (mode, state, _)) in (1..).zip(&cases) {
        let times = usize::from(*state == "accepted");
        assert_eq!(ledger.times(&format!("EX{number:04}"), "5.40"), times, "{mode}");
    }
    assert_eq!(times_each(&lims), cases.map(|(_, _, times)| times));
    assert!(ledger.attempts().iter().all(|attempt| attempt.connection == 1), "one connection is kept");
    let log = fs::read_to_string(lab.path("log")).unwrap();
    assert!(log.contains("answered AE, error 101"), "the verdict is in the log");
    assert!(!log.contains("Anna") && !log.contains("said on command"), "and nobody's words are");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_tells_both_ends_of_its_connection_and_what_came_back() {
    let lims = mllp_lims().await;
    let (lab, address) = laboratory(lims.address(), "").await;
    let _gateway = lab.start().await;
    send_until(&lab, address, "EX0001", "accepted").await;
    let told = lab.text(&["trace", "EX0001", "--raw"]);
    let way = format!(" to {}, in the clear", lims.address());
    assert!(told.contains(", by way of 127.0.0.1:") && told.contains(&way), "{told}");
    let sent = told.lines().find(|line| line.contains("    sent, ")).unwrap();
    assert!(sent.contains(" bytes: MSH|^~\\&|labwire|") && sent.contains("|5.40|mg/dl|"), "{told}");
    let received = told.lines().find(|line| line.contains("    received, ")).unwrap();
    assert!(received.contains("<VT>MSH|") && received.contains("MSA|AA|"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_alone_is_staged_or_what_a_rule_makes_of_it() {
    let lims = mllp_lims().await;
    lims.set_mode(Mode::Commit);
    let (lab, address) = laboratory(lims.address(), "answer = \"commit\"").await;
    let gateway = lab.start().await;
    send_until(&lab, address, "EX0001", "staged").await;
    gateway.terminate();
    let rule = "answer = \"commit\"\n[[destination.lims.rule]]\ncode = \"CA\"\nverdict = \"accepted\"";
    let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
    fs::write(lab.path("labwire.toml"), site.replace("answer = \"commit\"", rule)).unwrap();
    let _gateway = lab.start().await;
    send_until(&lab, address, "EX0002", "accepted").await;
    assert_eq!(times_each(&lims), [1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_an_answer_of_its_own_is_sent_again_and_held_once() {
    let lims = mllp_lims().await;
    let (lab, address) = laboratory(lims.address(), "application_timeout_secs = 1").await;
    let _gateway = lab.start().await;
    let modes = [
        Mode::LoseAnswer,
        Mode::Ignore,
        Mode::Garbage,
        Mode::WrongId,
        Mode::Late,
        Mode::Close,
        Mode::Cut,
        Mode::Commit,
    ];
    for (number, mode) in (1..).zip(&modes) {
        lims.meet([mode.clone()]);
        send_until(&lab, address, &format!("EX{number:04}"), "accepted").await;
    }
    let ledger = lims.ledger();
    for (number, mode) in (1..).zip(&modes) {
        assert_eq!(ledger.times(&format!("EX{number:04}"), "5.40"), 1, "{mode}");
    }
    assert_eq!(times_each(&lims), [2; 8]);
    for pair in ledger.attempts().chunks(2) {
        assert_ne!(pair[0].connection, pair[1].connection, "the next attempt has a connection of its own");
    }
}

/// What a client believes that takes whatever comes next for the answer to what it sent last.
async fn naive(lims: &MllpLims, control_ids: &[&str]) -> Vec<bool> {
    let mut line = TcpStream::connect(lims.address()).await.unwrap();
    let mut believed = Vec::new();
    for control_id in control_ids {
        let message =
            format!("MSH|^~\\&|||||||ORU^R01|{control_id}|P|2.5.1\rOBX|1|NM|K|1|4.1\rSPM|1|{control_id}\r");
        write_block(&mut line, message.as_bytes()).await.unwrap();
        let answer = next_block(&mut line).await.unwrap().unwrap();
        believed.push(String::from_utf8(answer).unwrap().contains("MSA|AA|"));
    }
    believed
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_again_is_never_credited_to_the_next_message() {
    let modes = || [Mode::Again, Mode::Refuse("AE".to_owned(), Some(101))];
    let lims = mllp_lims().await;
    lims.meet(modes());
    assert_eq!(naive(&lims, &["A", "B"]).await, [true, true], "so the repeated answer can be mistaken");
    assert_eq!((lims.ledger().times("A", "4.1"), lims.ledger().times("B", "4.1")), (1, 0));

    let lims = mllp_lims().await;
    lims.meet(modes());
    let (lab, address) = laboratory(lims.address(), "").await;
    let _gateway = lab.start().await;
    send_until(&lab, address, "EX0001", "accepted").await;
    send_until(&lab, address, "EX0002", "refused").await;
    let ledger = lims.ledger();
    assert_eq!((ledger.times("EX0001", "5.40"), ledger.times("EX0002", "5.40")), (1, 0));
    assert!(ledger.attempts().iter().all(|attempt| attempt.connection == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_late_is_never_credited_to_another_message() {
    let lims = mllp_lims().await;
    lims.meet([Mode::Late, Mode::Refuse("AE".to_owned(), Some(101))]);
    let (lab, address) = laboratory(lims.address(), "on_unknown = \"ask\"").await;
    let _gateway = lab.start().await;
    send_until(&lab, address, "EX0001", "unknown").await;
    send_until(&lab, address, "EX0002", "refused").await;
    assert_eq!(
        lab.count("unknown"),
        1,
        "and the first one's late answer settles nothing without its message"
    );
    assert_eq!(lab.count("accepted"), 0);
    assert_eq!(lims.ledger().times("EX0002", "5.40"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lims_that_is_away_gets_everything_once_it_is_back() {
    let place = free_port();
    let (lab, address) = laboratory(place, "").await;
    let _gateway = lab.start().await;
    send(address, &glucose("EX0001", "5.40", "F", TIME)).await;
    let log = lab.path("log");
    until("it was tried", || fs::read_to_string(&log).unwrap().contains("not sent")).await;
    let lims = MllpLims::start(Setup { listen: place, ..Setup::default() }).await.unwrap();
    until("it is accepted", || lab.count("accepted") == 1).await;
    assert_eq!(times_each(&lims), [1]);
    lims.stop().await;
    let lims = MllpLims::start(Setup { listen: place, ..Setup::default() }).await.unwrap();
    send_until(&lab, address, "EX0002", "accepted").await;
    assert_eq!(lims.ledger().times("EX0002", "5.40"), 1, "the connection was made again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_killed_while_it_waits_sends_the_same_again() {
    let lims = mllp_lims().await;
    lims.meet([Mode::LoseAnswer]);
    let (lab, address) = laboratory(lims.address(), "timeout_secs = 25\nmessage = \"OUL^R22\"").await;
    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "5.40", "F", TIME)).await;
    until("the LIMS has it", || lims.ledger().attempts().len() == 1).await;
    gateway.kill();
    let _gateway = lab.start().await;
    until("it is accepted", || lab.count("accepted") == 1).await;
    let outcomes: Vec<Outcome> = lims.ledger().attempts().iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, [Outcome::Taken, Outcome::Replayed]);
    assert_eq!(times_each(&lims), [2]);
    assert_eq!(lims.ledger().times("EX0001", "5.40"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_sends_once_more_has_its_control_id_and_the_preview_says_what_that_means() {
    let lims = mllp_lims().await;
    let (lab, address) = laboratory(lims.address(), "").await;
    let _gateway = lab.start().await;
    send_until(&lab, address, "EX0001", "accepted").await;
    send_until(&lab, address, "EX0002", "accepted").await;
    let wanted = ["resend", "--specimen", "EX0001", "--to-destination", "lims"];
    let preview = lab.text(&wanted);
    assert!(preview.contains("the same control ID (MSH-10)") && preview.contains("TWICE"), "{preview}");
    assert_eq!(times_each(&lims), [1, 1]);
    let said = ["--yes", "--by", "Anna Example", "--reason", "the LIMS was restored"];
    assert!(lab.run(&[&wanted[..], &said[..]].concat()).status.success());
    until("it came again and is settled", || times_each(&lims) == [2, 1] && lab.count("accepted") == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_that_is_not_escaped_and_a_time_with_its_distance_reach_the_lims_whole() {
    let lims = mllp_lims().await;
    let (lab, _) = laboratory(lims.address(), "").await;
    let address = free_port();
    lab.instrument("counter", "mindray-bc-5380", "", &listener(address));
    let _gateway = lab.start().await;
    let message = "MSH|^~\\&|BC-5380|Mindray|||20260430101447||ORU^R01|87|P|2.3.1||||||UNICODE\r\
                   OBR|1||EX0001|00001^Automated Count^99MRC|||20260430101339.25+0900\r\
                   OBX|1|NM|6690-2^WBC^LN||6.16|10^9/L|||||F\r\
                   OBX|2|NM|789-8^RBC^LN||4.70|10^12/L^UCUM|||||F\r";
    let mut analyzer = connect(address).await;
    write_block(&mut analyzer, message.as_bytes()).await.unwrap();
    let answer = next_block(&mut analyzer).await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&answer).contains("MSA|AA|87"));
    until("the count is accepted", || lab.count("accepted") == 1).await;
    let attempts = lims.ledger().attempts().to_vec();
    let sent: Vec<_> = attempts.iter().map(|it| String::from_utf8_lossy(&it.message).into_owned()).collect();
    assert!(sent.len() == 1 && sent[0].contains("|6.16|10\\S\\9/L|"), "{sent:?}");
    assert!(sent[0].contains("|20260430101339.25+0900"), "{sent:?}");
    assert_eq!(lab.count("held"), 1, "what can't be told apart waits");
    let way = lab.text(&["trace", "EX0001"]);
    assert!(way.contains("6690-2 6.16 10^9/L") && way.contains("OBX-6 has parts"), "{way}");
}
