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
        let [alone, shared, mllp, spare] = free_ports()?;
        let device = folder.join("vitros-line");
        let architect = Place::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let architect_address = architect.address().map(|address| address.to_string()).unwrap_or_default();
        let page = if options.page.port() == 0 { spare } else { options.page };
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
    let mut load = Load::new(Generator::new(style, seed).starting_at(now()).with_odd(odd(style)));
    // It sends faster than an analyzer measures, and its results are of today all the same.
    load.clock = Some(now);
    load.every = Duration::from_millis(1500);
    load.options.faults = Faults::at_rate(seed, FAULTS);
    load.options.timing = Timing::default().hurried(HURRY);
    if matches!(place, Place::Pty(_)) {
        load.options.pace = Pace::LineSpeed { baud: 9600 };
    }
    load
}

fn now() -> Moment {
    Moment::from_seconds(clock::now().as_second().unsigned_abs())
}

/// The share of values that aren't plain. What the analyzer itself doubts, or its profile doesn't know, is held for a
/// person; the demo has none at hand.
fn odd(style: Style) -> f64 {
    if matches!(style, Style::YumizenH500 | Style::CentaurXp) { 0.0 } else { 0.1 }
}

/// Ports that are free at this moment, no two the same: each is taken before any is given back.
fn free_ports<const COUNT: usize>() -> io::Result<[SocketAddr; COUNT]> {
    let mut free = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); COUNT];
    let mut taken = Vec::with_capacity(COUNT);
    for address in &mut free {
        let listener = std::net::TcpListener::bind(*address)?;
        *address = listener.local_addr()?;
        taken.push(listener);
    }
    Ok(free)
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::profile;
    use crate::domain::{InstrumentId, SpecimenRules, Standing};
    use crate::pipeline::{Context, Reading, process};

    fn reading(name: &str) -> Reading {
        let text =
            profile::shipped().into_iter().find(|(file, _)| *file == format!("{name}.toml")).unwrap().1;
        Reading {
            instrument: InstrumentId::new(name),
            profile: Arc::new(profile::parse(&text).unwrap()),
            time_zone: jiff::tz::TimeZone::UTC,
            character_set: None,
            decimal_separator: '.',
            specimen: SpecimenRules::default(),
            codes: Arc::default(),
            panels: BTreeMap::new(),
            specimen_kinds: BTreeMap::new(),
            units: labwire_units::Aliases::default(),
            rules: None,
        }
    }

    #[test]
    fn nothing_that_the_analyzers_send_waits_for_a_person() {
        let context = Context { received_at: "2026-05-01T12:00:00Z".parse().unwrap() };
        for (style, name) in [
            (Style::Vitros3600, "ortho-vitros-3600"),
            (Style::YumizenH500, "horiba-yumizen-h500"),
            (Style::UnicelDxh, "beckman-dxh"),
            (Style::CentaurXp, "siemens-centaur-xp"),
            (Style::Architect, "abbott-architect"),
            (Style::CobasPro, "roche-cobas-pro"),
        ] {
            let reading = reading(name);
            let mut generator = Generator::new(style, 4).with_odd(odd(style));
            for _ in 0..300 {
                let message = generator.message();
                let outcome = process(&message.records, &reading, &context);
                assert_eq!(outcome.observations.len(), message.results.len(), "{style} {}", message.specimen);
                for observation in &outcome.observations {
                    assert_eq!(observation.standing, Standing::Clear, "{style} {}", message.specimen);
                }
            }
        }
    }
}
