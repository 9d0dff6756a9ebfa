//! `labwire reload`: has a running gateway try the configuration on disk, and end to be started with it where it can be.

use std::io::Write;

use super::Outcome;
use crate::config::Bearings;
use crate::exit::Exit;
use crate::host::control::{self, Request, Response};

pub(super) fn run(bearings: &Bearings, out: &mut impl Write) -> Outcome {
    match control::ask(&bearings.control_socket, &Request::Reload)? {
        Response::Reloads { changes } => {
            changes.iter().try_for_each(|change| writeln!(out, "Changed: {change}"))?;
            writeln!(out, "labwire ends, to be started with the new configuration.")?;
            Ok(Exit::Done)
        }
        Response::Refused { why } => {
            writeln!(out, "Refused, and labwire goes on with the old configuration:\n{why}")?;
            Ok(Exit::Configuration)
        }
        _ => Err("the gateway answered another question".into()),
    }
}
