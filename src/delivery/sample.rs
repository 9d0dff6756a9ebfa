//! Invented results for the tests of the renderers.

use jiff::Timestamp;

use crate::domain::call::{Agreement, Attempt, CallOutcome, IdentifierKind, Opening, Tell};
use crate::domain::{
    AppliedBy, AppliedRange, CodeSystem, Coding, Comparator, Conversion, DecimalText, DestinationId,
    Dilution, InstrumentId, InstrumentTime, Observation, Order, OrderDoubt, OrderKey, OrderState, Patient,
    Priority, Private, Range, RangeFlag, Reported, SampleClass, SpecimenId, Standing, Status, TestIdentity,
    Value,
};
use crate::journal::calls::Reason;
use crate::journal::decisions::StoredDecision;
use crate::journal::ledger::{CallNote, Consignment, Item, Noted, Origin, Says};
use crate::journal::orders::{CachedOrder, OrderId, Ordered};
use crate::journal::{CallId, ObservationId};

pub(super) fn glucose() -> Observation {
    let time = |text: &str, instant: &str| {
        Some(InstrumentTime { text: text.to_owned(), instant: Some(instant.parse().unwrap()) })
    };
    Observation {
        instrument: InstrumentId::new("erba"),
        profile: "erba-xl/1".to_owned(),
        specimen: SpecimenId::new("EX0001"),
        specimen_as_sent: Private::new("EX0001".to_owned()),
        patient: Private::new(Patient {
            id: "EX-77".to_owned(),
            authority: String::new(),
            name: "Example^Anna".to_owned(),
            birth_date: "19700101".to_owned(),
            sex: "F".to_owned(),
            location: String::new(),
        }),
        class: SampleClass::Patient,
        test: TestIdentity { code: "GLCC".to_owned(), ..TestIdentity::default() },
        replicate: 1,
        value: number(None, "5.40"),
        value_as_sent: "5.40".to_owned(),
        unit: Some("mg/dl".to_owned()),
        unit_source: crate::domain::UnitSource::Sent,
        dilution: None,
        conversion: None,
        reference_range: Some("4.0 - 6.1".to_owned()),
        site_range: None,
        flags: vec!["N".to_owned()],
        status: Status::Final,
        status_as_sent: "F".to_owned(),
        standing: Standing::Clear,
        started: None,
        completed: time("20260102040405", "2026-01-02T03:04:05Z"),
        operator: Some(Private::new("op7".to_owned())),
        analyzer_unit: Some("SN-1".to_owned()),
        position: None,
        priority: Some("R".to_owned()),
        specimen_type: Some("SERUM".to_owned()),
        lims_code: Some("GLU".to_owned()),
        loinc: Some("2345-7".to_owned()),
        comments: Vec::new(),
        attachments: Vec::new(),
        record: 3,
    }
}

/// The glucose, with what signed rules made of it.
pub(super) fn converted() -> Observation {
    let reported = Reported {
        number: DecimalText::parse("0.30", '.').unwrap(),
        unit: "mmol/L".to_owned(),
        loinc: Some("14749-6".to_owned()),
        exact: "1500/5003".to_owned(),
        factor: "2500/45039".to_owned(),
        offset: "0".to_owned(),
        basis: "molar mass 180.156 g/mol (two books)".to_owned(),
    };
    let conversion =
        Conversion { analyte: "glucose".to_owned(), rules: "ab".repeat(32), outcome: Ok(reported) };
    Observation { conversion: Some(conversion), ..glucose() }
}

/// A qualitative value that the site has a code for.
pub(super) fn positive() -> Observation {
    let coding =
        Coding { code: "10828004".to_owned(), system: CodeSystem::Snomed, text: Some("Positive".to_owned()) };
    let value = Value::Code { code: "POS".to_owned(), coding: Some(coding) };
    Observation { value_as_sent: "POS".to_owned(), ..plain("HBS", value) }
}

/// The glucose, with the site's range for a woman.
pub(super) fn ranged(flag: Option<RangeFlag>) -> Observation {
    let end = |text| DecimalText::parse(text, '.');
    let range = Range { low: end("3.9"), high: end("5.3"), text: None };
    let (unit, band) = (Some("mg/dl".to_owned()), Private::new("female, from 18 y".to_owned()));
    Observation { site_range: Some(Ok(AppliedRange { range, unit, band, flag })), ..glucose() }
}

/// A value that was multiplied here.
pub(super) fn diluted() -> Observation {
    let factor = DecimalText::parse("10", '.').unwrap();
    let test = TestIdentity { code: "CRP".to_owned(), dilution: "10".to_owned(), ..TestIdentity::default() };
    Observation {
        test,
        value_as_sent: "31.2".to_owned(),
        dilution: Some(Dilution { factor, applied_by: AppliedBy::Gateway }),
        ..plain("CRP", number(None, "312.0"))
    }
}

pub(super) fn number(comparator: Option<Comparator>, text: &str) -> Value {
    Value::Quantity { comparator, number: DecimalText::parse(text, '.').unwrap() }
}

/// A test without anything but its code and value.
pub(super) fn plain(code: &str, value: Value) -> Observation {
    Observation {
        test: TestIdentity { code: code.to_owned(), ..TestIdentity::default() },
        value,
        unit: None,
        unit_source: crate::domain::UnitSource::Sent,
        reference_range: None,
        site_range: None,
        flags: Vec::new(),
        completed: None,
        operator: None,
        analyzer_unit: None,
        lims_code: None,
        loinc: None,
        ..glucose()
    }
}

/// The glucose with its order, whose patient the analyzer names otherwise.
pub(super) fn ordered() -> Consignment {
    let patient = Patient {
        id: "EX-78".to_owned(),
        authority: "HOSP".to_owned(),
        name: "Example^Anne".to_owned(),
        birth_date: "19700101".to_owned(),
        sex: "F".to_owned(),
        location: "WARD3".to_owned(),
    };
    let label = SpecimenId::new("EX0001");
    let order = Order {
        key: OrderKey { number: "P-9".to_owned(), specimen: label.clone(), test: "GLU".to_owned() },
        labels: vec![label],
        parent: None,
        test_name: "Glucose".to_owned(),
        placer: "P-9".to_owned(),
        filler: "F-3".to_owned(),
        priority: Priority::Stat,
        specimen_kind: "SER".to_owned(),
        collected: String::new(),
        patient: Private::new(patient),
    };
    let order = CachedOrder {
        id: OrderId(1),
        source: "orders lims".to_owned(),
        state: OrderState::Active,
        order,
        placed_at: Timestamp::UNIX_EPOCH,
        changed_at: Timestamp::UNIX_EPOCH,
    };
    let mut consignment = consignment(vec![glucose()]);
    for item in &mut consignment.items {
        item.ordered = Some(Ordered { order: Some(order.clone()), marked: vec![OrderDoubt::OtherPatient] });
    }
    consignment
}

pub(super) fn consignment(observations: Vec<Observation>) -> Consignment {
    let items = (1..).zip(observations).map(|(id, observation)| Item {
        id: ObservationId(id),
        version: 1,
        supersedes: None,
        received_at: Timestamp::UNIX_EPOCH,
        observation,
        ordered: None,
        earlier: Vec::new(),
        says: Says::Result,
        announced: false,
        moved: None,
        recoded: false,
        found: Vec::new(),
    });
    Consignment {
        destination: DestinationId::new("lims"),
        key: "0a1b2c3d-42".to_owned(),
        specimen: SpecimenId::new("EX0001"),
        made_at: "2026-01-02T03:04:06Z".parse().unwrap(),
        items: items.collect(),
        call: None,
    }
}

/// The glucose as a destination is told of it beside the result itself.
pub(super) fn told(says: Says) -> Consignment {
    let mut consignment = consignment(vec![glucose()]);
    for item in &mut consignment.items {
        item.says = says;
    }
    consignment
}

/// The glucose, which came under another number.
pub(super) fn moved() -> Consignment {
    let mut consignment = consignment(vec![glucose()]);
    for item in &mut consignment.items {
        item.version = 2;
        item.moved = Some(Origin {
            specimen: SpecimenId::new("EX0009"),
            by: "Dora Example".to_owned(),
            reason: Private::new("scanned by hand".to_owned()),
            at: Timestamp::UNIX_EPOCH,
        });
    }
    consignment
}

/// The glucose, in which signed rules found two things.
pub(super) fn doubted(says: Says) -> Consignment {
    let texts = |them: &[&str]| them.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let finding = |check: &str, ruling: &str, rules: &[&str], holds: bool| StoredDecision {
        check: check.to_owned(),
        rules: texts(rules),
        ruling: ruling.to_owned(),
        inputs: Vec::new(),
        thresholds: Vec::new(),
        holds,
        rounding_decides: false,
    };
    let rise = StoredDecision {
        inputs: texts(&["glucose was 2.10 at 2026-01-01T03:04:05Z on erba"]),
        thresholds: texts(&["> 50 %"]),
        ..finding("delta", "rise", &["glucose-delta"], true)
    };
    let mut consignment = told(says);
    for item in &mut consignment.items {
        item.found = vec![rise.clone(), finding("index", "found", &["haemolysis"], false)];
    }
    consignment
}

/// What was recorded of a call about the glucose: a right value, read back.
pub(super) fn called() -> Consignment {
    let private = |text: &str| Private::new(text.to_owned());
    let attempt = Attempt {
        by: "Dora Example".to_owned(),
        made_at: "2026-01-02T03:05:00Z".parse().unwrap(),
        outcome: CallOutcome::Confirmed,
        to: "Bert Sample".to_owned(),
        role: "physician on duty".to_owned(),
        identifiers: vec![
            (IdentifierKind::Name, private("Example, Anna")),
            (IdentifierKind::BirthDate, private("1970-01-01")),
        ],
        value: private("5.4 mg/dl"),
        note: private("repeats it"),
    };
    noted(Noted::Attempt { attempt, agreement: Agreement::WHOLE })
}

/// Another record of that call.
pub(super) fn noted(noted: Noted) -> Consignment {
    let mut consignment = consignment(vec![glucose()]);
    let item = consignment.items.remove(0);
    let note = CallNote {
        call: CallId(3),
        number: 17,
        reason: Reason::Opened(Opening::Critical),
        tell: Private::new(Tell::of(&item.observation)),
        item,
        verified: Some(("Emil Example".to_owned(), "2026-01-02T03:04:30Z".parse().unwrap())),
        noted,
        account: "mgarcia".to_owned(),
        recorded_at: "2026-01-02T03:06:00Z".parse().unwrap(),
    };
    consignment.call = Some(Box::new(note));
    consignment
}
