//! The bench for who looks through the control socket: the same numbers and words, in English, without patients.

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::bench::{contact, lims};
use super::clock::Clock;
use super::lead::lead;
use super::severity::Severity;
use super::snapshot::{Analyzer, Lims, Snapshot};
use super::{Page, shell::Mark};
use crate::host::control::{AnalyzerLine, DestinationLine, Overview, Weight};

/// Answers who asks for an overview, until the gateway stops. `None` where the journal can't be read.
pub async fn answer(
    page: Page,
    mut asked: mpsc::Receiver<oneshot::Sender<Option<Overview>>>,
    stop: CancellationToken,
) {
    while let Some(Some(answer)) = stop.run_until_cancelled(asked.recv()).await {
        let snapshot = page.snapshot().await.ok();
        let told = snapshot.map(|snapshot| overview(&page.site, &snapshot, &page.clock(&snapshot)));
        // Who doesn't wait any more needs none.
        let _ = answer.send(told);
    }
}

fn overview(site: &str, snapshot: &Snapshot, clock: &Clock) -> Overview {
    let lead = lead(snapshot, clock);
    let waiting = snapshot.waiting;
    let waiting = [
        (waiting.unread, "to be read"),
        (waiting.unattributed, "of unknown senders"),
        (waiting.incomplete, "cut short"),
        (waiting.held, "held"),
        (waiting.dead_letters, "dead letters"),
        (waiting.open_problems, "problems"),
        (waiting.unanswered_queries, "queries without orders"),
    ];
    Overview {
        site: site.to_owned(),
        as_of: snapshot.as_of.as_second(),
        weight: weight(lead.severity.class()),
        headline: lead.headline.english(),
        then: lead.then.english(),
        waiting: waiting.into_iter().map(|(count, what)| (count, what.to_owned())).collect(),
        calls: snapshot.calls.len(),
        overdue: snapshot.calls.iter().filter(|call| call.is_overdue(snapshot.as_of)).count(),
        analyzers: snapshot.analyzers.iter().map(|it| analyzer(it, clock)).collect(),
        destinations: snapshot.destinations.iter().map(|it| destination(it, snapshot, clock)).collect(),
    }
}

fn weight(class: &str) -> Weight {
    let known = [
        (Severity::Danger, Weight::Danger),
        (Severity::Act, Weight::Act),
        (Severity::Odd, Weight::Odd),
        (Severity::Wait, Weight::Wait),
    ];
    known
        .into_iter()
        .find(|(severity, _)| severity.class() == class)
        .map_or(Weight::Calm, |(_, weight)| weight)
}

fn analyzer(it: &Analyzer, clock: &Clock) -> AnalyzerLine {
    let (Mark { class, words }, _) = contact(it, clock);
    AnalyzerLine {
        name: it.name.clone(),
        weight: weight(class),
        state: words.english(),
        last_message: it.counts.last_message.map(jiff::Timestamp::as_second),
        received: it.counts.received,
        held: it.counts.held,
        problems: it.counts.open_problems,
    }
}

/// What the LIMS says of itself isn't told here: nobody knows that it names no patient.
fn destination(it: &Lims, snapshot: &Snapshot, clock: &Clock) -> DestinationLine {
    let Mark { class, words } = lims(it, snapshot, clock).mark;
    DestinationLine {
        name: it.name.clone(),
        weight: weight(class),
        state: words.english(),
        waiting: it.open(),
        oldest: it.queue.oldest.map(jiff::Timestamp::as_second),
        last_accepted: it.last_accepted.map(jiff::Timestamp::as_second),
        dead_letters: it.deliveries("dead") + it.deliveries("unknown"),
    }
}
