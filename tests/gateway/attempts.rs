//! The record of each attempt: what was sent, what came back, over which connection, and when. It tells attempts that
//! reached nobody from those that did.

use labsim::lims::Mode;

use super::page;
use super::support::*;

const TIME: &str = "20260102030405";

#[tokio::test(flavor = "multi_thread")]
async fn each_attempt_keeps_its_own_connection_and_answer() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    let gateway = lab.start().await;
    lims.set_mode_for(Mode::Status(503), 1);
    send(address, &glucose("EX0001", "5.40", "F", TIME)).await;
    until("the LIMS has it", || lab.count("accepted") == 1).await;
    let told = lab.text(&["trace", "EX0001", "--raw"]);
    let place = lims.url().trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let way = format!(", by way of {place}, in the clear");
    assert_eq!(told.matches(&way).count(), 2, "{told}");
    let sent: Vec<&str> = told.lines().filter(|line| line.starts_with("    sent, ")).collect();
    assert!(sent.len() == 2 && sent[0] == sent[1] && sent[0].contains("\"5.40\""), "{told}");
    let last = told.lines().rfind(|line| line.starts_with("    received, ")).unwrap();
    assert!(last.contains("accepted"), "{told}");

    let first = page::answer(lab.page, "/delivery/1?attempt=1").unwrap();
    assert!(first.contains("What came back <small>to attempt 1"), "{first}");
    let latest = page::answer(lab.page, "/delivery/1").unwrap();
    assert!(latest.contains("What came back <small>to attempt 2") && latest.contains(&place), "{latest}");
    assert!(latest.contains("/delivery/1?attempt=1"), "{latest}");

    lims.stop().await;
    send(address, &glucose("EX0002", "5.40", "F", TIME)).await;
    until("it was tried", || lab.text(&["trace", "EX0002"]).contains("not sent")).await;
    let told = lab.text(&["trace", "EX0002", "--raw"]);
    assert!(!told.contains(", by way of ") && told.contains("    received: nothing"), "{told}");
    assert!(gateway.terminate().success());
}
