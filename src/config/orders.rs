//! `[orders.NAME]`: a LIMS that tells its orders. It reads the certificates that the table names; it never listens.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;

use labwire_hl7::message::Path as Place;

use super::instrument::character_set;
use super::reader::{Name, Table};
use super::settings::{OrderPlaces, OrderSource};
use super::transport;

const KINDS: [(&str, ()); 1] = [("mllp", ())];
/// The segments in which a LIMS may write a specimen's number.
const SEGMENTS: [&[u8; 3]; 4] = [b"SPM", b"SAC", b"OBR", b"ORC"];

/// A source of orders as far as it could be read.
pub(super) struct Draft {
    pub(super) source: OrderSource,
    pub(super) listen: SocketAddr,
    /// Where the file names the address.
    pub(super) span: Range<usize>,
}

pub(super) fn read(name: Name<'_>, table: &mut Table<'_>, folder: &Path) -> Option<Draft> {
    if let Err(message) = super::id("the name of a source of orders", name.text) {
        name.error(message);
    }
    table.choice("kind", &KINDS);
    let placed = transport::server(table, folder, 4, "place and cancel orders");
    let mut named = 0;
    let specimen = table.list("specimen_at", |entry| {
        named += 1;
        entry.parsed(place)
    });
    if specimen.is_some() && named == 0 {
        table.error("specimen_at names no place; write specimen_at = [\"SPM-2\"], or remove the line");
    }
    let character_set = table.parsed("character_set", character_set);
    let (server, span) = placed?;
    let specimen = specimen.unwrap_or_else(usual_places);
    let listen = server.listen;
    let source =
        OrderSource { name: name.text.to_owned(), server, places: OrderPlaces { specimen }, character_set };
    Some(Draft { source, listen, span })
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
