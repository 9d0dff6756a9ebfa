//! In which form results go to a destination that has acknowledged them already.

use super::{Words, words};

/// How results go once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnceMore {
    /// The same bytes under the same key.
    AsItWas,
    /// Put together anew, under another key: something that went with them may not go again.
    Anew,
}

impl OnceMore {
    /// As it is stored.
    pub fn name(self) -> &'static str {
        match self {
            OnceMore::AsItWas => "as-it-was",
            OnceMore::Anew => "anew",
        }
    }

    pub fn from_name(name: &str) -> Option<OnceMore> {
        [OnceMore::AsItWas, OnceMore::Anew].into_iter().find(|it| it.name() == name)
    }

    pub fn words(self) -> Words {
        match self {
            OnceMore::AsItWas => words!("as it was, byte for byte"),
            OnceMore::Anew => words!("anew, without what may not go any more"),
        }
    }
}
