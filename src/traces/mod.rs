//! Tells a collector of each message's way: one trace a message, made from what the journal knows. So it holds over a restart, the
//! way itself does nothing for it, and a collector that is away for a while misses nothing. What it refuses for good is dropped and
//! counted. What is sent names no patient and no specimen.

mod line;
mod spans;
mod teller;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_otlp::{Protocol, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::board::Board;
use crate::config::settings::Otlp;
use crate::host::said::Said;
use crate::host::web::{Afterwards, client};
use line::{Fate, Line};
use teller::Teller;

/// How often is looked at what has happened.
const LOOK: Duration = Duration::from_secs(5);

/// Who tells.
pub struct Traces {
    pub journal: PathBuf,
    pub board: Board,
    pub site: String,
    pub settings: Otlp,
}

/// Who is told, and what is known of them.
struct Collector {
    exporter: SpanExporter,
    line: Line,
    /// Why it refused the last batch.
    refusal: Option<String>,
}

/// What is never sent again.
struct Refused {
    why: String,
    spans: u64,
}

/// Why something wasn't taken that is sent again.
struct Later {
    why: String,
    /// Not before so long.
    wish: Option<Duration>,
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
        let mut collector = match self.collector() {
            Ok(collector) => collector,
            Err(error) => {
                tracing::error!(error, "failed to set up the traces");
                return;
            }
        };
        self.board.drop_spans(0);
        let mut said = Said::of("the traces");
        let mut teller = None;
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let told = self.look(&mut collector, &mut teller).await;
            let wish = told.as_ref().err().and_then(|later| later.wish);
            said.came_to(told.map_err(|later| later.why));
            tokio::time::sleep(wish.unwrap_or_default()).await;
        }
    }

    /// Tells everything that has happened since the last look.
    async fn look(&self, collector: &mut Collector, kept: &mut Option<Teller>) -> Result<(), Later> {
        let later = |why| Later { why, wish: None };
        loop {
            let (journal, teller) = (self.journal.clone(), kept.take());
            let read = move || {
                let teller = teller.map_or_else(|| Teller::begin(&journal), Ok)?;
                let batch = teller.next();
                Ok::<_, String>((teller, batch))
            };
            let read = tokio::task::spawn_blocking(read).await;
            let (mut teller, batch) =
                read.unwrap_or_else(|_| Err("reading failed".to_owned())).map_err(later)?;
            let batch = match batch {
                Ok(batch) => batch,
                Err(error) => {
                    *kept = Some(teller);
                    return Err(later(error.to_string()));
                }
            };
            if batch.spans.is_empty() {
                teller.was_told(batch.told);
                *kept = Some(teller);
                return Ok(());
            }
            let sent = self.send(collector, batch.spans).await;
            if sent.is_ok() {
                teller.was_told(batch.told);
            }
            *kept = Some(teller);
            self.drop_spans(collector, sent?);
        }
    }

    /// What was refused, if something was.
    async fn send(&self, collector: &Collector, spans: Vec<SpanData>) -> Result<Option<Refused>, Later> {
        let count = u64::try_from(spans.len()).unwrap_or(u64::MAX);
        let sent = collector.exporter.export(spans).await;
        // In many an address stands a secret.
        let why = sent.err().map(|error| error.to_string().replace(&self.settings.url, "the collector"));
        let why = why.unwrap_or_else(|| "it took a part".to_owned());
        match collector.line.fate() {
            Fate::Taken { rejected: 0 } => Ok(None),
            Fate::Taken { rejected } => Ok(Some(Refused { why, spans: rejected })),
            Fate::Refused => Ok(Some(Refused { why, spans: count })),
            Fate::Later(wish) => Err(Later { why, wish }),
        }
    }

    /// Counts what was refused for good, and says so once.
    fn drop_spans(&self, collector: &mut Collector, refused: Option<Refused>) {
        let refusal = refused.as_ref().map(|refused| refused.why.clone());
        if let Some(refused) = refused {
            self.board.drop_spans(refused.spans);
        }
        if refusal != collector.refusal {
            match &refusal {
                Some(why) => tracing::warn!(why, "the collector refused traces for good; they are dropped"),
                None => tracing::info!("the collector takes traces again"),
            }
        }
        collector.refusal = refusal;
    }

    fn collector(&self) -> Result<Collector, String> {
        let web = &self.settings.web;
        let client = client(web, Afterwards::Closed).map_err(|error| error.without_url().to_string())?;
        let line = Line::over(client);
        let token =
            web.token.iter().map(|token| ("authorization".to_owned(), format!("Bearer {}", token.reveal())));
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(&self.settings.url)
            .with_timeout(web.timeout)
            .with_headers(HashMap::from_iter(token))
            .with_http_client(line.clone())
            .with_retry_policy(RetryPolicy::disabled())
            .build()
            .map_err(|error| error.to_string().replace(&self.settings.url, "the collector"))?;
        let resource = Resource::builder_empty().with_service_name("labwire").with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("labwire.site", self.site.clone()),
        ]);
        exporter.set_resource(&resource.build());
        Ok(Collector { exporter, line, refusal: None })
    }
}
