//! Under which numbers an analyzer is told of a tube's work, and whether it was told of the tube before: on disk before a byte
//! of it leaves. Never sends.

use sha2::{Digest, Sha256};

use crate::clock;
use crate::config::settings::Instrument;
use crate::domain::SpecimenId;
use crate::domain::profile::{Dialect, Hl7Queries};
use crate::journal::orders::{Stepping, Steps, Telling};
use crate::journal::{Journal, JournalError};
use crate::pipeline::Work;
use crate::wire::ControlIds;

/// Whether the instrument's protocol numbers what is to be done, as IHE LAW does.
fn is_numbered(instrument: &Instrument) -> bool {
    matches!(&instrument.profile.dialect, Dialect::Hl7(dialect) if dialect.queries == Hl7Queries::Law)
}

/// Stands for everything that an analyzer is told beside the tests: where it differs, the analyzer must be told again. IHE LAW
/// names no ward, and what it told it can only take back and tell anew.
pub(super) fn particulars(work: &Work, instrument: &Instrument) -> String {
    let patient = work.patient.reveal();
    let mut hash = Sha256::new();
    let parts = [
        patient.id.as_str(),
        &patient.name,
        &patient.birth_date,
        &patient.sex,
        if is_numbered(instrument) { "" } else { &patient.location },
        work.priority.letter(),
        &work.specimen_kind,
        &work.collected,
    ];
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The work with its numbers, and what is to be taken back with it.
pub(super) async fn told_as(
    journal: &Journal,
    control_ids: &ControlIds,
    instrument: &Instrument,
    specimen: &SpecimenId,
    work: Option<Work>,
) -> Result<(Option<Work>, Steps), JournalError> {
    let steps = if is_numbered(instrument) { Stepping::Numbered } else { Stepping::Unnumbered };
    let tests = work.as_ref().map(|work| work.tests.clone()).unwrap_or_default();
    let telling = Telling {
        instrument: instrument.id.clone(),
        specimen: specimen.clone(),
        fresh: tests.iter().map(|_| control_ids.take().as_str().to_owned()).collect(),
        tests,
        particulars: work.as_ref().map(|work| particulars(work, instrument)).unwrap_or_default(),
        steps,
    };
    let steps = journal.tell_work(telling, clock::now()).await?;
    let work = work.map(|work| Work {
        numbers: steps.numbers.clone(),
        withdrawn: steps.withdrawn.clone(),
        is_known: steps.is_known,
        ..work
    });
    Ok((work, steps))
}
