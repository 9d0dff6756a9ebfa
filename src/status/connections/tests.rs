//! Connections that say nothing, stop in the middle, come in crowds, or don't read.

use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// So long that a test which waits for it fails.
const LONG: Duration = Duration::from_secs(3_600);
const SHORT: Duration = Duration::from_millis(100);
/// How long anything may take before a test gives up.
const DEADLINE: Duration = Duration::from_secs(20);
const ASKED: &str = "GET / HTTP/1.1\r\nHost: page\r\n\r\n";

struct Bench {
    address: std::net::SocketAddr,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<()>,
}

impl Bench {
    async fn with(limits: Limits) -> Bench {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let never = || async { std::future::pending::<&str>().await };
        let large = || async { "x".repeat(64 << 20) };
        let app = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/never", get(never))
            .route("/large", get(large));
        let ends = stop.clone();
        let serving = tokio::spawn(async move { serve(&listener, None, &app, limits, ends).await });
        Bench { address, stop, serving }
    }

    async fn opened(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    async fn end(self) {
        self.stop.cancel();
        in_time(self.serving).await.unwrap();
    }
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, work).await.expect("it never ended")
}

/// What comes until the page closes the connection.
async fn until_closed(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset is an end too.
    let _ = in_time(stream.read_to_end(&mut answer)).await;
    String::from_utf8(answer).unwrap()
}

async fn first_byte(stream: &mut TcpStream) -> u8 {
    in_time(stream.read_u8()).await.unwrap()
}

#[tokio::test]
async fn whoever_does_not_finish_asking_is_closed() {
    let bench = Bench::with(Limits { asking: SHORT, ..Limits::OF_THE_PAGE }).await;
    for (request, answered) in
        [("", false), ("GET / HT", false), ("GET / HTTP/1.1\r\nHost: pa", false), (ASKED, true)]
    {
        let answer = until_closed(bench.opened(request).await).await;
        assert_eq!(answer.contains("200 OK"), answered, "{request:?}: {answer}");
    }
    let mut kept = bench.opened(ASKED).await;
    first_byte(&mut kept).await;
    kept.write_all(b"GET / HT").await.unwrap();
    until_closed(kept).await;
    bench.end().await;
}

#[tokio::test]
async fn one_connection_too_many_waits_for_its_turn() {
    let limits = Limits { connections: 2, asking: LONG, ..Limits::OF_THE_PAGE };
    let bench = Bench::with(limits).await;
    let (one, other) = (bench.opened("GET / HT").await, bench.opened("").await);
    let mut third = bench.opened(ASKED).await;
    assert!(tokio::time::timeout(SHORT, third.read_u8()).await.is_err(), "there was room for a third");
    drop(one);
    assert_eq!(first_byte(&mut third).await, b'H');
    drop(other);
    bench.end().await;
}

#[tokio::test]
async fn the_end_waits_for_nobody_that_is_silent_and_a_moment_for_an_answer() {
    let limits = Limits { asking: LONG, grace: SHORT, ..Limits::OF_THE_PAGE };
    let bench = Bench::with(limits).await;
    let mut open = Vec::new();
    for request in ["", "GET / HT", "GET /never HTTP/1.1\r\nHost: page\r\n\r\n", ASKED] {
        open.push(bench.opened(request).await);
    }
    first_byte(&mut open[3]).await;
    bench.end().await;
}

#[tokio::test]
async fn an_answer_that_nobody_reads_does_not_keep_its_place() {
    let limits = Limits { connections: 1, unread: SHORT, ..Limits::OF_THE_PAGE };
    let bench = Bench::with(limits).await;
    let unread = bench.opened("GET /large HTTP/1.1\r\nHost: page\r\n\r\n").await;
    let mut next = bench.opened(ASKED).await;
    assert_eq!(first_byte(&mut next).await, b'H');
    drop(unread);
    bench.end().await;
}

#[tokio::test]
async fn a_head_that_never_ends_is_refused() {
    let bench = Bench::with(Limits { asking: LONG, ..Limits::OF_THE_PAGE }).await;
    let answer = until_closed(bench.opened(&format!("GET /{}", "x".repeat(LONGEST_HEAD * 2))).await).await;
    assert!(!answer.contains("200 OK") && !answer.contains("xxx"), "{answer}");
    bench.end().await;
}
