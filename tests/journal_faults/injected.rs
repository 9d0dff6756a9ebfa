//! Failed syncs, failed writes, full disks and sudden ends, at every point of storing a frame.

use super::roles::{FRAMES, Role};
use super::run::Run;

/// Acknowledged and not found after a restart.
fn lost(run: &Run) -> Vec<u32> {
    let stored = run.stored();
    run.acknowledged().into_iter().filter(|number| !stored.contains(number)).collect()
}

#[test]
#[ignore = "needs strace"]
fn after_a_failed_sync_or_write_nothing_more_is_acknowledged() {
    for fault in ["fsync:error=EIO:when=15", "pwrite64:error=EIO:when=100", "pwrite64:error=EIO:when=101"] {
        let run = Run::new(Role::Journal, &["trace=fsync,pwrite64", &format!("inject={fault}")]);
        assert!(run.was_hit(), "{fault}");
        let acknowledged = run.acknowledged();
        let count = u32::try_from(acknowledged.len()).unwrap();
        assert!(count > 0 && count < FRAMES, "{fault}: {:?}", run.said);
        assert_eq!(acknowledged, (1..=count).collect(), "{fault}: acknowledged again after the failure");
        assert_eq!(run.refused().len(), usize::try_from(FRAMES - count).unwrap());
        assert!(run.refused().iter().all(|line| line.ends_with("failed")), "{:?}", run.said);
        assert_eq!(lost(&run), [0; 0], "{fault}");
    }
}

#[test]
#[ignore = "needs strace"]
fn a_write_that_finds_no_room_refuses_that_frame_and_storing_goes_on() {
    for nth in [40, 60, 61, 62, 63, 64, 65] {
        let fault = format!("inject=pwrite64:error=ENOSPC:when={nth}");
        let run = Run::new(Role::Journal, &["trace=pwrite64", &fault]);
        assert!(run.was_hit(), "{fault}");
        assert_eq!(run.refused().len(), 1, "{fault}: {:?}", run.said);
        assert!(run.refused().iter().all(|line| line.ends_with("full")));
        assert_eq!(run.acknowledged().len(), usize::try_from(FRAMES - 1).unwrap());
        assert_eq!(run.stored(), run.acknowledged(), "{fault}: what was refused is not there");
    }
}

#[test]
#[ignore = "needs strace"]
fn a_sudden_end_loses_nothing_that_was_acknowledged() {
    let (mut cut_short, mut hits) = (0, 0);
    for (call, last) in [("pwrite64", 130), ("fsync", FRAMES)] {
        for nth in 1..=last {
            let run = Run::new(Role::Journal, &kill(call, nth).each_ref().map(String::as_str));
            hits += u32::from(run.was_hit());
            cut_short += u32::from(!run.acknowledged().is_empty() && run.was_hit());
            assert_eq!(lost(&run), [0; 0], "killed at {call} {nth}");
        }
    }
    assert!(hits > 100 && cut_short > 100, "only {hits} hits, {cut_short} of them after an acknowledgement");
}

#[test]
#[ignore = "needs strace"]
fn a_sudden_end_while_the_journal_is_made_leaves_one_that_opens() {
    let mut hits = 0;
    for nth in (1..300).step_by(23) {
        let run = Run::afresh(Role::Journal, &kill("pwrite64", nth).each_ref().map(String::as_str));
        hits += u32::from(run.was_hit());
        assert_eq!(lost(&run), [0; 0], "killed at write {nth}");
    }
    assert!(hits > 5, "only {hits} hits");
}

#[test]
#[ignore = "needs strace"]
fn acknowledging_before_the_commit_is_caught_by_a_sudden_end() {
    let caught = (1..=12).any(|nth| {
        let run = Run::new(Role::Early, &kill("pwrite64", nth).each_ref().map(String::as_str));
        !lost(&run).is_empty()
    });
    assert!(caught, "the sweep can't tell a wrong way from the right one");
}

fn kill(call: &str, nth: u32) -> [String; 2] {
    [format!("trace={call}"), format!("inject={call}:signal=KILL:when={nth}")]
}
