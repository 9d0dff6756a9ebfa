//! Files in a folder: what becomes of them, of their results, and of files that aren't what they should be.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "support/dropped.rs"]
mod dropped;
#[path = "support/page.rs"]
mod page;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::fs::{self, OpenOptions};
use std::io::Write;

use dropped::{Desk, day, message};
use page::answer;
use support::until;

const RENAMED: &str = "complete = { by = \"rename\", while_writing = \"*.tmp\" }";

fn deleted() -> String {
    format!("after = \"delete\"\n{RENAMED}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_becomes_results_in_the_lims_and_is_deleted() {
    let desk = Desk::folder(&deleted()).await;
    let gateway = desk.lab.start().await;
    desk.drop("day.hl7", &day("A", 3));
    desk.accepted(3).await;
    desk.gone("day.hl7").await;
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
    assert_eq!(desk.lab.reader().audit_break().unwrap(), None);
    assert_eq!(desk.lab.reader().deep_imbalances().unwrap(), Vec::<String>::new());
    assert!(!desk.lab.path("labwire.spool/cobas").exists(), "nothing is left on its way");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_day_that_comes_again_is_known_under_any_name_and_not_read() {
    let desk = Desk::folder(&deleted()).await;
    let gateway = desk.lab.start().await;
    desk.drop("day.hl7", &day("A", 5));
    desk.accepted(5).await;
    desk.gone("day.hl7").await;
    for name in ["day.hl7", "day (1).hl7"] {
        desk.drop(name, &day("A", 5));
        desk.gone(name).await;
    }
    assert_eq!(desk.received(), 5, "nothing was read of what is known");
    // Other content under the old name is another file: what it repeats is known result by result.
    desk.drop("day.hl7", &(day("A", 5) + &message("B1", "1.50")));
    desk.gone("day.hl7").await;
    desk.accepted(6).await;
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_results_without_an_hour_are_as_many_as_a_file_says_and_those_of_other_files_are_held_once() {
    let desk = Desk::folder(&deleted()).await;
    let gateway = desk.lab.start().await;
    let of_a_day = |specimen: &str| message(specimen, "1.40").replace("20260501115500", "20260501");
    let twice = of_a_day("A1") + &of_a_day("A1");
    desk.drop("one.hl7", &twice);
    desk.accepted(2).await;
    desk.gone("one.hl7").await;
    until("that is told", || desk.lab.text(&["problems"]).contains("its file says the same twice")).await;
    // As they were sent: whenever that is, nobody measured again.
    desk.drop("two.hl7", &(twice + &of_a_day("B1")));
    desk.accepted(3).await;
    desk.gone("two.hl7").await;
    until("every message is read", || desk.received() == 2 + 3).await;
    assert_eq!(desk.lab.count("held"), 0);
    // Sent anew: another measurement, or the same again.
    let anew = |hour: &str| of_a_day("B1").replace("20260501120000", &format!("20260501{hour}0000"));
    for (name, hour, received) in [("three.hl7", "13", 6), ("four.hl7", "14", 7)] {
        desk.drop(name, &anew(hour));
        desk.gone(name).await;
        until("it is read", || desk.received() == received).await;
        assert_eq!(desk.lab.count("held"), 1);
    }
    desk.accepted(3).await;
    let held = desk.lab.text(&["held"]);
    assert!(held.contains("equal_without_hour in the instrument's file says what such a one is"), "{held}");
    let waits = held.split_whitespace().find(|word| word.parse::<u32>().is_ok()).unwrap().to_owned();
    // The same, a person says: then it is known.
    desk.lab.text(&["reject", &waits, "--reason", "exported again"]);
    desk.drop("five.hl7", &anew("15"));
    desk.gone("five.hl7").await;
    until("it is read", || desk.received() == 8).await;
    assert_eq!(desk.lab.count("held"), 0);
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_site_says_so_an_equal_result_of_the_day_is_the_same() {
    let desk = Desk::folder(&deleted()).await;
    let path = desk.lab.path("instruments.d/cobas.toml");
    let settings = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("equal_without_hour = \"same\"\n{settings}")).unwrap();
    let gateway = desk.lab.start().await;
    let of_a_day = |specimen: &str| message(specimen, "1.40").replace("20260501115500", "20260501");
    desk.drop("one.hl7", &of_a_day("A1"));
    desk.accepted(1).await;
    let anew = (of_a_day("A1") + &of_a_day("A1")).replace("20260501120000", "20260501130000");
    desk.drop("two.hl7", &anew);
    // The file says that there are two.
    desk.accepted(2).await;
    desk.gone("two.hl7").await;
    assert_eq!((desk.received(), desk.lab.count("held")), (3, 0));
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_read_again_newest_first_lose_no_equal_result() {
    let desk = Desk::folder(&deleted()).await;
    let path = desk.lab.path("instruments.d/cobas.toml");
    let unknown = |specimen: &str, time: &str| {
        message(specimen, "1.40").replace("20260501115500", time).replace("10020", "99001")
    };
    let gateway = desk.lab.start().await;
    let file = [("A1", "20260501"), ("A1", "20260501"), ("A1", "20260501"), ("B1", ""), ("B1", "")];
    desk.drop("day.hl7", &file.map(|(specimen, time)| unknown(specimen, time)).concat());
    desk.gone("day.hl7").await;
    until("the code is unknown", || desk.received() == 5).await;
    assert!(gateway.terminate().success());
    let settings = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{settings}\n[codes.99001]\nresult = \"quantity\"\n")).unwrap();
    let gateway = desk.lab.start().await;
    for message in ["5", "4", "3", "2", "1"] {
        desk.lab.text(&["reread", message, "--reason", "the code is known now"]);
        until("it is read", || desk.lab.count("pending") == 0).await;
    }
    desk.accepted(5).await;
    assert_eq!(desk.lab.count("held"), 0);
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_before_the_first_message_of_a_file_is_a_problem_and_costs_no_message() {
    let desk = Desk::folder(&deleted()).await;
    let gateway = desk.lab.start().await;
    desk.drop("junk.hl7", &format!("export of 2026-05-01\rPID|1||P0815\r{}", day("A", 2)));
    desk.accepted(2).await;
    desk.gone("junk.hl7").await;
    until("it is told", || {
        desk.lab.text(&["problems"]).contains("from line 1 of the file on: the first segment is neither MSH")
    })
    .await;
    assert_eq!(desk.lab.reader().open_problems(10).unwrap().len(), 1);
    let framed = format!("\x0B{}\x1C\r\x0B{}\x1C\r", message("B1", "1.40"), message("B2", "1.50"));
    desk.drop("framed.hl7", &framed);
    desk.accepted(4).await;
    desk.gone("framed.hl7").await;
    assert_eq!(desk.lab.reader().open_problems(10).unwrap().len(), 1);
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_left_is_read_once_also_after_a_restart() {
    let desk = Desk::folder(&format!("after = \"leave\"\n{RENAMED}")).await;
    let gateway = desk.lab.start().await;
    desk.drop("day.hl7", &day("A", 2));
    desk.accepted(2).await;
    desk.two_looks().await;
    gateway.kill();
    let gateway = desk.lab.start().await;
    desk.two_looks().await;
    assert_eq!((desk.received(), desk.names()), (2, vec!["day.hl7".to_owned()]));
    desk.drop("day.hl7", &day("A", 3));
    desk.accepted(3).await;
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_moved_and_never_over_another() {
    let desk = Desk::folder(&format!("after = \"move\"\nmove_to = \"archive\"\n{RENAMED}")).await;
    let gateway = desk.lab.start().await;
    for (number, day) in [day("A", 1), day("B", 1)].iter().enumerate() {
        desk.drop("day.hl7", day);
        desk.gone("day.hl7").await;
        desk.accepted(i64::try_from(number).unwrap() + 1).await;
    }
    let archive = desk.out.join("archive");
    assert_eq!(fs::read_to_string(archive.join("day.hl7")).unwrap(), day("A", 1));
    assert_eq!(fs::read_to_string(archive.join("day.hl7.2")).unwrap(), day("B", 1));
    assert!(gateway.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_grows_is_taken_when_it_rests_and_again_when_it_goes_on() {
    let desk = Desk::folder("after = \"leave\"\ncomplete = { by = \"stable\", polls = 2 }").await;
    let gateway = desk.lab.start().await;
    let mut file = OpenOptions::new().create(true).append(true).open(desk.out.join("day.hl7")).unwrap();
    // It ends in the middle of a segment: at rest it is read, and isn't whole.
    let (first, second) = (message("A1", "1.41"), message("A2", "1.42"));
    file.write_all(b"FHS|^~\\&|cobas pro\rBHS|^~\\&|cobas pro\r").unwrap();
    file.write_all(first.as_bytes()).unwrap();
    desk.says("day.hl7 waits: the file isn't whole").await;
    let shown = answer(desk.lab.page, "/").unwrap();
    assert!(shown.contains("A file waits for a person"), "{shown}");
    assert_eq!(desk.received(), 0);
    file.write_all(second.as_bytes()).unwrap();
    file.write_all(b"BTS|2\rFTS|1\r").unwrap();
    desk.accepted(2).await;
    let shown = answer(desk.lab.page, "/message/2").unwrap();
    assert!(shown.contains("part 2 of day.hl7, from its line "), "{shown}");
    assert!(shown.contains("A2") && !shown.contains("A1"), "another patient's results are shown: {shown}");
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marker_releases_its_file_and_goes_with_it() {
    let desk = Desk::folder("after = \"delete\"\ncomplete = { by = \"marker\", suffix = \".ok\" }").await;
    let gateway = desk.lab.start().await;
    desk.drop("day.hl7", &day("A", 1));
    desk.says("day.hl7 waits: its marker (.ok) isn't there").await;
    fs::write(desk.out.join("day.hl7.ok"), "").unwrap();
    desk.accepted(1).await;
    until("both are removed", || desk.names().is_empty()).await;
    assert!(gateway.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_another_program_has_locked_waits() {
    let desk = Desk::folder("after = \"delete\"\ncomplete = { by = \"lock\" }").await;
    let path = desk.out.join("day.hl7");
    fs::write(&path, day("A", 1)).unwrap();
    let held = OpenOptions::new().write(true).open(&path).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let gateway = desk.lab.start().await;
    desk.says("another program holds a lock on it").await;
    drop(held);
    desk.accepted(1).await;
    desk.gone("day.hl7").await;
    assert!(gateway.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_missing_is_said_and_found_when_it_comes() {
    let desk = Desk::folder(&deleted()).await;
    fs::remove_dir(&desk.out).unwrap();
    let gateway = desk.lab.start().await;
    desk.says("down: the folder doesn't exist; make it, or mount what it is on").await;
    fs::create_dir(&desk.out).unwrap();
    desk.drop("day.hl7", &day("A", 1));
    desk.accepted(1).await;
    assert!(gateway.terminate().success());
}
