//! Bytes as a person reads them.

use std::fmt::Write;

/// Bytes as text from which the same bytes can be read back: names for control characters, `<hh>` for what isn't
/// printable ASCII, and for `<` itself.
pub fn visible(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            0x02 => text.push_str("<STX>"),
            0x03 => text.push_str("<ETX>"),
            0x04 => text.push_str("<EOT>"),
            0x05 => text.push_str("<ENQ>"),
            0x06 => text.push_str("<ACK>"),
            0x0a => text.push_str("<LF>"),
            0x0b => text.push_str("<VT>"),
            0x0d => text.push_str("<CR>"),
            0x15 => text.push_str("<NAK>"),
            0x17 => text.push_str("<ETB>"),
            0x1c => text.push_str("<FS>"),
            b'<' | 0..0x20 | 0x7f.. => {
                let _ = write!(text, "<{byte:02X}>");
            }
            printable => text.push(char::from(*printable)),
        }
    }
    text
}

/// The bytes that [`visible`] wrote so; none where it can't have.
pub fn from_visible(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        rest = rest.get(first.len_utf8()..)?;
        if first != '<' {
            bytes.push(u8::try_from(first).ok().filter(|byte| (0x20..0x7f).contains(byte))?);
            continue;
        }
        let (name, after) = rest.split_once('>')?;
        rest = after;
        bytes.push(match name {
            "STX" => 0x02,
            "ETX" => 0x03,
            "EOT" => 0x04,
            "ENQ" => 0x05,
            "ACK" => 0x06,
            "LF" => 0x0a,
            "VT" => 0x0b,
            "CR" => 0x0d,
            "NAK" => 0x15,
            "ETB" => 0x17,
            "FS" => 0x1c,
            hex if hex.len() == 2 && hex.bytes().all(|it| it.is_ascii_hexdigit()) => {
                u8::from_str_radix(hex, 16).ok()?
            }
            _ => return None,
        });
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_can_be_read_back_from_its_visible_form() {
        let all: Vec<u8> = (0..=255).collect();
        let forms: std::collections::BTreeSet<String> = all.iter().map(|byte| visible(&[*byte])).collect();
        assert_eq!(forms.len(), 256);
        assert_eq!(from_visible(&visible(&all)), Some(all));
        assert_eq!([from_visible("<"), from_visible("<+5>"), from_visible("µ")], [None, None, None]);
        assert_eq!(visible(b"\x05\x021H|<\xb5\r\x03"), "<ENQ><STX>1H|<3C><B5><CR><ETX>");
    }
}
