//! Files that an instrument leaves in a folder or on a server: looked at now and then, taken when they are whole, and
//! removed once the journal has signed for them. One task an instrument. What a file says is never looked at here beyond
//! where its parts end.

mod decide;
mod place;
mod spool;
mod take;
mod vigil;

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
use crate::domain::profile::{Dialect, TableFormat};

use decide::{Rules, Waits, Watch};
use place::{Place, Trouble, Visit};
use spool::Limit;
use take::Ledger;
use vigil::Vigil;

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

/// Whether a place of files lets labwire in and lists what it has, and why not. It takes nothing from there and leaves nothing.
///
/// # Errors
/// What is in the way, in words that say what to do and name no file.
pub async fn place_admits(settings: &DropSettings) -> Result<(), String> {
    let place = Place::new(settings).map_err(|error| error.to_string())?;
    let listed = async {
        let mut visit = place.visit().await?;
        let listed = visit.list(|_| false).await.map(drop);
        visit.leave().await;
        listed
    };
    listed.await.map_err(|trouble| trouble.text().to_owned())
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
        longest: drop.limit(),
    };
    let (mut watch, mut vigil) = (Watch::new(rules), None);
    let (mut looks, mut failures) = (0_u64, 0_u32);
    loop {
        let looked = tokio::select! {
            // What was fetched by then is fetched again, and what was stored is closed by the next start.
            () = stop.cancelled() => return,
            looked = drop.look(&place, &mut watch, &mut vigil) => looked,
        };
        failures = drop.tell(&looked, failures);
        drop.say_stuck(&mut vigil, looked, failures).await;
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
    async fn look(
        &self,
        place: &Place,
        watch: &mut Watch,
        vigil: &mut Option<Vigil>,
    ) -> Result<Vec<Waits>, Trouble> {
        if *self.intake.admission.borrow() == Admission::Busy {
            return Err(Trouble::Place(
                "the journal takes nothing at present; files wait where they are".to_owned(),
            ));
        }
        self.intake.journal.opened().await;
        let vigil = match vigil {
            Some(vigil) => vigil,
            None => {
                let said = self.read(|reader| reader.stuck(&self.source.name))?;
                vigil.insert(Vigil::new(self.settings.overdue, said))
            }
        };
        let mut visit = place.visit().await?;
        let looked = self.files(&mut visit, watch, vigil).await;
        visit.leave().await;
        looked
    }

    /// The files that still wait.
    async fn files(
        &self,
        visit: &mut Visit<'_>,
        watch: &mut Watch,
        vigil: &mut Vigil,
    ) -> Result<Vec<Waits>, Trouble> {
        let listing = visit.list(|name| watch.wants(name)).await?;
        let others = watch.no_files(&listing.others);
        let listing = listing.files;
        let mut known = BTreeMap::new();
        for file in watch.strangers(&listing) {
            let entry = self.read(|reader| reader.file_of_name(&self.instrument.id, &file.name))?;
            known.extend(entry.map(|entry| (file.name.clone(), entry)));
        }
        self.is(LinkState::Polling);
        let plan = watch.plan(listing, &known, clock::monotonic());
        let mut waiting = [plan.waiting, others].concat();
        self.shows(&mut waiting, vigil);
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
                self.shows(&mut waiting, vigil);
            }
        }
        Ok(waiting)
    }

    fn shows(&self, waiting: &mut [Waits], vigil: &mut Vigil) {
        vigil.mark(waiting, clock::monotonic());
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
    fn tell(&self, looked: &Result<Vec<Waits>, Trouble>, failures: u32) -> u32 {
        self.intake.board.drop_looked(&self.source.name, clock::now());
        match looked {
            Ok(_) => {
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

    /// Puts what needs a person into the list of problems, and takes out what is over.
    async fn say_stuck(&self, vigil: &mut Option<Vigil>, looked: Result<Vec<Waits>, Trouble>, failures: u32) {
        let Some(vigil) = vigil else { return };
        let stuck = match looked {
            Ok(waiting) => vigil.looked(&waiting),
            Err(trouble) => vigil.failed(trouble.text(), failures),
        };
        if !vigil.is_news(&stuck) {
            return;
        }
        let (source, instrument) = (self.source.name.clone(), self.instrument.id.clone());
        // Where the journal doesn't take it, it is said after the next look.
        if self.intake.journal.say_stuck(source, instrument, stuck.clone(), clock::now()).await.is_ok() {
            vigil.said(stuck);
        }
    }

    /// The largest file that is taken: a workbook is unpacked in memory.
    fn limit(&self) -> Limit {
        let file = Limit { bytes: self.settings.longest, key: "max_file_mib" };
        let workbook = Limit { bytes: self.settings.longest_workbook, key: "max_workbook_mib" };
        match &self.instrument.profile.dialect {
            Dialect::Table(table)
                if matches!(table.format, TableFormat::Workbook { .. }) && workbook.bytes < file.bytes =>
            {
                workbook
            }
            _ => file,
        }
    }

    fn pause(&self, looks: u64, failures: u32) -> Duration {
        let mut chance = DefaultHasher::new();
        (self.source.name.as_str(), looks, clock::now().as_nanosecond()).hash(&mut chance);
        between_looks(self.settings.every, self.settings.jitter, failures, chance.finish())
    }
}

/// Until the next look: longer after failures, and never quite the same, so that many gateways don't come at once.
fn between_looks(every: Duration, jitter: Duration, failures: u32, chance: u64) -> Duration {
    let usual = every * 2_u32.saturating_pow(failures.saturating_sub(1)).min(PATIENT);
    let thousandths = u32::try_from(chance % 1_000).unwrap_or_default();
    usual + jitter * thousandths / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_spread_by_chance_and_rarer_after_failures() {
        let seconds = Duration::from_secs;
        for (failures, chance, expected) in [
            (0, 0, seconds(30)),
            (0, 500, Duration::from_millis(31_500)),
            (0, 1_999, Duration::from_millis(32_997)),
            (1, 0, seconds(30)),
            (2, 0, seconds(60)),
            (4, 0, seconds(240)),
            (u32::MAX, 0, seconds(240)),
        ] {
            assert_eq!(
                between_looks(seconds(30), seconds(3), failures, chance),
                expected,
                "{failures} {chance}"
            );
        }
    }
}
