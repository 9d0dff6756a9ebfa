//! The PC's clock is set, back and forth, while results come and while they wait.

use std::fs;
use std::path::{Path, PathBuf};

use labsim::lims::Mode;

use super::oracle;
use super::support::*;

/// How far off the clock is in turn, as faketime reads it; from the first one on, some go back.
const STEPS: [(&str, bool); 6] =
    [("-3600", true), ("-1100d", true), ("+400d", false), ("+398d", true), ("-400d", true), ("+0", false)];

/// The library stands where Debian puts it.
fn library() -> PathBuf {
    format!("/usr/lib/{}-linux-gnu/faketime/libfaketimeMT.so.1", std::env::consts::ARCH).into()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs faketime"]
async fn a_clock_that_is_set_back_or_forth_delays_no_result() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    let offset = lab.path("offset");
    let set = |to: &str| fs::write(&offset, to).unwrap();
    set("+0");
    let _gateway = lab.spawn_among(&[
        ("LD_PRELOAD", &library()),
        ("FAKETIME_TIMESTAMP_FILE", &offset),
        ("FAKETIME_NO_CACHE", Path::new("1")),
        ("FAKETIME_DONT_FAKE_MONOTONIC", Path::new("1")),
    ]);
    lab.answers().await;
    let mut sent = 0;
    for (off, _) in STEPS {
        // One left just before, one waits meanwhile, one comes after.
        sent += 1;
        send(address, &result(sent)).await;
        until("it left", || lab.count("accepted") == sent).await;
        lims.set_mode(Mode::Status(503));
        let tried = lims.ledger().attempts().len();
        sent += 1;
        send(address, &result(sent)).await;
        until("it was tried", || lims.ledger().attempts().len() > tried).await;
        set(off);
        lims.set_mode(Mode::Accept);
        sent += 1;
        send(address, &result(sent)).await;
        until(&format!("all left at {off}"), || lab.count("accepted") == sent).await;
    }
    let log = fs::read_to_string(lab.path("log")).unwrap();
    let back = STEPS.iter().filter(|(_, is_back)| *is_back).count();
    assert_eq!(log.matches("the clock was set back").count(), back, "{log}");
    let ledger = lims.ledger();
    assert_eq!(ledger.held().len(), usize::try_from(sent).unwrap());
    assert_eq!(oracle::faults(&[], &ledger), Vec::<String>::new());
}

fn result(number: i64) -> String {
    glucose(&format!("EX{number:04}"), "5.40", "F", "20260102030405")
}
