//! What could be read of a transmission that was cut, for the page of its bytes, and which messages hold a specimen's number
//! in what nobody could read. Shown, and nothing else.

use std::collections::BTreeMap;

use super::lead::{Lead, Severity};
use super::shell::test_name;
use crate::config::Settings;
use crate::domain::{InstrumentId, SpecimenId, words};
use crate::journal::read::Pending;
use crate::journal::views::MessageView;
use crate::journal::{JournalError, MessageId, Reader};
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

/// The messages in whose bytes one of these numbers stands by itself, each with its instrument. At most `SEARCHED` of them
/// are looked through.
pub(super) fn holding(
    reader: &Reader,
    numbers: &[SpecimenId],
    messages: &[(MessageId, Option<String>)],
) -> Result<Vec<(i64, String)>, JournalError> {
    let mut holding = Vec::new();
    for (message, instrument) in messages.iter().take(SEARCHED) {
        let content = match reader.content(*message) {
            Err(JournalError::Elsewhere(_)) => continue,
            content => content?,
        };
        if numbers.iter().any(|number| stands_in(&content, number.reveal().as_bytes())) {
            holding.push((message.0, instrument.clone().unwrap_or_default()));
        }
    }
    Ok(holding)
}

/// Whether it stands there, and is no part of a longer number or word.
fn stands_in(content: &[u8], number: &[u8]) -> bool {
    let is_apart = |byte: Option<&u8>| byte.is_none_or(|it| !it.is_ascii_alphanumeric());
    let stands = |(at, window): (usize, &[u8])| {
        let before = at.checked_sub(1).and_then(|at| content.get(at));
        window == number && is_apart(before) && is_apart(content.get(at + number.len()))
    };
    !number.is_empty() && content.windows(number.len()).enumerate().any(stands)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_in_a_message_by_itself_and_not_within_another() {
        for (content, is_there) in [
            ("T002\tK\t4.1", true),
            ("O|1|T002^1|", true),
            ("the tube T002", true),
            ("AT002\tK", false),
            ("T0021\tT002", true),
            ("T0021", false),
            ("", false),
        ] {
            assert_eq!(stands_in(content.as_bytes(), b"T002"), is_there, "{content}");
        }
        assert!(!stands_in(b"anything", b""));
    }
}
