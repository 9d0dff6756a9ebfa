//! What Linux hands to a program that reads a serial port in raw mode, by what the program asked for (termios(3)).

use super::{Character, Fault};

/// What becomes of a character that came with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marking {
    /// INPCK and PARMRK: it comes after `FF 00`; a break is `FF 00 00`, and a true FF comes twice.
    Marked,
    /// INPCK and IGNPAR: it is dropped; a break is a 0.
    Dropped,
    /// INPCK alone: it comes as 0.
    Zeroed,
    /// Without INPCK: it comes as it was read.
    Unseen,
}

pub fn handed_over(characters: &[Character], marking: Marking) -> Vec<u8> {
    let mut bytes = Vec::new();
    for character in characters {
        let byte = character.byte;
        match (character.fault, marking) {
            (None, Marking::Marked) if byte == 0xFF => bytes.extend([byte, byte]),
            (None, _) => bytes.push(byte),
            (Some(Fault::Break), Marking::Marked) => bytes.extend([0xFF, 0, 0]),
            (Some(_), Marking::Marked) => bytes.extend([0xFF, 0, byte]),
            (Some(Fault::Break), _) | (Some(_), Marking::Zeroed) => bytes.push(0),
            (Some(_), Marking::Dropped) => {}
            (Some(_), Marking::Unseen) => bytes.push(byte),
        }
    }
    bytes
}
