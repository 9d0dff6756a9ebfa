//! Analyzers that send without pause while something is done to the gateway. They judge nothing; they tell what they
//! saw acknowledged.

#![allow(dead_code, reason = "every test program uses its own part of this")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use labsim::analyzer::Timing;
use labsim::faults::Faults;
use labsim::generate::{ExpectedResult, Generator, Style};
use labsim::load::{Event, Load, Summary, play};
use labsim::net::Place;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// Analyzers at work until they are dropped.
#[derive(Default)]
pub(crate) struct Analyzers {
    tasks: JoinSet<()>,
    acknowledged: Arc<Mutex<Vec<ExpectedResult>>>,
    news: Arc<Notify>,
}

impl Analyzers {
    /// One more, which sends every 20 ms, thirty times as impatient as the standard.
    pub(crate) fn add(&mut self, style: Style, place: Place, faults: Faults) {
        let mut load = Load::new(Generator::new(style, faults.seed).with_odd(0.0));
        load.every = Duration::from_millis(20);
        load.options.faults = faults;
        load.options.timing = Timing::default().hurried(30);
        let (acknowledged, news) = (Arc::clone(&self.acknowledged), Arc::clone(&self.news));
        self.tasks.spawn(async move {
            let note = |event: Event<'_>| {
                if let Event::Acknowledged(message) = event {
                    acknowledged.lock().unwrap().extend(message.results.iter().cloned());
                    news.notify_waiters();
                }
                Ok(())
            };
            play(&place, load, &mut Summary::default(), note).await.unwrap();
        });
    }

    /// How many results were acknowledged so far.
    pub(crate) fn count(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// Whether a result of this test was acknowledged.
    pub(crate) fn saw(&self, code: &str) -> bool {
        self.acknowledged.lock().unwrap().iter().any(|result| result.code == code)
    }

    /// Returns at the instant when the next message is acknowledged.
    pub(crate) async fn next(&self) {
        let next = tokio::time::timeout(Duration::from_secs(60), self.news.notified()).await;
        assert!(next.is_ok(), "gave up waiting for an acknowledgement");
    }

    /// Unplugs them all and tells what was acknowledged.
    pub(crate) async fn stop(mut self) -> Vec<ExpectedResult> {
        self.tasks.shutdown().await;
        std::mem::take(&mut *self.acknowledged.lock().unwrap())
    }
}
