//! Who reads the journal waits until there is one: on a full disk it may come late.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::journal::{Journal, Reader};

/// How long to wait before the journal is opened for reading once more.
pub(super) const AGAIN: Duration = Duration::from_secs(1);

/// A reader, once there is a journal to read; nothing when the gateway stops before.
pub(super) async fn reader_once_open(journal: &Journal, stop: &CancellationToken) -> Option<Reader> {
    tokio::select! {
        () = stop.cancelled() => return None,
        () = journal.opened() => {}
    }
    loop {
        match journal.reader() {
            Ok(reader) => return Some(reader),
            Err(error) => tracing::error!(%error, "failed to read the journal; trying again"),
        }
        tokio::select! {
            () = stop.cancelled() => return None,
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}
