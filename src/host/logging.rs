//! The program's own log, on standard error, as text or JSON. It never carries patient data: our types hide it from
//! `Debug`, and other crates, whose types don't, are heard from `warn` on only.

use std::io::{IsTerminal, stderr};

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{ParseError, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, fmt, registry};

use super::journald::Journald;
use super::panics;
use crate::config::settings::{LogFormat, LogSettings};

/// Why no log could be set up.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    #[error(
        "unknown [log] filter {filter:?} ({source}); write one such as \"info\" or \"info,labwire::intake=debug\""
    )]
    Filter { filter: String, source: ParseError },
    #[error("failed to start the log a second time")]
    Started(#[from] TryInitError),
}

/// Sends everything that is logged from here on to standard error, and of panics where they were. Where systemd's journal
/// reads that and lines of text are wanted, it gets entries with fields instead.
///
/// # Errors
/// When the filter can't be understood, or when a log was started before.
pub fn start(settings: &LogSettings) -> Result<(), LoggingError> {
    match Journald::of_this_process().filter(|_| settings.format == LogFormat::Text) {
        Some(journald) => {
            registry().with(filter(settings)?).with(filter_fn(may_be_heard)).with(journald).try_init()?;
        }
        None => subscriber(settings, stderr().is_terminal(), stderr)?.try_init()?,
    }
    panics::log_only_where();
    Ok(())
}

/// Whether [`start`] would understand these settings.
///
/// # Errors
/// When the filter can't be understood.
pub fn check(settings: &LogSettings) -> Result<(), LoggingError> {
    filter(settings).map(|_| ())
}

fn filter(settings: &LogSettings) -> Result<EnvFilter, LoggingError> {
    EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .parse(&settings.filter)
        .map_err(|source| LoggingError::Filter { filter: settings.filter.clone(), source })
}

fn subscriber<W>(
    settings: &LogSettings,
    colours: bool,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, LoggingError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_writer(writer);
    let all = registry().with(filter(settings)?).with(filter_fn(may_be_heard));
    Ok(match settings.format {
        LogFormat::Text => Box::new(all.with(lines.with_ansi(colours))),
        LogFormat::Json => Box::new(all.with(lines.json().flatten_event(true))),
    })
}

/// Ours always; others when something is wrong. What an HTTP client says at `debug` may quote a request.
fn may_be_heard(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("labwire") || *metadata.level() <= Level::WARN
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What a log with these settings holds after `say` has spoken.
    fn logged(format: LogFormat, filter: &str, say: impl FnOnce()) -> String {
        let page = Page::default();
        let settings = LogSettings { format, filter: filter.to_owned() };
        let writer = page.clone();
        let subscriber = subscriber(&settings, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, say);
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn text_is_one_line_an_event() {
        let text = logged(LogFormat::Text, "info", || {
            tracing::info!(instrument = "c311", "connected");
            tracing::debug!("not at this level");
        });
        assert_eq!(text.lines().count(), 1);
        assert!(text.trim_end().ends_with("connected instrument=\"c311\""), "{text}");
    }

    #[test]
    fn json_is_one_object_an_event() {
        let text = logged(LogFormat::Json, "info", || tracing::warn!(instrument = "c311", "disconnected"));
        let event: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(event["message"], "disconnected");
        assert_eq!(event["instrument"], "c311");
        assert_eq!(event["level"], "WARN");
    }

    #[test]
    fn other_crates_are_heard_from_warn_on_whatever_the_filter_says() {
        let text = logged(LogFormat::Text, "trace", || {
            tracing::trace!("ours");
            tracing::debug!(target: "h2::client", "a request with a patient in it");
            tracing::warn!(target: "h2::client", "connection reset");
        });
        assert!(text.contains("ours") && text.contains("connection reset"), "{text}");
        assert!(!text.contains("patient"), "{text}");
    }

    #[test]
    fn a_filter_that_cannot_be_understood_is_refused() {
        let settings = LogSettings { format: LogFormat::Text, filter: "labwire=loud".to_owned() };
        let told = check(&settings).unwrap_err().to_string();
        assert!(told.starts_with("unknown [log] filter \"labwire=loud\""), "{told}");
    }
}
