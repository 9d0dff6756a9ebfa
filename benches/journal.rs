//! Durable acknowledgements a second for 1, 16 and 64 producers, as a ratio to a plain loop of write and fsync of the
//! same bytes on the same file system. The rounds are interleaved, so that a disk that changes its mood changes both.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(clippy::unwrap_used, reason = "a benchmark may stop at the first surprise")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use labwire::journal::parcels::Within;
use labwire::journal::{Journal, TransferId};
use labwire_link::{Parcel, ParcelId};

const ROUNDS: usize = 9;
const FRAME_BYTES: usize = 247;
/// Producers, and the ratio to reach.
const AIMS: [(usize, f64); 3] = [(1, 0.85), (16, 8.0), (64, 20.0)];
/// Acknowledgements a round, by all producers together.
const RAW: usize = 250;
const SINGLE: usize = 250;
const TOGETHER: usize = 3_200;

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let now = labwire::clock::now();
    let journal = Journal::open(&folder.path().join("labwire.db"), 0, now).unwrap();
    let first = |_| journal.store_parcel(bench(), frame(), Vec::new(), now);
    let transfers: Vec<TransferId> = runtime
        .block_on(futures::future::join_all((0..64).map(first)))
        .into_iter()
        .map(|it| it.unwrap().transfer)
        .collect();
    let mut raw_rates = Vec::new();
    let mut rates = vec![Vec::new(); AIMS.len()];
    for round in 0..ROUNDS {
        raw_rates.push(raw(&folder.path().join(format!("raw{round}"))));
        for ((producers, _), rates) in AIMS.iter().zip(&mut rates) {
            let total = if *producers == 1 { SINGLE } else { TOGETHER };
            let each = total / producers;
            let began = Instant::now();
            let work = transfers.iter().take(*producers).map(|transfer| produce(&journal, *transfer, each));
            runtime.block_on(futures::future::join_all(work));
            rates.push(rate(each * producers, began.elapsed()));
        }
    }
    print(&raw_rates, &rates);
}

fn bench() -> Within {
    Within::New { source: "bench".to_owned(), peer: "bench".to_owned() }
}

async fn produce(journal: &Journal, transfer: TransferId, frames: usize) {
    for _ in 0..frames {
        journal.store_parcel(transfer, frame(), Vec::new(), labwire::clock::now()).await.unwrap();
    }
}

fn raw(path: &Path) -> f64 {
    let mut file = File::create(path).unwrap();
    let bytes = frame().raw;
    let began = Instant::now();
    for _ in 0..RAW {
        file.write_all(&bytes).unwrap();
        file.sync_all().unwrap();
    }
    rate(RAW, began.elapsed())
}

fn frame() -> Parcel {
    let raw = vec![b'R'; FRAME_BYTES];
    Parcel { id: ParcelId(1), content: 2..FRAME_BYTES - 5, raw, message_ends: Vec::new() }
}

fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

fn print(raw_rates: &[f64], rates: &[Vec<f64>]) {
    println!("median of {ROUNDS} rounds, frames of {FRAME_BYTES} bytes");
    println!("{:<22}{:>10}{:>9}{:>8}", "", "per s", "ratio", "aim");
    println!("{:<22}{:>10.0}", "write + fsync", median(raw_rates.to_vec()));
    for ((producers, aim), rates) in AIMS.iter().zip(rates) {
        let ratios = rates.iter().zip(raw_rates).map(|(rate, raw)| rate / raw).collect();
        let name = format!("journal, {producers} producer(s)");
        println!("{name:<22}{:>10.0}{:>9.2}{aim:>8.2}", median(rates.clone()), median(ratios));
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}
