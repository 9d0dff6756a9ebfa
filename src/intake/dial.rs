//! An outgoing TCP connection to an analyzer or a terminal server, kept up for as long as the gateway runs.

use std::time::Duration;

use tokio::net::TcpStream;

use super::{Intake, Source, connection};
use crate::board::{Cause, LinkState};
use crate::clock;
use crate::config::settings::{Instrument, TcpClientSettings};
use crate::host::tls::Connector;
use crate::wire::tcp;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

pub(super) async fn run(intake: Intake, source: Source, settings: TcpClientSettings) {
    let Some(instrument) = source.instruments.first().cloned() else { return };
    let stop = intake.tasks.stopping();
    let connector = match settings.tls.as_ref().map(Connector::new).transpose() {
        Ok(connector) => connector,
        Err(error) => {
            tracing::error!(source = source.name, %error, "failed to set up TLS; nobody is called");
            intake.board.set_down(&source.name, clock::now(), error.to_string(), Cause::Untrusted);
            return;
        }
    };
    let mut wait = FIRST;
    while !stop.is_cancelled() {
        let connected = tokio::select! {
            () = stop.cancelled() => return,
            connected = tcp::connect(&settings.connect, &settings.limits) => connected,
        };
        let (why, cause) = match connected {
            Ok(stream) => {
                let since = clock::monotonic();
                tracing::info!(source = source.name, "connected");
                let ended =
                    talk(&intake, &source, &instrument, &settings.connect, stream, connector.as_ref()).await;
                // A peer that accepts and hangs up at once must not be dialled in a spin.
                if clock::monotonic().duration_since(since) > LONGEST {
                    wait = FIRST;
                }
                ended
            }
            Err(error) => (format!("can't connect to {}: {error}", settings.connect), Cause::of(&error)),
        };
        let now = clock::now();
        intake.board.peer_left(&source.name, &settings.connect, now, LinkState::Down(why.clone()));
        intake.board.set_down(&source.name, now, why, cause);
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(wait) => wait = (wait * 2).min(LONGEST),
        }
    }
}

/// Runs one connection, over TLS where that is configured, until it ends; tells why it did.
async fn talk(
    intake: &Intake,
    source: &Source,
    instrument: &Instrument,
    peer: &str,
    stream: TcpStream,
    connector: Option<&Connector>,
) -> (String, Cause) {
    let stop = intake.tasks.stopping();
    let ended = match connector {
        None => connection::run(intake, source, instrument, peer, stream, stop).await,
        Some(connector) => match connector.connect(stream).await {
            Ok(stream) => connection::run(intake, source, instrument, peer, stream, stop).await,
            Err(error) => return (format!("the TLS handshake failed: {error}"), Cause::Untrusted),
        },
    };
    (connection::reason(&ended), connection::cause(&ended))
}
