//! An old copy of the journal is restored while the LIMS has what came since: it gets nothing twice, and nothing at all
//! before a person has resumed. The oracle judges, and notices a gateway that takes the copy for its journal.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use labsim::lims::{Lims, Mode};

use super::page;
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

/// Overwrites the page that an index begins with, as a disk that fails does it.
fn overwrite_an_index(lab: &Lab) {
    let path = lab.path("labwire.db");
    let journal = rusqlite::Connection::open(&path).unwrap();
    let page: usize = journal
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'observation_specimen'", [], |row| {
            row.get(0)
        })
        .unwrap();
    drop(journal);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[(page - 1) * 4096..page * 4096].fill(0xAA);
    std::fs::write(&path, bytes).unwrap();
}

/// One result is with the LIMS and one isn't, though its analyzer saw it acknowledged, when the journal is damaged; then one
/// more comes, and the analyzer sends the two again, as nobody here knows of them any more.
async fn damaged() -> (Lims, Lab, Gateway) {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "5.1", "F", TIME)).await;
    until("it is with the LIMS", || lab.count("accepted") == 1).await;
    lims.set_mode(Mode::Status(503));
    send(address, &glucose("EX0002", "5.2", "F", TIME)).await;
    until("it is read", || lab.count("pending") + lab.count("in-flight") == 1).await;
    assert!(gateway.terminate().success());
    lims.set_mode(Mode::Accept);
    overwrite_an_index(&lab);
    let gateway = lab.start().await;
    for (specimen, value) in [("EX0003", "5.3"), ("EX0001", "5.1"), ("EX0002", "5.2")] {
        send(address, &glucose(specimen, value, "F", TIME)).await;
    }
    until("they are read", || lab.count("pending") == 3).await;
    (lims, lab, gateway)
}

fn damaged_file(lab: &Lab) -> PathBuf {
    let all = std::fs::read_dir(lab.folder.path()).unwrap().map(|it| it.unwrap().path());
    let named =
        |path: &PathBuf| path.extension().is_some_and(|it| it.to_string_lossy().starts_with("damaged-"));
    let is_beside = |path: &PathBuf| ["-wal", "-shm"].iter().any(|it| path.to_string_lossy().ends_with(it));
    all.filter(named).find(|path| !is_beside(path)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_damage_inside_the_journal_nothing_is_lost_and_nothing_goes_twice() {
    let (lims, lab, gateway) = damaged().await;
    let status = lab.run(&["status"]);
    let told = String::from_utf8(status.stdout).unwrap();
    assert!(told.contains("the journal was damaged") && status.status.code() == Some(1), "{told}");
    let metrics = page::answer(lab.page, "/metrics").unwrap();
    assert!(metrics.contains("labwire_delivery_stopped 1"), "{metrics}");
    assert_eq!(taken(&lims), [1, 0, 0, 0, 0], "nothing is delivered");

    let file = damaged_file(&lab);
    let salvage = Command::new(env!("CARGO_BIN_EXE_labwire")).arg("salvage").arg(&file).output().unwrap();
    let told = String::from_utf8(salvage.stdout).unwrap();
    assert_eq!(salvage.status.code(), Some(2), "{told}");
    let line = |specimen: &str| told.lines().find(|line| line.contains(specimen)).unwrap().to_owned();
    assert!(line("EX0001").contains("; lims: accepted since "), "{told}");
    assert!(line("EX0002").contains("; lims: NOT SETTLED: "), "{told}");

    assert!(lab.run(&["resume", "--reason", "compared with the damaged journal"]).status.success());
    let held = lab.reader().held(10).unwrap();
    assert_eq!((held.len(), taken(&lims)), (3, vec![1, 0, 0, 0, 0]), "each waits for a decision");
    for hold in held {
        let id = hold.observation.0.to_string();
        let has_it = hold.detail.specimen.reveal() == "EX0001";
        let decided = lab.run(&[if has_it { "reject" } else { "release" }, &id, "--reason", "compared"]);
        assert!(decided.status.success(), "{decided:?}");
    }
    until("the LIMS has the others", || lab.count("accepted") == 2).await;
    assert_eq!(taken(&lims), [1, 1, 1, 0, 0]);
    assert!(lims.ledger().doubled().is_empty());
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oracle_notices_who_resumes_without_a_comparison() {
    let (lims, lab, _gateway) = damaged().await;
    assert!(lab.run(&["resume", "--send-waiting", "--reason", "in a hurry"]).status.success());
    until("all are delivered", || lab.count("accepted") == 3).await;
    assert_eq!(taken(&lims), [2, 1, 1, 0, 0], "the first under a key that the LIMS didn't know");
}
