//! A file of every result that the gateway acknowledged: what the LIMS must hold, once.
//!
//! A line is written only after the ACK arrived, so it may miss the last ones when labsim is killed and never
//! holds one too many.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use crate::generate::{ExpectedResult, Generated};

/// Appends one JSON line a result.
#[derive(Debug)]
pub struct AcknowledgedFile {
    file: File,
}

impl AcknowledgedFile {
    /// Creates the file or goes on at its end.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(AcknowledgedFile { file })
    }

    /// Writes the results of a message whose end was acknowledged.
    pub fn record(&mut self, message: &Generated) -> io::Result<()> {
        self.record_results(&message.results)
    }

    /// Writes results of which all are acknowledged.
    pub fn record_results(&mut self, results: &[ExpectedResult]) -> io::Result<()> {
        let mut lines = Vec::new();
        for result in results {
            serde_json::to_writer(&mut lines, result)?;
            lines.push(b'\n');
        }
        self.file.write_all(&lines)
    }
}

/// Reads such a file. A last line that was cut short is left out.
pub fn read(path: &Path) -> io::Result<Vec<ExpectedResult>> {
    let mut results = Vec::new();
    let mut lines = BufReader::new(File::open(path)?);
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 {
        if line.ends_with('\n') {
            results.push(serde_json::from_str(&line)?);
        }
        line.clear();
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::{Generator, Style};

    #[test]
    fn what_was_recorded_is_read_back_without_a_torn_last_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acknowledged.jsonl");
        let message = Generator::new(Style::CentaurXp, 7).message();
        AcknowledgedFile::open(&path).unwrap().record(&message).unwrap();
        AcknowledgedFile::open(&path).unwrap().file.write_all(b"{\"specimen\":\"SI").unwrap();
        assert_eq!(read(&path).unwrap(), message.results);
    }
}
