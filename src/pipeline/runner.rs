//! Takes each message from the journal once, has it read, compares it with what is stored, and writes what it became.
//! One message can't stop the next.

mod again;
mod anew;
mod clocks;
mod compare;
mod controls;
mod history;
mod judging;
mod mended;
mod moving;
mod parts;
mod reading;
mod replay;
mod route;
mod say;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

pub use clocks::Clocks;
pub use reading::{reading, reading_by};
pub use replay::{Compared, Converted, Made, Replay, Reproduced};

use again::Review;
use compare::{Comparison, Counted};
use judging::{Bench, Controls, Judging};
use route::homeless;
use say::Told;

use super::who::{Who, who_sent};
use super::{Context, Counts, Kept, Part, PartRead, Reading, Repetition, canonical, process_part};
use crate::clock;
use crate::config::settings::{Destination, HistorySettings, Instrument, Mode, Suspension};
use crate::domain::profile::Dialect;
use crate::domain::qc::Plan;
use crate::domain::{HostQuery, Observation, Outcome, Private, Problem, ProblemKind, Rules};
use crate::journal::read::Pending;
use crate::journal::results::{Entry, Place, Processed, QueryId};
use crate::journal::{Journal, JournalError, MessageId, Reader, reevaluate};

/// Messages looked for in the journal at once.
const BATCH: usize = 32;
/// How long to wait when nothing rings or the disk is full.
const LOOK: Duration = Duration::from_secs(1);

/// Who may be where, and where results go.
pub struct Site {
    pub name: String,
    /// By source, as stored with each transfer.
    pub sources: BTreeMap<String, Vec<Arc<Instrument>>>,
    pub destinations: Vec<Arc<Destination>>,
    /// What mustn't leave by itself.
    pub suspended: Vec<Suspension>,
    /// Who tells orders, as stored with each; what another told counts for nothing.
    pub order_sources: BTreeSet<String>,
    /// Who is asked what it has of a patient.
    pub history: Option<Arc<HistorySettings>>,
    /// Which control is which, and how runs of them are judged.
    pub qc: Arc<Plan>,
}

impl Site {
    /// An instrument that is configured.
    pub fn instrument(&self, name: &str) -> Option<&Instrument> {
        let all = self.sources.values().flatten();
        all.into_iter().find(|it| it.id.as_str() == name).map(|it| it.as_ref())
    }
}

/// A message that asks for orders.
#[derive(Debug)]
pub struct Asked {
    pub message: Pending,
    pub instrument: Arc<Instrument>,
    pub queries: Vec<(HostQuery, QueryId)>,
}

/// The one runner.
pub struct Runner {
    pub journal: Journal,
    pub reader: Mutex<Reader>,
    pub site: Site,
    /// The signed rules, once there are some.
    pub rules: watch::Receiver<Option<Arc<Rules>>>,
    /// Those of the configuration: while nobody has signed them, they only look on.
    pub configured: Arc<Rules>,
    /// Takes host queries to be answered.
    pub asked: mpsc::Sender<Asked>,
    /// Rung whenever a message is on disk.
    pub arrived: Arc<Notify>,
    /// Rung by us whenever something is owed.
    pub due: Arc<Notify>,
    /// Rung by us whenever the LIMS is to be asked about a patient.
    pub wanted: Arc<Notify>,
    /// What each instrument's latest messages tell of its clock.
    pub clocks: Clocks,
    /// Told of every turn, so that a stuck runner is noticed.
    pub turned: watch::Sender<Instant>,
}

impl Runner {
    /// `asking`: who wants to know what results become when they are read anew.
    pub async fn run(self, mut asking: mpsc::Receiver<reevaluate::Asked>, stop: CancellationToken) {
        self.look_again().await;
        let mut review = Review::default();
        let mut kept = Kept::default();
        loop {
            self.turned.send_replace(clock::monotonic());
            let pending = self.look(|reader| reader.pending(BATCH));
            if self.carry_over(&mut review).await || pending.is_empty() {
                kept.forget(None);
            }
            let is_more = review.turn(&self).await;
            if pending.is_empty() && !is_more {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = self.arrived.notified() => {}
                    Some(asked) = asking.recv() => {
                        self.read_anew(asked, &mut review).await;
                        kept.forget(None);
                    }
                    () = tokio::time::sleep(LOOK) => {}
                }
            }
            if stop.is_cancelled() {
                return;
            }
            for message in pending {
                if stop.is_cancelled() {
                    return;
                }
                self.turned.send_replace(clock::monotonic());
                while let Ok(asked) = asking.try_recv() {
                    self.read_anew(asked, &mut review).await;
                    kept.forget(None);
                }
                let message = self.message(message);
                let is_done = match &message {
                    Some(message) => self.handle(message, &mut kept).await,
                    None => false,
                };
                if !is_done {
                    tokio::time::sleep(LOOK).await;
                    break;
                }
            }
        }
    }

    fn who_sent(&self, message: &Pending) -> Who {
        let candidates = self.site.sources.get(&message.source).map(Vec::as_slice).unwrap_or_default();
        who_sent(candidates, &message.peer, &message.content)
    }

    /// Messages from the journal; none where it can't be read.
    fn look(&self, look: impl FnOnce(&Reader) -> Result<Vec<MessageId>, JournalError>) -> Vec<MessageId> {
        self.read(look).unwrap_or_else(|error| {
            tracing::error!(%error, "failed to look for messages in the journal");
            Vec::new()
        })
    }

    fn message(&self, message: MessageId) -> Option<Pending> {
        let read = self.read(|reader| reader.with_content(message));
        read.inspect_err(
            |error| tracing::error!(message_id = %message, %error, "failed to read a message from the journal"),
        )
        .ok()
    }

    fn read<T>(&self, look: impl FnOnce(&Reader) -> Result<T, JournalError>) -> Result<T, JournalError> {
        look(&self.reader.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn bench(&self) -> Bench<'_> {
        let (in_force, configured) = (self.rules.borrow().clone(), Arc::clone(&self.configured));
        Bench { reader: &self.reader, site: &self.site, in_force, configured }
    }

    /// Whether the message is done with; if not it is tried again later.
    async fn handle(&self, message: &Pending, kept: &mut Kept) -> bool {
        let mut counted = None;
        let (processed, instrument) = match self.who_sent(message) {
            Who::Known(instrument) => match self.known(message, &instrument, kept) {
                Ok((processed, counts)) => {
                    counted = counts;
                    (processed, Some(instrument))
                }
                Err(error) => {
                    tracing::error!(message_id = %message.message, %error, "failed to compare a message with the journal");
                    return false;
                }
            },
            Who::Nobody(why) => {
                let mut text =
                    format!("no configured instrument fits {} at {}", message.peer, message.source);
                why.iter().for_each(|why| text.extend(["; ", why.as_str()]));
                (set_aside(message, ProblemKind::UnregisteredSource, text), None)
            }
            Who::Several(names) => {
                let text = format!("the sender could be any of {}", names.join(", "));
                (set_aside(message, ProblemKind::AmbiguousSource, text), None)
            }
        };
        let queries = processed.queries.clone();
        let told = Told::of(&processed);
        match self.write(message.message, processed).await {
            Written::Yes(ids) => {
                match counted {
                    Some((part, counts)) => kept.keep(part, counts),
                    None => kept.forget(instrument.as_ref().map(|it| &it.id)),
                }
                self.say(message.message, told);
                self.due.notify_waiters();
                self.due.notify_one();
                self.wanted.notify_one();
                if let Some(instrument) = instrument.filter(|_| !ids.is_empty()) {
                    let queries = queries.into_iter().zip(ids).collect();
                    let asked = Asked { message: message.clone(), instrument, queries };
                    if self.asked.send(asked).await.is_err() {
                        tracing::error!("nobody is left to answer host queries");
                    }
                }
                true
            }
            Written::Refused => true,
            Written::Later => false,
        }
    }

    /// A step that the journal refuses must not block the messages behind it: it becomes a problem.
    async fn write(&self, message: MessageId, processed: Processed) -> Written {
        let (instrument, fingerprint) = (processed.instrument.clone(), processed.fingerprint.clone());
        match self.journal.record(processed, clock::now()).await {
            Ok(ids) => Written::Yes(ids),
            Err(JournalError::Refused(why)) => {
                tracing::error!(message_id = %message, why, "failed to record a message; it is kept as a problem");
                let text =
                    "the gateway could not record what this message says; its bytes are kept".to_owned();
                let mut processed = empty(message, fingerprint);
                processed.instrument = instrument;
                processed.problems = vec![problem(ProblemKind::Unreadable, text)];
                match self.journal.record(processed, clock::now()).await {
                    Ok(_) => Written::Refused,
                    Err(_) => Written::Later,
                }
            }
            Err(error) => {
                tracing::error!(message_id = %message, %error, "failed to record a message; trying again");
                Written::Later
            }
        }
    }

    /// What a message of a known sender becomes; with the counts of a part of a table, to be kept once that is stored.
    fn known(
        &self,
        message: &Pending,
        instrument: &Arc<Instrument>,
        kept: &mut Kept,
    ) -> Result<(Processed, Option<(PartRead, Counts)>), JournalError> {
        let fingerprint = Sha256::digest(canonical(&message.content, &instrument.profile.dialect)).to_vec();
        let mut processed = empty(message.message, fingerprint);
        processed.instrument = Some(instrument.id.clone());
        if message.incomplete {
            let text =
                "the transmission ended before its last record; what was acknowledged is kept".to_owned();
            processed.problems = vec![problem(ProblemKind::Incomplete, text)];
            return Ok((processed, None));
        }
        let earlier =
            self.read(|reader| reader.same_message(&instrument.id, &processed.fingerprint, message.message))?;
        processed.repeats = earlier.map(|(id, _)| id);
        let is_table = matches!(instrument.profile.dialect, Dialect::Table(_));
        let repetition = match message.part.filter(|_| !is_table) {
            Some(_) => self.repeats_another_file(message, instrument, &processed.fingerprint)?,
            None if earlier.is_some() => Repetition::Repeated,
            None => Repetition::First,
        };
        let mut outcome = understand(message, instrument, self.rules.borrow().clone());
        outcome.problems.extend(self.look_at_clock(message, instrument, &mut outcome.observations)?);
        let not_production = outcome.not_production;
        // What is read again is counted from the journal.
        let part = (is_table && !message.is_reread).then(|| PartRead {
            instrument: instrument.id.clone(),
            transfer: message.transfer.0,
            message: message.message.0,
            not_production,
        });
        let mut comparison = Comparison {
            runner: self,
            message: message.message,
            received_at: message.received_at,
            instrument,
            repetition,
            not_production,
            priors: BTreeMap::new(),
            rows: part.as_ref().map(|part| kept.take(part)).unwrap_or_default(),
            counted: is_table.then_some(Counted { file: message.transfer, numbered: outcome.numbered }),
            file: message.part.map(|_| message.transfer),
        };
        let mut observations = outcome.observations;
        for observation in &mut observations {
            comparison.recognise(observation)?;
        }
        processed.queries = outcome.queries;
        processed.habits = self.read(|reader| reader.new_habits(&instrument.id, outcome.habits))?;
        let mut on_their_own = Vec::new();
        let mut doubts = Vec::new();
        for observation in observations {
            let (entry, doubt) = comparison.place(observation)?;
            if !outcome.not_production && !self.follows(&entry)? {
                on_their_own.push(entry.observation.clone());
            }
            processed.entries.push(entry);
            let said = |doubt: &Problem| {
                doubt.kind == ProblemKind::OtherPatient
                    && doubts
                        .iter()
                        .any(|it: &Problem| (it.kind, &it.specimen) == (doubt.kind, &doubt.specimen))
            };
            let doubt = doubt.filter(|doubt| !said(doubt));
            doubts.extend(doubt);
        }
        comparison.pair(&mut processed.entries);
        processed.problems = match is_table {
            true => self.new_to_file(message, outcome.problems, &processed.entries)?,
            false => outcome.problems,
        };
        processed.problems.extend(self.miscounted(message, instrument)?);
        processed.problems.extend(doubts);
        processed.problems.extend(self.nowhere(&on_their_own));
        let (runs, failed) = comparison.judge(&processed.entries)?;
        let judging = Judging {
            controls: Controls::Now(&runs),
            ..Judging::of(self.bench(), message.message, message.received_at, instrument)
        };
        judging.judge(&mut processed.entries, !not_production)?;
        processed.runs = runs;
        processed.looks_beside = self.rules.borrow().as_ref().is_some_and(|rules| rules.checks.look_beside());
        processed.problems.extend(failed);
        Ok((processed, part.map(|part| (part, comparison.rows))))
    }

    /// Whether it goes where the version before it was meant for, whatever the tables say now.
    fn follows(&self, entry: &Entry) -> Result<bool, JournalError> {
        let Place::Supersedes(earlier) = entry.place else { return Ok(false) };
        let meant_for = self.read(|reader| reader.meant_for(earlier))?;
        let treats = |it: &Arc<Destination>| it.mode != Mode::Test && meant_for.contains(&it.id);
        Ok(self.site.destinations.iter().any(treats))
    }

    /// The problem that the configuration sends some of these nowhere.
    fn nowhere(&self, observations: &[Observation]) -> Option<Problem> {
        let tests = homeless(&self.site.destinations, observations);
        let tests: Vec<&str> = tests.iter().map(String::as_str).collect();
        (!tests.is_empty()).then(|| {
            let text = format!("no destination takes these tests: {}", tests.join(", "));
            let specimen = observations.first().map(|it| it.specimen.clone());
            Problem { specimen, ..problem(ProblemKind::NoDestination, text) }
        })
    }
}

enum Written {
    Yes(Vec<QueryId>),
    /// As a problem, and nothing else of it.
    Refused,
    Later,
}

/// Reads a message. Should reading it ever panic, that is a problem of this message alone.
fn understand(message: &Pending, instrument: &Instrument, rules: Option<Arc<Rules>>) -> Outcome {
    let context = Context { received_at: message.received_at };
    let reading = Reading { rules, ..reading(instrument) };
    let read = catch_unwind(AssertUnwindSafe(|| process_part(&part(message), &reading, &context)));
    let read = read.map(|outcome| placed(outcome, message, &instrument.profile.dialect));
    read.unwrap_or_else(|_| {
        tracing::error!(message_id = %message.message, "reading a message panicked; it is kept as a problem");
        let text = "the gateway could not read this message; its bytes are kept".to_owned();
        Outcome { problems: vec![problem(ProblemKind::Unreadable, text)], ..Outcome::default() }
    })
}

/// What can't be read of a file's message says where in the file that stands. A table's rows say so themselves.
fn placed(mut outcome: Outcome, message: &Pending, dialect: &Dialect) -> Outcome {
    let Some(place) = message.part.filter(|_| !matches!(dialect, Dialect::Table(_))) else { return outcome };
    let unread = |problem: &&mut Problem| problem.kind == ProblemKind::Unreadable && problem.record.is_none();
    for problem in outcome.problems.iter_mut().filter(unread) {
        let text = format!("from line {} of the file on: {}", place.first_line, problem.text.reveal());
        problem.text = Private::new(text);
    }
    outcome
}

/// A message as it is read: a part of a file by its rows, beside the file's head.
fn part(message: &Pending) -> Part<'_> {
    let Some(place) = message.part else { return Part::of(&message.content) };
    let (head, rows) = message.content.split_at_checked(place.head).unwrap_or((&[], &message.content));
    Part { head, rows, first_line: place.first_line }
}

fn empty(message: MessageId, fingerprint: Vec<u8>) -> Processed {
    Processed {
        message,
        instrument: None,
        fingerprint,
        repeats: None,
        entries: Vec::new(),
        problems: Vec::new(),
        queries: Vec::new(),
        habits: Vec::new(),
        runs: Vec::new(),
        looks_beside: false,
    }
}

fn set_aside(message: &Pending, kind: ProblemKind, text: String) -> Processed {
    let fingerprint = Sha256::digest(&message.content).to_vec();
    let kind = if message.incomplete { ProblemKind::Incomplete } else { kind };
    Processed { problems: vec![problem(kind, text)], ..empty(message.message, fingerprint) }
}

fn problem(kind: ProblemKind, text: String) -> Problem {
    Problem { kind, record: None, specimen: None, text: Private::new(text), replaces_result: false }
}
