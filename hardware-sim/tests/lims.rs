//! The simulated LIMS as a client sees it: once for a key, and every failure that it can be told to show.

#![expect(clippy::unwrap_used, reason = "a test that can't go on must fail")]

use std::time::Duration;

use labsim::lims::{Lims, Mode, Outcome, Setup};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PAYLOAD: &str = r#"{"schema":"labwire/results/1","specimen":{"id":"17"},
    "results":[{"id":"1","version":1,"instrument":"h500","specimen_as_sent":"17","test":{"code":"HGB"},"replicate":1,"value":{"as_sent":"7.40"}},
               {"id":"2","version":1,"instrument":"h500","specimen_as_sent":"17","test":{"code":"WBC"},"replicate":1,"value":{"as_sent":"5.1"}}]}"#;

/// One request on its own connection; everything that came back until it was closed.
async fn exchange(lims: &Lims, method: &str, path: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(lims.address()).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: lims\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A connection that is cut in mid-answer may end in an error; what came before it counts.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

async fn deliver(lims: &Lims, key: &str, body: &str) -> String {
    exchange(lims, "POST", "/results", &format!("idempotency-key: {key}\r\n"), body).await
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

async fn lims(mode: &str) -> Lims {
    let hold = Duration::from_secs(60);
    Lims::start(Setup { mode: mode.parse().unwrap(), hold, ..Setup::default() }).await.unwrap()
}

#[tokio::test]
async fn a_repeated_delivery_gets_the_stored_answer_and_is_held_once() {
    let lims = lims("accept").await;
    let first = deliver(&lims, "\"k-1\"", PAYLOAD).await;
    let again = deliver(&lims, "k-1", PAYLOAD).await;
    assert!(!first.contains("idempotent-replayed"), "{first}");
    assert!(again.contains("idempotent-replayed: true"), "{again}");
    let body = |answer: &str| answer.split("\r\n\r\n").nth(1).unwrap().to_owned();
    assert_eq!(body(&first), body(&again));
    assert!(first.contains(r#""receipt":"R-000001""#), "{first}");
    assert!(first.contains(r#"{"id":"1","outcome":"accepted"}"#), "{first}");
    let ledger = lims.ledger();
    assert_eq!((ledger.held().len(), ledger.doubled().len()), (2, 0));
    assert_eq!(
        ledger.attempts().iter().map(|attempt| attempt.outcome).collect::<Vec<_>>(),
        [Outcome::Taken, Outcome::Replayed]
    );
}

#[tokio::test]
async fn a_used_key_with_another_payload_and_a_missing_key_are_refused() {
    let lims = lims("accept").await;
    deliver(&lims, "k", PAYLOAD).await;
    assert_eq!(status(&deliver(&lims, "k", r#"{"results":[]}"#).await), "422");
    assert_eq!(status(&exchange(&lims, "POST", "/results", "", PAYLOAD).await), "400");
    assert_eq!(status(&deliver(&lims, "other", "no json").await), "400");
    assert_eq!(lims.ledger().held().len(), 2);
}

#[tokio::test]
async fn a_probe_tells_what_became_of_a_key() {
    let lims = lims("accept").await;
    let probe = || exchange(&lims, "GET", "/results/k-1", "", "");
    assert_eq!(status(&probe().await), "404");
    deliver(&lims, "\"k-1\"", PAYLOAD).await;
    let answer = probe().await;
    assert_eq!(status(&answer), "200");
    assert!(answer.contains(r#""state":"accepted""#) && answer.contains(r#""id":"2""#), "{answer}");
}

#[tokio::test]
async fn each_failure_shows_and_takes_or_keeps_out_the_delivery() {
    // Mode, status, a part of the answer, results held.
    let cases = [
        ("status:503", "503", "failed on command", 0),
        ("status:400", "400", "failed on command", 0),
        ("status:422", "422", "failed on command", 0),
        ("status-after:500", "500", "failed on command", 2),
        ("busy:3s", "429", "retry-after: 3", 0),
        ("slow:10ms", "200", "R-000001", 2),
        ("garbage", "200", "OK?", 2),
        ("error-body", "200", "could not be stored", 0),
        ("refuse:HGB", "200", r#"{"id":"1","outcome":"refused","reason":"unknown test code"}"#, 1),
        ("mix:0.0", "200", "R-000001", 2),
    ];
    for (mode, expected_status, part, held) in cases {
        let lims = lims(mode).await;
        let answer = deliver(&lims, "k", PAYLOAD).await;
        assert_eq!(status(&answer), expected_status, "{mode}: {answer}");
        assert!(answer.contains(part), "{mode}: {answer}");
        assert_eq!(lims.ledger().held().len(), held, "{mode}");
    }
}

#[tokio::test]
async fn a_cut_answer_is_shorter_than_it_promised() {
    let lims = lims("cut").await;
    let answer = deliver(&lims, "k", PAYLOAD).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert!(!body.is_empty() && body.len() < length.parse().unwrap(), "{answer}");
    assert_eq!(lims.ledger().held().len(), 2);
}

#[tokio::test]
async fn a_time_out_leaves_the_client_without_an_answer_whether_or_not_it_was_taken() {
    for (mode, held) in [("timeout-after", 2), ("timeout-before", 0)] {
        let lims = std::sync::Arc::new(lims(mode).await);
        let client = lims.clone();
        let delivery = tokio::spawn(async move { deliver(&client, "k", PAYLOAD).await });
        while lims.ledger().attempts().is_empty() {
            tokio::task::yield_now().await;
        }
        let waited = timeout(Duration::from_millis(50), delivery).await;
        assert!(waited.is_err(), "{mode}: {waited:?}");
        assert_eq!(lims.ledger().held().len(), held, "{mode}");
    }
}

#[tokio::test]
async fn modes_are_set_by_program_and_over_http_and_may_pass() {
    let lims = lims("accept").await;
    lims.set_mode_for(Mode::Status(503), 1);
    assert_eq!(status(&deliver(&lims, "a", PAYLOAD).await), "503");
    assert_eq!(status(&deliver(&lims, "a", PAYLOAD).await), "200");
    let control = |wish: &'static str| exchange(&lims, "POST", "/control", "", wish);
    assert_eq!(status(&control(r#"{"mode":"status:500","times":1}"#).await), "204");
    let conduct = exchange(&lims, "GET", "/control", "", "").await;
    assert!(conduct.contains(r#"{"mode":"status:500","times":1}"#), "{conduct}");
    assert_eq!(status(&deliver(&lims, "b", PAYLOAD).await), "500");
    assert_eq!(status(&deliver(&lims, "b", PAYLOAD).await), "200");
    assert_eq!(status(&control(r#"{"mode":"nonsense"}"#).await), "400");
}

#[tokio::test]
async fn a_ledger_in_a_file_outlives_the_lims() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup { ledger: Some(folder.path().join("lims.jsonl")), ..Setup::default() };
    let first = Lims::start(setup.clone()).await.unwrap();
    deliver(&first, "k", PAYLOAD).await;
    first.stop().await;
    let second = Lims::start(setup).await.unwrap();
    let again = deliver(&second, "k", PAYLOAD).await;
    assert!(again.contains("idempotent-replayed: true"), "{again}");
    assert_eq!(second.ledger().held().len(), 2);
    let shown = exchange(&second, "GET", "/ledger", "", "").await;
    assert!(shown.contains(r#""doubled":0"#) && shown.contains(r#""code":"HGB""#), "{shown}");
}

#[tokio::test]
async fn stopping_ends_open_connections_even_those_that_wait_for_nothing() {
    let lims = lims("timeout-before").await;
    let address = lims.address();
    let mut idle = TcpStream::connect(address).await.unwrap();
    let mut held = TcpStream::connect(address).await.unwrap();
    let request = "POST /results HTTP/1.1\r\nhost: lims\r\nidempotency-key: k\r\ncontent-length: 2\r\n\r\n{}";
    held.write_all(request.as_bytes()).await.unwrap();
    while lims.ledger().attempts().is_empty() {
        tokio::task::yield_now().await;
    }
    lims.stop().await;
    assert_eq!(idle.read(&mut [0; 8]).await.unwrap(), 0);
    let mut answer = String::new();
    held.read_to_string(&mut answer).await.unwrap();
    assert_eq!(status(&answer), "504");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn it_never_listens_beyond_loopback() {
    let setup = Setup { listen: ([0, 0, 0, 0], 0).into(), ..Setup::default() };
    assert!(Lims::start(setup).await.is_err());
}
