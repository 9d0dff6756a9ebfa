//! The first bytes of a line or row, by which it is recognised.

/// How many bytes are kept: enough for a name, an envelope's first fields and a trailer's count.
const KEPT: usize = 256;

/// Follows one line at a time. What is longer than is kept stays unknown.
pub(super) struct Opening {
    bytes: Vec<u8>,
    blank: bool,
}

impl Opening {
    pub(super) fn new() -> Opening {
        Opening { bytes: Vec::with_capacity(KEPT), blank: true }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.blank = true;
    }

    /// Takes in a byte; of a character of several, each.
    pub(super) fn push(&mut self, byte: u8) {
        self.blank &= is_blank(byte);
        if self.bytes.len() < KEPT {
            self.bytes.push(byte);
        }
    }

    /// Takes in a byte that says nothing by itself, such as a delimiter.
    pub(super) fn push_empty(&mut self, byte: u8) {
        if self.bytes.len() < KEPT {
            self.bytes.push(byte);
        }
    }

    /// Takes in bytes of a line that isn't blank.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        let room = KEPT.saturating_sub(self.bytes.len());
        self.bytes.extend(bytes.iter().take(room));
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the whole line says nothing.
    pub(super) fn is_blank(&self) -> bool {
        self.blank
    }
}

/// White space, NUL, and the SUB that DOS programs end a file with.
fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, 0 | 0x1A)
}
