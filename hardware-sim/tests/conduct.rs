//! An analyzer against a host that says exactly what the test tells it to, in virtual time.

#![expect(clippy::unwrap_used, reason = "a test that can't go on must fail")]

use std::time::Duration;

use labsim::analyzer::{Analyzer, End, Options, TransferReport};
use labsim::faults::Faults;
use labsim::frame::{ACK, ENQ, EOT, NAK};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

const MESSAGE: &[u8] = b"H|\\^&\rL|1|N\r";
const FRAME_1: &[u8] = b"\x021H|\\^&\r\x03E5\r\n";
const FRAME_2: &[u8] = b"\x022L|1|N\r\x0305\r\n";

fn analyzer(options: Options) -> (Analyzer<DuplexStream>, DuplexStream) {
    let (near, far) = tokio::io::duplex(65_536);
    (Analyzer::new(near, options), far)
}

fn transferring(options: Options) -> (JoinHandle<(TransferReport, Duration)>, DuplexStream) {
    let (mut analyzer, host) = analyzer(options);
    let transfer = tokio::spawn(async move {
        let began = Instant::now();
        let report = analyzer.transfer(&[MESSAGE]).await;
        (report, began.elapsed())
    });
    (transfer, host)
}

fn with_faults(set: impl FnOnce(&mut Faults)) -> Options {
    let mut options = Options::default();
    set(&mut options.faults);
    options
}

async fn hears(host: &mut DuplexStream, bytes: &[u8]) {
    let mut heard = vec![0; bytes.len()];
    timeout(Duration::from_secs(100), host.read_exact(&mut heard)).await.unwrap().unwrap();
    assert_eq!(heard.escape_ascii().to_string(), bytes.escape_ascii().to_string());
}

async fn says(host: &mut DuplexStream, bytes: &[u8]) {
    host.write_all(bytes).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_acknowledged_transfer_is_complete() {
    let (transfer, mut host) = transferring(Options::default());
    for expected in [&[ENQ], FRAME_1, FRAME_2] {
        hears(&mut host, expected).await;
        says(&mut host, &[ACK]).await;
    }
    hears(&mut host, &[EOT]).await;
    let (report, _) = transfer.await.unwrap();
    assert!(report.is_complete());
    assert_eq!((report.frames_sent, report.repeats, report.naks), (2, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_refused_frame_is_sent_again_unchanged() {
    let (transfer, mut host) = transferring(Options::default());
    hears(&mut host, &[ENQ]).await;
    says(&mut host, &[ACK]).await;
    hears(&mut host, FRAME_1).await;
    says(&mut host, &[NAK]).await;
    hears(&mut host, FRAME_1).await;
    says(&mut host, &[ACK]).await;
    hears(&mut host, FRAME_2).await;
    says(&mut host, &[ACK]).await;
    let (report, _) = transfer.await.unwrap();
    assert!(report.is_complete());
    assert_eq!((report.frames_sent, report.repeats, report.naks), (3, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn after_six_refusals_the_analyzer_gives_up_and_nothing_counts_as_acknowledged() {
    let (transfer, mut host) = transferring(Options::default());
    hears(&mut host, &[ENQ]).await;
    says(&mut host, &[ACK]).await;
    hears(&mut host, FRAME_1).await;
    says(&mut host, &[ACK]).await;
    for _ in 0..6 {
        hears(&mut host, FRAME_2).await;
        says(&mut host, &[NAK]).await;
    }
    hears(&mut host, &[EOT]).await;
    let (report, _) = transfer.await.unwrap();
    assert_eq!((report.end, report.acknowledged), (End::TooManyTries, vec![false]));
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_the_analyzer_waits_fifteen_seconds_and_ends_the_transfer() {
    let (transfer, mut host) = transferring(Options::default());
    hears(&mut host, &[ENQ]).await;
    says(&mut host, &[ACK]).await;
    hears(&mut host, FRAME_1).await;
    hears(&mut host, &[EOT]).await;
    let (report, took) = transfer.await.unwrap();
    assert_eq!((report.end, report.acknowledged), (End::NoAnswer, vec![false]));
    assert_eq!(took.as_secs(), 15);
}

#[tokio::test(start_paused = true)]
async fn a_busy_host_is_asked_again_after_ten_seconds() {
    let (transfer, mut host) = transferring(Options::default());
    hears(&mut host, &[ENQ]).await;
    says(&mut host, &[NAK]).await;
    for expected in [&[ENQ], FRAME_1, FRAME_2] {
        hears(&mut host, expected).await;
        says(&mut host, &[ACK]).await;
    }
    let (report, took) = transfer.await.unwrap();
    assert_eq!((report.end, report.busy, took.as_secs()), (End::Complete, 1, 10));
}

#[tokio::test(start_paused = true)]
async fn when_both_want_the_line_the_analyzer_asks_again_after_a_second() {
    let (transfer, mut host) = transferring(Options::default());
    hears(&mut host, &[ENQ]).await;
    says(&mut host, &[ENQ]).await;
    for expected in [&[ENQ], FRAME_1, FRAME_2] {
        hears(&mut host, expected).await;
        says(&mut host, &[ACK]).await;
    }
    let (report, took) = transfer.await.unwrap();
    assert_eq!((report.end, report.contentions, took.as_secs()), (End::Complete, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_asked_before_is_contended_with_too() {
    let (mut analyzer, mut host) = analyzer(Options::default());
    says(&mut host, &[ENQ]).await;
    let transfer = tokio::spawn(async move { analyzer.transfer(&[MESSAGE]).await });
    hears(&mut host, &[ENQ]).await;
    for expected in [&[ENQ], FRAME_1, FRAME_2] {
        hears(&mut host, expected).await;
        says(&mut host, &[ACK]).await;
    }
    let report = transfer.await.unwrap();
    assert_eq!((report.is_complete(), report.contentions), (true, 1));
}

#[tokio::test(start_paused = true)]
async fn an_ack_taken_for_lost_makes_the_analyzer_repeat_the_frame() {
    let (transfer, mut host) = transferring(with_faults(|faults| faults.analyzer.lost_ack = 1.0));
    for expected in [&[ENQ], FRAME_1, FRAME_1, FRAME_2, FRAME_2] {
        hears(&mut host, expected).await;
        says(&mut host, &[ACK]).await;
    }
    hears(&mut host, &[EOT]).await;
    let (report, _) = transfer.await.unwrap();
    assert!(report.is_complete());
    assert_eq!((report.frames_sent, report.repeats), (4, 2));
}

#[tokio::test(start_paused = true)]
async fn an_ack_found_late_leaves_the_message_unacknowledged() {
    let (transfer, mut host) = transferring(with_faults(|faults| faults.analyzer.late_ack = 1.0));
    hears(&mut host, &[ENQ]).await;
    says(&mut host, &[ACK]).await;
    hears(&mut host, FRAME_1).await;
    says(&mut host, &[ACK]).await;
    hears(&mut host, &[EOT]).await;
    let (report, _) = transfer.await.unwrap();
    assert_eq!((report.end, report.acknowledged), (End::NoAnswer, vec![false]));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_asks_to_stop_took_the_frame_and_gets_the_line() {
    let (transfer, mut host) = transferring(Options::default());
    hears(&mut host, &[ENQ]).await;
    says(&mut host, &[ACK]).await;
    hears(&mut host, FRAME_1).await;
    says(&mut host, &[EOT]).await;
    hears(&mut host, &[EOT]).await;
    let (report, took) = transfer.await.unwrap();
    assert_eq!((report.end, report.acknowledged, took.as_secs()), (End::Interrupted, vec![false], 15));
}

#[tokio::test(start_paused = true)]
async fn noise_before_an_answer_is_heard_over_and_a_garbled_answer_makes_it_repeat() {
    let (transfer, mut host) = transferring(Options::default());
    hears(&mut host, &[ENQ]).await;
    says(&mut host, b"~\x06").await;
    hears(&mut host, FRAME_1).await;
    says(&mut host, b"F").await;
    hears(&mut host, FRAME_1).await;
    says(&mut host, &[ACK]).await;
    hears(&mut host, FRAME_2).await;
    says(&mut host, &[ACK]).await;
    let (report, _) = transfer.await.unwrap();
    assert_eq!((report.is_complete(), report.garbled, report.repeats), (true, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn of_several_messages_each_counts_by_its_own_last_frame() {
    let (mut analyzer, mut host) = analyzer(Options::default());
    let transfer = tokio::spawn(async move { analyzer.transfer(&[MESSAGE, MESSAGE]).await });
    for expected in [&[ENQ], FRAME_1, FRAME_2] {
        hears(&mut host, expected).await;
        says(&mut host, &[ACK]).await;
    }
    drop(host);
    let report = transfer.await.unwrap();
    assert_eq!((report.end, report.acknowledged), (End::Disconnected, vec![true, false]));
}

#[tokio::test(start_paused = true)]
async fn faults_before_the_last_frame_leave_the_message_unacknowledged() {
    type Set = fn(&mut Faults);
    let cases: [(Set, End, &[u8]); 3] = [
        (|faults| faults.analyzer.silence = 1.0, End::Silent, b""),
        (|faults| faults.analyzer.abandon = 1.0, End::Abandoned, b"\x04"),
        (|faults| faults.analyzer.cut_before_end = 1.0, End::Disconnected, b""),
    ];
    for (set, end, last) in cases {
        let (transfer, mut host) = transferring(with_faults(set));
        for expected in [&[ENQ], FRAME_1] {
            hears(&mut host, expected).await;
            says(&mut host, &[ACK]).await;
        }
        let (report, _) = transfer.await.unwrap();
        assert_eq!((report.end, report.acknowledged), (end, vec![false]));
        let mut rest = Vec::new();
        host.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, last);
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_never_taken_for_the_answer_to_the_next_frame() {
    let (mut analyzer, mut host) = analyzer(Options::default());
    let transfers = tokio::spawn(async move {
        let first = analyzer.transfer(&[MESSAGE]).await;
        (first, analyzer.transfer(&[MESSAGE]).await)
    });
    hears(&mut host, &[ENQ]).await;
    says(&mut host, &[ACK]).await;
    hears(&mut host, FRAME_1).await;
    hears(&mut host, &[EOT]).await;
    says(&mut host, &[ACK]).await;
    for expected in [&[ENQ], FRAME_1] {
        hears(&mut host, expected).await;
        says(&mut host, &[ACK]).await;
    }
    hears(&mut host, FRAME_2).await;
    drop(host);
    let (first, second) = transfers.await.unwrap();
    assert_eq!(first.end, End::NoAnswer);
    assert_eq!((second.end, second.acknowledged), (End::Disconnected, vec![false]));
}

#[tokio::test(start_paused = true)]
async fn a_transfer_dropped_in_the_middle_is_ended_before_the_next() {
    let (mut analyzer, mut host) = analyzer(Options::default());
    says(&mut host, &[ACK]).await;
    let dropped = timeout(Duration::from_secs(1), analyzer.transfer(&[MESSAGE])).await;
    assert!(dropped.is_err());
    let transfer = tokio::spawn(async move { analyzer.transfer(&[MESSAGE]).await });
    hears(&mut host, &[ENQ]).await;
    hears(&mut host, &[EOT]).await;
    for expected in [&[ENQ], FRAME_1, FRAME_2] {
        hears(&mut host, expected).await;
        says(&mut host, &[ACK]).await;
    }
    assert!(transfer.await.unwrap().is_complete());
}

#[tokio::test(start_paused = true)]
async fn a_message_from_the_host_is_taken_in() {
    let (mut analyzer, mut host) = analyzer(Options::default());
    let receiving = tokio::spawn(async move { analyzer.receive(Duration::from_secs(60)).await });
    let mut broken = FRAME_2.to_vec();
    broken[2] ^= 1;
    let dialogue: [(&[u8], u8); 5] =
        [(&[ENQ], ACK), (FRAME_1, ACK), (FRAME_1, ACK), (&broken, NAK), (FRAME_2, ACK)];
    for (said, answer) in dialogue {
        says(&mut host, said).await;
        hears(&mut host, &[answer]).await;
    }
    says(&mut host, &[EOT]).await;
    assert_eq!(receiving.await.unwrap().unwrap(), MESSAGE);
}

#[tokio::test(start_paused = true)]
async fn a_query_is_asked_and_its_answer_awaited() {
    let (mut analyzer, mut host) = analyzer(Options::default());
    let asking = tokio::spawn(async move { analyzer.query(MESSAGE).await });
    for expected in [&[ENQ], FRAME_1, FRAME_2] {
        hears(&mut host, expected).await;
        says(&mut host, &[ACK]).await;
    }
    hears(&mut host, &[EOT]).await;
    for said in [&[ENQ], FRAME_1, FRAME_2] {
        says(&mut host, said).await;
        hears(&mut host, &[ACK]).await;
    }
    assert_eq!(asking.await.unwrap().unwrap(), MESSAGE);
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_query_is_given_up_after_ten_seconds() {
    let (mut analyzer, mut host) = analyzer(Options::default());
    let asking = tokio::spawn(async move { (analyzer.query(MESSAGE).await, Instant::now()) });
    for expected in [&[ENQ], FRAME_1, FRAME_2] {
        hears(&mut host, expected).await;
        says(&mut host, &[ACK]).await;
    }
    let asked = Instant::now();
    let (answer, given_up) = asking.await.unwrap();
    assert_eq!((answer, (given_up - asked).as_secs()), (None, 10));
}

#[tokio::test(start_paused = true)]
async fn an_analyzer_may_contend_or_be_busy_when_the_host_asks() {
    let contending = with_faults(|faults| faults.analyzer.contention = 1.0);
    let (mut analyzer, mut host) = self::analyzer(contending);
    let receiving = tokio::spawn(async move { analyzer.receive(Duration::from_secs(60)).await });
    says(&mut host, &[ENQ]).await;
    hears(&mut host, &[ENQ]).await;
    hears(&mut host, &[ENQ]).await;
    says(&mut host, &[ACK]).await;
    hears(&mut host, &[EOT]).await;
    assert_eq!(receiving.await.unwrap(), None);

    let (mut analyzer, mut host) = self::analyzer(with_faults(|faults| faults.analyzer.busy = 1.0));
    let receiving = tokio::spawn(async move { analyzer.receive(Duration::from_secs(60)).await });
    says(&mut host, &[ENQ]).await;
    hears(&mut host, &[NAK]).await;
    assert_eq!(receiving.await.unwrap(), None);
}
