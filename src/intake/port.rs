//! A serial port: opened, used, and opened again by the same name when its adapter comes back.

use std::time::Duration;

use super::{Intake, Source, connection};
use crate::board::{Cause, LinkState};
use crate::clock;
use crate::config::settings::SerialSettings;
use crate::wire::serial;

/// Waits between attempts: short enough that a replugged adapter works before anyone wonders.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(5);

pub(super) async fn run(intake: Intake, source: Source, settings: SerialSettings) {
    let Some(instrument) = source.instruments.first().cloned() else { return };
    let stop = intake.tasks.stopping();
    let mut wait = FIRST;
    while !stop.is_cancelled() {
        let (why, cause) = match serial::open(&settings) {
            Ok((port, differences)) => {
                for difference in differences {
                    tracing::warn!(source = source.name, "{difference}");
                    intake.board.note(&source.name, clock::now(), "line-setting", &difference);
                }
                wait = FIRST;
                tracing::info!(source = source.name, "port opened");
                let ended =
                    connection::run(&intake, &source, &instrument, &source.name, port, stop.clone()).await;
                (connection::reason(&ended), connection::cause(&ended))
            }
            Err(error) => (format!("can't open {}: {error}", settings.device.display()), Cause::of(&error)),
        };
        let now = clock::now();
        intake.board.peer_left(&source.name, &source.name, now, LinkState::Down(why.clone()));
        intake.board.set_down(&source.name, now, why, cause);
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(wait) => wait = (wait * 2).min(LONGEST),
        }
    }
}
