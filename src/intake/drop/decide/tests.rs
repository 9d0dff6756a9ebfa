//! Listings one after the other, and what is decided about each. A listing is words such as `day.csv:120@t1`, `@~t1` where the time is told to the minute; what is
//! decided is a line.

use jiff::Timestamp;

use super::*;
use crate::clock;
use crate::journal::FileId;

const STABLE: Proof = Proof::Stable { polls: 3 };

fn watch(proof: Proof, after: After) -> Watch {
    Watch::new(Rules {
        pattern: Glob::new("*.csv"),
        proof,
        after,
        longest: Limit { bytes: 1_000, key: "max_file_mib" },
    })
}

fn listing(text: &str) -> Vec<Listed> {
    let file = |word: &str| {
        let (name, rest) = word.split_once(':').unwrap();
        let (size, stamp) = rest.split_once('@').unwrap();
        Listed {
            name: name.to_owned(),
            size: size.parse().unwrap(),
            stamp: stamp.to_owned(),
            is_coarse: stamp.starts_with('~'),
        }
    };
    text.split_whitespace().map(file).collect()
}

fn known(text: &str, is_gone: bool) -> BTreeMap<String, Known> {
    let known = |(number, file): (i64, Listed)| {
        let Listed { name, size, stamp, .. } = file;
        let (sha256, seen_at) = (vec![0; 32], Timestamp::UNIX_EPOCH);
        let file = FileId(number);
        (name.clone(), Known { file, name, size, stamp, sha256, seen_at, is_gone, repeats: false })
    };
    (1..).zip(listing(text)).map(known).collect()
}

fn decided(watch: &mut Watch, text: &str, ledger: &BTreeMap<String, Known>) -> String {
    decided_at(watch, text, ledger, clock::monotonic())
}

/// `take day.csv + day.csv.ok, remove x.csv; other.csv waits: it is empty`
fn decided_at(watch: &mut Watch, text: &str, ledger: &BTreeMap<String, Known>, now: Instant) -> String {
    let listing = listing(text);
    let strangers: BTreeSet<String> =
        watch.strangers(&listing).into_iter().map(|it| it.name.clone()).collect();
    let ledger = ledger.iter().filter(|(name, _)| strangers.contains(*name));
    let ledger = ledger.map(|(name, known)| (name.clone(), known.clone())).collect();
    let plan = watch.plan(listing, &ledger, now);
    let steps = plan.steps.iter().map(|step| {
        let (verb, markers) = match step {
            Step::Take { markers, .. } => ("take", markers),
            Step::Recognize { markers, .. } => ("recognize", markers),
            Step::Remove { markers, .. } => ("remove", markers),
        };
        let beside: String = markers.iter().map(|marker| format!(" + {marker}")).collect();
        format!("{verb} {}{beside}", step.file().name)
    });
    let waiting = plan.waiting.iter().map(|it| {
        let stuck = if it.by_itself { "" } else { " (stuck)" };
        format!("{} waits: {}{stuck}", it.name, it.why)
    });
    let all: Vec<String> = steps.chain(waiting).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join("; ") }
}

/// Each listing and what is decided about it, by a gateway that knows these files.
fn check(proof: Proof, after: After, ledger: &BTreeMap<String, Known>, script: &[(&str, &str)]) {
    let mut watch = watch(proof, after);
    for (number, (text, expected)) in (1..).zip(script) {
        assert_eq!(&decided(&mut watch, text, ledger), expected, "listing {number}: {text}");
    }
}

fn twice(so_far: u32) -> String {
    format!("a.csv waits: it must look the same 3 times in a row; so far {so_far}")
}

#[test]
fn a_file_is_taken_when_it_looked_the_same_often_enough_and_no_sooner() {
    let nothing = BTreeMap::new();
    check(
        STABLE,
        After::Delete,
        &nothing,
        &[
            ("", "nothing"),
            ("a.csv:0@t1", "a.csv waits: it is empty"),
            ("a.csv:10@t1", &twice(1)),
            ("a.csv:10@t1", &twice(2)),
            ("a.csv:20@t1", &twice(1)),
            ("a.csv:20@t2", &twice(1)),
            ("a.csv:20@t2", &twice(2)),
            ("a.csv:20@t2", "take a.csv"),
            // Nobody said what came of it: it is taken again.
            ("a.csv:20@t2", "take a.csv"),
            ("", "nothing"),
            ("a.csv:20@t2", &twice(1)),
        ],
    );
}

#[test]
fn a_marker_vouches_for_its_file_and_goes_with_it() {
    let nothing = BTreeMap::new();
    let proof = Proof::Marker { suffix: ".ok".to_owned() };
    check(
        proof,
        After::Delete,
        &nothing,
        &[
            ("a.csv:10@t1", "a.csv waits: its marker (.ok) isn't there"),
            ("a.csv:10@t1 a.csv.ok:0@t1", "take a.csv + a.csv.ok"),
            ("a.csv:10@t1 a.ok:0@t1", "take a.csv + a.ok"),
            ("b.csv:0@t1 b.ok:0@t1 lonely.ok:0@t1", "take b.csv + b.ok"),
        ],
    );
}

#[test]
fn a_marker_that_was_left_does_not_vouch_for_the_next_file_of_that_name() {
    let ledger = known("a.csv:10@t1", false);
    let proof = Proof::Marker { suffix: ".ok".to_owned() };
    check(
        proof,
        After::Leave,
        &ledger,
        &[
            ("a.csv:10@t1 a.ok:0@t1", "nothing"),
            ("a.csv:5@t2 a.ok:0@t1", &twice(1)),
            ("a.csv:9@t2 a.ok:0@t1", &twice(1)),
            ("a.csv:9@t2 a.ok:0@t1", &twice(2)),
            ("a.csv:9@t2 a.ok:0@t1", "take a.csv + a.ok"),
        ],
    );
}

#[test]
fn a_file_is_not_looked_at_under_the_name_it_is_written_under() {
    let proof = Proof::Rename { while_writing: Glob::new("*.tmp") };
    check(
        proof,
        After::Delete,
        &BTreeMap::new(),
        &[
            ("a.csv.tmp:10@t1", "a.csv.tmp waits: it is being written, by its name"),
            ("a.csv:10@t1 b.tmp:4@t1", "take a.csv; b.tmp waits: it is being written, by its name"),
        ],
    );
}

#[test]
fn a_file_that_tells_its_own_end_is_read_once_it_rests() {
    check(
        Proof::Trailer,
        After::Delete,
        &BTreeMap::new(),
        &[
            ("a.csv:10@t1", "a.csv waits: it must look the same 2 times in a row; so far 1"),
            ("a.csv:12@t1", "a.csv waits: it must look the same 2 times in a row; so far 1"),
            ("a.csv:12@t1", "take a.csv"),
        ],
    );
    check(Proof::Lock, After::Delete, &BTreeMap::new(), &[("a.csv:10@t1", "take a.csv")]);
}

#[test]
fn what_the_ledger_knows_is_left_where_it_is_left_and_removed_where_it_is_removed() {
    let ledger = known("a.csv:10@t1", false);
    check(STABLE, After::Leave, &ledger, &[("a.csv:10@t1", "nothing"), ("a.csv:10@t1", "nothing")]);
    check(STABLE, After::Delete, &ledger, &[("a.csv:10@t1", "recognize a.csv")]);
    check(STABLE, After::Delete, &ledger, &[("a.csv:11@t1", &twice(1))]);
    let gone = known("a.csv:10@t1", true);
    check(STABLE, After::Delete, &gone, &[("a.csv:10@t1", &twice(1))]);
}

#[test]
fn a_file_that_was_left_is_watched_again_when_it_changes() {
    let ledger = known("a.csv:10@t1", false);
    check(
        STABLE,
        After::Leave,
        &ledger,
        &[
            ("a.csv:10@t1", "nothing"),
            ("a.csv:15@t2", &twice(1)),
            ("a.csv:15@t2", &twice(2)),
            ("a.csv:15@t2", "take a.csv"),
        ],
    );
}

#[test]
fn names_that_are_not_the_analyzers_are_left_alone() {
    check(
        Proof::Lock,
        After::Delete,
        &BTreeMap::new(),
        &[
            ("notes.txt:10@t1 .a.csv:10@t1 A.CSV:10@t1", "take A.CSV"),
            (
                "big.csv:1001@t1",
                "big.csv waits: it is larger than 0 MiB; raise max_file_mib if that is right (stuck)",
            ),
        ],
    );
}

#[test]
fn older_files_come_first_where_their_times_can_be_told() {
    check(
        Proof::Lock,
        After::Delete,
        &BTreeMap::new(),
        &[
            ("a.csv:1@20261121104801 b.csv:1@20261121104800", "take b.csv; take a.csv"),
            ("b.csv:1@20261121104801 a.csv:1@20261121104801", "take a.csv; take b.csv"),
            ("b.csv:1@Jan-2 a.csv:1@Nov-1", "take a.csv; take b.csv"),
        ],
    );
}

#[test]
fn what_came_of_a_file_decides_what_is_done_next() {
    let nothing = BTreeMap::new();
    let file = || listing("a.csv:10@t1").remove(0);
    let mut unfit = watch(Proof::Lock, After::Delete);
    assert_eq!(decided(&mut unfit, "a.csv:10@t1", &nothing), "take a.csv");
    unfit.unfit(file(), "half of it is missing".to_owned());
    for _ in 0..2 {
        let expected = "a.csv waits: half of it is missing (stuck)";
        assert_eq!(decided(&mut unfit, "a.csv:10@t1", &nothing), expected, "it isn't read over and over");
    }
    assert_eq!(decided(&mut unfit, "a.csv:11@t2", &nothing), "take a.csv");

    let mut changed = watch(STABLE, After::Delete);
    changed.changed(file(), "it changed".to_owned(), clock::monotonic());
    assert_eq!(decided(&mut changed, "a.csv:10@t1", &nothing), twice(1));

    let mut left = watch(Proof::Lock, After::Leave);
    left.kept_there(file(), FileReceipt::for_tests(), None);
    assert_eq!(decided(&mut left, "a.csv:10@t1", &nothing), "nothing");

    let mut locked_in = watch(Proof::Lock, After::Delete);
    locked_in.kept_there(file(), FileReceipt::for_tests(), Some("it can't be removed".to_owned()));
    assert_eq!(decided(&mut locked_in, "a.csv:10@t1", &nothing), "remove a.csv");
    locked_in.gone("a.csv");
    assert_eq!(decided(&mut locked_in, "a.csv:10@t1", &nothing), "take a.csv");
}

/// Each listing, so many seconds after the first, and what is decided about it.
fn in_time(after: After, ledger: &BTreeMap<String, Known>, script: &[(u64, &str, &str)]) {
    let (mut watch, begin) =
        (watch(Proof::Rename { while_writing: Glob::new("*.tmp") }, after), clock::monotonic());
    for (at, text, expected) in script {
        let decided = decided_at(&mut watch, text, ledger, begin + Duration::from_secs(*at));
        assert_eq!(&decided, expected, "after {at} s: {text}");
    }
}

#[test]
fn a_file_whose_time_is_told_to_the_minute_is_read_when_no_change_can_hide_in_that_minute() {
    const WAITS: &str =
        "a.csv waits: the server tells its time to the minute only, so it is read when that minute is over";
    let (old, new, nothing) = ("a.csv:10@~12:00", "a.csv:10@~12:01", BTreeMap::new());
    for after in [After::Delete, After::Move("archive".to_owned()), After::Leave] {
        in_time(after.clone(), &nothing, &[(0, "a.csv:10@12:00:07", "take a.csv")]);
        in_time(
            after,
            &nothing,
            &[
                (0, old, WAITS),
                (60, old, WAITS),
                (61, new, WAITS),
                (121, new, WAITS),
                (122, new, "take a.csv"),
            ],
        );
    }
    // It was stored, and the gateway stopped before it was removed.
    in_time(After::Delete, &known(old, false), &[(0, old, WAITS), (61, old, "recognize a.csv")]);
    in_time(After::Delete, &known(old, false), &[(0, old, WAITS), (9, new, WAITS), (70, new, "take a.csv")]);
    in_time(
        After::Leave,
        &known(old, false),
        &[(0, old, "nothing"), (9, new, WAITS), (70, new, "take a.csv")],
    );
}
