//! The fuzzer's bytes, read as choices one after another. What has run out is 0.

pub struct Tape<'a>(pub &'a [u8]);

impl<'a> Tape<'a> {
    /// A choice below `limit`, which isn't 0. Digits stand for themselves, so that seeds can be written by hand.
    pub fn choice(&mut self, limit: usize) -> usize {
        let (first, rest) = self.0.split_first().map_or((0, self.0), |(first, rest)| (*first, rest));
        self.0 = rest;
        usize::from(first.wrapping_sub(b'0')) % limit
    }

    /// Up to so many bytes.
    pub fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub fn rest(self) -> &'a [u8] {
        self.0
    }
}
