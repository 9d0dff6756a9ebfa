//! An instrument's last messages with pseudonyms: as a capture that `labsim replay` plays, or as they stood in files.

use std::ops::Range;

use labwire_astm::transfer::control::{ETB, ETX, STX};

use crate::config::settings::{Instrument, Line};
use crate::domain::{Direction, Passage, Passed};
use crate::journal::exchanges::{Exchange, KeptParcel};
use crate::journal::{JournalError, Reader};
use crate::pseudonym::Pseudonyms;

/// Files of the bundle: their names and contents.
type Files = Vec<(String, Vec<u8>)>;

/// The last `most` transfers or messages of an instrument. What can't be disguised is left out, and told in `notes`.
pub(super) fn messages(
    reader: &Reader,
    instrument: &Instrument,
    most: u32,
    pseudonyms: &mut Pseudonyms,
    notes: &mut Vec<String>,
) -> Result<Files, JournalError> {
    if matches!(instrument.line, Line::Files) {
        return of_files(reader, instrument, most, pseudonyms, notes);
    }
    let mut text = format!("# {}, with pseudonyms: no patient is named so. Times are UTC.\n", instrument.id);
    let exchanges = match reader.exchanges(&instrument.id, most) {
        Err(JournalError::Elsewhere(why)) => {
            notes.push(format!("what {} sent is left out: {why}", instrument.id));
            return Ok(Vec::new());
        }
        exchanges => exchanges?,
    };
    for (number, exchange) in (1..).zip(&exchanges) {
        match lines(instrument, number, exchange, pseudonyms) {
            Ok(lines) => text += &lines,
            Err(why) => notes.push(format!("a transfer of {} is left out: {why}", instrument.id)),
        }
    }
    let name = format!("messages/{}.capture", instrument.id);
    Ok(if exchanges.is_empty() { Vec::new() } else { vec![(name, text.into_bytes())] })
}

fn of_files(
    reader: &Reader,
    instrument: &Instrument,
    most: u32,
    pseudonyms: &mut Pseudonyms,
    notes: &mut Vec<String>,
) -> Result<Files, JournalError> {
    let mut files = Vec::new();
    for message in reader.last_messages(&instrument.id, most)? {
        let mut content = match reader.content(message) {
            Err(JournalError::Elsewhere(why)) => {
                notes.push(format!("message {message} of {} is left out: {why}", instrument.id));
                continue;
            }
            content => content?,
        };
        match pseudonyms.disguise(&mut content, &instrument.profile) {
            Ok(()) => files.push((format!("messages/{}-{message}", instrument.id), content)),
            Err(why) => notes.push(format!("message {message} of {} is left out: {why}", instrument.id)),
        }
    }
    Ok(files)
}

/// One transfer as a connection of a capture.
fn lines(
    instrument: &Instrument,
    number: u64,
    exchange: &Exchange,
    pseudonyms: &mut Pseudonyms,
) -> Result<String, &'static str> {
    let who = format!("{}/{number}", instrument.id);
    let (Some(first), Some(last)) = (exchange.parcels.first(), exchange.parcels.last()) else {
        return Ok(String::new());
    };
    let mut text = String::new();
    let mut tell = |parcel: &KeptParcel, what: Passed| {
        text += &Passage { at: parcel.received_at, who: who.clone(), what }.to_string();
        text.push('\n');
    };
    let is_framed = first.raw.reveal().first() == Some(&STX);
    let raws = match &instrument.line {
        Line::Astm(_) => frames(&exchange.parcels, instrument, pseudonyms)?,
        Line::Mllp(..) | Line::Files => blocks(&exchange.parcels, instrument, pseudonyms)?,
    };
    let analyzer = |bytes: &[u8]| Passed::Bytes(Direction::In, bytes.to_vec());
    let gateway = |bytes: &[u8]| Passed::Bytes(Direction::Out, bytes.to_vec());
    tell(first, Passed::Event("connected: as the journal has it".to_owned()));
    if is_framed {
        tell(first, analyzer(b"\x05"));
        tell(first, gateway(b"\x06"));
    }
    for (parcel, raw) in exchange.parcels.iter().zip(&raws) {
        tell(parcel, analyzer(raw));
        if is_framed {
            tell(parcel, gateway(b"\x06"));
        }
        for said in &parcel.said {
            let mut said = said.reveal().clone();
            pseudonyms.disguise(&mut said, &instrument.profile)?;
            tell(parcel, gateway(&[b"\x0b".as_slice(), &said, b"\x1c\r"].concat()));
        }
    }
    if is_framed {
        tell(last, analyzer(b"\x04"));
    }
    tell(last, Passed::Event("ended: as the journal has it".to_owned()));
    Ok(text)
}

/// Each parcel with its content disguised by itself.
fn blocks(
    parcels: &[KeptParcel],
    instrument: &Instrument,
    pseudonyms: &mut Pseudonyms,
) -> Result<Vec<Vec<u8>>, &'static str> {
    let disguised = parcels.iter().map(|parcel| {
        let mut raw = parcel.raw.reveal().clone();
        let content = raw.get_mut(parcel.content.clone()).ok_or("it isn't whole")?;
        pseudonyms.disguise(content, &instrument.profile)?;
        Ok(raw)
    });
    disguised.collect()
}

/// Each frame with its part of the content, which is disguised as a whole since a record may go on in the next frame, and
/// with the checksum of what it holds now.
fn frames(
    parcels: &[KeptParcel],
    instrument: &Instrument,
    pseudonyms: &mut Pseudonyms,
) -> Result<Vec<Vec<u8>>, &'static str> {
    let mut content = Vec::new();
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for parcel in parcels {
        let part = parcel.raw.reveal().get(parcel.content.clone()).ok_or("it isn't whole")?;
        ranges.push(content.len()..content.len() + part.len());
        content.extend_from_slice(part);
    }
    pseudonyms.disguise(&mut content, &instrument.profile)?;
    let framed = parcels.iter().zip(ranges).map(|(parcel, range)| {
        let mut raw = parcel.raw.reveal().clone();
        let place = raw.get_mut(parcel.content.clone()).ok_or("it isn't whole")?;
        place.copy_from_slice(content.get(range).ok_or("it isn't whole")?);
        sum_up(&mut raw);
        Ok(raw)
    });
    framed.collect()
}

/// Writes a frame's checksum anew, where it has one: the sum from behind STX to ETX or ETB.
fn sum_up(raw: &mut [u8]) {
    if raw.first() != Some(&STX) {
        return;
    }
    let Some(end) = raw.iter().rposition(|byte| [ETX, ETB].contains(byte)) else { return };
    let sum = raw.get(1..=end).unwrap_or_default().iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    if let Some(digits) = raw.get_mut(end + 1..end + 3)
        && digits.iter().all(u8::is_ascii_hexdigit)
    {
        let is_lower = digits.iter().any(u8::is_ascii_lowercase);
        let written = if is_lower { format!("{sum:02x}") } else { format!("{sum:02X}") };
        digits.copy_from_slice(written.as_bytes());
    }
}
