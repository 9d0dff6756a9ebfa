//! What a server's codes and a connection's errors mean, in words that say what to do. What the server says beyond its
//! codes goes nowhere: it may quote names.

use std::io::ErrorKind;

use suppaftp::{FtpError, Status};

use crate::intake::drop::place::Trouble;

pub(super) fn is(error: &FtpError, statuses: &[Status]) -> bool {
    matches!(error, FtpError::UnexpectedResponse(response) if statuses.contains(&response.status))
}

fn code(error: &FtpError) -> String {
    match error {
        FtpError::UnexpectedResponse(response) => response.status.code().to_string(),
        FtpError::BadResponse => "nonsense".to_owned(),
        _ => "nothing".to_owned(),
    }
}

pub(super) fn of_connection(error: FtpError) -> Trouble {
    Trouble::Place(match &error {
        FtpError::ConnectionError(error) => match error.kind() {
            ErrorKind::ConnectionRefused => {
                "nobody answers at the server's port; start the server, or mend host and port".to_owned()
            }
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
                "the server can't be reached; see to the network".to_owned()
            }
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                "the server hung up".to_owned()
            }
            _ => format!("the connection failed: {error}"),
        },
        FtpError::SecureError(why) => format!(
            "the server isn't the one that is trusted, or no TLS came about ({why}); see to ca_file or fingerprint"
        ),
        other => format!("the server answered {} where it should have agreed", code(other)),
    })
}

pub(super) fn of_login(error: FtpError) -> Trouble {
    match &error {
        FtpError::UnexpectedResponse(response) => Trouble::Place(format!(
            "the server refused the login ({}); see to user and password, and whether it wants TLS",
            response.status.code()
        )),
        _ => of_connection(error),
    }
}

pub(super) fn of_folder(error: FtpError) -> Trouble {
    match &error {
        FtpError::UnexpectedResponse(response) => Trouble::Place(format!(
            "the server doesn't open the folder ({}); make it there, or mend folder",
            response.status.code()
        )),
        _ => of_connection(error),
    }
}

pub(super) fn of_transfer(error: FtpError) -> Trouble {
    match &error {
        FtpError::UnexpectedResponse(response) => Trouble::Place(format!(
            "the server broke a transfer off ({}); see its log, and whether a firewall lets transfers through",
            response.status.code()
        )),
        _ => of_connection(error),
    }
}

pub(super) fn of_file(error: FtpError) -> Trouble {
    match &error {
        FtpError::UnexpectedResponse(response) => match response.status {
            Status::NotAvailable => of_transfer(error),
            Status::FileUnavailable => Trouble::File(
                "the server doesn't hand it out (550); give the user the right to read it there".to_owned(),
            ),
            Status::RequestFileActionIgnored => {
                Trouble::Busy("the server says that it is in use (450)".to_owned())
            }
            status => Trouble::File(format!(
                "the server broke it off ({}); see its log, and whether it can read the file to its end",
                status.code()
            )),
        },
        FtpError::ConnectionError(error) if error.kind() == ErrorKind::InvalidInput => {
            Trouble::File("its name can't be asked for".to_owned())
        }
        _ => of_transfer(error),
    }
}

pub(super) fn of_removal(error: FtpError) -> Trouble {
    match &error {
        FtpError::UnexpectedResponse(response) => Trouble::File(format!(
            "the server doesn't let it be removed ({}); give the user the right to, or write after = \"leave\"",
            response.status.code()
        )),
        _ => of_connection(error),
    }
}
