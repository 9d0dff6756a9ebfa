//! Files that an instrument leaves in a folder or on a server: looked at now and then, taken when they are whole, and
//! removed once the journal has signed for them. One task an instrument. What a file says is never looked at here beyond
//! where its parts end.

mod decide;
mod place;
mod spool;
mod take;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use labwire_link::Admission;

use super::{Intake, Source};
use crate::board::{FileWaits, LinkState};
use crate::clock;
use crate::config::settings::{DropSettings, Instrument};
use crate::domain::Private;

use decide::{Rules, Waits, Watch};
use place::{Place, Trouble, Visit};
use take::Ledger;

/// The longest pause after one that failed, in usual ones.
const PATIENT: u32 = 8;

/// One instrument's files.
struct Drop {
    intake: Intake,
    source: Source,
    instrument: Arc<Instrument>,
    settings: DropSettings,
    reader: Ledger,
}

/// Removes what a stop of the gateway left of files on their way.
pub fn clear_spool(folder: &Path) {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(folder = %folder.display(), %error, "failed to clear the folder for files on their way");
        }
        _ => {}
    }
}

pub(super) async fn run(intake: Intake, source: Source, settings: DropSettings) {
    let Some(instrument) = source.instruments.first().cloned() else { return };
    let stop = intake.tasks.stopping();
    let drop = Drop { intake, source, instrument, settings, reader: Ledger::default() };
    let place = match Place::new(&drop.settings) {
        Ok(place) => place,
        Err(error) => {
            tracing::error!(source = drop.source.name, %error, "failed to set up TLS; no file is fetched");
            drop.is(LinkState::Down(error.to_string()));
            return;
        }
    };
    let rules = Rules {
        pattern: drop.settings.pattern.clone(),
        proof: drop.settings.proof.clone(),
        after: drop.settings.after.clone(),
        longest: drop.settings.longest,
    };
    let mut watch = Watch::new(rules);
    let (mut looks, mut failures) = (0_u64, 0_u32);
    loop {
        let looked = tokio::select! {
            // What was fetched by then is fetched again, and what was stored is closed by the next start.
            () = stop.cancelled() => return,
            looked = drop.look(&place, &mut watch) => looked,
        };
        failures = drop.tell(looked, failures);
        looks += 1;
        let pause = drop.pause(looks, failures);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

impl Drop {
    /// One look at the place, and all that follows from it.
    async fn look(&self, place: &Place, watch: &mut Watch) -> Result<(), Trouble> {
        if *self.intake.admission.borrow() == Admission::Busy {
            return Err(Trouble::Place(
                "the journal takes nothing at present; files wait where they are".to_owned(),
            ));
        }
        self.intake.journal.opened().await;
        let mut visit = place.visit().await?;
        let looked = self.files(&mut visit, watch).await;
        visit.leave().await;
        looked
    }

    async fn files(&self, visit: &mut Visit<'_>, watch: &mut Watch) -> Result<(), Trouble> {
        let listing = visit.list(|name| watch.wants(name)).await?;
        let mut known = BTreeMap::new();
        for file in watch.strangers(&listing) {
            let entry = self.read(|reader| reader.file_of_name(&self.instrument.id, &file.name))?;
            known.extend(entry.map(|entry| (file.name.clone(), entry)));
        }
        self.is(LinkState::Polling);
        let plan = watch.plan(listing, &known);
        let mut waiting = plan.waiting;
        self.shows(&waiting);
        for step in plan.steps {
            if *self.intake.admission.borrow() == Admission::Busy {
                return Err(Trouble::Place(
                    "the journal takes nothing at present; files wait where they are".to_owned(),
                ));
            }
            let done = self.step(visit, watch, step).await;
            self.intake.board.drop_took(&self.source.name, clock::now());
            if let Some(waits) = done? {
                waiting.push(waits);
                self.shows(&waiting);
            }
        }
        Ok(())
    }

    fn shows(&self, waiting: &[Waits]) {
        let told = |it: &Waits| FileWaits {
            name: Private::new(it.name.clone()),
            why: it.why.clone(),
            by_itself: it.by_itself,
        };
        let waiting = waiting.iter().map(told).collect();
        self.intake.board.drop_waits(&self.source.name, waiting, clock::now());
    }

    fn board_took(&self, file: &decide::Listed) {
        self.intake.board.drop_has(&self.source.name, &file.name, clock::now());
    }

    fn is(&self, state: LinkState) {
        self.intake.board.set_link(&self.source.name, clock::now(), state);
    }

    /// Says how a look went; tells how many failed in a row.
    fn tell(&self, looked: Result<(), Trouble>, failures: u32) -> u32 {
        self.intake.board.drop_looked(&self.source.name, clock::now());
        match looked {
            Ok(()) => {
                if failures > 0 {
                    tracing::info!(source = self.source.name, "files can be fetched again");
                }
                self.is(LinkState::Polling);
                0
            }
            Err(trouble) => {
                let why = trouble.text();
                if failures == 0 {
                    tracing::warn!(source = self.source.name, why, "failed to fetch files; trying again");
                }
                self.is(LinkState::Down(why.to_owned()));
                failures.saturating_add(1)
            }
        }
    }

    /// Until the next look: longer after failures, and never quite the same, so that many gateways don't come at once.
    fn pause(&self, looks: u64, failures: u32) -> Duration {
        let usual = self.settings.every * 2_u32.saturating_pow(failures.saturating_sub(1)).min(PATIENT);
        let mut chance = DefaultHasher::new();
        (self.source.name.as_str(), looks, clock::now().as_nanosecond()).hash(&mut chance);
        let thousandths = u32::try_from(chance.finish() % 1_000).unwrap_or_default();
        usual + self.settings.jitter * thousandths / 1_000
    }
}
