//! Tables in files, from a folder to the LIMS: rows that can be read arrive, the others are problems with their line, and
//! nothing else comes of a file.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "support/dropped.rs"]
mod dropped;
#[path = "support/odd_ftp.rs"]
mod odd_ftp;
#[path = "support/page.rs"]
mod page;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::fs;

use dropped::Desk;
use odd_ftp::{Conduct, OddServer};
use page::answer;
use support::until;

const MIB: usize = 1024 * 1024;

/// A made-up model; `table` and `places` say how it writes.
fn model(name: &str, table: &str, places: &str) -> String {
    format!(
        "name = \"{name}\"\nrevision = 1\nprotocol = \"table\"\nvendor = \"Acme\"\nmodel = \"{name}\"\n\
         note = \"Made up for a test.\"\n[sources]\nit = \"made up\"\n[table]\n{table}\n[places]\n{places}\n\
         [tests]\nK = {{ result = \"quantity\", unit = \"mmol/L\", source = \"it\" }}\n"
    )
}

/// A desk whose analyzer writes such tables into its folder.
async fn desk(name: &str, table: &str, places: &str) -> Desk {
    let desk = Desk::empty().await;
    fs::create_dir(desk.lab.path("profiles.d")).unwrap();
    fs::write(desk.lab.path(&format!("profiles.d/{name}.toml")), model(name, table, places)).unwrap();
    let folder = "[folder]\nfolder = \"out\"\nafter = \"delete\"\npoll_secs = 1\njitter_secs = 0\n\
                  complete = { by = \"rename\", while_writing = \"*.tmp\" }";
    desk.lab.instrument(name, name, "", folder);
    desk
}

async fn has_problems(desk: &Desk, expected: &[&str]) {
    for words in expected {
        until(words, || desk.lab.text(&["problems"]).contains(words)).await;
    }
    let problems = desk.lab.text(&["problems"]);
    assert_eq!(desk.lab.reader().open_problems(100).unwrap().len(), expected.len(), "{problems}");
}

const TSV: &str = "format = \"csv\"\ndelimiter = \"\\t\"\ncomment = \"#\"\ntimes = [\"%Y-%m-%d %H:%M\"]\n\
                   trailer = { begins = \"END\", count_at = 2 }";
const COLUMNS: &str = "specimen = \"Tube\"\ncode = \"Test\"\nvalue = \"Result\"\nunit = \"Unit\"\ncompleted = \"When\"\n\
                       [[classes]]\nat = \"Type\"\nis = \"QC\"\nclass = \"control\"\n\
                       [[classes]]\nat = \"Type\"\nis = \"P\"\nclass = \"patient\"";

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_tabs_becomes_results_and_its_odd_rows_problems() {
    let desk = desk("acme-tabs", TSV, COLUMNS).await;
    let gateway = desk.lab.start().await;
    let when = "2026-05-01 10:00";
    let rows = [
        "Tube\tTest\tResult\tUnit\tWhen\tType".to_owned(),
        "# made up".to_owned(),
        format!("T001\tK\t4.1\tmmol/L\t{when}\tP"),
        "T002\tK\t4.2\tmmol/L".to_owned(),
        format!("T003\tK\t4.3\tmmol/L\t{when}\tNEW"),
        format!("T004\t\t4.4\tmmol/L\t{when}\tP"),
        "T005\tK\t4.5\tmmol/L\t2026-05-01 10:0\tP".to_owned(),
        format!("C001\tK\t4.0\tmmol/L\t{when}\tQC"),
        "END\t6\n".to_owned(),
    ];
    desk.drop("day.tsv", &rows.join("\n"));
    has_problems(
        &desk,
        &[
            "line 4: it has 4 cells, and the header has 6",
            "line 6: it names no test: nothing stands in column 2 (Test)",
            "line 7: the time \"2026-05-01 10:0\": it isn't written as times says",
        ],
    )
    .await;
    let problems = desk.lab.text(&["problems"]);
    assert_eq!(
        problems.matches(", file day.tsv, since ").count(),
        3,
        "each line number has its file: {problems}"
    );
    let nameless = desk.lab.reader().open_problems(100).unwrap();
    let nameless = nameless.iter().filter(|it| it.specimen.is_none()).count();
    assert!(nameless > 0, "a row that is too short is nobody's");
    let told = desk.lab.text(&["trace", "T002"]);
    let expected = format!("Open problems that name no specimen: {nameless}, the oldest since ");
    assert!(told.starts_with("Nothing is known of T002.") && told.contains(&expected), "{told}");
    desk.gone("day.tsv").await;
    // The control goes to no LIMS for patients, and neither does the sample that no rule names.
    desk.accepted(2).await;
    assert_eq!((desk.received(), desk.lab.count("held")), (6, 1));
    assert!(desk.lab.text(&["held"]).contains("T003"));
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_fixed_width_becomes_results_and_rows_that_were_cut_problems() {
    let places = "specimen = \"@1-6\"\ncode = \"@7-9\"\nvalue = \"@10-15\"\nunit = \"@16-21\"";
    let desk = desk("acme-fixed", "format = \"fixed\"\nskip = 1\nencoding = \"windows-1252\"", places).await;
    let gateway = desk.lab.start().await;
    let rows = "TUBE  TS RESULTUNIT\r\n\
                000123K   12.34mmol/L\r\n\
                000124K   12.\r\n\
                000125K   12.34\r\n\
                000126K   12.345mmol/L\r\n\
                000127K    4.10mmol/L\r\n";
    desk.drop("day.txt", rows);
    has_problems(
        &desk,
        &[
            "line 3: it has 13 characters, and the columns reach to 21",
            "line 4: it has 15 characters, and the columns reach to 21",
            "line 5: text stands at position 22, where the profile has no column",
        ],
    )
    .await;
    desk.accepted(2).await;
    desk.gone("day.txt").await;
    assert_eq!(desk.received(), 5);
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_file_of_zeros_is_not_taken_until_its_bytes_are_there() {
    let desk = desk("acme-tabs", TSV, COLUMNS).await;
    let gateway = desk.lab.start().await;
    let header = "Tube\tTest\tResult\tUnit\tWhen\tType\n";
    let row = |tube: &str| format!("{tube}\tK\t4.1\tmmol/L\t2026-05-01 10:00\tP\n");
    let hole = "\0".repeat(row("T002").len() - 1) + "\n";
    desk.drop("day.tsv", &format!("{header}{}{hole}END\t2\n", row("T001")));
    desk.says("day.tsv waits: the file isn't whole: from its byte 69 on it holds zeros").await;
    assert_eq!(desk.received(), 0);
    desk.drop("day.tsv", &format!("{header}{}{}END\t2\n", row("T001"), row("T002")));
    desk.accepted(2).await;
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_how_far_a_large_file_is() {
    let server = OddServer::start(Conduct::Hangs, "day.hl7", &"A".repeat(4 * MIB), None).await;
    let desk = Desk::empty().await;
    fs::write(desk.lab.path("password"), "invented\n").unwrap();
    let keys = "after = \"delete\"\ncomplete = { by = \"rename\", while_writing = \"*.tmp\" }";
    desk.fetches(&server.table(keys).replace("timeout_secs = 1", "timeout_secs = 3600"));
    let gateway = desk.lab.start().await;
    let shows = |words: &str| answer(desk.lab.page, "/").is_some_and(|page| page.contains(words));
    until("the page says how far it is", || shows("fetching day.hl7: 2 of 4 MiB")).await;
    assert!(shows("Taking a file"));
    assert!(gateway.terminate().success());
}

/// The files grow until it was seen: how fast one is stored is the machine's affair.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_and_the_command_say_how_far_a_large_file_is_stored() {
    let places = "specimen = \"Tube\"\ncode = \"Test\"\nvalue = \"Result\"";
    let desk = desk("acme-remarks", "format = \"csv\"\ncomment = \"#\"", places).await;
    let gateway = desk.lab.start().await;
    let (mut on_page, mut by_command, mut files, mut mib) = (false, false, 0, 16);
    while !(on_page && by_command) {
        assert!(mib <= 1024, "on the page: {on_page}; by the command: {by_command}");
        let (name, words) = (format!("day{mib}.csv"), format!("storing day{mib}.csv: "));
        let remarks = format!("#{}\n", "-".repeat(1022)).repeat(mib * 1024);
        desk.drop(&name, &format!("Tube,Test,Result\nT{mib},K,4.1\n{remarks}"));
        until("a large file is taken", || {
            on_page |= answer(desk.lab.page, "/").is_some_and(|page| page.contains(&words));
            by_command |= desk.lab.text(&["status"]).contains(&words);
            !desk.out.join(&name).exists()
        })
        .await;
        (files, mib) = (files + 1, mib * 2);
    }
    desk.accepted(files).await;
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_exported_again_and_again_is_read_once_row_by_row() {
    let desk = desk("acme-tabs", TSV, COLUMNS).await;
    let gateway = desk.lab.start().await;
    let day = |rows: &[String]| {
        let header = "Tube\tTest\tResult\tUnit\tWhen\tType\n";
        format!("{header}{}END\t{}\n", rows.concat(), rows.len())
    };
    let row = |tube: &str, value: &str| format!("{tube}\tK\t{value}\tmmol/L\t2026-05-01 10:00\tP\n");
    let tubes = || (0..100).map(|number| row(&format!("T{number:03}"), "4.1"));
    // Each tube twice, with the same value at the same time, and far apart.
    let first: Vec<String> = tubes().chain(tubes()).collect();
    desk.drop("ten.tsv", &day(&first));
    desk.accepted(200).await;
    desk.gone("ten.tsv").await;
    desk.drop("eleven.tsv", &day(&[row("T000", "4.2")]));
    desk.accepted(201).await;
    desk.gone("eleven.tsv").await;
    let mut all = [first, vec![row("T000", "4.2"), row("T100", "4.1")]].concat();
    all.reverse();
    desk.drop("day.tsv", &day(&all));
    desk.gone("day.tsv").await;
    desk.accepted(202).await;
    assert_eq!((desk.received(), desk.lab.count("held")), (200 + 1 + 202, 0));
    assert_eq!(desk.lab.reader().open_problems(10).unwrap().len(), 0);
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_character_set_that_may_be_wrong_is_told_once_for_a_file() {
    let places = "specimen = \"Tube\"\ncode = \"Test\"\nvalue = \"Result\"\nunit = \"Unit\"";
    let desk = desk("acme-latin", "format = \"csv\"\nencoding = \"windows-1252\"", places).await;
    let gateway = desk.lab.start().await;
    let rows = (0..2500).map(|number| format!("T{number},K,4.1,\u{b5}mol/L\n")).collect::<String>();
    desk.drop("day.csv", &format!("Tube,Test,Result,Unit\n{rows}"));
    until("every part is read", || desk.received() == 2500).await;
    let told = "it is read as windows-1252, and what isn't ASCII in it looks like UTF-8";
    has_problems(&desk, &[told, "the unit of K is \"\u{c2}\u{b5}mol/L\""]).await;
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_can_not_be_read_is_told_of_each_row_and_once_while_its_file_grows() {
    let places =
        "specimen = \"Tube\"\ncode = \"Test\"\nvalue = \"Result\"\nunit = \"Unit\"\ncompleted = \"When\"";
    let desk = desk("acme-odd", "format = \"csv\"\ntimes = [\"%Y-%m-%d %H:%M\"]", places).await;
    let gateway = desk.lab.start().await;
    let mut file = "Tube,Test,Result,Unit,When\nT1,K,4.1,mmol/L,noon\nT2,K,4.2,mmol/L,noon\n".to_owned();
    let told = |line: u32| format!("line {line}: the time \"noon\"");
    let (two, three, five) = (told(2), told(3), told(5));
    desk.drop("one.csv", &file);
    has_problems(&desk, &[&two, &three]).await;
    file.push_str("T3,K,4.3,mmol/L,2026-05-01 10:00\n");
    desk.drop("two.csv", &file);
    desk.accepted(3).await;
    has_problems(&desk, &[&two, &three]).await;
    file.push_str("T4,K,4.4,mmol/L,noon\n");
    desk.drop("three.csv", &file);
    desk.accepted(4).await;
    has_problems(&desk, &[&two, &three, &five]).await;
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_without_a_time_that_comes_again_is_held_or_known_as_the_site_says() {
    let places = "specimen = \"Tube\"\ncode = \"Test\"\nvalue = \"Result\"";
    let desk = desk("acme-plain", "format = \"csv\"", places).await;
    let path = desk.lab.path("instruments.d/acme-plain.toml");
    let gateway = desk.lab.start().await;
    desk.drop("one.csv", "Tube,Test,Result\nT001,K,4.1\n");
    desk.accepted(1).await;
    for (name, rows) in [("two.csv", "T001,K,4.1\n\n"), ("three.csv", "T001,K,4.1\nT002,K,4.2\n")] {
        desk.drop(name, &format!("Tube,Test,Result\n{rows}"));
        desk.gone(name).await;
        until("it waits, once", || desk.lab.count("held") == 1).await;
    }
    desk.accepted(2).await;
    // What is newer of that test doesn't overtake it, and says so.
    desk.drop("other.csv", "Tube,Test,Result\nT001,K,9.9\n");
    desk.gone("other.csv").await;
    until("it waits behind", || desk.lab.text(&["held"]).contains("; a newer result waits behind it")).await;
    let trace = desk.lab.text(&["trace", "T001"]);
    assert!(trace.contains("is pending at lims behind observation 2, which is held"), "{trace}");
    assert!(gateway.terminate().success());
    let settings = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("equal_without_hour = \"same\"\n{settings}")).unwrap();
    let gateway = desk.lab.start().await;
    desk.drop("four.csv", "Tube,Test,Result\nT001,K,4.1\nT002,K,4.2\nT003,K,4.3\n");
    desk.accepted(3).await;
    desk.gone("four.csv").await;
    assert_eq!((desk.received(), desk.lab.count("held")), (1 + 1 + 2 + 1 + 3, 1));
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_rows_without_an_hour_all_leave_and_a_person_is_told_of_the_patients() {
    let places = "specimen = \"Tube\"\ncode = \"Test\"\nvalue = \"Result\"\nunit = \"Unit\"\n\
                  [[classes]]\nat = \"Type\"\nis = \"QC\"\nclass = \"control\"\n\
                  [[classes]]\nat = \"Type\"\nis = \"*\"\nclass = \"patient\"";
    let desk = desk("acme-plain", "format = \"csv\"", places).await;
    let gateway = desk.lab.start().await;
    let rows = ["T001", "T002", "T001"].map(|tube| format!("{tube},K,4.1,mmol/L,P\n"));
    let control = "C001,K,4.1,mmol/L,QC\n";
    desk.drop("day.csv", &format!("Tube,Test,Result,Unit,Type\n{}{control}{control}", rows.concat()));
    desk.accepted(3).await;
    has_problems(&desk, &["its file says the same twice and no time tells which is which"]).await;
    assert_eq!((desk.received(), desk.lab.count("held")), (5, 0));
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

fn move_to(desk: &Desk, id: &str, tube: &str) {
    let said = ["--by", "Anna Example", "--reason", "the rack was loaded twice"];
    let told = desk.lab.text(&[&["reassign", id, "--to", tube][..], &said].concat());
    assert!(told.starts_with(&format!("Moved to {tube}: 1.")), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_was_moved_to_another_tube_stays_there_when_its_file_comes_again() {
    let places = "specimen = \"Tube\"\ncode = \"Test\"\nvalue = \"Result\"\ncompleted = \"When\"";
    let desk = desk("acme-moved", "format = \"csv\"\ntimes = [\"%Y-%m-%d %H:%M\"]", places).await;
    let gateway = desk.lab.start().await;
    let file = |rows: &[&str]| format!("Tube,Test,Result,When\n{}", rows.concat());
    let (wrong, other) = ("T001,K,4.1,2026-05-01 10:00\n", "T002,K,4.2,2026-05-01 10:01\n");
    desk.drop("ten.csv", &file(&[wrong, other]));
    desk.accepted(2).await;
    desk.gone("ten.csv").await;
    move_to(&desk, "1", "T003");
    desk.accepted(3).await;
    until("the LIMS knows that it is void where it was", || {
        desk.lab.text(&["trace", "T001"]).contains("was told that it is void under this number")
    })
    .await;
    let more = "T004,K,4.4,2026-05-01 10:04\n";
    for (name, rows) in [
        ("whole.csv", &[wrong, other, more][..]),
        ("other way round.csv", &[more, other, wrong]),
        // Somebody has mended the number on the analyzer, too: at this time there was one measurement.
        ("mended.csv", &["T003,K,4.1,2026-05-01 10:00\n", other, more]),
    ] {
        desk.drop(name, &file(rows));
        desk.gone(name).await;
        desk.accepted(4).await;
    }
    until("every row is read", || desk.received() == 2 + 3 * 3).await;
    desk.accepted(4).await;
    assert_eq!(desk.lab.count("held"), 0);
    // Another measurement under the number that was misread once is that tube's own.
    desk.drop("again.csv", &file(&[wrong, "T001,K,5.1,2026-05-01 11:00\n"]));
    desk.gone("again.csv").await;
    desk.accepted(5).await;
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
    assert_eq!(desk.lab.reader().deep_imbalances().unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_without_an_hour_is_not_taken_for_the_one_that_was_moved_to_its_tube() {
    let places = "specimen = \"Tube\"\ncode = \"Test\"\nvalue = \"Result\"\ncompleted = \"When\"";
    let table = "format = \"csv\"\ncomment = \"#\"\ntimes = [\"%Y-%m-%d\"]";
    let desk = desk("acme-bare", table, places).await;
    let path = desk.lab.path("instruments.d/acme-bare.toml");
    let settings = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("equal_without_hour = \"same\"\n{settings}")).unwrap();
    let gateway = desk.lab.start().await;
    for (at, when) in [(0, ""), (1, "2026-05-01")] {
        let (wrong, right) = (format!("W{at},K,4.1,{when}\n"), format!("R{at},K,4.1,{when}\n"));
        desk.drop(&format!("one{at}.csv"), &format!("Tube,Test,Result,When\n{wrong}"));
        desk.accepted(2 * at + 1).await;
        desk.gone(&format!("one{at}.csv")).await;
        let trace = desk.lab.text(&["trace", &format!("W{at}")]);
        let id = trace.split("read as observation ").nth(1).unwrap();
        move_to(&desk, id.split(|c: char| !c.is_ascii_digit()).next().unwrap(), &format!("R{at}"));
        desk.accepted(2 * at + 2).await;
        for name in [format!("two{at}.csv"), format!("three{at}.csv")] {
            desk.drop(&name, &format!("Tube,Test,Result,When\n{wrong}{right}# {name}\n"));
            desk.gone(&name).await;
            until("a person decides about the other tube's", || desk.lab.count("held") == at + 1).await;
        }
        desk.accepted(2 * at + 2).await;
    }
    assert!(desk.lab.text(&["held"]).contains("another file told an equal result"));
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}
