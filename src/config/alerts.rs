//! `[alerts]`: whom labwire tells by itself, and when. It never connects.

use std::path::Path;
use std::time::Duration;

use super::destination::web;
use super::drop::host_name;
use super::files;
use super::reader::Table;
use super::secret::password;
use super::settings::{AlertSettings, Email, EmailTls, Heartbeat, Least, Told, Webhook};

const LEAST: [(&str, Least); 2] = [("danger", Least::Danger), ("act", Least::Act)];
const TLS: [(&str, EmailTls); 3] =
    [("none", EmailTls::None), ("starttls", EmailTls::StartTls), ("implicit", EmailTls::Implicit)];
const EXAMPLE: &str = "\"https://alerts.example/labwire\"";
const IN_THE_CLEAR: &str =
    "alerts leave this machine unencrypted; write https:// where the receiver allows it";

pub(super) fn read(table: &mut Table<'_>, folder: &Path) -> AlertSettings {
    AlertSettings {
        webhook: table.table("webhook", |table| webhook(table, folder)).flatten(),
        email: table.table("email", |table| email(table, folder)).flatten(),
        heartbeat: table.table("heartbeat", |table| heartbeat(table, folder)).flatten(),
    }
}

fn webhook(table: &mut Table<'_>, folder: &Path) -> Option<Webhook> {
    let url = table.required("url", EXAMPLE).and_then(|entry| web::address(&entry, EXAMPLE, IN_THE_CLEAR));
    let what = told(table);
    let web = web::read(table, folder);
    Some(Webhook { url: url?, web, what })
}

fn told(table: &mut Table<'_>) -> Told {
    let after = table.seconds("after_secs", 0..=3_600).unwrap_or(Duration::from_secs(60));
    Told { after, least: table.choice("least", &LEAST).unwrap_or(Least::Danger) }
}

fn email(table: &mut Table<'_>, folder: &Path) -> Option<Email> {
    let server = table.required("server", "\"mail.example\"").and_then(|entry| entry.parsed(host_name));
    let encryption = table.entry("tls");
    let tls = encryption.as_ref().map_or(Some(EmailTls::StartTls), |entry| entry.choice(&TLS));
    let usual = if tls == Some(EmailTls::Implicit) { 465 } else { 587 };
    let port = table.number("port", 1..=u16::MAX).unwrap_or(usual);
    let ca = table.entry("ca_file");
    let ca_pem = ca.as_ref().map(|entry| files::certificate(entry, folder));
    let user = table.text("user");
    let has_login = user.is_some();
    let password = has_login.then(|| password(table, "mail.password", folder));
    if let Some(entry) = encryption.filter(|_| tls == Some(EmailTls::None)) {
        let what = if has_login { "the password and the alerts" } else { "alerts" };
        entry.warning(format!("{what} cross the network readable; write tls = \"starttls\""));
    }
    let from = table.required("from", "\"labwire@lab.example\"").and_then(|entry| entry.parsed(address));
    let to = table.required("to", "[\"lab-it@lab.example\"]").and_then(|entry| {
        let all = entry.list()?;
        if all.is_empty() {
            entry.error("to names nobody; write an address such as \"lab-it@lab.example\"");
        }
        all.iter()
            .map(|one| one.parsed(address))
            .collect::<Option<Vec<String>>>()
            .filter(|all| !all.is_empty())
    });
    let what = told(table);
    let login = match (user, password) {
        (Some(user), Some(password)) => Some((user, password?)),
        _ => None,
    };
    let ca_pem = match ca_pem {
        Some(pem) => Some(pem?),
        None => None,
    };
    Some(Email { host: server?, port, tls: tls?, ca_pem, login, from: from?, to: to?, what })
}

fn address(text: &str) -> Result<String, String> {
    let parsed = text.parse::<lettre::Address>();
    parsed
        .map(|it| it.to_string())
        .map_err(|_| format!("{text:?} is no address of a mailbox; write one such as \"lab-it@lab.example\""))
}

fn heartbeat(table: &mut Table<'_>, folder: &Path) -> Option<Heartbeat> {
    let url = table.required("url", EXAMPLE).and_then(|entry| web::address(&entry, EXAMPLE, IN_THE_CLEAR));
    let every = table.seconds("every_secs", 10..=3_600).unwrap_or(Duration::from_secs(60));
    let web = web::read(table, folder);
    Some(Heartbeat { url: url?, web, every })
}
