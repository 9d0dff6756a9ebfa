//! `labwire demo`: the real gateway between simulated analyzers and two simulated LIMS, on this machine alone. The only
//! place that uses the simulator.

mod bench;

use std::io::{self, Write};
use std::time::Duration;

use labsim::generate::ExpectedResult;
use labsim::lims::mllp::{self, MllpLims};
use labsim::lims::{Lims, Mode, Setup};

use super::Outcome;
use super::arguments::DemoOptions;
use super::status::write_sums;
use crate::clock;
use crate::config::Settings;
use crate::exit::Exit;
use crate::gateway::Gateway;
use crate::host::logging;
use crate::host::sockets::Sockets;
use crate::journal::{Reader, Sums};

use bench::Bench;

/// How often the demo tells how far it is.
const TELL: Duration = Duration::from_secs(2);
/// How long the last results may take to both LIMS once the analyzers are silent.
const SETTLE: Duration = Duration::from_secs(30);
/// The share of deliveries that meet a failure of their LIMS.
const LIMS_FAULTS: f64 = 0.1;

pub(super) fn run(options: &DemoOptions, out: &mut impl Write) -> Outcome {
    let folder = std::env::temp_dir().join(format!("labwire-demo-{}", std::process::id()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(show(options, &folder, out));
    std::fs::remove_dir_all(&folder)?;
    outcome
}

async fn show(options: &DemoOptions, folder: &std::path::Path, out: &mut impl Write) -> Outcome {
    let laboratory = Laboratory::start(options.seed).await?;
    let bench = Bench::set_up(folder, options, &laboratory).await?;
    let settings = match Settings::load(folder) {
        Ok((settings, _)) => settings,
        Err(errors) => return Err(format!("the demo's own configuration is wrong:\n{errors}").into()),
    };
    logging::start(&settings.log)?;
    let gateway = Gateway::start(&settings, Sockets::default()).await?;
    writeln!(
        out,
        "labwire demo: {} analyzers, one LIMS by HTTP and one by HL7 over MLLP, which fail now and then; everything \
         invented.",
        bench.len()
    )?;
    writeln!(out, "The page: http://{}/    Stop with Ctrl-C.\n", gateway.page)?;
    out.flush()?;
    let reader = gateway.journal.reader()?;
    let bench = bench.play(options.seed);
    tell_until_the_end(options, &reader, out).await?;
    let acknowledged = bench.stop().await;
    laboratory.mend();
    settle(&reader, out).await?;
    let sums = reader.sums()?;
    gateway.stop().await;

    write_sums(&sums, out)?;
    let wrong = laboratory.write_ledgers(&acknowledged, out)?;
    let good = sums.imbalances().is_empty() && wrong == 0 && waiting(&sums) == 0 && !acknowledged.is_empty();
    laboratory.stop().await;
    Ok(if good { Exit::Done } else { Exit::Failed })
}

/// Who gets every result.
struct Laboratory {
    http: Lims,
    mllp: MllpLims,
}

impl Laboratory {
    async fn start(seed: u64) -> io::Result<Laboratory> {
        let setup = Setup { mode: Mode::Mix(LIMS_FAULTS), seed, ..Setup::default() };
        let http = Lims::start(setup).await?;
        let setup = mllp::Setup { mode: mllp::Mode::Mix(LIMS_FAULTS), seed, ..mllp::Setup::default() };
        Ok(Laboratory { http, mllp: MllpLims::start(setup).await? })
    }

    /// From now on nothing fails.
    fn mend(&self) {
        self.http.set_mode(Mode::Accept);
        self.mllp.set_mode(mllp::Mode::Accept);
    }

    /// Tells what each holds, and how much of it is wrong.
    fn write_ledgers(&self, acknowledged: &[ExpectedResult], out: &mut impl Write) -> io::Result<usize> {
        writeln!(out, "\nWhat the analyzers saw acknowledged: {} results.", acknowledged.len())?;
        let (http, mllp) = (self.http.ledger(), self.mllp.ledger());
        let mut wrong = 0;
        for (name, missing, surplus) in [
            ("by HTTP", http.discrepancies(acknowledged).len(), http.doubled().len()),
            ("by MLLP", mllp.discrepancies(acknowledged).len(), mllp.doubled().len() + mllp.unfit().count()),
        ] {
            writeln!(
                out,
                "In the LIMS {name} exactly once: {}; missing, altered or doubled: {}.",
                acknowledged.len() - missing,
                missing + surplus
            )?;
            wrong += missing + surplus;
        }
        Ok(wrong)
    }

    async fn stop(self) {
        self.http.stop().await;
        self.mllp.stop().await;
    }
}

async fn tell_until_the_end(options: &DemoOptions, reader: &Reader, out: &mut impl Write) -> io::Result<()> {
    let end = async {
        match options.duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(end);
    let mut interval = tokio::time::interval(TELL);
    loop {
        tokio::select! {
            () = &mut end => return Ok(()),
            interrupted = tokio::signal::ctrl_c() => return interrupted,
            _ = interval.tick() => tell(reader, out)?,
        }
    }
}

fn tell(reader: &Reader, out: &mut impl Write) -> io::Result<()> {
    let sums = reader.sums().map_err(io::Error::other)?;
    let accepted = |name| sums.destinations.get(name).map(|sums| sums.of("accepted")).unwrap_or_default();
    let time = clock::now().strftime("%H:%M:%S");
    writeln!(
        out,
        "{time} UTC  {:>5} results received, {:>5} accepted by HTTP, {:>5} by MLLP, {:>3} on their way",
        sums.intake.received,
        accepted(bench::HTTP),
        accepted(bench::MLLP),
        waiting(&sums)
    )?;
    out.flush()
}

/// Lets what is on its way arrive.
async fn settle(reader: &Reader, out: &mut impl Write) -> Result<(), Box<dyn std::error::Error>> {
    writeln!(out, "\nThe analyzers are silent; the last results go to both LIMS …")?;
    out.flush()?;
    let deadline = clock::monotonic() + SETTLE;
    while clock::monotonic() < deadline {
        if waiting(&reader.sums()?) == 0 && reader.waiting()?.unread == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// What a LIMS doesn't have yet and nobody holds back.
fn waiting(sums: &Sums) -> i64 {
    let of = |state| sums.destinations.values().map(|sums| sums.of(state)).sum::<i64>();
    of("pending") + of("in-flight") + of("unknown")
}
