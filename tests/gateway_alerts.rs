//! Who isn't looking at the page is told once that something has begun and once that it is over, over a refusal and a kill, and
//! hears regularly that labwire lives.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "support/lims_by_hand.rs"]
mod lims_by_hand;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use lims_by_hand::{Asked, LimsByHand, json};
use serde_json::Value;
use support::*;

fn alerts(receiver: &LimsByHand) -> Vec<Asked> {
    receiver.asked().into_iter().filter(|it| it.head.starts_with("POST ")).collect()
}

fn beats(receiver: &LimsByHand) -> usize {
    receiver.asked().iter().filter(|it| it.head.starts_with("GET /beat")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_down_is_told_once_and_its_end_after_a_kill() {
    let receiver = LimsByHand::start(|_, before| match before {
        0 | 1 => json("503 Service Unavailable", "", "{}"),
        _ => json("200 OK", "", "{}"),
    })
    .await;
    let lims = lims().await;
    let address = receiver.address;
    let lab = Lab::new(
        &lims,
        &format!(
            "[alerts.webhook]\nurl = \"http://{address}/alert\"\nafter_secs = 0\n\
             [alerts.heartbeat]\nurl = \"http://{address}/beat\"\n"
        ),
    );
    lab.instrument("gone", "erba-xl", "", "[serial]\ndevice = \"/dev/none\"\nbaud = 9600\n");
    let told = lab.path("labwire.alerts");
    let remembers = |what: &str| std::fs::read_to_string(&told).is_ok_and(|text| text.contains(what));

    let gateway = lab.start().await;
    until("its begin was taken", || remembers("link-down")).await;
    gateway.kill();
    let began = alerts(&receiver);

    std::fs::remove_file(lab.path("instruments.d/gone.toml")).unwrap();
    let gateway = lab.start().await;
    until("its end was taken", || !remembers("link-down")).await;
    assert!(gateway.terminate().success());

    let all: Vec<Value> =
        alerts(&receiver).iter().map(|it| serde_json::from_str(&it.body).unwrap()).collect();
    let text = |it: &Value, name: &str| it.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let states: Vec<String> = all.iter().map(|it| text(it, "state")).collect();
    let (last, begins) = states.split_last().unwrap();
    assert_eq!(last, "over");
    assert!((1..=3).contains(&begins.len()) && begins.iter().all(|it| it == "begun"), "{states:?}");
    for (asked, body) in began.iter().zip(&all) {
        assert_eq!(asked.header("idempotency-key").unwrap(), format!("\"{}\"", text(body, "id")));
        assert_eq!(text(body, "id"), text(all.first().unwrap(), "id"), "sent again under its number");
        assert_eq!((text(body, "alert"), text(body, "about")), ("link-down".to_owned(), "gone".to_owned()));
    }
    assert!(beats(&receiver) >= 2, "one at each start");
}
