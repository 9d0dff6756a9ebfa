//! `[alerts]`: whom labwire tells by itself, and when. It never connects.

use std::path::Path;
use std::time::Duration;

use super::destination::web;
use super::reader::Table;
use super::settings::{AlertSettings, Heartbeat, Least, Webhook};

const LEAST: [(&str, Least); 2] = [("danger", Least::Danger), ("act", Least::Act)];
const EXAMPLE: &str = "\"https://alerts.example/labwire\"";
const IN_THE_CLEAR: &str =
    "alerts leave this machine unencrypted; write https:// where the receiver allows it";

pub(super) fn read(table: &mut Table<'_>, folder: &Path) -> AlertSettings {
    AlertSettings {
        webhook: table.table("webhook", |table| webhook(table, folder)).flatten(),
        heartbeat: table.table("heartbeat", |table| heartbeat(table, folder)).flatten(),
    }
}

fn webhook(table: &mut Table<'_>, folder: &Path) -> Option<Webhook> {
    let url = table.required("url", EXAMPLE).and_then(|entry| web::address(&entry, EXAMPLE, IN_THE_CLEAR));
    let after = table.seconds("after_secs", 0..=3_600).unwrap_or(Duration::from_secs(60));
    let least = table.choice("least", &LEAST).unwrap_or(Least::Danger);
    let web = web::read(table, folder);
    Some(Webhook { url: url?, web, after, least })
}

fn heartbeat(table: &mut Table<'_>, folder: &Path) -> Option<Heartbeat> {
    let url = table.required("url", EXAMPLE).and_then(|entry| web::address(&entry, EXAMPLE, IN_THE_CLEAR));
    let every = table.seconds("every_secs", 10..=3_600).unwrap_or(Duration::from_secs(60));
    let web = web::read(table, folder);
    Some(Heartbeat { url: url?, web, every })
}
