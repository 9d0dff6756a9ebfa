//! How fast records are read, as a ratio to a floor that only splits: at CR, at `|` and at `^`, looking at every part.
//! Both run alternately over the same message in one process; the ratio counts, the times are this machine's.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use labwire_astm::record::{Message, OrderRecord, ResultRecord};

const ROUNDS: usize = 40;
const PASSES: usize = 2_000;

fn main() {
    let message = message();
    let (mut floor, mut typed) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        floor.push(time(|| split_only(black_box(&message))));
        typed.push(time(|| read(black_box(&message))));
    }
    let (floor, typed) = (median(floor), median(typed));
    let rate = |time: Duration| message.len() as f64 * PASSES as f64 / time.as_secs_f64() / 1e6;
    println!("message: {} bytes, {} records", message.len(), Message::parse(&message).records().count());
    println!("split only:  {:>7.1} MB/s", rate(floor));
    println!("typed read:  {:>7.1} MB/s", rate(typed));
    println!("typed read / split only: {:.2}", floor.as_secs_f64() / typed.as_secs_f64());
}

/// A blood count of 27 results with ranges, flags and times, of an invented specimen.
fn message() -> Vec<u8> {
    let mut text = String::from(
        "H|\\^&|||Sim^1^1.0|||||||P|LIS2-A2|20260102030405\rP|1||EX-1||Example^Anna||19700101|F\r",
    );
    text.push_str("O|1|EX0001||^^^DIF|R|20260102030000|||||||||BLOOD||||||||||F\r");
    for number in 1..=27 {
        text.push_str(&format!(
            "R|{number}|^^^T{number}^789-8|{}.{:02}|10E3/uL|1.60 - 7.00^REFERENCE_RANGE|N||F||EXAMPLE^^USER|20260102030000\r",
            number, number
        ));
    }
    text.push_str("L|1|N\r");
    text.into_bytes()
}

fn time<T>(work: impl Fn() -> T) -> Duration {
    let began = Instant::now();
    for _ in 0..PASSES {
        black_box(work());
    }
    began.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn split_only(message: &[u8]) -> usize {
    message
        .split(|byte| *byte == b'\r')
        .flat_map(|record| record.split(|byte| *byte == b'|'))
        .flat_map(|field| field.split(|byte| *byte == b'^'))
        .map(|part| usize::from(!part.is_empty()))
        .sum()
}

/// What a profile reads: of the order the specimen, of each result its code, value, unit, flags, status and time.
fn read(message: &[u8]) -> usize {
    let message = Message::parse(message);
    let mut bytes = 0;
    for record in message.records() {
        if let Some(order) = OrderRecord::of(record) {
            bytes += order.specimen_id().component(1).raw().len();
        }
        if let Some(result) = ResultRecord::of(record) {
            bytes += result.test_id().component(4).raw().len();
            bytes +=
                result.value().raw().len() + result.units().raw().len() + result.abnormal_flags().raw().len();
            bytes += result.status().raw().len() + result.started().raw().len();
        }
    }
    bytes
}
