//! `[orders.NAME]`: a LIMS that tells its orders. It reads the certificates and tokens that the table names; it never
//! listens or connects.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use labwire_hl7::message::Path as Place;

use super::destination::web;
use super::instrument::character_set;
use super::reader::{Name, Table};
use super::settings::{
    AskSettings, FhirOrders, OrderFolder, OrderFormat, OrderHl7, OrderPlaces, OrderSource, OrderWay,
    PollSettings, TcpServerSettings,
};
use super::transport::{self, path};
use crate::domain::{Numbering, Private};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mllp,
    Push,
    Poll,
    Fhir,
    Folder,
}

const KINDS: [(&str, Kind); 5] = [
    ("mllp", Kind::Mllp),
    ("push", Kind::Push),
    ("poll", Kind::Poll),
    ("fhir", Kind::Fhir),
    ("folder", Kind::Folder),
];
/// The segments in which a LIMS may write a specimen's number.
const SEGMENTS: [&[u8; 3]; 4] = [b"SPM", b"SAC", b"OBR", b"ORC"];

/// A source of orders as far as it could be read.
pub(super) struct Draft {
    pub(super) source: OrderSource,
    /// Where it listens, and where the file names the address.
    pub(super) listens: Option<(SocketAddr, Range<usize>)>,
}

pub(super) fn read(name: Name<'_>, table: &mut Table<'_>, folder: &Path) -> Option<Draft> {
    if let Err(message) = super::id("the name of a source of orders", name.text) {
        name.error(message);
    }
    let kind = table.choice("kind", &KINDS).unwrap_or(Kind::Mllp);
    let read = match kind {
        Kind::Mllp => mllp(table, folder),
        Kind::Push => push(table, folder),
        Kind::Poll => poll(table, folder, OrderFormat::Json),
        Kind::Fhir => {
            let format = OrderFormat::Fhir(fhir(table));
            poll(table, folder, format)
        }
        Kind::Folder => files(table, folder),
    };
    let ask = table.table("ask", |table| ask(table, folder)).flatten();
    let (way, listens) = read?;
    Some(Draft { source: OrderSource { name: name.text.to_owned(), way, ask }, listens })
}

type Read = Option<(OrderWay, Option<(SocketAddr, Range<usize>)>)>;

fn mllp(table: &mut Table<'_>, folder: &Path) -> Read {
    let placed = server(table, folder, 4);
    let (hl7, numbers) = (hl7(table), numbers(table));
    let (server, span) = placed?;
    let listens = Some((server.listen, span));
    Some((OrderWay::Mllp { server, hl7, numbers }, listens))
}

fn push(table: &mut Table<'_>, folder: &Path) -> Read {
    let placed = server(table, folder, 16);
    let (token, numbers) = (token(table, folder), numbers(table));
    let (server, span) = placed?;
    let listens = Some((server.listen, span));
    Some((OrderWay::Push { server, token: token?, numbers }, listens))
}

fn server(
    table: &mut Table<'_>,
    folder: &Path,
    connections: usize,
) -> Option<(TcpServerSettings, Range<usize>)> {
    transport::server(table, folder, connections, "place and cancel orders")
}

fn token(table: &mut Table<'_>, folder: &Path) -> Option<Private<String>> {
    table.required("token_file", "\"orders.token\"").and_then(|entry| web::token(&entry, folder))
}

fn poll(table: &mut Table<'_>, folder: &Path, format: OrderFormat) -> Read {
    let json = format == OrderFormat::Json;
    let example =
        if json { "\"https://lims.example/orders?after={cursor}\"" } else { "\"https://lims.example/fhir\"" };
    let entry = table.required("url", example);
    let url = entry.as_ref().and_then(web::web_address);
    if let (Some(entry), Some(url)) = (&entry, &url)
        && json != url.contains("{cursor}")
    {
        entry.error(match json {
            true => "url has no {cursor}; write {cursor} where the cursor of the last answer belongs",
            false => "url is the server's base, without {cursor}; remove it",
        });
    }
    let (web, every) = (web::read(table, folder), every(table, 30));
    Some((OrderWay::Poll(PollSettings { url: url?, web, every, format }), None))
}

fn fhir(table: &mut Table<'_>) -> FhirOrders {
    FhirOrders {
        code_system: table.text("code_system"),
        specimen_system: table.text("specimen_system"),
        patient_system: table.text("patient_system"),
    }
}

fn files(table: &mut Table<'_>, folder: &Path) -> Read {
    let entry = table.required("folder", "\"/srv/orders\"");
    let moved_to = table.entry("moved_to").and_then(|entry| path(&entry, folder));
    let (every, hl7, numbers) = (every(table, 5), hl7(table), numbers(table));
    let path = path(&entry?, folder)?;
    Some((OrderWay::Folder(OrderFolder { path, every, moved_to, hl7, numbers }), None))
}

fn numbers(table: &mut Table<'_>) -> Numbering {
    const NUMBERS: [(&str, Numbering); 2] = [("order", Numbering::Order), ("request", Numbering::Request)];
    table.choice("numbers", &NUMBERS).unwrap_or_default()
}

fn every(table: &mut Table<'_>, usual: u64) -> Duration {
    table.seconds("every_secs", 1..=3_600).unwrap_or(Duration::from_secs(usual))
}

fn ask(table: &mut Table<'_>, folder: &Path) -> Option<AskSettings> {
    const FORMATS: [(&str, bool); 2] = [("json", false), ("fhir", true)];
    let entry = table.required("url", "\"https://lims.example/orders?specimen={specimen}\"");
    let url = entry.as_ref().and_then(web::web_address);
    if let (Some(entry), Some(url)) = (&entry, &url)
        && !url.contains("{specimen}")
    {
        entry.error("url has no {specimen}; write {specimen} where the label belongs");
    }
    let format = match table.choice("format", &FORMATS) {
        Some(true) => OrderFormat::Fhir(fhir(table)),
        Some(false) | None => OrderFormat::Json,
    };
    let mut web = web::read(table, folder);
    web.timeout = table.seconds("patience_secs", 1..=30).unwrap_or(Duration::from_secs(4));
    Some(AskSettings { url: url?, web, format })
}

fn hl7(table: &mut Table<'_>) -> OrderHl7 {
    let mut named = 0;
    let specimen = table.list("specimen_at", |entry| {
        named += 1;
        entry.parsed(place)
    });
    if specimen.is_some() && named == 0 {
        table.error("specimen_at names no place; write specimen_at = [\"SPM-2\"], or remove the line");
    }
    let specimen = specimen.unwrap_or_else(usual_places);
    OrderHl7 { places: OrderPlaces { specimen }, character_set: table.parsed("character_set", character_set) }
}

fn usual_places() -> Vec<Place> {
    ["SPM-2", "SAC-3"].into_iter().filter_map(Place::parse).collect()
}

fn place(text: &str) -> Result<Place, String> {
    let place = Place::parse(text).filter(|place| SEGMENTS.contains(&&place.segment));
    place.filter(|place| place.occurrence.is_none()).ok_or_else(|| {
        format!("{text:?} is no place of a specimen's number; write one such as \"SPM-2\", \"SAC-3\" or \"OBR-3.1\"")
    })
}
