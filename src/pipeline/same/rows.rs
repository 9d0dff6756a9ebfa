//! The rows of a table, whose file may say again what other files said: it is known by how often it says it. Where a
//! file is cut into parts changes nothing, so its own rows are never versions of one another: they are only counted.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::elsewhere::Told;
use super::{Arrival, Clock, Prior, Sameness, time_text, versions};
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
    /// As of [`Prior`].
    pub was_moved: bool,
    /// As of [`Prior`].
    pub is_doubted: bool,
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

/// All that tells one result of a specimen from the next, but for the replicate: the SHA-256 of it, since a control may have
/// tens of thousands of them in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Said([u8; 32]);

impl Said {
    pub(super) fn by(it: &Observation) -> Said {
        let class = match it.class {
            SampleClass::Patient => "patient",
            SampleClass::Control => "control",
            SampleClass::Calibration => "calibration",
        };
        let TestIdentity { code, aspect, component, dilution } = &it.test;
        let always = [class, code, aspect, component, dilution, time_text(it)];
        let outcome = [&it.status_as_sent, &it.value_as_sent].map(String::as_str);
        let unit = it.sent_unit().map(|unit| format!("={unit}")).unwrap_or_default();
        let mut hash = Sha256::new();
        let flags = it.flags.iter().map(String::as_str);
        for part in always.into_iter().chain(outcome).chain([unit.as_str()]).chain(flags) {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        Said(hash.finalize().into())
    }
}

/// Results of one of these are replicates of one another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
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

/// What a file has said of one thing.
#[derive(Debug, Clone, Default)]
struct Own {
    /// Of which replicates.
    replicates: Vec<u32>,
    /// How many of these are what other files told, or may be.
    elsewhere: usize,
    /// The last result of it that another part of the file brought.
    earlier: Option<i64>,
}

/// What was read of one specimen's test before a row.
#[derive(Debug, Clone, Default)]
pub struct Before {
    /// By other files, the one that was told last first; each with the time of that.
    others: Vec<Prior>,
    /// Where in `others` each thing was said.
    said: BTreeMap<Said, Vec<usize>>,
    /// How often its own file has said each thing.
    own: BTreeMap<Said, Own>,
    /// How many rows of its own file there are of each.
    tubes: BTreeMap<Tube, u32>,
    /// What is known changes otherwise than by its rows: one has taken the place of what another file told, or a person is asked
    /// about one.
    is_open: bool,
}

/// What is stored of one specimen's test, as it is gathered result by result: a control may have more than are to be held.
pub struct Gathering<'a> {
    site: &'a str,
    message: i64,
    transfer: i64,
    /// How often other parts of the file told each result again.
    times: BTreeMap<i64, usize>,
    /// When another file last told each again.
    last: BTreeMap<i64, Timestamp>,
    others: Vec<(Said, Prior)>,
    before: Before,
}

impl<'a> Gathering<'a> {
    /// `message` is the part that is being read, `transfer` its file.
    pub fn new(site: &'a str, (message, transfer): (i64, i64), again: &[Again]) -> Gathering<'a> {
        let (mut times, mut last) = (BTreeMap::new(), BTreeMap::new());
        for it in again {
            if it.transfer == transfer {
                *times.entry(it.id).or_default() += usize::from(it.message != message);
            } else {
                let last = last.entry(it.id).or_insert(it.received_at);
                *last = it.received_at.max(*last);
            }
        }
        let (others, before) = (Vec::new(), Before::default());
        Gathering { site, message, transfer, times, last, others, before }
    }

    pub fn add(&mut self, it: &Stored) {
        let again = self.times.get(&it.id).copied().unwrap_or_default();
        // Its file said it of another number.
        let is_own = it.transfer == self.transfer && !it.was_moved;
        // A part may be read again after those that follow it.
        let first = usize::from(is_own && it.message != self.message);
        let is_elsewhere = !is_own || it.is_doubted;
        self.before.is_open |= it.is_doubted;
        (0..again + first).for_each(|_| self.before.count(&it.observation, Some(it.id), is_elsewhere));
        if !is_own {
            let told = self.last.get(&it.id).map_or(it.received_at, |last| it.received_at.max(*last));
            let prior = Prior::of(it.id, self.site, &it.observation, told);
            let (is_current, was_moved, is_doubted) = (it.is_current, it.was_moved, it.is_doubted);
            let prior = Prior { is_current, was_moved, is_doubted, ..prior };
            self.others.push((Said::by(&it.observation), prior));
        }
    }

    pub fn finish(mut self) -> Before {
        self.others.sort_by_key(|(_, it)| Reverse((it.received_at, it.id)));
        for (at, (said, prior)) in self.others.into_iter().enumerate() {
            self.before.others.push(prior);
            self.before.said.entry(said).or_default().push(at);
        }
        self.before
    }
}

impl Before {
    /// `earlier` is the result that another part brought of it; `is_elsewhere`: another file told it, or may have.
    pub(super) fn count(&mut self, row: &Observation, earlier: Option<i64>, is_elsewhere: bool) {
        let own = self.own.entry(Said::by(row)).or_default();
        own.replicates.push(row.replicate);
        own.elsewhere += usize::from(is_elsewhere);
        own.earlier = earlier.or(own.earlier);
        *self.tubes.entry(Tube::of(row)).or_default() += 1;
    }

    /// What the file's next row is to those before it. A replicate that isn't told is counted.
    pub fn take(
        &mut self,
        row: &mut Observation,
        numbered: Numbered,
        told: (Clock, &Arrival<'_>),
    ) -> Sameness {
        let sameness = match numbered {
            Numbered::Told => self.told(row, told),
            Numbered::Counted => self.counted(row, told),
        };
        self.count(row, None, sameness.is_elsewhere());
        self.is_open |= matches!(
            sameness,
            Sameness::Completion(_)
                | Sameness::Correction(_)
                | Sameness::Contradiction(_)
                | Sameness::Diluted(_)
                | Sameness::ToldBefore(_)
        );
        sameness
    }

    /// What it takes to keep it, in results of its own file.
    pub(super) fn weight(&self) -> usize {
        const OTHER: usize = 4;
        self.tubes.values().map(|rows| usize::try_from(*rows).unwrap_or(usize::MAX)).sum::<usize>()
            + OTHER * self.others.len()
    }

    /// Whether nothing but rows of its own file changes what is known: no version came of what others told, and nobody is
    /// asked about any of it.
    pub(super) fn is_settled(&self) -> bool {
        !self.is_open
    }

    /// One that says its replicate is said once by a file.
    fn told(&self, row: &Observation, told: (Clock, &Arrival<'_>)) -> Sameness {
        let said = Said::by(row);
        let is_its = |replicate: u32| replicate == row.replicate;
        let times = self.own(&said).iter().filter(|replicate| is_its(**replicate)).count();
        match self.elsewhere(row, (&said, times), |old| is_its(old.replicate), told) {
            Some(Told::Same(old)) => Sameness::Duplicate(old.id),
            Some(Told::Perhaps(old)) => Sameness::ToldBefore(old.id),
            None if times > 0 => Sameness::SaidTwice,
            None => versions(&self.others, row, told.1),
        }
    }

    fn counted(&self, row: &mut Observation, told: (Clock, &Arrival<'_>)) -> Sameness {
        let said = Said::by(row);
        // Two numbers that can't be read look alike and may be two patients'.
        if !row.specimen_as_sent.reveal().contains(char::REPLACEMENT_CHARACTER) {
            let earlier = self.tubes.get(&Tube::of(row)).copied().unwrap_or_default();
            row.replicate = earlier.saturating_add(1);
        }
        match self.elsewhere(row, (&said, self.told_elsewhere(&said)), |_| true, told) {
            Some(Told::Same(old)) => {
                row.replicate = old.replicate;
                Sameness::Duplicate(old.id)
            }
            Some(Told::Perhaps(old)) => {
                row.replicate = self.free(&said, row.replicate);
                Sameness::ToldBefore(old.id)
            }
            None if self.own(&said).is_empty() && self.twins(&said).next().is_none() => {
                versions(&self.others, row, told.1)
            }
            None => {
                row.replicate = self.free(&said, row.replicate);
                let is_another = told.0 == Clock::IsSilent && !self.own(&said).is_empty();
                if is_another { Sameness::AnotherOf(None) } else { Sameness::New }
            }
        }
    }

    /// A number for one more of these, from `number` on: the file itself says that there are more, and they must not share
    /// a name.
    pub(super) fn free(&self, said: &Said, number: u32) -> u32 {
        let own = self.own(said).iter().copied();
        let taken: BTreeSet<u32> = self.twins(said).map(|old| old.replicate).chain(own).collect();
        (number..).find(|number| !taken.contains(number)).unwrap_or(u32::MAX)
    }

    /// The replicates that its own file has said it of.
    pub(super) fn own(&self, said: &Said) -> &[u32] {
        self.own.get(said).map(|own| own.replicates.as_slice()).unwrap_or_default()
    }

    /// How often its own file has said what others told, or may have told.
    pub(super) fn told_elsewhere(&self, said: &Said) -> usize {
        self.own.get(said).map(|own| own.elsewhere).unwrap_or_default()
    }

    /// The last result that another part of its file brought of it.
    pub(super) fn earlier(&self, said: &Said) -> Option<i64> {
        self.own.get(said)?.earlier
    }

    /// What other files said of it, the one that was told last first.
    pub(super) fn twins(&self, said: &Said) -> impl Iterator<Item = &Prior> {
        self.said.get(said).into_iter().flatten().filter_map(|at| self.others.get(*at))
    }
}
