//! A table that comes again, and a table that is cut anywhere: nothing is read twice, nothing is missed, and where a part
//! ends is no matter.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use labwire_drop::{Contents, Cutter, Rows};
use proptest::prelude::*;

use super::super::{
    Again, Arrival, Before, Gathering, Numbered, Part, Repetition, Sameness, Stored, process_part,
};
use super::*;
use crate::config::profile::parse;

const HEAD: &str = "Tube,Test,Result,When,Nr\n";

/// A model that says which replicate a row is, or one that doesn't.
fn model(numbered: Numbered) -> Profile {
    let replicate = if numbered == Numbered::Told { "replicate = \"Nr\"" } else { "" };
    let text = format!(
        "name = \"made-up\"\nrevision = 1\nprotocol = \"table\"\nvendor = \"Nobody\"\nmodel = \"None\"\n\
         note = \"Made up for this test.\"\n[sources]\nit = \"made up\"\n\
         [tests]\nK = {{ result = \"quantity\", source = \"it\" }}\nNA = {{ result = \"quantity\", source = \"it\" }}\n\
         [table]\nformat = \"csv\"\ntimes = [\"%Y-%m-%d %H:%M\"]\n\
         [places]\nspecimen = \"Tube\"\ncode = \"Test\"\nvalue = \"Result\"\ncompleted = \"When\"\n{replicate}\n"
    );
    parse(&text).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// Whether the parts of a file know that they are one file's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parts {
    OfOneFile,
    /// The negative control: each is on its own.
    Strangers,
}

/// What a test keeps of the journal.
struct Shelf {
    reading: Reading,
    parts: Parts,
    stored: Vec<Stored>,
    again: Vec<Again>,
    messages: i64,
    files: i64,
    minute: i64,
    /// What became of each row, in order.
    log: Vec<String>,
}

impl Shelf {
    fn new(numbered: Numbered, parts: Parts) -> Shelf {
        let (stored, again, log) = (Vec::new(), Vec::new(), Vec::new());
        let reading = reading(model(numbered));
        Shelf { reading, parts, stored, again, messages: 0, files: 0, minute: 0, log }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap() + self.minute.minutes()
    }

    /// Reads a file's rows part by part.
    fn reads(&mut self, rows: &str, cuts: &[(usize, usize)]) {
        self.files += 1;
        for (start, end) in cuts {
            self.messages += 1;
            if self.parts == Parts::Strangers {
                self.files += 1;
            }
            let part = Part {
                head: HEAD.as_bytes(),
                rows: rows.as_bytes().get(*start..*end).unwrap(),
                first_line: 2,
            };
            let outcome = process_part(&part, &self.reading, &context());
            let mut known: BTreeMap<(String, String), Before> = BTreeMap::new();
            let (mut stored, mut again) = (Vec::new(), Vec::new());
            for observation in outcome.observations {
                let numbered = outcome.numbered.contains(&observation.record);
                self.takes(observation, numbered, &mut known, (&mut stored, &mut again));
            }
            self.stored.append(&mut stored);
            self.again.append(&mut again);
        }
    }

    fn takes(
        &mut self,
        mut observation: Observation,
        is_numbered: bool,
        known: &mut BTreeMap<(String, String), Before>,
        (stored, again): (&mut Vec<Stored>, &mut Vec<Again>),
    ) {
        let key = (observation.specimen.reveal().to_owned(), observation.test.code.clone());
        let place = (self.messages, self.files);
        let before = known.entry(key).or_insert_with_key(|(specimen, code)| {
            let is_its = |it: &Observation| it.specimen.reveal() == specimen && it.test.code == *code;
            let stored: Vec<Stored> =
                self.stored.iter().filter(|it| is_its(&it.observation)).cloned().collect();
            let ids: Vec<i64> = stored.iter().map(|it| it.id).collect();
            let again: Vec<Again> = self.again.iter().filter(|it| ids.contains(&it.id)).copied().collect();
            let mut gathering = Gathering::new("lab", place, &again);
            stored.iter().for_each(|it| gathering.add(it));
            gathering.finish()
        });
        let numbered = if is_numbered { Numbered::Told } else { Numbered::Counted };
        let (received_at, resend_window) = (self.now(), Duration::from_secs(600));
        let arrival = Arrival { site: "lab", received_at, resend_window, repetition: Repetition::First };
        let sameness = before.take(&mut observation, numbered, &arrival);
        let (tube, value, number) =
            (observation.specimen.reveal(), &observation.value_as_sent, observation.replicate);
        self.log.push(format!("{tube} {value} /{number} {sameness:?}"));
        let (message, transfer) = place;
        match sameness {
            Sameness::Duplicate(id) => again.push(Again { id, message, transfer, received_at }),
            _ => {
                let id = i64::try_from(self.stored.len() + stored.len()).unwrap() + 1;
                stored.push(Stored {
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

    fn reads_whole(&mut self, rows: &str) {
        self.reads(rows, &[(0, rows.len())]);
    }

    /// What became of the rows that were read since the last time.
    fn told(&mut self) -> String {
        std::mem::take(&mut self.log).join("; ")
    }
}

/// Every way in which the cutter cuts these rows, and a cut after every so many of them.
fn cuts(rows: &str) -> BTreeSet<Vec<(usize, usize)>> {
    let Contents::Rows(contents) = table_contents() else { panic!("rows are cut as rows") };
    let file = format!("{HEAD}{rows}");
    let longest = rows.split_inclusive('\n').map(str::len).max().unwrap_or_default();
    let at = |place: u64| usize::try_from(place).unwrap() - HEAD.len();
    let mut all = BTreeSet::new();
    for longest in longest..=rows.len() {
        let longest = u64::try_from(longest).unwrap();
        let mut cutter = Cutter::new(Contents::Rows(Rows { longest, ..contents.clone() }));
        cutter.push(file.as_bytes());
        cutter.finish();
        let parts = std::iter::from_fn(|| cutter.poll());
        all.insert(parts.map(|part| (at(part.bytes.start), at(part.bytes.end))).collect());
    }
    let lines: Vec<&str> = rows.split_inclusive('\n').collect();
    for count in 1..=lines.len() {
        let mut end = 0;
        all.insert(
            lines
                .chunks(count)
                .map(|part| {
                    let start = end;
                    end += part.concat().len();
                    (start, end)
                })
                .collect(),
        );
    }
    all
}

fn table_contents() -> Contents {
    model(Numbered::Counted).dialect.contents(None)
}

fn row() -> impl Strategy<Value = String> {
    let tube = prop::sample::select(vec!["S1", "S1", "S2", ""]);
    let test = prop::sample::select(vec!["K", "K", "NA", "X"]);
    let value = prop::sample::select(vec!["4.1", "4.1", "4.2"]);
    let when = prop::sample::select(vec!["", "2026-05-01 10:00", "2026-05-01 11:00"]);
    let number = prop::sample::select(vec!["", "1", "2"]);
    (tube, test, value, when, number)
        .prop_map(|(tube, test, value, when, number)| format!("{tube},{test},{value},{when},{number}\n"))
}

fn table() -> impl Strategy<Value = String> {
    prop::collection::vec(row(), 1..9).prop_map(|rows| rows.concat())
}

/// Reads the files, the last of them cut so.
fn log(numbered: Numbered, parts: Parts, files: &[String], cut: &[(usize, usize)]) -> Vec<String> {
    let mut shelf = Shelf::new(numbered, parts);
    let (last, before) = files.split_last().unwrap();
    for file in before {
        shelf.reads_whole(file);
        shelf.minute += 7;
    }
    shelf.reads(last, cut);
    shelf.log
}

/// Whether every cut of the last file, and of the first, gives what the uncut files give.
fn is_same(numbered: Numbered, parts: Parts, files: &[String]) -> Result<(), Vec<(usize, usize)>> {
    let last = files.last().unwrap();
    let whole = log(numbered, parts, files, &[(0, last.len())]);
    cuts(last).into_iter().try_for_each(|cut| match log(numbered, parts, files, &cut) == whole {
        true => Ok(()),
        false => Err(cut),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_table_gives_the_same_results_wherever_it_is_cut(
        before in prop::collection::vec(table(), 0..3),
        last in table(),
        told in any::<bool>(),
    ) {
        let numbered = if told { Numbered::Told } else { Numbered::Counted };
        let files = [before, vec![last]].concat();
        prop_assert_eq!(is_same(numbered, Parts::OfOneFile, &files), Ok(()));
    }

    #[test]
    fn rows_with_times_that_come_again_in_any_order_are_read_once(
        rows in prop::collection::vec(row(), 1..9).prop_map(|mut rows| {
            rows.retain(|row| row.starts_with('S') && row.contains("2026"));
            rows
        }),
        more in prop::collection::vec(row(), 0..4),
        later in 0_i64..1000,
    ) {
        let mut shelf = Shelf::new(Numbered::Counted, Parts::OfOneFile);
        shelf.reads_whole(&rows.concat());
        let first = shelf.stored.len();
        shelf.minute += later;
        let mut all = [rows.clone(), more.clone()].concat();
        all.reverse();
        shelf.reads_whole(&all.concat());
        prop_assert_eq!(shelf.again.len(), first, "{}", shelf.log.join("\n"));
    }
}

#[test]
fn parts_that_do_not_know_each_other_are_noticed() {
    let file = "S1,K,4.1,2026-05-01 10:00,\nS1,K,4.1,2026-05-01 10:00,\n".to_owned();
    assert!(is_same(Numbered::Counted, Parts::Strangers, std::slice::from_ref(&file)).is_err());
    assert_eq!(is_same(Numbered::Counted, Parts::OfOneFile, &[file]), Ok(()));
}

#[test]
fn a_file_that_comes_again_with_more_is_known_row_by_row() {
    use Numbered::{Counted, Told};
    const A: &str = "S1,K,4.1,2026-05-01 10:00,1\n";
    const B: &str = "S1,K,4.2,2026-05-01 10:00,2\n";
    const C: &str = "S1,K,4.3,2026-05-01 10:00,3\n";
    let untimed = |row: &str| row.replace("2026-05-01 10:00", "");
    for (what, numbered, first, minutes, second, expected) in [
        (
            "appended",
            Counted,
            [A, B].concat(),
            60,
            [A, B, C].concat(),
            "S1 4.1 /1 Duplicate(1); S1 4.2 /2 Duplicate(2); S1 4.3 /3 Rerun(2)",
        ),
        (
            "newest first",
            Counted,
            [B, A].concat(),
            60,
            [C, B, A].concat(),
            "S1 4.3 /1 Rerun(1); S1 4.2 /1 Duplicate(1); S1 4.1 /2 Duplicate(2)",
        ),
        (
            "one more of the same",
            Counted,
            A.to_owned(),
            60,
            [A, A].concat(),
            "S1 4.1 /1 Duplicate(1); S1 4.1 /2 New",
        ),
        (
            "one more of the same, and one less of another",
            Counted,
            [B, A].concat(),
            60,
            [A, A].concat(),
            "S1 4.1 /2 Duplicate(2); S1 4.1 /3 New",
        ),
        (
            "told replicates",
            Told,
            [A, B].concat(),
            60,
            [C, B, A].concat(),
            "S1 4.3 /3 Rerun(2); S1 4.2 /2 Duplicate(2); S1 4.1 /1 Duplicate(1)",
        ),
        (
            "a replicate that is told twice",
            Told,
            A.to_owned(),
            60,
            [A, A].concat(),
            "S1 4.1 /1 Duplicate(1); S1 4.1 /1 SaidTwice",
        ),
        (
            "without times, soon",
            Counted,
            untimed(A),
            5,
            untimed(&[A, A].concat()),
            "S1 4.1 /1 Duplicate(1); S1 4.1 /2 New",
        ),
        ("without times, late", Counted, untimed(A), 60, untimed(A), "S1 4.1 /1 PossibleDuplicate(1)"),
        (
            "without a number, soon",
            Counted,
            untimed(A).replace("S1", ""),
            5,
            untimed(A).replace("S1", ""),
            " 4.1 /1 PossibleDuplicate(1)",
        ),
    ] {
        let mut shelf = Shelf::new(numbered, Parts::OfOneFile);
        shelf.reads_whole(&first);
        shelf.told();
        shelf.minute += minutes;
        shelf.reads_whole(&second);
        assert_eq!(shelf.told(), expected, "{what}");
    }
}

#[test]
fn a_day_without_times_that_is_exported_again_and_again_is_read_once() {
    let mut shelf = Shelf::new(Numbered::Counted, Parts::OfOneFile);
    let mut day = String::new();
    for tube in 1..20 {
        day.push_str(&format!("S{tube},K,4.1,,\n"));
        shelf.reads_whole(&day);
        // Within the window since it came last, though not since it came first.
        shelf.minute += 7;
    }
    assert_eq!(shelf.stored.len(), 19);
}
