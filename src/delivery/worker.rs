//! One destination's worker: leases what may leave, sends it, and settles it by the answer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc};

use super::bundle::Profiles;
use super::kind::{Attempted, Client, render};
use super::pace::Pace;
use super::retry::{Circuit, longest_wait, retry_at, seed};
use super::verdict::Judgement;
use crate::board::{Board, Cause, DestinationState};
use crate::clock::{self, Steps};
use crate::config::settings::{Destination, OnUnknown, VerdictKind};
use crate::journal::ledger::{Fate, Lease, Next, Render, Resolve, Settlement};
use crate::journal::{Journal, JournalError, ObservationId};
use crate::shutdown::Tasks;

/// How long to sleep when nothing rings: retries become due by themselves.
const LOOK: Duration = Duration::from_millis(500);

/// What a worker needs.
#[derive(Clone)]
pub struct Delivery {
    pub journal: Journal,
    pub board: Board,
    pub tasks: Tasks,
    /// Rung whenever something may have become due.
    pub due: Arc<Notify>,
    pub site: String,
    /// The profiles of the configured instruments.
    pub profiles: Arc<Profiles>,
}

/// What an attempt came to, for the circuit.
struct Report {
    verdict: VerdictKind,
    detail: String,
    cause: Cause,
    retry_after: Option<Duration>,
}

/// Runs until the gateway stops. An attempt that is out then may still end; if it can't, the next start finds it.
pub async fn run(delivery: Delivery, destination: Arc<Destination>, client: Client) {
    let client = Arc::new(client);
    let stop = delivery.tasks.stopping();
    let (report, mut reports) = mpsc::channel::<Report>(destination.parallel.max(1));
    let render = render(&destination, &delivery.site, &delivery.profiles);
    let mut circuit = Circuit::Closed { failures: 0 };
    let mut pace = Pace::new(destination.per_second);
    let mut in_flight = 0;
    let mut steps = Steps::from(clock::now(), clock::monotonic());
    // Nobody knows what the clock did while the gateway didn't run.
    after_a_step(&delivery, &destination, Duration::ZERO).await;
    loop {
        let mut more = true;
        let set_back = steps.set_back(clock::now(), clock::monotonic());
        if !set_back.is_zero() && !stop.is_cancelled() {
            tracing::warn!(destination = %destination.id, by = ?set_back, "the clock was set back; what waits waits no longer for it");
            after_a_step(&delivery, &destination, set_back).await;
        }
        if circuit.tries_again(in_flight, clock::monotonic()) && !stop.is_cancelled() {
            after_an_outage(&delivery, &destination).await;
        }
        while more
            && circuit.room(destination.parallel, in_flight, clock::monotonic()) > 0
            && pace.wait(clock::monotonic()).is_zero()
            && !stop.is_cancelled()
        {
            match lease(&delivery, &destination, &render).await {
                Some(lease) => {
                    circuit = circuit.leased();
                    pace = pace.begun(clock::monotonic());
                    in_flight += 1;
                    let attempt =
                        attempt(delivery.clone(), Arc::clone(&destination), Arc::clone(&client), lease);
                    let report = report.clone();
                    delivery.tasks.spawn(async move {
                        let _ = report.send(attempt.await).await;
                    });
                }
                None => more = false,
            }
        }
        // What the pace alone holds back goes on as soon as it lets go.
        let look = match pace.wait(clock::monotonic()) {
            wait if more && !wait.is_zero() => wait.min(LOOK),
            _ => LOOK,
        };
        tokio::select! {
            () = stop.cancelled() => return,
            Some(report) = reports.recv() => {
                in_flight -= 1;
                circuit = turn(circuit, &report, &destination);
                show(&delivery.board, &destination, circuit, report);
            }
            () = delivery.due.notified() => {}
            () = tokio::time::sleep(look) => {}
        }
    }
}

async fn lease(delivery: &Delivery, destination: &Destination, render: &Render) -> Option<Lease> {
    let resolve = match destination.on_unknown {
        OnUnknown::Probe => Resolve::Probe,
        OnUnknown::Resend => Resolve::Resend,
        OnUnknown::Ask => Resolve::Wait,
    };
    match delivery.journal.lease(destination.id.clone(), resolve, Arc::clone(render), clock::now()).await {
        Ok(lease) => lease,
        Err(JournalError::Full) => None,
        Err(error) => {
            tracing::error!(destination = %destination.id, %error, "failed to lease a delivery");
            None
        }
    }
}

/// The clock was set back by this much, or may have been by more: nothing waits longer than it was ever to wait.
async fn after_a_step(delivery: &Delivery, destination: &Destination, set_back: Duration) {
    let longest = longest_wait(&destination.backoff);
    match delivery.journal.after_a_step(destination.id.clone(), set_back, longest, clock::now()).await {
        Ok(()) | Err(JournalError::Full) => {}
        Err(error) => {
            tracing::error!(destination = %destination.id, %error, "failed to hasten what waits since before the clock was set");
        }
    }
}

async fn after_an_outage(delivery: &Delivery, destination: &Destination) {
    match delivery.journal.after_an_outage(destination.id.clone(), clock::now()).await {
        Ok(()) | Err(JournalError::Full) => {}
        Err(error) => {
            tracing::error!(destination = %destination.id, %error, "failed to order what waited for the LIMS");
        }
    }
}

async fn attempt(
    delivery: Delivery,
    destination: Arc<Destination>,
    client: Arc<Client>,
    lease: Lease,
) -> Report {
    let attempted = client.attempt(&lease).await;
    let judgement = &attempted.judgement;
    tracing::info!(
        destination = %destination.id, specimen_token = lease.token.as_ref().map(display),
        instrument = whole(lease.came.iter().map(|it| &it.instrument)),
        correlation_id = whole(lease.came.iter().map(|it| it.correlation)),
        delivery = %lease.delivery, key = lease.key, attempt = lease.number,
        verdict = ?judgement.verdict, "{}", judgement.detail
    );
    let report = Report {
        verdict: judgement.verdict,
        detail: judgement.detail.clone(),
        cause: judgement.cause,
        retry_after: judgement.retry_after,
    };
    settle(&delivery, &destination, &lease, attempted).await;
    report
}

/// Each word once, in order: most deliveries are of one message and so of one analyzer.
fn whole<T: Ord + ToString>(words: impl Iterator<Item = T>) -> Option<String> {
    let words: BTreeSet<T> = words.collect();
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// Counts how long results took that the LIMS has now.
fn count_arrived(board: &Board, lease: &Lease, fates: &[(ObservationId, Fate)], now: Timestamp) {
    let accepted = fates.iter().filter(|(_, fate)| *fate == Fate::Accepted);
    for (observation, _) in accepted {
        let came = lease.came.iter().find(|it| it.is_result && it.observation == *observation);
        if let Some(came) = came {
            // A clock that was set back in between makes no time negative.
            let took = Duration::try_from(now.duration_since(came.received_at)).unwrap_or_default();
            board.arrived(&came.instrument, took);
        }
    }
}

/// Writes the answer down. Until that works the delivery can't be leased again, so this goes on trying.
async fn settle(delivery: &Delivery, destination: &Destination, lease: &Lease, attempted: Attempted) {
    let Attempted { judgement, status, body, connection } = attempted;
    loop {
        let now = clock::now();
        let settlement = Settlement {
            next: next(destination, lease, &judgement, now),
            fates: judgement.fates.clone(),
            status,
            body: body.clone(),
            verdict: judgement.verdict.name().to_owned(),
            detail: judgement.detail.clone(),
            connection: connection.clone(),
        };
        match delivery.journal.settle(lease, settlement, now).await {
            Ok(()) => {
                count_arrived(&delivery.board, lease, &judgement.fates, now);
                return delivery.due.notify_one();
            }
            Err(JournalError::Full) => tokio::time::sleep(LOOK).await,
            Err(error) => {
                tracing::error!(destination = %destination.id, specimen_token = lease.token.as_ref().map(display),
                    delivery = %lease.delivery, %error,
                    "failed to settle a delivery; the next start treats it as unknown");
                return;
            }
        }
    }
}

fn next(destination: &Destination, lease: &Lease, judgement: &Judgement, now: Timestamp) -> Next {
    let again = || {
        let seed = seed(lease.delivery.0, lease.number);
        retry_at(&destination.backoff, lease.number, now, judgement.retry_after, seed)
    };
    let any = |wanted: fn(&Fate) -> bool| judgement.fates.iter().any(|(_, fate)| wanted(fate));
    if any(|fate| *fate == Fate::Unknown) {
        match destination.on_unknown {
            OnUnknown::Ask => Next::Dead,
            OnUnknown::Probe | OnUnknown::Resend => Next::Unknown { at: again() },
        }
    } else if any(|fate| *fate == Fate::Again) {
        Next::Retry { at: again() }
    } else if any(|fate| matches!(fate, Fate::Refused(_))) {
        Next::Dead
    } else {
        Next::Settled
    }
}

fn turn(circuit: Circuit, report: &Report, destination: &Destination) -> Circuit {
    match report.verdict {
        VerdictKind::Retry | VerdictKind::Unknown => {
            circuit.failed(&destination.breaker, clock::monotonic(), report.retry_after)
        }
        _ => circuit.answered(),
    }
}

fn show(board: &Board, destination: &Destination, circuit: Circuit, report: Report) {
    let state = match (circuit, report.verdict) {
        (Circuit::Resting { until }, _) => {
            let rest = until.saturating_duration_since(clock::monotonic());
            let until = clock::now().checked_add(rest).unwrap_or(Timestamp::MAX);
            DestinationState::Resting { until, why: report.detail }
        }
        (_, VerdictKind::Retry | VerdictKind::Unknown) => DestinationState::Failing(report.detail),
        _ => DestinationState::Up,
    };
    board.set_destination(destination.id.as_str(), clock::now(), state, report.cause);
    board.attempted(destination.id.as_str(), report.verdict.name());
}
