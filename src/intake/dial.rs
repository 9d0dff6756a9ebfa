//! An outgoing TCP connection to an analyzer or a terminal server, kept up for as long as the gateway runs.

use std::time::Duration;

use super::{Intake, Source, connection};
use crate::board::LinkState;
use crate::clock;
use crate::config::settings::TcpClientSettings;
use crate::wire::tcp;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

pub(super) async fn run(intake: Intake, source: Source, settings: TcpClientSettings) {
    let Some(instrument) = source.instruments.first().cloned() else { return };
    let stop = intake.tasks.stopping();
    let mut wait = FIRST;
    while !stop.is_cancelled() {
        let connected = tokio::select! {
            () = stop.cancelled() => return,
            connected = tcp::connect(&settings.connect, &settings.limits) => connected,
        };
        let why = match connected {
            Ok(stream) => {
                let since = clock::monotonic();
                tracing::info!(source = source.name, "connected");
                let ended =
                    connection::run(&intake, &source, &instrument, &settings.connect, stream, stop.clone())
                        .await;
                // A peer that accepts and hangs up at once must not be dialled in a spin.
                if clock::monotonic().duration_since(since) > LONGEST {
                    wait = FIRST;
                }
                connection::reason(&ended)
            }
            Err(error) => format!("can't connect to {}: {error}", settings.connect),
        };
        let now = clock::now();
        intake.board.peer_left(&source.name, &settings.connect, now, LinkState::Down(why.clone()));
        intake.board.set_link(&source.name, now, LinkState::Down(why));
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(wait) => wait = (wait * 2).min(LONGEST),
        }
    }
}
