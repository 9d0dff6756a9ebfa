//! A large CSV file to observations, part by part as it would come from the journal, against the `csv` crate alone on
//! the same file; and the highest resident memory on the way. `LABWIRE_TABLE_MB` sets the size of the file (64).
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints and may stop at the first surprise"
)]
#![expect(clippy::disallowed_methods, reason = "a bench measures with the machine's clock")]

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use labwire::config::profile;
use labwire::domain::{InstrumentId, SpecimenRules};
use labwire::pipeline::{Context, Part, Reading, process_part};
use labwire_drop::{Cutter, Verdict};

/// Bytes read from the file at once.
const PIECE: usize = 64 * 1024;

const HEADER: &str = "Patient ID,Sample ID,Rack,Verify,Test Name,Interpretation,Result,Units,Comp. Time,Flags,LIS,\
Instrument,RLU,Pipettor,Sample Type,Sample Priority,Test ID,Reagent Pack Lot #,Reagent Pack Serial #,Dilution,\
Calibrator level,Comments,Load Date/Time\n";

fn main() {
    let megabytes = std::env::var("LABWIRE_TABLE_MB").ok().and_then(|text| text.parse().ok()).unwrap_or(64);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("results.csv");
    let rows = write(&path, megabytes * 1_000_000);

    let before = peak();
    let start = Instant::now();
    let observations = observations(&path);
    let ours = start.elapsed().as_secs_f64();
    let resident = peak();
    assert_eq!(observations, rows, "each row is an observation");

    let start = Instant::now();
    assert_eq!(records(&path), rows + 1);
    let alone = start.elapsed().as_secs_f64();

    let start = Instant::now();
    cut(&path);
    let cutting = start.elapsed().as_secs_f64();

    let speed = |seconds: f64| f64::from(megabytes) / seconds;
    println!("{megabytes} MB, {rows} rows of 23 cells, each an observation");
    println!("csv crate alone       {:8.1} MB/s   1", speed(alone));
    println!("finding the parts     {:8.1} MB/s   {:.2}", speed(cutting), alone / cutting);
    println!("to observations       {:8.1} MB/s   {:.3}", speed(ours), alone / ours);
    println!("observations a second {:8.0}", f64::from(rows) / ours);
    println!("peak resident: {before} kB before, {resident} kB after the observations");
}

/// Writes about so many bytes, and answers with the number of rows.
fn write(path: &Path, bytes: u32) -> u32 {
    let mut file = BufWriter::new(File::create(path).unwrap());
    file.write_all(HEADER.as_bytes()).unwrap();
    let (mut written, mut rows) = (0_u64, 0_u32);
    while written < u64::from(bytes) {
        let number = rows % 1_000_000;
        let row = format!(
            ",{number:09},400,Not Verified,FT3,,{}.{:02},pmol/L,14/01/2026 {:02}:{:02}:{:02},,Not Sent,500042,\
             1118560,N/A,Serum,patient,212,470141,6674,1, ,\"none, so far\",14/01/2026 08:33:05\n",
            number % 20,
            number % 100,
            9 + number % 8,
            number % 60,
            number % 59
        );
        file.write_all(row.as_bytes()).unwrap();
        written += row.len() as u64;
        rows += 1;
    }
    file.flush().unwrap();
    rows
}

fn reading() -> Reading {
    let shipped = profile::shipped();
    let profile = profile::parse(shipped.get("beckman-access-2.toml").unwrap()).unwrap();
    Reading {
        instrument: InstrumentId::new("bench"),
        profile: Arc::new(profile),
        time_zone: jiff::tz::TimeZone::get("Europe/Berlin").unwrap(),
        character_set: None,
        decimal_separator: '.',
        specimen: SpecimenRules::default(),
        codes: Arc::default(),
        panels: std::collections::BTreeMap::new(),
        specimen_kinds: std::collections::BTreeMap::new(),
        units: labwire_units::Aliases::default(),
        rules: None,
    }
}

/// Reads the file in pieces, and calls `each` with the head and the bytes of each part, and its first line.
fn each_part(path: &Path, reading: &Reading, mut each: impl FnMut(&[u8], &[u8], u64)) {
    let mut cutter = Cutter::new(reading.profile.dialect.contents(None));
    let mut file = File::open(path).unwrap();
    let mut piece = vec![0; PIECE];
    // The bytes from `from` on, of which no part was made yet.
    let (mut waiting, mut from) = (Vec::new(), 0_u64);
    let mut head: Option<Vec<u8>> = None;
    loop {
        let length = file.read(&mut piece).unwrap();
        let read = piece.get(..length).unwrap();
        if length == 0 {
            assert_eq!(cutter.finish(), Verdict::Whole);
        } else {
            cutter.push(read);
            waiting.extend_from_slice(read);
        }
        let slice = |waiting: &[u8], range: std::ops::Range<u64>| {
            let at = |offset: u64| usize::try_from(offset - from).unwrap();
            waiting.get(at(range.start)..at(range.end)).unwrap().to_vec()
        };
        if let (None, Some(range)) = (&head, cutter.head()) {
            head = Some(slice(&waiting, range));
        }
        let mut done = from;
        while let Some(part) = cutter.poll() {
            done = part.bytes.end;
            each(head.as_deref().unwrap(), &slice(&waiting, part.bytes), part.first_line);
        }
        waiting.drain(..usize::try_from(done - from).unwrap());
        from = done;
        if length == 0 {
            return;
        }
    }
}

fn observations(path: &Path) -> u32 {
    let reading = reading();
    let context = Context { received_at: "2026-05-01T12:00:00Z".parse().unwrap() };
    let mut observations = 0;
    each_part(path, &reading, |head, rows, first_line| {
        let outcome = process_part(&Part { head, rows, first_line }, &reading, &context);
        assert!(outcome.problems.is_empty());
        observations += u32::try_from(outcome.observations.len()).unwrap();
    });
    observations
}

fn cut(path: &Path) {
    each_part(path, &reading(), |_, _, _| {});
}

fn records(path: &Path) -> u32 {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(BufReader::with_capacity(PIECE, File::open(path).unwrap()));
    let mut record = csv::ByteRecord::new();
    let mut records = 0;
    while reader.read_byte_record(&mut record).unwrap() {
        records += 1;
    }
    records
}

/// The highest resident memory of this process so far, in kB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}
