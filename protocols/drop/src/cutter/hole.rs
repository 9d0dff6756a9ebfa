//! Runs of zero bytes in text: a part of the file that was given its place and never its content. In no character set
//! does text hold so many zeros in a row, UTF-16 included.

/// The shortest run that is a hole, in bytes. A shorter one is for the reader of the row to judge.
const SHORTEST: u64 = 8;

/// Looks for the first hole.
#[derive(Default)]
pub(super) struct Holes {
    at: u64,
    /// The length of the run that ends here.
    run: u64,
    first: Option<u64>,
}

impl Holes {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.first.is_some() {
            return;
        }
        let mut rest = bytes;
        loop {
            let zeros = rest.iter().take_while(|byte| **byte == 0).count();
            self.at += length(zeros);
            self.run += length(zeros);
            if self.run >= SHORTEST {
                self.first = Some(self.at - self.run);
                return;
            }
            rest = rest.get(zeros..).unwrap_or_default();
            let Some(text) = rest.iter().position(|byte| *byte == 0) else { break };
            self.at += length(text);
            self.run = 0;
            rest = rest.get(text..).unwrap_or_default();
        }
        if !rest.is_empty() {
            self.at += length(rest.len());
            self.run = 0;
        }
    }

    /// Where the first hole begins, in bytes of the file.
    pub(super) fn first(&self) -> Option<u64> {
        self.first
    }
}

fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_is_found_however_the_bytes_come() {
        for (text, expected) in [
            (&b"abc\0\0\0\0\0\0\0\0def"[..], Some(3)),
            (b"\0\0\0\0\0\0\0\0", Some(0)),
            (b"a\0\0\0\0\0\0\0b\0\0\0\0\0\0\0", None),
            (b"a\0b\0\r\0\n\0", None),
            (b"a\0\0b\0\0\0\0\0\0\0\0\0", Some(4)),
            (b"", None),
        ] {
            for piece in 1..=text.len().max(1) {
                let mut holes = Holes::default();
                text.chunks(piece).for_each(|bytes| holes.push(bytes));
                assert_eq!(holes.first(), expected, "{text:?} in pieces of {piece}");
            }
        }
    }
}
