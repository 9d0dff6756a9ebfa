//! The character set of a message, and text decoded by it. Never guesses: what a header doesn't declare and no
//! setting says is ASCII, and bytes that don't fit are shown beside the text.

use std::borrow::Cow;
use std::fmt;

use encoding_rs::{
    BIG5, DecoderResult, EUC_KR, Encoding, GB18030, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5,
    ISO_8859_6, ISO_8859_7, ISO_8859_8, ISO_8859_15, SHIFT_JIS, UTF_8, WINDOWS_1252, WINDOWS_1254,
};

use super::split::Width;

/// How the bytes of a message stand for characters. Every one of these keeps ASCII as it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Charset(Known);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Ascii,
    Other(&'static Encoding),
}

/// HL7 table 0211, as far as it is seen and can be decoded. ISO 8859-1 and -9 are read as the Windows sets that
/// contain them. `UNICODE` alone is UTF-8 in the field; UTF-16 can't travel in a block at all.
const DECLARED: [(&[u8], &Encoding); 17] = [
    (b"UNICODE UTF-8", UTF_8),
    (b"UNICODE", UTF_8),
    (b"8859/1", WINDOWS_1252),
    (b"8859/2", ISO_8859_2),
    (b"8859/3", ISO_8859_3),
    (b"8859/4", ISO_8859_4),
    (b"8859/5", ISO_8859_5),
    (b"8859/6", ISO_8859_6),
    (b"8859/7", ISO_8859_7),
    (b"8859/8", ISO_8859_8),
    (b"8859/9", WINDOWS_1254),
    (b"8859/15", ISO_8859_15),
    (b"GB 18030-2000", GB18030),
    (b"BIG-5", BIG5),
    (b"KS X 1001", EUC_KR),
    (b"ISO IR14", SHIFT_JIS),
    (b"SHIFT-JIS", SHIFT_JIS),
];

impl Charset {
    pub const ASCII: Charset = Charset(Known::Ascii);
    pub const UTF_8: Charset = Charset(Known::Other(UTF_8));
    /// Read as windows-1252, which contains it.
    pub const LATIN_1: Charset = Charset(Known::Other(WINDOWS_1252));
    /// Contains GBK and GB 2312.
    pub const GB18030: Charset = Charset(Known::Other(GB18030));
    pub const SHIFT_JIS: Charset = Charset(Known::Other(SHIFT_JIS));

    /// `None` for an encoding in which ASCII characters aren't single ASCII bytes, such as UTF-16: no separator
    /// could be found in it.
    pub fn of_encoding(encoding: &'static Encoding) -> Option<Charset> {
        let usable = encoding.is_ascii_compatible();
        usable.then_some(Charset(Known::Other(encoding)))
    }

    /// What MSH-18 declares: by HL7's own name, or by a name of the web's encodings such as `gbk`. Only the first of
    /// several counts. Empty is ASCII; `None` is a name that nobody knows.
    pub fn declared(field: &[u8]) -> Option<Charset> {
        let name = field.trim_ascii();
        if [&b""[..], b"ASCII", b"ISO IR6"].iter().any(|ascii| name.eq_ignore_ascii_case(ascii)) {
            return Some(Charset::ASCII);
        }
        let by_table = DECLARED.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
        match by_table {
            Some((_, encoding)) => Some(Charset(Known::Other(encoding))),
            None => Encoding::for_label(name).and_then(Charset::of_encoding),
        }
    }

    /// The name a technician knows it by.
    pub fn name(self) -> &'static str {
        match self.0 {
            Known::Ascii => "ASCII",
            Known::Other(encoding) => encoding.name(),
        }
    }

    /// The text that bytes stand for. Total: each sequence that stands for nothing becomes U+FFFD and is reported.
    pub fn decode(self, bytes: &[u8]) -> Text<'_> {
        let clean = match self.0 {
            _ if bytes.is_ascii() => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Known::Ascii => None,
            Known::Other(encoding) => encoding.decode_without_bom_handling_and_without_replacement(bytes),
        };
        if let Some(text) = clean {
            return Text { text, undecodable: Vec::new() };
        }
        let (text, undecodable) = match self.0 {
            Known::Ascii => salvage_ascii(bytes),
            Known::Other(encoding) => salvage(encoding, bytes),
        };
        Text { text: Cow::Owned(text), undecodable }
    }

    /// Text in this character set; `?` stands for a character that it doesn't have.
    pub fn encode(self, text: &str) -> Vec<u8> {
        let encode = |encoding: &'static Encoding, character: char| {
            let mut bytes = [0; 4];
            let (bytes, _, failed) = encoding.encode(character.encode_utf8(&mut bytes));
            if failed { b"?".to_vec() } else { bytes.into_owned() }
        };
        let character = |character: char| match self.0 {
            _ if character.is_ascii() => character.to_string().into_bytes(),
            Known::Ascii => b"?".to_vec(),
            Known::Other(encoding) => encode(encoding, character),
        };
        text.chars().flat_map(character).collect()
    }

    /// How many bytes its characters take, as far as that matters for finding separators.
    pub(super) fn width(self) -> Width {
        match self.0 {
            Known::Ascii => Width::One,
            Known::Other(encoding) => Width::of(encoding),
        }
    }
}

impl fmt::Debug for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Charset({})", self.name())
    }
}

/// Decoded text, and what could not be decoded of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Text<'a> {
    /// U+FFFD stands for each sequence of bytes that stands for no character.
    pub text: Cow<'a, str>,
    /// Those bytes, in order; empty where everything could be decoded.
    pub undecodable: Vec<u8>,
}

impl Text<'_> {
    /// Whether every byte was understood.
    pub fn is_clean(&self) -> bool {
        self.undecodable.is_empty()
    }
}

/// Content is patient data: only its size is shown.
impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes, {} undecodable)", self.text.len(), self.undecodable.len())
    }
}

fn salvage_ascii(bytes: &[u8]) -> (String, Vec<u8>) {
    let character = |byte: &u8| if byte.is_ascii() { char::from(*byte) } else { char::REPLACEMENT_CHARACTER };
    let undecodable = bytes.iter().copied().filter(|byte| !byte.is_ascii()).collect();
    (bytes.iter().map(character).collect(), undecodable)
}

fn salvage(encoding: &'static Encoding, bytes: &[u8]) -> (String, Vec<u8>) {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(bytes.len() * 3 + 16);
    let mut undecodable = Vec::new();
    let mut read = 0;
    loop {
        let rest = bytes.get(read..).unwrap_or_default();
        let (result, taken) = decoder.decode_to_string_without_replacement(rest, &mut text, true);
        read += taken;
        match result {
            DecoderResult::InputEmpty => return (text, undecodable),
            DecoderResult::OutputFull => text.reserve(bytes.len() + 16),
            DecoderResult::Malformed(length, after) => {
                let end = read.saturating_sub(usize::from(after));
                let bad = bytes.get(end.saturating_sub(usize::from(length))..end);
                undecodable.extend_from_slice(bad.unwrap_or_default());
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
    }
}
