//! Looks now and then whether the configuration on disk is the one that runs. It changes nothing: a reload does.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::board::{Board, Differing};
use crate::clock;
use crate::config::{Origin, Settings};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(5);

pub(super) async fn watch(board: Board, running: Origin, stop: CancellationToken) {
    let (mut last, mut refused) = (running.clone(), None);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let present = Origin::of(&running.folder);
        // What was refused is over once nothing differs, also where that was put back between two looks.
        let refusal = board.refused();
        if present == running && refusal.is_some() && refusal == refused {
            board.set_configuration(None);
        }
        refused = refusal;
        if present == last {
            continue;
        }
        let differing = (present != running).then(|| {
            let mistakes = Settings::load(&running.folder).err().map_or(0, |errors| errors.0.len());
            Differing { since: clock::now(), files: present.changes_since(&running), mistakes }
        });
        match &differing {
            None => tracing::info!("the configuration on disk is the one that runs again"),
            Some(Differing { mistakes, files, .. }) => {
                let files = files.join("; ");
                tracing::info!(mistakes, files, "the configuration on disk isn't the one that runs");
            }
        }
        board.set_configuration(differing);
        last = present;
    }
}
