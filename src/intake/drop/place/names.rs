//! Names as text, without losing a byte: what isn't UTF-8 is kept in characters of a private range, so that the file can
//! be asked for by the very bytes that were listed.

/// The character that stands for the byte 0; the others follow.
const FIRST: u32 = 0xF700;

/// A name as text. Only bytes from 128 on can be odd.
pub(super) fn text(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes
            .iter()
            .map(|byte| match byte {
                0..=127 => char::from(*byte),
                odd => char::from_u32(FIRST + u32::from(*odd)).unwrap_or(char::REPLACEMENT_CHARACTER),
            })
            .collect(),
    }
}

/// The bytes of such a text.
pub(super) fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match u32::from(character).checked_sub(FIRST).and_then(|odd| u8::try_from(odd).ok()) {
            Some(odd @ 128..) => bytes.push(odd),
            _ => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_byte_of_a_name_is_lost(name in proptest::collection::vec(any::<u8>(), 0..40)) {
            // UTF-8 of the private range itself is the one thing that can't be told apart; nobody names files so.
            prop_assume!(!text(&name).chars().any(|it| (0xF780..0xF800).contains(&u32::from(it))) || str::from_utf8(&name).is_err());
            prop_assert_eq!(bytes(&text(&name)), name);
        }
    }

    #[test]
    fn a_name_in_latin_1_can_be_asked_for() {
        assert_eq!(bytes(&text(b"Pr\xfcfung.csv")), b"Pr\xfcfung.csv");
        assert_eq!(text("Prüfung.csv".as_bytes()), "Prüfung.csv");
    }
}
