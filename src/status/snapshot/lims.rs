//! The LIMS as of one moment: what the journal owes each destination, how it does, and the links over which the LIMS tells
//! something. It only reads.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{Known, Snapshot};
use crate::board::{Cause, DestinationState, DestinationView, LinkState, LinkView};
use crate::config::settings::Mode;
use crate::journal::orders::teller;
use crate::journal::views::QueueView;
use crate::journal::{DestinationSums, Sums};

/// What fails for this long is a matter for a person.
const LASTING: SignedDuration = SignedDuration::from_secs(60);

/// One destination.
#[derive(Debug, Clone)]
pub(in crate::status) struct Lims {
    pub name: String,
    pub state: DestinationState,
    pub cause: Cause,
    pub since: Option<Timestamp>,
    pub last_accepted: Option<Timestamp>,
    /// Attempts since the start, by verdict.
    pub attempts: BTreeMap<&'static str, u64>,
    pub sums: DestinationSums,
    pub queue: QueueView,
    /// The configuration still names it; otherwise nothing leaves for it.
    pub is_configured: bool,
    pub mode: Mode,
}

/// A link over which the LIMS tells something: orders, or what patients had before.
#[derive(Debug, Clone)]
pub(in crate::status) struct ToldBy {
    /// As the board calls it.
    pub link: String,
    /// Why, and since when.
    pub down: Option<(String, Timestamp)>,
}

impl ToldBy {
    /// Why and since when, where it is down and not just for a moment. Where the clock was set back nobody knows for how long.
    fn fails_lastingly(&self, now: Timestamp) -> Option<(&str, Timestamp)> {
        let (why, since) = self.down.as_ref()?;
        (now.duration_since(*since).abs() >= LASTING).then_some((why, *since))
    }
}

/// What is at the other end of such a link is no instrument.
pub(super) fn told_by(links: &BTreeMap<String, LinkView>) -> Vec<ToldBy> {
    let down = |view: &LinkView| match &view.state {
        LinkState::Down(why) => Some((why.clone(), view.since)),
        _ => None,
    };
    let of_the_lims = links.iter().filter(|(_, view)| view.instruments.is_empty());
    of_the_lims.map(|(link, view)| ToldBy { link: link.clone(), down: down(view) }).collect()
}

impl Snapshot {
    /// Who tells orders and hasn't for a while: name, why, since when.
    pub(in crate::status) fn orders_down(&self) -> impl Iterator<Item = (&str, &str, Timestamp)> {
        self.told_by.iter().filter_map(|it| {
            let (why, since) = it.fails_lastingly(self.as_of)?;
            Some((teller(&it.link)?, why, since))
        })
    }

    /// Why and since when the LIMS hasn't told what patients had before.
    pub(in crate::status) fn history_down(&self) -> Option<(&str, Timestamp)> {
        let mut asked = self.told_by.iter().filter(|it| teller(&it.link).is_none());
        asked.find_map(|it| it.fails_lastingly(self.as_of))
    }
}

impl Lims {
    pub(in crate::status) fn deliveries(&self, state: &str) -> i64 {
        self.queue.deliveries.get(state).copied().unwrap_or_default()
    }

    /// Results that leave by themselves: they haven't been sent, or it is being found out whether they arrived.
    pub(in crate::status) fn on_their_way(&self) -> i64 {
        let unknown = self.sums.of("unknown") - self.perhaps_there();
        self.sums.of("pending") + self.sums.of("in-flight") + unknown
    }

    /// Whether anything leaves by itself once it answers: results, or words about them.
    pub(in crate::status) fn owes(&self) -> bool {
        self.on_their_way() > 0 || ["due", "sending", "unknown"].into_iter().any(|it| self.deliveries(it) > 0)
    }

    /// Results that may have arrived, and of which a person must say whether they did.
    pub(in crate::status) fn perhaps_there(&self) -> i64 {
        self.queue.perhaps_there
    }

    /// Results that aren't over yet here.
    pub(in crate::status) fn open(&self) -> i64 {
        ["held", "pending", "in-flight", "unknown", "refused", "quarantined"]
            .into_iter()
            .map(|state| self.sums.of(state))
            .sum()
    }

    /// It fails, and not just for a moment. Where the clock was set back nobody knows for how long.
    pub(in crate::status) fn fails_lastingly(&self, now: Timestamp) -> bool {
        self.last_accepted.or(self.since).is_none_or(|well| now.duration_since(well).abs() >= LASTING)
    }

    /// Nobody is treated by what it holds.
    pub(in crate::status) fn is_under_test(&self) -> bool {
        self.mode == Mode::Test
    }

    /// What is missing or too many between what it is owed and what became of it: zero.
    pub(in crate::status) fn difference(&self) -> i64 {
        self.sums.owed - self.sums.total()
    }
}

pub(super) fn destinations(
    known: &Known,
    sums: &Sums,
    queues: &BTreeMap<String, QueueView>,
    states: &BTreeMap<String, DestinationView>,
) -> Vec<Lims> {
    let names: BTreeSet<&String> = known.destinations.keys().chain(sums.destinations.keys()).collect();
    names
        .into_iter()
        .map(|name| {
            let view = states.get(name);
            Lims {
                name: name.clone(),
                state: view.map_or(DestinationState::Untried, |view| view.state.clone()),
                cause: view.map(|view| view.cause).unwrap_or_default(),
                since: view.map(|view| view.since),
                last_accepted: view.and_then(|view| view.last_accepted_at),
                attempts: view.map(|view| view.attempts.clone()).unwrap_or_default(),
                sums: sums.destinations.get(name).cloned().unwrap_or_default(),
                queue: queues.get(name).cloned().unwrap_or_default(),
                is_configured: known.destinations.contains_key(name),
                mode: known.destinations.get(name).copied().unwrap_or_default(),
            }
        })
        .collect()
}
