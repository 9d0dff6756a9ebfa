//! The page's connections: whatever is at the other end, it doesn't delay the end of the gateway, and nothing large is
//! read from it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::laboratory::Laboratory;

/// Sends `request` and leaves the rest of it out.
fn opened(laboratory: &Laboratory, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(laboratory.page).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// Reads until the page closes the connection.
async fn ended(mut stream: TcpStream) -> String {
    let read = move || {
        let mut answer = Vec::new();
        // A reset is an end too.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_request_and_silent_connections_do_not_delay_the_end() {
    let mut laboratory = Laboratory::open().await;
    let host = laboratory.page.to_string();
    let open = [
        "",
        "GET / HT",
        "GET / HTTP/1.1\r\nHost: ",
        &format!("GET /api/status HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        &format!("GET /api/status HTTP/1.1\r\nHost: {host}\r\n\r\nGET /api/st"),
        &format!("GET / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000\r\n\r\nhalf a body"),
        &format!("GET /events HTTP/1.1\r\nHost: {host}\r\n\r\n"),
    ]
    .map(|request| opened(&laboratory, request));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let began = Instant::now();
    let ended = laboratory.gateway.take().unwrap().stop().await;
    assert!(ended, "a connection held the end up until the drain gave up");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    drop(open);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_request_is_refused_unread() {
    let mut laboratory = Laboratory::open().await;
    let host = laboratory.page.to_string();
    let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000000\r\n\r\n");
    let answer = ended(opened(&laboratory, &request)).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    laboratory.close().await;
}
