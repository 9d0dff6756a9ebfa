//! The versions of one result in every order in which they may arrive: an older one never leaves by itself after a newer.

use std::time::Duration;

use super::super::{Arrival, Clock, Prior, Repetition, Sameness, classify};
use super::*;
use crate::domain::Status;
use crate::domain::profile::{EqualWithoutHour, ScaleFlags};

const T1: &str = "20261026093100";
const T2: &str = "20261026103100";

/// What a test keeps of the journal: what was stored, and what left by itself, in this order.
#[derive(Default)]
struct Lab {
    stored: Vec<Prior>,
    /// Of which result each stored one is a version: the first of them.
    results: Vec<i64>,
    /// The result, and what was told of it.
    left: Vec<(i64, Observation)>,
    held: usize,
}

impl Lab {
    fn arrives(&mut self, observation: &Observation, judge: fn(Sameness) -> Sameness) {
        let received_at = context().received_at;
        let arrival = Arrival {
            site: "lab",
            received_at,
            resend_window: Duration::from_secs(3600),
            repetition: Repetition::First,
            equal_without_hour: EqualWithoutHour::Held,
            scale: ScaleFlags::STANDARD,
        };
        let (leaves, supersedes) = match judge(classify(&self.stored, observation, Clock::Tells, &arrival)) {
            Sameness::Duplicate(_) => return,
            Sameness::Correction(id) | Sameness::Completion(id) | Sameness::Diluted(id) => (true, Some(id)),
            Sameness::Contradiction(id) => (false, Some(id)),
            Sameness::Late(_)
            | Sameness::NotAbove(_)
            | Sameness::AmbiguousCorrection
            | Sameness::SaidTwice
            | Sameness::ToldBefore(_) => (false, None),
            Sameness::New | Sameness::Rerun(_) | Sameness::PossibleDuplicate(_) | Sameness::AnotherOf(_) => {
                (true, None)
            }
        };
        let id = i64::try_from(self.stored.len()).unwrap() + 1;
        let mut result = id;
        for at in self.stored.iter_mut().filter(|it| Some(it.id) == supersedes) {
            at.is_current = false;
            result = self.results[usize::try_from(at.id).unwrap() - 1];
        }
        self.stored.push(Prior::of(id, "lab", observation, received_at));
        self.results.push(result);
        match leaves {
            true => self.left.push((result, observation.clone())),
            false => self.held += 1,
        }
    }

    /// What left of the run at a time.
    fn left_of(&self, time: &str) -> Vec<&Observation> {
        let of = |it: &&Observation| it.completed.as_ref().is_some_and(|at| at.text == time);
        self.left.iter().map(|(_, it)| it).filter(of).collect()
    }

    /// Whether an older version left after a newer, or one run ended as two results.
    fn is_wrong(&self) -> bool {
        let stage = |status: Status| match status {
            Status::Preliminary => 0,
            Status::Final | Status::Failed => 1,
            Status::Correction => 2,
        };
        let last: BTreeMap<i64, &Observation> = self.left.iter().map(|(result, it)| (*result, it)).collect();
        [T1, T2].iter().any(|time| {
            let back = |two: &[&Observation]| stage(two[1].status) < stage(two[0].status);
            let ends = last.values().filter(|it| it.completed.as_ref().is_some_and(|at| at.text == *time));
            self.left_of(time).windows(2).any(back) || ends.count() > 1
        })
    }
}

/// Status letters, in order.
fn letters(observations: &[&Observation]) -> String {
    observations.iter().map(|it| it.status_as_sent.as_str()).collect()
}

fn orders<T: Clone>(of: &[T]) -> Vec<Vec<T>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for at in 0..of.len() {
        let mut rest = of.to_vec();
        let first = rest.remove(at);
        all.extend(orders(&rest).into_iter().map(|rest| [vec![first.clone()], rest].concat()));
    }
    all
}

/// Every order of every choice of these.
fn arrivals(of: &[Observation]) -> Vec<Vec<Observation>> {
    let choices = (1..1_usize << of.len()).map(|choice| {
        let chosen = of.iter().enumerate().filter(|(at, _)| choice & (1 << at) != 0);
        chosen.map(|(_, it)| it.clone()).collect::<Vec<_>>()
    });
    choices.flat_map(|chosen| orders(&chosen)).collect()
}

fn observation(value: &str, status: &str, time: &str) -> Observation {
    let text = format!("R|1|^^^K|{value}|mmol/L||N||{status}||||{time}");
    only(&one(&text)).clone()
}

fn run() -> Vec<Observation> {
    vec![
        observation("7.0", "P", T1),
        observation("7.1", "F", T1),
        observation("7.2", "C", T1),
        observation("", "X", T1),
        observation("7.0", "P", T2),
        observation("7.4", "F", T2),
    ]
}

#[test]
fn in_no_order_of_arrival_does_an_older_version_leave_after_a_newer() {
    for arrivals in arrivals(&run()) {
        let mut lab = Lab::default();
        arrivals.iter().for_each(|it| lab.arrives(it, |sameness| sameness));
        let told: Vec<&str> = arrivals.iter().map(|it| it.status_as_sent.as_str()).collect();
        let left = [letters(&lab.left_of(T1)), letters(&lab.left_of(T2))];
        assert!(!lab.is_wrong(), "{told:?}: {left:?} left");
        assert_eq!(lab.left.len() + lab.held, arrivals.len(), "{told:?}: one was lost");
        let corrected = told.contains(&"C").then(|| left[0].chars().last());
        assert!(corrected.is_none_or(|last| last == Some('C')), "{told:?}: the correction didn't stay last");
        let reran = arrivals.iter().any(|it| it.value_as_sent == "7.4");
        assert_eq!(left[1].contains('F'), reran, "{told:?}: a rerun is a result of its own");
    }
}

#[test]
fn what_came_before_is_a_repetition_in_every_order() {
    for arrivals in arrivals(&run()) {
        let mut lab = Lab::default();
        arrivals.iter().for_each(|it| lab.arrives(it, |sameness| sameness));
        let left = (lab.left.len(), lab.held);
        arrivals.iter().for_each(|it| lab.arrives(it, |sameness| sameness));
        assert_eq!((lab.left.len(), lab.held), left);
    }
}

#[test]
fn a_gateway_that_took_a_late_version_for_a_rerun_would_be_caught() {
    let careless = |sameness| match sameness {
        Sameness::Late(id) | Sameness::Contradiction(id) => Sameness::Rerun(id),
        other => other,
    };
    let wrong = arrivals(&run()).iter().any(|arrivals| {
        let mut lab = Lab::default();
        arrivals.iter().for_each(|it| lab.arrives(it, careless));
        lab.is_wrong()
    });
    assert!(wrong);
}
