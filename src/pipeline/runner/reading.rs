//! How an instrument's messages are read, by what is configured for it.

use std::sync::Arc;

use crate::config::settings::Instrument;
use crate::domain::Rules;
use crate::pipeline::Reading;

/// How an instrument's messages are read, without any rules.
pub fn reading(instrument: &Instrument) -> Reading {
    Reading {
        instrument: instrument.id.clone(),
        profile: Arc::clone(&instrument.profile),
        time_zone: instrument.time_zone.clone(),
        character_set: instrument.character_set,
        decimal_separator: instrument.decimal_separator,
        specimen: instrument.specimen.clone(),
        codes: Arc::clone(&instrument.codes),
        panels: instrument.panels.clone(),
        specimen_kinds: instrument.specimen_kinds.clone(),
        units: instrument.units.clone(),
        rules: None,
    }
}

/// How an instrument's results are read by rules.
pub fn reading_by(instrument: &Instrument, rules: &Arc<Rules>) -> Reading {
    Reading { rules: Some(Arc::clone(rules)), ..reading(instrument) }
}
