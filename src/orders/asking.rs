//! Asks a LIMS about a tube of which nothing is known, while an analyzer waits. What it answers is on disk before it is
//! used. A LIMS that didn't answer isn't asked again for a while, so that no analyzer waits for it in vain.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tracing::field::display;

use super::taking::{Taking, Text};
use super::web::{Asker, filled};
use super::{fhir, json};
use crate::clock;
use crate::config::settings::{AskSettings, OrderFormat};
use crate::domain::{OrderRequest, SpecimenId};
use crate::journal::Journal;
use crate::journal::orders::{Again, Manner, source_name};

/// How long a LIMS that failed to answer is left alone.
const PEACE: Duration = Duration::from_secs(30);

/// A LIMS that can be asked.
pub struct Asking {
    /// As stored.
    name: String,
    settings: AskSettings,
    asker: Asker,
    taking: Taking,
    /// When it failed last.
    failed: Mutex<Option<Instant>>,
}

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Answered,
    /// It didn't answer in time, or nothing that could be used.
    Failed,
}

impl Asking {
    /// `name` is the configured one. Fails where the certificates can't be used.
    pub fn new(
        name: &str,
        settings: &AskSettings,
        journal: &Journal,
        arrived: &Arc<Notify>,
    ) -> Result<Asking, String> {
        Ok(Asking {
            name: source_name(name),
            settings: settings.clone(),
            asker: Asker::new(&settings.web)?,
            taking: Taking { journal: journal.clone(), arrived: Arc::clone(arrived) },
            failed: Mutex::new(None),
        })
    }

    /// Asks about a tube; returns within the configured patience.
    pub(super) async fn ask(&self, label: &SpecimenId) -> Asked {
        let now = clock::monotonic();
        let rests = |failed: &Option<Instant>| failed.is_some_and(|at| now.duration_since(at) < PEACE);
        if rests(&self.failed.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Asked::Failed;
        }
        let asked = tokio::time::timeout(self.settings.web.timeout, self.exchange(label)).await;
        let asked = asked.unwrap_or_else(|_| Err("the time limit ran out".to_owned()));
        let failed = asked.is_err().then(clock::monotonic);
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = failed;
        match asked {
            Ok(()) => Asked::Answered,
            Err(why) => {
                let reader = self.taking.journal.reader().ok();
                let token = reader.and_then(|reader| reader.token(label).ok()).flatten().map(display);
                tracing::warn!(
                    source = self.name,
                    specimen_token = token,
                    why,
                    "failed to ask the LIMS about a tube"
                );
                Asked::Failed
            }
        }
    }

    async fn exchange(&self, label: &SpecimenId) -> Result<(), String> {
        let url = filled(&self.settings.url, &[("specimen", label.reveal())])?;
        let accept = match &self.settings.format {
            OrderFormat::Json => "application/json",
            OrderFormat::Fhir(_) => "application/fhir+json",
        };
        let reader = self.taking.journal.reader().map_err(|error| error.to_string())?;
        let as_of = reader.last_message().map_err(|error| error.to_string())?;
        let text = self.asker.ask(url, accept).await?;
        let requests = requests(&text, &self.settings.format)?;
        if requests.is_empty() {
            return Ok(());
        }
        let told = json::told(&requests, None);
        let (source, peer, again, cursor) = (self.name.clone(), "asked".to_owned(), Again::Anew, None);
        let (messages, manner) = (vec![(text.len(), told)], Manner::Asked { as_of });
        let text = Text { source, peer, messages, content: text, again, manner, cursor };
        let taken = self.taking.take(text, |_| Vec::new(), clock::now()).await;
        taken.map(drop).map_err(|error| format!("what it answered can't be stored: {error}"))
    }
}

fn requests(text: &[u8], format: &OrderFormat) -> Result<Vec<Result<OrderRequest, String>>, String> {
    match format {
        OrderFormat::Json => json::read(text).map(|read| read.requests),
        OrderFormat::Fhir(settings) => fhir::read(text, settings).map(|page| page.requests),
    }
}
