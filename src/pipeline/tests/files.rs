//! Messages of files whose times don't tell one result from the next: what a file says so often is there so often, and what
//! another file says again is not there again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;

use super::super::{
    Again, Arrival, Before, Clock, Gathering, Prior, Repetition, Sameness, Stored, canonical, classify,
    is_date, time_text,
};
use super::*;

/// How results are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Care {
    Counting,
    /// The negative control: each message as if it had come by itself.
    None,
}

/// What a test keeps of the journal.
struct Shelf {
    care: Care,
    stored: Vec<Stored>,
    again: Vec<Again>,
    /// Each message with its file.
    messages: Vec<(Vec<u8>, i64)>,
    files: i64,
    minute: i64,
    log: Vec<String>,
}

impl Shelf {
    fn new(care: Care) -> Shelf {
        let (stored, again, messages, log) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Shelf { care, stored, again, messages, files: 0, minute: 0, log }
    }

    fn reads(&mut self, messages: &[String]) {
        self.files += 1;
        messages.iter().for_each(|message| self.reads_message(message));
    }

    fn repetition(&self, message: &str) -> Repetition {
        let dialect = profile().dialect;
        let form = |bytes: &[u8]| canonical(bytes, &dialect);
        let mut same = self.messages.iter().filter(|(it, _)| form(it) == form(message.as_bytes()));
        let counts = self.care == Care::Counting;
        match same.any(|(_, file)| !counts || *file != self.files) {
            false => Repetition::First,
            true if !counts || !message.contains(SENT) => Repetition::Repeated,
            true => {
                match self.messages.iter().any(|(it, file)| *file != self.files && it == message.as_bytes()) {
                    true => Repetition::Verbatim,
                    false => Repetition::Repeated,
                }
            }
        }
    }

    fn reads_message(&mut self, message: &str) {
        let repetition = self.repetition(message);
        let received_at = Timestamp::from_second(1_800_000_000).unwrap() + self.minute.minutes();
        let arrival =
            Arrival { site: "lab", received_at, resend_window: Duration::from_secs(600), repetition };
        let number = i64::try_from(self.messages.len()).unwrap() + 1;
        let place = (number, self.files);
        let mut known: BTreeMap<String, Before> = BTreeMap::new();
        let (mut new, mut again) = (Vec::new(), Vec::new());
        for mut it in read(message).observations {
            let specimen = it.specimen.reveal().to_owned();
            let of_it = |stored: &&Stored| stored.observation.specimen.reveal() == specimen;
            let stored: Vec<Stored> = self.stored.iter().filter(of_it).cloned().collect();
            let prior = |old: &Stored| Prior {
                is_current: old.is_current,
                ..Prior::of(old.id, "lab", &old.observation, old.received_at)
            };
            let priors: Vec<Prior> = stored.iter().map(prior).collect();
            let alone = classify(&priors, &it, &arrival);
            let ids: BTreeSet<i64> = stored.iter().map(|it| it.id).collect();
            let told: Vec<Again> = self.again.iter().filter(|it| ids.contains(&it.id)).copied().collect();
            let before = known.entry(specimen).or_insert_with(|| {
                let mut gathering = Gathering::new("lab", place, &told);
                stored.iter().for_each(|it| gathering.add(it));
                gathering.finish()
            });
            let time = time_text(&it);
            let silent = time.is_empty() || is_date(time, &[]);
            let clock = if silent { Clock::IsSilent } else { Clock::Tells };
            let sameness = match self.care {
                Care::Counting => before.take_of_message(&mut it, clock, alone, &arrival),
                Care::None => alone,
            };
            let (message, transfer) = place;
            self.log.push(format!("{} /{} {sameness:?}", it.value_as_sent, it.replicate));
            match sameness {
                Sameness::Duplicate(id) => again.push(Again { id, message, transfer, received_at }),
                _ => {
                    if let Sameness::Correction(of) | Sameness::Completion(of) = sameness {
                        self.stored.iter_mut().filter(|it| it.id == of).for_each(|it| it.is_current = false);
                    }
                    let id = i64::try_from(self.stored.len() + new.len()).unwrap() + 1;
                    let observation = it;
                    new.push(Stored {
                        id,
                        message,
                        transfer,
                        received_at,
                        observation,
                        is_current: true,
                        was_moved: false,
                    });
                }
            }
        }
        self.stored.append(&mut new);
        self.again.append(&mut again);
        self.messages.push((message.as_bytes().to_vec(), self.files));
    }

    /// How many results are stored of each thing that can be said.
    fn counts(&self) -> BTreeMap<(String, String, String), usize> {
        let mut counts = BTreeMap::new();
        for it in self.stored.iter().map(|it| &it.observation) {
            let said = (it.specimen.reveal().to_owned(), it.value_as_sent.clone(), time_text(it).to_owned());
            *counts.entry(said).or_default() += 1;
        }
        counts
    }

    fn log(&mut self) -> String {
        std::mem::take(&mut self.log).join("; ")
    }
}

const SENT: &str = "20261026120000";
const DAY: &str = "20261026";
const HOUR: &str = "20261026093100";

type Said = (&'static str, &'static str, &'static str);

/// A message with these results, each of a specimen, a value and a time; with a time of sending where one is given.
fn message(sent: &str, results: &[Said]) -> String {
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

fn file() -> impl Strategy<Value = Vec<Vec<Said>>> {
    prop::collection::vec(prop::collection::vec(said(), 1..4), 1..5)
}

fn messages(sent: &str, file: &[Vec<Said>]) -> Vec<String> {
    file.iter().map(|results| message(sent, results)).collect()
}

/// What of a file is missing: each thing that it says more often than it is stored.
fn missing(care: Care, before: &[Vec<Vec<Said>>], file: &[Vec<Said>]) -> Vec<Said> {
    let mut shelf = Shelf::new(care);
    for file in before {
        shelf.reads(&messages("", file));
        shelf.minute += 7;
    }
    shelf.reads(&messages("", file));
    let stored = shelf.counts();
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
        let mut shelf = Shelf::new(Care::Counting);
        let mut all = messages(sent, &file);
        shelf.reads(&all);
        let first = shelf.stored.len();
        shelf.minute += if stamped { minutes } else { minutes % 10 };
        let start = usize::try_from(order % 7).unwrap() % all.len();
        all.rotate_left(start);
        if order % 2 == 0 {
            all.reverse();
        }
        shelf.log();
        shelf.reads(&all);
        prop_assert_eq!(shelf.stored.len(), first, "{}", shelf.log());
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
    for (what, first, minutes, second, expected) in [
        ("twice in one file", vec![one(), one()], 5, vec![], "4.1 /1 New; 4.1 /2 AnotherOf(1)"),
        ("of one day", vec![of_a_day(), of_a_day()], 5, vec![], "4.1 /1 New; 4.1 /2 AnotherOf(1)"),
        ("its hour is known", vec![timed(), timed()], 5, vec![], "4.1 /1 New; 4.1 /1 Duplicate(1)"),
        (
            "in two messages that differ",
            vec![one(), beside()],
            5,
            vec![],
            "4.1 /1 New; 4.1 /2 AnotherOf(1); 4.2 /1 New",
        ),
        ("again in another file", vec![one()], 5, vec![one()], "4.1 /1 New; 4.1 /1 Duplicate(1)"),
        (
            "again, and once more",
            vec![one()],
            5,
            vec![one(), one()],
            "4.1 /1 New; 4.1 /1 Duplicate(1); 4.1 /2 AnotherOf(1)",
        ),
        ("again, late", vec![one()], 60, vec![one()], "4.1 /1 New; 4.1 /1 ToldBefore(1)"),
        ("as it was sent, late", vec![sent()], 60, vec![sent()], "4.1 /1 New; 4.1 /1 Duplicate(1)"),
        (
            "in another message of another file",
            vec![one()],
            5,
            vec![beside()],
            "4.1 /1 New; 4.1 /1 ToldBefore(1); 4.2 /1 New",
        ),
        (
            "of one day, in another file",
            vec![of_a_day()],
            60,
            vec![of_a_day()],
            "4.1 /1 New; 4.1 /1 Duplicate(1)",
        ),
    ] {
        let mut shelf = Shelf::new(Care::Counting);
        shelf.reads(&first);
        shelf.minute += minutes;
        shelf.reads(&second);
        assert_eq!(shelf.log(), expected, "{what}");
    }
}

#[test]
fn a_preliminary_result_that_a_file_says_twice_is_one() {
    let text = |status: &str| message("", &[("S1", "4.1", "")]).replace("|F||||", &format!("|{status}||||"));
    let mut shelf = Shelf::new(Care::Counting);
    shelf.reads(&[text("P"), text("P"), text("F"), text("C"), text("C")]);
    let log = shelf.log();
    assert_eq!(
        log,
        "4.1 /1 New; 4.1 /1 Duplicate(1); 4.1 /1 Completion(1); 4.1 /1 Correction(2); 4.1 /1 Duplicate(3)"
    );
}
