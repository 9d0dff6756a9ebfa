//! What stands for a specimen where its number may not, as in the log: the same token for the same number of one journal, and
//! nothing that leads back to the number without that journal.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{Private, SpecimenId};

/// RFC 4648, section 6.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Of five bits each: of ten million tubes, two share a token in one laboratory of twenty thousand.
const CHARACTERS: usize = 12;

/// By what a journal makes its tokens. `Debug` never shows it.
#[derive(Debug, Clone)]
pub struct TokenKey(Private<[u8; 32]>);

/// Twelve letters and digits, such as `K3W7QZ2MFA5D`: the first 60 bits of the number's HMAC-SHA-256, in base32.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecimenToken(String);

impl TokenKey {
    pub fn new(key: [u8; 32]) -> TokenKey {
        TokenKey(Private::new(key))
    }

    /// `None` where no number was read: that is no specimen that could be followed.
    pub fn token(&self, specimen: &SpecimenId) -> Option<SpecimenToken> {
        // HMAC takes a key of any length.
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.reveal()).ok().filter(|_| !specimen.is_blank())?;
        mac.update(specimen.reveal().as_bytes());
        let first = mac.finalize().into_bytes().into_iter().take(8);
        let bits = first.fold(0_u64, |bits, byte| bits << 8 | u64::from(byte));
        let character = |at: usize| {
            let place = usize::try_from(bits >> (59 - 5 * at) & 31).unwrap_or_default();
            BASE32.get(place).map(|byte| char::from(*byte))
        };
        Some(SpecimenToken((0..CHARACTERS).filter_map(character).collect()))
    }
}

impl SpecimenToken {
    /// As somebody typed it, in capitals or not. `None` where it can't be one.
    pub fn parse(text: &str) -> Option<SpecimenToken> {
        let token = text.trim().to_ascii_uppercase();
        let is_one = token.len() == CHARACTERS && token.bytes().all(|byte| BASE32.contains(&byte));
        is_one.then_some(SpecimenToken(token))
    }
}

impl fmt::Display for SpecimenToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(key: u8, number: &str) -> Option<SpecimenToken> {
        TokenKey::new([key; 32]).token(&SpecimenId::new(number))
    }

    /// Worked out by Python's hmac and base64.
    #[test]
    fn a_token_is_the_beginning_of_the_numbers_hmac_in_base32() {
        let expected = |token: &str| Some(SpecimenToken(token.to_owned()));
        assert_eq!(token(0, "EX0001"), expected("32NBEKUWWTKK"));
        assert_eq!(token(0, "EX0002"), expected("YJXE4Z2Q62RS"));
        assert_eq!(token(1, "EX0001"), expected("TXTWGJCOPZDY"));
    }

    #[test]
    fn what_has_no_number_has_no_token() {
        assert_eq!(token(0, " "), None);
    }

    #[test]
    fn the_key_is_not_shown() {
        assert_eq!(format!("{:?}", TokenKey::new([7; 32])), "TokenKey((private))");
    }

    #[test]
    fn a_token_is_known_as_it_is_typed() {
        let token = token(0, "EX0001");
        let shown = token.as_ref().map(SpecimenToken::to_string).unwrap_or_default();
        assert_eq!(SpecimenToken::parse(&format!(" {} ", shown.to_lowercase())), token);
        for other in ["EX0001", "", "K3W7QZ2MFA51", "K3W7QZ2MFA5DD"] {
            assert_eq!(SpecimenToken::parse(other), None, "{other}");
        }
    }
}
