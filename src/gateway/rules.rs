//! Which rules the runner starts with: those that somebody signed last. It signs nothing itself.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::reading::AGAIN;
use crate::clock;
use crate::config;
use crate::domain::Rules;
use crate::host::control::Signable;
use crate::journal::{JournalError, Reader};

/// The rules in force, from now on. Signed rules that can't be read hold all messages back, unread and on disk, until
/// the present ones are signed: to go on without them would send values in another unit than yesterday's. Nothing when
/// the gateway stops before.
pub(super) async fn in_force(
    reader: &Mutex<Reader>,
    rules: &Signable,
    turned: &watch::Sender<Instant>,
    stop: &CancellationToken,
) -> Option<watch::Receiver<Option<Arc<Rules>>>> {
    let mut in_force = rules.in_force.subscribe();
    let why = loop {
        match signed(reader, &rules.present.sha256) {
            Ok(Signed::Nothing) => return Some(in_force),
            Ok(Signed::Present) => {
                take_effect(rules, Arc::clone(&rules.present));
                return Some(in_force);
            }
            Ok(Signed::Other(text)) => match config::rules::read(&text) {
                Ok(kept) => {
                    tracing::warn!("the configured rules aren't signed; the last signed ones stay in force");
                    take_effect(rules, Arc::new(kept));
                    return Some(in_force);
                }
                Err(errors) => break errors,
            },
            Err(error) => tracing::error!(%error, "failed to read which rules are signed; trying again"),
        }
        tokio::select! {
            () = stop.cancelled() => return None,
            () = tokio::time::sleep(AGAIN) => {}
        }
    };
    tracing::error!(
        %why,
        "the signed rules can't be read by this version: no message is read until the present ones are signed"
    );
    loop {
        // Somebody must sign; a restart would mend nothing.
        turned.send_replace(clock::monotonic());
        tokio::select! {
            () = stop.cancelled() => return None,
            changed = in_force.changed() => changed.ok()?,
            () = tokio::time::sleep(AGAIN) => {}
        }
        if in_force.borrow().is_some() {
            return Some(in_force);
        }
    }
}

/// What somebody has signed meanwhile is newer, and stays.
fn take_effect(rules: &Signable, read: Arc<Rules>) {
    rules.in_force.send_if_modified(|in_force| {
        let was_none = in_force.is_none();
        in_force.get_or_insert(read);
        was_none
    });
}

/// What somebody signed last.
enum Signed {
    Nothing,
    /// The rules that the gateway was started with.
    Present,
    /// Others, with their text.
    Other(String),
}

fn signed(reader: &Mutex<Reader>, present: &str) -> Result<Signed, JournalError> {
    let reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(match reader.signed_rules()? {
        None => Signed::Nothing,
        Some(signed) if signed.sha256 == present => Signed::Present,
        Some(signed) => Signed::Other(reader.rules_text(&signed)?),
    })
}
