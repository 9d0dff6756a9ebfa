//! Analyzers that speak HL7 over MLLP, by hand: what they are answered, and what the LIMS then holds.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::net::SocketAddr;
use std::time::Duration;

use labsim::lims::Lims;
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// One result of a specimen, as a cobas pro sends it.
fn result(control_id: &str, specimen: &str, value: &str) -> String {
    format!(
        "MSH|^~\\&|cobas pro||Host||20260501120000||OUL^R22^OUL_R22|{control_id}|P|2.5.1|||NE|AL||UNICODE UTF-8\r\
         SPM|1|{specimen}&BARCODE||SERPLAS|||||||P\r\
         OBR|1|\"\"||10020\r\
         OBX|1|NM|10020|1|{value}|ng/dL|||||F|||||||e801~77|20260501115500\r"
    )
}

/// An analyzer's connection.
struct Analyzer {
    line: TcpStream,
}

impl Analyzer {
    async fn connect(address: SocketAddr) -> Analyzer {
        Analyzer { line: connect(address).await }
    }

    async fn say(&mut self, bytes: &[u8]) {
        self.line.write_all(bytes).await.unwrap();
    }

    async fn send(&mut self, message: &str) -> String {
        self.say(&[b"\x0B", message.as_bytes(), b"\x1C\r"].concat()).await;
        self.answer().await.unwrap()
    }

    /// The next block, without its framing; `None` when nothing comes.
    async fn answer(&mut self) -> Option<String> {
        let mut block = Vec::new();
        let reading = async {
            while !block.ends_with(b"\x1C\r") {
                block.push(self.line.read_u8().await?);
            }
            Ok::<_, std::io::Error>(())
        };
        timeout(Duration::from_secs(5), reading).await.ok()?.ok()?;
        Some(String::from_utf8(block[1..block.len() - 2].to_vec()).unwrap())
    }
}

async fn laboratory(more: &str) -> (Lims, Lab, SocketAddr) {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("cobas", "roche-cobas-pro", more, &listener(address));
    (lims, lab, address)
}

async fn accepted(lab: &Lab, count: i64) {
    until("the LIMS has it", || lab.count("accepted") >= count).await;
    assert_eq!(lab.count("accepted"), count);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_answered_once_it_is_stored_and_its_result_reaches_the_lims() {
    let (_lims, lab, address) = laboratory("").await;
    let gateway = lab.start().await;
    let mut analyzer = Analyzer::connect(address).await;
    let answer = analyzer.send(&result("17", "S1", "1.12")).await;
    assert!(answer.contains("|ACK^R22^ACK|") && answer.contains("\rMSA|AA|17"), "{answer}");
    accepted(&lab, 1).await;
    let way = lab.text(&["trace", "S1"]);
    assert!(way.contains("10020 1.12 ng/dL") && way.contains("roche-cobas-pro/1"), "{way}");
    assert!(gateway.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_again_gets_the_first_answer_and_is_delivered_once_even_after_a_kill() {
    let (_lims, lab, address) = laboratory("").await;
    let gateway = lab.start().await;
    let mut analyzer = Analyzer::connect(address).await;
    let message = result("17", "S1", "1.12");
    let first = analyzer.send(&message).await;
    let again = analyzer.send(&message).await;
    assert_eq!(again, first, "the stored answer, its control ID and time too");
    gateway.kill();
    let gateway = lab.start().await;
    let mut analyzer = Analyzer::connect(address).await;
    assert_eq!(analyzer.send(&message).await, first);
    // Only its control ID and time differ: a fresh answer, and nothing new.
    let fresh =
        analyzer.send(&message.replace("|17|", "|18|").replace("20260501120000", "20260501120100")).await;
    assert!(fresh != first && fresh.contains("MSA|AA|18"), "{fresh}");
    until("all four are read", || lab.reader().waiting().unwrap().unread == 0).await;
    accepted(&lab, 1).await;
    assert_eq!(lab.reader().sums().unwrap().intake.duplicate, 3);
    assert!(gateway.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_come_in_any_pieces_and_each_is_answered_in_its_turn() {
    let (_lims, lab, address) = laboratory("").await;
    let gateway = lab.start().await;
    let mut analyzer = Analyzer::connect(address).await;
    let two: Vec<u8> = [("1", "S1"), ("2", "S2")]
        .iter()
        .flat_map(|(id, specimen)| [b"\x0B", result(id, specimen, "1.1").as_bytes(), b"\x1C\r"].concat())
        .collect();
    for byte in &two {
        analyzer.say(&[*byte]).await;
    }
    for id in ["1", "2"] {
        assert!(analyzer.answer().await.unwrap().contains(&format!("MSA|AA|{id}")));
    }
    analyzer.say(&two.repeat(2)).await;
    for id in ["1", "2", "1", "2"] {
        assert!(analyzer.answer().await.unwrap().contains(&format!("MSA|AA|{id}")));
    }
    accepted(&lab, 2).await;
    assert!(gateway.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_block_is_no_message_and_what_is_not_for_us_is_rejected_and_kept() {
    let (_lims, lab, address) = laboratory("").await;
    let gateway = lab.start().await;
    let mut analyzer = Analyzer::connect(address).await;
    let whole = result("17", "S1", "1.12");
    analyzer.say(&[b"\x0B", &whole.as_bytes()[..whole.len() - 30]].concat()).await;
    drop(analyzer);
    let mut analyzer = Analyzer::connect(address).await;
    let rejected = analyzer.send("MSH|^~\\&|cobas pro||Host||20260501||ADT^A01|5|P|2.5.1\rPID|1\r").await;
    assert!(rejected.contains("\rMSA|AR|5") && rejected.contains("|200^"), "{rejected}");
    until("it is kept as a problem", || lab.text(&["problems"]).contains("refused-message")).await;
    assert_eq!(lab.reader().sums().unwrap().intake.received, 0);
    assert!(gateway.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analyzer_that_waits_to_be_called_is_called_and_one_that_names_another_is_not_mixed_up() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dial = format!("[tcp_client]\nconnect = \"{}\"\n", listener.local_addr().unwrap());
    lab.instrument("cobas", "roche-cobas-pro", "", &dial);
    let gateway = lab.start().await;
    let (line, _) = timeout(Duration::from_secs(10), listener.accept()).await.unwrap().unwrap();
    let mut analyzer = Analyzer { line };
    assert!(analyzer.send(&result("1", "S1", "1.1")).await.contains("MSA|AA|1"));
    accepted(&lab, 1).await;
    let other = result("2", "S2", "1.1").replace("cobas pro", "someone else");
    assert!(analyzer.send(&other).await.contains("MSA|AA|2"), "it is on disk: no reason to send it for ever");
    until("it is kept as of nobody", || lab.text(&["problems"]).contains("no configured instrument fits"))
        .await;
    let problems = lab.text(&["problems"]);
    let why = "cobas (roche-cobas-pro) wants MSH-3";
    assert!(problems.contains(why) && problems.contains("and not \"someone else\""), "{problems}");
    assert!(gateway.terminate().success());
}

fn with(id: &str, specimen: &str, value: &str, status: &str) -> String {
    result(id, specimen, value).replace("|||||F|", &format!("|||||{status}|"))
}

/// Nobody would know from a value that it is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_analyzer_takes_back_leaves_as_void_and_never_as_a_value() {
    let (_lims, lab, address) = laboratory("").await;
    let gateway = lab.start().await;
    let mut analyzer = Analyzer::connect(address).await;
    analyzer.send(&with("1", "S1", "6.2", "F")).await;
    accepted(&lab, 1).await;
    for (id, specimen, status) in [("2", "S1", "W"), ("3", "S2", "D")] {
        analyzer.send(&with(id, specimen, "6.2", status)).await;
    }
    until("both wait", || lab.count("held") == 2).await;
    assert_eq!(lab.text(&["held"]).matches("takes this result back").count(), 2);
    for id in ["2", "3"] {
        lab.text(&["release", id, "--reason", "the ward says so too"]);
    }
    accepted(&lab, 3).await;
    let reader = lab.reader();
    for (delivery, supersedes) in [(2, Some("1")), (3, None)] {
        let sent = reader.payload(labwire::journal::DeliveryId(delivery)).unwrap().unwrap();
        let sent: serde_json::Value = serde_json::from_slice(sent.reveal()).unwrap();
        let it = &sent["results"][0];
        assert_eq!((&it["status"], &it["value"]["kind"]), (&"void".into(), &"absent".into()), "{it}");
        assert_eq!(it["value"]["reason"], "void: the analyzer took it back");
        assert_eq!(it["supersedes"].as_str(), supersedes, "{it}");
    }
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_takes_the_place_of_the_latest_one_that_the_lims_has() {
    let (_lims, lab, address) = laboratory("").await;
    let gateway = lab.start().await;
    let mut analyzer = Analyzer::connect(address).await;
    analyzer.send(&with("1", "S1", "6.2", "F")).await;
    accepted(&lab, 1).await;
    analyzer.send(&with("2", "S1", "6.2", "W")).await;
    until("it waits", || lab.count("held") == 1).await;
    analyzer.send(&with("3", "S1", "6.3", "C")).await;
    accepted(&lab, 2).await;
    let sent = lab.reader().payload(labwire::journal::DeliveryId(2)).unwrap().unwrap();
    let sent: serde_json::Value = serde_json::from_slice(sent.reveal()).unwrap();
    let it = &sent["results"][0];
    assert_eq!((&it["id"], &it["version"], &it["supersedes"]), (&"3".into(), &3.into(), &"1".into()));
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_that_comes_after_a_newer_waits_for_a_person() {
    let (_lims, lab, address) = laboratory("").await;
    let gateway = lab.start().await;
    let mut analyzer = Analyzer::connect(address).await;
    for (id, specimen, value, status) in
        [("1", "S1", "6.2", "C"), ("2", "S1", "6.0", "F"), ("3", "S2", "7.1", "F"), ("4", "S2", "7.0", "P")]
    {
        assert!(analyzer.send(&with(id, specimen, value, status)).await.contains(&format!("MSA|AA|{id}")));
    }
    until("both older ones wait", || lab.count("held") == 2).await;
    let held = lab.text(&["held"]);
    assert_eq!(held.matches("an older version of a result").count(), 2, "{held}");
    accepted(&lab, 2).await;
    // What is newer doesn't wait for that: another correction, and what is measured again.
    analyzer.send(&with("5", "S1", "6.4", "C")).await;
    analyzer.send(&with("6", "S1", "7.3", "F").replace("20260501115500", "20260501121500")).await;
    accepted(&lab, 4).await;
    // A failed run of the same time takes the value's place once a person says so.
    analyzer.send(&with("7", "S2", "", "X")).await;
    until("it waits", || lab.text(&["held"]).contains("that it couldn't be done")).await;
    assert_eq!((lab.count("accepted"), lab.count("held")), (4, 3));
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_never_reaches_the_lims_and_what_has_no_header_gets_no_answer() {
    let (_lims, lab, address) = laboratory("").await;
    let gateway = lab.start().await;
    let mut analyzer = Analyzer::connect(address).await;
    for (id, version) in [("1", "3.0"), ("2", "25")] {
        let refused =
            analyzer.send(&result(id, "S1", "1.1").replace("|2.5.1|", &format!("|{version}|"))).await;
        assert!(refused.contains(&format!("MSA|AR|{id}")) && !refused.contains("MSA|AA"), "{refused}");
    }
    analyzer.say(b"\x0BPID|1\rOBX|1|NM|10020||1.2\r\x1C\r").await;
    let next = analyzer.send(&result("3", "S3", "1.3")).await;
    assert!(next.contains("MSA|AA|3"), "the answer is to the next one: {next}");
    accepted(&lab, 1).await;
    until("all are kept", || lab.text(&["problems"]).lines().count() >= 3).await;
    let problems = lab.text(&["problems"]);
    assert_eq!(problems.matches("refused-message").count(), 2, "{problems}");
    assert_eq!(lab.reader().sums().unwrap().intake.new, 1);
    assert!(gateway.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn several_messages_in_one_block_are_each_answered_and_a_batch_that_counts_wrongly_is_told() {
    let (_lims, lab, address) = laboratory("").await;
    let gateway = lab.start().await;
    let mut analyzer = Analyzer::connect(address).await;
    let first = analyzer.send(&(result("1", "S1", "1.1") + &result("2", "S2", "1.2"))).await;
    assert!(first.contains("MSA|AA|1") && analyzer.answer().await.unwrap().contains("MSA|AA|2"));
    let batch = |ids: [&str; 2], says: &str| {
        let [one, two] = ids.map(|id| result(id, id, "1.3"));
        format!("BHS|^~\\&|cobas pro\r{one}{two}BTS|{says}\r")
    };
    let answer = analyzer.send(&batch(["3", "4"], "2")).await;
    assert!(
        answer.starts_with("BHS|") && answer.contains("MSA|AA|3") && answer.contains("MSA|AA|4"),
        "{answer}"
    );
    analyzer.send(&batch(["5", "6"], "5")).await;
    accepted(&lab, 6).await;
    let problems = lab.text(&["problems"]);
    assert!(problems.contains("BTS-1 says \"5\"; messages of its batch that came: 2"), "{problems}");
    assert_eq!(problems.lines().count(), 1, "{problems}");
    let message = lab.reader().open_problems(9).unwrap()[0].message.unwrap().to_string();
    lab.text(&["dismiss", "--message", &message, "--reason", "compared"]);
    assert!(lab.text(&["problems"]).contains("No open problems"));
    assert!(gateway.terminate().success());
}
