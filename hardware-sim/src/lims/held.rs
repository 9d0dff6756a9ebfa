//! One result as the LIMS holds it: read leniently from a delivery, compared by what it says.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::generate::ExpectedResult;

/// One result that was taken. Texts are as the gateway sent them; empty where it sent none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The key of the delivery that brought it.
    pub key: String,
    /// The gateway's id for the observation.
    pub observation: String,
    pub version: u64,
    /// The observation that this one replaces.
    pub supersedes: String,
    pub instrument: String,
    pub specimen: String,
    pub specimen_as_sent: String,
    /// patient, control or calibration.
    pub class: String,
    pub code: String,
    pub aspect: String,
    pub component: String,
    pub dilution: String,
    pub replicate: u64,
    /// The value field as the analyzer sent it.
    pub value: String,
    pub number: String,
    pub unit: String,
    pub status: String,
    /// It came after the observation that replaces it.
    pub late: bool,
}

impl Held {
    /// Whether this is how the LIMS holds what the analyzer sent, apart from the specimen.
    pub(super) fn stands_for(&self, expected: &ExpectedResult) -> bool {
        self.code == expected.code
            && self.aspect == expected.aspect
            && self.replicate == u64::from(expected.replicate)
            && self.value == expected.value
    }

    /// Whether both say the same of one specimen, or are the same version of one observation in the same status.
    pub(super) fn doubles(&self, other: &Held) -> bool {
        let same_observation = self.observation == other.observation
            && self.version == other.version
            && self.status == other.status;
        let replaces = self.supersedes == other.observation || other.supersedes == self.observation;
        same_observation || (self.identity() == other.identity() && !replaces)
    }

    /// All that tells one value of a specimen from another.
    fn identity(&self) -> ([&str; 7], u64) {
        let texts = [
            &self.instrument,
            &self.code,
            &self.aspect,
            &self.component,
            &self.dilution,
            &self.value,
            &self.status,
        ];
        (texts.map(String::as_str), self.replicate)
    }

    pub(super) fn read(key: &str, delivery: &Value, result: &Value) -> Held {
        let text = |at: &str| text(result.pointer(at));
        let value = Some(text("/value/as_sent")).filter(|value| !value.is_empty());
        Held {
            key: key.into(),
            observation: text("/id"),
            version: number(result.pointer("/version")),
            supersedes: text("/supersedes"),
            instrument: text("/instrument"),
            specimen: self::text(delivery.pointer("/specimen/id")),
            specimen_as_sent: text("/specimen_as_sent"),
            class: text("/class"),
            code: text("/test/code"),
            aspect: text("/test/aspect"),
            component: text("/test/component"),
            dilution: text("/test/dilution"),
            replicate: number(result.pointer("/replicate")),
            value: value.unwrap_or_else(|| text("/value/number")),
            number: text("/value/number"),
            unit: text("/unit"),
            status: text("/status"),
            late: false,
        }
    }
}

/// A JSON text as it is, a number as written, everything else empty.
fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// 1 where there is none.
fn number(value: Option<&Value>) -> u64 {
    text(value).parse().unwrap_or(1)
}
