//! Asks the LIMS what it has of patients whose results are compared with earlier ones. A question is asked until it is
//! answered or its result has waited long enough; either is on disk before anybody goes by it. Never decides what an
//! answer comes to.

mod answer;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, ToSpan};
use reqwest::Url;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::web::{Asker, filled};
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

/// One question to the LIMS, which may answer several of ours.
struct Asked {
    ids: Vec<i64>,
    question: HistoryQuestion,
    /// The first of them.
    opened_at: Timestamp,
}

impl Historian {
    /// Asks until the gateway stops.
    pub async fn run(self, stop: CancellationToken) {
        self.board.add_link(NAME, Vec::new(), clock::now());
        let asker = Asker::new(&self.settings.web);
        match &asker {
            Ok(_) => self.board.set_link(NAME, clock::now(), LinkState::Polling),
            Err(why) => {
                tracing::error!(
                    why,
                    "failed to set up the way to the LIMS; it isn't asked for patients' history"
                );
                self.board.set_link(NAME, clock::now(), LinkState::Down(why.clone()));
            }
        }
        while !stop.is_cancelled() {
            let turn = async {
                match self.turn(asker.as_ref().ok()).await {
                    Ok(true) => {}
                    Ok(false) => drop(tokio::time::timeout(AGAIN, self.wanted.notified()).await),
                    Err(error) => {
                        tracing::error!(%error, "failed to look for questions about patients' history");
                        tokio::time::sleep(AGAIN).await;
                    }
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = turn => {}
            }
        }
    }

    /// Asks what is open. Whether to go on at once.
    async fn turn(&self, asker: Option<&Asker>) -> Result<bool, JournalError> {
        let open = self.reader.lock().unwrap_or_else(PoisonError::into_inner).open_history(A_TURN)?;
        let mut is_there = true;
        let mut all_closed = !open.is_empty();
        for asked in together(open) {
            let answer = match asker.filter(|_| is_there) {
                Some(asker) => self.ask(asker, &asked.question).await,
                None => Err("it isn't asked again so soon".to_owned()),
            };
            is_there &= answer.is_ok();
            all_closed &= self.close(asked, answer).await?;
        }
        Ok(all_closed)
    }

    /// Writes what came of a question. Whether it is closed with that.
    async fn close(
        &self,
        asked: Asked,
        answer: Result<Vec<HistoryValue>, String>,
    ) -> Result<bool, JournalError> {
        let now = clock::now();
        let waited = now.duration_since(asked.opened_at);
        let is_late = waited >= SignedDuration::try_from(self.settings.wait).unwrap_or(SignedDuration::MAX);
        let state = match &answer {
            Ok(_) => LinkState::Polling,
            Err(why) => LinkState::Down(why.clone()),
        };
        self.board.set_link(NAME, now, state);
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
        let first = filled(&self.settings.url, &values)?;
        let (accept, mut url, mut told) = (self.accept(), first.clone(), Vec::new());
        for _ in 0..PAGES {
            let text = asker.ask(url.clone(), accept).await?;
            let Answer { values, next } = answer::read(&text, &self.settings)?;
            told.extend(values);
            let Some(next) = next else { return Ok(told) };
            url = beside(&first, &url, &next)?;
        }
        Err(format!("its answer has more than {PAGES} pages; ask for fewer days, or by {{code}}"))
    }

    fn accept(&self) -> &'static str {
        match self.settings.format {
            HistoryFormat::Json => "application/json",
            HistoryFormat::Fhir { .. } => "application/fhir+json",
        }
    }
}

/// The address of the next page: of the same server alone, for it gets our token.
fn beside(first: &Url, url: &Url, next: &str) -> Result<Url, String> {
    let next = url.join(next).map_err(|_| "the address of its next page is none".to_owned())?;
    if next.origin() != first.origin() {
        return Err("its next page lies at another server".to_owned());
    }
    Ok(next)
}

/// The questions with those together that are the same to the LIMS, the oldest first.
fn together(open: Vec<OpenQuestion>) -> Vec<Asked> {
    let mut all: Vec<Asked> = Vec::new();
    for OpenQuestion { id, question, opened_at } in open {
        let is_same = |it: &&mut Asked| {
            let of = |it: &HistoryQuestion| (it.patient.clone(), it.authority.clone(), it.code.clone());
            of(&it.question) == of(&question)
        };
        match all.iter_mut().find(is_same) {
            Some(asked) => asked.ids.push(id),
            None => all.push(Asked { ids: vec![id], question, opened_at }),
        }
    }
    all
}
