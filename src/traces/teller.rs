//! What was told, and what is to be told next. It reads, and never sends.

use std::collections::BTreeSet;
use std::path::Path;

use opentelemetry_sdk::trace::SpanData;

use super::spans::Identity;
use crate::journal::traces::Progress;
use crate::journal::{JournalError, Reader};

/// The most messages, and the most attempts, in one request.
const MOST: usize = 200;
/// The most attempts whose end is waited for; the oldest are given up first. A gateway that died leaves some without an end.
const UNENDED: usize = 1_000;

pub(super) struct Teller {
    reader: Reader,
    identity: Identity,
    told: Told,
}

/// How far it has come.
#[derive(Debug, Clone)]
pub(super) struct Told {
    progress: Progress,
    /// Attempts that go on.
    unended: BTreeSet<i64>,
}

/// What goes out in one request, and how far it has come with that.
pub(super) struct Batch {
    pub spans: Vec<SpanData>,
    pub told: Told,
}

impl Teller {
    /// Begins with what isn't over yet.
    pub(super) fn begin(journal: &Path) -> Result<Teller, String> {
        let reader = Reader::open(journal).map_err(|error| error.to_string())?;
        let read = || {
            let created_at = reader.created_at()?.unwrap_or_default();
            Ok::<_, JournalError>((Identity::of(created_at), reader.traces_so_far()?))
        };
        let (identity, progress) = read().map_err(|error| error.to_string())?;
        Ok(Teller { reader, identity, told: Told { progress, unended: BTreeSet::new() } })
    }

    pub(super) fn next(&self) -> Result<Batch, JournalError> {
        let (mut told, mut spans) = (self.told.clone(), Vec::new());
        for way in self.reader.ways_after(told.progress.message, MOST)? {
            told.progress.message = way.message;
            spans.extend(self.identity.of_way(&way));
        }
        for attempt in self.reader.attempts_after(told.progress.attempt, MOST)? {
            told.progress.attempt = attempt;
            told.unended.insert(attempt);
        }
        for id in told.unended.clone() {
            if let Some(attempt) = self.reader.attempt_that_ended(id)? {
                told.unended.remove(&id);
                spans.extend(self.identity.of_attempt(&attempt));
            }
        }
        while told.unended.len() > UNENDED {
            told.unended.pop_first();
        }
        Ok(Batch { spans, told })
    }

    pub(super) fn was_told(&mut self, told: Told) {
        self.told = told;
    }
}
