//! What a LIMS by hand sees of deliveries: the same bytes under the same key however often they come, never sooner than
//! it asked for, and never at another address.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "support/lims_by_hand.rs"]
mod lims_by_hand;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::net::SocketAddr;
use std::time::Duration;

use lims_by_hand::{Asked, LimsByHand, json};
use serde_json::Value;
use support::*;

const TIME: &str = "20260102030405";

/// Accepts every result of a delivery.
fn accept(asked: &Asked) -> String {
    let delivery: Value = serde_json::from_str(&asked.body).unwrap();
    let items: Vec<Value> = delivery["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| serde_json::json!({"id": result["id"], "outcome": "accepted"}))
        .collect();
    json("200 OK", "", &serde_json::json!({ "items": items }).to_string())
}

/// A laboratory with one Erba XL whose results go to a LIMS by hand.
async fn laboratory(by_hand: &LimsByHand) -> (Lab, SocketAddr) {
    let unused = lims().await;
    let lab = Lab::new(&unused, "");
    let site = std::fs::read_to_string(lab.path("labwire.toml")).unwrap();
    let site = site.replace(&unused.url(), &format!("http://{}/results", by_hand.address));
    std::fs::write(lab.path("labwire.toml"), site).unwrap();
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    (lab, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_repeated_byte_for_byte_under_its_key_until_it_is_taken() {
    let lims = LimsByHand::start(|asked, before| match before {
        0 => json("503 Unavailable", "", ""),
        1 => json("500 Broken", "", "{\"error\":\"x\"}"),
        2 => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"it".to_owned(),
        3 => "no HTTP at all\r\n\r\n".to_owned(),
        _ => accept(asked),
    })
    .await;
    let (lab, address) = laboratory(&lims).await;
    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "5.40", "F", TIME)).await;
    until("the second failure came", || lims.asked().len() >= 2).await;
    gateway.kill();
    let _gateway = lab.start().await;
    until("it is accepted", || lab.count("accepted") == 1).await;
    let asked = lims.asked();
    assert_eq!(asked.len(), 5, "accepted once and not sent again");
    let first = &asked[0];
    assert!(first.header("idempotency-key").is_some_and(|key| key.len() > 10), "{}", first.head);
    for again in &asked {
        assert_eq!(again.header("idempotency-key"), first.header("idempotency-key"));
        assert_eq!(again.body, first.body, "even across a kill");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_and_the_metrics_lead_from_a_message_to_its_delivery() {
    let lims = LimsByHand::start(|asked, _| accept(asked)).await;
    let (lab, address) = laboratory(&lims).await;
    let _gateway = lab.start().await;
    send(address, &glucose("EX0001", "5.40", "F", TIME)).await;
    until("it is accepted", || lab.count("accepted") == 1).await;
    let log = std::fs::read_to_string(lab.path("log")).unwrap();
    let correlated = |wanted: &str| {
        let line = log.lines().find(|line| line.contains(wanted)).unwrap_or_default();
        let id = line.split("correlation_id").nth(1).unwrap_or_default();
        let id: String =
            id.chars().skip_while(|c| !c.is_ascii_hexdigit()).take_while(char::is_ascii_hexdigit).collect();
        assert!(line.contains("erba"), "{line}");
        id
    };
    let (read, delivered) = (correlated("a message was read"), correlated("verdict"));
    assert!(read.len() == 32 && read == delivered, "{read:?} and {delivered:?}:\n{log}");
    assert!(!log.contains("EX0001"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_lims_asks_to_be_spared_it_is_spared() {
    let wait = Duration::from_secs(2);
    let lims = LimsByHand::start(move |asked, before| match before {
        0 => json("429 Slow down", &format!("Retry-After: {}\r\n", wait.as_secs()), ""),
        _ => accept(asked),
    })
    .await;
    let (lab, address) = laboratory(&lims).await;
    let _gateway = lab.start().await;
    send(address, &glucose("EX0001", "5.40", "F", TIME)).await;
    until("it was told to wait", || lims.asked().len() == 1).await;
    send(address, &glucose("EX0002", "5.40", "F", TIME)).await;
    until("both are accepted", || lab.count("accepted") == 2).await;
    let asked = lims.asked();
    // Without a wish to wait, a second delivery comes at once and a repetition within one second.
    assert!(asked.len() == 3 && asked[1].at - asked[0].at >= wait, "{:?}", asked[1].at - asked[0].at);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirection_is_not_followed() {
    let elsewhere = LimsByHand::start(|asked, _| accept(asked)).await;
    let there = format!("Location: http://{}/results\r\n", elsewhere.address);
    let lims = LimsByHand::start(move |asked, before| match before {
        0 => json("307 Temporary Redirect", &there, ""),
        1 => json("302 Found", &there, ""),
        _ => accept(asked),
    })
    .await;
    let (lab, address) = laboratory(&lims).await;
    let _gateway = lab.start().await;
    for specimen in ["EX0001", "EX0002", "EX0003"] {
        send(address, &glucose(specimen, "5.40", "F", TIME)).await;
    }
    until("the third is accepted", || lab.count("accepted") >= 1).await;
    until("the others are settled or wait for a person", || {
        lab.count("accepted") + lab.count("refused") + lab.count("quarantined") == 3
    })
    .await;
    assert_eq!(elsewhere.asked().len(), 0, "patient data went to an address that nobody configured");
}
