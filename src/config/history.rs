//! `[history]`: where the LIMS is asked for a patient's earlier values. It reads the certificates and tokens that the table
//! names; it never connects.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use super::destination::web;
use super::instrument::aliases;
use super::reader::{Entry, Table};
use super::settings::{HistoryCodes, HistoryFormat, HistorySettings};

/// LOINC's system in FHIR, by its own page on terminologies.
const LOINC: &str = "http://loinc.org";
const EXAMPLE: &str = "\"https://lims.example/history?patient={patient}&since={since}\"";
const IN_THE_CLEAR: &str =
    "patients' numbers and values cross the network unencrypted; write https:// where the LIMS allows it";
/// What may stand in the address.
const PLACES: [&str; 4] = ["{patient}", "{authority}", "{code}", "{since}"];

/// The table, and what of it an analyzer must say where nothing tells orders.
pub(super) struct Draft {
    pub(super) settings: HistorySettings,
    /// Where it is said who assigns numbers.
    pub(super) of_authority: Vec<Range<usize>>,
}

/// `orders` are the names of the sources that tell orders.
pub(super) fn read(table: &mut Table<'_>, folder: &Path, orders: &[String]) -> Option<Draft> {
    const FORMATS: [(&str, bool); 2] = [("json", false), ("fhir", true)];
    const CODES: [(&str, HistoryCodes); 2] = [("loinc", HistoryCodes::Loinc), ("lims", HistoryCodes::Lims)];
    let address = table.required("url", EXAMPLE);
    let url = address.as_ref().and_then(|entry| web::address(entry, EXAMPLE, IN_THE_CLEAR));
    if let (Some(entry), Some(url)) = (&address, &url) {
        places(entry, url);
    }
    let codes = table.choice("codes", &CODES).unwrap_or(HistoryCodes::Lims);
    let format = table.choice("format", &FORMATS).unwrap_or(false);
    let code_system = table.entry("code_system");
    let format = match (format, &code_system) {
        (false, Some(entry)) => {
            entry.error(
                "a code's system is a matter of FHIR; write format = \"fhir\" too, or remove this line",
            );
            HistoryFormat::Json
        }
        (false, None) => HistoryFormat::Json,
        (true, entry) => {
            let usual = (codes == HistoryCodes::Loinc).then(|| LOINC.to_owned());
            let code_system = entry.as_ref().and_then(|it| it.text()).map(str::to_owned).or(usual);
            HistoryFormat::Fhir { code_system }
        }
    };
    let authority = table.entry("authority");
    if let (Some(entry), Some(url)) = (&authority, &url)
        && url.contains("{authority}")
    {
        entry.error(
            "the address says {authority}, so the LIMS is told whose each number is; remove this line",
        );
    }
    let says_authority =
        address.as_ref().filter(|_| url.as_ref().is_some_and(|it| it.contains("{authority}")));
    let of_authority = match orders {
        [] => [says_authority, authority.as_ref()].into_iter().flatten().map(Entry::span).collect(),
        _ => Vec::new(),
    };
    let orders = whose(table, orders);
    let authority = authority.and_then(|it| it.text().map(str::to_owned)).unwrap_or_default();
    let units = table.table("units", aliases).unwrap_or_default();
    let days = table.number("days", 1_u16..=3_660).unwrap_or(365);
    let wait = table.seconds("wait_secs", 1..=3_600).unwrap_or(Duration::from_secs(30));
    let mut web = web::read(table, folder);
    web.timeout = table.seconds("patience_secs", 1..=30).unwrap_or(Duration::from_secs(4));
    let settings = HistorySettings { url: url?, web, format, codes, orders, authority, units, days, wait };
    Some(Draft { settings, of_authority })
}

/// Notes what is missing from the address, and what isn't understood there.
fn places(entry: &Entry<'_>, url: &str) {
    if !url.contains("{patient}") {
        entry.error("url has no {patient}; write {patient} where the patient's number belongs");
    }
    let rest = PLACES.iter().fold(url.to_owned(), |rest, place| rest.replace(place, ""));
    if rest.contains(['{', '}']) {
        let known = PLACES.join(", ");
        entry.error(format!("url has braces that aren't understood; write {known} where those belong"));
    }
}

/// Of whose orders its patients are, by the configured name. Patients of another LIMS may bear the same numbers.
fn whose(table: &mut Table<'_>, orders: &[String]) -> Option<String> {
    let entry = table.entry("orders");
    match &entry {
        None if orders.is_empty() => None,
        None => {
            let first = orders.first().map(String::as_str).unwrap_or_default();
            table.error(format!("it isn't said whose patients this LIMS knows; write orders = \"{first}\""));
            None
        }
        Some(entry) => {
            let name = entry.text()?;
            if !orders.iter().any(|it| it == name) {
                entry.error(match orders {
                    [] => "no table [orders.…] tells orders; remove this line".to_owned(),
                    some => format!("there is no [orders.{name}]; write one of {}", some.join(", ")),
                });
            }
            Some(name.to_owned())
        }
    }
}
