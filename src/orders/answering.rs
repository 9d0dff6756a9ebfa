//! Answers to host queries. There are no orders here yet, so the answer is always that there is nothing to do, in the
//! model's own way, on the connection that asked.

use jiff::SignedDuration;
use labwire_link::SendId;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::journal::Journal;
use crate::journal::results::QueryId;
use crate::pipeline::no_orders;
use crate::pipeline::runner::{Asked, reading};
use crate::wire::{Mailboxes, Outgoing};

/// A host query older than this has been given up by the analyzer: the most patient one known waits 60 s, most 10 s.
const QUERY_AGE: SignedDuration = SignedDuration::from_secs(60);

/// Answers what is asked until the gateway stops. What came of each answer is noted by the connection that sent it.
pub async fn run(
    journal: Journal,
    mailboxes: Mailboxes,
    mut asked: mpsc::Receiver<Asked>,
    stop: CancellationToken,
) {
    loop {
        let next = tokio::select! {
            () = stop.cancelled() => return,
            next = asked.recv() => next,
        };
        let Some(asked) = next else { return };
        for (query, answer) in answer(&mailboxes, &asked) {
            if let Err(error) = journal.answer_query(query, answer.to_owned(), clock::now()).await {
                tracing::error!(%error, "failed to record the answer to a host query");
            }
        }
    }
}

/// Hands one answer for the whole message to its connection. Returns the queries whose fate is known already.
fn answer(mailboxes: &Mailboxes, asked: &Asked) -> Vec<(QueryId, &'static str)> {
    let Asked { message, instrument, queries } = asked;
    let now = clock::now();
    let in_time = now.duration_since(message.received_at) <= QUERY_AGE;
    let mut answer = no_orders(&message.content, &reading(instrument), now).filter(|_| in_time);
    let mut known = Vec::new();
    for (query, id) in queries {
        if query.cancels {
            known.push((*id, "withdrawn by the analyzer"));
        } else if let Some(content) = answer.take() {
            let outgoing = Outgoing { id: SendId(id.0.unsigned_abs()), content };
            if mailboxes.send(&message.source, &message.peer, outgoing).is_err() {
                known.push((*id, "not answered: the connection is gone"));
            }
        } else if in_time {
            known.push((*id, "no information: answered with the message's first query"));
        } else {
            known.push((*id, "not answered: too late"));
        }
    }
    known
}
