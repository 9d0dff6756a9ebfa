//! The gateway is killed at the very instant when an analyzer gets its acknowledgement, where one that acknowledged too
//! early would lose most; and the LIMS is stopped and started again on its ledger meanwhile. The oracle judges.

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

use analyzers::Analyzers;
use labsim::chance::Chance;
use labsim::faults::Faults;
use labsim::frame::ACK;
use labsim::generate::Style;
use labsim::lims::{Lims, Mode, Setup};
use labsim::net::Place;
use support::*;
use tokio::time::timeout;
use traced::Traced;
use ward::{ByHand, Ward};

const SEED: u64 = 60;

fn rounds() -> u64 {
    std::env::var("LABWIRE_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(8)
}

/// A LIMS that fails now and then and keeps its ledger in a file.
async fn lims_with_ledger(folder: &tempfile::TempDir, listen: std::net::SocketAddr) -> Lims {
    let ledger = Some(folder.path().join("ledger"));
    let hold = Duration::from_secs(2);
    Lims::start(Setup { listen, mode: Mode::Mix(0.1), ledger, seed: SEED, hold }).await.unwrap()
}

/// Five analyzers on a pseudo-terminal, a shared listener, a connection that the gateway opens and a listener for HL7; one
/// by one, so that each is known to have had its share.
async fn five(lab: &Lab) -> Vec<(Style, Analyzers)> {
    let (shared, mllp, device) = (free_port(), free_port(), lab.path("line"));
    let dialled = Place::listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    lab.instrument("dxh", "beckman-dxh", "sender = \"DxH\"", &listener(shared));
    lab.instrument("centaur", "siemens-centaur-xp", "sender = \"UIW_LIS\"", &listener(shared));
    let line = format!("[serial]\ndevice = \"{}\"\nbaud = 115200\n", device.display());
    lab.instrument("vitros", "ortho-vitros-3600", "", &line);
    let dial = format!("[tcp_client]\nconnect = \"{}\"\n", dialled.address().unwrap());
    lab.instrument("architect", "abbott-architect", "", &dial);
    lab.instrument("cobas", "roche-cobas-pro", "", &listener(mllp));
    let places = [
        (Style::UnicelDxh, Place::connect(shared.to_string())),
        (Style::CentaurXp, Place::connect(shared.to_string())),
        (Style::Vitros3600, Place::Pty(device)),
        (Style::Architect, dialled),
        (Style::CobasPro, Place::connect(mllp.to_string())),
    ];
    let start = |(seed, (style, place))| {
        let mut analyzers = Analyzers::default();
        analyzers.add(style, place, Faults::at_rate(seed, 0.03));
        (style, analyzers)
    };
    (SEED..).zip(places).map(start).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kills_at_that_instant_and_a_lims_that_comes_and_goes() {
    let folder = tempfile::tempdir().unwrap();
    let mut lims = lims_with_ledger(&folder, free_port()).await;
    let more = format!("on_unknown = \"probe\"\nprobe_url = \"{}\"", lims.probe_url());
    let lab = Lab::new(&lims, &more);
    let analyzers = five(&lab).await;
    let mut chance = Chance::seeded(SEED);
    for round in 0..rounds() {
        let gateway = lab.spawn();
        let (_, whose) = &analyzers[usize::try_from(round).unwrap() % analyzers.len()];
        let some_acknowledgements = async {
            for _ in 0..chance.between(1, 4) {
                whose.next().await;
            }
        };
        // One that takes long to come back is not waited for: then it is any instant.
        let _ = timeout(Duration::from_millis(800), some_acknowledgements).await;
        gateway.kill();
        if round % 4 == 3 {
            let address = lims.address();
            lims.stop().await;
            lims = lims_with_ledger(&folder, address).await;
        }
    }
    let gateway = lab.start().await;
    let mut acknowledged = Vec::new();
    for (style, analyzers) in analyzers {
        until("this analyzer had its share", || analyzers.count() >= 10).await;
        let its = analyzers.stop().await;
        eprintln!("{style}: {} results acknowledged", its.len());
        acknowledged.extend(its);
    }
    lims.set_mode(Mode::Accept);
    until("everything is read and delivered", || {
        let on_its_way: i64 = ["pending", "in-flight", "unknown"].map(|state| lab.count(state)).iter().sum();
        on_its_way == 0 && lab.reader().waiting().unwrap().unread == 0
    })
    .await;
    assert_eq!(oracle::faults(&acknowledged, &lims.ledger()), Vec::<String>::new());
    assert_eq!(lab.reader().audit_break().unwrap(), None);
    assert!(gateway.terminate().success());
    lab.must_balance();
}

/// How many syncs had ended before each acknowledgement that was sent.
fn syncs_before_acknowledgements(calls: &str) -> Vec<usize> {
    let mut syncs = 0;
    let mut before = Vec::new();
    for call in calls.lines() {
        let is_sync =
            call.contains("fsync(") || call.contains("fdatasync(") || call.contains("sync resumed>");
        syncs += usize::from(is_sync && call.contains("= 0"));
        if call.contains("sendto(") && call.contains("\"\\6\"") {
            before.push(syncs);
        }
    }
    before
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs strace"]
async fn every_acknowledgement_of_a_frame_comes_after_a_sync_of_its_own() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    assert!(lab.start().await.terminate().success());
    // Each sync begins 20 ms late: what doesn't wait for it is far ahead of it.
    let slow = "inject=fsync,fdatasync:delay_enter=20000";
    let gateway = Traced::spawn(&lab, &["-e", "trace=fsync,fdatasync,sendto", "-e", slow]);
    lab.answers().await;
    let (mut transmission, answer) = ByHand::ask(address).await;
    assert_eq!(answer, ACK);
    for number in 0..20 {
        assert!(transmission.is_taken(&format!("C|{number}|I|invented|G\r")).await);
    }
    until("the list is whole", || syncs_before_acknowledgements(&gateway.calls()).len() >= 21).await;
    let before = syncs_before_acknowledgements(&gateway.calls());
    gateway.kill();
    assert_eq!(before.len(), 21, "ENQ and frames");
    assert!(before.windows(2).all(|pair| pair[0] < pair[1]), "acknowledged before its sync: {before:?}");
}

#[test]
fn an_acknowledgement_that_overtakes_its_sync_is_seen() {
    let calls = "7 sendto(9, \"\\6\", 1) = 1\n8 fsync(5 <unfinished ...>\n7 sendto(9, \"\\6\", 1) = 1\n\
                 8 <... fsync resumed>) = 0 (DELAYED)\n7 sendto(9, \"\\6\", 1) = 1\n";
    assert_eq!(syncs_before_acknowledgements(calls), [0, 0, 1]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs strace"]
async fn a_kill_right_after_an_acknowledgement_loses_nothing_though_the_disk_is_slow() {
    let ward = Ward::open(SEED + 10, |_| ()).await;
    let wal = ward.lab.path("labwire.db-wal");
    let calls = "write,pwrite64,fsync,fdatasync";
    let (trace, slow) = (format!("trace={calls}"), format!("inject={calls}:delay_enter=5000"));
    for _ in 0..rounds().min(20) {
        let gateway = Traced::spawn(&ward.lab, &["-P", wal.to_str().unwrap(), "-e", &trace, "-e", &slow]);
        timeout(Duration::from_secs(60), ward.analyzers.next()).await.expect("something is acknowledged");
        gateway.kill();
    }
    ward.settle().await;
}
