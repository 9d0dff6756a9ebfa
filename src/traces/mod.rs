//! Tells a collector of each message's way: one trace a message, made from what the journal knows. So it holds over a restart, the
//! way itself does nothing for it, and a collector that is away for a while misses nothing. What it sends names no patient and no
//! specimen.

mod spans;
mod teller;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanExporter as _;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::config::settings::Otlp;
use crate::host::said::Said;
use crate::host::web::{Afterwards, client};
use teller::Teller;

/// How often is looked at what has happened.
const LOOK: Duration = Duration::from_secs(5);

/// Who tells.
pub struct Traces {
    pub journal: PathBuf,
    pub site: String,
    pub settings: Otlp,
}

impl Traces {
    /// Runs until the gateway stops. It begins with what isn't over.
    pub async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.tell() => {}
        }
    }

    async fn tell(self) {
        let exporter = match self.exporter() {
            Ok(exporter) => exporter,
            Err(error) => {
                tracing::error!(error, "failed to set up the traces");
                return;
            }
        };
        let mut said = Said::of("the traces");
        let mut teller = None;
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let told = self.look(&exporter, &mut teller).await;
            said.came_to(told);
        }
    }

    /// Tells everything that has happened since the last look.
    async fn look(&self, exporter: &SpanExporter, kept: &mut Option<Teller>) -> Result<(), String> {
        loop {
            let (journal, teller) = (self.journal.clone(), kept.take());
            let read = move || {
                let teller = teller.map_or_else(|| Teller::begin(&journal), Ok)?;
                let batch = teller.next();
                Ok::<_, String>((teller, batch))
            };
            let (mut teller, batch) =
                tokio::task::spawn_blocking(read).await.map_err(|_| "reading failed".to_owned())??;
            let batch = match batch {
                Ok(batch) => batch,
                Err(error) => {
                    *kept = Some(teller);
                    return Err(error.to_string());
                }
            };
            if batch.spans.is_empty() {
                teller.was_told(batch.told);
                *kept = Some(teller);
                return Ok(());
            }
            let sent = exporter.export(batch.spans).await;
            if sent.is_ok() {
                teller.was_told(batch.told);
            }
            *kept = Some(teller);
            // In many an address stands a secret.
            sent.map_err(|error| error.to_string().replace(&self.settings.url, "the collector"))?;
        }
    }

    fn exporter(&self) -> Result<SpanExporter, String> {
        let web = &self.settings.web;
        let client = client(web, Afterwards::Closed).map_err(|error| error.without_url().to_string())?;
        let token =
            web.token.iter().map(|token| ("authorization".to_owned(), format!("Bearer {}", token.reveal())));
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(&self.settings.url)
            .with_timeout(web.timeout)
            .with_headers(HashMap::from_iter(token))
            .with_http_client(client)
            .build()
            .map_err(|error| error.to_string().replace(&self.settings.url, "the collector"))?;
        let resource = Resource::builder_empty().with_service_name("labwire").with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("labwire.site", self.site.clone()),
        ]);
        exporter.set_resource(&resource.build());
        Ok(exporter)
    }
}
