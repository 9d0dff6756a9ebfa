//! Asks the LIMS what it has of patients whose results are compared with earlier ones. A question is asked until it is
//! answered or its result has waited long enough; either is on disk before anybody goes by it. Never decides what an
//! answer comes to.

mod answer;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp, ToSpan};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::web::{Asker, filled, next_page};
use crate::board::{Board, LinkState};
use crate::clock;
use crate::config::settings::{HistoryFormat, HistorySettings};
use crate::domain::{HistoryQuestion, HistoryValue};
use crate::journal::history::OpenQuestion;
use crate::journal::{Journal, JournalError, Reader};
use answer::Answer;

/// As the page and the log call it.
const NAME: &str = "patients' history";
/// Questions that are looked at in one turn.
const A_TURN: usize = 500;
/// The most pages of an answer.
const PAGES: usize = 10;
/// From a failure to the next attempt, and how long to wait for new questions where nobody rings.
const AGAIN: Duration = Duration::from_secs(1);

/// Who asks for patients' history.
pub struct Historian {
    pub journal: Journal,
    pub reader: Mutex<Reader>,
    pub board: Board,
    pub settings: Arc<HistorySettings>,
    /// Rung when a question is on disk.
    pub wanted: Arc<Notify>,
    /// Rung by us when an answer is.
    pub arrived: Arc<Notify>,
}

/// What the LIMS tells apart: patient, authority and code.
type Subject = (String, String, String);

/// One question to the LIMS, which may answer several of ours.
struct Asked {
    ids: Vec<i64>,
    question: HistoryQuestion,
    /// The first of them.
    opened_at: Timestamp,
}

/// How far the asking is, by what is asked about.
type Attempts = Mutex<BTreeMap<Subject, Attempt>>;

/// A question that was asked.
struct Attempt {
    is_running: bool,
    failed: u32,
    /// Not before.
    again_at: Instant,
}

impl Historian {
    /// Asks until the gateway stops.
    pub async fn run(self, stop: CancellationToken) {
        self.board.add_link(NAME, Vec::new(), clock::now());
        let asker = match Asker::new(&self.settings.web) {
            Ok(asker) => {
                self.is_there(clock::now());
                Ok(asker)
            }
            Err(why) => {
                tracing::error!(
                    why,
                    "failed to set up the way to the LIMS; it isn't asked for patients' history"
                );
                self.board.set_link(NAME, clock::now(), LinkState::Down(why.clone()));
                Err(why)
            }
        };
        let attempts = Attempts::default();
        let work = || self.work(&asker, &attempts);
        // Several at once: one patient's answer that doesn't come mustn't keep the others'.
        tokio::select! {
            () = stop.cancelled() => {}
            _ = async { tokio::join!(work(), work(), work(), work(), work(), work()) } => {}
        }
    }

    /// Asks one question after the other.
    async fn work(&self, asker: &Result<Asker, String>, attempts: &Attempts) {
        loop {
            match self.next(attempts) {
                Ok(Some(asked)) => {
                    if let Err(error) = self.see_to(asked, asker, attempts).await {
                        tracing::error!(%error, "failed to keep what the LIMS told of a patient");
                        tokio::time::sleep(AGAIN).await;
                    }
                }
                Ok(None) => drop(tokio::time::timeout(AGAIN, self.wanted.notified()).await),
                Err(error) => {
                    tracing::error!(%error, "failed to look for questions about patients' history");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    /// The question that was tried least, of those the oldest; from now on it counts as being asked.
    fn next(&self, attempts: &Attempts) -> Result<Option<Asked>, JournalError> {
        let open = self.reader.lock().unwrap_or_else(PoisonError::into_inner).open_history(A_TURN)?;
        let now = clock::monotonic();
        let mut attempts = attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |it: &Asked| match attempts.get(&subject(&it.question)) {
            None => Some(0),
            Some(attempt) => (!attempt.is_running && attempt.again_at <= now).then_some(attempt.failed),
        };
        let due = together(open).into_iter().filter_map(|it| Some((failed(&it)?, it)));
        let Some((failed, asked)) = due.min_by_key(|(failed, _)| *failed) else { return Ok(None) };
        let attempt = Attempt { is_running: true, failed, again_at: now };
        attempts.insert(subject(&asked.question), attempt);
        Ok(Some(asked))
    }

    /// Asks a question and writes what came of it.
    async fn see_to(
        &self,
        asked: Asked,
        asker: &Result<Asker, String>,
        attempts: &Attempts,
    ) -> Result<(), JournalError> {
        let about = subject(&asked.question);
        let answer = match asker {
            Ok(asker) => self.ask(asker, &asked.question).await,
            Err(why) => Err(why.clone()),
        };
        let closed = self.close(asked, answer).await;
        let mut attempts = attempts.lock().unwrap_or_else(PoisonError::into_inner);
        match &closed {
            Ok(true) => drop(attempts.remove(&about)),
            Ok(false) | Err(_) => {
                if let Some(attempt) = attempts.get_mut(&about) {
                    (attempt.is_running, attempt.failed) = (false, attempt.failed.saturating_add(1));
                    attempt.again_at = clock::monotonic() + AGAIN;
                }
            }
        }
        closed.map(drop)
    }

    /// Writes what came of a question. Whether it is closed with that.
    async fn close(
        &self,
        asked: Asked,
        answer: Result<Vec<HistoryValue>, String>,
    ) -> Result<bool, JournalError> {
        let now = clock::now();
        // A clock that was set back makes a result wait no longer than for twice the time it may.
        let waited = now.duration_since(asked.opened_at).abs();
        let is_late = waited >= SignedDuration::try_from(self.settings.wait).unwrap_or(SignedDuration::MAX);
        match &answer {
            Ok(_) => self.is_there(now),
            Err(why) => self.board.set_link(NAME, now, LinkState::Down(why.clone())),
        }
        match answer {
            Ok(values) => self.journal.close_history(asked.ids, Some(values), now).await?,
            Err(why) if is_late => {
                tracing::warn!(why, "the LIMS told nothing of a patient's history in time; going on without");
                self.journal.close_history(asked.ids, None, now).await?;
            }
            Err(_) => return Ok(false),
        }
        self.arrived.notify_one();
        Ok(true)
    }

    async fn ask(&self, asker: &Asker, question: &HistoryQuestion) -> Result<Vec<HistoryValue>, String> {
        let exchange = self.exchange(asker, question);
        let asked = tokio::time::timeout(self.settings.web.timeout, exchange).await;
        asked.unwrap_or_else(|_| Err("the time limit ran out".to_owned()))
    }

    async fn exchange(&self, asker: &Asker, question: &HistoryQuestion) -> Result<Vec<HistoryValue>, String> {
        let since = clock::now().to_zoned(jiff::tz::TimeZone::UTC);
        let since =
            since.checked_sub(i64::from(self.settings.days).days()).map_err(|error| error.to_string())?;
        let values = [
            ("patient", question.patient.reveal().as_str()),
            ("authority", &question.authority),
            ("code", &question.code),
            ("since", &since.date().to_string()),
        ];
        let (accept, mut told) = (self.accept(), Vec::new());
        let mut url = filled(&self.settings.url, &values)?;
        let mut subjects = BTreeSet::new();
        for _ in 0..PAGES {
            let text = asker.ask(url.clone(), accept).await?;
            let Answer { values, next, about } =
                answer::read(&text, &self.settings, question.patient.reveal())?;
            told.extend(values);
            subjects.extend(about);
            if subjects.len() > 1 {
                return Err("its answer is about several patients".to_owned());
            }
            let Some(next) = next else { return Ok(told) };
            url = next_page(&url, &next)?;
        }
        Err(format!("its answer has more than {PAGES} pages; ask for fewer days, or by {{code}}"))
    }

    /// The page shows that it can be asked.
    fn is_there(&self, now: Timestamp) {
        self.board.peer_does(NAME, "the LIMS", now, "asked when a result is compared");
    }

    fn accept(&self) -> &'static str {
        match self.settings.format {
            HistoryFormat::Json => "application/json",
            HistoryFormat::Fhir { .. } => "application/fhir+json",
        }
    }
}

fn subject(question: &HistoryQuestion) -> Subject {
    (question.patient.reveal().clone(), question.authority.clone(), question.code.clone())
}

/// The questions with those together that are the same to the LIMS, the oldest first.
fn together(open: Vec<OpenQuestion>) -> Vec<Asked> {
    let (mut all, mut places) = (Vec::<Asked>::new(), BTreeMap::new());
    for OpenQuestion { id, question, opened_at } in open {
        let place = *places.entry(subject(&question)).or_insert(all.len());
        match all.get_mut(place) {
            Some(asked) => asked.ids.push(id),
            None => all.push(Asked { ids: vec![id], question, opened_at }),
        }
    }
    all
}
