//! The control bytes of LIS01 and which bytes frame text may not carry. Knows nothing of their order.

pub(super) const STX: u8 = 0x02;
pub(super) const ETX: u8 = 0x03;
pub(super) const EOT: u8 = 0x04;
pub(super) const ENQ: u8 = 0x05;
pub(super) const ACK: u8 = 0x06;
pub(super) const LF: u8 = 0x0A;
pub(super) const CR: u8 = 0x0D;
pub(super) const NAK: u8 = 0x15;
pub(super) const ETB: u8 = 0x17;

/// Whether frame text may not carry this byte. Everything from 0x80 up may be carried: it is somebody's `µ`.
pub(super) fn is_forbidden(byte: u8) -> bool {
    matches!(byte, 0x01..=0x06 | 0x0A | 0x10..=0x17)
}
