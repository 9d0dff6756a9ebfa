//! One attempt over HTTP: the payload as JSON under its key, or the question what became of it.

use std::borrow::Cow;

use reqwest::header::CONTENT_TYPE;

use super::kind::Attempted;
use super::verdict::http::judge;
use super::web::{Exchange, Web};
use crate::config::settings::{Http, KeyStyle};
use crate::journal::ledger::{AttemptKind, Carries, Lease};

/// The way to one destination.
pub struct Client {
    web: Web,
    settings: Http,
}

impl Client {
    /// Fails where the destination's certificates can't be read.
    pub fn new(settings: &Http) -> reqwest::Result<Client> {
        Ok(Client { web: Web::new(&settings.web)?, settings: settings.clone() })
    }

    /// Makes the attempt and judges it. Never fails: what goes wrong is a reply too.
    pub async fn attempt(&self, lease: &Lease) -> Attempted {
        let heard = self.send(lease).await;
        // What is said of each result says nothing of the record of a call, which is taken as a whole.
        let settings = match lease.carries {
            Carries::Results => Cow::Borrowed(&self.settings),
            Carries::Call => Cow::Owned(Http { items: None, ..self.settings.clone() }),
        };
        let judgement = judge(&heard.reply, lease.kind, &settings, &lease.items);
        heard.judged(judgement)
    }

    async fn send(&self, lease: &Lease) -> Exchange {
        let request = match (lease.kind, &self.settings.probe_url) {
            (AttemptKind::Probe, Some(probe)) => self.web.get(&probe.replace("{key}", &lease.key)),
            _ => self.web.post(&self.settings.url).body(lease.payload.clone()),
        };
        let key = match self.settings.key_style {
            KeyStyle::Quoted => format!("\"{}\"", lease.key),
            KeyStyle::Bare => lease.key.clone(),
        };
        let request = request.header(CONTENT_TYPE, "application/json").header("Idempotency-Key", key);
        Web::ask(request).await
    }
}
