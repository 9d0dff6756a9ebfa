//! Where results are held, in words: each destination holds a result back by itself, and another may have it already. And the rows
//! of the lists of them, with what whoever decides must know of each.

use std::collections::{BTreeMap, BTreeSet};

use super::Page;
use super::clock::Clock;
use super::hold::{EvidenceRows, patient, rows};
use super::shell::{self, HeldRow};
use super::snapshot::{LIST, Snapshot};
use crate::domain::{Words, counted, words};
use crate::journal::views::{Evidence, HoldView};
use crate::journal::{JournalError, ObservationId, Reader};

/// Of how many held results a list tells what is known beside them; of the others their own pages do.
const KNOWN: usize = 100;

/// What is known beside a held result.
pub(super) struct HeldKnown {
    /// By the LIMS's order; without one, by the analyzer.
    pub patient: Vec<(Words, String)>,
    /// The analyzer named another one.
    pub is_other: bool,
    /// What the rules that hold it found, with their limits and numbers.
    pub rules: Vec<Words>,
    /// The patient's latest earlier value.
    pub previous: Option<Words>,
    /// The open critical call about it.
    pub call: Option<i64>,
}

impl HeldKnown {
    fn of(view: &HoldView, evidence: &Evidence, snapshot: &Snapshot, clock: &Clock) -> HeldKnown {
        let holding = Evidence {
            decisions: evidence.decisions.iter().filter(|it| it.holds).cloned().collect(),
            ..evidence.clone()
        };
        let EvidenceRows { ordered, is_other, decisions, previous, .. } = rows(&holding, &view.detail, clock);
        let is_about = |it: &&crate::journal::calls::CallView| {
            it.happened.iter().any(|event| event.observation == view.observation)
        };
        HeldKnown {
            patient: ordered.into_iter().next().unwrap_or_else(|| patient(&view.detail)),
            is_other,
            rules: decisions,
            previous: previous.into_iter().next(),
            call: snapshot.calls.iter().find(is_about).map(|call| call.id.0),
        }
    }
}

impl Page {
    /// The held results of which this is true, each with what is known beside it, as of one moment.
    pub(super) async fn held_rows(
        &self,
        is_shown: impl Fn(&HoldView) -> bool + Send + 'static,
    ) -> Result<(Snapshot, Vec<HeldRow>), JournalError> {
        let sources = self.sources_of_orders();
        let (snapshot, (held, known)) = self
            .read(move |reader| {
                let mut held = reader.held(LIST)?;
                held.retain(|it| is_shown(it));
                let known = known(reader, held.iter().take(KNOWN), &sources)?;
                Ok((held, known))
            })
            .await?;
        let clock = self.clock(&snapshot);
        let rows = held.iter().map(|it| row(it, &known, &snapshot, &clock)).collect();
        Ok((snapshot, rows))
    }

    /// The oldest held results of a snapshot, as the lists show them.
    pub(super) async fn oldest_held(
        &self,
        few: usize,
        snapshot: &Snapshot,
        clock: &Clock,
    ) -> Result<Vec<HeldRow>, JournalError> {
        let held: Vec<HoldView> = snapshot.held.iter().take(few).cloned().collect();
        if held.is_empty() {
            return Ok(Vec::new());
        }
        let sources = self.sources_of_orders();
        let read = move |reader: &Reader| Ok((known(reader, held.iter(), &sources)?, held));
        let (known, held) = self.readers.read(read).await?;
        Ok(held.iter().map(|it| row(it, &known, snapshot, clock)).collect())
    }
}

fn known<'a>(
    reader: &Reader,
    held: impl Iterator<Item = &'a HoldView>,
    sources: &BTreeSet<String>,
) -> Result<BTreeMap<ObservationId, Evidence>, JournalError> {
    held.map(|it| Ok((it.observation, reader.evidence_in_short(it.observation, &it.detail, sources)?)))
        .collect()
}

fn row(
    view: &HoldView,
    known: &BTreeMap<ObservationId, Evidence>,
    snapshot: &Snapshot,
    clock: &Clock,
) -> HeldRow {
    HeldRow {
        known: known.get(&view.observation).map(|it| HeldKnown::of(view, it, snapshot, clock)),
        ..shell::held(view, clock)
    }
}

/// How many results are held, and where they aren't for that.
pub(super) fn headline(snapshot: &Snapshot) -> Words {
    let held = snapshot.waiting.held;
    let at = snapshot.destinations.iter().map(|it| (&it.name, it.sums.of("held"))).filter(|(_, n)| *n > 0);
    let at: Vec<Words> = at.map(|(name, n)| words!("{n} not in {name}", n, name)).collect();
    let is_one = snapshot.destinations.len() <= 1 || at.is_empty();
    match is_one {
        true => counted!(
            held,
            "{n} result is held and not in the LIMS.",
            "{n} results are held and not in the LIMS."
        ),
        false => {
            let at = Words::row(at, ", ");
            counted!(held, "{n} result is held: {lacking}.", "{n} results are held: {lacking}.", lacking = at)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::lead::tests::calm_bench;

    #[test]
    fn where_there_are_several_destinations_each_that_lacks_a_held_result_is_named() {
        let mut bench = calm_bench();
        bench.waiting.held = 3;
        assert_eq!(headline(&bench), "3 results are held and not in the LIMS.");
        bench.destinations[0].sums.states.insert("held".to_owned(), 3);
        assert_eq!(headline(&bench), "3 results are held and not in the LIMS.");
        let mut archive = bench.destinations[0].clone();
        archive.name = "archive".to_owned();
        archive.sums.states.insert("held".to_owned(), 0);
        bench.destinations.push(archive);
        assert_eq!(headline(&bench), "3 results are held: 3 not in lims.");
        bench.destinations[1].sums.states.insert("held".to_owned(), 1);
        assert_eq!(headline(&bench), "3 results are held: 3 not in lims, 1 not in archive.");
    }
}
