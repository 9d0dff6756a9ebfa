//! Where the LIMS is asked for patients' earlier values.

use std::time::Duration;

use labwire_units::Aliases;

use super::Web;
use crate::domain::Observation;

/// A LIMS that tells what it has of a patient.
#[derive(Debug, Clone)]
pub struct HistorySettings {
    /// With `{patient}`, and where they belong `{authority}`, `{code}` and `{since}`.
    pub url: String,
    pub web: Web,
    pub format: HistoryFormat,
    pub codes: HistoryCodes,
    /// Of whose orders the patients are that it knows; `None`: no LIMS tells orders, and patients bear the numbers that the
    /// analyzers send.
    pub orders: Option<String>,
    /// Whose patients' numbers it takes where it isn't told whose a number is; empty: those of nobody in particular.
    pub authority: String,
    /// What it writes for which UCUM unit.
    pub units: Aliases,
    /// How far back it is asked, in whole days.
    pub days: u16,
    /// How long a result waits for the answer, in whole seconds.
    pub wait: Duration,
}

/// What it answers in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryFormat {
    /// labwire's own, as docs/history.schema.json describes it.
    Json,
    /// A FHIR R4 searchset of Observations. Codes are of this system; `None`: the first that there is.
    Fhir { code_system: Option<String> },
}

/// What it calls a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryCodes {
    Loinc,
    /// By its own codes, as results go to it.
    Lims,
}

impl HistorySettings {
    /// Whether it can tell whose a number of this authority is.
    pub fn knows(&self, authority: &str) -> bool {
        self.url.contains("{authority}") || self.authority == authority
    }

    /// By which code it knows an observation's test; `None` where it doesn't.
    pub fn code<'a>(&self, observation: &'a Observation) -> Option<&'a str> {
        match self.codes {
            HistoryCodes::Loinc => observation.loinc.as_deref(),
            HistoryCodes::Lims => Some(observation.lims_code.as_deref().unwrap_or(&observation.test.code)),
        }
    }

    /// Whether each test is asked about by itself.
    pub fn is_by_code(&self) -> bool {
        self.url.contains("{code}")
    }
}
