//! The promise that makes labsim an oracle: whatever the faults, what an analyzer reports as acknowledged was
//! stored by a careful host; and a host that acknowledges without storing is found out.

#![expect(clippy::unwrap_used, reason = "a test that can't go on must fail")]

mod host;

use std::sync::Arc;

use host::{Honesty, Store};
use labsim::analyzer::{Analyzer, Options};
use labsim::faults::Faults;
use labsim::generate::{Generated, Generator, Style};

/// Sends some messages over a bad line until each is acknowledged or tried often; those acknowledged.
async fn acknowledged(seed: u64, style: Style, store: &Store, honesty: Honesty) -> Vec<Generated> {
    let options =
        Options { faults: Faults::at_rate(seed, 0.1), framing: style.framing(), ..Options::default() };
    let mut generator = Generator::new(style, seed);
    let mut analyzer: Option<Analyzer<_>> = None;
    let mut acknowledged = Vec::new();
    for _ in 0..4 {
        let mut left = generator.transfer();
        for attempt in 0..20 {
            let connected = analyzer.take().filter(Analyzer::is_connected);
            let mut connected = connected.unwrap_or_else(|| {
                let (near, far) = tokio::io::duplex(65_536);
                tokio::spawn(host::serve(far, store.clone(), honesty));
                let mut options = options.clone();
                options.faults.seed = seed * 1000 + attempt;
                Analyzer::new(near, options)
            });
            let report = connected.transfer(&left).await;
            analyzer = Some(connected);
            let (done, open): (Vec<_>, Vec<_>) =
                left.into_iter().zip(&report.acknowledged).partition(|(_, acknowledged)| **acknowledged);
            acknowledged.extend(done.into_iter().map(|(message, _)| message));
            left = open.into_iter().map(|(message, _)| message).collect();
            if left.is_empty() {
                break;
            }
        }
    }
    acknowledged
}

/// How many acknowledged messages the host doesn't have.
async fn lost(seed: u64, style: Style, honesty: Honesty) -> (usize, usize) {
    let store = Store::default();
    let acknowledged = acknowledged(seed, style, &store, honesty).await;
    let kept = store.lock().unwrap();
    let lost =
        acknowledged.iter().filter(|message| kept.get(&message.records).is_none_or(|times| *times == 0));
    (lost.count(), acknowledged.len())
}

#[tokio::test(start_paused = true)]
async fn whatever_the_line_does_an_acknowledged_message_was_stored() {
    let mut messages = 0;
    for seed in 0..60 {
        for style in [Style::Vitros3600, Style::ErbaXl, Style::CentaurXp, Style::Architect] {
            let (lost, acknowledged) = lost(seed, style, Honesty::Honest).await;
            assert_eq!(lost, 0, "{style}, seed {seed}");
            messages += acknowledged;
        }
    }
    assert!(messages > 1000, "only {messages} messages came through");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_acknowledges_without_storing_is_found_out() {
    let mut found = 0;
    for seed in 0..5 {
        found += lost(seed, Style::Architect, Honesty::Forgetful).await.0;
    }
    assert!(found > 0);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_dialogue() {
    let run = || async {
        let store = Store::default();
        let messages = acknowledged(11, Style::Architect, &store, Honesty::Honest).await;
        let stored = Arc::try_unwrap(store).map(|store| store.into_inner().unwrap());
        (messages, stored.ok(), tokio::time::Instant::now())
    };
    let began = tokio::time::Instant::now();
    let (first, _, middle) = run().await;
    let (second, _, end) = run().await;
    assert_eq!(first, second);
    assert_eq!(middle - began, end - middle);
}
