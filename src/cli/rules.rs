//! `labwire rules`: which rules there are and which are in force; `labwire rules sign` puts them in force through the
//! running gateway.

use std::io::Write;

use super::Outcome;
use super::arguments::Sign;
use crate::config::Settings;
use crate::exit::Exit;
use crate::host::control::{self, Request, Response};
use crate::journal::Reader;

pub(super) fn show(settings: &Settings, out: &mut impl Write) -> Outcome {
    let present = &settings.rules;
    writeln!(out, "Configured: {} analytes, SHA-256 {}", present.analytes.iter().count(), present.sha256)?;
    match Reader::open(&settings.journal.path)?.signed_rules()? {
        None => writeln!(
            out,
            "In force:   none. Results pass unchanged: nothing is converted, nothing is held by it."
        )?,
        Some(signed) => {
            let which = if signed.sha256 == present.sha256 { "these" } else { "another set" };
            writeln!(out, "In force:   {which}, SHA-256 {}", signed.sha256)?;
            let signing = &signed.signing;
            writeln!(
                out,
                "Signed:     by {} ({}) at {}: {}",
                signing.by, signing.account, signed.at, signing.statement
            )?;
            if signed.sha256 != present.sha256 {
                writeln!(out, "The configured rules aren't signed. The set in force stays until they are.")?;
            }
        }
    }
    Ok(Exit::Done)
}

pub(super) fn sign(settings: &Settings, sign: &Sign, out: &mut impl Write) -> Outcome {
    let sha256 = settings.rules.sha256.clone();
    let request =
        Request::Sign { sha256: sha256.clone(), by: sign.by.clone(), statement: sign.statement.clone() };
    match control::ask(&settings.control_socket, &request)? {
        Response::Done => {
            writeln!(out, "Signed by {}, and in force: SHA-256 {sha256}", sign.by)?;
            Ok(Exit::Done)
        }
        Response::Refused { why } => {
            writeln!(out, "Refused: {why}")?;
            Ok(Exit::Failed)
        }
        Response::Live { .. } => Err("the gateway answered another question".into()),
    }
}
