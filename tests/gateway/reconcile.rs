//! `labwire reconcile` and the report in the log: what a script reads from the exit code, with and without a gateway.

use std::fs;

use labsim::lims::Mode;

use super::support::*;

const TIME: &str = "20260102030405";

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_tells_a_clear_day_from_an_open_one_and_from_one_that_does_not_balance() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "5.40", "F", TIME)).await;
    until("the LIMS has it", || lab.count("accepted") == 1).await;
    let run = |arguments: &[&str]| {
        let output = lab.run(&[&["reconcile"], arguments].concat());
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, told) = run(&[]);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("        1  from erba in 1 messages = 1 new + 0 repeated + 0 problems"), "{told}");
    assert!(told.contains("        1  = accepted") && told.contains("        0  difference"), "{told}");
    assert!(told.ends_with("The sums balance; nothing is open.\n"), "{told}");
    assert_eq!(run(&["--day", "2024-02-29"]).0, 0, "a day without results is clear");

    lims.set_mode(Mode::Refuse(vec!["GLCC".to_owned()]));
    send(address, &glucose("EX0002", "5.40", "F", TIME)).await;
    until("it is refused", || lab.count("refused") == 1).await;
    let (code, told) = run(&["--destination", "lims"]);
    assert_eq!(code, 2, "{told}");
    assert!(
        told.contains("refused by the LIMS result 2 EX0002 GLCC from erba at lims delivery 2 message 2"),
        "{told}"
    );
    let (code, told) = run(&["--destination", "nobody"]);
    assert!(code == 1 && told.contains("no destination nobody"), "{told}");
    assert_eq!(run(&["--day", "tomorrow"]).0, 64);
    let (code, json) = run(&["--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &json["open"]["refused"]), (2, &1.into()));

    assert!(gateway.terminate().success());
    assert_eq!(run(&["--format", "csv"]).0, 2, "it needs no gateway");
    let journal = rusqlite::Connection::open(lab.path("labwire.db")).unwrap();
    journal.execute_batch("DROP TRIGGER ledger_stays; DELETE FROM ledger WHERE observation = 1").unwrap();
    let (code, told) = run(&[]);
    assert_eq!(code, 1, "{told}");
    assert!(
        told.contains(
            "THE SUMS DO NOT BALANCE: message 1: 1 results are owed to lims, and 0 are in its ledger"
        ),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_was_missed_is_written_at_the_start_and_its_first_lines_are_logged() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "5.40", "F", TIME)).await;
    until("the LIMS has it", || lab.count("accepted") == 1).await;
    lims.set_mode(Mode::Refuse(vec!["GLCC".to_owned()]));
    send(address, &glucose("EX0002", "5.50", "F", TIME)).await;
    until("it is refused", || lab.count("refused") == 1).await;
    assert!(gateway.terminate().success());
    // What came today came three days ago.
    let journal = rusqlite::Connection::open(lab.path("labwire.db")).unwrap();
    journal
        .execute_batch(
            "UPDATE journal SET created_at = created_at - 3 * 86400000000;
             UPDATE message SET received_at = received_at - 3 * 86400000000",
        )
        .unwrap();
    let received: i64 =
        journal.query_row("SELECT max(received_at) FROM message", [], |row| row.get(0)).unwrap();
    drop(journal);
    let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
    let site = site.replace("[log]", "[reconciliation]\nfolder = \"reports\"\nat = \"00:00\"\n[log]");
    fs::write(lab.path("labwire.toml"), site).unwrap();
    let gateway = lab.start().await;
    let log = || fs::read_to_string(lab.path("log")).unwrap();
    until("the missing folder is told", || log().contains("the folder doesn't exist; make it")).await;
    let page = || super::page::answer(lab.page, "/").unwrap();
    until("the page tells it too", || page().contains("report has not been written since")).await;
    assert!(gateway.terminate().success());
    fs::create_dir(lab.path("reports")).unwrap();
    let gateway = lab.start().await;
    until("the reports are there", || fs::read_dir(lab.path("reports")).unwrap().count() >= 6).await;
    let told = "the sums balance; 1 line to sign off: 1 refused by the LIMS; received 2 = 2 new + 0 repeated + 0 problems; lims: owed 2 = 1 \
                accepted + 1 refused";
    until("its first lines are logged", || log().contains(told)).await;
    assert!(!log().contains("EX000"), "and no specimen is");
    let day =
        jiff::Timestamp::from_microsecond(received).unwrap().to_zoned(jiff::tz::TimeZone::system()).date();
    let report = fs::read_to_string(lab.path(&format!("reports/reconciliation-{day}.json"))).unwrap();
    assert!(report.contains("EX0002") && report.contains("unknown test code"), "{report}");
    assert!(gateway.terminate().success());
}
