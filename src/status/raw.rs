//! The bytes themselves: a message's frames with every control character by name, and a delivery's payload with the
//! LIMS's last answer. Everything is escaped; nothing is interpreted.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::Page;
use super::act::Desk;
use super::bench::verdict_words;
use super::clock::{Clock, Moment};
use super::failure::{Failure, html};
use super::lead::Severity;
use super::preview::{self, Cut};
use super::shell::{Mark, Shell};
use super::who::Who;
use super::words::{filters, kept};
use crate::domain::{SpecimenId, Words, words};
use crate::journal::views::{AttemptView, DeliveryView, FrameView, MessageView};
use crate::journal::{DeliveryId, MessageId};

/// The names of the characters that frames are made of.
const NAMES: [&str; 33] = [
    "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT", "FF", "CR", "SO", "SI",
    "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS",
    "US", "DEL",
];

#[derive(Template)]
#[template(path = "message.html")]
struct Message {
    shell: Shell,
    id: i64,
    state: Mark,
    source: String,
    peer: String,
    /// Where in which file it stood.
    part: Option<Words>,
    received: Moment,
    processed: Option<Moment>,
    instrument: Option<String>,
    repeats: Option<i64>,
    specimens: Vec<String>,
    cut: Option<Cut>,
    frames: Vec<FrameRow>,
}

struct FrameRow {
    number: usize,
    received: Moment,
    sha256: String,
    length: usize,
    lines: Vec<Vec<Piece>>,
}

/// A run of bytes: text as it is, or one byte by its name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    /// The byte's value, where it isn't text.
    pub(super) byte: Option<String>,
}

#[derive(Template)]
#[template(path = "delivery.html")]
struct Delivery {
    shell: Shell,
    id: i64,
    state: Mark,
    destination: String,
    specimen: String,
    key: String,
    created: Moment,
    sha256: String,
    attempts: Vec<AttemptRow>,
    payload: Body,
    /// The attempt whose answer is shown.
    shown: Option<u32>,
    answer: Option<Body>,
    /// It waits for a person.
    waits: bool,
    desk: Desk,
}

struct AttemptRow {
    number: u32,
    kind: Words,
    began: Moment,
    ended: Option<Moment>,
    verdict: Words,
    detail: Words,
    connection: Words,
    /// How many bytes came back.
    received: Option<usize>,
}

/// What went over the wire to or from the LIMS.
pub(super) struct Body {
    pub(super) length: usize,
    /// JSON, indented, or the bytes where it isn't JSON.
    pub(super) json: Option<String>,
    pub(super) lines: Vec<Vec<Piece>>,
}

pub(super) async fn message(
    State(page): State<Page>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    const NONE: Failure = Failure::NotFound("There is no message of that number.");
    let number: i64 = id.parse().map_err(|_| NONE)?;
    let id = MessageId(number);
    let (snapshot, (view, part, frames, content)) = page
        .read(move |reader| {
            Ok((reader.message(id)?, reader.part_of(id)?, reader.frames(id)?, reader.content(id)?))
        })
        .await?;
    let view = view.ok_or(NONE)?;
    let clock = page.clock(&snapshot);
    let shell = Shell::new(
        words!("Message {number}", number = number.to_string()),
        "",
        &page.site,
        &snapshot,
        &clock,
    )
    .seen_by(who, format!("/message/{number}"));
    html(
        &Message {
            shell,
            id: number,
            state: message_state(&view),
            received: clock.at(view.received_at),
            processed: view.processed_at.map(|at| clock.at(at)),
            repeats: view.repeats.map(|id| id.0),
            specimens: view
                .specimens
                .iter()
                .map(SpecimenId::reveal)
                .filter(|id| !id.is_empty())
                .map(str::to_owned)
                .collect(),
            cut: preview::cut(&view, &content, &page.instruments),
            source: view.source,
            peer: view.peer,
            part: part.map(|(file, number, place)| {
                words!(
                    "part {number} of {file}, from its line {line} on",
                    number = number + 1,
                    file = file.name,
                    line = place.first_line
                )
            }),
            instrument: view.instrument.or(view.lims),
            frames: frames.iter().enumerate().map(|(index, it)| frame(index + 1, it, &clock)).collect(),
        },
        page.language,
    )
}

fn message_state(view: &MessageView) -> Mark {
    match view.state.as_str() {
        "processed" => Mark::new(Severity::Calm, words!("read")),
        "unattributed" => Mark::new(Severity::Act, words!("from an analyzer that labwire doesn't know")),
        "incomplete" => Mark::new(Severity::Act, words!("cut short")),
        _ => Mark::new(Severity::Odd, words!("not read yet")),
    }
}

fn frame(number: usize, view: &FrameView, clock: &Clock) -> FrameRow {
    let raw = view.raw.reveal();
    FrameRow {
        number,
        received: clock.at(view.received_at),
        sha256: view.sha256.clone(),
        length: raw.len(),
        lines: lines(raw),
    }
}

/// Bytes as lines of pieces: a line ends after its CR or LF.
pub(super) fn lines(bytes: &[u8]) -> Vec<Vec<Piece>> {
    let mut lines = Vec::new();
    let mut line: Vec<Piece> = Vec::new();
    let mut bytes = bytes.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, line.last_mut()) {
            (0x20..0x7f, Some(piece)) if piece.byte.is_none() => piece.text.push(char::from(byte)),
            (0x20..0x7f, _) => line.push(Piece { text: char::from(byte).to_string(), byte: None }),
            _ => line.push(Piece { text: name(byte), byte: Some(format!("0x{byte:02X}")) }),
        }
        let ends = byte == b'\n' || (byte == b'\r' && bytes.peek() != Some(&b'\n'));
        if ends && bytes.peek().is_some() {
            lines.push(std::mem::take(&mut line));
        }
    }
    lines.push(line);
    lines
}

/// A byte's name between angle brackets: `<STX>`, or its value in hex.
fn name(byte: u8) -> String {
    let index = if byte == 0x7f { 32 } else { usize::from(byte) };
    match NAMES.get(index) {
        Some(name) => format!("<{name}>"),
        None => format!("<{byte:02X}>"),
    }
}

/// Which attempt's answer is asked for; the last one's where none is named.
#[derive(Deserialize)]
pub(super) struct Asked {
    attempt: Option<u32>,
}

pub(super) async fn delivery(
    State(page): State<Page>,
    who: Who,
    Path(id): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Failure> {
    const NONE: Failure = Failure::NotFound("There is no delivery of that number.");
    let number: i64 = id.parse().map_err(|_| NONE)?;
    let wanted = asked.map_err(|_| NONE)?.0.attempt;
    let id = DeliveryId(number);
    let (snapshot, (view, payload, shown, answer)) = page
        .read(move |reader| {
            let view = reader.delivery(id)?;
            let mut attempts = view.iter().flat_map(|view| &view.attempts).rev();
            let shown = wanted.or(attempts.find(|it| it.answer.is_some()).map(|it| it.number));
            let answer = match shown {
                Some(number) => reader.received(id, number)?,
                None => None,
            };
            Ok((view, reader.payload(id)?, shown, answer))
        })
        .await?;
    let (Some(view), Some(payload)) = (view, payload) else { return Err(NONE) };
    let clock = page.clock(&snapshot);
    html(
        &Delivery {
            desk: Desk::of(&who),
            waits: view.state == "dead",
            shell: Shell::new(
                words!("Delivery {number}", number = number.to_string()),
                "",
                &page.site,
                &snapshot,
                &clock,
            )
            .seen_by(who, format!("/delivery/{number}")),
            id: number,
            state: delivery_state(&view),
            specimen: view.specimen.reveal().to_owned(),
            created: clock.at(view.created_at),
            attempts: view.attempts.iter().map(|it| attempt(it, &clock)).collect(),
            payload: body(payload.reveal()),
            shown,
            answer: answer.map(|answer| body(answer.reveal())),
            destination: view.destination,
            key: view.key,
            sha256: view.sha256,
        },
        page.language,
    )
}

fn delivery_state(view: &DeliveryView) -> Mark {
    match view.state.as_str() {
        "settled" => Mark::new(Severity::Calm, words!("settled")),
        "due" => Mark::new(Severity::Calm, words!("waits for its next try")),
        "sending" => Mark::new(Severity::Calm, words!("being sent")),
        "unknown" => Mark::new(Severity::Odd, words!("fate unknown")),
        _ => Mark::new(Severity::Danger, words!("waits for a person")),
    }
}

fn attempt(view: &AttemptView, clock: &Clock) -> AttemptRow {
    let (verdict, detail) = match &view.answer {
        Some(answer) => (
            match answer.status {
                Some(status) => {
                    Words::row([verdict_words(&answer.verdict), format!("(HTTP {status})").into()], " ")
                }
                None => verdict_words(&answer.verdict),
            },
            kept(answer.detail.reveal()),
        ),
        None => (words!("no answer yet"), Words::none()),
    };
    AttemptRow {
        number: view.number,
        kind: if view.kind == "probe" { words!("asked for its fate") } else { words!("sent") },
        began: clock.at(view.began_at),
        connection: view
            .answer
            .as_ref()
            .and_then(|answer| answer.connection.as_deref())
            .map_or_else(Words::none, way),
        received: view.answer.as_ref().and_then(|answer| answer.received),
        ended: view.answer.as_ref().map(|answer| clock.at(answer.ended_at)),
        verdict,
        detail,
    }
}

pub(super) fn body(bytes: &[u8]) -> Body {
    let json = serde_json::from_slice::<serde_json::Value>(bytes)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .ok();
    Body { length: bytes.len(), lines: if json.is_some() { Vec::new() } else { lines(bytes) }, json }
}

/// To whom, and how well kept from others.
fn way(connection: &str) -> Words {
    match connection.strip_suffix(", in the clear") {
        Some(peer) => words!("{peer}, in the clear", peer),
        None => connection.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_can_be_told_from_every_other() {
        let shown =
            |byte: u8| lines(&[byte]).into_iter().flatten().map(|it| (it.text, it.byte)).collect::<Vec<_>>();
        let all: std::collections::BTreeSet<_> = (0..=255).map(shown).collect();
        assert_eq!(all.len(), 256);
    }

    #[test]
    fn a_frame_is_cut_into_lines_after_its_line_ends_only() {
        let shown: Vec<String> = lines(b"\x021H|<b>\xe4\r\x03A7\r\n")
            .iter()
            .map(|line| line.iter().map(|piece| piece.text.as_str()).collect())
            .collect();
        assert_eq!(shown, ["<STX>1H|<b><E4><CR>", "<ETX>A7<CR><LF>"]);
    }
}
