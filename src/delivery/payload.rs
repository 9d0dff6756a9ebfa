//! The JSON that a LIMS receives: one specimen's results, as docs/payload.schema.json describes it. This is the
//! payload's own twin of an observation: changing it never touches the domain.

mod call;
mod order;

use serde::Serialize;

use call::CallTwin;
use order::{MovedTwin, OrderTwin, PatientTwin};

use crate::config::settings::Mode;
use crate::domain::{
    AppliedRange, Attachment, Coding, Comment, Conversion, DecimalText, Dilution, InstrumentTime,
    Observation, RangeFlag, Reported, SampleClass, Status, TestIdentity, Value,
};
use crate::journal::decisions::StoredDecision;
use crate::journal::ledger::{Consignment, Item, Says};

/// The payload's format, so that a receiver can refuse what it doesn't know.
pub const SCHEMA: &str = "labwire/results/1";

/// Renders a consignment as JSON. The same consignment gives the same bytes.
pub fn render(site: &str, mode: Mode, consignment: &Consignment) -> Result<Vec<u8>, String> {
    let payload = Payload {
        schema: SCHEMA,
        key: &consignment.key,
        site,
        test: mode == Mode::Test,
        specimen: SpecimenTwin { id: consignment.specimen.reveal() },
        results: consignment.items.iter().map(ResultTwin::of).collect(),
        calls: consignment.call.iter().map(|call| CallTwin::of(call)).collect(),
    };
    serde_json::to_vec(&payload).map_err(|error| format!("failed to render a payload: {error}"))
}

#[derive(Serialize)]
struct Payload<'a> {
    schema: &'static str,
    /// The idempotency key, also in the header.
    key: &'a str,
    site: &'a str,
    /// The destination is under test: nothing of this may reach a patient's record.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    test: bool,
    specimen: SpecimenTwin<'a>,
    results: Vec<ResultTwin<'a>>,
    /// What was recorded of critical calls; such a payload holds no result.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calls: Vec<CallTwin<'a>>,
}

#[derive(Serialize)]
struct SpecimenTwin<'a> {
    id: &'a str,
}

#[derive(Serialize)]
struct ResultTwin<'a> {
    /// What an answer per item must name.
    id: String,
    version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    supersedes: Option<String>,
    received_at: String,
    instrument: &'a str,
    profile: &'a str,
    class: &'static str,
    status: &'static str,
    status_as_sent: &'a str,
    test: TestTwin<'a>,
    replicate: u32,
    value: ValueTwin<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a str>,
    /// The analyzer sent none: its file declares it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unit_declared: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    diluted: Option<DilutedTwin<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    converted: Option<ConvertedTwin<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_converted: Option<NotConvertedTwin<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference_range: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    site_range: Option<RangeTwin<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_site_range: Option<&'a str>,
    flags: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    started: Option<TimeTwin<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed: Option<TimeTwin<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    analyzer_unit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    specimen_type: Option<&'a str>,
    specimen_as_sent: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    moved: Option<MovedTwin<'a>>,
    patient_as_sent: PatientTwin<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<OrderTwin<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    order_doubts: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<FindingTwin<'a>>,
    comments: Vec<CommentTwin<'a>>,
    attachments: Vec<AttachmentTwin<'a>>,
}

#[derive(Serialize)]
struct TestTwin<'a> {
    code: &'a str,
    aspect: &'a str,
    component: &'a str,
    dilution: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    lims_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loinc: Option<&'a str>,
}

/// Numbers travel as text: no reader's floating point may touch them.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum ValueTwin<'a> {
    Quantity {
        #[serde(skip_serializing_if = "Option::is_none")]
        comparator: Option<&'static str>,
        number: &'a str,
        as_sent: &'a str,
    },
    Code {
        code: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        coded: Option<CodingTwin<'a>>,
        as_sent: &'a str,
    },
    Text {
        text: &'a str,
        as_sent: &'a str,
    },
    /// The run gave no value; `reason` says why.
    Absent {
        reason: &'a str,
        as_sent: &'a str,
    },
}

/// The laboratory's own range for this patient.
#[derive(Serialize)]
struct RangeTwin<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    low: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    high: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a str>,
    #[serde(rename = "for", skip_serializing_if = "str::is_empty")]
    band: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    flag: Option<&'static str>,
}

impl<'a> RangeTwin<'a> {
    fn of(it: &'a AppliedRange) -> Self {
        RangeTwin {
            low: it.range.low.as_ref().map(DecimalText::as_str),
            high: it.range.high.as_ref().map(DecimalText::as_str),
            text: it.range.text.as_deref(),
            unit: it.unit.as_deref(),
            band: it.band.reveal(),
            flag: it.flag.map(RangeFlag::letter),
        }
    }
}

/// The value is the undiluted specimen's, by whoever multiplied.
#[derive(Serialize)]
struct DilutedTwin<'a> {
    factor: &'a str,
    applied_by: &'static str,
}

impl<'a> DilutedTwin<'a> {
    fn of(dilution: &'a Dilution) -> Self {
        DilutedTwin { factor: dilution.factor.as_str(), applied_by: dilution.applied_by.name() }
    }
}

/// What the site calls a qualitative value.
#[derive(Serialize)]
struct CodingTwin<'a> {
    code: &'a str,
    system: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

/// The value in the unit that the laboratory reports; `value` and `unit` stay as sent.
#[derive(Serialize)]
struct ConvertedTwin<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    comparator: Option<&'static str>,
    number: &'a str,
    unit: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    loinc: Option<&'a str>,
    exact: &'a str,
    factor: &'a str,
    offset: &'a str,
    basis: &'a str,
    analyte: &'a str,
    rules: &'a str,
}

/// Signed rules know the analyte and refused; a person let the value leave as sent.
#[derive(Serialize)]
struct NotConvertedTwin<'a> {
    why: &'a str,
    analyte: &'a str,
    rules: &'a str,
}

#[derive(Serialize)]
struct TimeTwin<'a> {
    as_sent: &'a str,
    /// UTC; absent where the text names no single instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    instant: Option<String>,
}

/// What signed rules found of it.
#[derive(Serialize)]
struct FindingTwin<'a> {
    check: &'a str,
    ruling: &'a str,
    rules: &'a [String],
    text: String,
}

#[derive(Serialize)]
struct CommentTwin<'a> {
    source: &'a str,
    text: &'a str,
    kind: &'a str,
}

#[derive(Serialize)]
struct AttachmentTwin<'a> {
    kind: &'a str,
    content: &'a str,
}

impl<'a> ResultTwin<'a> {
    fn of(item: &'a Item) -> Self {
        let it: &Observation = &item.observation;
        let void = match item.says {
            Says::Void(void) => Some(void),
            Says::Result | Says::Preliminary => None,
        };
        ResultTwin {
            id: item.id.to_string(),
            version: item.version,
            supersedes: item.supersedes.map(|id| id.to_string()),
            received_at: item.received_at.to_string(),
            instrument: it.instrument.as_str(),
            profile: &it.profile,
            class: match it.class {
                SampleClass::Patient => "patient",
                SampleClass::Control => "control",
                SampleClass::Calibration => "calibration",
            },
            status: match (item.says, it.status) {
                (Says::Void(_), _) => "void",
                (Says::Preliminary, _) | (_, Status::Preliminary) => "preliminary",
                (_, Status::Final) => "final",
                (_, Status::Correction) => "correction",
                (_, Status::Failed) => "failed",
            },
            status_as_sent: &it.status_as_sent,
            test: TestTwin::of(&it.test, it.lims_code.as_deref(), it.loinc.as_deref()),
            replicate: it.replicate,
            value: match void {
                Some(void) => ValueTwin::Absent { reason: void.text(), as_sent: &it.value_as_sent },
                None => ValueTwin::of(&it.value, &it.value_as_sent),
            },
            unit: it.unit.as_deref(),
            unit_declared: it.declared_unit().is_some(),
            diluted: it.dilution.as_ref().map(DilutedTwin::of),
            converted: ConvertedTwin::of(it).filter(|_| void.is_none()),
            not_converted: NotConvertedTwin::of(it),
            reference_range: it.reference_range.as_deref(),
            site_range: it.site_range.as_ref().and_then(|it| it.as_ref().ok()).map(RangeTwin::of),
            no_site_range: it.site_range.as_ref().and_then(|it| it.as_ref().err()).map(String::as_str),
            flags: &it.flags,
            started: it.started.as_ref().map(TimeTwin::of),
            completed: it.completed.as_ref().map(TimeTwin::of),
            operator: it.operator.as_ref().map(|operator| operator.reveal().as_str()),
            analyzer_unit: it.analyzer_unit.as_deref(),
            position: it.position.as_deref(),
            priority: it.priority.as_deref(),
            specimen_type: it.specimen_type.as_deref(),
            specimen_as_sent: it.specimen_as_sent.reveal(),
            moved: item.moved.as_ref().map(MovedTwin::of),
            patient_as_sent: PatientTwin::of(it.patient.reveal()),
            order: item.order().map(OrderTwin::of),
            order_doubts: item.marked().iter().map(|doubt| doubt.name()).collect(),
            findings: item.findings().iter().map(FindingTwin::of).collect(),
            comments: it.comments.iter().map(CommentTwin::of).collect(),
            attachments: it.attachments.iter().map(AttachmentTwin::of).collect(),
        }
    }
}

impl<'a> TestTwin<'a> {
    fn of(test: &'a TestIdentity, lims_code: Option<&'a str>, loinc: Option<&'a str>) -> Self {
        let TestIdentity { code, aspect, component, dilution } = test;
        TestTwin { code, aspect, component, dilution, lims_code, loinc }
    }
}

impl<'a> ValueTwin<'a> {
    fn of(value: &'a Value, as_sent: &'a str) -> Self {
        match value {
            Value::Quantity { comparator, number } => ValueTwin::Quantity {
                comparator: comparator.map(|comparator| comparator.as_str()),
                number: number.as_str(),
                as_sent,
            },
            Value::Code { code, coding } => {
                ValueTwin::Code { code, coded: coding.as_ref().map(CodingTwin::of), as_sent }
            }
            Value::Text(text) => ValueTwin::Text { text, as_sent },
            Value::Absent { reason } => ValueTwin::Absent { reason, as_sent },
        }
    }
}

impl<'a> CodingTwin<'a> {
    fn of(coding: &'a Coding) -> Self {
        CodingTwin { code: &coding.code, system: coding.system.name(), text: coding.text.as_deref() }
    }
}

impl<'a> ConvertedTwin<'a> {
    fn of(observation: &'a Observation) -> Option<Self> {
        let Conversion { analyte, rules, outcome } = observation.conversion.as_ref()?;
        let Reported { number, unit, loinc, exact, factor, offset, basis } = outcome.as_ref().ok()?;
        let comparator = observation.value.comparator().map(|comparator| comparator.as_str());
        let (number, loinc) = (number.as_str(), loinc.as_deref());
        Some(ConvertedTwin { comparator, number, unit, loinc, exact, factor, offset, basis, analyte, rules })
    }
}

impl<'a> NotConvertedTwin<'a> {
    fn of(observation: &'a Observation) -> Option<Self> {
        let Conversion { analyte, rules, outcome } = observation.conversion.as_ref()?;
        outcome.as_ref().err().map(|why| NotConvertedTwin { why, analyte, rules })
    }
}

impl<'a> TimeTwin<'a> {
    fn of(time: &'a InstrumentTime) -> Self {
        TimeTwin { as_sent: &time.text, instant: time.instant.map(|instant| instant.to_string()) }
    }
}

impl<'a> FindingTwin<'a> {
    fn of(it: &'a StoredDecision) -> Self {
        FindingTwin { check: &it.check, ruling: &it.ruling, rules: &it.rules, text: it.finding() }
    }
}

impl<'a> CommentTwin<'a> {
    fn of(comment: &'a Comment) -> Self {
        CommentTwin { source: &comment.source, text: comment.text.reveal(), kind: &comment.kind }
    }
}

impl<'a> AttachmentTwin<'a> {
    fn of(attachment: &'a Attachment) -> Self {
        AttachmentTwin { kind: &attachment.kind, content: attachment.content.reveal() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::delivery::sample::{
        called, consignment, converted, diluted, doubted, glucose, moved, noted, ordered, positive, ranged,
        told,
    };
    use crate::domain::Private;
    use crate::journal::ledger::{Noted, Void};

    fn only(observation: Observation) -> Json {
        payload(&consignment(vec![observation]))["results"][0].clone()
    }

    /// As the schema has it.
    fn payload(consignment: &Consignment) -> Json {
        let payload = render("Example", Mode::Live, consignment).unwrap();
        let payload: Json = serde_json::from_slice(&payload).unwrap();
        let schema: Json = serde_json::from_str(include_str!("../../docs/payload.schema.json")).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let faults: Vec<String> = validator.iter_errors(&payload).map(|error| error.to_string()).collect();
        assert_eq!(faults, Vec::<String>::new());
        payload
    }

    #[test]
    fn what_is_void_has_no_value_and_what_was_moved_says_from_where() {
        let only = |consignment: &Consignment| payload(consignment)["results"][0].clone();
        let preliminary = only(&told(Says::Preliminary));
        assert_eq!((&preliminary["status"], &preliminary["id"]), (&json!("preliminary"), &json!("1")));
        assert_eq!(preliminary["value"]["number"], "5.40");
        for (void, why) in
            [(Void::Misread, "misread"), (Void::Recoded, "wrong test code"), (Void::Rejected, "rejected")]
        {
            let it = only(&told(Says::Void(void)));
            assert_eq!((&it["status"], &it["value"]["kind"]), (&json!("void"), &json!("absent")));
            assert!(it["value"]["reason"].as_str().unwrap().contains(why), "{it}");
        }
        let it = only(&moved());
        assert_eq!(
            it["moved"],
            json!({ "from": "EX0009", "by": "Dora Example", "reason": "scanned by hand", "at": "1970-01-01T00:00:00Z" })
        );
        assert_eq!(it["status"], "final");
    }

    #[test]
    fn what_signed_rules_found_goes_along_and_not_with_what_is_void() {
        let found = |says: Says| payload(&doubted(says))["results"][0]["findings"].clone();
        let rise = "delta: rise; by glucose-delta; limits > 50 %; seen glucose was 2.10 at 2026-01-01T03:04:05Z on erba";
        let all = json!([
            { "check": "delta", "ruling": "rise", "rules": ["glucose-delta"], "text": rise },
            { "check": "index", "ruling": "found", "rules": ["haemolysis"], "text": "index: found; by haemolysis" }
        ]);
        assert_eq!((found(Says::Result), found(Says::Preliminary)), (all.clone(), all));
        assert_eq!(found(Says::Void(Void::Rejected)), Json::Null);
    }

    #[test]
    fn a_record_of_a_call_travels_without_any_result() {
        let payload = payload(&called());
        assert_eq!(payload["results"], json!([]));
        assert_eq!(
            payload["calls"],
            json!([{
                "id": "17", "call": "3", "result": "1",
                "test": {
                    "code": "GLCC", "aspect": "", "component": "", "dilution": "", "lims_code": "GLU", "loinc": "2345-7"
                },
                "value": { "kind": "quantity", "number": "5.40", "as_sent": "5.40" }, "unit": "mg/dl",
                "why": "critical", "to_tell": "5.40 mg/dl",
                "verified": { "by": "Emil Example", "at": "2026-01-02T03:04:30Z" },
                "by": "Dora Example", "account": "mgarcia", "recorded_at": "2026-01-02T03:06:00Z",
                "outcome": "confirmed", "called_at": "2026-01-02T03:05:00Z",
                "to": "Bert Sample", "role": "physician on duty",
                "identifiers": [
                    { "kind": "name", "text": "Example, Anna" }, { "kind": "birth-date", "text": "1970-01-01" }
                ],
                "told": { "value": "5.4 mg/dl", "agrees": true, "of_patient": true }, "note": "repeats it"
            }])
        );
        let ended =
            Noted::Ended { by: "Dora Example".to_owned(), reason: Private::new("sent home".to_owned()) };
        let ended = self::payload(&noted(ended));
        assert_eq!(ended["calls"][0]["reason"], "sent home");
        assert!(ended["calls"][0].get("told").is_none());
    }

    #[test]
    fn a_converted_value_stands_beside_the_one_that_was_sent() {
        let result = only(converted());
        assert_eq!(result["value"]["number"], "5.40");
        assert_eq!(result["unit"], "mg/dl");
        assert_eq!(
            result["converted"],
            json!({
                "number": "0.30", "unit": "mmol/L", "loinc": "14749-6", "exact": "1500/5003", "factor": "2500/45039",
                "offset": "0", "basis": "molar mass 180.156 g/mol (two books)", "analyte": "glucose",
                "rules": "ab".repeat(32)
            })
        );
        let plain = only(glucose());
        assert!(plain.get("converted").is_none() && plain.get("not_converted").is_none());
    }

    #[test]
    fn a_qualitative_value_is_told_as_sent_and_as_the_site_calls_it() {
        let result = only(positive());
        assert_eq!(
            result["value"],
            json!({
                "kind": "code", "code": "POS", "as_sent": "POS",
                "coded": { "code": "10828004", "system": "snomed", "text": "Positive" }
            })
        );
    }

    #[test]
    fn a_failed_run_is_told_as_such_and_its_number_is_no_value() {
        let absent = Value::Absent { reason: "clot detected".to_owned() };
        let failed = |it: Observation| Observation { status: Status::Failed, ..it };
        let result =
            only(failed(Observation { value: absent, value_as_sent: "ERR".to_owned(), ..glucose() }));
        assert_eq!(result["status"], "failed");
        assert_eq!(result["value"], json!({ "kind": "absent", "reason": "clot detected", "as_sent": "ERR" }));
        let result = only(failed(glucose()));
        assert_eq!(
            result["status"], "failed",
            "a LIMS that looks at the status takes no number for a result"
        );
    }

    #[test]
    fn the_laboratorys_range_stands_beside_the_instruments() {
        let result = only(ranged(Some(RangeFlag::High)));
        assert_eq!(
            result["site_range"],
            json!({ "low": "3.9", "high": "5.3", "unit": "mg/dl", "for": "female, from 18 y", "flag": "H" })
        );
        assert_eq!((&result["reference_range"], &result["flags"]), (&json!("4.0 - 6.1"), &json!(["N"])));
        let none =
            Observation { site_range: Some(Err("the patient's sex isn't known".to_owned())), ..glucose() };
        assert_eq!(only(none)["no_site_range"], "the patient's sex isn't known");
    }

    #[test]
    fn a_dilution_is_told_with_who_multiplied() {
        let result = only(diluted());
        assert_eq!(result["diluted"], json!({ "factor": "10", "applied_by": "gateway" }));
        assert_eq!(
            (&result["value"]["number"], &result["value"]["as_sent"]),
            (&json!("312.0"), &json!("31.2"))
        );
    }

    #[test]
    fn the_order_goes_with_its_result_and_the_patient_as_the_lims_knows_them() {
        let payload = render("Example", Mode::Live, &ordered()).unwrap();
        let payload: Json = serde_json::from_slice(&payload).unwrap();
        let schema: Json = serde_json::from_str(include_str!("../../docs/payload.schema.json")).unwrap();
        assert!(jsonschema::is_valid(&schema, &payload));
        let result = &payload["results"][0];
        assert_eq!(result["order"]["placer"], "P-9");
        assert_eq!(result["order"]["patient"]["name"], "Example^Anne");
        assert_eq!(result["patient_as_sent"]["name"], "Example^Anna");
        assert_eq!(result["order_doubts"], json!(["other-patient"]));
    }

    #[test]
    fn a_refused_conversion_is_told_with_its_reason() {
        let mut refused = converted();
        refused.conversion.as_mut().unwrap().outcome = Err("no unit".to_owned());
        let result = only(refused);
        assert!(result.get("converted").is_none());
        assert_eq!(result["not_converted"]["why"], "no unit");
    }
}
