//! How long an analyzer waits for a frame's ACK while bytes of old messages leave the journal, against the same without: the
//! running program, both on copies of one journal, in alternating rounds.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(clippy::unwrap_used, reason = "a benchmark may stop at the first surprise")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use labsim::frame::{self, ACK, ENQ, EOT, FrameEnd, Part};
use labwire::domain::InstrumentId;
use labwire::journal::parcels::{Ending, Within};
use labwire::journal::results::Processed;
use labwire::journal::{Journal, Reader};
use labwire_link::{Parcel, ParcelId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[path = "../tests/support/port.rs"]
mod port;
use port::free_port;

/// Old messages, and the bytes of each: more than leave in a round.
const OLD: usize = 6_400;
const BYTES: usize = 3_000;
const ROUNDS: usize = 5;
const A_ROUND: Duration = Duration::from_secs(5);

/// The running gateway; dropping it ends it.
struct Gateway(Child);

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let old = folder.path().join("old");
    fs::create_dir(&old).unwrap();
    fill(&old.join("labwire.db")).await;
    println!(
        "{OLD} old messages of {BYTES} bytes; frames one after the other for {A_ROUND:?}, to their ACK, ms:"
    );
    let (mut medians, mut lates) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let mut took = Vec::new();
        for retention in ["", "[journal.retention]\nkeep_days = 800\n"] {
            let place = folder.path().join(format!("round{round}-{}", retention.len()));
            took.push(measure(&old, &place, retention).await);
        }
        let [(median, late, none), (median_with, late_with, left)] = took[..] else { return };
        assert!(
            none == 0 && left > 0 && left < OLD as u64,
            "{none}, {left}: it goes on all the round, or not at all"
        );
        println!(
            "  without: median {median:.2}, 99 % within {late:.2}; with: {median_with:.2}, {late_with:.2}; {left} rows left"
        );
        medians.push(median_with / median);
        lates.push(late_with / late);
    }
    println!(
        "ratio of the medians {:.2}, of the 99 % {:.2} (medians of {ROUNDS} rounds)",
        middle(medians),
        middle(lates)
    );
}

/// A journal whose messages are over and three years old.
async fn fill(path: &Path) {
    let at = labwire::clock::now().saturating_sub(SignedDuration::from_hours(24 * 1_000)).unwrap();
    let journal = Journal::open(path, 0, at).unwrap();
    let numbers: Vec<usize> = (0..OLD).collect();
    for together in numbers.chunks(64) {
        futures::future::join_all(together.iter().map(|_| over(&journal, at))).await;
    }
}

async fn over(journal: &Journal, at: Timestamp) {
    let raw = vec![b'L'; BYTES];
    let parcel = Parcel { id: ParcelId(7), content: 0..BYTES, message_ends: vec![BYTES], raw };
    let within = Within::New { source: "port".to_owned(), peer: "peer".to_owned() };
    let stored = journal.store_parcel(within, parcel, Vec::new(), at).await.unwrap();
    journal.end_transfer(stored.transfer, Ending::Ended { completes: false }, at).await.unwrap();
    let processed = Processed {
        message: *stored.messages.first().unwrap(),
        instrument: Some(InstrumentId::new("sim")),
        fingerprint: Vec::new(),
        repeats: None,
        entries: Vec::new(),
        problems: Vec::new(),
        queries: Vec::new(),
        habits: Vec::new(),
        runs: Vec::new(),
        looks_beside: false,
    };
    journal.record(processed, at).await.unwrap();
}

/// Median and 99 % of the time to a frame's ACK in milliseconds, and how many rows' bytes left meanwhile.
async fn measure(old: &Path, place: &Path, retention: &str) -> (f64, f64, u64) {
    fs::create_dir_all(place.join("instruments.d")).unwrap();
    for file in fs::read_dir(old).unwrap() {
        let file = file.unwrap();
        let copy = place.join(file.file_name());
        fs::copy(file.path(), &copy).unwrap();
        // What the system writes behind our back isn't what is measured.
        fs::File::open(copy).unwrap().sync_all().unwrap();
    }
    let analyzer = free_port();
    let site = format!(
        "site = \"Example laboratory\"\ncontrol_socket = \"sock\"\n[journal]\npath = \"labwire.db\"\nreserve_mib = 16\n{retention}\
         [page]\nlisten = \"{}\"\n[log]\nfilter = \"off\"\n",
        free_port()
    );
    fs::write(place.join("labwire.toml"), site).unwrap();
    let instrument = format!(
        "profile = \"erba-xl\"\ntime_zone = \"UTC\"\n[tcp_server]\nlisten = \"{analyzer}\"\nallow = [\"127.0.0.1\"]\n"
    );
    fs::write(place.join("instruments.d/erba.toml"), instrument).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_labwire"));
    command.args(["run", "--config"]).arg(place).stdin(Stdio::null()).stdout(Stdio::null());
    let gateway = Gateway(command.spawn().unwrap());
    let mut took = frames(&mut connect(analyzer).await).await;
    drop(gateway);
    took.sort();
    let at = |rank: usize| took.get(took.len() * rank / 100).copied().unwrap_or_default().as_secs_f64() * 1e3;
    let archives = Reader::open(&place.join("labwire.db")).unwrap().archives().unwrap();
    fs::remove_dir_all(place).unwrap();
    (at(50), at(99), archives.iter().map(|it| it.holds.items).sum())
}

async fn connect(address: SocketAddr) -> TcpStream {
    loop {
        match TcpStream::connect(address).await {
            Ok(line) => {
                line.set_nodelay(true).unwrap();
                return line;
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Frames of one transmission, each sent when the one before is acknowledged.
async fn frames(line: &mut TcpStream) -> Vec<Duration> {
    line.write_all(&[ENQ]).await.unwrap();
    assert_eq!(line.read_u8().await.unwrap(), ACK);
    let began = Instant::now();
    let mut took = Vec::new();
    let mut number = 1_u8;
    while began.elapsed() < A_ROUND {
        let record = if took.is_empty() {
            "H|`^&||||||||||P|E 1394-97|20260501100000\r"
        } else {
            "C|1|I|still at work|G\r"
        };
        let part = Part { text: record.into(), end: FrameEnd::Etx, ends_message: false };
        let sent = Instant::now();
        line.write_all(&frame::emit(number, &part)).await.unwrap();
        assert_eq!(line.read_u8().await.unwrap(), ACK);
        took.push(sent.elapsed());
        number = (number + 1) % 8;
    }
    line.write_all(&[EOT]).await.unwrap();
    took
}

fn middle(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}
