//! Tells an instrument that doesn't ask what to do with its tubes, on its own connection, one message after the other. Each
//! instrument has a task of its own: one that takes nothing holds up no other. Who may speak when is the link's affair.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use labwire_link::SendId;
use tokio_util::sync::CancellationToken;

use super::stepping::{particulars, told_as};
use super::work::{Tube, reported, still_to_do, tube};
use crate::clock;
use crate::config::settings::Instrument;
use crate::domain::{Priority, SpecimenId};
use crate::journal::orders::{Download, DownloadFate, Wanted};
use crate::journal::{Journal, JournalError, Reader};
use crate::pipeline::runner::reading;
use crate::pipeline::{Stamp, Work, download};
use crate::wire::{ControlIds, Mailboxes, Outgoing};

/// How many words of the LIMS are looked at in one step.
const WORDS: usize = 500;
/// How often it is looked whether there is something to tell.
const LOOK: Duration = Duration::from_millis(500);
/// How long a message may be under way: a long one at 9,600 baud, sent as often as the protocol allows.
const UNDER_WAY: Duration = Duration::from_secs(300);

/// What downloads are made with.
#[derive(Clone)]
pub struct Downloading {
    pub journal: Journal,
    pub mailboxes: Mailboxes,
    pub control_ids: ControlIds,
    /// As stored. What another told is known and not used.
    pub sources: BTreeSet<String>,
}

fn look<T>(reader: &Mutex<Reader>, look: impl FnOnce(&Reader) -> T) -> T {
    look(&reader.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Downloading {
    /// Tells one instrument until the gateway stops. `source` is what its connections are known by.
    pub async fn run(
        self,
        instrument: Arc<Instrument>,
        source: String,
        reader: Reader,
        stop: CancellationToken,
    ) {
        let reader = Mutex::new(reader);
        if let Err(error) = self.journal.recover_downloads(instrument.id.clone()).await {
            tracing::error!(instrument = %instrument.id, %error, "failed to take up what was under way");
        }
        loop {
            let turn = tokio::select! {
                () = stop.cancelled() => return,
                turn = self.turn(&instrument, &source, &reader) => turn,
            };
            let pause = match turn {
                Ok(true) => continue,
                Ok(false) => LOOK,
                Err(error) => {
                    tracing::error!(instrument = %instrument.id, %error, "failed to tell an instrument of its work; trying again");
                    LOOK * 4
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Whether something was done.
    async fn turn(
        &self,
        instrument: &Instrument,
        source: &str,
        reader: &Mutex<Reader>,
    ) -> Result<bool, JournalError> {
        let (labels, up_to) = look(reader, |reader| reader.spoken_of(&instrument.id, WORDS))?;
        if let Some(up_to) = up_to {
            let wanted = look(reader, |reader| {
                let wanted = labels.into_iter().map(|specimen| self.wanted(reader, instrument, specimen));
                wanted.collect::<Result<Vec<_>, _>>()
            })?;
            self.journal.want_downloads(instrument.id.clone(), wanted, up_to, clock::now()).await?;
            return Ok(true);
        }
        let Some(peer) = self.mailboxes.peer(source) else { return Ok(false) };
        let due = look(reader, |reader| reader.due_download(&instrument.id, clock::now()))?;
        let Some(due) = due else { return Ok(false) };
        let work = look(reader, |reader| self.work(reader, instrument, &due.specimen))?;
        self.tell(instrument, (source, &peer), reader, &due, work).await?;
        Ok(true)
    }

    fn wanted(
        &self,
        reader: &Reader,
        instrument: &Instrument,
        specimen: SpecimenId,
    ) -> Result<Wanted, JournalError> {
        let work = self.work(reader, instrument, &specimen)?;
        let priority = work.as_ref().map_or(Priority::Routine, |work| work.priority);
        let particulars = work.as_ref().map(|work| particulars(work, instrument)).unwrap_or_default();
        let tests = work.map(|work| work.tests.into_iter().collect()).unwrap_or_default();
        Ok(Wanted { specimen, tests, priority, particulars })
    }

    fn work(
        &self,
        reader: &Reader,
        instrument: &Instrument,
        label: &SpecimenId,
    ) -> Result<Option<Work>, JournalError> {
        let mut orders = reader.orders_on(label)?;
        orders.retain(|it| self.sources.contains(&it.source));
        let reading = reading(instrument);
        let orders = still_to_do(reader, orders, &reading, instrument.orders.finished)?;
        Ok(match tube(label, &orders, &reading) {
            Tube::Work(work) => Some(*work),
            _ => None,
        })
    }

    /// Sends what is wanted now, and takes back what isn't any more; returns once it is known what came of it.
    async fn tell(
        &self,
        instrument: &Instrument,
        (source, peer): (&str, &str),
        reader: &Mutex<Reader>,
        due: &Download,
        work: Option<Work>,
    ) -> Result<(), JournalError> {
        let tests: BTreeSet<String> = work.iter().flat_map(|work| work.tests.iter().cloned()).collect();
        let known = work.as_ref().map(|work| particulars(work, instrument)).unwrap_or_default();
        self.journal.begin_download(due.id, tests.clone(), known, clock::now()).await?;
        let (work, steps) =
            told_as(&self.journal, &self.control_ids, instrument, &due.specimen, work).await?;
        let settle = |fate, note| self.journal.settle_download(due.id, fate, note, clock::now());
        let mut withdrawn = steps.withdrawn;
        let is_gone = |code: &&String| !tests.contains(*code);
        for code in due.told.iter().filter(is_gone) {
            let answers = reported(std::slice::from_ref(code), &reading(instrument));
            let is_done = look(reader, |reader| reader.all_resulted(&due.specimen, &answers))?;
            if !is_done && !withdrawn.iter().any(|(known, _)| known == code) {
                withdrawn.push((code.clone(), self.control_ids.take().as_str().to_owned()));
            }
        }
        if work.is_none() && withdrawn.is_empty() {
            return settle(DownloadFate::Taken, "there was nothing to take back").await;
        }
        let is_known = !due.told.is_empty() || steps.is_known;
        let content = self.content(instrument, &due.specimen, work.as_ref(), &withdrawn, is_known);
        let Some(content) = content else {
            return settle(DownloadFate::Refused, "labwire can't tell this model of its work").await;
        };
        let outgoing = Outgoing { id: SendId(due.id.send_id()), content };
        if self.mailboxes.send(source, peer, outgoing).is_err() {
            return settle(DownloadFate::Again, "the connection is gone").await;
        }
        let deadline = clock::monotonic() + UNDER_WAY;
        while clock::monotonic() < deadline {
            if look(reader, |reader| reader.download(due.id))?.state != "sending" {
                return Ok(());
            }
            if !self.mailboxes.stands(source, peer) {
                break;
            }
            tokio::time::sleep(LOOK / 5).await;
        }
        settle(DownloadFate::Again, "no answer came").await
    }

    fn content(
        &self,
        instrument: &Instrument,
        specimen: &SpecimenId,
        work: Option<&Work>,
        withdrawn: &[(String, String)],
        is_known: bool,
    ) -> Option<Vec<u8>> {
        let now = clock::now().to_zoned(instrument.time_zone.clone()).strftime("%Y%m%d%H%M%S").to_string();
        let mut next = || self.control_ids.take().as_str().to_owned();
        let mut stamp = Stamp { now: &now, next_control_id: &mut next };
        download(specimen, work, withdrawn, is_known, &reading(instrument), &mut stamp)
    }
}
