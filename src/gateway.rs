//! The whole gateway, put together: opens the journal, starts every task, and takes them down again.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use labwire_link::Admission;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};

use crate::board::Board;
use crate::clock;
use crate::config::Settings;
use crate::delivery::{self, Client, ClientError, Delivery};
use crate::host::control::{Control, ControlError};
use crate::intake::{self, ControlIds, Intake};
use crate::journal::{Condition, Journal, JournalError, OpenError};
use crate::orders;
use crate::pipeline::runner::{Runner, Site};
use crate::shutdown::Tasks;
use crate::status::{self, Page};
use crate::wire::Mailboxes;

/// How many messages that ask for orders may wait to be answered.
const QUERIES: usize = 64;

/// A running gateway.
pub struct Gateway {
    pub journal: Journal,
    pub board: Board,
    /// Where the page is, with the port that was really taken.
    pub page: SocketAddr,
    tasks: Tasks,
}

/// Why a gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Journal(#[from] OpenError),
    #[error("failed to prepare the journal: {0}")]
    Prepare(#[from] JournalError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error("failed to show the page at {address}: {error}; choose another [page] listen")]
    Page { address: SocketAddr, error: io::Error },
}

impl Gateway {
    /// Starts everything. Nothing is acknowledged before the journal stands.
    pub async fn start(settings: &Settings) -> Result<Gateway, StartError> {
        let journal = Journal::open(&settings.journal.path, settings.journal.reserve_bytes, clock::now())?;
        let address = settings.page.listen;
        let listener =
            TcpListener::bind(address).await.map_err(|error| StartError::Page { address, error })?;
        let page = listener.local_addr().map_err(|error| StartError::Page { address, error })?;
        let gateway = Gateway { journal, board: Board::default(), page, tasks: Tasks::default() };
        let (arrived, due) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let mailboxes = Mailboxes::default();
        gateway.start_page(settings, listener);
        gateway.start_deliveries(settings, &due)?;
        gateway.start_runner(settings, &arrived, &due, &mailboxes)?;
        gateway.start_control(settings, &arrived, &due)?;
        gateway.start_intake(settings, arrived, mailboxes)?;
        Ok(gateway)
    }

    /// Returns when the journal has failed; until then everything goes on.
    pub async fn failed(&self) -> String {
        let mut condition = self.journal.condition();
        loop {
            if let Condition::Failed(why) = &*condition.borrow_and_update() {
                return why.clone();
            }
            if condition.changed().await.is_err() {
                return "the journal's writer is gone".to_owned();
            }
        }
    }

    /// Takes everything down. Tells whether all ended in time; what didn't is recovered by the next start.
    pub async fn stop(self) -> bool {
        self.tasks.stop().await
    }

    fn start_page(&self, settings: &Settings, listener: TcpListener) {
        let page = Page::new(&self.journal, &self.board, settings);
        let stop = self.tasks.stopping();
        self.tasks.spawn(status::serve(listener, page, stop));
    }

    fn start_deliveries(&self, settings: &Settings, due: &Arc<Notify>) -> Result<(), StartError> {
        for destination in &settings.destinations {
            let client = Client::new(destination)?;
            let delivery = Delivery {
                journal: self.journal.clone(),
                board: self.board.clone(),
                tasks: self.tasks.clone(),
                due: Arc::clone(due),
                site: settings.site.clone(),
            };
            self.tasks.spawn(delivery::run(delivery, Arc::clone(destination), client));
        }
        Ok(())
    }

    fn start_runner(
        &self,
        settings: &Settings,
        arrived: &Arc<Notify>,
        due: &Arc<Notify>,
        mailboxes: &Mailboxes,
    ) -> Result<(), StartError> {
        let sources: BTreeMap<_, _> = intake::sources(&settings.instruments)
            .into_iter()
            .map(|source| (source.name, source.instruments))
            .collect();
        let (asked, queries) = mpsc::channel(QUERIES);
        let runner = Runner {
            journal: self.journal.clone(),
            reader: Mutex::new(self.journal.reader()?),
            site: Site { name: settings.site.clone(), sources, destinations: settings.destinations.clone() },
            asked,
            arrived: Arc::clone(arrived),
            due: Arc::clone(due),
        };
        self.tasks.spawn(runner.run(self.tasks.stopping()));
        let (journal, mailboxes) = (self.journal.clone(), mailboxes.clone());
        self.tasks.spawn(orders::run(journal, mailboxes, queries, self.tasks.stopping()));
        Ok(())
    }

    fn start_control(
        &self,
        settings: &Settings,
        arrived: &Arc<Notify>,
        due: &Arc<Notify>,
    ) -> Result<(), StartError> {
        let control = Control {
            journal: self.journal.clone(),
            board: self.board.clone(),
            arrived: Arc::clone(arrived),
            due: Arc::clone(due),
        };
        let listener = Control::listen(&settings.control_socket)?;
        self.tasks.spawn(control.run(listener, self.tasks.clone()));
        Ok(())
    }

    fn start_intake(
        &self,
        settings: &Settings,
        arrived: Arc<Notify>,
        mailboxes: Mailboxes,
    ) -> Result<(), StartError> {
        let intake = Intake {
            journal: self.journal.clone(),
            board: self.board.clone(),
            mailboxes,
            arrived,
            admission: self.admission(),
            control_ids: ControlIds::new(&self.journal.reader()?.epoch()?),
            trace: settings.trace.clone(),
            tasks: self.tasks.clone(),
        };
        let notes = intake::keep_notes(self.journal.clone(), self.board.clone(), self.tasks.stopping());
        self.tasks.spawn(notes);
        for source in intake::sources(&settings.instruments) {
            intake::start(&intake, source);
        }
        Ok(())
    }

    /// Whether links may let a new transfer begin: only while the journal takes more.
    fn admission(&self) -> watch::Receiver<Admission> {
        let mut condition = self.journal.condition();
        let of = |condition: &Condition| match condition {
            Condition::Good => Admission::Open,
            Condition::Full | Condition::Failed(_) => Admission::Busy,
        };
        let (sender, receiver) = watch::channel(of(&condition.borrow_and_update()));
        let stop = self.tasks.stopping();
        self.tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    changed = condition.changed() => {
                        if changed.is_err() {
                            return;
                        }
                        let condition = condition.borrow_and_update().clone();
                        tracing::warn!(?condition, "the journal's condition changed");
                        sender.send_replace(of(&condition));
                    }
                }
            }
        });
        receiver
    }
}
