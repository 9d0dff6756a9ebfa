//! One file: fetched, proven whole, stored, and only then removed. Each step that fails leaves the file where it is.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use labwire_drop::{Contents, Ending, Verdict};

use super::Drop;
use super::decide::{Listed, Step, Waits, Watch};
use super::place::{Trouble, Visit};
use super::spool::{Limit, Spool, Spooled};
use crate::board::{Stage, Taking};
use crate::clock;
use crate::config::settings::{After, Proof};
use crate::domain::Private;
use crate::journal::files::{Fetched, FileReceipt, Known, Storing};
use crate::journal::{JournalError, Reader};

/// How much is stored in one commit, in bytes; so much of a file is in memory at once.
const PIECE: usize = 256 * 1024;

impl Drop {
    /// Does one step of a plan, and remembers in `watch` what came of it. `Some` when the file waits.
    ///
    /// # Errors
    /// When the place, the journal or the disk is in trouble, so that there is no use in going on.
    pub(super) async fn step(
        &self,
        visit: &mut Visit<'_>,
        watch: &mut Watch,
        step: Step,
    ) -> Result<Option<Waits>, Trouble> {
        let file = step.file().clone();
        let done = match step {
            Step::Take { markers, .. } => self.take(visit, watch, &file, None, &markers).await,
            Step::Recognize { known, markers, .. } => {
                self.take(visit, watch, &file, Some(&known), &markers).await
            }
            Step::Remove { receipt, markers, .. } => {
                self.remove(visit, watch, &file, receipt, &markers).await
            }
        };
        match done {
            Err(Trouble::File(why)) => Ok(Some(Waits { name: file.name, why, by_itself: false })),
            Err(Trouble::Busy(why)) => Ok(Some(Waits { name: file.name, why, by_itself: true })),
            Err(Trouble::Content(why)) => {
                let name = file.name.clone();
                watch.unfit(file, why.clone());
                Ok(Some(Waits { name, why, by_itself: false }))
            }
            Err(Trouble::Place(why)) => {
                watch.broke_off(&file.name);
                Err(Trouble::Place(why))
            }
            Ok(waits) => Ok(waits),
        }
    }

    async fn take(
        &self,
        visit: &mut Visit<'_>,
        watch: &mut Watch,
        file: &Listed,
        known: Option<&Known>,
        markers: &[String],
    ) -> Result<Option<Waits>, Trouble> {
        self.has_room_for(file.size)?;
        let mut spool = self.spool(file).await?;
        let fetched = visit.fetch(&file.name, &mut spool).await;
        if let Err(trouble) = fetched {
            spool.discard().await;
            return self.after_failure(watch, file, trouble);
        }
        let mut spooled = spool.finish().await?;
        let judged = self.judge(visit, watch, file, known, &spooled).await;
        if !matches!(judged, Ok(None)) {
            spooled.discard().await;
            return judged;
        }
        let receipt = self.store(file, &mut spooled).await;
        spooled.discard().await;
        let receipt = receipt?;
        self.board_took(file);
        self.remove(visit, watch, file, receipt, markers).await
    }

    /// A file that couldn't be read to its end is read again at the next look, if only the place was in trouble.
    fn after_failure(
        &self,
        watch: &mut Watch,
        file: &Listed,
        trouble: Trouble,
    ) -> Result<Option<Waits>, Trouble> {
        if let Trouble::Place(why) = &trouble {
            watch.changed(file.clone(), why.clone(), clock::monotonic());
        }
        Err(trouble)
    }

    /// Whether what was fetched may be stored. `Some` when it may not yet.
    async fn judge(
        &self,
        visit: &mut Visit<'_>,
        watch: &mut Watch,
        file: &Listed,
        known: Option<&Known>,
        spooled: &Spooled,
    ) -> Result<Option<Waits>, Trouble> {
        if spooled.length != file.size {
            let why = format!("{} of {} bytes came; it will be read again", spooled.length, file.size);
            return Ok(Some(watch.changed(file.clone(), why, clock::monotonic())));
        }
        if visit.look(&file.name).await?.as_ref() != Some(file) {
            let why = "it changed while it was read; it will be read again".to_owned();
            return Ok(Some(watch.changed(file.clone(), why, clock::monotonic())));
        }
        if known.is_some_and(|known| known.sha256 != spooled.sha256) {
            let why = "it isn't the file of that name that was taken; it is watched anew".to_owned();
            return Ok(Some(watch.changed(file.clone(), why, clock::monotonic())));
        }
        match &spooled.verdict {
            Verdict::Whole => Ok(None),
            Verdict::Incomplete(_) => Err(Trouble::Content(format!(
                "{}; have the analyzer write it again if it has stopped",
                spooled.verdict
            ))),
            Verdict::Refused(_) => Err(Trouble::Content(spooled.verdict.to_string())),
        }
    }

    /// Stores what was fetched, unless its content is known.
    async fn store(&self, file: &Listed, spooled: &mut Spooled) -> Result<FileReceipt, Trouble> {
        let journal = &self.intake.journal;
        let fetched = Fetched {
            instrument: self.instrument.id.clone(),
            source: self.source.name.clone(),
            name: file.name.clone(),
            size: file.size,
            stamp: file.stamp.clone(),
            sha256: spooled.sha256.clone(),
            head: spooled.head.clone(),
        };
        if let Some(receipt) = self.recognized(&fetched).await? {
            return Ok(receipt);
        }
        let storing = journal.begin_file(fetched, clock::now()).await.map_err(of_journal)?;
        let begun = storing.begun();
        let stored = self.store_pieces(storing, file, spooled).await;
        let receipt = match stored {
            Ok(storing) => journal.finish_file(storing, clock::now()).await.map_err(of_journal)?,
            Err(trouble) => {
                // Where the journal doesn't take this either, the next start closes it.
                let _ = journal.cut_file(begun, trouble.text().to_owned(), clock::now()).await;
                return Err(trouble);
            }
        };
        while journal.release_parts(receipt, clock::now()).await.map_err(of_journal)? > 0 {
            self.intake.arrived.notify_one();
        }
        tracing::info!(source = self.source.name, file = %receipt.file(), bytes = file.size, "a file was taken");
        Ok(receipt)
    }

    async fn store_pieces(
        &self,
        mut storing: Storing,
        file: &Listed,
        spooled: &mut Spooled,
    ) -> Result<Storing, Trouble> {
        let mut done = 0;
        while let Some((bytes, parts)) = spooled.next(PIECE).await? {
            self.intake.board.drop_takes(&self.source.name, taking(file, Stage::Stored, done), clock::now());
            done += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let stored = self.intake.journal.store_piece(storing, bytes, parts, clock::now());
            storing = stored.await.map_err(of_journal)?;
        }
        Ok(storing)
    }

    /// A receipt for a content that was taken before: for the same file when it was never removed, else for a
    /// repetition of it.
    async fn recognized(&self, fetched: &Fetched) -> Result<Option<FileReceipt>, Trouble> {
        let journal = &self.intake.journal;
        let (by_name, by_content) = self.read(|reader| {
            let by_name = reader.file_of_name(&fetched.instrument, &fetched.name)?;
            Ok((by_name, reader.file_of_content(&fetched.instrument, &fetched.sha256)?))
        })?;
        let is_it = |known: &&Known| !known.is_gone && known.sha256 == fetched.sha256;
        if let Some(known) = by_name.as_ref().filter(is_it) {
            let receipt = journal.recognize_file(known.file, fetched.size, fetched.stamp.clone());
            return Ok(Some(receipt.await.map_err(of_journal)?));
        }
        let Some(first) = by_content else { return Ok(None) };
        let receipt = journal.repeat_file(fetched.clone(), first.file, clock::now());
        let receipt = receipt.await.map_err(of_journal)?;
        let (file, first) = (receipt.file(), first.file);
        tracing::info!(source = self.source.name, %file, %first, "a file repeats one that was taken; nothing is read of it");
        Ok(Some(receipt))
    }

    /// Removes a file that is in the journal, as far as it is to be removed and still the one that was read. Its marker
    /// goes first: one that was left would vouch for the next file of that name.
    async fn remove(
        &self,
        visit: &mut Visit<'_>,
        watch: &mut Watch,
        file: &Listed,
        receipt: FileReceipt,
        markers: &[String],
    ) -> Result<Option<Waits>, Trouble> {
        if self.settings.after == After::Leave {
            watch.kept_there(file.clone(), receipt, None);
            return Ok(None);
        }
        match visit.look(&file.name).await? {
            Some(now) if now == *file => {}
            Some(now) => {
                let why = "it changed after it was read; it will be read again".to_owned();
                return Ok(Some(watch.changed(now, why, clock::monotonic())));
            }
            None => {
                watch.gone(&file.name);
                return Ok(None);
            }
        }
        let how = match self.take_away(visit, file, receipt, markers).await {
            Ok(how) => how,
            Err(trouble) => {
                let why = format!("its results are safe, but {}", trouble.text());
                watch.kept_there(file.clone(), receipt, Some(why.clone()));
                return match trouble {
                    Trouble::Place(_) => Err(trouble),
                    _ => Ok(Some(Waits { name: file.name.clone(), why, by_itself: false })),
                };
            }
        };
        watch.gone(&file.name);
        self.intake.journal.file_gone(receipt, how, clock::now()).await.map_err(of_journal)?;
        Ok(None)
    }

    async fn take_away(
        &self,
        visit: &mut Visit<'_>,
        file: &Listed,
        receipt: FileReceipt,
        markers: &[String],
    ) -> Result<String, Trouble> {
        for marker in markers {
            visit.discard(marker).await?;
        }
        match &self.settings.after {
            After::Move(folder) => {
                visit.archive(&file.name, folder, &receipt).await?;
                Ok("moved".to_owned())
            }
            After::Delete | After::Leave => {
                visit.delete(&file.name, &receipt).await?;
                Ok("deleted".to_owned())
            }
        }
    }

    async fn spool(&self, file: &Listed) -> Result<Spool, Trouble> {
        let (board, source, file) = (self.intake.board.clone(), self.source.name.clone(), file.clone());
        let progress = Box::new(move |done| {
            board.drop_takes(&source, taking(&file, Stage::Fetched, done), clock::now())
        });
        let (name, limit) = (self.instrument.id.as_str(), self.limit());
        Spool::create(&self.intake.spool, name, self.contents(limit), limit, progress).await
    }

    /// How a file is cut.
    fn contents(&self, limit: Limit) -> Contents {
        let instrument = &self.instrument;
        let mut contents = instrument.profile.dialect.contents(instrument.character_set);
        match &mut contents {
            // A file whose end something else vouches for may lack the last line's end. A pause in its writing is no voucher.
            Contents::Hl7 { ending, .. } if self.settings.proof.vouches() => *ending = Ending::Open,
            Contents::Hl7 { ending, .. } if self.settings.proof == Proof::Trailer => {
                *ending = Ending::Envelope
            }
            Contents::Workbook { longest } => *longest = limit.bytes,
            _ => {}
        }
        contents
    }

    /// A file is on the disk twice for a while, and the other instruments need room too.
    fn has_room_for(&self, size: u64) -> Result<(), Trouble> {
        let beside: PathBuf = self.intake.spool.parent().map(PathBuf::from).unwrap_or_default();
        let free = rustix::fs::statvfs(&beside)
            .map_or(u64::MAX, |space| space.f_bavail.saturating_mul(space.f_frsize));
        if free < size.saturating_mul(2).saturating_add(self.intake.reserve) {
            return Err(Trouble::File(
                "the journal's disk has no room for a file of this size; free some space there".to_owned(),
            ));
        }
        Ok(())
    }

    /// Reads the ledger of files.
    pub(super) fn read<T>(
        &self,
        look: impl FnOnce(&Reader) -> Result<T, JournalError>,
    ) -> Result<T, Trouble> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        if reader.is_none() {
            let opened = self.intake.journal.reader();
            *reader =
                Some(opened.map_err(|error| Trouble::Place(format!("the journal can't be read: {error}")))?);
        }
        match reader.as_ref() {
            Some(reader) => look(reader).map_err(of_journal),
            None => Err(Trouble::Place("the journal can't be read".to_owned())),
        }
    }
}

fn taking(file: &Listed, stage: Stage, done: u64) -> Taking {
    Taking { name: Private::new(file.name.clone()), stage, done, of: file.size }
}

/// The ledger's reader, opened when it is first needed.
pub(super) type Ledger = Mutex<Option<Reader>>;

fn of_journal(error: JournalError) -> Trouble {
    Trouble::Place(format!("the file wasn't stored: {error}"))
}
