//! When bytes of old messages leave the journal for archives: a few rows at a time, with pauses between, so that no frame
//! waits for them. What may leave, and how, is the journal's.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task;
use tokio_util::sync::CancellationToken;

use super::reader_once_open;
use crate::board::{Board, Chore};
use crate::clock;
use crate::config::settings::{JournalSettings, Retention};
use crate::journal::retention::{Moved, Walk};
use crate::journal::{ArchiveError, Condition, Journal, Reader};

/// How often it is looked what may leave, by the wall clock: a timer doesn't count the hours for which the PC sleeps.
const LOOK: SignedDuration = SignedDuration::from_hours(6);
/// How often it is asked whether that time has come.
const MINUTE: Duration = Duration::from_secs(60);
/// Between two steps: after one that took bytes out, and after one that only looked.
const PAUSE: Duration = Duration::from_millis(50);
const GLANCE: Duration = Duration::from_millis(2);
/// How much younger what leaves may be with each round while the journal is too large.
const ROUND: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Who lets bytes leave.
pub(super) struct Archiving {
    pub(super) journal: Journal,
    pub(super) board: Board,
    pub(super) settings: JournalSettings,
}

impl Archiving {
    /// Runs until the gateway stops. What is under way then stays in the journal.
    pub(super) async fn run(self, stop: CancellationToken) {
        if !self.settings.retention.is_on() {
            return;
        }
        let Some(mut reader) = reader_once_open(&self.journal, &stop).await else { return };
        loop {
            let now = clock::now();
            let Pass { reader: back, came, is_whole } = self.pass(reader, now, &stop).await;
            match came {
                Ok(Moved { items: 0, .. }) => {}
                Ok(Moved { items, bytes }) => {
                    tracing::info!(items, bytes, "bytes of old messages left for the archives");
                }
                Err(ref error) => {
                    tracing::error!(%error, "bytes of old messages can't be archived; they stay in the journal");
                }
            }
            self.board.set_chore(Chore::Archiving, now, came.err().map(|error| error.to_string()));
            let Some(back) = back else { return };
            reader = back;
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(MINUTE) => {}
                }
                if is_due(now, clock::now()) || !is_whole && self.may_leave() {
                    break;
                }
            }
        }
    }

    /// Whether the journal lets anything leave: not while its disk is full, nor while nothing is delivered.
    fn may_leave(&self) -> bool {
        *self.journal.condition().borrow() == Condition::Good && self.journal.standstill().borrow().is_none()
    }

    /// Everything that may leave now.
    async fn pass(&self, reader: Reader, now: Timestamp, stop: &CancellationToken) -> Pass {
        let mut round = Round { reader: Some(reader), moved: Moved::default(), is_whole: true };
        let came = self.leave(&mut round, now, stop).await;
        Pass { reader: round.reader, came: came.map(|()| round.moved), is_whole: round.is_whole }
    }

    async fn leave(
        &self,
        round: &mut Round,
        now: Timestamp,
        stop: &CancellationToken,
    ) -> Result<(), ArchiveError> {
        let ago = |days: u32| days_before(now, days);
        match &round.reader {
            Some(reader) if !reader.bears_out(now)? => {
                tracing::info!(
                    "no message came between a day and a week ago: nothing leaves by a clock that may be wrong"
                );
                return Ok(());
            }
            Some(_) => {}
            None => return Ok(()),
        }
        if let Some(days) = self.settings.retention.keep_days {
            self.walk(round, ago(days), None, stop).await?;
        }
        let Some(most) = self.settings.retention.most_bytes else { return Ok(()) };
        let floor = ago(Retention::FLOOR_DAYS);
        let mut before = match &round.reader {
            Some(reader) => reader.created_at()?.unwrap_or(floor),
            None => return Ok(()),
        };
        while before < floor && round.is_above(most)? && !stop.is_cancelled() {
            before = before.saturating_add(ROUND).unwrap_or(floor).min(floor);
            self.walk(round, before, Some(most), stop).await?;
        }
        Ok(())
    }

    /// Lets everything leave that is older than `before`, as long as the journal is larger than `most` bytes.
    async fn walk(
        &self,
        round: &mut Round,
        before: Timestamp,
        most: Option<u64>,
        stop: &CancellationToken,
    ) -> Result<(), ArchiveError> {
        let mut walk = Walk::default();
        while !walk.is_over() {
            if !self.may_leave() {
                round.is_whole = false;
                return Ok(());
            }
            if let Some(most) = most
                && !round.is_above(most)?
            {
                return Ok(());
            }
            let Some(reader) = round.reader.take() else { return Ok(()) };
            let reserve = self.settings.reserve_bytes;
            let copying = task::spawn_blocking(move || {
                let copied = reader.copy_into_archives(&mut walk, before, reserve);
                (reader, walk, copied)
            });
            let Ok((reader, further, copied)) = copying.await else { return Ok(()) };
            (round.reader, walk) = (Some(reader), further);
            let copied = copied?;
            let pause = if copied.items() > 0 { PAUSE } else { GLANCE };
            if copied.items() > 0 {
                round.moved = round.moved.and(self.journal.take_out(copied, clock::now()).await?);
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
        Ok(())
    }
}

/// What a pass has, and has come to.
struct Round {
    reader: Option<Reader>,
    moved: Moved,
    is_whole: bool,
}

/// What came of a pass.
struct Pass {
    /// Unless the work on it broke off.
    reader: Option<Reader>,
    came: Result<Moved, ArchiveError>,
    /// Whether nothing kept it from going through everything.
    is_whole: bool,
}

impl Round {
    fn is_above(&self, most: u64) -> Result<bool, ArchiveError> {
        Ok(match &self.reader {
            Some(reader) => reader.bytes_in_use()? > most,
            None => false,
        })
    }
}

/// Whether it is time to look again after a look at `last`. A clock that was set back says nothing of how long that is ago.
fn is_due(last: Timestamp, now: Timestamp) -> bool {
    now < last || now.duration_since(last) >= LOOK
}

/// A moment so many days ago.
fn days_before(now: Timestamp, days: u32) -> Timestamp {
    now.saturating_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use labwire_link::{Parcel, ParcelId};

    use super::*;
    use crate::domain::InstrumentId;
    use crate::journal::desk::Decider;
    use crate::journal::parcels::{Ending, Within};
    use crate::journal::results::Processed;
    use crate::journal::standstill::Since;

    const DAY: i64 = 86_400;

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn ago(days: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 - days * DAY).unwrap()
    }

    /// A message that is over, so many days old.
    async fn over(journal: &Journal, days: i64) {
        let raw = vec![b'L'; 3_000];
        let parcel = Parcel { id: ParcelId(7), content: 0..raw.len(), message_ends: vec![raw.len()], raw };
        let within = Within::New { source: "port".to_owned(), peer: "peer".to_owned() };
        let stored = journal.store_parcel(within, parcel, Vec::new(), ago(days)).await.unwrap();
        journal.end_transfer(stored.transfer, Ending::Ended { completes: false }, ago(days)).await.unwrap();
        let processed = Processed {
            message: stored.messages[0],
            instrument: Some(InstrumentId::new("sim")),
            fingerprint: Vec::new(),
            repeats: None,
            entries: Vec::new(),
            problems: Vec::new(),
            queries: Vec::new(),
            habits: Vec::new(),
            runs: Vec::new(),
            looks_beside: false,
        };
        journal.record(processed, ago(days)).await.unwrap();
    }

    /// How many of six messages leave: 2,000, 1,500, 1,000, 732, 700 and 3 days old.
    async fn left(keep_days: Option<u32>, most_bytes: Option<u64>) -> u64 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labwire.db");
        let journal = Journal::open(&path, 0, ago(2_001)).unwrap();
        for days in [2_000, 1_500, 1_000, 732, 700, 3] {
            over(&journal, days).await;
        }
        let reader = journal.reader().unwrap();
        let retention = Retention { keep_days, most_bytes };
        let settings = JournalSettings { path, reserve_bytes: 0, retention };
        let archiving = Archiving { journal, board: Board::default(), settings };
        let pass = archiving.pass(reader, now(), &CancellationToken::new()).await;
        assert!(pass.is_whole);
        pass.came.unwrap().items
    }

    #[tokio::test]
    async fn what_is_old_enough_leaves() {
        assert_eq!(left(Some(1_500), None).await, 1);
        assert_eq!(left(Some(999), None).await, 3);
        assert_eq!(left(Some(731), None).await, 4);
    }

    #[tokio::test]
    async fn of_a_journal_that_is_too_large_all_leaves_but_what_is_below_the_floor() {
        assert_eq!(left(None, Some(1)).await, 4);
        assert_eq!(left(Some(3_000), Some(1)).await, 4);
        assert_eq!(left(None, Some(u64::MAX)).await, 0);
        assert_eq!(left(None, None).await, 0);
    }

    #[tokio::test]
    async fn the_oldest_leave_first_and_no_more_than_it_takes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labwire.db");
        let journal = Journal::open(&path, 0, ago(2_001)).unwrap();
        for days in [2_000, 1_500, 1_000, 732, 700, 3] {
            over(&journal, days).await;
        }
        let most = journal.reader().unwrap().bytes_in_use().unwrap() - 1;
        let retention = Retention { keep_days: None, most_bytes: Some(most) };
        let settings = JournalSettings { path: path.clone(), reserve_bytes: 0, retention };
        let archiving = Archiving { journal, board: Board::default(), settings };
        let pass =
            archiving.pass(archiving.journal.reader().unwrap(), now(), &CancellationToken::new()).await;
        assert_eq!(pass.came.unwrap().items, 1);
        let archives = pass.reader.unwrap().archives().unwrap();
        let month = ago(2_000).to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m.db").to_string();
        assert_eq!(archives.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), [month]);
    }

    #[tokio::test]
    async fn nothing_leaves_by_a_clock_that_has_no_week_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labwire.db");
        let journal = Journal::open(&path, 0, ago(2_001)).unwrap();
        over(&journal, 2_000).await;
        // As after a jump of years: what came before it is old, and what came since is of today.
        over(&journal, 0).await;
        let retention = Retention { keep_days: Some(731), most_bytes: Some(1) };
        let settings = JournalSettings { path, reserve_bytes: 0, retention };
        let archiving = Archiving { journal, board: Board::default(), settings };
        let stop = CancellationToken::new();
        let pass = archiving.pass(archiving.journal.reader().unwrap(), now(), &stop).await;
        assert_eq!(pass.came.unwrap().items, 0);
        over(&archiving.journal, 2).await;
        let pass = archiving.pass(pass.reader.unwrap(), now(), &stop).await;
        assert_eq!(pass.came.unwrap().items, 1);
    }

    #[test]
    fn a_pc_that_slept_or_whose_clock_jumped_looks_within_a_minute() {
        let hours = |hours| now().checked_add(SignedDuration::from_hours(hours)).unwrap();
        assert!(!is_due(now(), now()));
        assert!(!is_due(now(), hours(5)));
        assert!(is_due(now(), hours(6)), "it went on, or slept, or the clock jumped");
        assert!(is_due(now(), hours(-1)), "the clock was set back");
    }

    /// What a journal that stands still keeps leaves with the next look, and that isn't six hours away.
    #[tokio::test]
    async fn a_pass_that_was_kept_from_something_is_not_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labwire.db");
        let journal = Journal::open(&path, 0, ago(2_001)).unwrap();
        over(&journal, 2_000).await;
        over(&journal, 3).await;
        drop(journal);
        // A journal that nobody knows as the one that ran last.
        std::fs::remove_file(path.with_extension("epoch")).unwrap();
        let journal = Journal::open(&path, 0, ago(1)).unwrap();
        let retention = Retention { keep_days: Some(999), most_bytes: None };
        let settings = JournalSettings { path, reserve_bytes: 0, retention };
        let archiving = Archiving { journal, board: Board::default(), settings };
        let stop = CancellationToken::new();
        let kept = archiving.pass(archiving.journal.reader().unwrap(), now(), &stop).await;
        assert!(!kept.is_whole && kept.came.unwrap().items == 0 && !archiving.may_leave());
        let decider = Decider { actor: "a".to_owned(), reason: "compared".to_owned() };
        archiving.journal.resume(Since::Send, decider, ago(1)).await.unwrap();
        assert!(archiving.may_leave());
        let left = archiving.pass(kept.reader.unwrap(), now(), &stop).await;
        assert!(left.is_whole && left.came.unwrap().items == 1);
    }
}
