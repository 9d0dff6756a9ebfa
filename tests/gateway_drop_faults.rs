//! A file server that falls silent, hangs up, lies about the end of a file, or changes a file while it is fetched: nothing
//! is lost, nothing is read twice, and the page says what is wrong.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
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
use odd_ftp::{Conduct, OddServer};
use support::until;

const DELETED: &str = "after = \"delete\"\ncomplete = { by = \"rename\", while_writing = \"*.tmp\" }";

async fn desk(server: &OddServer, keys: &str) -> Desk {
    let desk = Desk::empty().await;
    fs::write(desk.lab.path("password"), "invented\n").unwrap();
    desk.fetches(&server.table(keys));
    desk
}

/// A server that behaves oddly, what is said about it, and that all is fetched once it behaves.
async fn odd_and_then_honest(conduct: Conduct, words: &str) {
    let server = OddServer::start(conduct, "day.hl7", &day("A", 40), None).await;
    let desk = desk(&server, DELETED).await;
    let gateway = desk.lab.start().await;
    desk.says(words).await;
    assert_eq!(desk.received(), 0, "half a file is nothing");
    server.becomes(Conduct::Honest);
    desk.accepted(40).await;
    until("it is deleted", || server.names().is_empty()).await;
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_does_not_hang_the_link() {
    odd_and_then_honest(
        Conduct::Silent,
        "down: the server hasn't let anybody in for 1 s; see whether it hangs",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_in_the_middle_of_a_file_is_left() {
    odd_and_then_honest(Conduct::Hangs, "down: the server has stopped in the middle of a file for 1 s").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_in_the_middle_of_a_file_leaves_nothing_behind() {
    odd_and_then_honest(Conduct::HangsUp, "down: the server hung up").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_file_is_noticed_though_the_server_says_that_it_is_all() {
    odd_and_then_honest(Conduct::Halves, "bytes came; it will be read again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_replaced_while_it_is_read_is_read_again() {
    let next = day("B", 3);
    let server = OddServer::start(Conduct::Replaces, "day.hl7", &day("A", 2), Some(&next)).await;
    let desk = desk(&server, DELETED).await;
    let gateway = desk.lab.start().await;
    // What was there before was overwritten by its own writer before anybody had signed for it.
    desk.accepted(3).await;
    until("it is deleted", || server.names().is_empty()).await;
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_replaced_after_it_was_read_is_not_deleted_unread() {
    let next = day("B", 3);
    let server = OddServer::start(Conduct::ReplacesLater, "day.hl7", &day("A", 2), Some(&next)).await;
    let desk = desk(&server, DELETED).await;
    let gateway = desk.lab.start().await;
    desk.accepted(5).await;
    until("it is deleted", || server.names().is_empty()).await;
    assert_eq!(server.fetched(), 2);
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_can_not_be_whole_is_read_once_and_shown() {
    let batch = format!("BHS|^~\\&|cobas pro\r{}BTS|2\r", message("A1", "1.41"));
    let server = OddServer::start(Conduct::Honest, "day.hl7", &batch, None).await;
    let desk = desk(&server, DELETED).await;
    let gateway = desk.lab.start().await;
    desk.says("day.hl7 waits: the file isn't whole: line 6 says 2, and 1 were found").await;
    desk.two_looks().await;
    assert_eq!((server.fetched(), desk.received()), (1, 0));
    assert_eq!(server.names(), ["day.hl7"]);
    assert!(gateway.terminate().success());
}
