//! A table that comes again, and a table that is cut anywhere: nothing is read twice, nothing is missed, and where a part
//! ends is no matter.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use labwire_drop::{Contents, Cutter, Rows};
use proptest::prelude::*;

use super::super::{Clock, Kept, Numbered, Part, PartRead, Repetition, process_part};
use super::shelf::Shelf;
use super::*;
use crate::config::profile::parse;
use crate::domain::InstrumentId;
use crate::domain::profile::EqualWithoutHour;

const HEAD: &str = "Tube,Test,Result,When,Nr\n";
const TIMES: &str = "%Y-%m-%d %H:%M";
const DAY: &str = "%Y-%m-%d";

/// A model that says which replicate a row is, or one that doesn't.
fn model(numbered: Numbered) -> Profile {
    let replicate = if numbered == Numbered::Told { "replicate = \"Nr\"" } else { "" };
    let text = format!(
        "name = \"made-up\"\nrevision = 1\nprotocol = \"table\"\nvendor = \"Nobody\"\nmodel = \"None\"\n\
         note = \"Made up for this test.\"\n[sources]\nit = \"made up\"\n\
         [tests]\nK = {{ result = \"quantity\", source = \"it\" }}\nNA = {{ result = \"quantity\", source = \"it\" }}\n\
         [table]\nformat = \"csv\"\ntimes = [\"{TIMES}\", \"{DAY}\"]\n\
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

/// The tables of one model, as they are read.
#[derive(Clone)]
struct Tables {
    reading: Arc<Reading>,
    parts: Parts,
    shelf: Shelf,
    kept: Kept,
    messages: i64,
    files: i64,
}

impl Tables {
    fn new(numbered: Numbered, parts: Parts) -> Tables {
        static READINGS: LazyLock<[Arc<Reading>; 2]> =
            LazyLock::new(|| [Numbered::Counted, Numbered::Told].map(|it| Arc::new(reading(model(it)))));
        let [counted, told] = &*READINGS;
        let reading = Arc::clone(if numbered == Numbered::Told { told } else { counted });
        Tables { reading, parts, shelf: Shelf::new(), kept: Kept::default(), messages: 0, files: 0 }
    }

    /// What a part of a file says.
    fn part(&self, rows: &str, (start, end): (usize, usize)) -> Outcome {
        let rows = rows.as_bytes().get(start..end).unwrap();
        process_part(&Part { head: HEAD.as_bytes(), rows, first_line: 2 }, &self.reading, &context())
    }

    /// Takes what the parts of a file say.
    fn takes(&mut self, parts: Vec<Outcome>) {
        self.files += 1;
        for outcome in parts {
            self.messages += 1;
            if self.parts == Parts::Strangers {
                self.files += 1;
            }
            let (instrument, not_production) = (InstrumentId::new("sim-1"), outcome.not_production);
            let (message, transfer) = (self.messages, self.files);
            let part = PartRead { instrument, transfer, message, not_production };
            let (numbered, counts) = (outcome.numbered, self.kept.take(&part));
            let counts =
                self.shelf.reads((message, transfer), outcome.observations, counts, |shelf, before, row| {
                    let is_told = numbered.contains(&row.record);
                    let numbered = if is_told { Numbered::Told } else { Numbered::Counted };
                    let clock = Clock::of(row, &[TIMES.to_owned(), DAY.to_owned()]);
                    before.take(row, numbered, (clock, &shelf.arrival(Repetition::First)))
                });
            self.kept.keep(part, counts);
        }
    }

    fn reads(&mut self, rows: &str) {
        let whole = self.part(rows, (0, rows.len()));
        self.takes(vec![whole]);
    }
}

type Cut = Vec<(usize, usize)>;

/// The ways in which the cutter cuts these rows into parts that are at most so long, for each of the lengths.
fn cuts_to(rows: &str, lengths: impl IntoIterator<Item = usize>) -> BTreeSet<Cut> {
    let Contents::Rows(contents) = table_contents() else { panic!("rows are cut as rows") };
    let file = format!("{HEAD}{rows}");
    let at = |place: u64| usize::try_from(place).unwrap() - HEAD.len();
    let cut = |longest: usize| {
        let longest = u64::try_from(longest).unwrap();
        let mut cutter = Cutter::new(Contents::Rows(Rows { longest, ..contents.clone() }));
        cutter.push(file.as_bytes());
        cutter.finish();
        let parts = std::iter::from_fn(|| cutter.poll());
        parts.map(|part| (at(part.bytes.start), at(part.bytes.end))).collect()
    };
    lengths.into_iter().map(cut).collect()
}

/// The lengths at which the cutter begins to cut otherwise: those of some rows on end.
fn lengths(rows: &str) -> BTreeSet<usize> {
    let lines: Vec<usize> = rows.split_inclusive('\n').map(str::len).collect();
    let longest = lines.iter().copied().max().unwrap_or_default();
    let runs = (0..lines.len()).flat_map(|start| {
        let ends = start + 1..=lines.len();
        ends.map(|end| lines[start..end].iter().sum()).collect::<Vec<usize>>()
    });
    runs.filter(|length| *length >= longest).collect()
}

/// Every way in which the cutter cuts these rows, and a cut after every so many of them.
fn cuts(rows: &str) -> BTreeSet<Cut> {
    let mut all = cuts_to(rows, lengths(rows));
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

#[test]
fn no_way_to_cut_is_left_out() {
    let row = |value: &str| format!("S1,K,{value},2026-05-01 10:00,\n");
    let rows = [row("4.1"), row("4"), row("4.1234567"), row(""), row("41"), row("4.123")].concat();
    let longest = rows.split_inclusive('\n').map(str::len).max().unwrap();
    assert_eq!(cuts_to(&rows, lengths(&rows)), cuts_to(&rows, longest..=rows.len()));
}

fn table_contents() -> Contents {
    model(Numbered::Counted).dialect.contents(None)
}

fn row() -> impl Strategy<Value = String> {
    let tube = prop::sample::select(vec!["S1", "S1", "S2", ""]);
    let test = prop::sample::select(vec!["K", "K", "NA", "X"]);
    let value = prop::sample::select(vec!["4.1", "4.1", "4.2"]);
    let when = prop::sample::select(vec!["", "2026-05-01", "2026-05-01 10:00", "2026-05-01 11:00"]);
    let number = prop::sample::select(vec!["", "1", "2"]);
    (tube, test, value, when, number)
        .prop_map(|(tube, test, value, when, number)| format!("{tube},{test},{value},{when},{number}\n"))
}

fn table() -> impl Strategy<Value = String> {
    prop::collection::vec(row(), 1..9).prop_map(|rows| rows.concat())
}

/// Whether every cut of the last file gives what the uncut file gives.
fn is_same(numbered: Numbered, parts: Parts, kept: &Kept, files: &[String]) -> Result<(), Cut> {
    let (last, before) = files.split_last().unwrap();
    let mut tables = Tables::new(numbered, parts);
    for file in before {
        tables.reads(file);
        tables.shelf.minute += 7;
    }
    let mut known: BTreeMap<(usize, usize), Outcome> = BTreeMap::new();
    let mut log = |cut: &[(usize, usize)]| {
        let mut tables = Tables { kept: kept.clone(), ..tables.clone() };
        let said = |at: &(usize, usize)| known.entry(*at).or_insert_with(|| tables.part(last, *at)).clone();
        let parts = cut.iter().map(said).collect();
        tables.takes(parts);
        tables.shelf.told()
    };
    let whole = log(&[(0, last.len())]);
    cuts(last).into_iter().try_for_each(|cut| if log(&cut) == whole { Ok(()) } else { Err(cut) })
}

proptest! {
    #[test]
    fn a_table_gives_the_same_results_wherever_it_is_cut(
        before in prop::collection::vec(table(), 0..3),
        last in table(),
        told in any::<bool>(),
        all_kept in any::<bool>(),
    ) {
        let numbered = if told { Numbered::Told } else { Numbered::Counted };
        let kept = if all_kept { Kept::all() } else { Kept::default() };
        let files = [before, vec![last]].concat();
        prop_assert_eq!(is_same(numbered, Parts::OfOneFile, &kept, &files), Ok(()));
    }

    #[test]
    fn rows_with_times_that_come_again_in_any_order_are_read_once(
        rows in prop::collection::vec(row(), 1..9).prop_map(|mut rows| {
            rows.retain(|row| row.starts_with('S') && row.contains(":00"));
            rows
        }),
        more in prop::collection::vec(row(), 0..4),
        later in 0_i64..1000,
    ) {
        let mut tables = Tables::new(Numbered::Counted, Parts::OfOneFile);
        tables.reads(&rows.concat());
        let first = tables.shelf.stored.len();
        tables.shelf.minute += later;
        let mut all = [rows.clone(), more.clone()].concat();
        all.reverse();
        tables.reads(&all.concat());
        prop_assert_eq!(tables.shelf.again.len(), first, "{}", tables.shelf.told());
    }
}

#[test]
fn parts_that_do_not_know_each_other_are_noticed() {
    let file = "S1,K,4.1,2026-05-01 10:00,\nS1,K,4.1,2026-05-01 10:00,\n".to_owned();
    let is_same = |parts| is_same(Numbered::Counted, parts, &Kept::default(), std::slice::from_ref(&file));
    assert!(is_same(Parts::Strangers).is_err());
    assert_eq!(is_same(Parts::OfOneFile), Ok(()));
}

/// Reads so many parts of a file, each with ten rows of one control: how many stored results were gathered for them.
fn gathered(kept: &Kept, parts: usize) -> usize {
    let mut tables = Tables { kept: kept.clone(), ..Tables::new(Numbered::Counted, Parts::OfOneFile) };
    let said = |part: usize| {
        let row = |at: usize| {
            let minute = 10 * part + at;
            format!("QC,K,4.1,2026-05-01 {:02}:{:02},\n", minute / 60, minute % 60)
        };
        let rows: String = (0..10).map(row).collect();
        tables.part(&rows, (0, rows.len()))
    };
    let said = (0..parts).map(said).collect();
    tables.takes(said);
    assert_eq!((tables.shelf.stored.len(), tables.shelf.again.len()), (10 * parts, 0));
    tables.shelf.gathered
}

#[test]
fn what_is_read_of_a_control_does_not_grow_with_the_square_of_a_file() {
    // All ten of each part, with every part behind it, until it is worth keeping.
    assert_eq!(gathered(&Kept::default(), 10), gathered(&Kept::default(), 100));
    // The negative control: where nothing is kept.
    let nothing = Kept::with_room(0);
    assert!(gathered(&nothing, 100) > 90 * gathered(&nothing, 10));
}

#[test]
fn what_is_kept_has_an_end() {
    let little = Kept::with_room(100);
    assert!(gathered(&little, 100) > 90 * gathered(&Kept::default(), 100));
}

#[test]
fn a_file_that_comes_again_with_more_is_known_row_by_row() {
    use Numbered::{Counted, Told};
    const A: &str = "S1,K,4.1,2026-05-01 10:00,1\n";
    const B: &str = "S1,K,4.2,2026-05-01 10:00,2\n";
    const C: &str = "S1,K,4.3,2026-05-01 10:00,3\n";
    let of_a_day = |row: &str| row.replace(" 10:00", "");
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
            "a told replicate without an hour",
            Told,
            [of_a_day(A), of_a_day(B)].concat(),
            60,
            [of_a_day(B), of_a_day(A)].concat(),
            "S1 4.2 /2 ToldBefore(2); S1 4.1 /1 ToldBefore(1)",
        ),
        ("without a number", Counted, A.replace("S1", ""), 5, A.replace("S1", ""), " 4.1 /2 ToldBefore(1)"),
    ] {
        let mut tables = Tables::new(numbered, Parts::OfOneFile);
        tables.reads(&first);
        tables.shelf.told();
        tables.shelf.minute += minutes;
        tables.reads(&second);
        assert_eq!(tables.shelf.told(), expected, "{what}");
    }
}

#[test]
fn what_no_hour_tells_apart_is_as_the_site_says() {
    use EqualWithoutHour::{Held, Same};
    const DAY: &str = "S1,K,4.1,2026-05-01,\n";
    const NONE: &str = "S1,K,4.1,,\n";
    for (says, row, minutes, second, third) in [
        (Held, DAY, 5, "S1 4.1 /2 ToldBefore(1)", "S1 4.1 /2 Duplicate(2)"),
        (Held, DAY, 60, "S1 4.1 /2 ToldBefore(1)", "S1 4.1 /2 Duplicate(2)"),
        (Held, NONE, 5, "S1 4.1 /2 ToldBefore(1)", "S1 4.1 /2 Duplicate(2)"),
        (Held, NONE, 60, "S1 4.1 /2 ToldBefore(1)", "S1 4.1 /2 Duplicate(2)"),
        (Same, DAY, 5, "S1 4.1 /1 Duplicate(1)", "S1 4.1 /1 Duplicate(1)"),
        (Same, DAY, 60, "S1 4.1 /1 Duplicate(1)", "S1 4.1 /1 Duplicate(1)"),
        (Same, NONE, 5, "S1 4.1 /1 Duplicate(1)", "S1 4.1 /1 Duplicate(1)"),
        (Same, NONE, 60, "S1 4.1 /2 ToldBefore(1)", "S1 4.1 /2 Duplicate(2)"),
    ] {
        let mut tables = Tables::new(Numbered::Counted, Parts::OfOneFile);
        tables.shelf.equal_without_hour = says;
        tables.reads(row);
        tables.shelf.told();
        for expected in [second, third] {
            tables.shelf.minute += minutes;
            tables.reads(row);
            assert_eq!(tables.shelf.told(), expected, "{says:?} {row:?} after {minutes} min");
        }
        // One more than any file before it told is a result whatever the site says, and that is told.
        tables.reads(&[row, row].concat());
        assert!(tables.shelf.told().ends_with(" AnotherOf(None)"), "{says:?} {row:?}");
    }
}

#[test]
fn what_is_doubted_is_doubted_once_and_again_once_a_person_has_released_it() {
    const ROW: &str = "S1,K,4.1,2026-05-01,\n";
    let mut tables = Tables::new(Numbered::Counted, Parts::OfOneFile);
    for expected in ["/1 New", "/2 ToldBefore(1)", "/2 Duplicate(2)", "/2 Duplicate(2)"] {
        tables.reads(ROW);
        assert_eq!(tables.shelf.told(), format!("S1 4.1 {expected}"));
    }
    tables.shelf.release();
    for expected in ["/3 ToldBefore(2)", "/3 Duplicate(3)"] {
        tables.reads(ROW);
        assert_eq!(tables.shelf.told(), format!("S1 4.1 {expected}"));
    }
}

#[test]
fn a_row_of_a_day_is_not_taken_for_one_that_was_moved_to_its_tube() {
    const ROW: &str = "S1,K,4.1,2026-05-01,\n";
    let mut tables = Tables::new(Numbered::Counted, Parts::OfOneFile);
    tables.shelf.equal_without_hour = EqualWithoutHour::Same;
    tables.reads(ROW);
    tables.shelf.stored[0].was_moved = true;
    tables.shelf.told();
    for expected in ["/2 ToldBefore(1)", "/2 Duplicate(2)"] {
        tables.reads(ROW);
        assert_eq!(tables.shelf.told(), format!("S1 4.1 {expected}"));
    }
}

#[test]
fn a_day_without_times_that_is_exported_again_and_again_is_read_once() {
    let mut tables = Tables::new(Numbered::Counted, Parts::OfOneFile);
    tables.shelf.equal_without_hour = EqualWithoutHour::Same;
    let mut day = String::new();
    for tube in 1..20 {
        day.push_str(&format!("S{tube},K,4.1,,\n"));
        tables.reads(&day);
        // Within the window since it came last, though not since it came first.
        tables.shelf.minute += 7;
    }
    assert_eq!(tables.shelf.stored.len(), 19);
}
