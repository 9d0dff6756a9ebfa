//! Which of the files that wait need a person: those that can't be taken as they are, those that wait for too long, and the
//! place itself when nothing can be fetched from it time after time. It holds no clock and writes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::decide::Waits;
use crate::domain::Private;
use crate::journal::stuck::{PLACE, Stuck};

/// So many looks in a row that failed are no hiccup of the network.
const LASTING: u32 = 3;
/// The most files of a place that are named one by one; the next is named when one of them is done.
const MOST: usize = 100;

/// From look to look.
pub(super) struct Vigil {
    overdue: Duration,
    since: BTreeMap<String, Instant>,
    /// What the journal knows to be stuck.
    said: Stuck,
}

impl Vigil {
    /// `said` is what the journal knows from before.
    pub(super) fn new(overdue: Duration, said: Stuck) -> Vigil {
        Vigil { overdue, since: BTreeMap::new(), said }
    }

    /// Marks the files that have waited for too long.
    pub(super) fn mark(&mut self, waiting: &mut [Waits], now: Instant) {
        let late = self.late();
        for file in waiting.iter_mut().filter(|file| file.by_itself) {
            let since = *self.since.entry(file.name.clone()).or_insert(now);
            if now.duration_since(since) >= self.overdue {
                file.by_itself = false;
                file.why.push_str(&late);
            }
        }
    }

    /// What is added to the reason of a file that would only take time.
    fn late(&self) -> String {
        format!("; it has been there for more than {}", words(self.overdue))
    }

    /// What is stuck after a look that went to its end. A file that was stuck stays so until it is taken or gone, and a
    /// reason that counts looks isn't said anew at each.
    pub(super) fn looked(&mut self, waiting: &[Waits]) -> Stuck {
        let here: BTreeSet<&str> = waiting.iter().map(|file| file.name.as_str()).collect();
        self.since.retain(|name, _| here.contains(name.as_str()));
        let mut stuck: Stuck = self
            .said
            .iter()
            .filter(|(name, _)| here.contains(name.as_str()))
            .map(|(name, text)| (name.clone(), text.clone()))
            .collect();
        let late = self.late();
        let mut others: Vec<&Waits> = waiting.iter().filter(|file| !file.by_itself).collect();
        others.sort_by(|a, b| a.name.cmp(&b.name));
        for file in others {
            let is_late = file.why.ends_with(&late);
            let is_said = stuck.contains_key(&file.name);
            if (is_said && !is_late) || (!is_said && stuck.len() < MOST) {
                stuck.insert(file.name.clone(), Private::new(format!("{}: {}", file.name, file.why)));
            }
        }
        stuck
    }

    /// What is stuck after so many looks in a row that failed.
    pub(super) fn failed(&self, why: &str, failures: u32) -> Stuck {
        let mut stuck = self.said.clone();
        if failures >= LASTING {
            stuck.insert(PLACE.to_owned(), Private::new(why.to_owned()));
        }
        stuck
    }

    /// Whether the journal has to be told.
    pub(super) fn is_news(&self, stuck: &Stuck) -> bool {
        self.said != *stuck
    }

    /// The journal was told.
    pub(super) fn said(&mut self, stuck: Stuck) {
        self.said = stuck;
    }
}

fn words(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn waits(name: &str, why: &str, by_itself: bool) -> Waits {
        Waits { name: name.to_owned(), why: why.to_owned(), by_itself }
    }

    /// What is said after a look, as one line; empty where it is what was said before.
    fn look(vigil: &mut Vigil, mut waiting: Vec<Waits>, now: Instant) -> String {
        vigil.mark(&mut waiting, now);
        let stuck = vigil.looked(&waiting);
        if !vigil.is_news(&stuck) {
            return String::new();
        }
        let told: Vec<String> = stuck.values().map(|text| text.reveal().clone()).collect();
        vigil.said(stuck);
        format!("[{}]", told.join(", "))
    }

    #[test]
    fn a_file_is_said_once_and_until_it_is_taken() {
        let (mut vigil, start) = (Vigil::new(2 * MINUTE, Stuck::new()), crate::clock::monotonic());
        let marker = |by_itself| vec![waits("a.csv", "its marker isn't there", by_itself)];
        let late = "[a.csv: its marker isn't there; it has been there for more than 2 min]";
        assert_eq!(look(&mut vigil, marker(true), start), "");
        assert_eq!(look(&mut vigil, marker(true), start + MINUTE), "");
        assert_eq!(look(&mut vigil, marker(true), start + 2 * MINUTE), late);
        // It waits for something else, by a reason that counts.
        let counts = |so_far| vec![waits("a.csv", so_far, true)];
        assert_eq!(look(&mut vigil, counts("so far 1"), start + 3 * MINUTE), "");
        assert_eq!(look(&mut vigil, counts("so far 2"), start + 4 * MINUTE), "");
        assert_eq!(look(&mut vigil, vec![], start + 5 * MINUTE), "[]");
        assert_eq!(look(&mut vigil, marker(true), start + 6 * MINUTE), "", "it is another file");
    }

    #[test]
    fn what_can_not_be_taken_is_said_at_once_and_says_its_latest_reason() {
        let (mut vigil, start) = (Vigil::new(MINUTE, Stuck::new()), crate::clock::monotonic());
        assert_eq!(look(&mut vigil, vec![waits("a", "too large", false)], start), "[a: too large]");
        assert_eq!(look(&mut vigil, vec![waits("a", "too large", false)], start), "");
        assert_eq!(look(&mut vigil, vec![waits("a", "so far 1", true)], start), "");
        assert_eq!(
            look(&mut vigil, vec![waits("a", "not whole", false)], start),
            "[a: so far 1]".replace("so far 1", "not whole")
        );
    }

    #[test]
    fn a_restart_says_nothing_anew_and_closes_what_is_over() {
        let start = crate::clock::monotonic();
        let before = || Stuck::from([("a".to_owned(), Private::new("a: it was so".to_owned()))]);
        let mut vigil = Vigil::new(MINUTE, before());
        assert_eq!(look(&mut vigil, vec![waits("a", "so far 1", true)], start), "");
        assert_eq!(look(&mut Vigil::new(MINUTE, before()), vec![], start), "[]");
    }

    #[test]
    fn a_place_is_said_when_it_fails_time_after_time() {
        let mut vigil = Vigil::new(MINUTE, Stuck::new());
        for (failures, said) in [(1, false), (2, false), (3, true), (4, false)] {
            let stuck = vigil.failed("nobody answers", failures);
            assert_eq!(vigil.is_news(&stuck), said, "{failures}");
            vigil.said(stuck);
        }
        assert_eq!(look(&mut vigil, vec![], crate::clock::monotonic()), "[]");
    }

    #[test]
    fn a_thousand_stuck_files_are_not_a_thousand_problems() {
        let (mut vigil, start) = (Vigil::new(MINUTE, Stuck::new()), crate::clock::monotonic());
        let many = |from: usize| {
            (from..1_000).map(|number| waits(&format!("{number:04}"), "odd", false)).collect::<Vec<_>>()
        };
        look(&mut vigil, many(0), start);
        assert_eq!(vigil.said.len(), MOST);
        look(&mut vigil, many(1), start);
        assert_eq!(vigil.said.len(), MOST);
        assert!(vigil.said.contains_key("0100") && !vigil.said.contains_key("0000"));
    }
}
