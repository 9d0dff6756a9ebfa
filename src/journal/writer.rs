//! The one thread that owns the writing connection: it groups what waits into one commit, and it alone
//! checkpoints. It knows nothing of what the jobs do.

mod queue;
mod waiting;

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::{oneshot, watch};

pub(super) use queue::Urgency;
use queue::{Next, Queue};

use super::beside::Beside;
use super::delay::Counting;
use super::opening::{Opened, Opening, folder_of, free_bytes};
use super::restoration;
use super::{JournalError, OpenError};
use crate::clock;

/// Jobs between two checkpoints when there is no idle moment for one.
const JOBS_A_CHECKPOINT: usize = 2_000;
/// Whether the journal takes more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    Good,
    /// Less space than the reserve: new transmissions are refused, running ones end.
    Full,
    /// A commit failed and its fate is unknown: nothing more is written or acknowledged.
    Failed(String),
}

pub(super) struct Writer {
    queue: Arc<Queue>,
    condition: watch::Receiver<Condition>,
    opened: watch::Receiver<bool>,
    standstill: watch::Receiver<Option<String>>,
    delays: Arc<Counting>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Without a connection the thread opens the journal itself, as soon as there is room for that.
    pub(super) fn start(
        opening: Opening,
        opened: Option<Opened>,
        reserve_bytes: u64,
        lock: File,
    ) -> Result<Writer, OpenError> {
        let queue = Arc::new(Queue::default());
        let folder = folder_of(&opening.path).to_owned();
        let found = match opened {
            Some(_) => of_space(&folder, reserve_bytes),
            None => Condition::Full,
        };
        let (announce, condition) = watch::channel(found);
        let (open, is_open) = watch::channel(opened.is_some());
        let stands = opened.as_ref().and_then(|it| restoration::standstill(&it.connection).ok().flatten());
        let (standing, standstill) = watch::channel(stands.map(|it| it.why));
        let theirs = Arc::clone(&queue);
        let work = move || {
            let waits = || waiting::until_there_is_room(&opening, &theirs, &announce);
            let Some(Opened { connection, beside }) = opened.or_else(waits) else { return };
            let jobs_since_checkpoint = 0;
            let mut desk = Desk {
                connection,
                path: opening.path.clone(),
                beside,
                folder,
                reserve_bytes,
                announce,
                standing,
                jobs_since_checkpoint,
                _lock: lock,
            };
            desk.watch_standstill();
            desk.watch_space();
            open.send_replace(true);
            desk.work(&theirs);
        };
        let thread =
            std::thread::Builder::new().name("journal".to_owned()).spawn(work).map_err(OpenError::Thread)?;
        let delays = Arc::default();
        Ok(Writer { queue, condition, opened: is_open, standstill, delays, thread: Some(thread) })
    }

    pub(super) fn opened(&self) -> watch::Receiver<bool> {
        self.opened.clone()
    }

    pub(super) fn delays(&self) -> Arc<Counting> {
        Arc::clone(&self.delays)
    }

    pub(super) fn standstill(&self) -> watch::Receiver<Option<String>> {
        self.standstill.clone()
    }

    pub(super) fn condition(&self) -> watch::Receiver<Condition> {
        self.condition.clone()
    }

    pub(super) async fn submit<T, F>(&self, urgency: Urgency, work: F) -> Result<T, JournalError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, JournalError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let begun = clock::monotonic();
        self.queue
            .push(urgency, Box::new(Task { work: Some(work), done: None, weight: urgency.weight(), reply }));
        let answer = answer.await.unwrap_or(Err(JournalError::Closed));
        if urgency == Urgency::Frame && answer.is_ok() {
            self.delays.count(clock::monotonic().duration_since(begun));
        }
        answer
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

/// One job, run inside a savepoint of its own and answered after the commit.
trait Job: Send {
    fn run(&mut self, connection: &Connection) -> Result<(), JournalError>;
    /// How many jobs it counts as until the next checkpoint.
    fn weight(&self) -> usize {
        1
    }
    fn answer(self: Box<Self>, fate: Result<(), JournalError>);
}

struct Task<T, F> {
    work: Option<F>,
    done: Option<T>,
    weight: usize,
    reply: oneshot::Sender<Result<T, JournalError>>,
}

impl<T, F> Job for Task<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, JournalError> + Send,
{
    fn run(&mut self, connection: &Connection) -> Result<(), JournalError> {
        if let Some(work) = self.work.take() {
            self.done = Some(work(connection)?);
        }
        Ok(())
    }

    fn weight(&self) -> usize {
        self.weight
    }

    fn answer(self: Box<Self>, fate: Result<(), JournalError>) {
        let Task { done, reply, .. } = *self;
        let _ = reply.send(fate.and_then(|()| done.ok_or(JournalError::Closed)));
    }
}

/// What the thread works with.
struct Desk {
    connection: Connection,
    path: PathBuf,
    beside: Beside,
    folder: PathBuf,
    reserve_bytes: u64,
    announce: watch::Sender<Condition>,
    standing: watch::Sender<Option<String>>,
    jobs_since_checkpoint: usize,
    _lock: File,
}

impl Desk {
    fn work(&mut self, queue: &Queue) {
        loop {
            match queue.next() {
                Next::Closed => return self.tell_how_far(),
                Next::Idle => self.checkpoint(),
                Next::Jobs(jobs) => {
                    self.jobs_since_checkpoint += jobs.iter().map(|job| job.weight()).sum::<usize>();
                    self.commit(jobs);
                    if self.jobs_since_checkpoint >= JOBS_A_CHECKPOINT {
                        self.checkpoint();
                    }
                }
            }
            self.watch_space();
        }
    }

    /// One transaction for the group, one savepoint a job, and only then the answers.
    fn commit(&mut self, jobs: Vec<Box<dyn Job>>) {
        if let Condition::Failed(why) = &*self.announce.borrow() {
            return answer_all(jobs, &JournalError::Failed(why.clone()));
        }
        match self.run(jobs) {
            Ok(written) => {
                // Who has resumed finds it announced.
                if self.standing.borrow().is_some() {
                    self.watch_standstill();
                }
                for (job, fate) in written {
                    job.answer(fate);
                }
            }
            Err((jobs, error)) => {
                if let Err(rollback) = self.roll_back() {
                    self.fail(&rollback);
                }
                match &error {
                    JournalError::Failed(why) => self.fail(why),
                    _ => drop(self.announce.send_replace(Condition::Full)),
                }
                answer_all(jobs, &error);
            }
        }
    }

    #[expect(clippy::type_complexity, reason = "the jobs come back with their fates, or all with one error")]
    fn run(
        &mut self,
        jobs: Vec<Box<dyn Job>>,
    ) -> Result<Vec<(Box<dyn Job>, Result<(), JournalError>)>, (Vec<Box<dyn Job>>, JournalError)> {
        if let Err(error) = self.execute("BEGIN IMMEDIATE") {
            return Err((jobs, error));
        }
        let mut written = Vec::with_capacity(jobs.len());
        let mut jobs = jobs.into_iter();
        while let Some(mut job) = jobs.next() {
            let fate = self.run_one(job.as_mut());
            let group_is_lost = matches!(fate, Err(JournalError::Full | JournalError::Failed(_)))
                || self.connection.is_autocommit();
            let error = fate.as_ref().err().cloned().unwrap_or(JournalError::Full);
            written.push((job, fate));
            if group_is_lost {
                let all = written.into_iter().map(|(job, _)| job).chain(jobs).collect();
                return Err((all, error));
            }
        }
        match self.execute("COMMIT") {
            Ok(()) => Ok(written),
            Err(error) => Err((written.into_iter().map(|(job, _)| job).collect(), error)),
        }
    }

    fn run_one(&self, job: &mut dyn Job) -> Result<(), JournalError> {
        self.execute("SAVEPOINT job")?;
        let ran = catch_unwind(AssertUnwindSafe(|| job.run(&self.connection)));
        let ran = ran.unwrap_or_else(|_| {
            Err(JournalError::Refused("the step panicked; nothing of it was written".to_owned()))
        });
        match ran {
            Ok(()) => self.execute("RELEASE job"),
            Err(error @ (JournalError::Refused(_) | JournalError::Elsewhere(_))) => {
                self.execute("ROLLBACK TO job")?;
                self.execute("RELEASE job")?;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Runs a statement of the writer's own: whatever it fails with, the whole group fails with.
    fn execute(&self, statement: &str) -> Result<(), JournalError> {
        let done = self.connection.prepare_cached(statement).and_then(|mut statement| statement.execute([]));
        done.map(drop).map_err(|error| match JournalError::from(error) {
            JournalError::Refused(why) => JournalError::Failed(why),
            other => other,
        })
    }

    fn roll_back(&self) -> Result<(), String> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        self.connection.execute_batch("ROLLBACK").map_err(|error| error.to_string())
    }

    fn fail(&self, why: &str) {
        // Closing must not write to the main file what may never have reached the log.
        let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        // The next start reads the whole file before it is relied upon.
        let beside = Beside { suspect: true, ..self.beside.clone() };
        let _ = beside.update(&self.path);
        self.announce.send_replace(Condition::Failed(why.to_owned()));
    }

    /// Moves committed pages into the main file. A failure here is as final as a failed commit.
    fn checkpoint(&mut self) {
        if self.jobs_since_checkpoint == 0 || matches!(*self.announce.borrow(), Condition::Failed(_)) {
            return;
        }
        self.jobs_since_checkpoint = 0;
        let done =
            self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(0));
        match done.map_err(JournalError::from) {
            Ok(_) | Err(JournalError::Refused(_) | JournalError::Elsewhere(_)) => self.tell_how_far(),
            Err(JournalError::Full) => drop(self.announce.send_replace(Condition::Full)),
            Err(error) => self.fail(&error.to_string()),
        }
    }

    /// Notes beside the journal how far it has come. Where that fails an older note stands, which fits as well.
    fn tell_how_far(&mut self) {
        let last = self.connection.query_row("SELECT coalesce(max(id), 0) FROM audit", [], |row| row.get(0));
        if let Ok(last) = last {
            self.beside.audit = last;
            let _ = self.beside.update(&self.path);
        }
    }

    /// Announces whether anything is delivered.
    fn watch_standstill(&mut self) {
        if let Ok(found) = restoration::standstill(&self.connection) {
            self.standing.send_replace(found.map(|it| it.why));
        }
    }

    /// Announces `Full` below the reserve and `Good` again above it.
    fn watch_space(&mut self) {
        let found = of_space(&self.folder, self.reserve_bytes);
        self.announce.send_if_modified(|condition| {
            let changed = !matches!(condition, Condition::Failed(_)) && *condition != found;
            if changed {
                *condition = found.clone();
            }
            changed
        });
    }
}

fn of_space(folder: &Path, reserve_bytes: u64) -> Condition {
    if free_bytes(folder) < reserve_bytes { Condition::Full } else { Condition::Good }
}

fn answer_all(jobs: Vec<Box<dyn Job>>, error: &JournalError) {
    for job in jobs {
        job.answer(Err(error.clone()));
    }
}

#[cfg(test)]
mod tests;
