//! What 200 rules cost: a result read and judged in memory; the share that they add to taking a result from its bytes on
//! disk to its lines in the ledger, with the real runner and journal; and the share of the whole way, from an analyzer's
//! connection until the LIMS has taken it, by the running program. Processor time, in alternating rounds; and where valgrind
//! is there, instructions of the first two, which don't depend on what else the machine does.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(clippy::unwrap_used, reason = "a benchmark may stop at the first surprise")]
#![expect(clippy::indexing_slicing, reason = "a benchmark may stop at the first surprise")]

use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use labsim::analyzer::{Analyzer, Options, Timing};
use labsim::lims::{Lims, Setup};
use labwire::config::Settings;
use labwire::domain::Rules;
use labwire::journal::parcels::Within;
use labwire::journal::{Journal, Reader};
use labwire::pipeline::rules::{evaluate, relevant};
use labwire::pipeline::runner::{Clocks, Runner, reading};
use labwire::pipeline::{Around, Context, Part, Reading, case, measured, process_part};
use labwire::{clock, gateway};
use labwire_link::{Parcel, ParcelId};
use labwire_units::{Bounds, Exact};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

#[path = "../tests/support/port.rs"]
mod port;
use port::free_port;

const ROUNDS: usize = 5;
const MESSAGES: usize = 400;
const RESULTS_A_MESSAGE: usize = 10;
const PATIENTS: usize = 40;
/// Each with five rules.
const ANALYTES: usize = 40;
/// How often all messages are read in memory for one figure.
const REPEATED: usize = 5;
/// Tells a run under valgrind what it is to do, and with how many messages.
const COUNTED: &str = "LABWIRE_BENCH_COUNTED";
/// Of a second, as Linux tells processor time.
const TICKS: f64 = 100.0;

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let names = configure(folder.path(), "http://127.0.0.1:9/", SocketAddr::from(([127, 0, 0, 1], 9001)));
    let (settings, _) = Settings::load(folder.path()).unwrap();
    let rules = Arc::new(settings.rules.as_ref().clone());
    assert_eq!(rules.checks.rules.len(), 200);
    let messages: Vec<String> = (0..MESSAGES).map(|number| message(number, &names)).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let run = |kind: usize, round: usize, messages: &[String]| {
        let rules = (kind % 2 == 1).then_some(&rules);
        let path = folder.path().join(format!("{kind}-{round}.db"));
        match kind {
            0 | 1 => in_memory(&settings, rules, messages),
            2 | 3 => runtime.block_on(to_the_ledger(&settings, rules, messages, &path)),
            _ => runtime.block_on(whole_way(
                &folder.path().join(format!("{kind}-{round}")),
                rules.is_some(),
                messages,
            )),
        }
    };
    if let Ok(counted) = std::env::var(COUNTED) {
        let (kind, count) = counted.split_once(' ').unwrap();
        run(kind.parse().unwrap(), 0, &messages[..count.parse().unwrap()]);
        return;
    }
    let mut figures: [Vec<f64>; 6] = Default::default();
    for round in 0..ROUNDS {
        figures.iter_mut().enumerate().for_each(|(kind, all)| all.push(run(kind, round, &messages)));
    }
    let [read, judged, without, with, way_without, way_with] = figures.map(median);
    println!("median of {ROUNDS} rounds; {} results, processor time a result", MESSAGES * RESULTS_A_MESSAGE);
    println!("read, no rules                   {read:8.1} µs  1");
    println!("read, converted, 200 rules asked {judged:8.1} µs  {:.2}", judged / read);
    let share = |with: f64, without: f64| 100.0 * (with - without) / with;
    println!("disk to ledger, no rules         {without:8.1} µs  1");
    println!("disk to ledger, 200 rules        {with:8.1} µs  {:.2}", with / without);
    println!("the rules' share of the latter   {:8.1} %", share(with, without));
    println!("asking them alone is of it       {:8.1} %", share(with, with - judged + read));
    println!("analyzer to LIMS, no rules       {way_without:8.1} µs  1");
    println!("analyzer to LIMS, 200 rules      {way_with:8.1} µs  {:.2}", way_with / way_without);
    println!("the rules' share of the latter   {:8.1} %   (aim: at most 25)", share(way_with, way_without));
    let counted: Option<Vec<f64>> = (0..4).map(instructions).collect();
    let Some([read, judged, without, with]) = counted.and_then(|all| <[f64; 4]>::try_from(all).ok()) else {
        println!("instructions weren't counted: there is no valgrind");
        return;
    };
    println!(
        "thousand instructions a result, in the same order: {read:.1}, {judged:.1}, {without:.1}, {with:.1}"
    );
    println!("the rules' share of the latter   {:8.1} %", share(with, without));
}

/// Writes a laboratory with its rules; the analytes' names and units.
fn configure(folder: &Path, lims: &str, analyzer: SocketAddr) -> Vec<(String, String)> {
    let page = free_port();
    let site = format!(
        "site = \"Example\"\ncontrol_socket = \"sock\"\n[journal]\npath = \"labwire.db\"\n[log]\nfilter = \"off\"\n[page]\nlisten = \"{page}\"\n\
         [destination.lims]\nurl = \"{lims}\"\n"
    );
    fs::write(folder.join("labwire.toml"), site).unwrap();
    let (bare, _) = Settings::load(folder).unwrap();
    // Those of which a value of 4 to 5 can be.
    let is_believed = |Bounds { below, above }: &Bounds| {
        below.as_ref().is_none_or(|it| *it < Exact::from(4))
            && above.as_ref().is_none_or(|it| *it > Exact::from(5))
    };
    let numbered = bare.rules.analytes.iter();
    let numbered = numbered.filter(|it| it.unit.code().contains("mol/L") && is_believed(&it.bounds));
    let names: Vec<(String, String)> =
        numbered.map(|it| (it.id.clone(), it.unit.code().to_owned())).take(ANALYTES).collect();
    assert_eq!(names.len(), ANALYTES, "there are analytes enough");
    let (mut codes, mut rules) = (String::new(), String::new());
    for (number, (name, unit)) in names.iter().enumerate() {
        write!(codes, "[codes.T{number}]\nanalyte = \"{name}\"\n").unwrap();
        for (band, ages) in
            [("newborn", "age_below = \"28 d\""), ("child", "age_below = \"18 y\""), ("adult", "")]
        {
            write!(
                rules,
                "[[critical]]\nname = \"t{number}-{band}\"\nanalyte = \"{name}\"\nunit = \"{unit}\"\n\
                 low = \"< 2.8\"\nhigh = \"> 6.1\"\nsource = \"a bench\"\n{ages}\n"
            )
            .unwrap();
        }
        write!(
            rules,
            "[[range]]\nname = \"t{number}-range\"\nanalyte = \"{name}\"\nunit = \"{unit}\"\nlow = \"< 0.1\"\n\
             high = \"> 20\"\nsource = \"a bench\"\n\
             [[delta]]\nname = \"t{number}-delta\"\nanalyte = \"{name}\"\nunit = \"{unit}\"\nmethod = \"absolute\"\n\
             rise = \"> 1\"\nfall = \"> 1\"\nwindow = \"30 d\"\nsource = \"a bench\"\n"
        )
        .unwrap();
    }
    fs::create_dir(folder.join("instruments.d")).unwrap();
    let instrument = format!(
        "profile = \"erba-xl\"\ntime_zone = \"UTC\"\n[tcp_server]\nlisten = \"{analyzer}\"\nallow = [\"127.0.0.1\"]\n"
    );
    fs::write(folder.join("instruments.d/sim.toml"), format!("{instrument}{codes}")).unwrap();
    fs::create_dir(folder.join("rules.d")).unwrap();
    fs::write(folder.join("rules.d/bench.toml"), rules).unwrap();
    names
}

/// One specimen's results, a minute after those before.
fn message(number: usize, names: &[(String, String)]) -> String {
    let (hour, minute, patient) = (number / 60, number % 60, number % PATIENTS);
    let time = format!("20260102{hour:02}{minute:02}00");
    let mut text = format!(
        "H|`^&||||||||||P|E 1394-97|{time}\rP|1|EX-{patient}|||Example^Anna||19700131|F\r\
         O|1|S{number:05}||^^^T0|||||||||||SERUM\r"
    );
    for result in 0..RESULTS_A_MESSAGE {
        let test = (number + result) % names.len();
        let (unit, digit) = (&names[test].1, number % 10);
        write!(text, "R|{}|^^^T{test}|4.{digit}|{unit}||N||F||||{time}\r", result + 1).unwrap();
    }
    text + "L|1|N\r"
}

/// Thousand instructions a result: what this program runs beyond what it runs without a message.
fn instructions(kind: usize) -> Option<f64> {
    let count = |messages: usize| -> Option<f64> {
        let run = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(std::env::current_exe().unwrap())
            .env(COUNTED, format!("{kind} {messages}"))
            .output()
            .ok()?;
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(run.status.success(), "{said}");
        let counted = said.lines().find_map(|line| line.split_once("Collected :")).unwrap().1.trim();
        Some(counted.parse().unwrap())
    };
    let repeated = if kind < 2 { REPEATED } else { 1 };
    Some((count(MESSAGES)? - count(0)?) / 1e3 / (MESSAGES * RESULTS_A_MESSAGE * repeated) as f64)
}

/// Microseconds of processor time a result, read and asked about in memory.
fn in_memory(settings: &Settings, rules: Option<&Arc<Rules>>, messages: &[String]) -> f64 {
    let reading = Reading { rules: rules.cloned(), ..reading(&settings.instruments[0]) };
    let received_at = clock::now();
    let began = processor("self");
    let mut decided = 0;
    for message in messages.iter().cycle().take(messages.len() * REPEATED) {
        let outcome = process_part(&Part::of(message.as_bytes()), &reading, &Context { received_at });
        assert_eq!(outcome.observations.len(), RESULTS_A_MESSAGE, "{:?}", outcome.problems);
        let Some(rules) = rules else { continue };
        let all: Vec<_> = outcome.observations.iter().map(|it| measured(it, &reading)).collect();
        for (index, observation) in outcome.observations.iter().enumerate() {
            let mut together = all.clone();
            together.remove(index);
            let patient = Some(observation.patient.clone());
            let around = Around { patient, together, ..Around::default() };
            let case = relevant(case(observation, &reading, received_at, around), &rules.checks);
            decided += evaluate(&case, &rules.checks).len();
        }
    }
    let results = messages.len() * REPEATED * RESULTS_A_MESSAGE;
    assert!(rules.is_none() || decided == results * 3);
    1e6 * (processor("self") - began) / results as f64
}

/// Microseconds of processor time a result, from its parcel to its line in the ledger.
async fn to_the_ledger(
    settings: &Settings,
    rules: Option<&Arc<Rules>>,
    messages: &[String],
    path: &Path,
) -> f64 {
    let journal = Journal::open(path, 0, clock::now()).unwrap();
    let site = gateway::site(settings);
    let source = site.sources.keys().next().unwrap().clone();
    let (asked, _questions) = mpsc::channel(1);
    let (turned, _turns) = watch::channel(clock::monotonic());
    let (_signed, in_force) = watch::channel(rules.cloned());
    let arrived = Arc::new(Notify::new());
    let runner = Runner {
        journal: journal.clone(),
        reader: Mutex::new(Reader::open(path).unwrap()),
        site,
        rules: in_force,
        configured: rules.cloned().unwrap_or_default(),
        asked,
        arrived: Arc::clone(&arrived),
        due: Arc::new(Notify::new()),
        wanted: Arc::new(Notify::new()),
        clocks: Clocks::default(),
        turned,
    };
    let began = processor("self");
    for message in messages {
        let raw = message.clone().into_bytes();
        let parcel = Parcel { id: ParcelId(0), content: 0..raw.len(), message_ends: vec![raw.len()], raw };
        let within = Within::New { source: source.clone(), peer: "bench".to_owned() };
        journal.store_parcel(within, parcel, Vec::new(), clock::now()).await.unwrap();
    }
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(mpsc::channel(1).1, stop.clone()));
    let reader = Reader::open(path).unwrap();
    while !reader.pending(1).unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let spent = processor("self") - began;
    stop.cancel();
    running.await.unwrap();
    let received = reader.sums().unwrap();
    assert_eq!(received.imbalances(), []);
    1e6 * spent / (messages.len() * RESULTS_A_MESSAGE) as f64
}

/// A running gateway; dropping it ends it.
struct Gateway(Child);

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Microseconds of the gateway's processor time a result, from the analyzer's connection until the LIMS has taken it.
async fn whole_way(folder: &Path, with_rules: bool, messages: &[String]) -> f64 {
    let lims = Lims::start(Setup::default()).await.unwrap();
    let address = free_port();
    fs::create_dir(folder).unwrap();
    configure(folder, &lims.url(), address);
    if !with_rules {
        fs::remove_dir_all(folder.join("rules.d")).unwrap();
    }
    let labwire = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_labwire"));
        command.args(arguments).arg("--config").arg(folder).stdin(Stdio::null()).stdout(Stdio::null());
        command
    };
    let mut gateway = Gateway(labwire(&["run"]).spawn().unwrap());
    let line = loop {
        assert_eq!(gateway.0.try_wait().unwrap(), None, "it runs");
        match TcpStream::connect(address).await {
            Ok(line) => break line,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    if with_rules {
        let sign = [
            "rules",
            "sign",
            "--by",
            "Dr. Example",
            "--statement",
            "a bench",
            "--untried-because",
            "they cost the same",
        ];
        assert!(labwire(&sign).status().unwrap().success());
    }
    let process = gateway.0.id().to_string();
    let began = processor(&process);
    let options = Options { timing: Timing::default().hurried(10), ..Options::default() };
    let mut analyzer = Analyzer::new(line, options);
    for message in messages {
        assert!(analyzer.transfer(&[message]).await.is_complete());
    }
    let results = messages.len() * RESULTS_A_MESSAGE;
    while lims.with_ledger(|ledger| ledger.held().len()) < results {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let spent = processor(&process) - began;
    let asked = Reader::open(&folder.join("labwire.db")).unwrap().evaluations(0, results).unwrap().len();
    assert_eq!(asked, if with_rules { results } else { 0 });
    1e6 * spent / results as f64
}

/// Seconds that a process has had of a processor.
fn processor(process: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / TICKS
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
