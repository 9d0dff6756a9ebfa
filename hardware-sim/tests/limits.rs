//! An analyzer that asks gives up at its own limit, in each dialect and in virtual time: an answer that begins a second
//! before it counts, and one that comes a second after it doesn't.

#![expect(clippy::unwrap_used, reason = "a test that can't go on must fail")]

use std::time::Duration;

use labsim::analyzer::{Analyzer, Options, Timing};
use labsim::frame::{ACK, ENQ, EOT, Framing, cut, emit};
use labsim::mllp::{MllpAnalyzer, Way};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::sleep;

const QUERY: &[u8] = b"H|\\^&\rQ|1|^T1||ALL||||||||O\rL|1|N\r";
const NONE: &[u8] = b"H|\\^&\rL|1|I\r";

/// The limits that manuals name.
const LIMITS: [u64; 3] = [10, 15, 60];

fn within(limit: Duration) -> Options {
    Options { timing: Timing { answer: limit, ..Timing::default() }, ..Options::default() }
}

/// Takes the query, and answers it after a while.
async fn answers_over_astm(mut host: DuplexStream, after: Duration) {
    loop {
        match host.read_u8().await.unwrap() {
            EOT => break,
            ENQ | b'\n' => host.write_all(&[ACK]).await.unwrap(),
            _ => {}
        }
    }
    sleep(after).await;
    host.write_all(&[ENQ]).await.unwrap();
    let frames = cut(NONE, Framing::default());
    let frames = (1..).zip(&frames).map(|(number, part)| emit(number, part));
    let mut next = frames.chain([vec![EOT]]);
    while let Ok(ACK) = host.read_u8().await {
        let Some(bytes) = next.next() else { return };
        host.write_all(&bytes).await.unwrap();
    }
}

async fn answers_over_mllp(mut host: DuplexStream, way: Way, after: Duration) {
    while host.read_u8().await.unwrap() != 0x1C {}
    sleep(after).await;
    let kind = match way {
        Way::Law => "RSP^K11^RSP_K11|9|P|2.5.1\rQAK|1|NF|",
        Way::Mindray => "QCK^Q02|9|P|2.3.1\rQAK|SR|NF|",
        Way::MindrayOrm => "ORR^O02|9|P|2.3.1\rMSA|AR|1",
    };
    let block = format!("\x0BMSH|^~\\&|||||||{kind}\r\x1C\r");
    host.write_all(block.as_bytes()).await.unwrap();
    // The line stays open: nobody hangs up because it took long.
    sleep(Duration::from_secs(600)).await;
}

/// Whether an analyzer hears an answer that comes after this while.
async fn hears(way: Option<Way>, limit: Duration, after: Duration) -> bool {
    let (near, far) = tokio::io::duplex(65_536);
    match way {
        None => {
            tokio::spawn(answers_over_astm(far, after));
            Analyzer::new(near, within(limit)).query(QUERY).await.is_some()
        }
        Some(way) => {
            tokio::spawn(answers_over_mllp(far, way, after));
            MllpAnalyzer::new(near, within(limit)).query(way, "T1", "1").await.is_some()
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_dialect_gives_up_at_its_limit() {
    let second = Duration::from_secs(1);
    for way in [None, Some(Way::Law), Some(Way::Mindray), Some(Way::MindrayOrm)] {
        for limit in LIMITS.map(Duration::from_secs) {
            assert!(hears(way, limit, limit - second).await, "{way:?} {limit:?}");
            assert!(!hears(way, limit, limit + second).await, "{way:?} {limit:?}");
        }
    }
}
