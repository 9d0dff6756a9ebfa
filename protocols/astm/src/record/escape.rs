//! Escape sequences: `&F&` and its kin, both ways. Never drops what it doesn't know.

use std::borrow::Cow;

use nom::bytes::complete::take_while1;
use nom::character::complete::char as byte;
use nom::sequence::delimited;
use nom::{IResult, Parser};

use super::Delimiters;

/// Resolves the sequences F, S, R, E and X. Any other sequence, and an escape character that opens none, stays
/// as it is.
pub(super) fn unescape(raw: &[u8], delimiters: Delimiters) -> Cow<'_, [u8]> {
    let Some(escape) = delimiters.escape.filter(|escape| raw.contains(escape)) else {
        return Cow::Borrowed(raw);
    };
    let mut text = Vec::with_capacity(raw.len());
    let mut input = raw;
    while let Some((first, after)) = input.split_first() {
        match sequence(input, escape) {
            Ok((rest, content)) => {
                match meaning(content, delimiters) {
                    Some(bytes) => text.extend(bytes),
                    None => {
                        text.push(escape);
                        text.extend_from_slice(content);
                        text.push(escape);
                    }
                }
                input = rest;
            }
            Err(_) => {
                text.push(*first);
                input = after;
            }
        }
    }
    Cow::Owned(text)
}

/// Writes text so that it can stand in a field. `None` where it holds something that these delimiters have no
/// means to escape.
pub(super) fn escape(text: &[u8], delimiters: Delimiters) -> Option<Vec<u8>> {
    let mut raw = Vec::with_capacity(text.len());
    for byte in text {
        if !delimiters.contains(*byte) && !byte.is_ascii_control() {
            raw.push(*byte);
            continue;
        }
        let escape = delimiters.escape?;
        raw.push(escape);
        match letter(*byte, delimiters) {
            Some(letter) => raw.push(letter),
            None => raw.extend(format!("X{byte:02X}").bytes()),
        }
        raw.push(escape);
    }
    Some(raw)
}

fn sequence(input: &[u8], escape: u8) -> IResult<&[u8], &[u8]> {
    let mark = char::from(escape);
    delimited(byte(mark), take_while1(|byte: u8| byte.is_ascii_alphanumeric()), byte(mark)).parse(input)
}

fn meaning(content: &[u8], delimiters: Delimiters) -> Option<Vec<u8>> {
    match content {
        [b'X', hex @ ..] if !hex.is_empty() => hex_bytes(hex),
        [letter] => named(*letter, delimiters).map(|byte| vec![byte]),
        _ => None,
    }
}

fn named(letter: u8, delimiters: Delimiters) -> Option<u8> {
    match letter {
        b'F' => delimiters.field,
        b'S' => delimiters.component,
        b'R' => delimiters.repeat,
        b'E' => delimiters.escape,
        _ => None,
    }
}

fn letter(byte: u8, delimiters: Delimiters) -> Option<u8> {
    [b'F', b'S', b'R', b'E'].into_iter().find(|letter| named(*letter, delimiters) == Some(byte))
}

fn hex_bytes(hex: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    hex.chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}
