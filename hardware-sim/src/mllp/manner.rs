//! How a block leaves an analyzer: as the standard has it, or as some send it. No manner alters a message, makes half of
//! one look complete, or looks like an answer: TCP has its checks.

use crate::chance::Chance;
use crate::faults::BlockFaults;

const VT: u8 = 0x0B;
const FS: u8 = 0x1C;
const CR: u8 = 0x0D;

/// What stands where nothing should.
const GARBAGE: [&[u8]; 5] =
    [b"\r\n", b"\x00\xFF\x00", b"\x1C\r", b"GET / HTTP/1.1\r\n\r\n", b"MS\x06H \x1C FHS"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    Plainly,
    /// Bytes that nobody meant stand before VT.
    AfterGarbage,
    /// The last CR never comes.
    WithoutCr,
    /// A few bytes at a time.
    Dribbled,
    /// Once more in the same write.
    Twice,
    /// Half of it, and then all of it, on the same connection.
    BrokenOff,
}

impl Manner {
    pub(super) fn drawn(faults: &BlockFaults, chance: &mut Chance) -> Manner {
        let table = [
            (Manner::AfterGarbage, faults.garbage),
            (Manner::WithoutCr, faults.no_cr),
            (Manner::Dribbled, faults.dribble),
            (Manner::Twice, faults.twice),
            (Manner::BrokenOff, faults.broken_off),
        ];
        let drawn = table.into_iter().find(|(_, rate)| chance.hits(*rate));
        drawn.map_or(Manner::Plainly, |(manner, _)| manner)
    }

    /// What is written, one write after another.
    pub(super) fn writes(self, message: &[u8], chance: &mut Chance) -> Vec<Vec<u8>> {
        let block = block(message);
        let half = || block.get(..block.len() / 2).unwrap_or_default().to_vec();
        match self {
            Manner::Plainly => vec![block],
            Manner::AfterGarbage => vec![[chance.pick(&GARBAGE), &block].concat()],
            Manner::WithoutCr => vec![[&[VT], message, &[FS]].concat()],
            Manner::Dribbled => dribbled(&block, chance),
            Manner::Twice => vec![[block.as_slice(), &block].concat()],
            Manner::BrokenOff => vec![half(), block],
        }
    }
}

pub(super) fn block(message: &[u8]) -> Vec<u8> {
    [&[VT], message, &[FS, CR]].concat()
}

fn dribbled(block: &[u8], chance: &mut Chance) -> Vec<Vec<u8>> {
    let mut writes: Vec<Vec<u8>> = Vec::new();
    let mut room = 0;
    for byte in block {
        match writes.last_mut().filter(|_| room > 0) {
            Some(write) => write.push(*byte),
            None => {
                writes.push(vec![*byte]);
                room = chance.between(1, 40);
            }
        }
        room -= 1;
    }
    writes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lims::mllp::next_block;

    const MESSAGE: &[u8] = b"MSH|^~\\&|SIM|\rOBX|1|NM|K|1|4.1\r";
    const ALL: [Manner; 6] = [
        Manner::Plainly,
        Manner::AfterGarbage,
        Manner::WithoutCr,
        Manner::Dribbled,
        Manner::Twice,
        Manner::BrokenOff,
    ];

    #[tokio::test]
    async fn a_lenient_reader_finds_the_message_whole_in_every_manner() {
        let mut chance = Chance::seeded(4);
        for manner in ALL.repeat(20) {
            // Where the CR is missing, the next block ends this one.
            let written = [manner.writes(MESSAGE, &mut chance).concat(), vec![CR]].concat();
            let mut found = Vec::new();
            let mut line = written.as_slice();
            while let Some(block) = next_block(&mut line).await.unwrap() {
                found.push(block);
            }
            let times = if manner == Manner::Twice { 2 } else { 1 };
            assert_eq!(found, vec![MESSAGE; times], "{manner:?}");
        }
    }

    #[test]
    fn a_dribbled_block_comes_in_many_writes() {
        let writes = Manner::Dribbled.writes(&MESSAGE.repeat(20), &mut Chance::seeded(4));
        assert!(writes.len() > 10 && writes.iter().all(|write| (1..=40).contains(&write.len())));
    }
}
