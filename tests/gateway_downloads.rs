//! Instruments that don't ask, with the real program: they are told of their work on their own connection.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;
#[expect(dead_code, reason = "shared with the other tests of orders, which use the rest")]
#[path = "support/teller.rs"]
mod teller;

use std::net::SocketAddr;
use std::time::Duration;

use labsim::lims::Lims;
use support::*;
use teller::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

async fn with_download() -> (Lims, Lab, SocketAddr, SocketAddr) {
    let (lims, lab, analyzer, address) = laboratory().await;
    lab.instrument("erba", "erba-xl", "download = true", &listener(analyzer));
    (lims, lab, analyzer, address)
}

/// Takes one transfer as an analyzer that listens; its records.
async fn hear(line: &mut TcpStream) -> String {
    let hearing = async {
        let mut text = Vec::new();
        loop {
            match line.read_u8().await.unwrap() {
                0x05 => line.write_all(b"\x06").await.unwrap(),
                0x04 => return String::from_utf8(text).unwrap(),
                0x02 => {
                    let mut frame = Vec::new();
                    while !frame.ends_with(b"\r\n") || frame.len() < 6 {
                        frame.push(line.read_u8().await.unwrap());
                    }
                    text.extend_from_slice(frame.get(1..frame.len() - 5).unwrap());
                    line.write_all(b"\x06").await.unwrap();
                }
                other => panic!("{other:02x} came"),
            }
        }
    };
    timeout(Duration::from_secs(20), hearing).await.unwrap()
}

/// Each order's tests and what is to be done with them.
fn work(text: &str) -> Vec<(String, String)> {
    let orders = text.split('\r').filter(|record| record.starts_with("O|"));
    let order = |record: &str| {
        let fields: Vec<&str> = record.split('|').collect();
        assert_eq!(fields.get(25), Some(&"O"), "it answers nothing: {record}");
        ((*fields.get(4).unwrap()).replace('^', ""), (*fields.get(11).unwrap()).to_owned())
    };
    orders.map(order).collect()
}

fn is(told: &[(&str, &str)]) -> Vec<(String, String)> {
    told.iter().map(|(tests, action)| ((*tests).to_owned(), (*action).to_owned())).collect()
}

fn taken(lab: &Lab) -> bool {
    lab.reader().open_downloads(9).unwrap().is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn work_is_told_added_to_and_taken_back() {
    let (_lims, lab, analyzer, address) = with_download().await;
    let gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC"), ("NW", "P9", "ELSEWHERE")])).await;
    until("it waits for the analyzer", || !taken(&lab)).await;
    let shown = lab.text(&["orders"]);
    assert!(shown.contains("erba is to do GLCC with T1: due"), "{shown}");
    let mut line = connect(analyzer).await;
    let told = hear(&mut line).await;
    assert_eq!(work(&told), is(&[("GLCC", "N")]), "{told}");
    assert!(told.contains("|EX77|"), "{told}");
    until("it is known to be taken", || taken(&lab)).await;
    lims.tell(&oml("2", "T1", &[("NW", "P2", "CRR")])).await;
    assert_eq!(work(&hear(&mut line).await), is(&[("GLCC\\CRR", "A")]));
    until("it is taken", || taken(&lab)).await;
    lims.tell(&oml("3", "T1", &[("CA", "P1", "GLCC")])).await;
    assert_eq!(work(&hear(&mut line).await), is(&[("CRR", "A"), ("GLCC", "C")]));
    until("it is taken", || taken(&lab)).await;
    // The gateway is killed: nothing is told twice.
    gateway.kill();
    let _gateway = lab.start().await;
    let mut line = connect(analyzer).await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("4", "T1", &[("CA", "P2", "CRR")])).await;
    assert_eq!(work(&hear(&mut line).await), is(&[("CRR", "C")]));
    until("it is taken", || taken(&lab)).await;
    let shown = lab.text(&["orders", "T1"]);
    assert!(shown.contains("erba is to do nothing any more: taken"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_under_way_when_all_stopped_is_told_again() {
    let (_lims, lab, analyzer, address) = with_download().await;
    let gateway = lab.start().await;
    let mut line = connect(analyzer).await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC")])).await;
    assert_eq!(line.read_u8().await.unwrap(), 0x05);
    gateway.kill();
    let _gateway = lab.start().await;
    let mut line = connect(analyzer).await;
    assert_eq!(work(&hear(&mut line).await), is(&[("GLCC", "A")]), "it may know the tube");
    until("it is taken", || taken(&lab)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analyzer_that_takes_nothing_holds_up_no_other_and_its_results_go_first() {
    let (_lims, lab, analyzer, address) = with_download().await;
    let other = free_port();
    lab.instrument("other", "erba-xl", "download = true", &listener(other));
    let _gateway = lab.start().await;
    let mut wedged = connect(analyzer).await;
    let mut line = connect(other).await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC")])).await;
    assert_eq!(wedged.read_u8().await.unwrap(), 0x05, "it is asked and says nothing");
    assert_eq!(work(&hear(&mut line).await), is(&[("GLCC", "N")]));
    // Contention: the host yields to the analyzer's ENQ, and takes its results when it asks again.
    wedged.write_all(b"\x05").await.unwrap();
    let text = chemistry("T2", &[("CRR", "0.9")], "F", "20260501110000");
    let mut analyzer = labsim::analyzer::Analyzer::new(wedged, labsim::analyzer::Options::default());
    let _ = timeout(Duration::from_secs(30), analyzer.transfer(&[text.as_bytes()])).await;
    until("the result is there", || lab.count("accepted") == 1).await;
    let open = lab.reader().open_downloads(9).unwrap();
    assert!(open.iter().all(|it| it.instrument == "erba"), "{open:?}");
}
