//! What names one message's way through labwire, in the log and in traces alike. It is made of no patient's data.

use std::fmt;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// 16 bytes, shown as 32 hexadecimal digits: the first of a SHA-256, as a trace of W3C's Trace Context is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Correlation([u8; 16]);

impl Correlation {
    /// Of a message by its number, in the journal that was begun then.
    pub fn of(journal_begun_at: Timestamp, message: i64, received_at: Timestamp) -> Correlation {
        let whole =
            format!("{} {message} {}", journal_begun_at.as_microsecond(), received_at.as_microsecond());
        let hash = Sha256::digest(whole);
        Correlation(std::array::from_fn(|at| hash.get(at).copied().unwrap_or_default()))
    }

    pub fn bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for Correlation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_of_each_journal_has_its_own_and_always_the_same() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let told = Correlation::of(at(1), 7, at(2)).to_string();
        assert!(told.len() == 32 && told.bytes().all(|byte| byte.is_ascii_hexdigit()), "{told}");
        assert_eq!(told, Correlation::of(at(1), 7, at(2)).to_string());
        for other in [(3, 7, 2), (1, 8, 2), (1, 7, 3)] {
            assert_ne!(told, Correlation::of(at(other.0), other.1, at(other.2)).to_string());
        }
    }
}
