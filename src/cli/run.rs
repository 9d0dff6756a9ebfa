//! `labwire run`: the gateway as a service.

use tokio::signal::unix::{SignalKind, signal};

use super::Outcome;
use crate::config::Settings;
use crate::exit::Exit;
use crate::gateway::{Gateway, StartError};
use crate::host::logging;
use crate::journal::OpenError;

pub(super) fn run(settings: &Settings) -> Outcome {
    logging::start(&settings.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(settings))
}

async fn serve(settings: &Settings) -> Outcome {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let gateway = match Gateway::start(settings).await {
        Ok(gateway) => gateway,
        Err(error) => {
            tracing::error!(%error, "labwire did not start");
            return Ok(match error {
                StartError::Journal(OpenError::InUse(_)) => Exit::Busy,
                StartError::Journal(_) => Exit::Journal,
                StartError::Client(_) => Exit::Configuration,
                StartError::Control(_) | StartError::Page { .. } => Exit::Unavailable,
            });
        }
    };
    tracing::info!(page = %gateway.page, "labwire is running");
    let exit = tokio::select! {
        _ = terminate.recv() => Exit::Done,
        _ = interrupt.recv() => Exit::Done,
        why = gateway.failed() => {
            tracing::error!(why, "the journal failed: nothing more is acknowledged; restart labwire after the disk was seen to");
            Exit::Journal
        }
    };
    if gateway.stop().await {
        tracing::info!("labwire has stopped");
    } else {
        tracing::warn!("labwire has stopped before every task had ended; the next start recovers them");
    }
    Ok(exit)
}
