//! The keys of a destination that takes HL7 over MLLP, and how its answers are read. It never connects.

use std::path::Path;
use std::time::Duration;

use labwire_hl7::transfer::Code;

use super::{Read, VERDICTS, hl7};
use crate::config::reader::Table;
use crate::config::settings::{AnswerRule, Awaited, Kind, Mllp, OnUnknown, VerdictKind};
use crate::config::tls;
use crate::config::transport::{host_and_port, host_of};

const AWAITED: [(&str, Awaited); 3] =
    [("application", Awaited::Application), ("commit", Awaited::Commit), ("both", Awaited::Both)];
const ON_UNKNOWN: [(&str, OnUnknown); 2] = [("resend", OnUnknown::Resend), ("ask", OnUnknown::Ask)];
const CODES: [(&str, Code); 6] = [
    ("AA", Code::Accept),
    ("AE", Code::Error),
    ("AR", Code::Reject),
    ("CA", Code::CommitAccept),
    ("CE", Code::CommitError),
    ("CR", Code::CommitReject),
];

pub(super) fn read(table: &mut Table<'_>, folder: &Path) -> Read {
    let entry = table.required("connect", "\"lims.example:2575\"");
    let connect = entry.as_ref().and_then(|entry| entry.parsed(host_and_port)).unwrap_or_default();
    let host = host_of(&connect);
    let tls = table.table("tls", |table| tls::client(table, host, folder));
    if let (None, Some(entry)) = (&tls, &entry)
        && !matches!(host, "" | "localhost" | "127.0.0.1" | "[::1]")
    {
        entry.warning(
            "results leave this machine unencrypted; write [….tls] where the LIMS allows it, or use a network that nobody else is on",
        );
    }
    let mllp = Mllp {
        tls: tls.flatten(),
        hl7: hl7::read(table),
        awaited: table.choice("answer", &AWAITED).unwrap_or(Awaited::Application),
        timeout: table.seconds("timeout_secs", 1..=600).unwrap_or(Duration::from_secs(30)),
        application_timeout: table
            .seconds("application_timeout_secs", 1..=3_600)
            .unwrap_or(Duration::from_secs(60)),
        rules: table.tables("rule", rule),
        connect,
    };
    let parallel = table.number("parallel", 1..=16).unwrap_or(1);
    let on_unknown = table.choice("on_unknown", &ON_UNKNOWN).unwrap_or(OnUnknown::Resend);
    Read { kind: Kind::Mllp(mllp), parallel, on_unknown }
}

fn rule(table: &mut Table<'_>) -> AnswerRule {
    let code = table.required("code", "\"AE\"").and_then(|entry| entry.choice(&CODES));
    let errors = table.parsed("error", errors);
    let text = table.parsed("text", |text| match text {
        "" => Err("this text is empty; write what must occur in the answer, or leave it out".to_owned()),
        text => Ok(text.to_owned()),
    });
    let verdict = table.required("verdict", "\"refused\"").and_then(|entry| entry.choice(&VERDICTS));
    AnswerRule {
        code: code.unwrap_or(Code::Reject),
        errors,
        text,
        verdict: verdict.unwrap_or(VerdictKind::Unknown),
    }
}

/// `207` or `200-203`.
fn errors(text: &str) -> Result<(u32, u32), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let code = |text: &str| text.parse::<u32>().ok().filter(|code| *code <= 99_999);
    code(first)
        .zip(code(last))
        .filter(|(first, last)| first <= last)
        .ok_or_else(|| format!("unknown error code {text:?}; write one such as \"207\" or \"200-203\""))
}
