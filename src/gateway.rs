//! The whole gateway, put together: opens the journal, starts every task, and takes them down again.

mod admission;
mod configuration;
mod reading;
mod retention;
mod rules;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use jiff::tz::TimeZone;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};

use crate::alerts::Alerts;
use crate::board::{Board, Cause, DestinationState};
use crate::clock;
use crate::config::Settings;
use crate::delivery::{self, Client, ClientError, Delivery};
use crate::host::control::{Control, ControlError, Overviews, ReloadAsked, Reloads, Signable};
use crate::host::sockets::Sockets;
use crate::host::systemd::{self, Watched};
use crate::host::tls::{Acceptor, TlsError};
use crate::intake::{self, Intake};
use crate::journal::orders::source_names;
use crate::journal::{Condition, Journal, OpenError, reevaluate};
use crate::orders::{self, Answering, Asking, Downloading, Historian, Presence, Withdrawals};
use crate::pipeline::rules::try_examples;
use crate::pipeline::runner::{Asked, Clocks, Runner, Site};
use crate::reconciliation::{Rules, Schedule};
use crate::shutdown::Tasks;
use crate::status::{self, Page};
use crate::tap::Tap;
use crate::wire::{ControlIds, Mailboxes};

use reading::reader_once_open;

/// How many messages that ask for orders may wait to be answered.
const QUERIES: usize = 64;
/// How many may wait for an overview.
const OVERVIEWS: usize = 8;
/// How many may wait to have results read anew.
const ANEW: usize = 8;
/// How many may wait for a reload.
const RELOADS: usize = 8;

/// A running gateway.
pub struct Gateway {
    pub journal: Journal,
    pub board: Board,
    /// Where the page is, with the port that was really taken.
    pub page: SocketAddr,
    /// Wishes to reload, for whoever can end the gateway.
    pub reloads: mpsc::Receiver<ReloadAsked>,
    tap: Tap,
    tasks: Tasks,
    control_ids: ControlIds,
    sockets: Sockets,
}

/// Why a gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Journal(#[from] OpenError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error("failed to show the page at {address}: {error}; choose another [page] listen")]
    Page { address: SocketAddr, error: io::Error },
    #[error("failed to set up [page.tls]: {0}")]
    PageTls(#[from] TlsError),
}

/// What rings when there is something to do.
#[derive(Clone, Default)]
struct Bells {
    /// A message is on disk.
    arrived: Arc<Notify>,
    /// Something is owed.
    due: Arc<Notify>,
    /// The LIMS is to be asked about a patient.
    wanted: Arc<Notify>,
}

impl Gateway {
    /// Starts everything. Nothing is acknowledged before the journal stands.
    ///
    /// `sockets`: what an earlier run left to listen by.
    pub async fn start(settings: &Settings, sockets: Sockets) -> Result<Gateway, StartError> {
        let journal = Journal::open(&settings.journal.path, settings.journal.reserve_bytes, clock::now())?;
        if *journal.condition().borrow() == Condition::Full {
            tracing::error!(
                "the disk is full: no transmission is accepted until the journal's file system has room"
            );
        }
        if let Some(why) = &*journal.standstill().borrow() {
            tracing::error!("NOTHING IS DELIVERED: {why}; compare with the LIMS, then labwire resume");
        }
        let address = settings.page.listen;
        let listener = sockets.listen(address).await.map_err(|error| StartError::Page { address, error })?;
        let page = listener.local_addr().map_err(|error| StartError::Page { address, error })?;
        let acceptor = settings.page.tls.as_ref().map(Acceptor::new).transpose()?;
        let control_ids = ControlIds::new(journal.epoch());
        let (board, tap, tasks) = (Board::default(), Tap::default(), Tasks::default());
        let (reload, reloads) = mpsc::channel(RELOADS);
        let gateway = Gateway { journal, board, page, reloads, tap, tasks, control_ids, sockets };
        let bells = Bells::default();
        let Bells { arrived, due, .. } = bells.clone();
        let mailboxes = Mailboxes::default();
        let trial = try_examples(&settings.rules.checks);
        let rules = Signable {
            present: Arc::clone(&settings.rules),
            in_force: watch::channel(None).0,
            failed_cases: trial.failures.len(),
            untried: trial.untried.iter().map(|(_, rule, path)| format!("{rule} {path}")).collect(),
            signers: settings.signers.clone().into(),
        };
        let (alive, lives) = watch::channel(clock::monotonic());
        gateway.start_deliveries(settings, &due)?;
        let (asking, anew) = mpsc::channel(ANEW);
        let (asked, turned) = gateway.start_runner(settings, &rules, &bells, anew);
        gateway.start_history(settings, &bells);
        let presence = Presence::default();
        gateway.start_answers(settings, asked, mailboxes.clone(), presence.clone(), &arrived);
        let (overviews, asked) = mpsc::channel(OVERVIEWS);
        let control = gateway.start_control(settings, rules, &bells, (overviews, asking, reload))?;
        let page = gateway.start_page(settings, control, (listener, acceptor), lives);
        gateway.tasks.spawn(status::answer_overviews(page, asked, gateway.tasks.stopping()));
        gateway.start_reports(settings);
        let (journal, board) = (gateway.journal.clone(), gateway.board.clone());
        let archiving = retention::Archiving { journal, board, settings: settings.journal.clone() };
        gateway.tasks.spawn(archiving.run(gateway.tasks.stopping()));
        let watching =
            configuration::watch(gateway.board.clone(), settings.origin.clone(), gateway.tasks.stopping());
        gateway.tasks.spawn(watching);
        gateway.start_orders(settings, presence, &arrived);
        gateway.start_downloads(settings, &mailboxes);
        gateway.start_intake(settings, arrived, mailboxes);
        gateway.start_telling(turned, alive);
        Ok(gateway)
    }

    /// Returns when the journal has failed; until then everything goes on.
    pub fn failed(&self) -> impl Future<Output = String> + use<> {
        let mut condition = self.journal.condition();
        async move {
            loop {
                if let Condition::Failed(why) = &*condition.borrow_and_update() {
                    return why.clone();
                }
                if condition.changed().await.is_err() {
                    return "the journal's writer is gone".to_owned();
                }
            }
        }
    }

    /// Takes everything down. Tells whether all ended in time; what didn't is recovered by the next start.
    pub async fn stop(self) -> bool {
        self.tasks.stop().await
    }

    fn start_page(
        &self,
        settings: &Settings,
        control: Control,
        (listener, acceptor): (TcpListener, Option<Acceptor>),
        alive: watch::Receiver<Instant>,
    ) -> Page {
        let renders = delivery::renders(settings);
        let page = Page::new(&self.journal, &self.board, control, settings, renders, alive);
        let alerts = Alerts {
            page: page.clone(),
            site: settings.site.clone(),
            settings: settings.alerts.clone(),
            told: settings.journal.path.clone(),
        };
        self.tasks.spawn(alerts.run(self.tasks.stopping()));
        #[cfg(feature = "otlp")]
        if let Some(otlp) = settings.otlp.clone() {
            let (journal, site) = (settings.journal.path.clone(), settings.site.clone());
            let traces = crate::traces::Traces { journal, board: self.board.clone(), site, settings: otlp };
            self.tasks.spawn(traces.run(self.tasks.stopping()));
        }
        self.tasks.spawn(status::serve(listener, acceptor, page.clone(), self.tasks.stopping()));
        page
    }

    fn start_deliveries(&self, settings: &Settings, due: &Arc<Notify>) -> Result<(), StartError> {
        let profiles = delivery::profiles(settings);
        for destination in &settings.destinations {
            let client = Client::new(destination, &self.tasks)?;
            let delivery = Delivery {
                journal: self.journal.clone(),
                board: self.board.clone(),
                tasks: self.tasks.clone(),
                due: Arc::clone(due),
                site: settings.site.clone(),
                profiles: Arc::clone(&profiles),
            };
            let name = destination.id.as_str();
            self.board.set_destination(name, clock::now(), DestinationState::Untried, Cause::Unknown);
            self.tasks.spawn(delivery::run(delivery, Arc::clone(destination), client));
        }
        Ok(())
    }

    fn start_runner(
        &self,
        settings: &Settings,
        rules: &Signable,
        bells: &Bells,
        asking: mpsc::Receiver<reevaluate::Asked>,
    ) -> (mpsc::Receiver<Asked>, watch::Receiver<Instant>) {
        let (turned, turns) = watch::channel(clock::monotonic());
        let (asked, queries) = mpsc::channel(QUERIES);
        let (journal, stop) = (self.journal.clone(), self.tasks.stopping());
        let site = site(settings);
        let Bells { arrived, due, wanted } = bells.clone();
        let signable = rules.clone();
        self.tasks.spawn(async move {
            let Some(reader) = reader_once_open(&journal, &stop).await else { return };
            let reader = Mutex::new(reader);
            let Some(rules) = rules::in_force(&reader, &signable, &turned, &stop).await else { return };
            let configured = Arc::clone(&signable.present);
            let runner = Runner {
                journal,
                reader,
                site,
                rules,
                configured,
                asked,
                arrived,
                due,
                wanted,
                clocks: Clocks::default(),
                turned,
            };
            runner.run(asking, stop).await;
        });
        (queries, turns)
    }

    /// Asks the LIMS what it has of patients, where one can be asked.
    fn start_history(&self, settings: &Settings, bells: &Bells) {
        let Some(history) = &settings.history else { return };
        let (journal, board, settings) = (self.journal.clone(), self.board.clone(), Arc::clone(history));
        let (Bells { arrived, wanted, .. }, stop) = (bells.clone(), self.tasks.stopping());
        self.tasks.spawn(async move {
            let Some(reader) = reader_once_open(&journal, &stop).await else { return };
            let reader = Mutex::new(reader);
            Historian { journal, reader, board, settings, wanted, arrived }.run(stop).await;
        });
    }

    /// Once everything else was started: what begins later isn't waited for.
    fn start_telling(&self, runner: watch::Receiver<Instant>, alive: watch::Sender<Instant>) {
        let (journal, board) = (self.journal.clone(), self.board.clone());
        let watched = Watched { journal, board, runner, alive, sockets: self.sockets.clone() };
        self.tasks.spawn(systemd::run(watched, self.tasks.stopping()));
    }

    fn start_reports(&self, settings: &Settings) {
        let Some(reports) = &settings.reconciliation.reports else { return };
        let schedule = Schedule {
            journal: self.journal.clone(),
            board: self.board.clone(),
            rules: Rules::of(settings),
            settings: reports.clone(),
            zone: TimeZone::system(),
        };
        self.tasks.spawn(schedule.run(self.tasks.stopping()));
    }

    fn start_answers(
        &self,
        settings: &Settings,
        asked: mpsc::Receiver<Asked>,
        mailboxes: Mailboxes,
        presence: Presence,
        arrived: &Arc<Notify>,
    ) {
        let (journal, stop) = (self.journal.clone(), self.tasks.stopping());
        let control_ids = self.control_ids.clone();
        let sources = source_names(settings.orders.iter().map(|source| source.name.as_str()));
        let asking = asking(settings, &journal, arrived);
        let tasks = self.tasks.clone();
        self.tasks.spawn(async move {
            if let Some(reader) = reader_once_open(&journal, &stop).await {
                let reader = Mutex::new(reader);
                let answering = Answering {
                    journal,
                    reader,
                    mailboxes,
                    presence,
                    control_ids,
                    sources,
                    asking,
                    tasks,
                    withdrawals: Withdrawals::default(),
                };
                answering.run(asked, stop).await;
            }
        });
    }

    fn start_control(
        &self,
        settings: &Settings,
        rules: Signable,
        bells: &Bells,
        (overviews, asking, reloads): (Overviews, reevaluate::Asking, Reloads),
    ) -> Result<Control, StartError> {
        let told = settings.destinations.iter().filter(|destination| destination.critical_calls);
        let tells = told.map(|destination| destination.id.clone()).collect();
        let control = Control {
            journal: self.journal.clone(),
            board: self.board.clone(),
            tap: self.tap.clone(),
            arrived: Arc::clone(&bells.arrived),
            due: Arc::clone(&bells.due),
            rules,
            tells,
            overviews,
            asking,
            reloads,
        };
        let listener = Control::listen(&settings.control_socket)?;
        self.tasks.spawn(control.clone().run(listener, self.tasks.clone()));
        Ok(control)
    }

    fn start_orders(&self, settings: &Settings, presence: Presence, arrived: &Arc<Notify>) {
        let listener = orders::Listener {
            journal: self.journal.clone(),
            board: self.board.clone(),
            admission: self.admission(),
            control_ids: self.control_ids.clone(),
            presence,
            arrived: Arc::clone(arrived),
            sockets: self.sockets.clone(),
            tasks: self.tasks.clone(),
        };
        for source in &settings.orders {
            self.tasks.spawn(orders::take(listener.clone(), Arc::clone(source)));
        }
    }

    fn start_downloads(&self, settings: &Settings, mailboxes: &Mailboxes) {
        let names = settings.orders.iter().map(|source| source.name.as_str());
        let downloading = Downloading {
            journal: self.journal.clone(),
            mailboxes: mailboxes.clone(),
            control_ids: self.control_ids.clone(),
            sources: source_names(names),
        };
        for source in intake::sources(&settings.instruments) {
            for instrument in source.instruments.iter().filter(|instrument| instrument.download) {
                let (journal, stop) = (self.journal.clone(), self.tasks.stopping());
                let (one, instrument) = (downloading.clone(), Arc::clone(instrument));
                let name = source.name.clone();
                self.tasks.spawn(async move {
                    if let Some(reader) = reader_once_open(&journal, &stop).await {
                        one.run(instrument, name, reader, stop).await;
                    }
                });
            }
        }
    }

    fn start_intake(&self, settings: &Settings, arrived: Arc<Notify>, mailboxes: Mailboxes) {
        let spool = settings.journal.path.with_extension("spool");
        intake::drop::clear_spool(&spool);
        let intake = Intake {
            journal: self.journal.clone(),
            board: self.board.clone(),
            mailboxes,
            arrived,
            admission: self.admission(),
            control_ids: self.control_ids.clone(),
            trace: settings.trace.clone(),
            tap: self.tap.clone(),
            spool,
            reserve: settings.journal.reserve_bytes,
            sockets: self.sockets.clone(),
            tasks: self.tasks.clone(),
        };
        let notes = intake::keep_notes(self.journal.clone(), self.board.clone(), self.tasks.stopping());
        self.tasks.spawn(notes);
        let sources = intake::sources(&settings.instruments);
        let (journal, names) =
            (self.journal.clone(), sources.iter().map(|source| source.name.clone()).collect());
        self.tasks.spawn(async move {
            journal.opened().await;
            if let Err(error) = journal.keep_places(names, clock::now()).await {
                tracing::warn!(%error, "failed to close problems of places that the configuration no longer names");
            }
        });
        for source in sources {
            intake::start(&intake, source);
        }
    }
}

/// Each LIMS that can be asked about a tube. One whose certificates can't be used isn't.
fn asking(settings: &Settings, journal: &Journal, arrived: &Arc<Notify>) -> Vec<Asking> {
    let askable = settings.orders.iter().filter_map(|source| Some((&source.name, source.ask.as_ref()?)));
    askable
        .filter_map(|(name, ask)| {
            let set_up = Asking::new(name, ask, journal, arrived);
            set_up
                .map_err(|why| {
                    tracing::error!(
                        source = name,
                        why,
                        "failed to set up the way to the LIMS; it isn't asked"
                    );
                })
                .ok()
        })
        .collect()
}

/// Who may be where, and where results go, by the configuration.
pub fn site(settings: &Settings) -> Site {
    let sources = intake::sources(&settings.instruments).into_iter();
    Site {
        name: settings.site.clone(),
        sources: sources.map(|source| (source.name, source.instruments)).collect(),
        destinations: settings.destinations.clone(),
        suspended: settings.suspended.clone(),
        order_sources: source_names(settings.orders.iter().map(|source| source.name.as_str())),
        history: settings.history.clone(),
        qc: Arc::clone(&settings.qc),
    }
}
