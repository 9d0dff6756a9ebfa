//! Escape sequences: `\F\` and its kin, both ways. Never drops what it doesn't know.

use std::borrow::Cow;

use super::Separators;
use super::split::Width;

/// Resolves the sequences F, S, T, R, E, P and X. Any other sequence of the standard or of a vendor, and an escape
/// character that opens none, stays as it is.
pub(super) fn unescape(raw: &[u8], separators: Separators, width: Width) -> Cow<'_, [u8]> {
    let Some((escape, first)) = separators.escape.and_then(|escape| Some((escape, width.find(escape, raw)?)))
    else {
        return Cow::Borrowed(raw);
    };
    let (plain, mut input) = raw.split_at_checked(first).unwrap_or((raw, &[]));
    let mut text = plain.to_vec();
    while !input.is_empty() {
        let (bytes, used) = match sequence(input, escape) {
            Some(content) => (meaning(content, separators), content.len() + 2),
            None => (None, width.character(input)),
        };
        let (as_sent, rest) = input.split_at_checked(used).unwrap_or((input, &[]));
        match bytes {
            Some(bytes) => text.extend(bytes),
            None => text.extend_from_slice(as_sent),
        }
        input = rest;
    }
    Cow::Owned(text)
}

/// Writes text so that it can stand in a field. Half a character is escaped too, or it would swallow the separator behind
/// it. `None` where the text holds something that these separators have no means to escape.
pub(super) fn escape(text: &[u8], separators: Separators, width: Width) -> Option<Vec<u8>> {
    let mut raw = Vec::with_capacity(text.len());
    let mut input = text;
    while let Some(&byte) = input.first() {
        let (character, rest) = input.split_at_checked(width.character(input))?;
        input = rest;
        let stands_alone = character.len() == 1;
        let is_half = stands_alone && width.is_lead(byte);
        if !is_half && !(stands_alone && (separators.contains(byte) || byte.is_ascii_control())) {
            raw.extend_from_slice(character);
            continue;
        }
        let escape = separators.escape?;
        raw.push(escape);
        match letter(byte, separators) {
            Some(letter) => raw.push(letter),
            None => raw.extend(format!("X{byte:02X}").bytes()),
        }
        raw.push(escape);
    }
    Some(raw)
}

/// What stands between two escape characters at the start of `input`, if that can be a sequence.
fn sequence(input: &[u8], escape: u8) -> Option<&[u8]> {
    let (_, rest) = input.split_first().filter(|(first, _)| **first == escape)?;
    // The escape character may itself be one of these.
    let fits =
        |byte: &u8| *byte != escape && (byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-'));
    let length = rest.iter().take_while(|byte| fits(byte)).count();
    let closed = length > 0 && rest.get(length) == Some(&escape);
    rest.get(..length).filter(|content| closed && is_defined(content))
}

/// Whether the standard gives the sequence a meaning, though perhaps none that is text.
fn is_defined(content: &[u8]) -> bool {
    matches!(
        content,
        [b'F' | b'S' | b'T' | b'R' | b'E' | b'P' | b'H' | b'N'] | [b'X' | b'C' | b'M' | b'Z' | b'.', _, ..]
    )
}

fn meaning(content: &[u8], separators: Separators) -> Option<Vec<u8>> {
    match content {
        [b'X', hex @ ..] if !hex.is_empty() => hex_bytes(hex),
        [letter] => named(*letter, separators).map(|byte| vec![byte]),
        _ => None,
    }
}

fn named(letter: u8, separators: Separators) -> Option<u8> {
    match letter {
        b'F' => Some(separators.field),
        b'S' => separators.component,
        b'T' => separators.subcomponent,
        b'R' => separators.repeat,
        b'E' => separators.escape,
        b'P' => separators.truncation,
        _ => None,
    }
}

fn letter(byte: u8, separators: Separators) -> Option<u8> {
    [b'F', b'S', b'T', b'R', b'E', b'P'].into_iter().find(|letter| named(*letter, separators) == Some(byte))
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
