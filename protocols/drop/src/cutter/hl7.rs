//! HL7 messages in a file, alone or in the envelope of a batch. What opens a batch belongs to the message behind it and
//! what closes it to the message before, as over MLLP. What stands before the first message and is neither is a part of
//! its own, so that it costs no message; the bytes of an MLLP frame are no part's. Counts are compared where the sender
//! gave them.

use super::Parts;
use super::lines::Line;
use crate::contents::Ending;
use crate::verdict::{Missing, Refusal};

/// What MLLP puts before a block, and behind it before a CR.
const FRAME_START: u8 = 0x0B;
const FRAME_END: u8 = 0x1C;

pub(super) struct Hl7 {
    longest: u64,
    ending: Ending,
    start: u64,
    first_line: u64,
    /// The part that is open has its MSH.
    has_message: bool,
    /// Where an envelope began of which no message was seen yet.
    envelope_at: Option<(u64, u64)>,
    /// Since the last message something came that is neither a message nor an envelope.
    strays: bool,
    separator: u8,
    file: Option<Open>,
    batch: Option<Open>,
    says_something: bool,
    any_message: bool,
    /// The last line that says something closes a batch or a file.
    ends_closed: bool,
    /// What is wrong first.
    missing: Option<Missing>,
    last: Option<Missing>,
}

/// A file or a batch that was opened and not closed.
struct Open {
    line: u64,
    /// What came in it: batches of a file, messages of a batch.
    found: u64,
}

impl Hl7 {
    pub(super) fn new(longest: u64, ending: Ending) -> Hl7 {
        Hl7 {
            longest,
            ending,
            start: 0,
            first_line: 1,
            has_message: false,
            envelope_at: None,
            strays: false,
            separator: b'|',
            file: None,
            batch: None,
            says_something: false,
            any_message: false,
            ends_closed: false,
            missing: None,
            last: None,
        }
    }

    pub(super) fn line(&mut self, line: &Line<'_>, parts: &mut Parts) {
        if line.is_blank {
            return;
        }
        let line = &match line.opening {
            [FRAME_END] => return self.frame_ends(line, parts),
            [FRAME_START, rest @ ..] => self.frame_begins(line, rest, parts),
            opening => Line { opening, ..*line },
        };
        self.says_something = true;
        self.last = (!line.is_ended).then_some(Missing::LineEnd { line: line.number });
        let segment = segment(line.opening);
        self.ends_closed = matches!(segment, Segment::BatchEnd | Segment::FileEnd);
        match segment {
            Segment::Message => {
                if self.has_message || self.strays {
                    self.cut(line, parts);
                }
                self.has_message = true;
                self.any_message = true;
                self.strays = false;
                self.envelope_at = None;
                if let Some(batch) = &mut self.batch {
                    batch.found += 1;
                }
            }
            Segment::File(separator) => {
                self.opens(line, separator);
                self.unclosed();
                self.file = Some(Open { line: line.number, found: 0 });
            }
            Segment::Batch(separator) => {
                self.opens(line, separator);
                let earlier = self.batch.take();
                self.note(earlier.map(|open| Missing::Counterpart { line: open.line }));
                self.batch = Some(Open { line: line.number, found: 0 });
            }
            Segment::BatchEnd => {
                let batch = self.batch.take();
                if let (Some(file), Some(_)) = (&mut self.file, &batch) {
                    file.found += 1;
                }
                self.closes(line, batch);
            }
            Segment::FileEnd => {
                let batch = self.batch.take();
                self.note(batch.map(|open| Missing::Counterpart { line: open.line }));
                match self.file.take() {
                    // Without a BHS there is nothing that this could count.
                    Some(Open { found: 0, .. }) => {}
                    file => self.closes(line, file),
                }
            }
            Segment::Other => {
                self.strays |= !self.has_message;
                // The envelope of what can't be read isn't the next message's.
                self.envelope_at = self.envelope_at.filter(|_| self.has_message);
            }
        }
        if line.end - self.start > self.longest {
            parts.refuse(Refusal::MessageTooLong { line: self.first_line, longest: self.longest });
        }
    }

    /// `end` is the file's length.
    pub(super) fn finish(&mut self, end: u64, parts: &mut Parts) -> Option<Missing> {
        if parts.refusal.is_some() {
            return None;
        }
        parts.cut(self.start..end, self.first_line);
        self.unclosed();
        if !self.says_something {
            return Some(Missing::Everything);
        }
        if !self.any_message && self.envelope_at.is_none() {
            return Some(Missing::Message);
        }
        let unclosed = self.ending == Ending::Envelope && !self.ends_closed;
        let last = self.last.take().filter(|_| self.ending != Ending::Open);
        self.missing.take().or(last).or(unclosed.then_some(Missing::Envelope))
    }

    /// The line behind what begins a frame, whose part begins there.
    fn frame_begins<'l>(&mut self, line: &Line<'_>, rest: &'l [u8], parts: &mut Parts) -> Line<'l> {
        parts.cut(self.start..line.start, self.first_line);
        let start = line.text_at + 1;
        self.begin(start, line.number);
        Line { start, text_at: start, opening: rest, ..*line }
    }

    fn frame_ends(&mut self, line: &Line<'_>, parts: &mut Parts) {
        parts.cut(self.start..line.start, self.first_line);
        self.begin(line.end, line.number + 1);
    }

    fn begin(&mut self, start: u64, line: u64) {
        self.start = start;
        self.first_line = line;
        self.has_message = false;
        self.strays = false;
        self.envelope_at = None;
    }

    fn cut(&mut self, line: &Line<'_>, parts: &mut Parts) {
        let (at, number) = self.envelope_at.unwrap_or((line.start, line.number));
        parts.cut(self.start..at, self.first_line);
        self.start = at;
        self.first_line = number;
    }

    fn opens(&mut self, line: &Line<'_>, separator: u8) {
        self.separator = separator;
        self.envelope_at = self.envelope_at.or(Some((line.start, line.number)));
    }

    fn closes(&mut self, line: &Line<'_>, open: Option<Open>) {
        let Some(open) = open else {
            return self.note(Some(Missing::Counterpart { line: line.number }));
        };
        let count = line.opening.split(|byte| *byte == self.separator).nth(1).unwrap_or_default();
        let count = count.trim_ascii();
        let said = std::str::from_utf8(count).ok().and_then(|count| count.parse::<u64>().ok());
        if !count.is_empty() && said != Some(open.found) {
            self.note(Some(Missing::Count { line: line.number, said, found: open.found }));
        }
    }

    /// What is still open when a file ends, or another begins.
    fn unclosed(&mut self) {
        for open in [self.file.take(), self.batch.take()].into_iter().flatten() {
            self.note(Some(Missing::Counterpart { line: open.line }));
        }
    }

    fn note(&mut self, missing: Option<Missing>) {
        self.missing = self.missing.take().or(missing);
    }
}

enum Segment {
    Message,
    /// FHS, with the field separator that it declares.
    File(u8),
    /// BHS, likewise.
    Batch(u8),
    BatchEnd,
    FileEnd,
    Other,
}

/// A header must declare its separators plainly: text that merely begins like one is none.
fn segment(line: &[u8]) -> Segment {
    let Some((name, rest)) = line.split_at_checked(3) else { return Segment::Other };
    let plain = rest.iter().take(3).filter(|byte| byte.is_ascii_punctuation()).count() == 3;
    let ends = rest.first().is_none_or(u8::is_ascii_punctuation);
    match (name, rest.first()) {
        (b"MSH", _) if plain => Segment::Message,
        (b"FHS", Some(separator)) if plain => Segment::File(*separator),
        (b"BHS", Some(separator)) if plain => Segment::Batch(*separator),
        (b"BTS", _) if ends => Segment::BatchEnd,
        (b"FTS", _) if ends => Segment::FileEnd,
        _ => Segment::Other,
    }
}
