//! Lines of a message and what ended each: CR by the standard, LF and CR LF in the field, mixed in one message.
//! Never looks at what a line says.

/// What ended a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineEnd {
    Cr,
    Lf,
    CrLf,
    /// The bytes ended.
    None,
}

impl LineEnd {
    pub(super) fn bytes(self) -> &'static [u8] {
        match self {
            LineEnd::Cr => b"\r",
            LineEnd::Lf => b"\n",
            LineEnd::CrLf => b"\r\n",
            LineEnd::None => b"",
        }
    }
}

/// Takes the first line off `input`. `None` once nothing is left.
pub(super) fn next<'a>(input: &mut &'a [u8]) -> Option<(&'a [u8], LineEnd)> {
    if input.is_empty() {
        return None;
    }
    let length = memchr::memchr2(b'\r', b'\n', input).unwrap_or(input.len());
    let (text, rest) = input.split_at_checked(length)?;
    let (end, rest) = match rest {
        [b'\r', b'\n', rest @ ..] => (LineEnd::CrLf, rest),
        [b'\r', rest @ ..] => (LineEnd::Cr, rest),
        [b'\n', rest @ ..] => (LineEnd::Lf, rest),
        _ => (LineEnd::None, rest),
    };
    *input = rest;
    Some((text, end))
}
