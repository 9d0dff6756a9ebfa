//! What servers on the web have in common: the address, how the server is trusted and knows us, and the rules by
//! which its answers are read. It reads the files that they name; it never connects.

use std::path::Path;
use std::time::Duration;

use super::VERDICTS;
use crate::config::files::{certificate, private_key};
use crate::config::reader::{Entry, Table};
use crate::config::secret::{self, Seen};
use crate::config::settings::{ReplyRule, VerdictKind, Web};
use crate::config::transport::path;
use crate::domain::Private;

pub(in crate::config) fn read(table: &mut Table<'_>, folder: &Path) -> Web {
    Web {
        token: table.entry("token_file").and_then(|entry| token(&entry, folder)),
        ca_pem: table.entry("ca_file").and_then(|entry| certificate(&entry, folder)),
        identity_pem: identity(table, folder),
        timeout: table.seconds("timeout_secs", 1..=600).unwrap_or(Duration::from_secs(30)),
    }
}

/// Certificate and key in one text, as the client wants them.
fn identity(table: &mut Table<'_>, folder: &Path) -> Option<Private<Vec<u8>>> {
    let (ours, key) = (table.entry("certificate_file"), table.entry("key_file"));
    match (&ours, &key) {
        (None, None) => None,
        (Some(ours), Some(key)) => {
            let (ours, key) = (certificate(ours, folder), private_key(key, folder));
            Some(Private::new([ours?, key?.into_inner()].join(&b'\n')))
        }
        (Some(lonely), None) | (None, Some(lonely)) => {
            lonely.error("certificate_file and key_file belong together; write both or none");
            None
        }
    }
}

/// The address of a LIMS.
pub(in crate::config) fn web_address(entry: &Entry<'_>) -> Option<String> {
    let in_the_clear = "results leave this machine unencrypted; write https:// where the LIMS allows it";
    address(entry, "\"https://lims.example/results\"", in_the_clear)
}

/// Checks an address without ever quoting it, since a careless one may hold a password. `in_the_clear` is said where what is sent to
/// another machine isn't encrypted.
pub(in crate::config) fn address(entry: &Entry<'_>, example: &str, in_the_clear: &str) -> Option<String> {
    let text = entry.text()?;
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.strip_suffix(|c: char| c.is_ascii_digit()).map_or(authority, |_| {
        authority.rsplit_once(':').map_or(authority, |(host, port)| {
            if port.bytes().all(|digit| digit.is_ascii_digit()) { host } else { authority }
        })
    });
    if !matches!(scheme, "http" | "https") || host.is_empty() || text.contains(odd_in_address) {
        entry.error(format!("this is no web address; write one such as {example}"));
        return None;
    }
    if authority.contains('@') {
        entry.error("the address holds a user name or password; put a token into token_file instead");
        return None;
    }
    if scheme == "http" && !matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
        entry.warning(in_the_clear);
    }
    Some(text.to_owned())
}

fn odd_in_address(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '\\')
}

/// One line; empty where it isn't for this process to see.
pub(in crate::config) fn token(entry: &Entry<'_>, folder: &Path) -> Option<Private<String>> {
    let file = path(entry, folder)?;
    let Seen::Here(bytes) = secret::bytes(entry, &file)? else { return Some(Private::default()) };
    let token = String::from_utf8(bytes).ok().map(|text| text.trim().to_owned());
    let fit = token.filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
    if fit.is_none() {
        entry.error(format!("{} is no token; put one line of visible ASCII into it", file.display()));
    }
    fit.map(Private::new)
}

pub(in crate::config) fn rule(table: &mut Table<'_>) -> ReplyRule {
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

/// A JSON pointer (RFC 6901).
pub(in crate::config) fn pointer(text: &str) -> Result<String, String> {
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
