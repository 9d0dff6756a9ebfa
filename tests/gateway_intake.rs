//! Whose result it is, in which characters it came, and who let it go: what must be right in the LIMS besides the value.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "gateway/oracle.rs"]
mod oracle;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use labsim::analyzer::{Analyzer, Options, Timing};
use labsim::frame::{self, ACK, ENQ, FrameEnd, Part};
use labsim::generate::{Generator, Style};
use labsim::lims::Mode;
use labsim::serial::pty_at;
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const TIME: &str = "20260102030405";

#[tokio::test(flavor = "multi_thread")]
async fn instruments_behind_one_listener_are_told_apart_even_on_one_connection() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("dxh", "beckman-dxh", "sender = \"DxH\"", &listener(address));
    lab.instrument("centaur", "siemens-centaur-xp", "sender = \"UIW_LIS\"", &listener(address));
    let _gateway = lab.start().await;
    let mut both = analyzer(address).await;
    let mut sent = Vec::new();
    for style in [Style::UnicelDxh, Style::CentaurXp] {
        let message = Generator::new(style, 7).with_odd(0.0).message();
        assert!(both.transfer(std::slice::from_ref(&message)).await.is_complete());
        sent.push((if style == Style::UnicelDxh { "dxh" } else { "centaur" }, message));
    }
    let all: Vec<_> = sent.iter().flat_map(|(_, message)| message.results.clone()).collect();
    let expected = i64::try_from(all.len()).unwrap();
    until("all are accepted", || lab.count("accepted") == expected).await;
    let ledger = lims.ledger();
    assert_eq!(oracle::faults(&all, &ledger), Vec::<String>::new());
    for (instrument, message) in sent {
        let of: Vec<_> =
            ledger.held().iter().filter(|held| held.specimen_as_sent == message.specimen).collect();
        assert_eq!(of.len(), message.results.len());
        assert!(of.iter().all(|held| held.instrument == instrument), "{of:?}");
    }
}

/// One result with these bytes as its unit.
fn with_unit(specimen: &str, unit: &[u8]) -> Vec<u8> {
    let text = glucose(specimen, "5.40", "F", TIME);
    let (before, after) = text.split_once("mg/dl").unwrap();
    [before.as_bytes(), unit, after.as_bytes()].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn characters_arrive_as_the_analyzer_means_them() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let (western, modern) = (free_port(), free_port());
    lab.instrument("western", "erba-xl", "character_set = \"latin-1\"", &listener(western));
    lab.instrument("modern", "erba-xl", "character_set = \"utf-8\"", &listener(modern));
    let _gateway = lab.start().await;
    for (address, message) in
        [(western, with_unit("EX0001", b"\xb5mol/l")), (modern, with_unit("EX0002", "µmol/l".as_bytes()))]
    {
        assert!(analyzer(address).await.transfer(&[message]).await.is_complete());
    }
    until("both are accepted", || lab.count("accepted") == 2).await;
    let ledger = lims.ledger();
    let units: Vec<&str> = ledger.held().iter().map(|held| held.unit.as_str()).collect();
    assert_eq!(units, ["µmol/l", "µmol/l"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_characters_lose_no_result() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("modern", "erba-xl", "character_set = \"utf-8\"", &listener(address));
    let _gateway = lab.start().await;
    let message = with_unit("EX0001", b"\xb5mol/l");
    assert!(analyzer(address).await.transfer(&[message]).await.is_complete());
    until("it is delivered or waits where a person sees it", || {
        let waiting = lab.reader().waiting().unwrap();
        waiting.unread == 0 && lab.count("accepted") + waiting.held + waiting.open_problems > 0
    })
    .await;
    let held = lims.ledger().held().to_vec();
    assert!(held.iter().all(|held| held.value == "5.40" && held.unit != "mol/l"), "altered: {held:?}");
    let sums = lab.reader().sums().unwrap();
    assert_eq!((sums.intake.received, sums.imbalances()), (1, Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_released_a_result_stands_in_its_way() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    let _gateway = lab.start().await;
    send(address, &glucose("EX0011", "5.1", "W", TIME)).await;
    until("it is held", || lab.count("held") == 1).await;
    let id = lab.text(&["held"]).split_whitespace().next().unwrap().to_owned();
    assert!(lab.run(&["release", &id, "--reason", "known from the worklist"]).status.success());
    until("it is accepted", || lab.count("accepted") == 1).await;
    let way = lab.text(&["trace", "EX0011"]);
    let user = std::process::Command::new("id").arg("--user").arg("--name").output().unwrap();
    let user = String::from_utf8(user.stdout).unwrap();
    assert!(way.contains(&format!("released by {}", user.trim())), "{way}");
    assert_eq!(lab.reader().audit_break().unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_while_the_lims_is_away_for_long_comes_in_its_order_afterwards() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    lims.set_mode(Mode::Status(503));
    let gateway = lab.start().await;
    for value in 1..=20 {
        send(address, &glucose("EX0001", &format!("{value}.0"), "C", TIME)).await;
    }
    gateway.kill();
    let _gateway = lab.start().await;
    lims.set_mode(Mode::Accept);
    until("the last is there", || lims.ledger().held().last().is_some_and(|held| held.value == "20.0")).await;
    let ledger = lims.ledger();
    let versions: Vec<u64> = ledger.held().iter().map(|held| held.version).collect();
    assert!(versions.is_sorted(), "{versions:?}");
    assert_eq!(oracle::faults(&[], &ledger), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cable_pulled_in_the_middle_of_a_frame_costs_nothing_once_the_message_comes_again() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let device = lab.path("by-id");
    lab.instrument("erba", "erba-xl", "", &format!("[serial]\ndevice = \"{}\"\n", device.display()));
    let mut end = pty_at(&device).unwrap();
    let _gateway = lab.start().await;
    let message = glucose("EX0001", "5.40", "F", TIME);
    let (first, rest) = message.split_at(message.find("O|").unwrap());
    until("the port is open", || lab.text(&["status"]).contains(": connected")).await;
    end.write_all(&[ENQ]).await.unwrap();
    assert_eq!(end.read_u8().await.unwrap(), ACK);
    let part = Part { text: first.into(), end: FrameEnd::Etb, ends_message: false };
    end.write_all(&frame::emit(1, &part)).await.unwrap();
    assert_eq!(end.read_u8().await.unwrap(), ACK);
    end.write_all(b"\x022").await.unwrap();
    end.write_all(&rest.as_bytes()[..rest.len() / 2]).await.unwrap();
    drop(end);
    until("it shows as down", || lab.text(&["status"]).contains("down:")).await;

    let options = Options { timing: Timing::default().hurried(10), ..Options::default() };
    let mut analyzer = Analyzer::new(pty_at(&device).unwrap(), options);
    until("it is open again", || lab.text(&["status"]).contains(": connected")).await;
    assert!(analyzer.transfer(&[&message]).await.is_complete());
    until("it is accepted", || lab.count("accepted") == 1).await;
    assert!(lab.text(&["problems"]).contains("incomplete-transmission"), "what was cut is shown");
    let sums = lab.reader().sums().unwrap();
    assert_eq!((lims.ledger().held().len(), sums.intake.received), (1, 1));
}
