//! `labwire run`: the gateway as a service.

use std::path::Path;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::{Outcome, check};
use crate::config::{Errors, Settings};
use crate::exit::Exit;
use crate::gateway::{Gateway, StartError};
use crate::host::control::ReloadAsked;
use crate::host::logging;
use crate::host::sockets::Sockets;
use crate::journal::OpenError;

/// Runs the gateway that `settings` describe; `folder` is where they were read and are read again on SIGHUP.
pub(super) fn run(settings: &Settings, folder: &Path) -> Outcome {
    logging::start(&settings.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(settings, folder))
}

async fn serve(settings: &Settings, folder: &Path) -> Outcome {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut gateway = match Gateway::start(settings, Sockets::inherited()).await {
        Ok(gateway) => gateway,
        Err(error) => {
            tracing::error!(%error, "labwire did not start");
            return Ok(match error {
                StartError::Journal(OpenError::InUse(_)) => Exit::Busy,
                StartError::Journal(_) => Exit::Journal,
                StartError::Client(_) | StartError::PageTls(_) => Exit::Configuration,
                StartError::Control(_) | StartError::Page { .. } => Exit::Unavailable,
            });
        }
    };
    tracing::info!(page = %gateway.page, "labwire is running");
    let (board, failed) = (gateway.board.clone(), gateway.failed());
    let refuse = |why| board.refuse_reload(why);
    let exit = tokio::select! {
        _ = terminate.recv() => Exit::Done,
        _ = interrupt.recv() => Exit::Done,
        () = sound_configuration(&mut hangup, &mut gateway.reloads, &refuse, (settings, folder)) => Exit::Done,
        why = failed => {
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

/// Returns after a SIGHUP, or a command's wish, that found a configuration to start with on this machine: the service manager
/// starts labwire again, with that. One that can't be used is told, and the gateway goes on with what it has.
async fn sound_configuration(
    hangup: &mut Signal,
    asked: &mut mpsc::Receiver<ReloadAsked>,
    refuse: &impl Fn(String),
    (running, folder): (&Settings, &Path),
) {
    loop {
        let asking = tokio::select! {
            Some(()) = hangup.recv() => None,
            Some(asking) = asked.recv() => Some(asking),
            else => return std::future::pending().await,
        };
        let tried = tried(running, folder);
        if let Err(why) = &tried {
            refuse(why.replace('\n', "; "));
        }
        let is_sound = tried.is_ok();
        // Who asked may have gone; the log has it too.
        let _ = asking.map(|asking| asking.send(tried));
        if is_sound {
            return;
        }
    }
}

/// Whether labwire could start with the configuration on disk, and what changed in it; why not, a line each.
fn tried(running: &Settings, folder: &Path) -> Result<Vec<String>, String> {
    let (new, _) = Settings::load(folder).map_err(|errors| {
        tracing::error!(%errors, "the new configuration can't be used; labwire goes on with the old one");
        errors.to_string()
    })?;
    let obstacles = check::obstacles(running, &new);
    if !obstacles.is_empty() {
        let obstacles = Errors(obstacles).to_string();
        tracing::error!(
            obstacles = obstacles.replace('\n', "; "),
            "labwire couldn't start with the new configuration; it goes on with the old one"
        );
        return Err(obstacles);
    }
    if let Some(said) = check::to_be_said(running, &new) {
        tracing::warn!("{said}");
    }
    let changes = new.origin.changes_since(&running.origin);
    tracing::info!(files = changes.join("; "), "stopping, to be started again with the new configuration");
    Ok(changes)
}
