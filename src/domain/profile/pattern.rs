//! What text is looked for at a place.

/// A text to look for; `*` stands for anything.
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
        let Some((start, rest)) = self.0.split_once('*') else { return text == self.0 };
        let Some(mut text) = text.strip_prefix(start) else { return false };
        let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
        // The first place of each leaves the most for what follows.
        for part in middle.split('*') {
            match text.split_once(part) {
                Some((_, after)) => text = after,
                None => return false,
            }
        }
        text.ends_with(end)
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
            ("cobas* pro*", "cobas pro", true),
            ("cobas* pro*", "cobas® pro e801", true),
            ("cobas* pro*", "cobas 4800", false),
            ("a*a", "a", false),
            ("a*b*a", "abba", true),
            ("a*b*c*a", "abca", true),
            ("a*c*b*a", "abca", false),
            ("", "x", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern} {text}");
        }
    }
}
