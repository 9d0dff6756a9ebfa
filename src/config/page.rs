//! `[page]` of `labwire.toml`: where the technicians' page listens, and who may read it. On a network address it must speak
//! TLS, as it shows patient data.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::destination::web::token;
use super::reader::{Entry, Table};
use super::settings::{Language, MachineToken, PageSettings};
use super::tls;
use super::transport::listen_address;
use crate::domain::{PersonName, Private, Role};

/// How long somebody who signed in may do nothing, unless the site says otherwise.
const AWAY: Duration = Duration::from_secs(10 * 60);
/// How long a link may be down before people go to paper, unless the site says otherwise.
const PAPER: Duration = Duration::from_secs(30 * 60);
/// The shortest token of a machine, in characters.
const TOKEN: usize = 32;

pub(super) fn default() -> PageSettings {
    let listen = SocketAddr::from(([127, 0, 0, 1], 8480));
    PageSettings {
        listen,
        hosts: hosts_of(listen),
        tls: None,
        tokens: Vec::new(),
        away_after: AWAY,
        paper_after: PAPER,
        language: Language::English,
    }
}

pub(super) fn read(table: &mut Table<'_>, folder: &Path) -> PageSettings {
    let tls = table.table("tls", |table| tls::server(table, folder));
    let (entry, hosts) = (table.entry("listen"), table.list("hosts", |entry| entry.parsed(host)));
    let listen = entry.as_ref().and_then(|entry| address(entry, tls.is_some(), hosts.is_some()));
    let listen = listen.unwrap_or(default().listen);
    let minutes = |minutes: Option<u64>, otherwise: Duration| {
        minutes.map_or(otherwise, |minutes| Duration::from_secs(minutes * 60))
    };
    PageSettings {
        listen,
        hosts: hosts.unwrap_or_else(|| hosts_of(listen)),
        tls: tls.flatten(),
        tokens: table.tables("tokens", |table| machine(table, folder)).into_iter().flatten().collect(),
        away_after: minutes(table.number("away_after_minutes", 1_u64..=240), AWAY),
        paper_after: minutes(table.number("paper_after_minutes", 1_u64..=1_440), PAPER),
        language: table.choice("language", &Language::NAMED).unwrap_or_default(),
    }
}

/// The names that reach a page at this address.
fn hosts_of(listen: SocketAddr) -> Vec<String> {
    let address = if listen.is_ipv6() { format!("[{}]", listen.ip()) } else { listen.ip().to_string() };
    vec!["localhost".to_owned(), address]
}

fn address(entry: &Entry<'_>, has_tls: bool, has_hosts: bool) -> Option<SocketAddr> {
    let listen = entry.parsed(listen_address)?;
    for why in unsafe_at(listen, has_tls, has_hosts) {
        entry.error(why);
    }
    Some(listen)
}

/// Why a page mustn't listen there.
fn unsafe_at(listen: SocketAddr, has_tls: bool, has_hosts: bool) -> Vec<String> {
    if listen.ip().is_loopback() {
        return Vec::new();
    }
    let mut why = Vec::new();
    if !has_tls {
        why.push(format!(
            "the page shows patient data and would be open to the network at {listen} in the clear; write [page.tls] with a \
             certificate_file and a key_file, or a loopback address such as \"127.0.0.1:{}\"",
            listen.port()
        ));
    }
    if listen.ip().is_unspecified() && !has_hosts {
        why.push(
            "at every address of this machine the page must know its names; write hosts = [\"bench-pc.example\"]"
                .to_owned(),
        );
    }
    why
}

/// Has the page listen there instead, under the same conditions.
pub(super) fn listen_at(page: &mut PageSettings, text: &str) -> Result<(), String> {
    let listen = listen_address(text)?;
    let has_hosts = page.hosts != hosts_of(page.listen);
    if let Some(why) = unsafe_at(listen, page.tls.is_some(), has_hosts).into_iter().next() {
        return Err(why);
    }
    if !has_hosts {
        page.hosts = hosts_of(listen);
    }
    page.listen = listen;
    Ok(())
}

/// Has the page answer to these names instead, separated by commas.
pub(super) fn answer_to(page: &mut PageSettings, names: &str) -> Result<(), String> {
    page.hosts = names.split(',').map(|name| host(name.trim())).collect::<Result<_, _>>()?;
    Ok(())
}

fn host(text: &str) -> Result<String, String> {
    let name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    let literal = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let fits = match literal {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !text.is_empty() && name(text),
    };
    if fits {
        return Ok(text.to_ascii_lowercase());
    }
    Err(format!("{text:?} is no host name; write it without scheme and port, such as \"bench-pc.example\""))
}

fn machine(table: &mut Table<'_>, folder: &Path) -> Option<MachineToken> {
    let roles = Role::ALL.map(|role| (role.name(), role));
    let name = table.required("name", "\"monitoring\"").and_then(|entry| entry.parsed(PersonName::parse));
    let role = table.required("role", "\"viewer\"").and_then(|entry| entry.choice(&roles));
    let secret =
        table.required("token_file", "\"monitoring.token\"").and_then(|entry| secret(&entry, folder));
    Some(MachineToken { name: name?, role: role?, token: secret? })
}

fn secret(entry: &Entry<'_>, folder: &Path) -> Option<Private<String>> {
    let token = token(entry, folder)?;
    if !token.reveal().is_empty() && token.reveal().len() < TOKEN {
        entry.error(format!(
            "this token is shorter than {TOKEN} characters; make one with: openssl rand -hex 32"
        ));
        return None;
    }
    Some(token)
}
