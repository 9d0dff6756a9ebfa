//! `labwire support-bundle`: what somebody needs who is asked for help, without patients, people and secrets.

mod archive;
mod log;
mod messages;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Outcome;
use super::arguments::SupportBundle;
use super::local::here;
use super::status::{notes, write_sums};
use crate::clock;
use crate::config::{Bearings, Keys, Said, files, harmless};
use crate::exit::Exit;
use crate::host::control::{self, Request, Response};
use crate::journal::{JournalError, Reader};
use crate::pseudonym::Pseudonyms;

/// The most lines of the log, and the most bytes of a file that holds one.
const LOG_LINES: usize = 5_000;
const LOG_BYTES: u64 = 64 * 1024 * 1024;

const README: &str = "A labwire support bundle.

messages/   the last messages of each instrument. What its profile reads as a code, a value, a unit, a range, a flag, a
            status or a time is as it was; every other text is replaced by a made-up one of the same length and shape, the
            same text by the same. Checksums are made anew. labsim replay plays the .capture files at a test system.
config/     the configuration without comments; texts that might name somebody or be a secret are replaced.
log.txt     the last lines of labwire's log, people's names replaced.
status.txt  versions, links, what waits, and the sums.
problems.csv  what couldn't be used, without its words.

The key by which texts were replaced was forgotten when this was written. Look through it all the same before you hand it on.
";

pub(super) fn run(bearings: &Bearings, asked: &SupportBundle, out: &mut impl Write) -> Outcome {
    if !asked.file.to_string_lossy().ends_with(".tar.gz") {
        return refused("name a new file that ends in .tar.gz");
    }
    let mut pseudonyms = Pseudonyms::new(key());
    let mut remarks = Vec::new();
    let reader = Reader::open(&bearings.journal.path)?;
    let mut messages = Vec::new();
    // The first time only to know by which names anybody is called.
    for _ in 0..2 {
        (messages, remarks) = (Vec::new(), Vec::new());
        for instrument in bearings.instruments() {
            messages.extend(messages::messages(
                &reader,
                instrument,
                asked.messages,
                &mut pseudonyms,
                &mut remarks,
            )?);
        }
    }
    if bearings.whole.is_err() {
        let why =
            "the configuration has mistakes, and what in a message names a patient can't be told without it";
        remarks.push(format!("messages are left out: {why}; see labwire check"));
    }
    left_out(&reader, &mut remarks)?;
    // Without the words of the configuration's free texts: most of those are anybody's, and labwire's own texts use them too.
    let of_messages = pseudonyms.clone();
    let before = remarks.len();
    let mut config = Vec::new();
    // The first time only to know what is replaced.
    for _ in 0..2 {
        remarks.truncate(before);
        config = configuration(&bearings.folder, &mut pseudonyms, &mut remarks);
    }
    let mut disguise = |text: &str| disguise(&mut pseudonyms, text);
    let log = log_lines(asked.log.as_deref(), &mut remarks);
    let log: String = log.lines().map(|line| log::harmless(line, &mut disguise) + "\n").collect();
    let mut texts = vec![
        ("status.txt".to_owned(), status(bearings, &reader)?),
        ("problems.csv".to_owned(), problems(&reader)?),
        ("log.txt".to_owned(), log),
    ];
    texts.push(("left-out.txt".to_owned(), remarks.iter().map(|it| format!("{it}\n")).collect()));
    // What was replaced in messages stands nowhere else either.
    let texts = texts.into_iter().map(|(name, text)| (name, of_messages.scrub(&text).into_bytes()));
    let texts = texts.chain(config.into_iter().map(|(name, text)| (name, text.into_bytes())));
    let readme = ("README.txt".to_owned(), README.as_bytes().to_vec());
    let files: Vec<(String, Vec<u8>)> = std::iter::once(readme)
        .chain(texts)
        .chain(messages)
        .map(|(name, content)| (format!("labwire-support/{name}"), content))
        .collect();
    let made = u64::try_from(clock::now().as_second()).unwrap_or_default();
    let bytes = archive::archive(&files, made)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&asked.file)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    for remark in &remarks {
        writeln!(out, "{remark}")?;
    }
    writeln!(
        out,
        "{}: {} files, {} bytes. Patients' data, people's names and secrets are replaced. Look through it before you hand it on.",
        asked.file.display(),
        files.len(),
        bytes.len()
    )?;
    Ok(Exit::Done)
}

/// A key that nobody keeps.
fn key() -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(Uuid::new_v4());
    hash.update(Uuid::new_v4());
    hash.finalize().into()
}

/// Each word of a text by its pseudonym.
fn disguise(pseudonyms: &mut Pseudonyms, text: &str) -> String {
    let word = |c: char| c.is_alphanumeric();
    let mut clean = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = rest.find(|c| word(c) != word(first)).unwrap_or(rest.len());
        let (run, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        rest = after;
        match word(first) {
            true => clean += &String::from_utf8_lossy(&pseudonyms.of(run.as_bytes())),
            false => clean += run,
        }
    }
    clean
}

/// Of what the journal has, what is in no bundle.
fn left_out(reader: &Reader, remarks: &mut Vec<String>) -> Result<(), JournalError> {
    let unknown = reader.waiting()?.unattributed;
    if unknown > 0 {
        remarks.push(format!(
            "messages of unknown senders are left out ({unknown}): no profile says what in them names a patient"
        ));
    }
    remarks.push(
        "answers to host queries, and what instruments were told of their work, are left out".to_owned(),
    );
    Ok(())
}

fn configuration(
    folder: &Path,
    pseudonyms: &mut Pseudonyms,
    remarks: &mut Vec<String>,
) -> Vec<(String, String)> {
    let (mut clean, keys) = (Vec::new(), Keys::known());
    let mut replaced = |said, text: &str| match said {
        Said::Freely => disguise(pseudonyms, text),
        Said::ByChoice => pseudonyms.scrub(text),
    };
    for path in files(folder) {
        let name = format!("config/{}", path.strip_prefix(folder).unwrap_or(&path).display());
        let read = fs::read_to_string(&path).map_err(|_| "it can't be read");
        match read.and_then(|text| harmless(&text, &keys, &mut replaced)) {
            Ok(text) => clean.push((name, text)),
            Err(why) => remarks.push(format!("{name} is left out: {why}")),
        }
    }
    clean
}

/// The end of the log: of the file that was named, or of the unit's journal.
fn log_lines(file: Option<&Path>, remarks: &mut Vec<String>) -> String {
    let read = match file {
        Some(path) => tail(path),
        None => {
            let lines = LOG_LINES.to_string();
            let asked = [
                "--unit",
                "labwire",
                "--lines",
                &lines,
                "--output",
                "short-iso",
                "--no-hostname",
                "--no-pager",
            ];
            Command::new("journalctl").args(asked).output().map(|it| it.stdout)
        }
    };
    let text = match read {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => {
            remarks.push(format!("the log is left out: {error}; say --log FILE"));
            String::new()
        }
    };
    let skip = text.lines().count().saturating_sub(LOG_LINES);
    text.lines().skip(skip).map(|line| format!("{line}\n")).collect()
}

fn tail(path: &Path) -> io::Result<Vec<u8>> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(LOG_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn status(bearings: &Bearings, reader: &Reader) -> Result<String, Box<dyn std::error::Error>> {
    let mut out = Vec::new();
    let first_line = |path: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().next().unwrap_or_default().to_owned()
    };
    writeln!(out, "labwire {}, at {}", env!("CARGO_PKG_VERSION"), clock::now())?;
    writeln!(out, "{}\n{}", first_line("/etc/os-release"), first_line("/proc/version"))?;
    for instrument in bearings.instruments() {
        writeln!(out, "{}: profile {}", instrument.id, instrument.profile.identity())?;
    }
    match control::ask(&bearings.control_socket, &Request::Live) {
        Ok(Response::Live { journal, configuration, links, destinations }) => {
            writeln!(out, "\nlabwire is running. Journal: {journal}")?;
            writeln!(out, "{}", configuration.unwrap_or_default())?;
            // What a file or a LIMS says of itself isn't known to name nobody.
            for it in links {
                writeln!(out, "  {}: {} (since {})", it.name, it.state, here(it.since))?;
            }
            for it in destinations {
                let state = it.state.split(':').next().unwrap_or_default();
                writeln!(out, "  {}: {state} (since {})", it.name, here(it.since))?;
            }
        }
        _ => writeln!(out, "\nlabwire isn't running.")?,
    }
    notes(&reader.link_notes()?, &mut out)?;
    write_sums(&reader.sums()?, &mut out)?;
    Ok(String::from_utf8(out)?)
}

fn problems(reader: &Reader) -> Result<String, Box<dyn std::error::Error>> {
    let mut text = "problem,message,from,kind,since\n".to_owned();
    for it in reader.open_problems(1_000)? {
        let message = it.message.map(|message| message.to_string()).unwrap_or_default();
        let from = it.instrument.as_deref().unwrap_or_default();
        text += &format!("{},{message},{from},{},{}\n", it.id, it.kind, it.seen_at);
    }
    Ok(text)
}

fn refused(why: &str) -> Outcome {
    writeln!(io::stderr(), "labwire: {why}")?;
    Ok(Exit::Failed)
}
