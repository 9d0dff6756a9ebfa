//! Answers host queries from what the LIMS told last, LIMS up or down, on the connection that asked. What is answered is
//! put down before it is sent; what came of it is noted by the connection. Never makes up an order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use labwire_link::SendId;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::asking::{self, Asking};
use super::presence::Presence;
use super::stepping::told_as;
use super::told::Told;
use super::work::{Todo, Tube, reported, still_to_do, tube};
use crate::clock;
use crate::domain::profile::Dialect;
use crate::domain::{FinishedTests, OrderState, Sourced, SpecimenId};
use crate::journal::orders::CachedOrder;
use crate::journal::results::QueryId;
use crate::journal::{Journal, JournalError, Reader};
use crate::pipeline::runner::{Asked, reading};
use crate::pipeline::{Found, Only, Reading, Stamp, Wants, Work, answer, answers_hl7, questions};
use crate::shutdown::Tasks;
use crate::wire::{ControlIds, Mailboxes, Outgoing};

/// The most tubes that one answer names where the query doesn't.
const MOST: usize = 50;
/// For how many messages the LIMS is asked at the same time, and about how many tubes of each.
const AT_ONCE: usize = 16;
const ASKED_ABOUT: usize = 4;
/// How long asking about all tubes of a message may take: less than any analyzer waits.
const TOGETHER: Duration = Duration::from_secs(6);
/// Of how many connections it is kept that they withdrew something.
const CONNECTIONS: usize = 1_000;
/// How many active orders are looked through for them.
const LOOKED_THROUGH: usize = 5_000;
/// How long an HL7 analyzer may wait.
const HL7_PATIENCE: SignedDuration = SignedDuration::from_secs(60);

/// Of a message whose fate isn't the answer's.
const NOBODYS: SendId = SendId(u64::MAX);

/// What answers are made with.
pub struct Answering {
    pub journal: Journal,
    pub reader: Mutex<Reader>,
    pub mailboxes: Mailboxes,
    pub presence: Presence,
    pub control_ids: ControlIds,
    /// The configured names of those who tell orders. What another told is known and not used.
    pub sources: BTreeSet<String>,
    /// Who is asked about a tube of which nothing is known.
    pub asking: Vec<Asking>,
    pub tasks: Tasks,
    /// How often each connection has withdrawn what it asked.
    pub withdrawals: Withdrawals,
}

/// By source and peer.
pub type Withdrawals = Mutex<BTreeMap<(String, String), u64>>;

impl Answering {
    /// Answers what is asked until the gateway stops.
    pub async fn run(self, mut asked: mpsc::Receiver<Asked>, stop: CancellationToken) {
        let room = Arc::new(Semaphore::new(AT_ONCE));
        let answering = Arc::new(self);
        loop {
            let next = tokio::select! {
                () = stop.cancelled() => return,
                next = asked.recv() => next,
            };
            let Some(asked) = next else { return };
            // A query for which the LIMS is asked holds up no other. With no room for it, it is answered from what is known.
            match Arc::clone(&room).try_acquire_owned() {
                Ok(seat) if answering.must_ask(&asked) => {
                    let one = Arc::clone(&answering);
                    answering.tasks.spawn(async move {
                        let _seat = seat;
                        one.ask_and_answer(&asked).await;
                    });
                }
                _ => answering.record(&asked, "").await,
            }
        }
    }

    async fn record(&self, asked: &Asked, heard: &'static str) {
        if let Err(error) = self.answer(asked, heard).await {
            tracing::error!(%error, "failed to record the answer to a host query");
        }
    }

    /// Whether the message names a tube of which nothing is known, and there is whom to ask.
    fn must_ask(&self, asked: &Asked) -> bool {
        !self.asking.is_empty() && !self.unknown(asked).is_empty()
    }

    /// The first tubes that are named and of which nothing is known.
    fn unknown(&self, asked: &Asked) -> Vec<SpecimenId> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let questions = questions(&asked.message.content, &reading(&asked.instrument));
        let labels = questions.into_iter().flat_map(|question| match question.wants {
            Wants::Tubes(labels) => labels,
            Wants::Nothing(_) | Wants::Range(..) | Wants::All => Vec::new(),
        });
        let is_unknown =
            |label: &SpecimenId| self.orders_on(&reader, label).is_ok_and(|orders| orders.is_empty());
        labels.filter(is_unknown).take(ASKED_ABOUT).collect()
    }

    /// A query that is withdrawn meanwhile isn't answered any more.
    async fn ask_and_answer(&self, asked: &Asked) {
        let before = self.withdrawn(asked, 0);
        let labels = self.unknown(asked);
        let mut heard = "the LIMS was asked and knows nothing of it";
        let deadline = tokio::time::Instant::now() + TOGETHER;
        let mut pairs = Vec::new();
        for label in &labels {
            pairs.extend(self.asking.iter().map(|lims| (label, lims)));
        }
        for (label, lims) in pairs {
            let answer = tokio::time::timeout_at(deadline, lims.ask(label)).await;
            if answer != Ok(asking::Asked::Answered) {
                heard = "the LIMS could not be asked";
            }
        }
        if self.withdrawn(asked, 0) == before {
            self.record(asked, heard).await;
            return;
        }
        for (_, id) in &asked.queries {
            let noted = self.journal.answer_query(*id, "withdrawn by the analyzer".to_owned(), clock::now());
            if let Err(error) = noted.await {
                tracing::error!(%error, "failed to record that a host query was withdrawn");
            }
        }
    }

    /// How often this connection has withdrawn what it asked, with `more` from now on.
    fn withdrawn(&self, asked: &Asked, more: u64) -> u64 {
        let mut withdrawals = self.withdrawals.lock().unwrap_or_else(PoisonError::into_inner);
        if withdrawals.len() > CONNECTIONS {
            withdrawals.clear();
        }
        let key = (asked.message.source.clone(), asked.message.peer.clone());
        let count = withdrawals.entry(key).or_default();
        *count += more;
        *count
    }

    /// One answer for the whole message. `heard` is what came of asking the LIMS, for tubes that are still unknown.
    async fn answer(&self, asked: &Asked, heard: &'static str) -> Result<(), JournalError> {
        let now = clock::now();
        if asked.queries.iter().any(|(query, _)| query.cancels) {
            self.withdrawn(asked, 1);
        }
        for (_, id) in asked.queries.iter().filter(|(query, _)| query.cancels) {
            self.journal.answer_query(*id, "withdrawn by the analyzer".to_owned(), now).await?;
        }
        let open: Vec<_> = asked.queries.iter().filter(|(query, _)| !query.cancels).collect();
        let Some((_, first)) = open.first() else {
            self.confirm_withdrawal(asked, now);
            return Ok(());
        };
        // Where the clock was set back nobody knows how long ago it was asked.
        if now.duration_since(asked.message.received_at).abs() > patience(asked) {
            return self.not_answered(&open, "not answered: too late", now).await;
        }
        if self.journal.standstill().borrow().is_some() {
            let why = "not answered: the journal was restored, and its orders may be old";
            return self.not_answered(&open, why, now).await;
        }
        let reading = reading(&asked.instrument);
        let (found, told) =
            match self.look(&asked.message.content, &reading, asked.instrument.orders.finished) {
                Ok(found) => found,
                Err(error) => {
                    tracing::error!(%error, "failed to look orders up; a host query is not answered");
                    return self.not_answered(&open, "not answered: the journal can't be read", now).await;
                }
            };
        let found = self.numbered(asked, found).await?;
        let mut contents = self.contents(asked, &reading, &found, now);
        let Some(last) = contents.pop() else {
            return self.not_answered(&open, "not answered: labwire can't answer this query", now).await;
        };
        let age = self.age(&reading);
        let prepared = open.iter().map(|(query, id)| {
            let told = told.iter().find(|(record, _)| *record == query.record);
            let told = match (told, self.sources.is_empty()) {
                (Some((_, told)), false) => told.clone(),
                (_, true) => Told::nothing("no LIMS tells orders"),
                (None, false) => Told::default(),
            };
            let unknown = if told.has_unknown() { heard } else { "" };
            (*id, told.text(&[unknown, &age].map(str::to_owned)))
        });
        self.journal.prepare_answers(prepared.collect()).await?;
        let before = contents.into_iter().map(|content| Outgoing { id: NOBODYS, content });
        let last = Outgoing { id: SendId(first.0.unsigned_abs()), content: last };
        let (source, peer) = (&asked.message.source, &asked.message.peer);
        if before.chain([last]).any(|outgoing| self.mailboxes.send(source, peer, outgoing).is_err()) {
            return self.not_answered(&open, "not answered: the connection is gone", now).await;
        }
        Ok(())
    }

    /// The same, each work with what the analyzer knows of it already.
    async fn numbered(&self, asked: &Asked, found: Found) -> Result<Found, JournalError> {
        let mut numbered = Found::new();
        for (record, works) in found {
            let mut told = Vec::with_capacity(works.len());
            for work in works {
                let Some(specimen) = work.as_ref().map(|work| work.specimen.clone()) else {
                    told.push(None);
                    continue;
                };
                let (journal, ids) = (&self.journal, &self.control_ids);
                told.push(told_as(journal, ids, &asked.instrument, &specimen, work).await?.0);
            }
            numbered.insert(record, told);
        }
        Ok(numbered)
    }

    /// Some models await an answer to that, too. Nothing is made of it where it can't be sent.
    fn confirm_withdrawal(&self, asked: &Asked, now: Timestamp) {
        for content in self.contents(asked, &reading(&asked.instrument), &Found::new(), now) {
            let outgoing = Outgoing { id: NOBODYS, content };
            let _ = self.mailboxes.send(&asked.message.source, &asked.message.peer, outgoing);
        }
    }

    /// The messages of an answer, in their order; the fate of the last one is the answer's.
    fn contents(&self, asked: &Asked, reading: &Reading, found: &Found, now: Timestamp) -> Vec<Vec<u8>> {
        let Dialect::Hl7(dialect) = &reading.profile.dialect else {
            return answer(&asked.message.content, reading, found, now).into_iter().collect();
        };
        let shown = now.to_zoned(reading.time_zone.clone()).strftime("%Y%m%d%H%M%S").to_string();
        let mut next = || self.control_ids.take().as_str().to_owned();
        let mut stamp = Stamp { now: &shown, next_control_id: &mut next };
        answers_hl7(&asked.message.content, dialect, reading, found, &mut stamp)
    }

    async fn not_answered(
        &self,
        queries: &[&(crate::domain::HostQuery, QueryId)],
        why: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        for (_, id) in queries {
            self.journal.answer_query(*id, why.to_owned(), now).await?;
        }
        Ok(())
    }

    /// What there is for each query of a message, and what is to be noted of it.
    fn look(
        &self,
        message: &[u8],
        reading: &Reading,
        finished: FinishedTests,
    ) -> Result<(Found, Vec<(u32, Told)>), JournalError> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut found, mut told) = (Found::new(), Vec::new());
        for question in questions(message, reading) {
            let (tubes, more) = match &question.wants {
                Wants::Nothing(why) => {
                    told.push((question.record, Told::nothing(why)));
                    continue;
                }
                Wants::Tubes(labels) => {
                    let tube = |(place, label)| {
                        self.tube(&reader, label, (reading, finished), (&question.only, place))
                    };
                    let mut seen = BTreeSet::new();
                    let is_new = |(place, label): &(usize, &SpecimenId)| {
                        seen.insert(((*label).clone(), question.only.patient(*place)))
                    };
                    let each = labels.iter().enumerate().filter(is_new);
                    (each.map(tube).collect::<Result<_, _>>()?, false)
                }
                Wants::Range(first, last) => {
                    let labels = reader.labels_between(first, last, MOST + 1)?;
                    self.first_of(&reader, labels, (reading, finished), &question.only)?
                }
                Wants::All => {
                    let (labels, unseen) = self.labels_with_work(&reader)?;
                    let (tubes, more) =
                        self.first_of(&reader, labels, (reading, finished), &question.only)?;
                    (tubes, more || unseen)
                }
            };
            told.push((question.record, Told::of(&tubes, more)));
            let work = |tube| match tube {
                Tube::Work(work) => Some(*work),
                _ => None,
            };
            let works: Vec<Option<Work>> = tubes.into_iter().map(work).collect();
            found.insert(question.record, works);
        }
        Ok((found, told))
    }

    /// What there is for one tube, of that what was asked for. `place` is the tube's among those that are named.
    fn tube(
        &self,
        reader: &Reader,
        label: &SpecimenId,
        (reading, finished): (&Reading, FinishedTests),
        (only, place): (&Only, usize),
    ) -> Result<Tube, JournalError> {
        let orders = self.still_to_do(reader, label, (reading, finished))?;
        let mut work = match tube(label, &orders, reading) {
            Tube::Work(work) => work,
            nothing => return Ok(nothing),
        };
        if let Some(patient) = only.patient(place)
            && !is_of(reader, &orders, &work, patient)?
        {
            return Ok(Tube::NotThePatients);
        }
        work.tests.retain(|code| only.takes(code));
        Ok(if work.tests.is_empty() { Tube::OtherTests } else { Tube::Work(work) })
    }

    /// The first tubes that are this instrument's, and whether there are more.
    fn first_of(
        &self,
        reader: &Reader,
        labels: Vec<SpecimenId>,
        by: (&Reading, FinishedTests),
        only: &Only,
    ) -> Result<(Vec<Tube>, bool), JournalError> {
        let (mut tubes, mut theirs, mut more) = (Vec::new(), Vec::new(), false);
        for label in labels {
            let tube = self.tube(reader, &label, by, (only, 0))?;
            let Tube::Work(work) = &tube else { continue };
            if tubes.len() == MOST {
                more = true;
                break;
            }
            if !reader.all_resulted(&label, &reported(&work.tests, by.0))? {
                tubes.push(tube);
                theirs.push(label);
            }
        }
        if only.patient(0).is_some() && self.are_of_several(reader, &theirs)? {
            return Ok((vec![Tube::NumberOfSeveral], false));
        }
        Ok((tubes, more))
    }

    /// Whether nobody can say that these tubes are one patient's.
    fn are_of_several(&self, reader: &Reader, labels: &[SpecimenId]) -> Result<bool, JournalError> {
        let mut orders = Vec::new();
        for label in labels {
            let open = |it: &CachedOrder| matches!(it.state, OrderState::Active | OrderState::Held);
            orders.extend(self.orders_on(reader, label)?.into_iter().filter(open));
        }
        Ok(Sourced::are_of_several(orders.iter().map(CachedOrder::sourced)))
    }

    /// The specimens with active orders, the most urgent first, and whether there may be others.
    fn labels_with_work(&self, reader: &Reader) -> Result<(Vec<SpecimenId>, bool), JournalError> {
        let mut labels: Vec<SpecimenId> = Vec::new();
        let mut seen = BTreeSet::new();
        let active = reader.active_orders(LOOKED_THROUGH)?;
        let unseen = active.len() == LOOKED_THROUGH;
        for it in active {
            if self.sources.contains(&it.source) && seen.insert(it.order.key.specimen.clone()) {
                labels.push(it.order.key.specimen);
            }
        }
        Ok((labels, unseen))
    }

    fn orders_on(&self, reader: &Reader, label: &SpecimenId) -> Result<Vec<CachedOrder>, JournalError> {
        let mut orders = reader.orders_on(label)?;
        orders.retain(|it| self.sources.contains(&it.source));
        Ok(orders)
    }

    fn still_to_do(
        &self,
        reader: &Reader,
        label: &SpecimenId,
        (reading, finished): (&Reading, FinishedTests),
    ) -> Result<Vec<Todo>, JournalError> {
        still_to_do(reader, self.orders_on(reader, label)?, reading, finished)
    }

    /// How old what is known may be, in words; empty while the LIMS is connected.
    fn age(&self, reading: &Reading) -> String {
        let Some(left) = self.presence.away().filter(|_| !self.sources.is_empty()) else {
            return String::new();
        };
        let heard = self.reader.lock().unwrap_or_else(PoisonError::into_inner).orders_heard_at();
        let last = left.max(heard.ok().flatten());
        match last {
            Some(last) => {
                let shown = last.to_zoned(reading.time_zone.clone()).strftime("%Y-%m-%d %H:%M");
                format!("the LIMS isn't connected; as of {shown}")
            }
            None => "the LIMS isn't connected and has never told anything".to_owned(),
        }
    }
}

/// Whether a tube's work is this patient's, by the number that the LIMS gives now or gave before a merge.
fn is_of(reader: &Reader, orders: &[Todo], work: &Work, patient: &str) -> Result<bool, JournalError> {
    if work.patient.reveal().id.trim() == patient {
        return Ok(true);
    }
    for it in orders {
        if reader.earlier_patients(&it.order)?.iter().any(|earlier| earlier.id.trim() == patient) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn patience(asked: &Asked) -> SignedDuration {
    match &asked.instrument.profile.dialect {
        Dialect::Astm(dialect) => SignedDuration::try_from(dialect.query.patience).unwrap_or(HL7_PATIENCE),
        Dialect::Hl7(_) | Dialect::Table(_) => HL7_PATIENCE,
    }
}
