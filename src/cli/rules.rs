//! `labwire rules`: which rules there are and which are in force; `labwire rules test` tries them on the cases that stand
//! beside them; `labwire rules sign` puts them in force through the running gateway.

use std::io::{self, Write};

use super::Outcome;
use super::arguments::Sign;
use super::check::unreached;
use crate::config::Settings;
use crate::exit::Exit;
use crate::host::control::{self, Request, Response};
use crate::journal::Reader;
use crate::pipeline::rules::{Trial, try_examples};

pub(super) fn show(settings: &Settings, out: &mut impl Write) -> Outcome {
    let present = &settings.rules;
    let (analytes, checks) = (present.analytes.iter().count(), present.checks.rules.len());
    writeln!(out, "Configured: {analytes} analytes, {checks} rules, SHA-256 {}", present.sha256)?;
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
    let trial = try_examples(&settings.rules.checks);
    let failed = trial.failures.len();
    if failed > 0 {
        writeln!(out, "Refused: {failed} cases don't come out as they say; labwire rules test names them")?;
        return Ok(Exit::Failed);
    }
    if !trial.untried.is_empty() && sign.untried_because.is_none() {
        tell_untried(&trial, out)?;
        let ways = trial.untried.len();
        writeln!(
            out,
            "Refused: {ways} ways through the rules have no case; add them, or say --untried-because and why none is needed"
        )?;
        return Ok(Exit::Failed);
    }
    let sha256 = settings.rules.sha256.clone();
    let request = Request::Sign {
        sha256: sha256.clone(),
        by: sign.by.clone(),
        statement: sign.statement.clone(),
        untried_because: sign.untried_because.clone(),
    };
    match control::ask(&settings.control_socket, &request)? {
        Response::Done => {
            writeln!(out, "Signed by {}, and in force: SHA-256 {sha256}", sign.by)?;
            Ok(Exit::Done)
        }
        Response::Refused { why } => {
            writeln!(out, "Refused: {why}")?;
            Ok(Exit::Failed)
        }
        _ => Err("the gateway answered another question".into()),
    }
}

fn tell_untried(trial: &Trial, out: &mut impl Write) -> io::Result<()> {
    for (place, rule, path) in &trial.untried {
        writeln!(out, "{place}: {rule} has no case that comes out as {path}; add one")?;
    }
    Ok(())
}

/// Tries every case. Not done unless all come out as they say and every way through every rule has one.
pub(super) fn test(settings: &Settings, out: &mut impl Write) -> Outcome {
    let checks = &settings.rules.checks;
    if checks.rules.is_empty() {
        writeln!(out, "There are no rules; write some into rules.d.")?;
        return Ok(Exit::Done);
    }
    let trial = try_examples(checks);
    for failure in &trial.failures {
        let expected = failure.expected.name();
        writeln!(out, "{}: {} should be {expected}, and is {}", failure.place, failure.rule, failure.found)?;
    }
    for (place, rule) in &trial.rounded {
        writeln!(
            out,
            "note: {place}: what this case of {rule} says is so, and such a result waits for a person: rounded as it is reported it would be decided otherwise"
        )?;
    }
    tell_untried(&trial, out)?;
    for finding in unreached(settings) {
        writeln!(out, "warning: {finding}")?;
    }
    writeln!(
        out,
        "{} rules: {} cases passed, {} failed, {} ways without a case",
        checks.rules.len(),
        trial.passed,
        trial.failures.len(),
        trial.untried.len(),
    )?;
    let is_good = trial.failures.is_empty() && trial.untried.is_empty();
    Ok(if is_good { Exit::Done } else { Exit::Failed })
}
