//! What is compared between a result as it was sent and as a server holds it: value, unit, status and codes, whatever
//! else stands around them. Numbers are compared as decimals, exactly: a server may write 5.4 for 5.40, never 5.41.

use std::collections::BTreeSet;

use serde_json::Value;

use super::identity::hash;

/// What servers add to a resource of their own accord.
const SERVERS_OWN: [&str; 5] = ["id", "meta", "text", "implicitRules", "language"];

/// What an Observation says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    status: String,
    value: String,
    unit: String,
    /// A unit's system and code.
    coded_unit: String,
    codes: BTreeSet<String>,
}

impl Facts {
    pub fn of(observation: &Value) -> Facts {
        let text = |pointer: &str| observation.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        Facts {
            status: text("/status").to_owned(),
            value: values(observation).join("; "),
            unit: text("/valueQuantity/unit").to_owned(),
            coded_unit: format!("{}|{}", text("/valueQuantity/system"), text("/valueQuantity/code")),
            codes: codes(observation.get("code")).collect(),
        }
    }

    /// In what a server's copy differs from what was sent. A server may add codes and a coded unit.
    pub fn differences(&self, found: &Facts) -> Vec<&'static str> {
        let coded_unit = self.coded_unit == "|" || self.coded_unit == found.coded_unit;
        [
            ("value", self.value == found.value),
            ("unit", self.unit == found.unit && coded_unit),
            ("status", self.status == found.status),
            ("code", self.codes.is_subset(&found.codes)),
        ]
        .into_iter()
        .filter_map(|(what, same)| (!same).then_some(what))
        .collect()
    }

    /// A short sign of what this version of a result said.
    pub fn token(&self, identity: &str) -> String {
        hash(["version", identity, &self.status, &self.value, &self.unit])
    }
}

/// Each `value[x]` and the absence of one, in one way of writing.
fn values(observation: &Value) -> Vec<String> {
    let members = observation.as_object().into_iter().flatten();
    let mut values: Vec<String> = members
        .filter(|(name, _)| name.starts_with("value") || *name == "dataAbsentReason")
        .map(|(name, value)| match name.as_str() {
            "valueQuantity" => {
                let comparator = value.get("comparator").and_then(Value::as_str).unwrap_or_default();
                format!("{name} {comparator}{}", value.get("value").and_then(decimal).unwrap_or_default())
            }
            "valueCodeableConcept" => {
                let text = value.get("text").and_then(Value::as_str).unwrap_or_default();
                let codes: BTreeSet<String> = codes(Some(value)).collect();
                format!("{name} {codes:?} {text}")
            }
            "dataAbsentReason" => name.clone(),
            _ => format!("{name} {value}"),
        })
        .collect();
    values.sort();
    values
}

fn codes(concept: Option<&Value>) -> impl Iterator<Item = String> {
    let codings = concept.and_then(|concept| concept.get("coding")).and_then(Value::as_array);
    codings.into_iter().flatten().map(|coding| {
        let text = |name: &str| coding.get(name).and_then(Value::as_str).unwrap_or_default();
        format!("{}|{}", text("system"), text("code"))
    })
}

/// A number in its shortest digits: `5.40`, `5.4` and `54e-1` alike. `None` for anything else.
fn decimal(value: &Value) -> Option<String> {
    let Value::Number(number) = value else { return None };
    let text = number.as_str();
    let (sign, unsigned) = text.strip_prefix('-').map_or(("", text), |unsigned| ("-", unsigned));
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.parse::<i64>().ok()?.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some("0".to_owned());
    }
    let zeros = digits.len() - digits.trim_end_matches('0').len();
    let exponent = exponent.checked_add(i64::try_from(zeros).ok()?)?;
    Some(format!("{sign}{significant}e{exponent}"))
}

/// What a server's copy holds that putting ours in its place would lose: members that ours hasn't, and a patient whom
/// somebody else has found for it.
pub fn additions<'a>(ours: &Value, found: &'a Value) -> Vec<&'a str> {
    let members = found.as_object().into_iter().flatten();
    members
        .filter(|(name, _)| !SERVERS_OWN.contains(&name.as_str()))
        .filter(|(name, value)| match (name.as_str(), ours.get(name.as_str())) {
            ("subject", Some(ours)) => ours.get("identifier") != value.get("identifier"),
            (name, None) => !name.starts_with("value") && name != "dataAbsentReason" && !may_differ(name),
            _ => false,
        })
        .map(|(name, _)| name.as_str())
        .collect()
}

/// Members that an earlier version of ours may have had and this one hasn't.
fn may_differ(name: &str) -> bool {
    matches!(
        name,
        "effectiveDateTime" | "effectivePeriod" | "interpretation" | "note" | "referenceRange" | "performer"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn exact(number: &str) -> Value {
        serde_json::from_str(number).unwrap()
    }

    #[test]
    fn numbers_are_compared_as_decimals() {
        for (a, b, same) in [
            ("5.40", "5.4", true),
            ("5.40", "54e-1", true),
            ("5.40", "5.41", false),
            ("100", "1E+2", true),
            ("0.00", "-0", true),
            ("-1.5", "1.5", false),
            ("0.0000001", "1e-7", true),
            ("0.30000000000000004", "0.3", false),
            ("12345678901234567890", "12345678901234567000", false),
        ] {
            let facts = |number: &str| {
                let value: Value = serde_json::from_str(&format!("{{\"value\":{number}}}")).unwrap();
                Facts::of(&json!({ "valueQuantity": value }))
            };
            assert_eq!(facts(a).differences(&facts(b)).is_empty(), same, "{a} {b}");
        }
        let text = Facts::of(&json!({ "valueQuantity": { "value": "5.4" } }));
        let number = Facts::of(&json!({ "valueQuantity": { "value": exact("5.4") } }));
        assert_eq!(number.differences(&text), ["value"], "a text is no number");
    }

    #[test]
    fn each_fact_is_compared() {
        let sent = json!({
            "status": "final",
            "code": { "coding": [{ "system": "s", "code": "K" }] },
            "valueQuantity": { "value": exact("4.1"), "comparator": "<", "unit": "mmol/l", "system": "u", "code": "mmol/L" }
        });
        let changed = |pointer: &str, to: Value| {
            let mut found = sent.clone();
            *found.pointer_mut(pointer).unwrap() = to;
            Facts::of(&sent).differences(&Facts::of(&found))
        };
        assert_eq!(changed("/status", json!("final")), [""; 0]);
        assert_eq!(changed("/status", json!("amended")), ["status"]);
        assert_eq!(changed("/valueQuantity/value", exact("4.2")), ["value"]);
        assert_eq!(changed("/valueQuantity/comparator", json!(">")), ["value"]);
        assert_eq!(changed("/valueQuantity/unit", json!("mg/dl")), ["unit"]);
        assert_eq!(changed("/valueQuantity/code", json!("mg/dL")), ["unit"]);
        assert_eq!(changed("/code/coding/0/code", json!("NA")), ["code"]);
        let more = json!([{ "system": "t", "code": "X" }, { "system": "s", "code": "K" }]);
        assert_eq!(changed("/code/coding", more), [""; 0]);
        let mut failed = sent.clone();
        failed.as_object_mut().unwrap().insert("dataAbsentReason".to_owned(), json!({}));
        assert_eq!(Facts::of(&sent).differences(&Facts::of(&failed)), ["value"]);
    }

    #[test]
    fn what_others_added_is_noticed() {
        let ours = json!({ "status": "corrected", "valueQuantity": { "value": 1 } });
        let found = |more: Value| {
            let mut found =
                json!({ "id": "7", "meta": {}, "status": "final", "valueString": "x", "note": [] });
            found.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            additions(&ours, &found).join(" ")
        };
        assert_eq!(found(json!({})), "");
        assert_eq!(found(json!({ "subject": { "reference": "Patient/1" } })), "subject");
        assert_eq!(found(json!({ "basedOn": [], "encounter": {} })), "basedOn encounter");
        let named = json!({ "subject": { "identifier": { "value": "7" } } });
        let linked = json!({ "subject": { "identifier": { "value": "7" }, "reference": "Patient/1" } });
        let other = json!({ "subject": { "reference": "Patient/1" } });
        assert!(additions(&named, &linked).is_empty(), "the server found the patient that we name");
        assert_eq!(additions(&named, &other), ["subject"]);
    }
}
