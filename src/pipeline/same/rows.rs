//! The rows of a table, whose file may say again what other files said: it is known by how often it says it. Where a
//! file is cut into parts changes nothing, so its own rows are never versions of one another: they are only counted.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Arrival, Prior, Sameness, time_text, versions};
use crate::domain::{Observation, SampleClass, TestIdentity};

/// A stored result of a specimen's test.
#[derive(Debug, Clone)]
pub struct Stored {
    pub id: i64,
    /// The message that brought it; of a file's parts, a later one has the higher number.
    pub message: i64,
    /// What that message came in: the parts of a file share one.
    pub transfer: i64,
    pub received_at: Timestamp,
    pub observation: Observation,
    /// No newer version has taken its place.
    pub is_current: bool,
}

/// A stored result came again.
#[derive(Debug, Clone, Copy)]
pub struct Again {
    /// The result's.
    pub id: i64,
    pub message: i64,
    pub transfer: i64,
    pub received_at: Timestamp,
}

/// Who says which replicate a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbered {
    /// The row itself.
    Told,
    /// Its place among the rows of its file that tell of the same test of the same tube.
    Counted,
}

/// All that tells one result of a specimen from the next, but for the replicate.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Said {
    class: SampleClass,
    test: TestIdentity,
    time: String,
    status: String,
    value: String,
    unit: Option<String>,
    flags: Vec<String>,
}

impl Said {
    pub(super) fn by(it: &Observation) -> Said {
        Said {
            class: it.class,
            test: it.test.clone(),
            time: time_text(it).to_owned(),
            status: it.status_as_sent.clone(),
            value: it.value_as_sent.clone(),
            unit: it.unit.clone(),
            flags: it.flags.clone(),
        }
    }
}

/// Results of one of these are replicates of one another.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Tube {
    specimen: String,
    others: [Option<String>; 3],
    class: SampleClass,
    test: TestIdentity,
}

impl Tube {
    fn of(it: &Observation) -> Tube {
        Tube {
            specimen: it.specimen_as_sent.reveal().clone(),
            others: [it.position.clone(), it.priority.clone(), it.specimen_type.clone()],
            class: it.class,
            test: it.test.clone(),
        }
    }
}

/// What was read of one specimen's test before a row.
#[derive(Debug, Default)]
pub struct Before {
    /// By other files, the one that was told last first; each with the time of that.
    others: Vec<Prior>,
    /// Where in `others` each thing was said.
    said: BTreeMap<Said, Vec<usize>>,
    /// The replicates that its own file has said each thing of.
    pub(super) own: BTreeMap<Said, Vec<u32>>,
    /// The last result of each thing that an earlier part of its file has said.
    pub(super) earlier: BTreeMap<Said, i64>,
    /// How many rows of its own file there are of each.
    tubes: BTreeMap<Tube, u32>,
}

impl Before {
    /// `message` is the part that is being read, `transfer` its file.
    pub fn new(
        site: &str,
        (message, transfer): (i64, i64),
        mut stored: Vec<Stored>,
        again: &[Again],
    ) -> Before {
        let mut times: BTreeMap<i64, usize> = BTreeMap::new();
        let mut last: BTreeMap<i64, Timestamp> = BTreeMap::new();
        for it in again {
            if it.transfer == transfer {
                *times.entry(it.id).or_default() += usize::from(it.message < message);
            } else {
                let last = last.entry(it.id).or_insert(it.received_at);
                *last = it.received_at.max(*last);
            }
        }
        let mut before = Before::default();
        for it in &stored {
            let again = times.get(&it.id).copied().unwrap_or_default();
            let first = usize::from(it.transfer == transfer && it.message < message);
            (0..again + first).for_each(|_| before.count(&it.observation));
            if again + first > 0 {
                before.earlier.insert(Said::by(&it.observation), it.id);
            }
        }
        stored.retain(|it| it.transfer != transfer);
        for it in &mut stored {
            it.received_at = last.get(&it.id).map_or(it.received_at, |last| it.received_at.max(*last));
        }
        stored.sort_by_key(|it| Reverse((it.received_at, it.id)));
        for (at, it) in stored.iter().enumerate() {
            let prior = Prior::of(it.id, site, &it.observation, it.received_at);
            before.others.push(Prior { is_current: it.is_current, ..prior });
            before.said.entry(Said::by(&it.observation)).or_default().push(at);
        }
        before
    }

    pub(super) fn count(&mut self, row: &Observation) {
        self.own.entry(Said::by(row)).or_default().push(row.replicate);
        *self.tubes.entry(Tube::of(row)).or_default() += 1;
    }

    /// What the file's next row is to those before it. A replicate that isn't told is counted.
    pub fn take(&mut self, row: &mut Observation, numbered: Numbered, arrival: &Arrival<'_>) -> Sameness {
        let sameness = match numbered {
            Numbered::Told => self.told(row, arrival),
            Numbered::Counted => self.counted(row, arrival),
        };
        self.count(row);
        sameness
    }

    /// One that says its replicate is said once by a file.
    fn told(&self, row: &Observation, arrival: &Arrival<'_>) -> Sameness {
        let said = Said::by(row);
        if self.own.get(&said).is_some_and(|own| own.contains(&row.replicate)) {
            return Sameness::SaidTwice;
        }
        let same = self.twins(&said).find(|old| old.replicate == row.replicate);
        same.map_or_else(|| versions(&self.others, row, arrival), |old| known(old, row, arrival))
    }

    fn counted(&self, row: &mut Observation, arrival: &Arrival<'_>) -> Sameness {
        let said = Said::by(row);
        let own = self.own.get(&said).map(Vec::as_slice).unwrap_or_default();
        // Two numbers that can't be read look alike and may be two patients'.
        if !row.specimen_as_sent.reveal().contains(char::REPLACEMENT_CHARACTER) {
            let earlier = self.tubes.get(&Tube::of(row)).copied().unwrap_or_default();
            row.replicate = earlier.saturating_add(1);
        }
        if let Some(old) = self.twins(&said).nth(own.len()) {
            let sameness = known(old, row, arrival);
            if let Sameness::Duplicate(_) = sameness {
                row.replicate = old.replicate;
            }
            return sameness;
        }
        if own.is_empty() && self.twins(&said).next().is_none() {
            return versions(&self.others, row, arrival);
        }
        row.replicate = self.free(&said, row.replicate);
        Sameness::New
    }

    /// A number for one more of these, from `number` on: the file itself says that there are more, and they must not share
    /// a name.
    pub(super) fn free(&self, said: &Said, number: u32) -> u32 {
        let own = self.own.get(said).map(Vec::as_slice).unwrap_or_default();
        let taken: Vec<u32> = self.twins(said).map(|old| old.replicate).chain(own.iter().copied()).collect();
        (number..).find(|number| !taken.contains(number)).unwrap_or(u32::MAX)
    }

    /// What other files said of it, the one that was told last first.
    pub(super) fn twins(&self, said: &Said) -> impl Iterator<Item = &Prior> {
        self.said.get(said).into_iter().flatten().filter_map(|at| self.others.get(*at))
    }
}

/// The same row in another file. Without a time of its own it must have come within the window.
fn known(old: &Prior, row: &Observation, arrival: &Arrival<'_>) -> Sameness {
    let window = SignedDuration::try_from(arrival.resend_window).unwrap_or(SignedDuration::MAX);
    let soon = arrival.received_at.duration_since(old.received_at) <= window;
    let certain = !row.specimen.is_blank() && (soon || !time_text(row).is_empty());
    if certain { Sameness::Duplicate(old.id) } else { Sameness::PossibleDuplicate(old.id) }
}
