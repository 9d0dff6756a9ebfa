//! The control bytes of MLLP.

pub(super) const ACK: u8 = 0x06;
pub(super) const LF: u8 = 0x0A;
pub(super) const VT: u8 = 0x0B;
pub(super) const CR: u8 = 0x0D;
pub(super) const NAK: u8 = 0x15;
pub(super) const FS: u8 = 0x1C;

/// A block around a text.
pub(super) fn block(text: &[u8]) -> Vec<u8> {
    let mut block = Vec::with_capacity(text.len() + 3);
    block.push(VT);
    block.extend_from_slice(text);
    block.extend([FS, CR]);
    block
}
