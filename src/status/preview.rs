//! What could be read of a transmission that was cut, for the page of its bytes. Shown, and nothing else.

use std::collections::BTreeMap;

use super::lead::{Lead, Severity};
use super::shell::test_name;
use crate::config::Settings;
use crate::domain::{InstrumentId, SpecimenId, words};
use crate::journal::read::Pending;
use crate::journal::views::MessageView;
use crate::pipeline::runner::reading;
use crate::pipeline::{Reading, forms, preview};

/// How each configured instrument is read, by name.
pub(super) type Readings = BTreeMap<String, Reading>;

pub(super) fn readings(settings: &Settings) -> Readings {
    settings.instruments.iter().map(|it| (it.id.to_string(), reading(it))).collect()
}

/// The readable part, ready to show.
pub(super) struct Cut {
    pub tubes: Vec<TubeRow>,
    /// The last record broke off and isn't shown.
    pub unfinished: bool,
}

pub(super) struct TubeRow {
    /// Empty where none was sent.
    pub specimen: String,
    /// Test, value as sent, unit.
    pub results: Vec<(String, String, String)>,
}

/// The most cut transmissions that are searched for a specimen, the newest first.
pub(super) const SEARCHED: usize = 100;

/// The numbers under which a specimen with this label can be known.
pub(super) fn known_as(label: &str, readings: &Readings) -> Vec<SpecimenId> {
    forms(label, readings.values().map(|reading| &reading.specimen))
}

/// The cut transmissions in which a specimen can be read, with their instruments.
pub(super) fn naming(
    specimen: &SpecimenId,
    cut: &[(InstrumentId, Pending)],
    readings: &Readings,
) -> Vec<(i64, String)> {
    let names = |(sender, message): &&(InstrumentId, Pending)| {
        let Some(reading) = readings.get(sender.as_str()) else { return false };
        preview(&message.content, reading).specimens.iter().any(|tube| tube.specimen == *specimen)
    };
    cut.iter().filter(names).map(|(sender, it)| (it.message.0, sender.to_string())).collect()
}

/// Of a specimen that is known from a cut transmission only.
pub(super) fn lead() -> Lead {
    Lead {
        severity: Severity::Act,
        headline: words!("Its transmission was cut short: nothing of it is in the LIMS."),
        then: words!("Have the analyzer send it again. What arrived stands below and is never delivered."),
    }
}

/// `None` for a message that wasn't cut, and where nobody knows whose it is or how that instrument is read.
pub(super) fn cut(view: &MessageView, content: &[u8], readings: &Readings) -> Option<Cut> {
    if view.state != "incomplete" {
        return None;
    }
    let read = preview(content, readings.get(view.instrument.as_deref()?)?);
    let tubes = read.specimens.into_iter().map(|tube| TubeRow {
        specimen: tube.specimen.reveal().to_owned(),
        results: tube
            .results
            .into_iter()
            .map(|it| (test_name(&it.test), it.value, it.unit.unwrap_or_default()))
            .collect(),
    });
    Some(Cut { tubes: tubes.collect(), unfinished: read.unfinished })
}
