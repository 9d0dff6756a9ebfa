//! The tables `[folder]`, `[ftp]` and `[sftp]`: where an instrument's files lie and how they are fetched. Reads the files that
//! hold certificates and passwords; it connects to nothing.

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use super::files::certificate;
use super::reader::{Entry, Table};
use super::secret::password;
#[cfg(feature = "sftp")]
use super::secret::{self, Seen};
use super::settings::{
    After, DropSettings, FtpMode, FtpSettings, FtpTls, PlaceSettings, Proof, Transport, Trust,
};
#[cfg(feature = "sftp")]
use super::settings::{SftpLogin, SftpSettings};
use super::transport::{Placed, path};
use crate::domain::Glob;
#[cfg(feature = "sftp")]
use crate::domain::Private;

const MODES: [(&str, FtpMode); 2] = [("passive", FtpMode::Passive), ("active", FtpMode::Active)];

/// How a connection is encrypted, before it is known whom it trusts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tls {
    None,
    Explicit,
    Implicit,
}

const TLS: [(&str, Tls); 3] = [("none", Tls::None), ("explicit", Tls::Explicit), ("implicit", Tls::Implicit)];

/// How a file's end is known, before the keys of that way are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Stable,
    Marker,
    Rename,
    Trailer,
    Lock,
}

const PROOFS: [(&str, By); 5] = [
    ("stable", By::Stable),
    ("marker", By::Marker),
    ("rename", By::Rename),
    ("trailer", By::Trailer),
    ("lock", By::Lock),
];

/// What becomes of a file, before it is known where it is moved to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Delete,
    Move,
    Leave,
}

const AFTER: [(&str, Then); 3] = [("delete", Then::Delete), ("move", Then::Move), ("leave", Then::Leave)];

const SECONDS: RangeInclusive<u64> = 1..=86_400;
const MIB: u64 = 1024 * 1024;

/// `[folder]`. Relative paths are relative to the configuration folder.
pub(super) fn folder(table: &mut Table<'_>, folder: &Path) -> Option<Placed> {
    let place = table.required("folder", "\"/srv/analyzer\"");
    let looks = looks(table);
    let proof = proof(table, &PROOFS);
    let after = after(table);
    let place = place?;
    let settings = looks.with(PlaceSettings::Folder(path(&place, folder)?), proof?, after?);
    Some(Placed { transport: Transport::Drop(settings), span: place.span() })
}

/// `[ftp]`.
pub(super) fn ftp(table: &mut Table<'_>, folder: &Path) -> Option<Placed> {
    let host = table.required("host", "\"10.0.0.5\"");
    let tls = tls(table, host.as_ref(), folder);
    let usual = if matches!(tls, Some(FtpTls::Implicit(_))) { 990 } else { 21 };
    let port = table.number("port", 1..=u16::MAX).unwrap_or(usual);
    let mode = table.choice("mode", &MODES).unwrap_or(FtpMode::Passive);
    let user = table.required("user", "\"labwire\"").and_then(|entry| entry.parsed(one_line));
    let password = password(table, "analyzer.password", folder);
    let place = table.parsed("folder", one_line).unwrap_or_default();
    let looks = looks(table);
    let proof = proof(table, PROOFS.get(..4).unwrap_or_default());
    let after = after(table);
    let host = host?;
    let address = host.parsed(host_name)?;
    let settings =
        FtpSettings { host: address, port, tls: tls?, mode, user: user?, password: password?, folder: place };
    let settings = looks.with(PlaceSettings::Ftp(settings), proof?, after?);
    Some(Placed { transport: Transport::Drop(settings), span: host.span() })
}

/// A private key of ssh's; empty where it isn't for this process to see.
#[cfg(feature = "sftp")]
fn ssh_key(entry: &Entry<'_>, folder: &Path) -> Option<Private<String>> {
    let file = path(entry, folder)?;
    let Seen::Here(bytes) = secret::bytes(entry, &file)? else { return Some(Private::default()) };
    let key = String::from_utf8(bytes).ok().filter(|text| text.contains("PRIVATE KEY-----"));
    if key.is_none() {
        entry.error(format!("{} holds no private key; put one of ssh-keygen's there", file.display()));
    }
    key.map(Private::new)
}

/// `[sftp]`, in a program that was built without it.
#[cfg(not(feature = "sftp"))]
pub(super) fn sftp(table: &mut Table<'_>, _: &Path) -> Option<Placed> {
    table.free_entries();
    table.error("this program was built without SFTP; build it with --features sftp");
    None
}

/// `[sftp]`.
#[cfg(feature = "sftp")]
pub(super) fn sftp(table: &mut Table<'_>, folder: &Path) -> Option<Placed> {
    let host = table.required("host", "\"10.0.0.5\"");
    let port = table.number("port", 1..=u16::MAX).unwrap_or(22);
    let user = table.required("user", "\"labwire\"").and_then(|entry| entry.parsed(one_line));
    let fingerprint = table
        .required("fingerprint", "\"SHA256:…\"; ssh-keyscan HOST | ssh-keygen -lf - shows it")
        .and_then(|entry| entry.parsed(key_fingerprint));
    let login = match table.entry("key_file") {
        Some(entry) => ssh_key(&entry, folder).map(SftpLogin::Key),
        None => password(table, "analyzer.password", folder).map(SftpLogin::Password),
    };
    let place = table.parsed("folder", one_line).unwrap_or_default();
    let looks = looks(table);
    let proof = proof(table, PROOFS.get(..4).unwrap_or_default());
    let after = after(table);
    let host = host?;
    let address = host.parsed(host_name)?;
    let settings = SftpSettings {
        host: address,
        port,
        user: user?,
        login: login?,
        fingerprint: fingerprint?,
        folder: place,
    };
    let settings = looks.with(PlaceSettings::Sftp(settings), proof?, after?);
    Some(Placed { transport: Transport::Drop(settings), span: host.span() })
}

/// As `ssh-keygen -l` prints it: the hash's 32 bytes in base 64, without padding.
#[cfg(feature = "sftp")]
fn key_fingerprint(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    match text.strip_prefix("SHA256:") {
        Some(hash) if hash.len() == 43 && hash.bytes().all(fits) => Ok(text.to_owned()),
        _ => {
            Err("this is no key's fingerprint; write SHA256: and the 43 characters that ssh-keygen -l shows"
                .to_owned())
        }
    }
}

/// What every place has beside its own keys.
struct Looks {
    pattern: Glob,
    every: Duration,
    jitter: Duration,
    patience: Duration,
    overdue: Duration,
    longest: u64,
    longest_workbook: u64,
}

impl Looks {
    fn with(self, place: PlaceSettings, proof: Proof, after: After) -> DropSettings {
        let Looks { pattern, every, jitter, patience, overdue, longest, longest_workbook } = self;
        DropSettings {
            place,
            pattern,
            every,
            jitter,
            patience,
            proof,
            after,
            overdue,
            longest,
            longest_workbook,
        }
    }
}

fn looks(table: &mut Table<'_>) -> Looks {
    let every = table.seconds("poll_secs", SECONDS).unwrap_or(Duration::from_secs(30));
    Looks {
        pattern: table.parsed("pattern", glob).unwrap_or_else(|| Glob::new("*")),
        every,
        jitter: table.seconds("jitter_secs", 0..=3_600).unwrap_or(every / 10),
        patience: table.seconds("timeout_secs", 1..=3_600).unwrap_or(Duration::from_secs(30)),
        overdue: table.seconds("overdue_secs", 1..=604_800).unwrap_or(Duration::from_secs(3_600)),
        longest: table.number("max_file_mib", 1..=65_536_u64).unwrap_or(4_096) * MIB,
        longest_workbook: table.number("max_workbook_mib", 1..=64_u64).unwrap_or(8) * MIB,
    }
}

/// `complete = { by = "…" }`, in one of these ways.
fn proof(table: &mut Table<'_>, ways: &[(&str, By)]) -> Option<Proof> {
    let read = table.table("complete", |complete| {
        let by = complete.required("by", "\"stable\"").and_then(|entry| entry.choice(ways));
        match by {
            Some(By::Stable) => {
                Some(Proof::Stable { polls: complete.number("polls", 2..=1_000).unwrap_or(3) })
            }
            Some(By::Marker) => {
                let suffix = complete.required("suffix", "\".ok\"");
                Some(Proof::Marker { suffix: suffix?.parsed(suffix_of_a_marker)? })
            }
            Some(By::Rename) => {
                let names = complete.required("while_writing", "\"*.tmp\"");
                Some(Proof::Rename { while_writing: names?.parsed(glob)? })
            }
            Some(By::Trailer) => Some(Proof::Trailer),
            Some(By::Lock) => Some(Proof::Lock),
            None => {
                // Which keys belong here can't be told.
                complete.free_entries();
                None
            }
        }
    });
    read.unwrap_or(Some(Proof::Stable { polls: 3 }))
}

fn after(table: &mut Table<'_>) -> Option<After> {
    let then = table.required("after", "\"delete\", \"move\" or \"leave\"");
    let place = table.entry("move_to");
    match then?.choice(&AFTER)? {
        Then::Move => match place {
            Some(place) => place.parsed(archive).map(After::Move),
            None => {
                let text =
                    format!("{} moves files and has no move_to; write move_to = \"archive\"", table.title());
                table.error(text);
                None
            }
        },
        other => {
            if let Some(place) = place {
                place.error("move_to belongs to after = \"move\"; write that, or remove the line");
                return None;
            }
            Some(if other == Then::Delete { After::Delete } else { After::Leave })
        }
    }
}

fn tls(table: &mut Table<'_>, host: Option<&Entry<'_>>, folder: &Path) -> Option<FtpTls> {
    let entry = table.entry("tls");
    let kind = match &entry {
        Some(entry) => entry.choice(&TLS),
        None => Some(Tls::Explicit),
    };
    let ca = table.entry("ca_file");
    let fingerprint = table.entry("fingerprint");
    let server_name = table.entry("server_name");
    if let (Some(Tls::None), Some(entry)) = (kind, &entry) {
        entry.warning("the password and the results cross the network readable; write tls = \"explicit\"");
        for lonely in [ca, fingerprint, server_name].into_iter().flatten() {
            lonely.error("this belongs to TLS; remove the line, or write tls = \"explicit\"");
        }
        return Some(FtpTls::None);
    }
    let trust = match (ca, fingerprint) {
        (Some(ca), None) => {
            let ca_pem = certificate(&ca, folder);
            let server_name = match server_name {
                Some(name) => name.parsed(host_name),
                None => host.and_then(|host| host.text().map(str::to_owned)),
            };
            Trust::Authority { ca_pem: ca_pem?, server_name: server_name? }
        }
        (None, Some(fingerprint)) => Trust::Fingerprint(fingerprint.parsed(sha256)?),
        (Some(_), Some(fingerprint)) => {
            fingerprint.error("ca_file and fingerprint are two ways to trust the server; write one of them");
            return None;
        }
        (None, None) => {
            let text = "has no way to know its server; write ca_file = \"server-ca.pem\", fingerprint = \"…\" or, \
                        without TLS, tls = \"none\"";
            table.error(format!("{} {text}", table.title()));
            return None;
        }
    };
    Some(if kind? == Tls::Implicit { FtpTls::Implicit(trust) } else { FtpTls::Explicit(trust) })
}

fn glob(text: &str) -> Result<Glob, String> {
    if text.is_empty() || text.contains('/') {
        return Err(format!("{text:?} is no pattern for names; write one such as \"*.csv\""));
    }
    Ok(Glob::new(text))
}

fn suffix_of_a_marker(text: &str) -> Result<String, String> {
    if text.len() < 2 || !text.starts_with('.') || text.contains('/') {
        return Err(format!("{text:?} is no suffix; write one such as \".ok\""));
    }
    Ok(text.to_owned())
}

fn archive(text: &str) -> Result<String, String> {
    match text.trim_end_matches('/') {
        "" | "." => Err("move_to leads nowhere else; write a folder such as \"archive\"".to_owned()),
        other => one_line(other),
    }
}

fn one_line(text: &str) -> Result<String, String> {
    if text.contains(|character: char| character.is_control()) {
        return Err("this holds a control character; write it without".to_owned());
    }
    Ok(text.to_owned())
}

pub(super) fn host_name(text: &str) -> Result<String, String> {
    let odd =
        |character: char| character.is_whitespace() || character.is_control() || "/@[]".contains(character);
    if text.is_empty() || text.contains(odd) {
        return Err(format!("{text:?} is no host; write a name or an address such as \"10.0.0.5\""));
    }
    Ok(text.to_owned())
}

/// 64 hexadecimal digits, with colons or without.
fn sha256(text: &str) -> Result<[u8; 32], String> {
    let fault = || "this is no SHA-256 fingerprint; write 64 hexadecimal digits, colons allowed".to_owned();
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|character| *character != ':')
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let bytes = digits.unwrap_or_default();
    let pairs = bytes.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit));
    if bytes.len() % 2 == 1 {
        return Err(fault());
    }
    pairs.collect::<Vec<u8>>().try_into().map_err(|_| fault())
}
