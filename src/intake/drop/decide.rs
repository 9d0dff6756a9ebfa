//! What to do with each file that is listed, by what was listed before and what the ledger knows of it. Pure: it reads
//! neither disk nor clock, and what it can't tell it waits for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::spool::Limit;
use crate::config::settings::{After, Proof};
use crate::domain::Glob;
use crate::journal::files::{FileReceipt, Known};

/// How often a file that replaces one under the same name must look the same: its marker may be the old one's.
const REPLACED: u32 = 3;
/// How long a time that is told to the minute must be known before the minute is surely over.
const MINUTE: Duration = Duration::from_secs(61);
/// How often a file that tells its end itself must look the same before it is read to see.
const TRAILED: u32 = 2;

/// A file as its place lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) name: String,
    /// In bytes.
    pub(super) size: u64,
    /// Its time in the words of its place. Its clock and time zone are the place's own: it is compared with itself only.
    pub(super) stamp: String,
    /// That time is told to the minute or worse, so that a change within it may not show.
    pub(super) is_coarse: bool,
}

impl Listed {
    fn looks_like(&self, known: &Known) -> bool {
        (self.size, &self.stamp) == (known.size, &known.stamp)
    }

    /// Whether it could be written once more and look as it does since then.
    fn may_hide_a_change(&self, since: Instant, now: Instant) -> bool {
        self.is_coarse && now.duration_since(since) < MINUTE
    }

    /// Older files first, where the stamp can be sorted.
    fn order(&self) -> (&str, &str) {
        let sortable = |character: char| character.is_ascii_digit() || ". ".contains(character);
        let stamp = if self.stamp.chars().all(sortable) { self.stamp.as_str() } else { "" };
        (stamp, &self.name)
    }
}

/// Something that lies among the files, has a name of theirs and isn't one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Other {
    pub(super) name: String,
    pub(super) what: NoFile,
}

/// What it is instead. Folders are nobody's concern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoFile {
    Link,
    Special,
    /// The server lists it in words that aren't understood.
    Unknown,
}

impl NoFile {
    fn words(self) -> &'static str {
        match self {
            NoFile::Link => {
                "it is a symbolic link, and links aren't followed; have the file itself written here, or let pattern leave \
                 the name out"
            }
            NoFile::Special => {
                "it is a named pipe, a socket or a device, and no file; take it away, or let pattern leave the name out"
            }
            NoFile::Unknown => {
                "the server lists it in a way that isn't understood; see what it is, or let pattern leave the name out"
            }
        }
    }
}

/// All that a place lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Listing {
    pub(super) files: Vec<Listed>,
    pub(super) others: Vec<Other>,
}

/// What an instrument's files are, and when one is finished.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) pattern: Glob,
    pub(super) proof: Proof,
    pub(super) after: After,
    pub(super) longest: Limit,
}

impl Rules {
    /// Whether a name is of any interest.
    pub(super) fn wants(&self, name: &str) -> bool {
        self.is_file(name) || self.is_marker(name) || self.is_being_written(name)
    }

    fn is_file(&self, name: &str) -> bool {
        let hidden = name.starts_with('.') && !self.pattern.as_str().starts_with('.');
        self.pattern.matches(name) && !hidden && !self.is_marker(name) && !self.is_being_written(name)
    }

    fn is_marker(&self, name: &str) -> bool {
        matches!(&self.proof, Proof::Marker { suffix } if name.ends_with(suffix.as_str()))
    }

    fn is_being_written(&self, name: &str) -> bool {
        matches!(&self.proof, Proof::Rename { while_writing } if while_writing.matches(name))
    }

    /// What a file's marker may be called.
    fn markers(&self, name: &str) -> Vec<String> {
        let Proof::Marker { suffix } = &self.proof else { return Vec::new() };
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        vec![format!("{name}{suffix}"), format!("{stem}{suffix}")]
    }
}

/// What to do next with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// It may be whole: read it.
    Take { file: Listed, markers: Vec<String> },
    /// It was taken and is still there: read it to be sure that it is the one, then remove it. If it is another, it
    /// has no proof yet.
    Recognize { file: Listed, known: Known, markers: Vec<String> },
    /// It is in the journal and couldn't be removed before.
    Remove { file: Listed, receipt: FileReceipt, markers: Vec<String> },
}

impl Step {
    pub(super) fn file(&self) -> &Listed {
        match self {
            Step::Take { file, .. } | Step::Recognize { file, .. } | Step::Remove { file, .. } => file,
        }
    }
}

/// What was decided about one listing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Older files first, and those that the place failed at last.
    pub(super) steps: Vec<Step>,
    pub(super) waiting: Vec<Waits>,
}

/// A file that waits, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waits {
    pub(super) name: String,
    pub(super) why: String,
    /// It only takes time, as far as can be told.
    pub(super) by_itself: bool,
}

/// What is remembered of a name from look to look.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Memory {
    /// It looked the same so many times in a row.
    Watched { file: Listed, looks: Looks },
    /// It looks like one that the ledger knows, since then.
    Recalled { file: Listed, known: Known, since: Instant },
    /// It was read and can't be taken as it is.
    Unfit { file: Listed, why: String },
    /// It is in the journal and stays where it is, or couldn't be removed.
    Kept { file: Listed, receipt: Option<FileReceipt>, why: Option<String> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Looks {
    times: u32,
    replaces: bool,
    /// When it looked so first.
    since: Instant,
}

impl Looks {
    fn first(replaces: bool, since: Instant) -> Looks {
        Looks { times: 1, replaces, since }
    }

    fn again(self) -> Looks {
        Looks { times: self.times.saturating_add(1), ..self }
    }
}

impl Memory {
    fn file(&self) -> &Listed {
        match self {
            Memory::Watched { file, .. }
            | Memory::Recalled { file, .. }
            | Memory::Unfit { file, .. }
            | Memory::Kept { file, .. } => file,
        }
    }
}

/// An instrument's files, from look to look. What it forgets in a stop of the gateway the ledger knows, or is looked at
/// anew.
pub(super) struct Watch {
    rules: Rules,
    names: BTreeMap<String, Memory>,
    /// How often the place failed at a file, in a row.
    broke_off: BTreeMap<String, u32>,
}

impl Watch {
    pub(super) fn new(rules: Rules) -> Watch {
        Watch { rules, names: BTreeMap::new(), broke_off: BTreeMap::new() }
    }

    pub(super) fn wants(&self, name: &str) -> bool {
        self.rules.wants(name)
    }

    /// What has a name of the instrument's files and can't be read as one.
    pub(super) fn no_files(&self, others: &[Other]) -> Vec<Waits> {
        let others = others.iter().filter(|other| self.rules.is_file(&other.name));
        others
            .map(|other| Waits {
                name: other.name.clone(),
                why: other.what.words().to_owned(),
                by_itself: false,
            })
            .collect()
    }

    /// Which names were never seen before: the ledger is asked about them.
    pub(super) fn strangers<'a>(&self, listing: &'a [Listed]) -> Vec<&'a Listed> {
        let is_new = |file: &&Listed| self.rules.is_file(&file.name) && !self.names.contains_key(&file.name);
        listing.iter().filter(is_new).collect()
    }

    /// What to do about a listing that came before `now`. `known` is what the ledger says of the strangers in it, by name.
    pub(super) fn plan(
        &mut self,
        mut listing: Vec<Listed>,
        known: &BTreeMap<String, Known>,
        now: Instant,
    ) -> Plan {
        listing.sort_by(|a, b| a.order().cmp(&b.order()));
        let present: BTreeSet<String> = listing.iter().map(|file| file.name.clone()).collect();
        self.names.retain(|name, _| present.contains(name));
        self.broke_off.retain(|name, _| present.contains(name));
        let mut plan = Plan::default();
        for file in listing {
            if self.rules.is_being_written(&file.name) {
                let why = "it is being written, by its name".to_owned();
                plan.waiting.push(Waits { name: file.name, why, by_itself: true });
            } else if self.rules.is_file(&file.name) {
                let markers = self.rules.markers(&file.name);
                let markers = markers.into_iter().filter(|marker| present.contains(marker)).collect();
                let known = known.get(&file.name);
                match self.decide(file, markers, known, now) {
                    Decided::Step(step) => plan.steps.push(step),
                    Decided::Wait(waits) => plan.waiting.push(waits),
                    Decided::Leave => {}
                }
            }
        }
        // A file at which its place fails each time must not keep the others waiting.
        plan.steps.sort_by_key(|step| self.broke_off.get(&step.file().name).copied().unwrap_or_default());
        plan
    }

    fn decide(&mut self, file: Listed, markers: Vec<String>, known: Option<&Known>, now: Instant) -> Decided {
        let memory = self.names.remove(&file.name);
        let same = memory.as_ref().is_some_and(|memory| *memory.file() == file);
        match memory {
            Some(kept @ Memory::Kept { .. }) if same => self.kept(file, kept, markers),
            Some(Memory::Unfit { why, .. }) if same => {
                self.names.insert(file.name.clone(), Memory::Unfit { file: file.clone(), why: why.clone() });
                Decided::stuck(file.name, why)
            }
            Some(Memory::Recalled { known, since, .. }) if same => {
                self.recall(file, known, markers, since, now)
            }
            Some(Memory::Watched { looks, .. }) if same => self.watch(file, looks.again(), markers, now),
            Some(Memory::Watched { looks, .. }) => {
                self.watch(file, Looks::first(looks.replaces, now), markers, now)
            }
            Some(Memory::Unfit { .. }) => self.watch(file, Looks::first(false, now), markers, now),
            Some(Memory::Kept { .. } | Memory::Recalled { .. }) => {
                self.watch(file, Looks::first(true, now), markers, now)
            }
            None => self.stranger(file, markers, known, now),
        }
    }

    /// A name that wasn't there before, at least not in this run of the gateway.
    fn stranger(
        &mut self,
        file: Listed,
        markers: Vec<String>,
        known: Option<&Known>,
        now: Instant,
    ) -> Decided {
        match known.filter(|known| !known.is_gone) {
            Some(known) if file.looks_like(known) => match self.rules.after {
                After::Leave => {
                    self.names.insert(file.name.clone(), Memory::Kept { file, receipt: None, why: None });
                    Decided::Leave
                }
                After::Delete | After::Move(_) => self.recall(file, known.clone(), markers, now, now),
            },
            other => self.watch(file, Looks::first(other.is_some(), now), markers, now),
        }
    }

    fn recall(
        &mut self,
        file: Listed,
        known: Known,
        markers: Vec<String>,
        since: Instant,
        now: Instant,
    ) -> Decided {
        if file.may_hide_a_change(since, now) {
            let name = file.name.clone();
            self.names.insert(name.clone(), Memory::Recalled { file, known, since });
            return Decided::of_the_minute(name);
        }
        Decided::Step(Step::Recognize { file, known, markers })
    }

    fn kept(&mut self, file: Listed, kept: Memory, markers: Vec<String>) -> Decided {
        let decided = match &kept {
            Memory::Kept { receipt: Some(receipt), why: Some(_), .. } => {
                Decided::Step(Step::Remove { file: file.clone(), receipt: *receipt, markers })
            }
            _ => Decided::Leave,
        };
        self.names.insert(file.name, kept);
        decided
    }

    fn watch(&mut self, file: Listed, looks: Looks, markers: Vec<String>, now: Instant) -> Decided {
        let Looks { times, replaces, since } = looks;
        self.names.insert(file.name.clone(), Memory::Watched { file: file.clone(), looks });
        if file.size > self.rules.longest.bytes {
            return Decided::stuck(file.name, self.rules.longest.refusal());
        }
        let wanted = match &self.rules.proof {
            Proof::Stable { polls } => *polls,
            Proof::Marker { suffix } if markers.is_empty() => {
                return Decided::wait(file.name, format!("its marker ({suffix}) isn't there"));
            }
            Proof::Marker { .. } if replaces => REPLACED,
            Proof::Trailer => TRAILED,
            Proof::Marker { .. } | Proof::Rename { .. } | Proof::Lock => 1,
        };
        if file.size == 0 && !matches!(self.rules.proof, Proof::Marker { .. }) {
            return Decided::wait(file.name, "it is empty".to_owned());
        }
        if times < wanted {
            let why = format!("it must look the same {wanted} times in a row; so far {times}");
            return Decided::wait(file.name, why);
        }
        if file.may_hide_a_change(since, now) {
            return Decided::of_the_minute(file.name);
        }
        Decided::Step(Step::Take { file, markers })
    }

    /// The place failed at it: it comes after the others next time.
    pub(super) fn broke_off(&mut self, name: &str) {
        let times = self.broke_off.entry(name.to_owned()).or_default();
        *times = times.saturating_add(1);
    }

    /// It was read and isn't whole, or can't be taken: it isn't read again until it looks different.
    pub(super) fn unfit(&mut self, file: Listed, why: String) {
        self.names.insert(file.name.clone(), Memory::Unfit { file, why });
    }

    /// It changed while it was looked at: it is watched from the beginning.
    pub(super) fn changed(&mut self, file: Listed, why: String, now: Instant) -> Waits {
        let name = file.name.clone();
        let looks = Looks { times: 0, replaces: true, since: now };
        self.names.insert(name.clone(), Memory::Watched { file, looks });
        Waits { name, why, by_itself: true }
    }

    /// It is in the journal and stays. With a reason it should have been removed, and that is tried again.
    pub(super) fn kept_there(&mut self, file: Listed, receipt: FileReceipt, why: Option<String>) {
        let kept = Memory::Kept { file: file.clone(), receipt: Some(receipt), why };
        self.names.insert(file.name, kept);
    }

    /// It was removed.
    pub(super) fn gone(&mut self, name: &str) {
        self.names.remove(name);
        self.broke_off.remove(name);
    }
}

enum Decided {
    Step(Step),
    Wait(Waits),
    Leave,
}

impl Decided {
    fn wait(name: String, why: String) -> Decided {
        Decided::Wait(Waits { name, why, by_itself: true })
    }

    fn of_the_minute(name: String) -> Decided {
        let why = "the server tells its time to the minute only, so it is read when that minute is over";
        Decided::wait(name, why.to_owned())
    }

    fn stuck(name: String, why: String) -> Decided {
        Decided::Wait(Waits { name, why, by_itself: false })
    }
}

#[cfg(test)]
mod tests;
