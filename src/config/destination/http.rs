//! The keys of a destination that takes JSON by POST, and how its answers are read. It never connects.

use std::collections::BTreeMap;
use std::path::Path;

use super::web::{self, pointer, rule, web_address};
use super::{Read, VERDICTS};
use crate::config::nearest::either;
use crate::config::reader::{Entry, Name, Table};
use crate::config::settings::{Http, ItemReply, KeyStyle, Kind, OnUnknown};

const KEY_STYLES: [(&str, KeyStyle); 2] = [("quoted", KeyStyle::Quoted), ("bare", KeyStyle::Bare)];
const ON_UNKNOWN: [(&str, OnUnknown); 3] =
    [("probe", OnUnknown::Probe), ("resend", OnUnknown::Resend), ("ask", OnUnknown::Ask)];

pub(super) fn read(table: &mut Table<'_>, folder: &Path) -> Read {
    let url = table.required("url", "\"https://lims.example/results\"");
    let url = url.and_then(|entry| web_address(&entry)).unwrap_or_default();
    let (on_unknown, probe_url) = unknown(table);
    let http = Http {
        url,
        web: web::read(table, folder),
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
