//! A LIMS that leaves its orders as files in a folder, each renamed into place when it is whole. A file goes away only
//! once it is on disk with all that it changes. What can't be read as a whole stays in place and is named.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::connection::{read_message, told};
use super::json;
use super::listener::Listener;
use super::taking::{Taking, Text};
use crate::board::LinkState;
use crate::clock;
use crate::config::settings::{OrderFolder, OrderHl7};
use crate::journal::orders::{Again, Manner, Told};

/// The longest file, in bytes.
const LONGEST: u64 = 16 * 1024 * 1024;
/// The most files of one look.
const MOST: usize = 1_000;

/// Looks until the gateway stops.
pub(super) async fn watch(listener: Listener, name: String, folder: OrderFolder) {
    let stop = listener.tasks.stopping();
    listener.board.add_link(&name, Vec::new(), clock::now());
    let mut is_there = false;
    loop {
        let looked = look(&listener, &name, &folder).await;
        match (&looked, is_there) {
            (Ok(()), false) => listener.presence.arrived(),
            (Err(_), true) => listener.presence.left(clock::now()),
            _ => {}
        }
        is_there = looked.is_ok();
        let state = match looked {
            Ok(()) => LinkState::Polling,
            Err(why) => {
                tracing::warn!(source = name, why, "failed to take orders from a folder; trying again");
                LinkState::Down(why)
            }
        };
        listener.board.set_link(&name, clock::now(), state);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(folder.every) => {}
        }
    }
}

async fn look(listener: &Listener, name: &str, folder: &OrderFolder) -> Result<(), String> {
    let files = list(&folder.path).map_err(|error| format!("the folder can't be read: {error}"))?;
    let mut fault = None;
    for file in files {
        if let Err(why) = take(listener, name, folder, &file).await {
            // Without the file's name: it may be a tube's.
            fault = Some(why);
        }
    }
    fault.map_or(Ok(()), Err)
}

/// The files that are whole, in the order of their names.
fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let known = path.extension().is_some_and(|kind| kind == "hl7" || kind == "json");
        if known && !hidden && entry.file_type()?.is_file() {
            files.push(path);
        }
    }
    files.sort();
    files.truncate(MOST);
    Ok(files)
}

async fn take(listener: &Listener, name: &str, folder: &OrderFolder, file: &Path) -> Result<(), String> {
    let content = contents(file).map_err(|error| format!("a file can't be read: {error}"))?;
    if content.len() as u64 > LONGEST {
        return Err(format!("a file is larger than {LONGEST} bytes; it stays where it is"));
    }
    let messages = match file.extension().is_some_and(|kind| kind == "json") {
        true => {
            let read = json::read(&content).map_err(|why| format!("a file stays where it is: {why}"))?;
            vec![(content.len(), json::told(&read.requests, read.patient))]
        }
        false => hl7_messages(&content, &folder.hl7),
    };
    let taking = Taking { journal: listener.journal.clone(), arrived: Arc::clone(&listener.arrived) };
    let (source, peer) = (name.to_owned(), "folder".to_owned());
    let (again, manner) = (Again::Anew, Manner::Told(folder.numbers));
    let text = Text { source, peer, content, messages, again, manner, cursor: None };
    let taken = taking.take(text, |_| Vec::new(), clock::now()).await;
    taken.map_err(|error| format!("a file can't be stored: {error}"))?;
    match (&folder.moved_to, file.file_name()) {
        (Some(to), Some(name)) => fs::rename(file, to.join(name)),
        _ => fs::remove_file(file),
    }
    .map_err(|error| format!("a file was taken and can't be removed: {error}"))
}

fn contents(file: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    fs::File::open(file)?.take(LONGEST + 1).read_to_end(&mut content)?;
    Ok(content)
}

/// Each begins with MSH at the begin of a line.
fn hl7_messages(content: &[u8], hl7: &OrderHl7) -> Vec<(usize, Told)> {
    let begins = |at: &usize| {
        let before = at.checked_sub(1).and_then(|before| content.get(before));
        before.is_none_or(|byte| matches!(byte, b'\r' | b'\n' | 0x0B))
            && content.get(*at..*at + 3) == Some(b"MSH")
    };
    let mut ends: Vec<usize> = (1..content.len()).filter(begins).collect();
    ends.push(content.len());
    let mut begin = 0;
    let mut messages = Vec::new();
    for end in ends {
        let message = content.get(begin..end).unwrap_or_default();
        let message = message.trim_ascii_start().strip_prefix(b"\x0B").unwrap_or(message.trim_ascii_start());
        messages.push((end, told(&read_message(message, hl7))));
        begin = end;
    }
    messages
}
