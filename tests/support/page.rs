//! Asks the gateway's page as a monitoring program does, or sends it a form as a browser does. It understands nothing of
//! the answer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The whole answer with its head, or nothing where nobody answers.
pub(crate) fn answer(page: SocketAddr, path: &str) -> Option<String> {
    answer_to(page, path, "")
}

/// The same for whose cookie that is.
pub(crate) fn answer_to(page: SocketAddr, path: &str, cookie: &str) -> Option<String> {
    ask(
        page,
        &format!("GET {path} HTTP/1.1\r\nHost: {page}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"),
    )
}

/// The answer to a form.
#[allow(dead_code, reason = "not every test that asks the page sends it a form")]
pub(crate) fn post(page: SocketAddr, path: &str, cookie: &str, form: &str) -> Option<String> {
    let length = form.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {page}\r\nOrigin: http://{page}\r\nCookie: {cookie}\r\nContent-Type: \
         application/x-www-form-urlencoded\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    ask(page, &(head + form))
}

fn ask(page: SocketAddr, request: &str) -> Option<String> {
    let mut line = TcpStream::connect(page).ok()?;
    line.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    line.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    line.read_to_end(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}
