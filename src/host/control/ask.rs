//! The command's side of the control socket.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::{ControlError, PATIENCE, Request, Response};

/// Asks once and waits for the answer.
///
/// # Errors
/// Nobody answers in ten seconds, or not in a way that can be understood; or the gateway goes away meanwhile.
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
    let gone = |error: &io::Error| matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe);
    match BufReader::new(stream).read_line(&mut answer) {
        Ok(_) if !answer.ends_with('\n') => return Err(ControlError::Gone),
        Err(error) if gone(&error) => return Err(ControlError::Gone),
        read => read.map_err(failed)?,
    };
    serde_json::from_str(&answer).map_err(understood)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    /// Asks a gateway that answers with these bytes and goes away.
    fn answered(bytes: &'static [u8]) -> Result<Response, ControlError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sock");
        let listener = UnixListener::bind(&path).unwrap();
        let gateway = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            BufReader::new(&stream).read_line(&mut String::new()).unwrap();
            stream.write_all(bytes).unwrap();
        });
        let answer = ask(&path, &Request::Live);
        gateway.join().unwrap();
        answer
    }

    #[test]
    fn a_gateway_that_goes_away_is_told_from_one_that_answers() {
        assert!(matches!(answered(b""), Err(ControlError::Gone)));
        assert!(matches!(answered(b"\"Do"), Err(ControlError::Gone)));
        assert!(matches!(answered(b"what?\n"), Err(ControlError::Answer(_))));
        let done = serde_json::to_string(&Response::Done).unwrap() + "\n";
        assert!(matches!(answered(done.leak().as_bytes()), Ok(Response::Done)));
    }

    #[tokio::test]
    async fn a_socket_at_which_a_gateway_answers_is_left_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sock");
        let first = super::super::Control::listen(&path).unwrap();
        assert!(matches!(super::super::Control::listen(&path), Err(ControlError::Taken(_))));
        assert!(UnixStream::connect(&path).is_ok(), "the first one still answers");
        drop(first);
        assert!(
            super::super::Control::listen(&path).is_ok(),
            "what a gateway that is gone left is no gateway"
        );
    }

    #[test]
    fn only_a_socket_without_a_listener_says_that_none_runs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sock");
        assert!(ask(&path, &Request::Live).err().is_some_and(|error| error.nobody_listens()));
        drop(UnixListener::bind(&path).unwrap());
        assert!(ask(&path, &Request::Live).err().is_some_and(|error| error.nobody_listens()));
        let barred = ControlError::Connect { path, error: ErrorKind::PermissionDenied.into() };
        assert!(!barred.nobody_listens() && !ControlError::Gone.nobody_listens());
        assert!(barred.to_string().ends_with("only root and the members of its group may"), "{barred}");
    }
}
