//! Delivery into a folder: one complete file a delivery, once, whatever happens between the file and the journal.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::fs;
use std::net::SocketAddr;

use support::*;

const TIME: &str = "20260102030405";

/// A laboratory with one Erba XL whose results go into the folder `out`, which isn't there yet.
async fn laboratory(more: &str) -> (Lab, SocketAddr) {
    let unused = support::lims().await;
    let lab = Lab::new(&unused, "");
    let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
    let (before, _) = site.split_once("[destination.lims]").unwrap();
    let destination = format!(
        "[destination.lims]\nkind = \"file\"\nfolder = \"out\"\nbackoff_first_secs = 1\nbackoff_longest_secs = 1\n\
         breaker_failures = 50\n{more}\n"
    );
    fs::write(lab.path("labwire.toml"), format!("{before}{destination}")).unwrap();
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    (lab, address)
}

/// The folder's files by name, with what they hold.
fn files(lab: &Lab) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = fs::read_dir(lab.path("out"))
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_missing_gets_its_file_once_it_is_there() {
    let (lab, address) = laboratory("").await;
    let _gateway = lab.start().await;
    send(address, &glucose("EX0001", "5.40", "F", TIME)).await;
    let log = lab.path("log");
    until("it was tried", || fs::read_to_string(&log).unwrap().contains("the folder doesn't exist")).await;
    fs::create_dir(lab.path("out")).unwrap();
    until("it is accepted", || lab.count("accepted") == 1).await;
    let files = files(&lab);
    assert_eq!(files.len(), 1, "one file and no draft: {files:?}");
    let (name, content) = &files[0];
    let key = name.strip_suffix(".hl7").unwrap();
    assert!(content.starts_with("MSH|^~\\&|labwire|") && content.contains(&format!("|{key}|P|2.5.1|")));
    assert!(content.contains("\rOBX|1|NM|GLCC^GLCC^L|1|5.40|mg/dl|"), "{content:?}");
}

/// The journal's files, to be put back later.
fn journal(lab: &Lab) -> Vec<(&'static str, Vec<u8>)> {
    let names = ["labwire.db", "labwire.db-wal", "labwire.db-shm"];
    names.into_iter().filter_map(|name| Some((name, fs::read(lab.path(name)).ok()?))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_the_file_and_the_journal_writes_no_second_file() {
    let (lab, address) = laboratory("format = \"csv\"").await;
    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "5.40", "F", TIME)).await;
    let log = lab.path("log");
    until("it was tried", || fs::read_to_string(&log).unwrap().contains("the folder doesn't exist")).await;
    gateway.kill();
    let journal = journal(&lab);
    fs::create_dir(lab.path("out")).unwrap();
    let gateway = lab.start().await;
    until("it is accepted", || lab.count("accepted") == 1).await;
    let written = files(&lab);
    gateway.kill();
    // Power failed after the rename: the file is there, and the journal says nothing of it.
    for name in ["labwire.db-wal", "labwire.db-shm"] {
        let _ = fs::remove_file(lab.path(name));
    }
    for (name, content) in journal {
        fs::write(lab.path(name), content).unwrap();
    }
    assert_eq!(lab.count("accepted"), 0, "the journal is back where it was");
    let _gateway = lab.start().await;
    until("it is accepted again", || lab.count("accepted") == 1).await;
    assert_eq!(files(&lab), written, "the same file, and no other");
    assert!(fs::read_to_string(&log).unwrap().contains("the file was in the folder already"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_file_of_that_name_is_a_refusal() {
    let (lab, address) = laboratory("format = \"csv\"").await;
    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "5.40", "F", TIME)).await;
    let log = lab.path("log");
    until("it was tried", || fs::read_to_string(&log).unwrap().contains("the folder doesn't exist")).await;
    gateway.kill();
    let key: String = rusqlite::Connection::open(lab.path("labwire.db"))
        .unwrap()
        .query_row("SELECT key FROM delivery", [], |row| row.get(0))
        .unwrap();
    fs::create_dir(lab.path("out")).unwrap();
    fs::write(lab.path(&format!("out/{key}.csv")), "somebody else's").unwrap();
    let _gateway = lab.start().await;
    until("it is refused", || lab.count("refused") == 1).await;
    assert_eq!(files(&lab), [(format!("{key}.csv"), "somebody else's".to_owned())]);
}
