//! In which form results go to a destination that has acknowledged them already.

/// How results go once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnceMore {
    /// The same bytes under the same key.
    AsItWas,
    /// Put together anew, under another key: something that went with them may not go again.
    Anew,
}
