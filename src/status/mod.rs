//! The technicians' status page: what every analyzer, the queue and the LIMS are doing, what waits for a person, and
//! the way of one specimen. It reads, and hands what somebody who signed in decides to the control interface, as the
//! commands do; it shows patient data to whoever may open it, and never logs any: not a path, not a query, not a content.

mod act;
mod alarm_list;
mod alarms;
mod analyzer;
mod anew;
mod annunciator;
mod api;
mod around;
mod asker;
mod assets;
mod bench;
mod by_hand;
mod call;
mod calls;
mod card;
mod chart;
mod clock;
mod connections;
mod destination;
mod downtime;
mod entrance;
mod exposition;
mod failure;
mod form;
mod guard;
mod health;
mod held;
mod hold;
mod lead;
mod lists;
mod live;
mod machine;
mod measured;
mod misread;
mod next;
mod noted;
mod offset;
mod orders;
mod overview;
mod preview;
mod problem;
mod qc;
mod raw;
mod readers;
mod reconciliation;
mod resend;
mod routes;
mod secret;
mod sessions;
mod several;
mod severity;
mod shell;
mod sign_in;
mod snapshot;
mod spark;
mod specimen;
mod typed;
mod wall;
mod who;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use jiff::tz::TimeZone;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::limit::RequestBodyLimitLayer;

use crate::board::{Board, Chore};
use crate::config::Settings;
use crate::config::settings::{Instrument, JournalSettings, Language, Transport};
use crate::domain::qc::Plan;
use crate::host::control::Control;
use crate::host::tls::Acceptor;
use crate::journal::orders::source_names;
use crate::journal::{Condition, Counting, Journal, JournalError, Reader};

pub use alarms::{Alarm, Extent};
use annunciator::Annunciator;
use around::Lookout;
use clock::Clock;
use connections::Limits;
use entrance::Entrance;
use live::Pulse;
use measured::Measured;
pub use overview::answer as answer_overviews;
use preview::Readings;
use readers::Readers;
use reconciliation::Days;
use resend::Outlet;
pub use resend::Renders;
pub use routes::{forms, views};
use secret::Secrets;
use sessions::Sessions;
use snapshot::{Configured, Known, Snapshot, Stored, Wire};

/// How long one page may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest request body in bytes: that of a form.
const BODY: usize = 16 * 1024;

/// What was read of the journal for all views, and when its reading began.
#[derive(Clone)]
struct Latest {
    began: Instant,
    stored: Stored,
    days_left: Option<u64>,
}

/// What the page knows, may read, and hands decisions to. Clones share it.
#[derive(Clone)]
pub struct Page {
    readers: Readers,
    latest: Arc<Mutex<Option<Latest>>>,
    board: Board,
    condition: watch::Receiver<Condition>,
    standstill: watch::Receiver<Option<String>>,
    delays: Arc<Counting>,
    /// When the loops that results depend on were last seen at work.
    alive: watch::Receiver<Instant>,
    journal: Arc<JournalSettings>,
    site: Arc<str>,
    language: Language,
    entrance: Arc<Entrance>,
    annunciator: Annunciator,
    /// What was wrong at the last look.
    looked: Arc<watch::Sender<Option<Vec<Alarm>>>>,
    /// How long a link may be down before people go to paper.
    paper_after: Duration,
    known: Arc<Known>,
    instruments: Arc<Readings>,
    lookout: Arc<Lookout>,
    zone: TimeZone,
    pulse: Arc<watch::Sender<Pulse>>,
    days: Days,
    outlets: Arc<BTreeMap<String, Outlet>>,
    qc: Arc<Plan>,
    /// Where visits, passwords and PINs are written.
    people: Journal,
    control: Control,
    sessions: Sessions,
    secrets: Secrets,
    /// The configured names of those who tell orders.
    order_sources: Arc<Vec<String>>,
}

impl Page {
    pub fn new(
        journal: &Journal,
        board: &Board,
        control: Control,
        settings: &Settings,
        renders: Renders,
        alive: watch::Receiver<Instant>,
    ) -> Page {
        let instruments = settings.instruments.iter().map(|it| configured(it)).collect();
        let destinations: BTreeMap<_, _> =
            settings.destinations.iter().map(|it| (it.id.to_string(), it.mode)).collect();
        let readings = Arc::new(preview::readings(settings));
        let names = destinations.keys().cloned().collect();
        Page {
            lookout: Arc::new(Lookout::new(Arc::clone(&readings), names, settings.qc.valid_for)),
            readers: Readers::new(settings.journal.path.clone()),
            latest: Arc::default(),
            board: board.clone(),
            condition: journal.condition(),
            standstill: journal.standstill(),
            delays: journal.delays(),
            alive,
            journal: Arc::new(settings.journal.clone()),
            site: settings.site.as_str().into(),
            language: settings.page.language,
            annunciator: Annunciator::default(),
            looked: Arc::new(watch::Sender::new(None)),
            entrance: Arc::new(Entrance::new(&settings.page)),
            paper_after: settings.page.paper_after,
            known: Arc::new(Known {
                instruments,
                destinations,
                rules: settings.rules.sha256.clone(),
                call_steps: settings.call_steps.clone(),
                measured: Arc::new(Measured::new(&readings, &settings.rules)),
            }),
            zone: TimeZone::system(),
            pulse: Arc::new(watch::Sender::new(Pulse::default())),
            days: Days::new(settings),
            outlets: Arc::new(resend::outlets(settings, renders)),
            qc: Arc::clone(&settings.qc),
            instruments: readings,
            people: journal.clone(),
            control,
            sessions: Sessions::new(settings.page.away_after),
            secrets: Secrets::new(),
            order_sources: Arc::new(settings.orders.iter().map(|it| it.name.clone()).collect()),
        }
    }

    /// Those who tell orders, as the journal names them.
    fn sources_of_orders(&self) -> BTreeSet<String> {
        source_names(self.order_sources.iter().map(String::as_str))
    }

    /// Everything of one moment, and what `more` reads of the same one.
    async fn read<T: Send + 'static>(
        &self,
        more: impl FnOnce(&Reader) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<(Snapshot, T), JournalError> {
        let (latest, more) = self.read_stored(more).await?;
        Ok((self.of(latest), more))
    }

    /// Everything of one moment. Whoever asks while another reads waits for the next reading, which is for all who wait: it
    /// began after each of them had asked, so that nobody sees less than by a reading of their own.
    async fn snapshot(&self) -> Result<Snapshot, JournalError> {
        let asked = crate::clock::monotonic();
        let mut latest = self.latest.lock().await;
        if let Some(latest) = latest.as_ref().filter(|it| it.began >= asked) {
            return Ok(self.of(latest.clone()));
        }
        let (read, ()) = self.read_stored(|_| Ok(())).await?;
        *latest = Some(read.clone());
        drop(latest);
        Ok(self.of(read))
    }

    async fn read_stored<T: Send + 'static>(
        &self,
        more: impl FnOnce(&Reader) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<(Latest, T), JournalError> {
        let began = crate::clock::monotonic();
        let (now, zone, reserve) = (crate::clock::now(), self.zone.clone(), self.journal.reserve_bytes);
        let lookout = Arc::clone(&self.lookout);
        let read = move |reader: &Reader| {
            reader.at_one_moment(|reader| {
                Ok((
                    Stored::read(reader, now, &zone, &lookout)?,
                    reader.days_left(reserve, now)?,
                    more(reader)?,
                ))
            })
        };
        let read = self.readers.read(read).await;
        let condition = self.condition.borrow().clone();
        // On a full disk there may not even be room to read.
        let full = |error| match error {
            JournalError::Failed(_) if condition == Condition::Full => JournalError::Full,
            other => other,
        };
        let (stored, days_left, more) = read.map_err(full)?;
        Ok((Latest { began, stored, days_left }, more))
    }

    /// What was read, with what every link and destination is doing now.
    fn of(&self, latest: Latest) -> Snapshot {
        let Latest { stored, days_left, .. } = latest;
        let condition = self.condition.borrow().clone();
        let (links, states) = (self.board.links(), self.board.destinations());
        let as_of = crate::clock::now();
        let snapshot = Snapshot::new(as_of, condition, stored, &self.known, &links, &states);
        let failing = |chore| self.board.failing(chore);
        let (reports_fail, archiving_fails) = (failing(Chore::Reports), failing(Chore::Archiving));
        let differing = self.board.configuration();
        Snapshot {
            reports_fail,
            archiving_fails,
            differing,
            days_left,
            alarms: self.annunciator.on(),
            ..snapshot
        }
    }

    fn clock(&self, snapshot: &Snapshot) -> Clock {
        Clock::new(self.zone.clone(), snapshot.as_of)
    }
}

/// An instrument with the site's description of it, else its model.
fn configured(instrument: &Instrument) -> Configured {
    Configured {
        name: instrument.id.to_string(),
        description: match instrument.description.trim() {
            "" => format!("{} {}", instrument.profile.vendor, instrument.profile.model),
            description => description.to_owned(),
        },
        wire: match &instrument.transport {
            Transport::Serial(port) => Wire::Port(port.device.display().to_string()),
            Transport::TcpClient(called) => Wire::Called(called.connect.clone()),
            Transport::TcpServer(calls) => Wire::Calls(calls.listen.to_string()),
            Transport::Drop(_) => Wire::Files,
        },
    }
}

/// Answers until `stop` is cancelled; open connections and streams end then.
pub async fn serve(listener: TcpListener, tls: Option<Acceptor>, page: Page, stop: CancellationToken) {
    let app = router(page.clone());
    let serving = connections::serve(&listener, tls, &app, Limits::OF_THE_PAGE, stop.clone());
    tokio::join!(serving, live::announce(&page, stop.clone()), live::annunciate(&page, stop));
}

fn router(page: Page) -> Router {
    guarded(routes::router().merge(api::router()).fallback(failure::no_such_page), TIMEOUT, page)
}

/// What every page is within: the guard, the limits, and an answer for one that takes too long or breaks off.
fn guarded(pages: Router<Page>, timeout: Duration, page: Page) -> Router {
    let pages = pages
        .layer(axum::middleware::from_fn_with_state(page.clone(), typed::keep))
        .layer(CatchPanicLayer::custom(failure::panicked))
        .layer(axum::middleware::from_fn(move |request, next| failure::in_time(timeout, request, next)));
    Router::new()
        .route("/events", get(live::events))
        .layer(CatchPanicLayer::custom(failure::panicked))
        .merge(pages)
        .layer(RequestBodyLimitLayer::new(BODY))
        .layer(CsrfLayer::new())
        .layer(axum::middleware::from_fn_with_state(page.clone(), guard::guard))
        .with_state(page)
}

#[cfg(test)]
mod tests;
