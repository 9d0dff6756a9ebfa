//! The command's side of the control socket.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::{ControlError, PATIENCE, Request, Response};

/// Asks once and waits for the answer.
///
/// # Errors
/// Nobody answers in ten seconds, or not in a way that can be understood.
pub fn ask(path: &Path, request: &Request) -> Result<Response, ControlError> {
    ask_within(path, request, PATIENCE)
}

/// As [`ask`], in this time.
///
/// # Errors
/// As there.
pub fn ask_within(path: &Path, request: &Request, patience: Duration) -> Result<Response, ControlError> {
    let failed = |error| ControlError::Connect { path: path.to_owned(), error };
    let understood = |error: serde_json::Error| ControlError::Answer(error.to_string());
    let mut stream = UnixStream::connect(path).map_err(failed)?;
    stream.set_read_timeout(Some(patience)).map_err(failed)?;
    let mut line = serde_json::to_vec(request).map_err(understood)?;
    line.push(b'\n');
    stream.write_all(&line).map_err(failed)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).map_err(failed)?;
    serde_json::from_str(&answer).map_err(understood)
}
