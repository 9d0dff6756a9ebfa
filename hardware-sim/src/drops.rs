//! An analyzer without a connection: it leaves files in a folder, in one of the ways that models do, and a file that
//! disappears is one that somebody took. It reads nothing back and looks at nothing but names.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use tokio::time::sleep;

use crate::duration;
use crate::generate::{ExpectedResult, Generator};

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Under another name, which ends in `.tmp`, and renamed when it is whole.
    Renamed,
    /// Under its name, and then an empty file whose name has `.ok` added.
    Marked,
    /// Under its name, a message at a time with this pause between two. Nothing shows its end.
    Slow(Duration),
}

impl Manner {
    /// What [`Manner::from_str`] understands.
    pub const GRAMMAR: &str = "rename, marker, slow:DURATION";
}

impl FromStr for Manner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "rename" => Ok(Manner::Renamed),
            None if text == "marker" => Ok(Manner::Marked),
            Some(("slow", pause)) => duration::parse(pause).map(Manner::Slow),
            _ => Err(format!("no manner \"{text}\"; there are {}", Manner::GRAMMAR)),
        }
    }
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub name: String,
    /// What it says.
    pub results: Vec<ExpectedResult>,
    content: Vec<Vec<u8>>,
}

/// Writes one file after the other.
#[derive(Debug)]
pub struct Dropper {
    folder: PathBuf,
    generator: Generator,
    manner: Manner,
    /// Messages a file.
    messages: usize,
    made: u64,
}

impl Dropper {
    pub fn new(folder: &Path, generator: Generator, manner: Manner, messages: usize) -> Self {
        Dropper { folder: folder.to_owned(), generator, manner, messages, made: 0 }
    }

    /// Writes a new file.
    pub async fn write(&mut self) -> io::Result<Written> {
        self.made += 1;
        let extension = match self.generator.style().protocol() {
            crate::generate::Protocol::Astm => "astm",
            crate::generate::Protocol::Mllp => "hl7",
        };
        let mut written = Written {
            name: format!("{}-{:05}.{extension}", self.generator.style(), self.made),
            results: Vec::new(),
            content: Vec::new(),
        };
        for _ in 0..self.messages {
            let message = self.generator.message();
            written.results.extend(message.results);
            written.content.push(message.records);
        }
        self.put(&written.name, &written.content).await?;
        Ok(written)
    }

    /// Writes a file once more, as after a restart of the analyzer's host: under its name, or under another.
    pub async fn write_again(&self, written: &Written, name: &str) -> io::Result<()> {
        self.put(name, &written.content).await
    }

    /// Whether nobody has taken it away.
    pub fn is_there(&self, written: &Written) -> bool {
        self.folder.join(&written.name).exists()
    }

    async fn put(&self, name: &str, content: &[Vec<u8>]) -> io::Result<()> {
        let path = self.folder.join(name);
        match self.manner {
            Manner::Renamed => {
                let draft = self.folder.join(format!("{name}.tmp"));
                fs::write(&draft, content.concat())?;
                fs::rename(&draft, &path)
            }
            Manner::Marked => {
                fs::write(&path, content.concat())?;
                File::create(self.folder.join(format!("{name}.ok"))).map(drop)
            }
            Manner::Slow(pause) => {
                let mut file = OpenOptions::new().create(true).write(true).truncate(true).open(&path)?;
                for (number, message) in content.iter().enumerate() {
                    if number > 0 {
                        sleep(pause).await;
                    }
                    file.write_all(message)?;
                }
                Ok(())
            }
        }
    }
}
