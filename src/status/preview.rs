//! What could be read of a transmission that was cut, for the page of its bytes. Shown, and nothing else.

use std::collections::BTreeMap;

use super::shell::test_name;
use crate::config::Settings;
use crate::journal::views::MessageView;
use crate::pipeline::runner::reading;
use crate::pipeline::{Reading, preview};

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
