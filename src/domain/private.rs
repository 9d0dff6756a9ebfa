//! Patient data, kept out of logs, metrics, errors and panics by its type.

use std::fmt;

/// A value that identifies or describes a patient. `Debug` never shows it and there is no `Display`.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Private<T>(T);

impl<T> Private<T> {
    pub fn new(value: T) -> Self {
        Private(value)
    }

    /// The value itself: for the journal, the LIMS payload and the page, never for a log.
    pub fn reveal(&self) -> &T {
        &self.0
    }

    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(private)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_does_not_contain_the_value() {
        let name = Private::new("Example, Anna".to_owned());
        assert_eq!(format!("{name:?}"), "(private)");
        assert_eq!(name.reveal(), "Example, Anna");
    }
}
