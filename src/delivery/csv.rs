//! The CSV that a folder receives: one specimen's results, one a line, as RFC 4180 has it, in UTF-8. Texts stand as the
//! analyzer sent them; a program that takes some for formulas must be told not to.

use crate::config::settings::Mode;
use crate::domain::{InstrumentTime, Observation, Order, RangeFlag, Reported, SampleClass, Status, Value};
use crate::journal::decisions::StoredDecision;
use crate::journal::ledger::{Consignment, Item, Says};

/// The columns; new ones go to the end.
const COLUMNS: [&str; 51] = [
    "key",
    "result",
    "version",
    "supersedes",
    "instrument",
    "specimen",
    "class",
    "status",
    "code",
    "aspect",
    "component",
    "dilution",
    "replicate",
    "lims_code",
    "loinc",
    "comparator",
    "value",
    "no_value",
    "unit",
    "reference_range",
    "flags",
    "started",
    "completed",
    "operator",
    "specimen_type",
    "patient_id",
    "patient_name",
    "comments",
    "test",
    "converted_value",
    "converted_unit",
    "converted_exact",
    "converted_loinc",
    "value_code",
    "value_system",
    "value_text",
    "dilution_factor",
    "dilution_applied_by",
    "order_placer",
    "order_filler",
    "order_patient_id",
    "order_patient_authority",
    "order_patient_name",
    "order_doubts",
    "site_range",
    "site_range_unit",
    "site_flag",
    "moved_from",
    "patient_authority",
    "unit_declared",
    "findings",
];

/// Renders a consignment. The same consignment gives the same bytes.
///
/// # Errors
/// The record of a call: a line is a result.
pub fn render(mode: Mode, consignment: &Consignment) -> Result<Vec<u8>, String> {
    if consignment.call.is_some() {
        return Err("csv has no place for critical calls".to_owned());
    }
    let mut text = COLUMNS.join(",") + "\r\n";
    for item in &consignment.items {
        let fields = line(mode, consignment, item);
        text.push_str(&fields.map(|field| quoted(&field)).join(","));
        text.push_str("\r\n");
    }
    Ok(text.into_bytes())
}

fn line(mode: Mode, consignment: &Consignment, item: &Item) -> [String; COLUMNS.len()] {
    let it = &item.observation;
    let patient = it.patient.reveal();
    let (comparator, value, no_value) = match item.says {
        Says::Void(void) => ("", "", void.text()),
        Says::Result | Says::Preliminary => value(it),
    };
    let is_void = matches!(item.says, Says::Void(_));
    let comments: Vec<&str> = it.comments.iter().map(|comment| comment.text.reveal().as_str()).collect();
    let converted = it.reported().filter(|_| !is_void);
    let reported = |part: &dyn Fn(&Reported) -> String| converted.map(part).unwrap_or_default();
    let range = it.site_range.as_ref().and_then(|it| it.as_ref().ok());
    let coding = it.value.coding().filter(|_| !is_void);
    let ordered = |part: &dyn Fn(&Order) -> String| item.order().map(part).unwrap_or_default();
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        consignment.key.clone(),
        item.id.to_string(),
        item.version.to_string(),
        item.supersedes.map(|id| id.to_string()).unwrap_or_default(),
        it.instrument.to_string(),
        consignment.specimen.reveal().to_owned(),
        class(it.class).to_owned(),
        status(item).to_owned(),
        it.test.code.clone(),
        it.test.aspect.clone(),
        it.test.component.clone(),
        it.test.dilution.clone(),
        it.replicate.to_string(),
        or_empty(&it.lims_code),
        or_empty(&it.loinc),
        comparator.to_owned(),
        value.to_owned(),
        no_value.to_owned(),
        or_empty(&it.unit),
        or_empty(&it.reference_range),
        it.flags.join(" "),
        time(it.started.as_ref()),
        time(it.completed.as_ref()),
        it.operator.as_ref().map(|operator| operator.reveal().clone()).unwrap_or_default(),
        or_empty(&it.specimen_type),
        patient.id.clone(),
        patient.name.clone(),
        comments.join("; "),
        if mode == Mode::Test { "test" } else { "" }.to_owned(),
        reported(&|it| it.number.to_string()),
        reported(&|it| it.unit.clone()),
        reported(&|it| it.exact.clone()),
        reported(&|it| or_empty(&it.loinc)),
        coding.map(|it| it.code.clone()).unwrap_or_default(),
        coding.map(|it| it.system.name()).unwrap_or_default().to_owned(),
        coding.and_then(|it| it.text.clone()).unwrap_or_default(),
        it.dilution.as_ref().map(|it| it.factor.to_string()).unwrap_or_default(),
        it.dilution.as_ref().map(|it| it.applied_by.name()).unwrap_or_default().to_owned(),
        ordered(&|order| order.placer.clone()),
        ordered(&|order| order.filler.clone()),
        ordered(&|order| order.patient.reveal().id.clone()),
        ordered(&|order| order.patient.reveal().authority.clone()),
        ordered(&|order| order.patient.reveal().name.clone()),
        item.marked().iter().map(|doubt| doubt.name()).collect::<Vec<_>>().join(" "),
        range.map(|it| it.range.shown()).unwrap_or_default(),
        range.and_then(|it| it.unit.clone()).unwrap_or_default(),
        range.and_then(|it| it.flag).map(RangeFlag::letter).unwrap_or_default().to_owned(),
        item.moved.as_ref().map(|it| it.specimen.reveal().to_owned()).unwrap_or_default(),
        patient.authority.clone(),
        it.declared_unit().map(|_| "declared").unwrap_or_default().to_owned(),
        item.findings().iter().map(StoredDecision::finding).collect::<Vec<_>>().join(". "),
    ]
}

/// Comparator, value, and why there is none.
fn value(observation: &Observation) -> (&'static str, &str, &str) {
    match &observation.value {
        Value::Absent { reason } => ("", "", reason),
        _ if observation.is_without_value() => ("", "", "failed"),
        Value::Quantity { comparator, number } => {
            (comparator.map(|comparator| comparator.as_str()).unwrap_or_default(), number.as_str(), "")
        }
        Value::Code { code, .. } => ("", code, ""),
        Value::Text(text) => ("", text, ""),
    }
}

fn class(class: SampleClass) -> &'static str {
    match class {
        SampleClass::Patient => "patient",
        SampleClass::Control => "control",
        SampleClass::Calibration => "calibration",
    }
}

fn status(item: &Item) -> &'static str {
    match (item.says, item.observation.status) {
        (Says::Void(_), _) => "void",
        (Says::Preliminary, _) | (_, Status::Preliminary) => "preliminary",
        (_, Status::Final) => "final",
        (_, Status::Correction) => "correction",
        (_, Status::Failed) => "failed",
    }
}

/// UTC where it is known, else the text as sent.
fn time(time: Option<&InstrumentTime>) -> String {
    let Some(time) = time else { return String::new() };
    time.instant.map_or_else(|| time.text.clone(), |instant| instant.to_string())
}

fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\r', '\n']) || field.starts_with(' ') || field.ends_with(' ') {
        return format!("\"{}\"", field.replace('"', "\"\""));
    }
    field.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::sample::{
        consignment, converted, doubted, glucose, moved, number, ordered, plain, positive, ranged, told,
    };
    use crate::domain::{Comparator, UnitSource};
    use crate::journal::ledger::Void;

    #[test]
    fn what_signed_rules_found_stands_in_the_last_column() {
        let text = String::from_utf8(render(Mode::Live, &doubted(Says::Result)).unwrap()).unwrap();
        let line = text.lines().nth(1).unwrap();
        let found = "delta: rise; by glucose-delta; limits > 50 %; seen glucose was 2.10 at 2026-01-01T03:04:05Z on erba. index: found; by haemolysis";
        assert!(line.ends_with(&format!(",,{found}")), "{line}");
    }

    #[test]
    fn each_result_is_a_line() {
        let failed = Observation { status: Status::Failed, ..plain("K", number(None, "9.99")) };
        let low = plain("NA", number(Some(Comparator::Less), "100"));
        let text = String::from_utf8(render(Mode::Live, &consignment(vec![glucose(), low, failed])).unwrap())
            .unwrap();
        let lines: Vec<&str> = text.split("\r\n").collect();
        let patient = "SERUM,EX-77,Example^Anna,,";
        assert_eq!(
            lines,
            [
                COLUMNS.join(","),
                format!(
                    "0a1b2c3d-42,1,1,,erba,EX0001,patient,final,GLCC,,,,1,GLU,2345-7,,5.40,,mg/dl,4.0 - 6.1,N,,\
                     2026-01-02T03:04:05Z,op7,{patient},,,,,,,,,,,,,,,,,,,,,,"
                ),
                format!(
                    "0a1b2c3d-42,2,1,,erba,EX0001,patient,final,NA,,,,1,,,<,100,,,,,,,,{patient},,,,,,,,,,,,,,,,,,,,,,"
                ),
                format!(
                    "0a1b2c3d-42,3,1,,erba,EX0001,patient,failed,K,,,,1,,,,,failed,,,,,,,{patient},,,,,,,,,,,,,,,,,,,,,,"
                ),
                String::new(),
            ]
        );
    }

    #[test]
    fn what_is_void_has_no_value_and_what_was_moved_says_from_where() {
        for (consignment, expected) in [
            (told(Says::Preliminary), (",patient,preliminary,GLCC,", ",5.40,,mg/dl,", ",")),
            (
                told(Says::Void(Void::Misread)),
                (",patient,void,GLCC,", ",,,void: its specimen number was misread", ","),
            ),
            (
                told(Says::Void(Void::Recoded)),
                (",patient,void,GLCC,", ",,,void: it was told under the wrong test code", ","),
            ),
            (moved(), (",patient,final,GLCC,", ",5.40,,mg/dl,", ",EX0009,,,")),
        ] {
            let text = String::from_utf8(render(Mode::Live, &consignment).unwrap()).unwrap();
            let line = text.lines().nth(1).unwrap();
            let (status, value, end) = expected;
            assert!(line.contains(status) && line.contains(value), "{line}");
            assert!(line.ends_with(end), "{line}");
        }
    }

    #[test]
    fn what_goes_to_a_folder_under_test_says_so_in_every_line() {
        let text = String::from_utf8(render(Mode::Test, &consignment(vec![glucose()])).unwrap()).unwrap();
        assert!(text.ends_with(",test,,,,,,,,,,,,,,,,,,,,,,\r\n"), "{text}");
    }

    #[test]
    fn a_converted_value_stands_beside_the_one_that_was_sent() {
        let text = String::from_utf8(render(Mode::Live, &consignment(vec![converted()])).unwrap()).unwrap();
        let line = text.lines().nth(1).unwrap();
        assert!(line.contains(",5.40,,mg/dl,4.0 - 6.1,N,"), "{line}");
        assert!(line.ends_with(",0.30,mmol/L,1500/5003,14749-6,,,,,,,,,,,,,,,,,,"), "{line}");
    }

    #[test]
    fn a_declared_unit_says_so_in_its_column() {
        let declared = Observation { unit_source: UnitSource::Declared, ..glucose() };
        let text = String::from_utf8(render(Mode::Live, &consignment(vec![declared])).unwrap()).unwrap();
        let line = text.lines().nth(1).unwrap();
        assert!(line.contains(",5.40,,mg/dl,") && line.ends_with(",declared,"), "{line}");
    }

    #[test]
    fn the_laboratorys_range_is_in_the_last_columns() {
        let text =
            String::from_utf8(render(Mode::Live, &consignment(vec![ranged(Some(RangeFlag::High))])).unwrap())
                .unwrap();
        let line = text.lines().nth(1).unwrap();
        assert!(line.contains(",4.0 - 6.1,N,") && line.ends_with(",3.9-5.3,mg/dl,H,,,,"), "{line}");
    }

    #[test]
    fn a_qualitative_value_stands_as_sent_and_at_the_end_as_the_site_calls_it() {
        let text = String::from_utf8(render(Mode::Live, &consignment(vec![positive()])).unwrap()).unwrap();
        let line = text.lines().nth(1).unwrap();
        assert!(
            line.contains(",HBS,,,,1,,,,POS,,") && line.ends_with(",10828004,snomed,Positive,,,,,,,,,,,,,,,"),
            "{line}"
        );
    }

    #[test]
    fn the_order_stands_behind_its_result() {
        let text = String::from_utf8(render(Mode::Live, &ordered()).unwrap()).unwrap();
        let line = text.lines().nth(1).unwrap();
        assert!(line.contains(",EX-77,Example^Anna,"), "{line}");
        assert!(line.ends_with(",P-9,F-3,EX-78,HOSP,Example^Anne,other-patient,,,,,,,"), "{line}");
    }

    #[test]
    fn a_field_is_quoted_where_it_would_be_taken_for_more() {
        for (field, expected) in [
            ("5.40", "5.40"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            (" 7", "\" 7\""),
        ] {
            assert_eq!(quoted(field), expected, "{field:?}");
        }
    }
}
