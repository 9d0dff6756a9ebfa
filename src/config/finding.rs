//! What is wrong with a configuration, as a person reads it: `instruments.d/c311.toml:12:9: …`.

use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::Path;

use super::complaint::Complaint;

/// An error or a warning, with its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file's name relative to the configuration folder.
    pub file: String,
    /// Line and column, both from 1, the column counted in characters; `None` when it is about the whole file.
    pub place: Option<(usize, usize)>,
    /// What is wrong and what to write instead, in one line.
    pub message: String,
}

impl Finding {
    /// A finding about a whole file.
    pub(super) fn about(file: &str, message: impl Into<String>) -> Finding {
        Finding { file: file.to_owned(), place: None, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "{}:{line}:{column}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// Everything that keeps a configuration from being used, sorted by file and place. Displays one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errors(pub Vec<Finding>);

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.0.iter().enumerate() {
            let line_break = if index == 0 { "" } else { "\n" };
            write!(f, "{line_break}{finding}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}

/// The text of one configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// Relative to the configuration folder.
    pub(super) name: String,
    pub(super) text: String,
}

impl Source {
    /// Reads `folder/name`; refuses what isn't UTF-8.
    pub(super) fn open(folder: &Path, name: &str) -> Result<Source, Finding> {
        let bytes =
            fs::read(folder.join(name)).map_err(|error| Finding::about(name, reading(folder, &error)))?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Source { name: name.to_owned(), text }),
            Err(error) => {
                let good = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let source = Source { name: name.to_owned(), text };
                Err(source.finding(&Complaint::new(good..good, "this isn't UTF-8; save the file as UTF-8")))
            }
        }
    }

    /// Where a complaint about this text stands.
    pub(super) fn finding(&self, complaint: &Complaint) -> Finding {
        Finding {
            file: self.name.clone(),
            place: Some(self.place(&complaint.span)),
            message: complaint.message.clone(),
        }
    }

    fn place(&self, span: &Range<usize>) -> (usize, usize) {
        let before = self.text.get(..span.start).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |start| start.chars().count()) + 1;
        (line, column)
    }
}

fn reading(folder: &Path, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            format!("there is no such file in {}; copy the commented default there", folder.display())
        }
        _ => format!("failed to read it: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_counted_in_lines_and_characters_from_one() {
        let source = Source { name: "labwire.toml".to_owned(), text: "a = 1\nµ = \"µ\" x\n".to_owned() };
        for (offset, expected) in [(0, "1:1"), (4, "1:5"), (6, "2:1"), (16, "2:9"), (99, "3:1")] {
            let finding = source.finding(&Complaint::new(offset..offset, "odd"));
            assert_eq!(finding.to_string(), format!("labwire.toml:{expected}: odd"), "{offset}");
        }
    }
}
