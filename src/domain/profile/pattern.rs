//! What text is looked for at a place.

/// A text to look for; `*` at either end stands for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    pub fn new(pattern: impl Into<String>) -> Pattern {
        Pattern(pattern.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn matches(&self, text: &str) -> bool {
        let (open_start, rest) = match self.0.strip_prefix('*') {
            Some(rest) => (true, rest),
            None => (false, self.0.as_str()),
        };
        match (open_start, rest.strip_suffix('*')) {
            (true, Some(middle)) => text.contains(middle),
            (false, Some(start)) => text.starts_with(start),
            (true, None) => text.ends_with(rest),
            (false, None) => text == rest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_open_where_it_has_a_star() {
        for (pattern, text, expected) in [
            ("QC", "QC", true),
            ("QC", "QC1", false),
            ("QC*", "QC1", true),
            ("*QC", "LQC", true),
            ("*QC*", "LQC1", true),
            ("QC*", "LQC", false),
            ("*", "", true),
            ("", "x", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern} {text}");
        }
    }
}
