//! The keys of a destination that takes JSON by POST, and how its answers are read. It reads the token file that they
//! name; it never connects.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::{Read, VERDICTS};
use crate::config::files::{certificate, contents, warn_if_open};
use crate::config::nearest::either;
use crate::config::reader::{Entry, Name, Table};
use crate::config::settings::{Http, ItemReply, KeyStyle, Kind, OnUnknown, ReplyRule, VerdictKind};
use crate::domain::Private;

const KEY_STYLES: [(&str, KeyStyle); 2] = [("quoted", KeyStyle::Quoted), ("bare", KeyStyle::Bare)];
const ON_UNKNOWN: [(&str, OnUnknown); 3] =
    [("probe", OnUnknown::Probe), ("resend", OnUnknown::Resend), ("ask", OnUnknown::Ask)];

pub(super) fn read(table: &mut Table<'_>, folder: &Path) -> Read {
    let url = table.required("url", "\"https://lims.example/results\"");
    let url = url.and_then(|entry| web_address(&entry)).unwrap_or_default();
    let (on_unknown, probe_url) = unknown(table);
    let http = Http {
        url,
        token: table.entry("token_file").and_then(|entry| token(&entry, folder)),
        ca_pem: table.entry("ca_file").and_then(|entry| certificate(&entry, folder)),
        timeout: table.seconds("timeout_secs", 1..=600).unwrap_or(Duration::from_secs(30)),
        key_style: table.choice("key_style", &KEY_STYLES).unwrap_or(KeyStyle::Quoted),
        probe_url,
        rules: table.tables("rule", rule),
        items: table.table("items", items),
    };
    let parallel = table.number("parallel", 1..=64).unwrap_or(4);
    Read { kind: Kind::Http(http), parallel, on_unknown }
}

fn unknown(table: &mut Table<'_>) -> (OnUnknown, Option<String>) {
    let on_unknown = table.choice("on_unknown", &ON_UNKNOWN).unwrap_or(OnUnknown::Resend);
    let entry = table.entry("probe_url");
    let probe_url = entry.as_ref().and_then(web_address);
    match (on_unknown, &entry) {
        (OnUnknown::Probe, None) => table.error(format!(
            "{} probes and has no probe_url; write probe_url = \"https://lims.example/results/{{key}}\"",
            table.title()
        )),
        (OnUnknown::Probe, Some(entry)) if probe_url.as_ref().is_some_and(|url| !url.contains("{key}")) => {
            entry.error("probe_url has no {key}; write {key} where the idempotency key belongs");
        }
        (OnUnknown::Resend | OnUnknown::Ask, Some(entry)) => {
            entry.error("probe_url does nothing here; write on_unknown = \"probe\" too, or remove it");
        }
        _ => {}
    }
    (on_unknown, probe_url)
}

/// Checks an address without ever quoting it, since a careless one may hold a password.
fn web_address(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.strip_suffix(|c: char| c.is_ascii_digit()).map_or(authority, |_| {
        authority.rsplit_once(':').map_or(authority, |(host, port)| {
            if port.bytes().all(|digit| digit.is_ascii_digit()) { host } else { authority }
        })
    });
    if !matches!(scheme, "http" | "https") || host.is_empty() || text.contains(odd_in_address) {
        entry.error("this is no web address; write one such as \"https://lims.example/results\"");
        return None;
    }
    if authority.contains('@') {
        entry.error("the address holds a user name or password; put a token into token_file instead");
        return None;
    }
    if scheme == "http" && !matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
        entry.warning("results leave this machine unencrypted; write https:// where the LIMS allows it");
    }
    Some(text.to_owned())
}

fn odd_in_address(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '\\')
}

fn token(entry: &Entry<'_>, folder: &Path) -> Option<Private<String>> {
    let (file, bytes) = contents(entry, folder)?;
    warn_if_open(entry, &file);
    let token = String::from_utf8(bytes).ok().map(|text| text.trim().to_owned());
    let fit = token.filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
    if fit.is_none() {
        entry.error(format!("{} is no token; put one line of visible ASCII into it", file.display()));
    }
    fit.map(Private::new)
}

fn rule(table: &mut Table<'_>) -> ReplyRule {
    let status = table.required("status", "\"422\"").and_then(|entry| entry.parsed(status));
    let pointer = table.parsed("body_pointer", pointer);
    let equals = table.text("body_equals");
    if pointer.is_some() != equals.is_some() {
        table.error("body_pointer and body_equals belong together; write both or neither");
    }
    let verdict = table.required("verdict", "\"refused\"").and_then(|entry| entry.choice(&VERDICTS));
    ReplyRule {
        status: status.unwrap_or_default(),
        body: pointer.zip(equals),
        verdict: verdict.unwrap_or(VerdictKind::Unknown),
    }
}

/// `422`, `4xx` or `500-599`.
fn status(text: &str) -> Result<(u16, u16), String> {
    let code = |text: &str| text.parse().ok().filter(|code| (100..=599).contains(code));
    let range = match (text.strip_suffix("xx"), text.split_once('-')) {
        (Some(class), _) => code(&format!("{class}00")).map(|first| (first, first + 99)),
        (None, Some((first, last))) => code(first).zip(code(last)).filter(|(first, last)| first <= last),
        (None, None) => code(text).map(|code| (code, code)),
    };
    range.ok_or_else(|| format!("unknown status {text:?}; write one such as \"422\", \"4xx\" or \"500-599\""))
}

fn items(table: &mut Table<'_>) -> ItemReply {
    let mut required = |key, example| {
        table.required(key, example).and_then(|entry| entry.parsed(pointer)).unwrap_or_default()
    };
    let array = required("array", "\"/items\"");
    let id = required("id", "\"/id\"");
    let outcome = required("outcome", "\"/status\"");
    let outcomes = table.table("outcomes", |outcomes| {
        let verdict = |(name, entry): (Name<'_>, Entry<'_>)| {
            Some((name.text.to_owned(), entry.named("verdict").choice(&VERDICTS)?))
        };
        outcomes.free_entries().into_iter().filter_map(verdict).collect::<BTreeMap<_, _>>()
    });
    if outcomes.is_none() {
        let words = either(VERDICTS.iter().map(|(word, _)| *word));
        table.error(format!("{} has no outcomes; say which outcome means {words}", table.title()));
    }
    ItemReply {
        array,
        id,
        outcome,
        outcomes: outcomes.unwrap_or_default(),
        reason: table.parsed("reason", pointer),
    }
}

/// A JSON pointer (RFC 6901).
fn pointer(text: &str) -> Result<String, String> {
    if text.is_empty() || text.starts_with('/') {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is no JSON pointer; write one such as \"/error/code\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_a_code_a_class_or_a_range() {
        for (text, expected) in [
            ("422", Some((422, 422))),
            ("4xx", Some((400, 499))),
            ("500-599", Some((500, 599))),
            ("599-500", None),
            ("xx", None),
            ("42xx", None),
            ("600", None),
            ("", None),
        ] {
            assert_eq!(status(text).ok(), expected, "{text:?}");
        }
    }
}
