//! What passed, put together to what was meant: control characters, frames with what their checksum is worth, blocks of
//! HL7 with a line for each segment. It shows and judges nothing else, and forgets what it has shown.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use labwire_astm::transfer::control::{ACK, CR, ENQ, EOT, ETB, ETX, LF, NAK, STX};
use labwire_astm::transfer::{Frame, Tolerances};
use labwire_hl7::transfer::control::{FS, VT};

use crate::cli::arguments::Side;
use crate::domain::{Direction, Passage, Passed, visible};

/// The most bytes that wait for a frame's or a block's end.
const LONGEST: usize = 1024 * 1024;

/// What has come of each connection and isn't shown yet.
pub(super) struct Units {
    zone: TimeZone,
    only: Option<Side>,
    open: BTreeMap<String, Open>,
}

/// Bytes of one direction that end nowhere yet. The connection's name sorts it.
struct Open {
    since: Timestamp,
    direction: Direction,
    bytes: Vec<u8>,
}

impl Units {
    pub(super) fn new(zone: TimeZone, only: Option<Side>) -> Units {
        Units { zone, only, open: BTreeMap::new() }
    }

    /// What a line of the tap completes, as text.
    pub(super) fn take(&mut self, line: &str) -> String {
        let Ok(Passage { at, who, what }) = line.parse::<Passage>() else { return format!("{line}\n") };
        let mut text = String::new();
        match what {
            Passed::Event(words) => {
                text += &self.finish(&who);
                let _ = writeln!(text, "{} {who:<14} = {words}", self.time(at));
            }
            Passed::Bytes(direction, _) if self.is_left_out(direction) => {}
            Passed::Bytes(direction, bytes) => {
                // The other end speaks: what came before is over.
                if self.open.get(&who).is_some_and(|open| open.direction != direction) {
                    text += &self.finish(&who);
                }
                let open = self.open.remove(&who);
                let mut open = open.unwrap_or(Open { since: at, direction, bytes: Vec::new() });
                open.bytes.extend(bytes);
                while let Some(length) = unit(&open.bytes) {
                    let rest = open.bytes.split_off(length);
                    text += &self.shown(&who, &open);
                    open = Open { since: at, direction, bytes: rest };
                }
                if open.bytes.len() > LONGEST {
                    text += &self.shown(&who, &open);
                    open.bytes.clear();
                }
                if !open.bytes.is_empty() {
                    self.open.insert(who, open);
                }
            }
        }
        text
    }

    /// What ends nowhere, since nothing more came.
    pub(super) fn unfinished(&mut self) -> String {
        let all: Vec<String> = self.open.keys().cloned().collect();
        all.iter().map(|who| self.finish(who)).collect()
    }

    fn finish(&mut self, who: &str) -> String {
        self.open.remove(who).map(|open| self.shown(who, &open)).unwrap_or_default()
    }

    fn is_left_out(&self, direction: Direction) -> bool {
        match self.only {
            None => false,
            Some(Side::Analyzer) => direction == Direction::Out,
            Some(Side::Gateway) => direction == Direction::In,
        }
    }

    fn time(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%H:%M:%S%.3f").to_string()
    }

    fn shown(&self, who: &str, open: &Open) -> String {
        let arrow = if open.direction == Direction::In { '>' } else { '<' };
        let head = format!("{} {who:<14} {arrow} ", self.time(open.since));
        let bytes = &open.bytes;
        if bytes.first() == Some(&VT) {
            let margin = " ".repeat(head.chars().count());
            let lines: Vec<String> = bytes.split_inclusive(|byte| *byte == CR).map(visible).collect();
            return format!("{head}{}\n", lines.join(&format!("\n{margin}")));
        }
        format!("{head}{}{}\n", visible(bytes), judged(bytes))
    }
}

/// What a frame is worth by itself.
fn judged(bytes: &[u8]) -> String {
    if bytes.first() != Some(&STX) {
        return String::new();
    }
    match Frame::parse(bytes, &Tolerances::default()) {
        Ok(_) => "   checksum right".to_owned(),
        Err(note) => format!("   {}", word(&note.to_string())),
    }
}

/// A note of the protocol, which ends by saying what became of the frame: what that was isn't known here.
fn word(note: &str) -> String {
    note.trim_end_matches(" was refused").trim_end_matches(" and").to_uppercase()
}

/// The length of the first unit that is complete.
fn unit(bytes: &[u8]) -> Option<usize> {
    let (first, rest) = bytes.split_first()?;
    match *first {
        ENQ | EOT | ACK | NAK => Some(1),
        STX => frame(rest).map(|length| length + 1),
        VT => rest.windows(2).position(|pair| pair == [FS, CR]).map(|at| at + 3),
        _ => rest.iter().position(|byte| [ENQ, EOT, ACK, NAK, STX, VT].contains(byte)).map(|at| at + 1),
    }
}

/// From behind STX to the frame's LF, or to what can't belong to it any more.
fn frame(bytes: &[u8]) -> Option<usize> {
    let opens = |byte: &u8| [ENQ, EOT, STX].contains(byte);
    let end = bytes.iter().position(|byte| [ETX, ETB].contains(byte) || opens(byte))?;
    if bytes.get(end).is_some_and(opens) {
        return Some(end);
    }
    // Two digits, CR and LF follow.
    let tail = bytes.get(end + 1..)?;
    let last = tail.iter().take(4).position(|byte| *byte == LF || opens(byte));
    match last {
        Some(at) if tail.get(at) == Some(&LF) => Some(end + at + 2),
        Some(at) => Some(end + at + 1),
        None if tail.len() >= 4 => Some(end + 5),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pieces: &[(char, &str)], only: Option<Side>) -> String {
        let mut units = Units::new(TimeZone::UTC, only);
        let mut text = String::new();
        for (arrow, bytes) in pieces {
            text += &units.take(&format!("2026-11-22T07:14:03.120417Z h500/3 {arrow} {bytes}"));
        }
        text += &units.unfinished();
        text
    }

    const RIGHT: &str = "<STX>1H|\\^&<CR><ETX>E5<CR><LF>";

    #[test]
    fn a_frame_in_pieces_is_one_line_that_says_whether_its_checksum_is_right() {
        let pieces = [
            ('>', "<ENQ>"),
            ('<', "<ACK>"),
            ('>', "<STX>1H|\\^&<CR>"),
            ('>', "<ETX>E5<CR>"),
            ('>', "<LF><STX>2L|1<CR><ETX>00<CR><LF><EOT>"),
        ];
        let time = "07:14:03.120 h500/3        ";
        let expected = format!(
            "{time} > <ENQ>\n{time} < <ACK>\n{time} > {RIGHT}   checksum right\n{time} > <STX>2L|1<CR><ETX>00<CR><LF>   \
             A FRAME WITH A WRONG CHECKSUM\n{time} > <EOT>\n"
        );
        assert_eq!(shown(&pieces, None), expected);
        let answers = shown(&pieces, Some(Side::Gateway));
        assert_eq!(answers, format!("{time} < <ACK>\n"));
    }

    #[test]
    fn a_block_of_hl7_has_a_line_for_each_segment() {
        let text =
            shown(&[('>', "<VT>MSH|^~\\&|a<CR>PID|"), ('>', "1<CR><FS><CR>"), ('<', "<VT>MSA<CR>")], None);
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(
            lines
                .iter()
                .zip(["<VT>MSH|^~\\&|a<CR>", "PID|1<CR>", "<FS><CR>", "<VT>MSA<CR>"])
                .all(|(line, end)| line.ends_with(end)),
            "{text}"
        );
    }

    #[test]
    fn what_never_ends_is_shown_all_the_same() {
        let text = shown(&[('>', "<STX>1H|"), ('<', "<NAK>"), ('>', "noise"), ('=', "ended: closed")], None);
        let told: Vec<&str> = text.lines().filter_map(|line| line.get(28..)).collect();
        assert_eq!(
            told,
            ["> <STX>1H|   A FRAME THAT DIDN'T END AS A FRAME MUST", "< <NAK>", "> noise", "= ended: closed"]
        );
    }

    #[test]
    fn every_byte_is_shown_once_however_it_came() {
        let all = format!("noise<ENQ>{RIGHT}<STX>2L<STX>3x<ETX>AB<VT>MSH<CR><FS><CR><EOT>");
        let bytes = crate::domain::from_visible(&all).unwrap();
        for size in [1, 2, 3, 7, 100] {
            let pieces: Vec<(char, String)> = bytes.chunks(size).map(|piece| ('>', visible(piece))).collect();
            let pieces: Vec<(char, &str)> = pieces.iter().map(|(arrow, it)| (*arrow, it.as_str())).collect();
            let text = shown(&pieces, None);
            let bare: String =
                text.lines().map(|line| line.get(30..).unwrap().split("   ").next().unwrap()).collect();
            assert_eq!(bare, all, "{size}: {text}");
        }
    }
}
