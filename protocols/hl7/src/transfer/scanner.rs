//! Finds blocks in a stream of bytes that may be split anywhere. Never looks inside a block beyond FS and VT, except
//! that a header outside a block begins one whose VT is missing.

use std::mem;
use std::ops::Range;

use super::control::{CR, FS, LF, VT};
use super::note::Note;

/// A complete block.
pub(super) struct Block {
    /// As received, without noise around it.
    pub(super) raw: Vec<u8>,
    /// Where the content lies within `raw`.
    pub(super) content: Range<usize>,
}

impl Block {
    pub(super) fn content(&self) -> &[u8] {
        self.raw.get(self.content.clone()).unwrap_or_default()
    }
}

/// What was found.
pub(super) enum Token {
    /// A block began.
    Began,
    Block(Block),
    /// A block began in the middle of one; what had come of that is lost.
    Restarted,
    /// The block is larger than the bound. Nothing of it is kept, and nothing more will be found.
    Oversize,
    Odd(Note),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    Within,
    /// FS came: the end, unless what follows says otherwise.
    AfterFs,
    /// The bound was passed: nothing can be understood any more.
    Lost,
}

pub(super) struct Scanner {
    max_block: usize,
    place: Place,
    raw: Vec<u8>,
    /// How many bytes of `raw` come before its content: 1 for VT, 0 where it was missing.
    start: usize,
    /// What could be the beginning of a header outside a block.
    held: Vec<u8>,
    /// What was told already: between two blocks, and within one, each oddity is told once.
    told: Vec<Note>,
}

impl Scanner {
    pub(super) fn new(max_block: usize) -> Scanner {
        Scanner {
            max_block,
            place: Place::Outside,
            raw: Vec::new(),
            start: 0,
            held: Vec::new(),
            told: Vec::new(),
        }
    }

    /// Takes bytes until something is found, which is added to `tokens`. Returns how many bytes it took.
    pub(super) fn scan(&mut self, bytes: &[u8], tokens: &mut Vec<Token>) -> usize {
        let mut used = 0;
        while tokens.is_empty() {
            let Some(rest) = bytes.get(used..) else { break };
            used += if self.place == Place::Within { self.copy_plain(rest) } else { 0 };
            let Some(&byte) = bytes.get(used) else { break };
            self.step(byte, tokens);
            used += 1;
        }
        used.min(bytes.len())
    }

    /// The block counts as complete although its CR didn't come. `None` unless FS was the last byte.
    pub(super) fn complete(&mut self) -> Option<Block> {
        (self.place == Place::AfterFs).then(|| self.close(1))
    }

    /// Drops what came of a block. False where there was nothing of one.
    pub(super) fn abandon(&mut self) -> bool {
        let was_within = self.is_within();
        self.raw = Vec::new();
        if was_within {
            self.place = Place::Outside;
        }
        was_within
    }

    /// For a new connection.
    pub(super) fn reset(&mut self) {
        *self = Scanner::new(self.max_block);
    }

    pub(super) fn is_within(&self) -> bool {
        matches!(self.place, Place::Within | Place::AfterFs)
    }

    /// Whether only the CR is missing.
    pub(super) fn is_after_end(&self) -> bool {
        self.place == Place::AfterFs
    }

    #[cfg(test)]
    pub(super) fn buffered(&self) -> usize {
        self.raw.len() + self.held.len()
    }

    /// Copies what is neither VT nor FS, as far as the bound allows.
    fn copy_plain(&mut self, bytes: &[u8]) -> usize {
        let plain = memchr::memchr2(VT, FS, bytes).unwrap_or(bytes.len());
        let taken = plain.min(self.room());
        self.raw.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        taken
    }

    fn room(&self) -> usize {
        (self.start + self.max_block).saturating_sub(self.raw.len())
    }

    /// The table. Within a block, a plain byte comes here only when the bound is reached.
    fn step(&mut self, byte: u8, tokens: &mut Vec<Token>) {
        match (self.place, byte) {
            (Place::Lost, _) => {}
            (Place::Outside, VT) => {
                self.release(tokens);
                self.open(&[VT], 1, tokens);
            }
            (Place::Outside, CR | LF) => {
                self.release(tokens);
                self.tell(Note::StrayLineEnd, tokens);
            }
            (Place::Outside, _) => self.outside(byte, tokens),
            (Place::Within, VT) => {
                tokens.push(Token::Restarted);
                self.open(&[VT], 1, tokens);
            }
            (Place::Within, FS) => {
                self.raw.push(FS);
                self.place = Place::AfterFs;
            }
            (Place::Within, _) => self.lose(tokens),
            (Place::AfterFs, CR) => {
                self.raw.push(CR);
                tokens.push(Token::Block(self.close(2)));
            }
            (Place::AfterFs, VT | LF) => {
                tokens.push(Token::Odd(Note::MissingCr));
                tokens.push(Token::Block(self.close(1)));
                self.step(byte, tokens);
            }
            (Place::AfterFs, _) if self.room() == 0 => self.lose(tokens),
            (Place::AfterFs, _) => {
                self.tell(Note::SeparatorInData, tokens);
                self.raw.push(byte);
                self.place = if byte == FS { Place::AfterFs } else { Place::Within };
            }
        }
    }

    /// Looks for a header outside a block; anything else there is noise.
    fn outside(&mut self, byte: u8, tokens: &mut Vec<Token>) {
        self.held.push(byte);
        while !self.held.is_empty() && !may_begin_header(&self.held) {
            self.held.remove(0);
            self.tell(Note::Noise, tokens);
        }
        if self.held.len() == HEADER {
            let header = mem::take(&mut self.held);
            tokens.push(Token::Odd(Note::MissingStart));
            self.open(&header, 0, tokens);
        }
    }

    /// What was held wasn't a header after all.
    fn release(&mut self, tokens: &mut Vec<Token>) {
        if !mem::take(&mut self.held).is_empty() {
            self.tell(Note::Noise, tokens);
        }
    }

    fn open(&mut self, first: &[u8], start: usize, tokens: &mut Vec<Token>) {
        self.raw = first.to_vec();
        self.start = start;
        self.told.clear();
        self.place = Place::Within;
        tokens.push(Token::Began);
        if self.raw.len() > self.start + self.max_block {
            self.lose(tokens);
        }
    }

    /// The block is complete; `end` bytes of it end it.
    fn close(&mut self, end: usize) -> Block {
        let raw = mem::take(&mut self.raw);
        let content = self.start..raw.len().saturating_sub(end);
        self.told.clear();
        self.place = Place::Outside;
        Block { raw, content }
    }

    fn lose(&mut self, tokens: &mut Vec<Token>) {
        self.raw = Vec::new();
        self.place = Place::Lost;
        tokens.push(Token::Oversize);
    }

    fn tell(&mut self, note: Note, tokens: &mut Vec<Token>) {
        if !self.told.contains(&note) {
            self.told.push(note);
            tokens.push(Token::Odd(note));
        }
    }
}

/// A segment's name and the separator behind it.
const HEADER: usize = 4;

fn may_begin_header(bytes: &[u8]) -> bool {
    let (name, separator) = bytes.split_at_checked(3).unwrap_or((bytes, &[]));
    [&b"MSH"[..], b"FHS", b"BHS"].iter().any(|header| header.starts_with(name))
        && separator.iter().all(u8::is_ascii_punctuation)
}
