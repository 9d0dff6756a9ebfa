//! A disk that fails under the real program: syncs that fail, writes that find no room, a kill at every Nth system call,
//! a disk that fills up. What was acknowledged is in the LIMS once, whatever happens.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "support/analyzers.rs"]
mod analyzers;
#[path = "gateway/oracle.rs"]
mod oracle;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;
#[path = "support/traced.rs"]
mod traced;
#[path = "support/ward.rs"]
mod ward;

use std::time::Duration;

use labsim::frame::ACK;
use support::*;
use tokio::time::timeout;
use traced::Traced;
use ward::{ByHand, Ward};

const SEED: u64 = 40;
const TIME: &str = "20260102030405";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs strace"]
async fn a_frame_whose_sync_failed_is_not_acknowledged_and_the_gateway_ends() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    assert!(lab.start().await.terminate().success());
    let strace = ["-e", "trace=fsync,fdatasync,sendto", "-e", "inject=fsync,fdatasync:error=EIO:when=20"];
    let mut gateway = Traced::spawn(&lab, &strace);
    lab.answers().await;

    // Without its end the message concerns nobody but the frames' own commits.
    let (mut transmission, answer) = ByHand::ask(address).await;
    assert_eq!(answer, ACK);
    let mut taken = 0;
    while taken < 100 && transmission.is_taken(&format!("C|{taken}|I|invented|G\r")).await {
        taken += 1;
    }
    assert!((1..100).contains(&taken), "{taken} frames were acknowledged");
    assert_eq!(gateway.ended().await.code(), Some(74));
    let calls = gateway.calls();
    let (before, after) = calls.split_once("(INJECTED)").expect("the fault was put in");
    assert_eq!(before.matches("\"\\6\"").count(), taken + 1, "ENQ and frames: the list shows what was sent");
    assert_eq!(after.matches("\"\\6\"").count(), 0, "{after}");

    let _gateway = lab.start().await;
    until("it is a problem", || lab.text(&["problems"]).contains("incomplete-transmission")).await;
    send(address, &glucose("EX0001", "5.40", "F", TIME)).await;
    until("the LIMS has it", || lab.count("accepted") == 1).await;
    assert_eq!(lims.ledger().held().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs strace"]
async fn syncs_that_fail_under_load_lose_nothing() {
    let ward = Ward::open(SEED, |_| ()).await;
    for when in [2, 20, 40, 80, 160, 320] {
        let inject = format!("inject=fsync,fdatasync:error=EIO:when={when}");
        let mut gateway = Traced::spawn(&ward.lab, &["-e", "trace=fsync,fdatasync", "-e", &inject]);
        assert_eq!(gateway.ended().await.code(), Some(74), "sync {when}");
        assert!(gateway.is_struck(), "sync {when}");
    }
    assert!(ward.analyzers.count() > 50, "most faults came before any work");
    ward.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs strace"]
async fn a_write_that_finds_no_room_is_refused_and_the_gateway_goes_on() {
    let ward = Ward::open(SEED + 10, |_| ()).await;
    let wal = ward.lab.path("labwire.db-wal");
    // The first dozen writes belong to the start, which needs some room.
    for when in [20, 47, 111] {
        let inject = format!("inject=write,pwrite64:error=ENOSPC:when={when}");
        let path = wal.to_str().unwrap();
        let mut gateway =
            Traced::spawn(&ward.lab, &["-P", path, "-e", "trace=write,pwrite64", "-e", &inject]);
        until("the disk was full", || gateway.is_struck()).await;
        ward.more(20).await;
        assert!(gateway.is_running(), "write {when}");
        assert!(gateway.terminate().await.success(), "write {when}");
    }
    ward.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs strace"]
async fn a_kill_at_every_nth_system_call_loses_nothing() {
    let ward = Ward::open(SEED + 20, |_| ()).await;
    let mut kills = 0;
    for calls in ["fsync,fdatasync", "write,pwrite64", "sendto", "ftruncate,unlink,unlinkat,mmap"] {
        for when in [2, 7, 20, 45, 90] {
            let inject = format!("inject={calls}:signal=KILL:when={when}");
            let trace = format!("trace={calls}");
            let mut gateway = Traced::spawn(&ward.lab, &["-e", &trace, "-e", &inject]);
            let ended = timeout(Duration::from_secs(5), gateway.ended()).await;
            // Some calls are rare: then there was nothing to kill at.
            kills += usize::from(ended.is_ok_and(|status| !status.success()));
        }
    }
    assert!(kills >= 12, "only {kills} kills");
    assert!(ward.analyzers.count() > 50, "most kills came before any work");
    ward.settle().await;
}
