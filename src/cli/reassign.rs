//! `labwire reassign`: hands results whose specimen number was misread to the running gateway, which alone writes.

use std::io::Write;

use super::Outcome;
use super::arguments::Reassign;
use crate::config::Bearings;
use crate::exit::Exit;
use crate::host::control::{self, Request, Response};

pub(super) fn run(bearings: &Bearings, asked: &Reassign, out: &mut impl Write) -> Outcome {
    let request = Request::Reassign {
        results: asked.results.clone(),
        specimen: asked.to.clone(),
        by: asked.by.clone(),
        reason: asked.reason.clone(),
    };
    match control::ask(&bearings.control_socket, &request)? {
        Response::Done => {
            let (how_many, specimen) = (asked.results.len(), asked.to.trim());
            writeln!(out, "Moved to {specimen}: {how_many}. They are judged again under that number.")?;
            writeln!(
                out,
                "Whoever has them under the old one is told that they are void: see labwire trace."
            )?;
            Ok(Exit::Done)
        }
        Response::Refused { why } => {
            writeln!(out, "Refused, and nothing was moved: {why}")?;
            Ok(Exit::Failed)
        }
        _ => Err("the gateway answered another question".into()),
    }
}
