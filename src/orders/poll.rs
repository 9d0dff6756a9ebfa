//! A LIMS that is asked again and again what is new. Where to go on asking is on disk with what came before it, so that a
//! crash loses no order. Never takes an answer that it couldn't read for one without orders.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;

use super::fhir::{self, INCLUDES};
use super::json;
use super::listener::Listener;
use super::taking::{Taking, Text};
use super::web::{Asker, filled, next_page};
use crate::board::LinkState;
use crate::clock;
use crate::config::settings::{FhirOrders, OrderFormat, PollSettings};
use crate::journal::MessageId;
use crate::journal::orders::{Again, Manner, Told};

/// The most answers that are taken in a row before the next pause.
const IN_A_ROW: usize = 100;
/// From a failure to the next question, at least.
const AGAIN: Duration = Duration::from_secs(5);

struct Poller {
    listener: Listener,
    name: String,
    settings: PollSettings,
    asker: Asker,
    /// The last answer that was taken: the same again says nothing new.
    last: Vec<u8>,
}

/// What an answer leads to.
enum Next {
    /// There is more.
    At(Option<Url>),
    Pause,
}

/// Asks until the gateway stops.
pub(super) async fn poll(listener: Listener, name: String, settings: PollSettings) {
    let stop = listener.tasks.stopping();
    let (every, board) = (settings.every, listener.board.clone());
    board.add_link(&name, Vec::new(), clock::now());
    let asker = match Asker::new(&settings.web) {
        Ok(asker) => asker,
        Err(why) => {
            tracing::error!(
                source = name,
                why,
                "failed to set up the way to the LIMS; it isn't asked for orders"
            );
            board.set_link(&name, clock::now(), LinkState::Down(why));
            return;
        }
    };
    let presence = listener.presence.clone();
    let mut poller = Poller { listener, name: name.clone(), settings, asker, last: Vec::new() };
    let mut is_there = false;
    loop {
        let asked = tokio::select! {
            () = stop.cancelled() => break,
            asked = poller.round() => asked,
        };
        let pause = match asked {
            Ok(()) => {
                if !is_there {
                    presence.arrived();
                    is_there = true;
                }
                board.set_link(&name, clock::now(), LinkState::Polling);
                every
            }
            Err(why) => {
                if is_there {
                    presence.left(clock::now());
                    is_there = false;
                }
                tracing::warn!(source = name, why, "failed to ask the LIMS for orders; asking again");
                board.set_link(&name, clock::now(), LinkState::Down(why));
                every.max(AGAIN)
            }
        };
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(pause) => {}
        }
    }
    if is_there {
        presence.left(clock::now());
    }
}

impl Poller {
    /// Everything that is new now.
    async fn round(&mut self) -> Result<(), String> {
        let mut at = None;
        for _ in 0..IN_A_ROW {
            match self.once(at).await? {
                Next::At(next) => at = next,
                Next::Pause => break,
            }
        }
        Ok(())
    }

    async fn once(&mut self, at: Option<Url>) -> Result<Next, String> {
        let cursor = self.cursor().await?;
        match self.settings.format.clone() {
            OrderFormat::Json => {
                let cursor = cursor.unwrap_or_default();
                let url = filled(&self.settings.url, &[("cursor", &cursor)])?;
                let as_of = self.last_message()?;
                let text = self.asker.ask(url, "application/json").await?;
                let read = json::read(&text)?;
                let Some(next) = read.cursor else { return Err("its answer has no cursor".to_owned()) };
                let moved = next != cursor;
                let told = json::told(&read.requests, read.patient);
                let is_empty = read.requests.is_empty();
                self.take((text, as_of), told, Some(next)).await?;
                Ok(if moved && !is_empty { Next::At(None) } else { Next::Pause })
            }
            OrderFormat::Fhir(fhir) => {
                let url = match at {
                    Some(url) => url,
                    None => self.search(cursor.as_deref())?,
                };
                self.page(url, &fhir).await
            }
        }
    }

    /// What was changed since the last change that is known, itself among it: others may bear the same time.
    fn search(&self, since: Option<&str>) -> Result<Url, String> {
        let base = self.settings.url.trim_end_matches('/');
        let template = format!("{base}/ServiceRequest?_sort=_lastUpdated&_count=100&{INCLUDES}");
        match since {
            Some(since) => filled(&format!("{template}&_lastUpdated=ge{{since}}"), &[("since", since)]),
            None => filled(&template, &[]),
        }
    }

    async fn page(&mut self, url: Url, settings: &FhirOrders) -> Result<Next, String> {
        let as_of = self.last_message()?;
        let text = self.asker.ask(url.clone(), "application/fhir+json").await?;
        let page = fhir::read(&text, settings)?;
        let told = json::told(&page.requests, None);
        self.take((text, as_of), told, page.changed).await?;
        let Some(next) = page.next else { return Ok(Next::Pause) };
        Ok(Next::At(Some(next_page(&url, &next)?)))
    }

    async fn take(
        &mut self,
        (text, as_of): (Vec<u8>, MessageId),
        told: Told,
        cursor: Option<String>,
    ) -> Result<(), String> {
        if text == self.last {
            return Ok(());
        }
        let taking =
            Taking { journal: self.listener.journal.clone(), arrived: Arc::clone(&self.listener.arrived) };
        let block = Text {
            source: self.name.clone(),
            peer: "asked".to_owned(),
            messages: vec![(text.len(), told)],
            content: text.clone(),
            again: Again::Anew,
            manner: Manner::Fetched { as_of },
            cursor,
        };
        let taken = taking.take(block, |_| Vec::new(), clock::now()).await;
        taken.map_err(|error| format!("what it answered can't be stored: {error}"))?;
        self.last = text;
        Ok(())
    }

    /// Before the LIMS is asked: what it says of patients meanwhile is later knowledge than its answer.
    fn last_message(&self) -> Result<MessageId, String> {
        let reader = self.listener.journal.reader().map_err(|error| error.to_string())?;
        reader.last_message().map_err(|error| error.to_string())
    }

    async fn cursor(&self) -> Result<Option<String>, String> {
        let reader = self.listener.journal.reader().map_err(|error| error.to_string())?;
        reader.order_cursor(&self.name).map_err(|error| error.to_string())
    }
}
