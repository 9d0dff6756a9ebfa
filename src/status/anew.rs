//! A held result as the configuration that runs now would read it, for its page, and the decision to have it so. It asks the
//! runner and changes nothing by looking.

mod json;

use std::time::Duration;

use super::Page;
use super::failure::Failure;
use super::sessions::Visitor;
use super::shell::unit;
use super::words::refused;
use crate::domain::{DestinationId, Observation, Words, words};
use crate::journal::ObservationId;
use crate::journal::decisions::StoredDecision;
use crate::journal::people::on_the_page;
use crate::journal::reevaluate::{Became, Looked, Said};

pub(super) use json::{preview as preview_as_json, record as record_as_json};

/// How long a page waits for the runner, which may be reading a long message.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a held result would become, ready to show.
pub(super) struct Anew {
    /// What it would be, or why it would stay as it is.
    pub says: Words,
    /// What rules find of it then, and why it waits or where it leaves for.
    pub then: Vec<Words>,
    /// There is something to do.
    pub is_other: bool,
}

impl Page {
    /// What a result would become; nothing where no other configuration can change it, or nobody answers in time.
    pub(super) async fn would_become(&self, id: ObservationId, detail: &Observation) -> Option<Anew> {
        detail.held_by_reading().next()?;
        let looked = tokio::time::timeout(PATIENCE, self.control.read_anew(vec![id], None)).await;
        let looked = looked.ok()?.ok()?.into_iter().next()?;
        Some(shown(looked))
    }

    /// Has it so, in the name of whoever signed in. Says what became of it.
    pub(super) async fn reevaluate(
        &self,
        visitor: &Visitor,
        id: ObservationId,
        reason: String,
    ) -> Result<Words, Failure> {
        let said = Said { by: visitor.shown.clone(), account: on_the_page(&visitor.name), reason };
        let looked = self.control.read_anew(vec![id], Some(said)).await;
        let looked = looked.map_err(|why| Failure::Refused(refused(&why)))?.into_iter().next();
        match looked.map(|looked| looked.became) {
            Some(Ok(became)) => Ok(outcome(&became)),
            Some(Err(why)) => Err(Failure::Refused(refused(&why))),
            None => Err(Failure::Render),
        }
    }
}

fn shown(looked: Looked) -> Anew {
    match looked.became {
        Err(why) => {
            let says = words!("It would stay as it is: {why}.", why = refused(&why));
            Anew { says, then: Vec::new(), is_other: false }
        }
        Ok(became) => {
            let it = became.observation.reveal();
            let value = Words::row([it.value_as_sent.as_str().into(), unit(it)], " ");
            let found = became.decisions.iter().map(StoredDecision::words);
            let then = found.chain([outcome(&became)]).collect();
            Anew { says: words!("It would be {value}.", value), then, is_other: true }
        }
    }
}

/// Why it waits then, and where it leaves for.
fn outcome(became: &Became) -> Words {
    let it = became.observation.reveal();
    let names = |of: Vec<&DestinationId>| of.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let [voids, begins, corrects] = [
        names(became.voids().collect()),
        names(became.begins_at().collect()),
        names(became.corrects().collect()),
    ];
    let mut said = Vec::new();
    if became.is_recoded {
        said.push(words!("It goes by another code: {code}.", code = it.code_at_the_lims()));
    }
    if !voids.is_empty() {
        said.push(words!("{names} is told that it is void by the code before.", names = voids));
    }
    if !begins.is_empty() {
        said.push(words!("It leaves for {names}.", names = begins));
    }
    if !corrects.is_empty() {
        said.push(words!("It leaves for {names} as a correction.", names = corrects));
    }
    let why = Words::row(became.holds.iter().map(|reason| it.why_held(*reason)), "; ");
    match (became.leaves.is_empty(), became.holds.is_empty()) {
        (true, true) => said.push(words!("It leaves for no destination.")),
        (true, false) => said.push(words!("It is held: {why}.", why)),
        (false, true) => {}
        (false, false) => said.push(words!("It waits elsewhere: {why}.", why)),
    }
    Words::row(said, " ")
}
