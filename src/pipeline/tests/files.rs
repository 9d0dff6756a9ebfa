//! Messages of files whose times don't tell one result from the next: what a file says so often is there so often, and what
//! another file says again is not there again.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::{Clock, Counts, Repetition, canonical, classify, time_text};
use super::shelf::Shelf;
use super::*;
use crate::domain::profile::EqualWithoutHour;

/// How results are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    Counting,
    /// A negative control: each message as if it had come by itself.
    None,
    /// A negative control: an equal result of the same day is the same.
    TrustingDays,
}

/// The messages of files, as they are read.
pub(super) struct Files {
    care: Care,
    pub(super) shelf: Shelf,
    /// Each message with its file.
    messages: Vec<(Vec<u8>, i64)>,
    files: i64,
}

impl Files {
    pub(super) fn new(care: Care) -> Files {
        Files { care, shelf: Shelf::new(), messages: Vec::new(), files: 0 }
    }

    /// Stores a file's messages without reading them: their numbers.
    pub(super) fn arrives(&mut self, messages: &[String]) -> std::ops::Range<usize> {
        self.files += 1;
        let first = self.messages.len();
        self.messages.extend(messages.iter().map(|it| (it.as_bytes().to_vec(), self.files)));
        first..self.messages.len()
    }

    pub(super) fn reads(&mut self, messages: &[String]) {
        self.arrives(messages).for_each(|message| self.reads_message(message));
    }

    fn repetition(&self, at: usize) -> Repetition {
        let dialect = profile().dialect;
        let (message, file) = &self.messages[at];
        let form = |bytes: &[u8]| canonical(bytes, &dialect);
        let counts = self.care != Care::None;
        let before = self.messages[..at].iter().filter(|(_, of)| !counts || of != file);
        let same: Vec<&[u8]> =
            before.map(|(it, _)| it.as_slice()).filter(|it| form(it) == form(message)).collect();
        let is_stamped = message.windows(SENT.len()).any(|it| it == SENT.as_bytes());
        match same.is_empty() {
            true => Repetition::First,
            false if counts && is_stamped && same.contains(&message.as_slice()) => Repetition::Verbatim,
            false => Repetition::Repeated,
        }
    }

    pub(super) fn reads_message(&mut self, at: usize) {
        let repetition = self.repetition(at);
        let (message, file) = &self.messages[at];
        let place = (i64::try_from(at).unwrap() + 1, *file);
        let results = read(std::str::from_utf8(message).unwrap()).observations;
        let care = self.care;
        self.shelf.reads(place, results, Counts::new(), |shelf, before, it| {
            let arrival = shelf.arrival(repetition);
            let clock = match care {
                Care::TrustingDays if !time_text(it).is_empty() => Clock::Tells,
                _ => Clock::of(it, &[]),
            };
            let alone = classify(&shelf.priors(it), it, clock, &arrival);
            match care {
                Care::Counting | Care::TrustingDays if clock == Clock::IsSilent => {
                    before.take_of_message(it, alone, &arrival)
                }
                _ => alone,
            }
        });
    }

    /// How many results are stored of each thing that can be said.
    pub(super) fn counts(&self) -> BTreeMap<(String, String, String), usize> {
        let mut counts = BTreeMap::new();
        for it in self.shelf.stored.iter().map(|it| &it.observation) {
            let said = (it.specimen.reveal().to_owned(), it.value_as_sent.clone(), time_text(it).to_owned());
            *counts.entry(said).or_default() += 1;
        }
        counts
    }
}

const SENT: &str = "20261026120000";
pub(super) const DAY: &str = "20261026";
const HOUR: &str = "20261026093100";

pub(super) type Said = (&'static str, &'static str, &'static str);

/// A message with these results, each of a specimen, a value and a time; with a time of sending where one is given.
pub(super) fn message(sent: &str, results: &[Said]) -> String {
    let results: String = results
        .iter()
        .map(|(specimen, value, time)| format!("O|1|{specimen}\nR|1|^^^K|{value}|mmol/L||N||F||||{time}\n"))
        .collect();
    format!("H|\\^&|||||||||||{sent}\nP|1\n{results}L|1")
}

fn said() -> impl Strategy<Value = Said> {
    let specimen = prop::sample::select(vec!["S1", "S1", "S2"]);
    let value = prop::sample::select(vec!["4.1", "4.1", "4.2"]);
    let time = prop::sample::select(vec!["", "", DAY]);
    (specimen, value, time)
}

pub(super) fn file() -> impl Strategy<Value = Vec<Vec<Said>>> {
    prop::collection::vec(prop::collection::vec(said(), 1..4), 1..5)
}

pub(super) fn messages(sent: &str, file: &[Vec<Said>]) -> Vec<String> {
    file.iter().map(|results| message(sent, results)).collect()
}

/// What of a file is missing: each thing that it says more often than it is stored.
fn missing(care: Care, before: &[Vec<Vec<Said>>], file: &[Vec<Said>]) -> Vec<Said> {
    let mut files = Files::new(care);
    for file in before {
        files.reads(&messages("", file));
        files.shelf.minute += 7;
    }
    files.reads(&messages("", file));
    missing_of(&files, file)
}

/// Each thing that a file says more often than it is stored.
pub(super) fn missing_of(files: &Files, file: &[Vec<Said>]) -> Vec<Said> {
    let stored = files.counts();
    let all: Vec<Said> = file.concat();
    let is_missing = |said: &&Said| {
        let (specimen, value, time) = said;
        let times = all.iter().filter(|it| it == said).count();
        let key = ((*specimen).to_owned(), (*value).to_owned(), (*time).to_owned());
        stored.get(&key).copied().unwrap_or_default() < times
    };
    all.iter().filter(is_missing).copied().collect()
}

proptest! {
    #[test]
    fn what_a_file_says_so_often_is_there_so_often(
        before in prop::collection::vec(file(), 0..3),
        file in file(),
    ) {
        prop_assert_eq!(missing(Care::Counting, &before, &file), Vec::<Said>::new());
    }

    #[test]
    fn a_file_that_comes_again_adds_nothing(
        file in file(),
        order in any::<u64>(),
        minutes in 0_i64..2000,
        stamped in any::<bool>(),
    ) {
        let sent = if stamped { SENT } else { "" };
        let mut files = Files::new(Care::Counting);
        files.shelf.equal_without_hour = EqualWithoutHour::Same;
        let mut all = messages(sent, &file);
        files.reads(&all);
        let first = files.shelf.stored.len();
        files.shelf.minute += if stamped { minutes } else { minutes % 10 };
        let start = usize::try_from(order % 7).unwrap() % all.len();
        all.rotate_left(start);
        if order % 2 == 0 {
            all.reverse();
        }
        files.shelf.told();
        files.reads(&all);
        prop_assert_eq!(files.shelf.stored.len(), first, "{}", files.shelf.told());
    }
}

#[test]
fn a_gateway_that_did_not_count_would_be_caught() {
    let file = vec![vec![("S1", "4.1", "")]; 2];
    assert_eq!(missing(Care::Counting, &[], &file), []);
    assert_eq!(missing(Care::None, &[], &file).len(), 2);
}

#[test]
fn equal_results_of_one_file_and_of_the_next() {
    let one = || message("", &[("S1", "4.1", "")]);
    let of_a_day = || message("", &[("S1", "4.1", DAY)]);
    let timed = || message("", &[("S1", "4.1", HOUR)]);
    let sent = || message(SENT, &[("S1", "4.1", "")]);
    let beside = || message("", &[("S1", "4.1", ""), ("S2", "4.2", "")]);
    let both = || message("", &[("S1", "4.1", ""), ("S1", "4.1", "")]);
    for (what, first, minutes, second, expected) in [
        ("twice in one file", vec![one(), one()], 5, vec![], "4.1 /1 New; 4.1 /2 AnotherOf(Some(1))"),
        ("of one day", vec![of_a_day(), of_a_day()], 5, vec![], "4.1 /1 New; 4.1 /2 AnotherOf(Some(1))"),
        ("in one message", vec![both()], 5, vec![], "4.1 /1 New; 4.1 /2 AnotherOf(None)"),
        ("its hour is known", vec![timed(), timed()], 5, vec![], "4.1 /1 New; 4.1 /1 Duplicate(1)"),
        (
            "in two messages that differ",
            vec![one(), beside()],
            5,
            vec![],
            "4.1 /1 New; 4.1 /2 AnotherOf(Some(1)); 4.2 /1 New",
        ),
        ("again in another file", vec![one()], 5, vec![one()], "4.1 /1 New; 4.1 /2 ToldBefore(1)"),
        (
            "again, and once more",
            vec![one()],
            5,
            vec![one(), one()],
            "4.1 /1 New; 4.1 /2 ToldBefore(1); 4.1 /3 AnotherOf(Some(2))",
        ),
        ("again, late", vec![one()], 60, vec![one()], "4.1 /1 New; 4.1 /2 ToldBefore(1)"),
        ("as it was sent, late", vec![sent()], 60, vec![sent()], "4.1 /1 New; 4.1 /1 Duplicate(1)"),
        (
            "in another message of another file",
            vec![one()],
            5,
            vec![beside()],
            "4.1 /1 New; 4.1 /2 ToldBefore(1); 4.2 /1 New",
        ),
        (
            "of one day, in another file",
            vec![of_a_day()],
            60,
            vec![of_a_day()],
            "4.1 /1 New; 4.1 /2 ToldBefore(1)",
        ),
    ] {
        let mut files = Files::new(Care::Counting);
        files.reads(&first);
        files.shelf.minute += minutes;
        files.reads(&second);
        assert_eq!(files.shelf.told().replace("S1 ", "").replace("S2 ", ""), expected, "{what}");
    }
}

#[test]
fn a_preliminary_result_that_a_file_says_twice_is_one() {
    let text = |status: &str| message("", &[("S1", "4.1", "")]).replace("|F||||", &format!("|{status}||||"));
    let mut files = Files::new(Care::Counting);
    files.reads(&[text("P"), text("P"), text("F"), text("C"), text("C")]);
    assert_eq!(
        files.shelf.told().replace("S1 ", ""),
        "4.1 /1 New; 4.1 /1 Duplicate(1); 4.1 /1 Completion(1); 4.1 /1 Correction(2); 4.1 /1 Duplicate(3)"
    );
}

#[test]
fn what_no_hour_tells_apart_is_as_the_site_says() {
    use EqualWithoutHour::{Held, Same};
    let cases = [
        (Held, DAY, 5, ["/2 ToldBefore(1)", "/2 Duplicate(2)"]),
        (Held, DAY, 60, ["/2 ToldBefore(1)", "/2 Duplicate(2)"]),
        (Held, "", 5, ["/2 ToldBefore(1)", "/2 Duplicate(2)"]),
        (Held, "", 60, ["/2 ToldBefore(1)", "/2 Duplicate(2)"]),
        (Same, DAY, 5, ["/1 Duplicate(1)", "/1 Duplicate(1)"]),
        (Same, DAY, 60, ["/1 Duplicate(1)", "/1 Duplicate(1)"]),
        (Same, "", 5, ["/1 Duplicate(1)", "/1 Duplicate(1)"]),
        (Same, "", 60, ["/2 ToldBefore(1)", "/2 Duplicate(2)"]),
    ];
    for (says, time, minutes, expected) in cases {
        let mut files = Files::new(Care::Counting);
        files.shelf.equal_without_hour = says;
        files.reads(&[message(SENT, &[("S1", "4.1", time)])]);
        files.shelf.told();
        for (hour, expected) in ["13", "14"].into_iter().zip(expected) {
            files.shelf.minute += minutes;
            // Sent anew, with another time of sending.
            let sent = SENT.replace("12", hour);
            files.reads(&[message(&sent, &[("S1", "4.1", time)])]);
            assert_eq!(
                files.shelf.told(),
                format!("S1 4.1 {expected}"),
                "{says:?} {time:?} after {minutes} min"
            );
        }
    }
}

#[test]
fn a_gateway_that_trusted_days_would_be_caught() {
    let day = || [message("", &[("S1", "4.1", DAY)])];
    let stored = |care| {
        let mut files = Files::new(care);
        files.reads(&day());
        files.reads(&day());
        files.shelf.stored.len()
    };
    assert_eq!((stored(Care::Counting), stored(Care::TrustingDays)), (2, 1));
}
