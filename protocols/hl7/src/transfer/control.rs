//! The control bytes of MLLP.

/// A block was stored: acknowledged without a message.
pub const ACK: u8 = 0x06;
/// What some send beside CR.
pub const LF: u8 = 0x0A;
/// Begins a block.
pub const VT: u8 = 0x0B;
/// Ends a segment, and a block behind FS.
pub const CR: u8 = 0x0D;
/// A block was not taken.
pub const NAK: u8 = 0x15;
/// Ends the text of a block.
pub const FS: u8 = 0x1C;

/// A block around a text.
pub(super) fn block(text: &[u8]) -> Vec<u8> {
    let mut block = Vec::with_capacity(text.len() + 3);
    block.push(VT);
    block.extend_from_slice(text);
    block.extend([FS, CR]);
    block
}
