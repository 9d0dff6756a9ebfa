//! The gateway is killed while files are fetched, stored and removed; a file that disappears counts as acknowledged, and
//! the oracle judges. It is shown besides that the oracle sees a half file taken by a rule that proves nothing.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "support/dropped.rs"]
mod dropped;
#[path = "support/file_servers.rs"]
mod file_servers;
#[path = "gateway/oracle.rs"]
mod oracle;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;
#[path = "support/traced.rs"]
mod traced;

use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;

use dropped::Desk;
use file_servers::FileServer;
use labsim::chance::Chance;
use labsim::drops::{Dropper, Manner, Place, Written};
use labsim::generate::{Generator, Style};
use support::*;
use tokio::time::timeout;
use traced::Traced;

const SEED: u64 = 90;
const DELETED: &str = "after = \"delete\"\ncomplete = { by = \"rename\", while_writing = \"*.tmp\" }";

fn rounds() -> u64 {
    std::env::var("LABWIRE_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(8)
}

fn generator() -> Generator {
    Generator::new(Style::CobasPro, SEED).with_odd(0.0)
}

fn dropper(desk: &Desk) -> Dropper {
    in_its_manner(Place::Folder(desk.out.clone()))
}

fn in_its_manner(place: Place) -> Dropper {
    Dropper::new(place, generator(), Manner::Renamed, 20)
}

/// A start without faults, which settles everything; then the oracle speaks.
async fn settle(desk: Desk, written: &[Written]) {
    let gateway = desk.lab.start().await;
    until("every file is taken", || desk.names().is_empty()).await;
    until("everything is read and delivered", || {
        let on_its_way: i64 = ["pending", "in-flight", "unknown"].map(|it| desk.lab.count(it)).iter().sum();
        on_its_way == 0 && desk.lab.reader().waiting().unwrap().unread == 0
    })
    .await;
    let results: Vec<_> = written.iter().flat_map(|file| file.results.iter().cloned()).collect();
    assert_eq!(oracle::faults(&results, &desk.lims.ledger()), Vec::<String>::new());
    assert_eq!(desk.lab.reader().audit_break().unwrap(), None);
    assert_eq!(desk.lab.reader().deep_imbalances().unwrap(), Vec::<String>::new());
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
    eprintln!("{} files with {} results taken, all in the LIMS once", written.len(), results.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_survive_kills_at_any_instant_and_are_read_once_though_the_day_comes_again() {
    let desk = Desk::folder(DELETED).await;
    let dropper = dropper(&desk);
    killed_at_any_instant(desk, dropper).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs vsftpd"]
async fn files_that_are_uploaded_to_a_server_survive_kills_at_any_instant() {
    let desk = Desk::empty().await;
    std::fs::write(desk.lab.path("password"), "invented\n").unwrap();
    let server = FileServer::vsftpd(&desk.out, "").await;
    let login = "tls = \"none\"\nuser = \"anonymous\"\npassword_file = \"password\"";
    desk.fetches(&server.table(&format!("{login}\n{DELETED}")));
    let dropper = in_its_manner(server.of_an_analyzer());
    killed_at_any_instant(desk, dropper).await;
}

async fn killed_at_any_instant(desk: Desk, mut dropper: Dropper) {
    let mut chance = Chance::seeded(SEED);
    let mut written: Vec<Written> = Vec::new();
    assert!(desk.lab.start().await.terminate().success());
    for round in 0..rounds() {
        for _ in 0..2 {
            written.push(dropper.write().await.unwrap());
        }
        if round % 3 == 2 {
            // Earlier files come again, under their names and under others.
            for (number, file) in written.iter().enumerate() {
                let other = format!("again-{number}.hl7");
                let name = if chance.hits(0.5) { &file.name } else { &other };
                dropper.write_again(file, name).await.unwrap();
            }
        }
        let gateway = desk.lab.spawn();
        let here = desk.names().len();
        let some_taken = async {
            let left = here.saturating_sub(usize::try_from(chance.between(0, 3)).unwrap());
            while desk.names().len() > left {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        // One that takes long to come back is not waited for: then it is any instant.
        let _ = timeout(Duration::from_millis(800), some_taken).await;
        gateway.kill();
    }
    settle(desk, &written).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs strace"]
async fn a_kill_between_storing_a_file_and_deleting_it_is_harmless() {
    let desk = Desk::folder(DELETED).await;
    let mut dropper = dropper(&desk);
    assert!(desk.lab.start().await.terminate().success());
    let written = vec![dropper.write().await.unwrap()];
    let path = desk.out.join(&written[0].name);
    let strike = [
        "-P",
        path.to_str().unwrap(),
        "-e",
        "trace=unlink,unlinkat",
        "-e",
        "inject=unlink,unlinkat:signal=KILL",
    ];
    let mut gateway = Traced::spawn(&desk.lab, &strike);
    gateway.ended().await;
    assert!(gateway.is_struck() || gateway.calls().contains("killed by SIGKILL"), "{}", gateway.calls());
    settle(desk, &written).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs strace"]
async fn a_kill_at_each_write_to_the_journal_loses_and_doubles_nothing() {
    let desk = Desk::folder(DELETED).await;
    let mut dropper = dropper(&desk);
    assert!(desk.lab.start().await.terminate().success());
    let wal = desk.lab.path("labwire.db-wal");
    let (mut written, mut struck) = (Vec::new(), 0);
    for number in (1..=rounds().min(40)).map(|round| round * 5) {
        written.push(dropper.write().await.unwrap());
        let inject = format!("inject=pwrite64:signal=KILL:when={number}");
        let mut gateway =
            Traced::spawn(&desk.lab, &["-P", wal.to_str().unwrap(), "-e", "trace=pwrite64", "-e", &inject]);
        struck += usize::from(timeout(Duration::from_secs(10), gateway.ended()).await.is_ok());
        gateway.kill();
    }
    assert!(struck > 0, "no kill came before all was written");
    settle(desk, &written).await;
}

/// A writer that pauses after its first message; what the oracle says once the rest is written, wherever it went.
async fn half_written(rule: &str) -> Vec<String> {
    let desk = Desk::folder(&format!("after = \"delete\"\ncomplete = {rule}")).await;
    let (first, second) = {
        let mut generator = generator();
        (generator.message(), generator.message())
    };
    let gateway = desk.lab.start().await;
    let mut file = OpenOptions::new().create(true).append(true).open(desk.out.join("slow.hl7")).unwrap();
    file.write_all(&first.records).unwrap();
    // As long as its writer lets it rest: until it is taken, or was looked at.
    if rule.contains("marker") {
        desk.two_looks().await
    } else {
        desk.gone("slow.hl7").await
    };
    file.write_all(&second.records).unwrap();
    drop(file);
    if rule.contains("marker") {
        std::fs::write(desk.out.join("slow.hl7.ok"), "").expect("the marker is written");
    }
    until("what was there is taken", || desk.names().is_empty()).await;
    until("it is delivered", || {
        let reader = desk.lab.reader();
        reader.waiting().unwrap().unread == 0
            && desk.lab.count("accepted") > 0
            && desk.lab.count("pending") == 0
    })
    .await;
    assert!(gateway.terminate().success());
    let results: Vec<_> = [first, second].into_iter().flat_map(|message| message.results).collect();
    oracle::faults(&results, &desk.lims.ledger())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oracle_sees_half_a_file_that_was_taken_for_its_age_alone() {
    // Two looks a second apart are no proof: the writer was only slow.
    let by_age = half_written("{ by = \"stable\", polls = 2 }").await;
    assert!(!by_age.is_empty(), "half a file was taken, and the oracle is silent");
    assert_eq!(half_written("{ by = \"marker\", suffix = \".ok\" }").await, Vec::<String>::new());
}
