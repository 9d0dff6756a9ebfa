//! How fast messages are read: as a ratio to a floor that only splits, at CR, at `|` and at `^`, looking at every part,
//! and beside the `mllp` crate's parser. All run alternately over the same message in one process; the ratios count,
//! the times are this machine's.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use labwire_hl7::message::{Message, Msh, Obr, Obx, Pid};

const ROUNDS: usize = 40;
const PASSES: usize = 2_000;

fn main() {
    let message = message();
    let bytes = message.as_bytes();
    let (mut floor, mut typed, mut other) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        floor.push(time(|| split_only(black_box(bytes))));
        typed.push(time(|| read(black_box(bytes))));
        other.push(time(|| read_with_mllp(black_box(&message))));
    }
    assert_eq!(read(bytes), read_with_mllp(&message), "both read the same");
    let (floor, typed, other) = (median(floor), median(typed), median(other));
    let rate = |time: Duration| bytes.len() as f64 * PASSES as f64 / time.as_secs_f64() / 1e6;
    let ratio = |time: Duration| floor.as_secs_f64() / time.as_secs_f64();
    println!("message: {} bytes, {} segments", bytes.len(), message.matches('\r').count());
    println!("split only:       {:>7.1} MB/s", rate(floor));
    println!("typed read:       {:>7.1} MB/s, {:.2} of split only", rate(typed), ratio(typed));
    println!("mllp crate's:     {:>7.1} MB/s, {:.2} of split only", rate(other), ratio(other));
    println!("typed read / mllp crate's: {:.2}", other.as_secs_f64() / typed.as_secs_f64());
}

/// A blood count of 31 results with ranges, flags and times, of an invented specimen.
fn message() -> String {
    let mut text = String::from(
        "MSH|^~\\&|Sim|Lab|Host|Lab|20260102030405||ORU^R01^ORU_R01|1001|P|2.5.1|||NE|AL||UNICODE UTF-8\r\
         PID|1||EX-1^^^Lab^MR||Example^Anna||19700101|F\r\
         PV1|1|O|Ward^^3\r\
         ORC|RE||EX0001\r\
         OBR|1||EX0001|CBC^Blood count^99SIM|||20260102030000|||||||||||||||20260102030400||HM|F\r",
    );
    for number in 1..=31 {
        text.push_str(&format!(
            "OBX|{number}|NM|789-8^T{number}^LN^T{number}^^99SIM||{number}.{number:02}|10*3/uL^^UCUM|1.60 - 7.00|N|||F|||20260102030000||USER^Example||SIM^7^Sim\r",
        ));
    }
    text
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
        .flat_map(|segment| segment.split(|byte| *byte == b'|'))
        .flat_map(|field| field.split(|byte| *byte == b'^'))
        .map(|part| usize::from(!part.is_empty()))
        .sum()
}

/// What a profile reads: the control ID, the patient, the specimen, and of each result its code, value, unit, flags,
/// status and time.
fn read(message: &[u8]) -> usize {
    let Ok(message) = Message::parse(message) else { return 0 };
    let mut bytes = 0;
    for segment in message.segments() {
        if let Some(result) = Obx::of(segment) {
            bytes += result.identifier().component(1).raw().len() + result.value().raw().len();
            bytes += result.units().component(1).raw().len() + result.interpretation().raw().len();
            bytes += result.status().raw().len() + result.observed().raw().len();
        } else if let Some(order) = Obr::of(segment) {
            bytes += order.filler_order().component(1).raw().len();
        } else if let Some(patient) = Pid::of(segment) {
            bytes += patient.identifiers().component(1).raw().len();
        } else if let Some(header) = Msh::of(segment) {
            bytes += header.control_id().raw().len();
        }
    }
    bytes
}

/// The same with the `mllp` crate.
fn read_with_mllp(message: &str) -> usize {
    let Ok(message) = mllp::Message::parse(message) else { return 0 };
    let mut bytes = 0;
    for segment in message.segments() {
        let whole = |n: usize| segment.field(n).map_or(0, |field| field.value().len());
        let part = |n: usize| segment.field(n).and_then(|field| field.component(1)).map_or(0, str::len);
        bytes += match segment.name() {
            "OBX" => part(3) + whole(5) + part(6) + whole(8) + whole(11) + whole(14),
            "OBR" => part(3),
            "PID" => part(3),
            "MSH" => whole(10),
            _ => 0,
        };
    }
    bytes
}
