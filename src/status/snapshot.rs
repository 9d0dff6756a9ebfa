//! Everything the page knows, read in one go: the journal as of one moment, and what every link and destination is
//! doing. Each number stands here once, so that no two places of the page can disagree.

mod lims;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::annunciator::On;
use super::around::{Around, Lookout};
use super::measured::Measured;
use crate::board::{
    Cause, DestinationState, DestinationView, Differing, Doing, DropView, LinkState, LinkView,
};
use crate::config::settings::Mode;
use crate::domain::call::Step;
use crate::domain::traffic::{self, Quiet};
use crate::journal::calls::CallView;
use crate::journal::notes::LinkNotes;
use crate::journal::restoration::Standstill;
use crate::journal::retention::Archive;
use crate::journal::rules::Signed;
use crate::journal::traffic::Hour;
use crate::journal::views::{
    DeadLetter, HoldView, InstrumentView, ProblemView, QueryView, QueueView, Waiting,
};
use crate::journal::{Condition, JournalError, Reader, Sums};

pub(super) use lims::{Lims, ToldBy};
use lims::{destinations, told_by};

/// How much of an analyzer's traffic is shown.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// The most rows of one list.
pub(super) const LIST: usize = 500;

/// One moment.
pub(super) struct Snapshot {
    pub as_of: Timestamp,
    pub condition: Condition,
    /// Why nothing is delivered, if somebody must resume first.
    pub standstill: Option<Standstill>,
    pub sums: Sums,
    pub waiting: Waiting,
    pub analyzers: Vec<Analyzer>,
    pub destinations: Vec<Lims>,
    /// The links over which the LIMS tells something.
    pub told_by: Vec<ToldBy>,
    pub problems: Vec<ProblemView>,
    pub held: Vec<HoldView>,
    pub letters: Vec<DeadLetter>,
    /// The open critical calls, the one that is due first first.
    pub calls: Vec<CallView>,
    /// Whom to call about them.
    pub call_steps: Vec<Step>,
    /// What each test is called.
    pub measured: Arc<Measured>,
    pub queries: Vec<QueryView>,
    /// What is wrong, as far as somebody looked.
    pub alarms: Vec<On>,
    /// Since when the reconciliation's reports can't be written, and why.
    pub reports_fail: Option<(Timestamp, String)>,
    /// Since when bytes of old messages can't be archived, and why.
    pub archiving_fails: Option<(Timestamp, String)>,
    /// How the configuration on disk differs from the one that runs.
    pub differing: Option<Differing>,
    /// How many bytes of old messages have left for archives, and when last.
    pub archived: Option<(u64, Timestamp)>,
    /// For how long the journal's disk has room, in days, where that can be told.
    pub days_left: Option<u64>,
    /// The rules in force, and whether they are those that are configured.
    pub rules: Option<(Signed, bool)>,
}

/// One analyzer: configured, or known from what the journal holds.
#[derive(Debug, Clone)]
pub(super) struct Analyzer {
    pub name: String,
    pub description: String,
    pub counts: InstrumentView,
    pub contact: Contact,
    /// While its link is down.
    pub cause: Cause,
    /// None for one that is no longer configured.
    pub wire: Option<Wire>,
    /// Other analyzers on the same listener: which of them is connected can't be told before it sends.
    pub shared_with: Vec<String>,
    pub last_note: Option<(Timestamp, String)>,
    /// What the journal keeps of its link's notes, which lags a few seconds behind.
    pub notes: Vec<LinkNotes>,
    pub source: Option<String>,
    /// Where it leaves files.
    pub drop: Option<DropView>,
    /// What it means that nothing comes.
    pub quiet: Quiet,
    /// Results in each hour of the last day that brought some.
    pub hours: Vec<Hour>,
    pub around: Around,
}

/// An instrument of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Configured {
    pub name: String,
    pub description: String,
    pub wire: Wire,
}

/// What lies between an analyzer and this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wire {
    /// A serial port.
    Port(String),
    /// labwire connects to it there.
    Called(String),
    /// It connects to labwire there.
    Calls(String),
    Files,
}

/// What its link is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Contact {
    Starting,
    Down {
        why: String,
        since: Timestamp,
    },
    /// A listener to which nobody is connected.
    Listening {
        since: Timestamp,
    },
    /// A place that is looked at for files now and then.
    Polling {
        since: Timestamp,
    },
    Connected {
        peers: BTreeMap<String, Doing>,
        since: Timestamp,
    },
    /// No longer in the configuration.
    Removed,
}

/// What doesn't change while the gateway runs.
#[derive(Clone)]
pub(super) struct Known {
    pub instruments: Vec<Configured>,
    pub destinations: BTreeMap<String, Mode>,
    /// The SHA-256 of the configured rules.
    pub rules: String,
    /// Whom to call about critical values.
    pub call_steps: Vec<Step>,
    pub measured: Arc<Measured>,
}

/// The journal's part.
#[derive(Clone)]
pub(super) struct Stored {
    sums: Sums,
    waiting: Waiting,
    instruments: Vec<InstrumentView>,
    queues: BTreeMap<String, QueueView>,
    problems: Vec<ProblemView>,
    held: Vec<HoldView>,
    letters: Vec<DeadLetter>,
    calls: Vec<CallView>,
    queries: Vec<QueryView>,
    notes: Vec<LinkNotes>,
    traffic: BTreeMap<String, (Quiet, Vec<Hour>)>,
    around: BTreeMap<String, Around>,
    rules: Option<Signed>,
    standstill: Option<Standstill>,
    archives: Vec<Archive>,
}

impl Stored {
    pub(super) fn read(
        reader: &Reader,
        now: Timestamp,
        zone: &TimeZone,
        lookout: &Lookout,
    ) -> Result<Stored, JournalError> {
        let instruments = reader.instruments()?;
        let traffic =
            instruments.iter().map(|it| Ok((it.instrument.clone(), traffic(reader, it, now, zone)?)));
        Ok(Stored {
            traffic: traffic.collect::<Result<_, JournalError>>()?,
            around: lookout.look(reader, &instruments, now)?,
            sums: reader.sums()?,
            waiting: reader.waiting()?,
            instruments,
            queues: reader.queues()?,
            problems: reader.open_problems(LIST)?,
            held: reader.held(LIST)?,
            letters: reader.dead_letters(LIST)?,
            calls: reader.open_calls()?,
            archives: reader.archives()?,
            queries: reader.unanswered_queries(LIST)?,
            notes: reader.link_notes()?,
            rules: reader.signed_rules()?,
            standstill: reader.standstill()?,
        })
    }
}

impl Snapshot {
    pub(super) fn new(
        as_of: Timestamp,
        condition: Condition,
        stored: Stored,
        known: &Known,
        links: &BTreeMap<String, LinkView>,
        states: &BTreeMap<String, DestinationView>,
    ) -> Snapshot {
        let Stored {
            sums,
            waiting,
            instruments,
            queues,
            problems,
            held,
            letters,
            calls,
            queries,
            notes,
            mut traffic,
            mut around,
            rules,
            standstill,
            archives,
        } = stored;
        let mut analyzers = analyzers(known, &instruments, links, &notes);
        for it in &mut analyzers {
            (it.quiet, it.hours) = traffic.remove(&it.name).unwrap_or_default();
            it.around = around.remove(&it.name).unwrap_or_default();
        }
        let destinations = destinations(known, &sums, &queues, states);
        Snapshot {
            as_of,
            condition,
            standstill,
            sums,
            waiting,
            analyzers,
            destinations,
            told_by: told_by(links),
            problems,
            held,
            letters,
            calls,
            call_steps: known.call_steps.clone(),
            measured: Arc::clone(&known.measured),
            queries,
            alarms: Vec::new(),
            reports_fail: None,
            archiving_fails: None,
            archived: archived(&archives),
            differing: None,
            days_left: None,
            rules: rules.map(|signed| {
                let configured = signed.sha256 == known.rules;
                (signed, configured)
            }),
        }
    }
}

impl Snapshot {
    /// Whether anything is sent to a destination of this name.
    /// It fails, and not just for a moment.
    pub(super) fn is_down(&self, destination: &str) -> bool {
        let fails = |it: &Lims| match it.state {
            DestinationState::Resting { .. } => true,
            DestinationState::Failing(_) => it.fails_lastingly(self.as_of),
            DestinationState::Untried | DestinationState::Up => false,
        };
        self.destinations.iter().any(|it| it.name == destination && fails(it))
    }

    pub(super) fn is_configured(&self, destination: &str) -> bool {
        self.destinations.iter().any(|it| it.name == destination && it.is_configured)
    }
}

impl Analyzer {
    /// Since when an analyzer that could send and sent before has sent nothing, if that is long for this hour.
    pub(super) fn silent_since(&self) -> Option<Timestamp> {
        self.counts.last_message.filter(|_| self.quiet == Quiet::Silent && self.may_send())
    }

    /// Since when nothing has come, where the other weeks were as quiet at these hours.
    pub(super) fn quiet_since(&self) -> Option<Timestamp> {
        self.counts.last_message.filter(|_| self.quiet == Quiet::AsUsual && self.may_send())
    }

    fn may_send(&self) -> bool {
        matches!(self.contact, Contact::Connected { .. } | Contact::Listening { .. })
    }
}

fn analyzers(
    known: &Known,
    stored: &[InstrumentView],
    links: &BTreeMap<String, LinkView>,
    notes: &[LinkNotes],
) -> Vec<Analyzer> {
    let names: BTreeSet<&String> = known.instruments.iter().map(|it| &it.name).collect();
    let removed = stored.iter().map(|it| &it.instrument).filter(|name| !names.contains(name));
    let configured = known.instruments.iter().map(|it| (&it.name, Some(it)));
    configured
        .chain(removed.map(|name| (name, None)))
        .map(|(name, configured)| {
            let link = links.iter().find(|(_, link)| configured.is_some() && link.instruments.contains(name));
            let view = link.map(|(_, view)| view);
            Analyzer {
                name: name.clone(),
                description: configured.map(|it| it.description.clone()).unwrap_or_default(),
                counts: stored.iter().find(|it| it.instrument == *name).cloned().unwrap_or_default(),
                contact: if configured.is_some() { contact(view) } else { Contact::Removed },
                cause: view.map(|view| view.cause).unwrap_or_default(),
                wire: configured.map(|it| it.wire.clone()),
                shared_with: view
                    .map(|view| view.instruments.iter().filter(|it| *it != name).cloned().collect())
                    .unwrap_or_default(),
                last_note: view.and_then(|view| view.last_note.clone()),
                notes: notes
                    .iter()
                    .filter(|it| link.is_some_and(|(source, _)| *source == it.source))
                    .cloned()
                    .collect(),
                source: link.map(|(source, _)| source.clone()),
                drop: view.and_then(|view| view.drop.clone()),
                quiet: Quiet::No,
                hours: Vec::new(),
                around: Around::default(),
            }
        })
        .collect()
}

/// What an analyzer's silence means, and its last day.
fn traffic(
    reader: &Reader,
    it: &InstrumentView,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<(Quiet, Vec<Hour>), JournalError> {
    let quiet = match it.last_message {
        None => Quiet::No,
        Some(last) => {
            let weeks = traffic::weeks_before(last, now, zone);
            traffic::judge(last, now, &reader.traffic_within(&it.instrument, &weeks)?)
        }
    };
    let since = now.saturating_sub(DAY).unwrap_or(now);
    Ok((quiet, reader.traffic_since(&it.instrument, since)?))
}

fn contact(link: Option<&LinkView>) -> Contact {
    let Some(link) = link else { return Contact::Starting };
    let since = link.since;
    match &link.state {
        LinkState::Starting => Contact::Starting,
        LinkState::Down(why) => Contact::Down { why: why.clone(), since },
        LinkState::Listening => Contact::Listening { since },
        LinkState::Polling => Contact::Polling { since },
        LinkState::Connected { peers } => Contact::Connected { peers: peers.clone(), since },
    }
}

fn archived(archives: &[Archive]) -> Option<(u64, Timestamp)> {
    let last = archives.iter().map(|it| it.last_at).max()?;
    Some((archives.iter().map(|it| it.holds.bytes).sum(), last))
}

#[cfg(test)]
mod tests;
