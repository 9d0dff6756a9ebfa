//! Files that can't be taken as they are: each is in the list of problems with what to do, once, and leaves it by itself.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise"
)]

#[path = "support/dropped.rs"]
mod dropped;
#[path = "support/odd_ftp.rs"]
mod odd_ftp;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::fs;

use dropped::{Desk, day, message};
use labwire::journal::Reader;
use odd_ftp::{Conduct, OddServer};
use support::until;

const MARKED: &str = "after = \"delete\"\ncomplete = { by = \"marker\", suffix = \".ok\" }";
const RENAMED: &str = "complete = { by = \"rename\", while_writing = \"*.tmp\" }";
const MIB: usize = 1024 * 1024;

/// Waits until the one open problem says this.
async fn one_problem(desk: &Desk, words: &str) {
    until(words, || desk.lab.text(&["problems"]).contains(words)).await;
    assert_eq!(problems(&desk.lab.reader()), (1, 1));
    let status = desk.lab.text(&["status"]);
    assert!(status.contains("        1  files that need somebody"), "{status}");
}

/// Open problems, and all that there ever were.
fn problems(reader: &Reader) -> (usize, i64) {
    let open = reader.open_problems(100).unwrap();
    let ever = open.iter().map(|it| it.id.0).max().unwrap_or_default();
    (open.len(), ever)
}

async fn none_is_left(desk: &Desk) {
    until("the problem is closed", || desk.lab.text(&["problems"]).contains("No open problems.")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marker_that_never_comes_is_a_problem_until_it_does() {
    let desk = Desk::folder(&format!("{MARKED}\noverdue_secs = 2")).await;
    let gateway = desk.lab.start().await;
    desk.drop("day.hl7", &day("A", 1));
    one_problem(&desk, "day.hl7: its marker (.ok) isn't there; it has been there for more than 2 s").await;
    assert!(
        desk.lab.text(&["problems"]).contains("this closes by itself once the file is taken"),
        "it says what to do"
    );
    gateway.kill();
    let gateway = desk.lab.start().await;
    desk.two_looks().await;
    assert_eq!(problems(&desk.lab.reader()), (1, 1), "a restart says it no second time");
    fs::write(desk.out.join("day.hl7.ok"), "").unwrap();
    desk.accepted(1).await;
    none_is_left(&desk).await;
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_grows_on_and_on_is_a_problem_after_its_time() {
    let desk =
        Desk::folder("after = \"delete\"\noverdue_secs = 2\ncomplete = { by = \"stable\", polls = 1000 }")
            .await;
    let gateway = desk.lab.start().await;
    desk.drop("day.hl7", &day("A", 1));
    one_problem(&desk, "day.hl7: it must look the same 1000 times in a row").await;
    desk.two_looks().await;
    assert_eq!(problems(&desk.lab.reader()), (1, 1), "a reason that counts is said once");
    fs::remove_file(desk.out.join("day.hl7")).unwrap();
    none_is_left(&desk).await;
    assert!(gateway.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_whole_is_a_problem_until_it_is() {
    let desk = Desk::folder(&format!("after = \"delete\"\n{RENAMED}")).await;
    let gateway = desk.lab.start().await;
    desk.drop("day.hl7", &format!("BHS|^~\\&|cobas pro\r{}BTS|2\r", message("A1", "1.41")));
    one_problem(&desk, "day.hl7: the file isn't whole: line 6 says 2, and 1 were found").await;
    desk.drop("day.hl7", &day("A", 2));
    desk.accepted(2).await;
    none_is_left(&desk).await;
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_is_a_problem_once_and_is_never_read() {
    let desk = Desk::folder(&format!("after = \"delete\"\n{RENAMED}\npattern = \"*.hl7\"")).await;
    let elsewhere = desk.lab.path("secret.hl7");
    fs::write(&elsewhere, day("A", 1)).unwrap();
    std::os::unix::fs::symlink(&elsewhere, desk.out.join("link.hl7")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(desk.out.join("socket.hl7")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, desk.out.join("pipe.hl7"), rustix::fs::Mode::RUSR).unwrap();
    fs::create_dir(desk.out.join("folder.hl7")).unwrap();
    std::os::unix::fs::symlink(&elsewhere, desk.out.join("not-ours.txt")).unwrap();
    let gateway = desk.lab.start().await;
    for words in [
        "link.hl7: it is a symbolic link",
        "pipe.hl7: it is a named pipe, a socket or a device",
        "socket.hl7: it is a named pipe, a socket or a device",
    ] {
        until(words, || desk.lab.text(&["problems"]).contains(words)).await;
    }
    desk.two_looks().await;
    assert_eq!(problems(&desk.lab.reader()), (3, 3), "each is said once");
    assert_eq!(desk.received(), 0);
    for name in ["link.hl7", "pipe.hl7", "socket.hl7"] {
        fs::remove_file(desk.out.join(name)).unwrap();
    }
    none_is_left(&desk).await;
    desk.drop("day.hl7", &day("A", 1));
    desk.accepted(1).await;
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_can_not_be_moved_is_a_problem_and_its_results_are_safe() {
    let desk =
        Desk::folder(&format!("after = \"move\"\nmove_to = \"archive\"\npattern = \"*.hl7\"\n{RENAMED}"))
            .await;
    fs::write(desk.out.join("archive"), "a file where a folder should be").unwrap();
    let gateway = desk.lab.start().await;
    desk.drop("day.hl7", &day("A", 1));
    one_problem(&desk, "day.hl7: its results are safe, but it can't be removed").await;
    desk.accepted(1).await;
    fs::remove_file(desk.out.join("archive")).unwrap();
    desk.gone("day.hl7").await;
    none_is_left(&desk).await;
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stays_away_is_a_problem_until_it_is_back() {
    let server = OddServer::start(Conduct::Silent, "day.hl7", &day("A", 2), None).await;
    let desk = Desk::empty().await;
    fs::write(desk.lab.path("password"), "invented\n").unwrap();
    desk.fetches(&server.table(&format!("after = \"delete\"\n{RENAMED}")));
    let gateway = desk.lab.start().await;
    one_problem(&desk, "the server hasn't let anybody in for 1 s; see whether it hangs").await;
    assert!(desk.lab.text(&["problems"]).contains("no-files"));
    server.becomes(Conduct::Honest);
    desk.accepted(2).await;
    none_is_left(&desk).await;
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

/// A server that doesn't hand one of its files out, for this reason, and then does.
async fn keeps_no_other_waiting(conduct: Conduct, why: &str) {
    let server = OddServer::start(conduct, "a.hl7", &day("A", 1), None).await;
    server.add("b.hl7", &day("B", 2));
    let desk = Desk::empty().await;
    fs::write(desk.lab.path("password"), "invented\n").unwrap();
    desk.fetches(&server.table(&format!("after = \"delete\"\n{RENAMED}")));
    let gateway = desk.lab.start().await;
    desk.accepted(2).await;
    one_problem(&desk, why).await;
    server.becomes(Conduct::Honest);
    desk.accepted(3).await;
    none_is_left(&desk).await;
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_server_can_not_send_keeps_no_other_waiting() {
    keeps_no_other_waiting(Conduct::Breaks("a.hl7"), "a.hl7: the server broke it off (451)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_server_lists_and_says_it_has_not_is_a_problem_and_keeps_no_other_waiting() {
    keeps_no_other_waiting(Conduct::Withholds("a.hl7"), "a.hl7: the server doesn't hand it out (550)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_at_which_the_connection_is_cut_each_time_keeps_no_other_waiting() {
    let server = OddServer::start(Conduct::HangsUpAt("a.hl7"), "a.hl7", &day("A", 1), None).await;
    server.add("b.hl7", &day("B", 2));
    let desk = Desk::empty().await;
    fs::write(desk.lab.path("password"), "invented\n").unwrap();
    desk.fetches(&server.table(&format!("after = \"delete\"\n{RENAMED}")));
    let gateway = desk.lab.start().await;
    desk.accepted(2).await;
    one_problem(&desk, "the server hung up").await;
    server.becomes(Conduct::Honest);
    desk.accepted(3).await;
    none_is_left(&desk).await;
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

/// A workbook of so many bytes that says the same: nothing points into what is put before its directory.
fn workbook(length: usize) -> Vec<u8> {
    let sample = include_bytes!("fixtures/profiles/thermo-quantstudio/results.xlsx");
    let end = sample.len() - 22;
    assert_eq!(sample[end..end + 4], *b"PK\x05\x06", "the archive has no comment");
    let at = |from: usize| u32::from_le_bytes(sample[from..from + 4].try_into().unwrap());
    let directory = usize::try_from(at(end + 16)).unwrap();
    let gap = length - sample.len();
    let moved = u32::try_from(directory + gap).unwrap();
    [
        &sample[..directory],
        &vec![0; gap],
        &sample[directory..end + 16],
        &moved.to_le_bytes(),
        &sample[end + 20..],
    ]
    .concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_is_taken_up_to_the_cap_and_refused_above_it() {
    let desk = Desk::empty().await;
    let table = format!(
        "[folder]\nfolder = \"out\"\nafter = \"delete\"\n{RENAMED}\nmax_workbook_mib = 1\npoll_secs = 1\njitter_secs = 0\n"
    );
    desk.lab.instrument("cobas", "thermo-quantstudio", "", &table);
    let gateway = desk.lab.start().await;
    desk.drop_bytes("above.xlsx", &workbook(MIB + 1));
    until("it is refused", || {
        desk.lab
            .text(&["problems"])
            .contains("above.xlsx: it is larger than 1 MiB; raise max_workbook_mib if that is right")
    })
    .await;
    assert_eq!(desk.received(), 0);
    desk.drop_bytes("at.xlsx", &workbook(MIB));
    desk.gone("at.xlsx").await;
    until("its results are read", || desk.received() > 0).await;
    assert!(desk.out.join("above.xlsx").exists(), "it stays where it is");
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}
