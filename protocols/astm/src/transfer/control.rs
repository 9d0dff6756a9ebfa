//! The control bytes of LIS01 and which bytes frame text may not carry. Knows nothing of their order.

/// Begins a frame.
pub const STX: u8 = 0x02;
/// Ends a message's last frame.
pub const ETX: u8 = 0x03;
/// Ends a transmission.
pub const EOT: u8 = 0x04;
/// Asks to send.
pub const ENQ: u8 = 0x05;
/// Stored; send on.
pub const ACK: u8 = 0x06;
/// Ends a frame, behind CR.
pub const LF: u8 = 0x0A;
/// Ends a record.
pub const CR: u8 = 0x0D;
/// Not taken; send it again.
pub const NAK: u8 = 0x15;
/// Ends a frame that another follows.
pub const ETB: u8 = 0x17;

/// Whether frame text may not carry this byte. Everything from 0x80 up may be carried: it is somebody's `µ`.
pub(super) fn is_forbidden(byte: u8) -> bool {
    matches!(byte, 0x01..=0x06 | 0x0A | 0x10..=0x17)
}
