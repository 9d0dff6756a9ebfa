//! What systemd is told: that labwire is ready, in one line what it is doing, that the loops are alive which results depend
//! on, and that it stops. Without systemd nothing is told. It never says anything of a patient.

use std::time::{Duration, Instant};

use sd_notify::NotifyState;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::sockets::Sockets;
use crate::board::{Board, DestinationState, LinkState};
use crate::clock;
use crate::journal::{Condition, Journal};

/// How long the links may take to begin before labwire is called ready without them.
const BEGINNING: Duration = Duration::from_secs(10);
/// The line about what it is doing changes no more often than this.
const BREATH: Duration = Duration::from_secs(2);
/// The runner turns at least this often, and a long message may take it as long again.
const TURN: Duration = Duration::from_secs(5);

/// How long the loops may be silent where systemd has no watchdog.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is watched.
pub struct Watched {
    pub journal: Journal,
    pub board: Board,
    /// When the loop that reads messages last turned.
    pub runner: watch::Receiver<Instant>,
    /// Told whenever the journal was found committing and the runner turning.
    pub alive: watch::Sender<Instant>,
    pub sockets: Sockets,
}

/// Tells until the gateway stops.
pub async fn run(watched: Watched, stop: CancellationToken) {
    let told = async {
        begun(&watched).await;
        watched.sockets.close_the_rest();
        tell(&[NotifyState::Ready, NotifyState::Status(&status(&watched))]);
        let patience = sd_notify::watchdog_enabled().unwrap_or(PATIENCE);
        tokio::join!(describe(&watched), feed(&watched, patience)).0
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = told => {}
    }
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping: transfers under way may end")]);
}

/// Returns once every link has begun or failed, and the journal is open or known to be on a full disk.
async fn begun(watched: &Watched) {
    let mut changes = watched.board.changes();
    let links = async {
        while watched.board.links().values().any(|link| link.state == LinkState::Starting) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    };
    // A link that hangs is reported by the page; it keeps nobody else from starting.
    let _ = timeout(BEGINNING, links).await;
}

async fn describe(watched: &Watched) {
    let mut changes = watched.board.changes();
    let mut said = String::new();
    loop {
        let now = status(watched);
        if now != said {
            tell(&[NotifyState::Status(&now)]);
            said = now;
        }
        sleep(BREATH).await;
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// Says that labwire is alive, to the page and to the watchdog, while the journal commits and the runner turns: three times in
/// each of the watchdog's periods.
async fn feed(watched: &Watched, patience: Duration) {
    let mut ticks = interval(patience / 3);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        watched.journal.turn().await;
        let idle = clock::monotonic().duration_since(*watched.runner.borrow());
        // Until there is room on the disk there may be no runner yet.
        let is_full = *watched.journal.condition().borrow() == Condition::Full;
        if is_full || idle < patience.max(TURN) {
            watched.alive.send_replace(clock::monotonic());
            tell(&[NotifyState::Watchdog]);
        } else {
            tracing::error!(seconds = idle.as_secs(), "the loop that reads messages is stuck");
        }
    }
}

/// One line for `systemctl status`.
fn status(watched: &Watched) -> String {
    match &*watched.journal.condition().borrow() {
        Condition::Good => {}
        Condition::Full => return "THE DISK IS FULL: no new transmission is accepted".to_owned(),
        Condition::Failed(_) => return "THE JOURNAL HAS FAILED: nothing is acknowledged".to_owned(),
    }
    if let Some(why) = &*watched.journal.standstill().borrow() {
        return format!("NOTHING IS DELIVERED: {why}");
    }
    let (links, destinations) = (watched.board.links(), watched.board.destinations());
    let talking = links.values().filter(|link| matches!(link.state, LinkState::Connected { .. })).count();
    let down = links.values().filter(|link| matches!(link.state, LinkState::Down(_))).count();
    let failing = destinations
        .values()
        .filter(|it| matches!(it.state, DestinationState::Failing(_) | DestinationState::Resting { .. }))
        .count();
    let refused = watched.board.refused().map(|why| format!("; RELOAD REFUSED: {why}")).unwrap_or_default();
    format!(
        "{talking} of {} links connected, {down} down; {failing} of {} destinations failing{refused}",
        links.len(),
        destinations.len()
    )
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "failed to tell systemd how labwire is");
    }
}
