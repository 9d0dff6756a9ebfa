//! An analyzer without a connection: it leaves files in a folder or on an FTP server, in one of the ways that models do, and
//! a file that disappears is one that somebody took. It reads nothing back and looks at nothing but names.

mod place;

use std::io;
use std::str::FromStr;
use std::time::Duration;

use tokio::time::sleep;

use place::Upload;
pub use place::{Place, Server};

use crate::duration;
use crate::generate::{ExpectedResult, Generator};

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Under its name, at once. Nothing shows its end.
    Plain,
    /// Under another name, which ends in `.tmp`, and renamed when it is whole.
    Renamed,
    /// Under its name, and then an empty file whose name has `.ok` added.
    Marked,
    /// Under its name, a message at a time with this pause between two. Nothing shows its end.
    Slow(Duration),
    /// Under its name, and the connection is gone in the middle of a message; after this pause the whole file comes again.
    Cut(Duration),
}

impl Manner {
    /// What [`Manner::from_str`] understands.
    pub const GRAMMAR: &str = "plain, rename, marker, slow:DURATION, cut:DURATION";
}

impl FromStr for Manner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "plain" => Ok(Manner::Plain),
            None if text == "rename" => Ok(Manner::Renamed),
            None if text == "marker" => Ok(Manner::Marked),
            Some(("slow", pause)) => duration::parse(pause).map(Manner::Slow),
            Some(("cut", pause)) => duration::parse(pause).map(Manner::Cut),
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
    place: Place,
    generator: Generator,
    manner: Manner,
    /// Messages a file.
    messages: usize,
    made: u64,
}

impl Dropper {
    pub fn new(place: Place, generator: Generator, manner: Manner, messages: usize) -> Self {
        Dropper { place, generator, manner, messages, made: 0 }
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

    /// How many of these nobody has taken away.
    pub async fn left(&self, written: &[Written]) -> io::Result<usize> {
        let names = self.place.names().await?;
        Ok(written.iter().filter(|file| names.contains(&file.name)).count())
    }

    /// Those that somebody has taken away.
    pub async fn taken<'a>(&self, written: &'a [Written]) -> io::Result<Vec<&'a Written>> {
        let names = self.place.names().await?;
        Ok(written.iter().filter(|file| !names.contains(&file.name)).collect())
    }

    async fn put(&self, name: &str, content: &[Vec<u8>]) -> io::Result<()> {
        let at_once = Upload { name, pieces: content, pause: Duration::ZERO, cut_after: None };
        match self.manner {
            Manner::Plain => self.place.write(at_once).await,
            Manner::Renamed => {
                let draft = format!("{name}.tmp");
                self.place.write(Upload { name: &draft, ..at_once }).await?;
                self.place.rename(&draft, name).await
            }
            Manner::Marked => {
                self.place.write(at_once).await?;
                let marker = format!("{name}.ok");
                self.place
                    .write(Upload { name: &marker, pieces: &[], pause: Duration::ZERO, cut_after: None })
                    .await
            }
            Manner::Slow(pause) => self.place.write(Upload { pause, ..at_once }).await,
            Manner::Cut(pause) => {
                let cut_after = Some(content.len() / 2);
                self.place.write(Upload { name, pieces: content, pause: Duration::ZERO, cut_after }).await?;
                sleep(pause).await;
                self.place.write(at_once).await
            }
        }
    }
}
