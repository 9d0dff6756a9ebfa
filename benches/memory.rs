//! Resident memory of the real program: idle with one listener, and with 100,000 results queued for a LIMS that is down.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark may stop at the first surprise")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use labwire::domain::{
    DecimalText, DestinationId, InstrumentId, Observation, Patient, Private, SampleClass, SpecimenId,
    Standing, Status, TestIdentity, Value,
};
use labwire::journal::Journal;
use labwire::journal::decisions::Judged;
use labwire::journal::parcels::Within;
use labwire::journal::results::{Entry, Place, Processed, Route};
use labwire_link::{Parcel, ParcelId};

#[path = "../tests/support/port.rs"]
mod port;
use port::free_port;

const QUEUED: usize = 100_000;
const RESULTS_A_MESSAGE: usize = 50;
const SETTLE: Duration = Duration::from_secs(8);

fn main() {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path());
    println!("idle:                {:>5.1} MB resident", measure(folder.path()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(fill(&folder.path().join("labwire.db")));
    println!("{QUEUED} results queued: {:>5.1} MB resident", measure(folder.path()));
}

fn configure(folder: &Path) {
    fs::create_dir(folder.join("instruments.d")).unwrap();
    let site = format!(
        "site = \"Example\"\ncontrol_socket = \"sock\"\n[journal]\npath = \"labwire.db\"\n[page]\nlisten = \"{}\"\n\
         [log]\nfilter = \"off\"\n[destination.lims]\nurl = \"http://{}/\"\n",
        free_port(),
        free_port()
    );
    fs::write(folder.join("labwire.toml"), site).unwrap();
    let instrument =
        format!("profile = \"erba-xl\"\ntime_zone = \"UTC\"\n[tcp_server]\nlisten = \"{}\"\n", free_port());
    fs::write(folder.join("instruments.d/sim.toml"), instrument).unwrap();
}

/// The highest resident memory over some seconds, in MB.
fn measure(folder: &Path) -> f64 {
    let mut gateway = Command::new(env!("CARGO_BIN_EXE_labwire"))
        .args(["run", "--config"])
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let (began, mut highest) = (Instant::now(), 0.0_f64);
    while began.elapsed() < SETTLE {
        std::thread::sleep(Duration::from_millis(100));
        highest = highest.max(resident(&gateway));
    }
    let pid = rustix::process::Pid::from_child(&gateway);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(gateway.wait().unwrap().success());
    highest
}

fn resident(process: &Child) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the process runs");
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kib / 1024.0
}

async fn fill(path: &Path) {
    let now = labwire::clock::now();
    let journal = Journal::open(path, 0, now).unwrap();
    for number in 0..QUEUED / RESULTS_A_MESSAGE {
        let parcel = Parcel { id: ParcelId(0), raw: b"L|1\r".to_vec(), content: 0..4, message_ends: vec![4] };
        let within = Within::New { source: "sim".to_owned(), peer: "sim".to_owned() };
        let messages = journal.store_parcel(within, parcel, Vec::new(), now).await.unwrap().messages;
        let entries = (0..RESULTS_A_MESSAGE).map(|test| entry(number, test)).collect();
        let processed = Processed {
            message: *messages.first().expect("the parcel ends a message"),
            instrument: Some(InstrumentId::new("sim")),
            fingerprint: number.to_be_bytes().to_vec(),
            repeats: None,
            entries,
            problems: Vec::new(),
            queries: Vec::new(),
            habits: Vec::new(),
            runs: Vec::new(),
            looks_beside: false,
        };
        journal.record(processed, now).await.unwrap();
    }
}

fn entry(specimen: usize, test: usize) -> Entry {
    let observation = Observation {
        instrument: InstrumentId::new("sim"),
        profile: "sim/1".to_owned(),
        specimen: SpecimenId::new(format!("S{specimen}")),
        specimen_as_sent: Private::new(format!("S{specimen}")),
        patient: Private::new(Patient::default()),
        class: SampleClass::Patient,
        test: TestIdentity { code: format!("T{test}"), ..TestIdentity::default() },
        replicate: 1,
        value: Value::Quantity { comparator: None, number: DecimalText::parse("7.40", '.').unwrap() },
        value_as_sent: "7.40".to_owned(),
        unit: Some("mmol/L".to_owned()),
        unit_source: labwire::domain::UnitSource::Sent,
        dilution: None,
        conversion: None,
        reference_range: None,
        site_range: None,
        flags: Vec::new(),
        status: Status::Final,
        status_as_sent: "F".to_owned(),
        standing: Standing::Clear,
        started: None,
        completed: None,
        operator: None,
        analyzer_unit: None,
        position: None,
        priority: None,
        specimen_type: None,
        lims_code: None,
        loinc: None,
        comments: Vec::new(),
        attachments: Vec::new(),
        record: u32::try_from(test).unwrap(),
    };
    let routes = vec![(DestinationId::new("lims"), Route::Deliver)];
    Entry { observation, place: Place::Own, routes, judged: Judged::default(), link: None }
}
