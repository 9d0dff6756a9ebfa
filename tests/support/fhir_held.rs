//! What a FHIR server holds, compared with what analyzers saw acknowledged. It reads the resources as a LIMS would and
//! knows nothing of how the gateway makes them.

use labsim::generate::ExpectedResult;
use labsim::lims::Discrepancy;
use serde_json::Value;

use crate::oracle::Held;

/// The versions of each Observation, oldest first, each with its specimen's number.
pub(crate) struct FhirHeld {
    pub(crate) observations: Vec<(String, Vec<Value>)>,
}

impl Held for FhirHeld {
    fn missing(&self, acknowledged: &[ExpectedResult]) -> Vec<Discrepancy> {
        let check = |expected: &ExpectedResult| {
            let is_it = |(specimen, versions): &&(String, Vec<Value>)| {
                *specimen == expected.specimen && versions.iter().any(|version| stands_for(version, expected))
            };
            let times = self.observations.iter().filter(is_it).count();
            (times != 1).then(|| Discrepancy { expected: expected.clone(), times })
        };
        acknowledged.iter().filter_map(check).collect()
    }

    fn surplus(&self) -> Vec<String> {
        let newest = |(specimen, versions): &(String, Vec<Value>)| {
            let it = versions.last().unwrap();
            let said = ["code", "valueQuantity", "valueString", "valueCodeableConcept", "status", "note"];
            (specimen.clone(), said.map(|member| it[member].to_string()))
        };
        let all: Vec<_> = self.observations.iter().map(newest).collect();
        let doubled = all.iter().enumerate().filter(|(at, one)| all[..*at].contains(one));
        doubled.map(|(_, (specimen, said))| format!("{} of {specimen} was taken twice", said[0])).collect()
    }
}

/// Whether this is how the LIMS holds what the analyzer sent, apart from the specimen.
fn stands_for(observation: &Value, expected: &ExpectedResult) -> bool {
    let own = observation["code"]["coding"].as_array().unwrap().last().unwrap();
    let mut parts = own["code"].as_str().unwrap().split('/');
    let notes = observation["note"].as_array().map(Vec::as_slice).unwrap_or_default();
    let replicate = notes.iter().find_map(|note| note["text"].as_str()?.strip_prefix("replicate "));
    parts.next() == Some(expected.code.as_str())
        && parts.next().unwrap_or_default() == expected.aspect
        && replicate.unwrap_or("1") == expected.replicate.to_string()
        && says(observation, &expected.value)
}

/// Whether the value is the one that was sent. What is no value at all is no value here either.
fn says(observation: &Value, sent: &str) -> bool {
    let unspaced = |text: &str| text.split_whitespace().collect::<String>();
    let sent = unspaced(sent.split('!').next().unwrap_or_default());
    let text = |pointer: &str| observation.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if let Some(number) = observation.pointer("/valueQuantity/value") {
        return format!("{}{number}", text("/valueQuantity/comparator")) == sent;
    }
    if observation.get("dataAbsentReason").is_some() {
        return !sent.contains(|c: char| c.is_ascii_digit());
    }
    [text("/valueString"), text("/valueCodeableConcept/coding/0/code"), text("/valueCodeableConcept/text")]
        .iter()
        .any(|said| !said.is_empty() && unspaced(said) == sent)
}
