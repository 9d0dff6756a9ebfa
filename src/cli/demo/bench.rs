//! The demo's laboratory: a configuration folder as lab IT would write it, and the analyzers that it describes.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use labsim::analyzer::Timing;
use labsim::faults::Faults;
use labsim::generate::{ExpectedResult, Generator, Moment, Style};
use labsim::load::{Event, Load, Summary, play};
use labsim::net::Place;
use labsim::pace::Pace;
use tokio::task::JoinSet;

use super::Laboratory;
use crate::cli::arguments::DemoOptions;
use crate::clock;

/// The destinations.
pub(super) const HTTP: &str = "lims";
pub(super) const MLLP: &str = "lis-hl7";
/// The share of frames that suffer a fault.
const FAULTS: f64 = 0.03;
/// How much faster than the standard's the analyzers' timers run.
const HURRY: u32 = 10;

/// What the simulated analyzers saw acknowledged.
type Acknowledged = Arc<Mutex<Vec<ExpectedResult>>>;

/// The analyzers, ready to play.
pub(super) struct Bench {
    analyzers: Vec<(Style, Place)>,
}

/// The analyzers at work.
pub(super) struct Playing {
    tasks: JoinSet<io::Result<()>>,
    acknowledged: Acknowledged,
}

impl Bench {
    /// Writes the configuration and makes the places where the gateway meets the analyzers: a pseudo-terminal,
    /// two listeners of the gateway (one shared by two analyzers), one connection that it opens itself, and a listener
    /// for HL7.
    pub(super) async fn set_up(
        folder: &Path,
        options: &DemoOptions,
        laboratory: &Laboratory,
    ) -> io::Result<Bench> {
        let instruments = folder.join("instruments.d");
        fs::create_dir_all(&instruments)?;
        fs::create_dir_all(folder.join("profiles.d"))?;
        let (alone, shared, mllp) = (free_port()?, free_port()?, free_port()?);
        let device = folder.join("vitros-line");
        let architect = Place::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let architect_address = architect.address().map(|address| address.to_string()).unwrap_or_default();
        let page = if options.page.port() == 0 { free_port()? } else { options.page };
        fs::write(folder.join("labwire.toml"), site(page, laboratory))?;
        for (name, text) in [
            ("vitros", serial("ortho-vitros-3600", &device)),
            ("h500", listener("horiba-yumizen-h500", alone, None)),
            ("dxh", listener("beckman-dxh", shared, Some(Style::UnicelDxh.sender()))),
            ("centaur", listener("siemens-centaur-xp", shared, Some(Style::CentaurXp.sender()))),
            ("architect", client("abbott-architect", &architect_address)),
            ("cobas", listener("roche-cobas-pro", mllp, None)),
        ] {
            fs::write(instruments.join(format!("{name}.toml")), text)?;
        }
        let analyzers = vec![
            (Style::Vitros3600, Place::Pty(device)),
            (Style::YumizenH500, Place::connect(alone.to_string())),
            (Style::UnicelDxh, Place::connect(shared.to_string())),
            (Style::CentaurXp, Place::connect(shared.to_string())),
            (Style::Architect, architect),
            (Style::CobasPro, Place::connect(mllp.to_string())),
        ];
        Ok(Bench { analyzers })
    }

    pub(super) fn len(&self) -> usize {
        self.analyzers.len()
    }

    /// Lets every analyzer send until it is stopped.
    pub(super) fn play(self, seed: u64) -> Playing {
        let acknowledged = Acknowledged::default();
        let mut tasks = JoinSet::new();
        for (number, (style, place)) in (0..).zip(self.analyzers) {
            let load = load(style, &place, seed + number);
            let acknowledged = Arc::clone(&acknowledged);
            tasks.spawn(async move {
                let mut summary = Summary::default();
                let note = |event: Event<'_>| {
                    if let Event::Acknowledged(message) = event {
                        let mut all = acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
                        all.extend(message.results.iter().cloned());
                    }
                    Ok(())
                };
                play(&place, load, &mut summary, note).await
            });
        }
        Playing { tasks, acknowledged }
    }
}

impl Playing {
    /// Unplugs every analyzer and tells what was acknowledged.
    pub(super) async fn stop(mut self) -> Vec<ExpectedResult> {
        self.tasks.shutdown().await;
        std::mem::take(&mut *self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn load(style: Style, place: &Place, seed: u64) -> Load {
    let now = Moment::from_seconds(clock::now().as_second().unsigned_abs());
    // A result that the analyzer itself doubts is held for a person; the demo has none at hand.
    let odd = if style == Style::YumizenH500 { 0.0 } else { 0.1 };
    let mut load = Load::new(Generator::new(style, seed).starting_at(now).with_odd(odd));
    load.every = Duration::from_millis(1500);
    load.options.faults = Faults::at_rate(seed, FAULTS);
    load.options.timing = Timing::default().hurried(HURRY);
    if matches!(place, Place::Pty(_)) {
        load.options.pace = Pace::LineSpeed { baud: 9600 };
    }
    load
}

/// A port that is free at this moment.
fn free_port() -> io::Result<SocketAddr> {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

fn site(page: SocketAddr, Laboratory { http, mllp }: &Laboratory) -> String {
    format!(
        r#"site = "Example laboratory"
control_socket = "control.sock"

[journal]
path = "labwire.db"

[page]
listen = "{page}"

[log]
filter = "off"

[destination.{HTTP}]
url = "{}"
timeout_secs = 2
on_unknown = "probe"
probe_url = "{}"
backoff_first_secs = 1
backoff_longest_secs = 2
breaker_failures = 20
breaker_rest_secs = 1

[destination.{HTTP}.items]
array = "/items"
id = "/id"
outcome = "/outcome"
reason = "/reason"
outcomes = {{ accepted = "accepted", refused = "refused" }}

[destination.{MLLP}]
kind = "mllp"
connect = "{}"
timeout_secs = 1
parallel = 2
backoff_first_secs = 1
backoff_longest_secs = 2
breaker_failures = 20
breaker_rest_secs = 1
"#,
        http.url(),
        http.probe_url(),
        mllp.address()
    )
}

fn serial(profile: &str, device: &Path) -> String {
    format!(
        "profile = \"{profile}\"\ntime_zone = \"UTC\"\n\n[serial]\ndevice = \"{}\"\nbaud = 9600\n",
        device.display()
    )
}

fn listener(profile: &str, listen: SocketAddr, sender: Option<&str>) -> String {
    let sender = sender.map(|sender| format!("sender = \"{sender}\"\n")).unwrap_or_default();
    format!(
        "profile = \"{profile}\"\ntime_zone = \"UTC\"\n{sender}\n[tcp_server]\nlisten = \"{listen}\"\nallow = [\"127.0.0.1\"]\n"
    )
}

fn client(profile: &str, connect: &str) -> String {
    format!("profile = \"{profile}\"\ntime_zone = \"UTC\"\n\n[tcp_client]\nconnect = \"{connect}\"\n")
}
