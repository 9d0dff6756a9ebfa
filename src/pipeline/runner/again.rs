//! Looks at stored results again where something has changed that rules go by: other rules are in force, the site's settings
//! are others since the last start, the LIMS has spoken of an order, or more was measured of a specimen. Some specimens at a time, so that nothing waits
//! behind it.

mod found;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tracing::field::display;

use super::Runner;
use super::judging::{Bench, Controls, Judging};
use crate::clock;
use crate::domain::SpecimenId;
use crate::journal::decisions::{Again, HISTORY_WAS_ASKED, Judged, Known, MORE_WAS_MEASURED, THE_LIMS_SPOKE};
use crate::journal::results::{Entry, Place};
use crate::journal::{JournalError, MessageId, ObservationId};

pub(super) use found::{Before, Found};

/// The most held specimens that are looked at again for one change.
const HELD: usize = 100_000;
/// The most results of a specimen.
pub(super) const RESULTS: usize = 500;
/// How many specimens are looked at in one turn.
const A_TURN: usize = 16;

/// What is to be looked at again, and what was known when that was last asked.
#[derive(Default)]
pub(super) struct Review {
    waiting: VecDeque<(SpecimenId, &'static str)>,
    /// Those of them of whose patients the LIMS told something, or let the time run out; with the questions.
    told: BTreeMap<SpecimenId, Vec<i64>>,
    /// Those of them of which a later message brought more.
    beside: BTreeSet<SpecimenId>,
    /// The SHA-256 of the rules in force; the outer `None` before the first look.
    rules: Option<Option<String>>,
    /// The LIMS's last word that was noticed.
    word: i64,
    /// And the last one by which everything was looked at, as the journal keeps it.
    kept: i64,
}

impl Review {
    /// Looks for changes and at some of what they concern. Whether more is waiting.
    pub(super) async fn turn(&mut self, runner: &Runner) -> bool {
        if let Err(error) = self.notice(runner) {
            tracing::error!(%error, "failed to look for results that are to be judged again");
        }
        for _ in 0..A_TURN {
            let Some((specimen, why)) = self.waiting.pop_front() else { break };
            let told = self.told.remove(&specimen).unwrap_or_default();
            let done = look_again(runner, &specimen, why, told).await;
            match done {
                Ok(()) => {
                    if why == MORE_WAS_MEASURED {
                        self.beside.remove(&specimen);
                    }
                    runner.due.notify_one();
                    runner.wanted.notify_one();
                }
                Err(error) => {
                    let token = runner.token(&specimen).map(display);
                    tracing::error!(specimen_token = token, %error, "failed to judge results again; trying again");
                    self.waiting.push_back((specimen, why));
                    return false;
                }
            }
        }
        if self.waiting.is_empty() && self.word != self.kept {
            match runner.journal.heard_up_to(self.word).await {
                Ok(()) => self.kept = self.word,
                Err(error) => tracing::error!(%error, "failed to note how far orders were judged"),
            }
        }
        !self.waiting.is_empty()
    }

    /// Looks at these as well.
    pub(super) fn look_at(&mut self, specimens: impl IntoIterator<Item = SpecimenId>, why: &'static str) {
        self.waiting.extend(specimens.into_iter().map(|specimen| (specimen, why)));
    }

    /// Looks at whatever waits, as another result may be what it was compared with.
    pub(super) fn look_at_held(&mut self, runner: &Runner, why: &'static str) {
        match runner.read(|reader| reader.held_specimens(HELD)) {
            Ok(held) => {
                let queued: BTreeSet<SpecimenId> = self.waiting.iter().map(|(it, _)| it.clone()).collect();
                self.look_at(held.into_iter().filter(|it| !queued.contains(it)), why);
            }
            Err(error) => tracing::error!(%error, "failed to look for results that wait"),
        }
    }

    fn notice(&mut self, runner: &Runner) -> Result<(), JournalError> {
        let rules = runner.rules.borrow().as_ref().map(|rules| rules.sha256.clone());
        if self.rules.as_ref() != Some(&rules) {
            let why = match self.rules {
                None => "the gateway was started",
                Some(_) => "other rules are in force",
            };
            let (held, word) =
                runner.read(|reader| Ok((reader.held_specimens(HELD)?, reader.heard_up_to()?)))?;
            self.waiting.extend(held.into_iter().map(|specimen| (specimen, why)));
            if self.rules.is_none() {
                (self.word, self.kept) = (word, word);
            }
            self.rules = Some(rules);
        }
        let (tubes, word) = runner.read(|reader| reader.concerned(self.word))?;
        self.waiting.extend(tubes.into_iter().map(|tube| (tube, THE_LIMS_SPOKE)));
        self.word = word;
        // An index of haemolysis, or the calcium beside a potassium, may come a moment after the result that it bears on.
        for specimen in runner.read(|reader| reader.beside_due(A_TURN))? {
            if self.beside.insert(specimen.clone()) {
                self.waiting.push_front((specimen, MORE_WAS_MEASURED));
            }
        }
        for (question, specimen) in runner.read(|reader| reader.history_told(A_TURN))? {
            let questions = self.told.entry(specimen.clone()).or_default();
            if questions.is_empty() {
                self.waiting.push_front((specimen, HISTORY_WAS_ASKED));
            }
            if !questions.contains(&question) {
                questions.push(question);
            }
        }
        Ok(())
    }
}

/// `told`: what became of these questions about the patient counts as looked at with that.
async fn look_again(
    runner: &Runner,
    specimen: &SpecimenId,
    why: &'static str,
    told: Vec<i64>,
) -> Result<(), JournalError> {
    let all = judge(&runner.bench(), specimen)?;
    match all.is_empty() {
        true if why == MORE_WAS_MEASURED => runner.journal.forget_beside(specimen.clone()).await?,
        true => {}
        false => runner.journal.judge_again(all, why, clock::now()).await?,
    }
    if !told.is_empty() {
        runner.journal.history_judged(told).await?;
    }
    Ok(())
}

/// What the rules make now of all of a specimen's results.
pub(super) fn judge(bench: &Bench<'_>, specimen: &SpecimenId) -> Result<Vec<Again>, JournalError> {
    let stored = bench.read(|reader| reader.of_specimen(specimen, RESULTS))?;
    let mut messages: BTreeMap<MessageId, Vec<Known>> = BTreeMap::new();
    for known in stored {
        messages.entry(known.message).or_default().push(known);
    }
    let mut again = Vec::new();
    for (message, results) in messages {
        again.extend(of_message(bench, message, results)?);
    }
    Ok(again)
}

/// What rules made of a result when they were asked before.
pub(super) fn before(bench: &Bench<'_>, id: ObservationId) -> Result<Before, JournalError> {
    let kept = bench.read(|reader| reader.evaluations_of(id))?;
    Ok(Before { qc: kept.iter().find_map(|it| it.case.qc), found: Found::of(&kept) })
}

/// All results of a message are one instrument's.
fn of_message(
    bench: &Bench<'_>,
    message: MessageId,
    results: Vec<Known>,
) -> Result<Vec<Again>, JournalError> {
    let Some(first) = results.first() else { return Ok(Vec::new()) };
    let (received_at, name) = (first.received_at, &first.observation.reveal().instrument);
    let Some(instrument) = bench.instrument(name.as_str()) else { return Ok(Vec::new()) };
    let then = bench.read(|reader| reader.read_at(message))?.unwrap_or(received_at);
    let (ids, mut entries): (Vec<ObservationId>, Vec<Entry>) = results
        .into_iter()
        .map(|known| {
            let observation = known.observation.into_inner();
            let judged = Judged::default();
            let entry = Entry { observation, place: Place::Own, routes: Vec::new(), judged, link: None };
            (known.id, entry)
        })
        .unzip();
    let before = ids.iter().map(|id| before(bench, *id)).collect::<Result<Vec<_>, _>>()?;
    let controls = Controls::Then(&before, then);
    let judging = Judging { bench: bench.clone(), message, received_at, instrument, controls };
    judging.judge(&mut entries, true)?;
    let all = ids.into_iter().zip(entries).map(|(observation, entry)| {
        let link = judging.link(&entry.observation)?;
        Ok(Again { observation, judged: entry.judged, link })
    });
    all.collect()
}
