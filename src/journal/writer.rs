//! The one thread that owns the writing connection: it groups what waits into one commit, and it alone
//! checkpoints. It knows nothing of what the jobs do.

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use super::{JournalError, OpenError};

/// The most jobs in one commit: bounds how long the first of them waits.
const GROUP: usize = 256;
/// Jobs between two checkpoints when there is no idle moment for one.
const JOBS_A_CHECKPOINT: usize = 2_000;
/// How often free space is looked at, and how long an idle moment is.
const IDLE: Duration = Duration::from_millis(500);

/// Whether the journal takes more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    Good,
    /// Less space than the reserve: new transmissions are refused, running ones end.
    Full,
    /// A commit failed and its fate is unknown: nothing more is written or acknowledged.
    Failed(String),
}

/// Frames go before other work: an analyzer waits for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    Frame,
    Other,
}

pub(super) struct Writer {
    queue: Arc<Queue>,
    condition: watch::Receiver<Condition>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        path: &Path,
        reserve_bytes: u64,
        lock: File,
    ) -> Result<Writer, OpenError> {
        let queue = Arc::new(Queue::default());
        let (announce, condition) = watch::channel(Condition::Good);
        let mut desk = Desk {
            connection,
            folder: path.parent().map(Path::to_owned).unwrap_or_default(),
            reserve_bytes,
            announce,
            jobs_since_checkpoint: 0,
            _lock: lock,
        };
        desk.watch_space();
        let theirs = Arc::clone(&queue);
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || desk.work(&theirs))
            .map_err(OpenError::Thread)?;
        Ok(Writer { queue, condition, thread: Some(thread) })
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
        self.queue.push(urgency, Box::new(Task { work: Some(work), done: None, reply }));
        answer.await.unwrap_or(Err(JournalError::Closed))
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
    fn answer(self: Box<Self>, fate: Result<(), JournalError>);
}

struct Task<T, F> {
    work: Option<F>,
    done: Option<T>,
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

    fn answer(self: Box<Self>, fate: Result<(), JournalError>) {
        let Task { done, reply, .. } = *self;
        let _ = reply.send(fate.and_then(|()| done.ok_or(JournalError::Closed)));
    }
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

#[derive(Default)]
struct Waiting {
    frames: VecDeque<Box<dyn Job>>,
    others: VecDeque<Box<dyn Job>>,
    closed: bool,
}

enum Next {
    Jobs(Vec<Box<dyn Job>>),
    Idle,
    Closed,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, urgency: Urgency, job: Box<dyn Job>) {
        let mut waiting = self.lock();
        match urgency {
            Urgency::Frame => waiting.frames.push_back(job),
            Urgency::Other => waiting.others.push_back(job),
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_one();
    }

    /// Everything that waits, frames first, up to a group; or word that nothing came for a while.
    fn next(&self) -> Next {
        let mut waiting = self.lock();
        if waiting.is_empty() && !waiting.closed {
            let (guard, _) = self.arrived.wait_timeout(waiting, IDLE).unwrap_or_else(PoisonError::into_inner);
            waiting = guard;
        }
        if waiting.is_empty() {
            return if waiting.closed { Next::Closed } else { Next::Idle };
        }
        let frames = waiting.frames.len().min(GROUP);
        let mut group: Vec<_> = waiting.frames.drain(..frames).collect();
        let others = waiting.others.len().min(GROUP.saturating_sub(frames));
        group.extend(waiting.others.drain(..others));
        Next::Jobs(group)
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.others.is_empty()
    }
}

/// What the thread works with.
struct Desk {
    connection: Connection,
    folder: PathBuf,
    reserve_bytes: u64,
    announce: watch::Sender<Condition>,
    jobs_since_checkpoint: usize,
    _lock: File,
}

impl Desk {
    fn work(&mut self, queue: &Queue) {
        loop {
            match queue.next() {
                Next::Closed => return,
                Next::Idle => self.checkpoint(),
                Next::Jobs(jobs) => {
                    self.jobs_since_checkpoint += jobs.len();
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
        match job.run(&self.connection) {
            Ok(()) => self.execute("RELEASE job"),
            Err(error @ JournalError::Refused(_)) => {
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
            Ok(_) | Err(JournalError::Refused(_)) => {}
            Err(JournalError::Full) => drop(self.announce.send_replace(Condition::Full)),
            Err(error) => self.fail(&error.to_string()),
        }
    }

    /// Announces `Full` below the reserve and `Good` again above it.
    fn watch_space(&mut self) {
        let free = match rustix::fs::statvfs(folder_or_here(&self.folder)) {
            Ok(space) => space.f_bavail.saturating_mul(space.f_frsize),
            Err(_) => u64::MAX,
        };
        let found = if free < self.reserve_bytes { Condition::Full } else { Condition::Good };
        self.announce.send_if_modified(|condition| {
            let changed = !matches!(condition, Condition::Failed(_)) && *condition != found;
            if changed {
                *condition = found.clone();
            }
            changed
        });
    }
}

fn folder_or_here(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

fn answer_all(jobs: Vec<Box<dyn Job>>, error: &JournalError) {
    for job in jobs {
        job.answer(Err(error.clone()));
    }
}
