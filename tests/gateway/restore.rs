//! An old copy of the journal is restored while the LIMS has what came since: it gets nothing twice, and nothing at all
//! before a person has resumed. The oracle judges, and notices a gateway that takes the copy for its journal.

use std::net::SocketAddr;
use std::path::PathBuf;

use labsim::lims::{Lims, Mode};

use super::support::*;

const TIME: &str = "20260102030405";

/// A LIMS that is down from the second result on, and a copy made then: one result is with it, one has a key and none of
/// the others. Since then all were delivered.
async fn copied() -> (Lims, Lab, SocketAddr, PathBuf) {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    let settings = std::fs::read_to_string(lab.path("labwire.toml")).unwrap();
    let resting = settings
        .replace("breaker_failures = 50", "breaker_failures = 1")
        .replace("breaker_rest_secs = 1", "breaker_rest_secs = 3600");
    std::fs::write(lab.path("labwire.toml"), resting).unwrap();
    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "5.1", "F", TIME)).await;
    until("the first is with the LIMS", || lab.count("accepted") == 1).await;
    lims.set_mode(Mode::Status(503));
    send(address, &glucose("EX0002", "5.2", "F", TIME)).await;
    until("the LIMS has failed", || lab.text(&["status"]).contains("resting until")).await;
    send(address, &glucose("EX0003", "5.3", "F", TIME)).await;
    until("the third is read", || lab.count("pending") + lab.count("in-flight") == 2).await;
    let told = lab.text(&["backup"]);
    let copy = PathBuf::from(told.split(": ").next().unwrap());
    assert!(copy.is_file() && told.contains("all as they were written"), "{told}");
    lims.set_mode(Mode::Accept);
    assert!(gateway.terminate().success());
    std::fs::write(lab.path("labwire.toml"), settings).unwrap();
    let gateway = lab.start().await;
    until("all are with the LIMS", || lab.count("accepted") == 3).await;
    // The restored journal must give the next result another number than this one had.
    send(address, &glucose("EX0005", "5.5", "F", TIME)).await;
    until("this one too", || lab.count("accepted") == 4).await;
    assert!(gateway.terminate().success());
    (lims, lab, address, copy)
}

/// How often the LIMS took each specimen's result.
fn taken(lims: &Lims) -> Vec<usize> {
    let ledger = lims.ledger();
    let of = |specimen: &str| ledger.held().iter().filter(|it| it.specimen == specimen).count();
    ["EX0001", "EX0002", "EX0003", "EX0005", "EX0004"].map(of).to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lims_gets_nothing_twice_from_an_old_copy() {
    let (lims, lab, address, copy) = copied().await;
    let restored = lab.run(&["restore", copy.to_str().unwrap()]);
    assert!(restored.status.success(), "{restored:?}");
    let gateway = lab.start().await;
    let status = lab.run(&["status"]);
    assert!(String::from_utf8_lossy(&status.stdout).contains("NOTHING IS DELIVERED since"), "{status:?}");
    assert_eq!(status.status.code(), Some(1));
    send(address, &glucose("EX0004", "5.4", "F", TIME)).await;
    until("it is read", || lab.count("pending") == 1).await;
    assert_eq!(taken(&lims), [1, 1, 1, 1, 0]);

    assert!(!lab.run(&["resume", "--reason", " "]).status.success());
    assert!(lab.run(&["resume", "--reason", "compared with the LIMS"]).status.success());
    until("what has a key is settled", || lab.count("accepted") == 2).await;
    assert_eq!(lab.count("held"), 2, "{}", lab.text(&["held"]));
    let held = lab.text(&["held"]);
    assert!(held.contains("the LIMS may have it already"), "{held}");
    let newest = lab.reader().held(10).unwrap().iter().map(|it| it.observation.0).max().unwrap();
    let released = lab.run(&["release", &newest.to_string(), "--reason", "not in the LIMS"]);
    assert!(released.status.success(), "{released:?}");
    until("it is with the LIMS", || lab.count("accepted") == 3).await;
    assert_eq!(taken(&lims), [1, 1, 1, 1, 1]);
    assert!(lims.ledger().doubled().is_empty());
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oracle_notices_a_gateway_that_takes_a_copy_for_its_journal() {
    let (lims, lab, _, copy) = copied().await;
    assert!(lab.run(&["restore", copy.to_str().unwrap()]).status.success());
    let line = format!("{:>8} {:>8} {:020} sound\n", "copy", "copy", 0);
    std::fs::write(lab.path("labwire.epoch"), line).unwrap();
    let _gateway = lab.start().await;
    until("all are delivered again", || lab.count("accepted") == 3).await;
    assert_eq!(taken(&lims), [1, 1, 2, 1, 0], "the third under a key that the LIMS didn't know");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_journal_stops_deliveries_and_no_analyzer() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "5.1", "F", TIME)).await;
    until("it is with the LIMS", || lab.count("accepted") == 1).await;
    assert!(gateway.terminate().success());
    let mut bytes = std::fs::read(lab.path("labwire.db")).unwrap();
    bytes[..2048].fill(0xAA);
    std::fs::write(lab.path("labwire.db"), bytes).unwrap();

    let gateway = lab.start().await;
    send(address, &glucose("EX0002", "5.2", "F", TIME)).await;
    until("it is read", || lab.count("pending") == 1).await;
    let status = lab.text(&["status"]);
    assert!(status.contains("the journal was damaged; it is kept as labwire.db.damaged-"), "{status}");
    assert_eq!(taken(&lims), [1, 0, 0, 0, 0]);
    assert!(lab.run(&["resume", "--send-waiting", "--reason", "compared with the LIMS"]).status.success());
    until("it is delivered", || lab.count("accepted") == 1).await;
    assert_eq!(taken(&lims), [1, 1, 0, 0, 0]);
    assert!(gateway.terminate().success());
    lab.must_balance();
}
