//! Which alarms are on and since when, who acknowledged them, and which are shelved until when. Kept in memory: after a
//! restart each alarm that is still on rings again. It finds no alarm itself, and what it is told names no patient.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::alarms::Alarm;
use crate::config::settings::Least;
use crate::domain::{Words, words};

/// An alarm that was off for less is the same one when it comes back.
const CHATTER: SignedDuration = SignedDuration::from_secs(60);
/// What creeps begins again no sooner after its last onset.
const CREEPS: SignedDuration = SignedDuration::from_mins(5);
/// The longest that an alarm may be shelved.
pub(super) const LONGEST_SHELF: SignedDuration = SignedDuration::from_hours(12);
/// How much of what happened is remembered.
const REMEMBERED: usize = 100;
/// What nobody may shelve: a patient waits, or nothing can be relied on.
const NEVER: [&str; 6] = [
    "critical-call-open",
    "critical-call-overdue",
    "journal-failed",
    "disk-full",
    "delivery-stopped",
    "sums-do-not-balance",
];

/// The alarms of one gateway. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Annunciator(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    on: BTreeMap<(String, String), On>,
    last: u64,
    happened: VecDeque<(Timestamp, Words)>,
}

/// One alarm from its onset to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct On {
    /// Of this onset: an alarm that begins again has another.
    pub id: u64,
    pub alert: String,
    pub severity: Least,
    pub text: Words,
    pub since: Timestamp,
    /// The latest onset: it has gone further than somebody may have seen.
    onset: Timestamp,
    /// The least extent since then.
    least: u64,
    /// By whom, and when.
    pub acknowledged: Option<(String, Timestamp)>,
    pub shelved: Option<Shelf>,
    /// Since when it isn't there any more.
    gone: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shelf {
    pub by: String,
    pub reason: String,
    pub until: Timestamp,
}

impl Shelf {
    /// Nothing lies on a shelf for longer than 12 hours, though the clock was set back.
    fn is_over(&self, now: Timestamp) -> bool {
        self.until <= now || self.until.duration_since(now) > LONGEST_SHELF
    }
}

impl On {
    /// It wants somebody's notice.
    pub(super) fn rings(&self) -> bool {
        self.acknowledged.is_none() && self.shelved.is_none()
    }

    pub(super) fn may_be_shelved(&self) -> bool {
        !NEVER.contains(&self.alert.as_str())
    }
}

impl Annunciator {
    /// Takes note of what is wrong at this moment. Tells whether anything began, ended or came off its shelf.
    pub(super) fn look(&self, alarms: &[Alarm], now: Timestamp) -> bool {
        let mut state = self.state();
        let mut changed = false;
        for alarm in alarms {
            changed |= state.sees(alarm, now);
        }
        let is_there =
            |name: &(String, String)| alarms.iter().any(|it| it.alert == name.0 && it.about == name.1);
        let mut over = Vec::new();
        for (name, on) in &mut state.on {
            if let Some(shelf) = on.shelved.take_if(|shelf| shelf.is_over(now)) {
                (on.acknowledged, on.onset, on.least, changed) = (None, now, u64::MAX, true);
                over.push((on.text.clone(), words!("off the shelf of {name}", name = shelf.by)));
            }
            if !is_there(name) && on.gone.is_none() {
                on.gone = Some(now);
            }
        }
        for (text, what) in over {
            state.note(now, &text, what);
        }
        let gone = |on: &On| on.gone.is_some_and(|gone| now.duration_since(gone).abs() >= CHATTER);
        let ended: Vec<On> = state.on.extract_if(.., |_, on| gone(on)).map(|(_, on)| on).collect();
        for on in &ended {
            state.note(now, &on.text, words!("over"));
        }
        changed || !ended.is_empty()
    }

    /// The alarms that are on, those that ring first, then the worst, then the oldest.
    pub(super) fn on(&self) -> Vec<On> {
        let mut on: Vec<On> = self.state().on.values().filter(|on| on.gone.is_none()).cloned().collect();
        on.sort_by_key(|it| (!it.rings(), it.severity != Least::Danger, it.since, it.id));
        on
    }

    /// What happened since the start, the latest first.
    pub(super) fn happened(&self) -> Vec<(Timestamp, Words)> {
        self.state().happened.iter().rev().cloned().collect()
    }

    /// What an alarm is about; nothing for one that isn't on.
    pub(super) fn about(&self, id: u64) -> Option<Words> {
        self.state().of(id).map(|on| on.text.clone())
    }

    /// Somebody has noticed, and that is written down.
    pub(super) fn acknowledge(&self, id: u64, by: &str, now: Timestamp) {
        let mut state = self.state();
        let Some(on) = state.of(id) else { return };
        on.acknowledged = Some((by.to_owned(), now));
        let text = on.text.clone();
        state.note(now, &text, words!("acknowledged by {name}", name = by));
    }

    /// What an alarm is about that may be put aside so.
    ///
    /// # Errors
    /// What is wrong with the wish.
    pub(super) fn may_shelve(&self, id: u64, shelf: &Shelf, now: Timestamp) -> Result<Words, Words> {
        let mut state = self.state();
        let on = state.of(id).ok_or_else(|| words!("This alarm isn't on any more."))?;
        if !on.may_be_shelved() {
            return Err(words!("This alarm can't be shelved: a patient waits, or nothing can be relied on."));
        }
        if shelf.is_over(now) {
            return Err(words!("An alarm is shelved for 12 hours at most."));
        }
        if shelf.reason.trim().is_empty() {
            return Err(words!("An alarm is shelved for a reason. Go back and write one."));
        }
        Ok(on.text.clone())
    }

    /// Puts an alarm aside for a while, once it was asked whether it may be and that is written down.
    pub(super) fn shelve(&self, id: u64, shelf: Shelf, now: Timestamp) {
        let mut state = self.state();
        let Some(on) = state.of(id) else { return };
        let text = on.text.clone();
        let (name, reason) = (&shelf.by, &shelf.reason);
        let what = words!("shelved by {name} because: {reason}", name, reason);
        on.shelved = Some(shelf);
        state.note(now, &text, what);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn of(&mut self, id: u64) -> Option<&mut On> {
        self.on.values_mut().find(|on| on.id == id && on.gone.is_none())
    }

    /// Whether an alarm begins, comes back, or goes further than at its last onset.
    fn sees(&mut self, alarm: &Alarm, now: Timestamp) -> bool {
        let name = (alarm.alert.to_owned(), alarm.about.clone());
        if let Some(on) = self.on.get_mut(&name) {
            let was_gone = on.gone.take().is_some();
            on.text.clone_from(&alarm.text);
            on.least = on.least.min(alarm.extent.number());
            let again = alarm.extent.begins_again(on.least, now.duration_since(on.onset), CREEPS);
            // Whoever shelved it wanted to hear nothing more of it, until it comes off its shelf.
            if !again || on.shelved.is_some() {
                return was_gone;
            }
            self.last += 1;
            (on.id, on.onset, on.least, on.acknowledged) = (self.last, now, alarm.extent.number(), None);
            self.note(now, &alarm.text, words!("went further"));
            return true;
        }
        self.last += 1;
        let on = On {
            id: self.last,
            alert: alarm.alert.to_owned(),
            severity: alarm.severity,
            text: alarm.text.clone(),
            since: now,
            onset: now,
            least: alarm.extent.number(),
            acknowledged: None,
            shelved: None,
            gone: None,
        };
        self.on.insert(name, on);
        self.note(now, &alarm.text, words!("began"));
        true
    }

    fn note(&mut self, at: Timestamp, text: &Words, what: Words) {
        if self.happened.len() >= REMEMBERED {
            self.happened.pop_front();
        }
        self.happened.push_back((at, Words::row([text.clone(), what], " – ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::alarms::Extent;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn alarm(alert: &'static str, about: &str, text: &str) -> Alarm {
        let extent = Extent::Whole;
        Alarm { alert, about: about.to_owned(), severity: Least::Danger, text: text.into(), extent }
    }

    /// An acknowledged alarm of this extent, and what it is after each look at another one: whether it rings.
    fn rings_after(first: Extent, looks: &[(i64, Extent)]) -> Vec<bool> {
        let desk = Annunciator::default();
        let of = |extent| [Alarm { extent, ..alarm("problems-open", "", "Some are open.") }];
        desk.look(&of(first), at(0));
        let acknowledge = |second| desk.acknowledge(desk.on()[0].id, "Anna", at(second));
        acknowledge(0);
        let rings = |(second, extent): &(i64, Extent)| {
            let was = desk.on()[0].id;
            let changed = desk.look(&of(*extent), at(*second));
            let on = desk.on()[0].clone();
            assert_eq!([changed, on.id != was], [on.rings(); 2], "an open page is told, under a new number");
            assert_eq!(on.since, at(0));
            acknowledge(*second);
            on.rings()
        };
        looks.iter().map(rings).collect()
    }

    #[test]
    fn a_grown_count_rings_again_but_what_creeps_does_so_every_few_minutes_at_most() {
        use Extent::{Count, Whole};
        for (first, looks, rings) in [
            (Count(614), &[(400, Count(642)), (402, Count(642))][..], &[true, false][..]),
            (Count(1), &[(10, Count(2)), (299, Count(3)), (300, Count(3))], &[false, false, true]),
            (Count(1), &[(300, Count(2)), (590, Count(3)), (600, Count(3))], &[true, false, true]),
            // What was seen to leaves room for others.
            (Count(9), &[(300, Count(4)), (400, Count(5))], &[false, true]),
            (Whole, &[(300, Whole), (4_000, Whole)], &[false, false]),
        ] {
            assert_eq!(rings_after(first, looks), rings, "{first:?} {looks:?}");
        }
    }

    #[test]
    fn each_step_of_a_call_rings_again_at_once_and_what_is_shelved_does_not() {
        use Extent::{Count, Steps};
        assert_eq!(
            rings_after(Steps(1), &[(2, Steps(2)), (4, Steps(2)), (6, Steps(3))]),
            [true, false, true]
        );
        // A call that was closed and is opened again goes further than all of its steps, though it was gone for a moment only.
        let desk = Annunciator::default();
        let call =
            |steps| [Alarm { extent: Steps(steps), ..alarm("critical-call-open", "3", "It is open.") }];
        desk.look(&call(2), at(0));
        desk.acknowledge(desk.on()[0].id, "Anna", at(1));
        desk.look(&[], at(4));
        assert!(desk.look(&call(1_000), at(8)) && desk.on()[0].rings());
        let desk = Annunciator::default();
        let of = |count| [Alarm { extent: Count(count), ..alarm("problems-open", "", "Some are open.") }];
        desk.look(&of(1), at(0));
        desk.shelve(desk.on()[0].id, shelf(3_600), at(1));
        assert!(!desk.look(&of(7), at(900)) && !desk.on()[0].rings());
        assert!(desk.look(&of(7), at(3_600)) && desk.on()[0].rings());
        assert!(!desk.look(&of(7), at(7_200)), "it rings once for that");
        assert!(desk.look(&of(8), at(7_202)), "and then as any other");
    }

    fn shelf(until: i64) -> Shelf {
        Shelf { by: "Anna".to_owned(), reason: "under repair".to_owned(), until: at(until) }
    }

    #[test]
    fn an_alarm_begins_once_and_ends_once_and_chatter_is_neither() {
        let desk = Annunciator::default();
        let down = [alarm("link-down", "c311", "c311 can't be reached.")];
        assert!(desk.look(&down, at(0)));
        assert!(!desk.look(&down, at(5)));
        let first = desk.on()[0].clone();
        assert!(first.rings() && first.since == at(0));
        desk.acknowledge(first.id, "Anna", at(6));
        desk.look(&[], at(10));
        assert_eq!(desk.on(), [], "what isn't there isn't shown");
        desk.look(&down, at(40));
        assert!(!desk.on()[0].rings(), "it was gone for a moment only");
        desk.look(&[], at(50));
        assert!(desk.look(&[], at(110)));
        desk.look(&down, at(120));
        assert!(desk.on()[0].rings() && desk.on()[0].id != first.id, "a new onset rings again");
        let told: Vec<String> = desk.happened().into_iter().rev().map(|(_, text)| text.english()).collect();
        let text = "c311 can't be reached.";
        assert_eq!(
            told,
            ["began", "acknowledged by Anna", "over", "began"].map(|what| format!("{text} – {what}"))
        );
        desk.acknowledge(first.id, "Anna", at(121));
        assert!(desk.about(first.id).is_none() && desk.on()[0].rings(), "the earlier onset is over");
    }

    #[test]
    fn a_clock_that_is_set_back_hushes_no_alarm() {
        let desk = Annunciator::default();
        let down = [alarm("link-down", "c311", "c311 can't be reached.")];
        desk.look(&down, at(0));
        desk.acknowledge(desk.on()[0].id, "Anna", at(1));
        desk.look(&[], at(10));
        desk.look(&[], at(-86_400));
        desk.look(&down, at(-86_000));
        assert!(desk.on()[0].rings(), "it is another onset");
        desk.shelve(desk.on()[0].id, shelf(-82_400), at(-86_000));
        assert!(!desk.look(&down, at(-85_999)));
        assert!(desk.look(&down, at(-172_800)), "nobody shelves for a day");
        assert!(desk.on()[0].rings());
    }

    #[test]
    fn a_shelf_has_an_end_and_then_it_rings_again() {
        let desk = Annunciator::default();
        let down = [alarm("link-down", "c311", "c311 can't be reached.")];
        desk.look(&down, at(0));
        let id = desk.on()[0].id;
        desk.may_shelve(id, &shelf(3_600), at(1)).unwrap();
        assert!(desk.on()[0].rings(), "asking changes nothing");
        desk.shelve(id, shelf(3_600), at(1));
        assert!(!desk.on()[0].rings());
        assert!(!desk.look(&down, at(3_599)));
        assert!(desk.look(&down, at(3_600)));
        assert!(desk.on()[0].rings());
        for (wish, now) in
            [(shelf(1), 1), (shelf(12 * 3_600 + 2), 1), (Shelf { reason: " ".into(), ..shelf(9) }, 1)]
        {
            assert!(desk.may_shelve(id, &wish, at(now)).is_err());
        }
        assert!(desk.may_shelve(id + 1, &shelf(9), at(1)).is_err());
    }

    #[test]
    fn what_a_patient_waits_for_is_never_shelved() {
        for alert in NEVER {
            let desk = Annunciator::default();
            desk.look(&[alarm(alert, "", "It is wrong.")], at(0));
            let on = desk.on()[0].clone();
            assert!(!on.may_be_shelved());
            assert!(desk.may_shelve(on.id, &shelf(60), at(1)).is_err(), "{alert}");
            assert!(desk.on()[0].rings());
        }
    }
}
