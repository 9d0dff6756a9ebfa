//! The HL7 v2.5.1 message that a LIMS receives: one specimen's results as ORU^R01 or OUL^R22. It writes what is known
//! and guesses nothing: analyzers name no panel, so each test is an order of its own, but for what the LIMS ordered as one.
//! Histograms and other attachments don't travel this way.

mod call;
mod moment;
mod result;

use labwire_hl7::message::{Charset, Draft, Separators, Value};

use crate::config::settings::{Awaited, Hl7, MessageKind, Mode};
use crate::domain::{
    Observation, Order, Patient, SampleClass, Status, is_object_identifier, parts_of_authority,
};
use crate::journal::ledger::{Consignment, Item};

/// The most characters of MSH-10 before version 2.7.
const LONGEST_KEY: usize = 20;

/// Renders a consignment. The same consignment gives the same bytes; the key is MSH-10.
///
/// # Errors
/// A key that doesn't fit MSH-10: shortened it might be another message's. With eight characters of the journal's
/// epoch that is beyond the hundred thousand millionth delivery.
pub fn render(hl7: &Hl7, awaited: Awaited, mode: Mode, consignment: &Consignment) -> Result<Vec<u8>, String> {
    if consignment.key.len() > LONGEST_KEY {
        return Err(format!("the key {} is too long for MSH-10; begin a new journal", consignment.key));
    }
    let mut draft = Draft::new(Separators::USUAL, Charset::UTF_8);
    header(&mut draft, hl7, awaited, mode, consignment);
    if let Some(note) = &consignment.call {
        call::write(&mut draft, hl7.message, note, consignment);
        return Ok(draft.finish());
    }
    patient(&mut draft, consignment.items.iter());
    let orders = orders(&consignment.items);
    if hl7.message == MessageKind::OulR22 {
        specimen(&mut draft, consignment);
    }
    for (number, order) in (1..).zip(&orders) {
        request(&mut draft, number, order, consignment);
        for (number, item) in (1..).zip(order) {
            result::write(&mut draft, number, item);
        }
        if hl7.message == MessageKind::OruR01 {
            specimen(&mut draft, consignment);
        }
    }
    Ok(draft.finish())
}

fn header(draft: &mut Draft, hl7: &Hl7, awaited: Awaited, mode: Mode, consignment: &Consignment) {
    let names = [
        &hl7.sending_application,
        &hl7.sending_facility,
        &hl7.receiving_application,
        &hl7.receiving_facility,
    ];
    let names = names.map(|name| components(name));
    let [from_application, from_facility, to_application, to_facility] =
        names.each_ref().map(|name| Value::Components(name));
    let made_at = moment::utc(consignment.made_at);
    let kind: [&[u8]; 3] = match hl7.message {
        MessageKind::OruR01 => [b"ORU", b"R01", b"ORU_R01"],
        MessageKind::OulR22 => [b"OUL", b"R22", b"OUL_R22"],
    };
    let (accept, application): (&[u8], &[u8]) = match awaited {
        Awaited::Application => (b"", b""),
        Awaited::Commit => (b"AL", b"NE"),
        Awaited::Both => (b"AL", b"AL"),
    };
    // HL7 table 0103.
    let processing: &[u8] = if mode == Mode::Test { b"T" } else { b"P" };
    draft.segment(
        b"MSH",
        [
            (3, from_application),
            (4, from_facility),
            (5, to_application),
            (6, to_facility),
            (7, Value::Text(made_at.as_bytes())),
            (9, Value::Components(&kind)),
            (10, Value::Text(consignment.key.as_bytes())),
            (11, Value::Text(processing)),
            (12, Value::Text(b"2.5.1")),
            (15, Value::Text(accept)),
            (16, Value::Text(application)),
            (18, Value::Text(b"UNICODE UTF-8")),
        ],
    );
}

/// The patient as the LIMS knows them by the orders, else as the analyzers said, as far as they agree. The specimen is
/// what identifies; a control has no patient.
fn patient<'a>(draft: &mut Draft, items: impl Iterator<Item = &'a Item> + Clone) {
    if items.clone().any(|item| item.observation.class != SampleClass::Patient) {
        return;
    }
    let agreed = |of: fn(&Patient) -> &String| {
        let mut said = items.clone().map(|item| of(item.patient()).as_str()).filter(|text| !text.is_empty());
        let first = said.next().unwrap_or_default();
        if said.all(|other| other == first) { first } else { "" }
    };
    let name = components(agreed(|patient| &patient.name));
    let location = components(agreed(|patient| &patient.location));
    let id = agreed(|patient| &patient.id).as_bytes();
    let mut authorities = items.clone().map(|item| item.patient().authority.as_str());
    let authority =
        authorities.next().filter(|first| authorities.all(|other| other == *first)).unwrap_or_default();
    let (name_of_authority, identifier) = parts_of_authority(authority);
    let name_of_authority = name_of_authority.replace("\\T\\", "&");
    // What kind of identifier another one is, nobody has said, and HL7 wants that beside it.
    let assigned: &[&[u8]] = match is_object_identifier(identifier) {
        true => &[name_of_authority.as_bytes(), identifier.as_bytes(), b"ISO"],
        false => &[name_of_authority.as_bytes()],
    };
    let number: &[&[&[u8]]] =
        if authority.is_empty() { &[&[id]] } else { &[&[id], &[b""], &[b""], assigned] };
    draft.segment(
        b"PID",
        [
            (1, Value::Text(b"1")),
            (3, Value::Subcomponents(number)),
            (5, Value::Components(&name)),
            (7, Value::Text(agreed(|patient| &patient.birth_date).as_bytes())),
            (8, Value::Text(agreed(|patient| &patient.sex).as_bytes())),
        ],
    );
    if location.iter().any(|part| !part.is_empty()) {
        draft.segment(
            b"PV1",
            [(1, Value::Text(b"1")), (2, Value::Text(b"U")), (3, Value::Components(&location))],
        );
    }
}

/// The parts of a text that has `^` between them.
fn components(text: &str) -> Vec<&[u8]> {
    text.split('^').map(str::as_bytes).collect()
}

/// Results of one order, or of one test on one instrument, in the order of their first. Those of a panel stand together.
fn orders(items: &[Item]) -> Vec<Vec<&Item>> {
    let mut orders: Vec<Vec<&Item>> = Vec::new();
    for item in items {
        let same = |other: &&Item| {
            let (a, b) = (&item.observation, &other.observation);
            let numbers = |item: &Item| item.order().map(|order| (order.key.clone(), order.filler.clone()));
            let same_test = (&a.test.code, &a.lims_code) == (&b.test.code, &b.lims_code);
            let of_a_panel = panel(item).is_some() && panel(other).is_some();
            a.instrument == b.instrument && (same_test || of_a_panel) && numbers(item) == numbers(other)
        };
        match orders.iter_mut().find(|order| order.first().is_some_and(same)) {
            Some(order) => order.push(item),
            None => orders.push(vec![item]),
        }
    }
    orders
}

/// The order of a result that the LIMS ordered under another code than the test's own.
fn panel(item: &Item) -> Option<&Order> {
    let observation = &item.observation;
    let own = observation.lims_code.as_ref().unwrap_or(&observation.test.code);
    item.order().filter(|order| order.key.test != *own)
}

fn request(draft: &mut Draft, number: usize, order: &[&Item], consignment: &Consignment) {
    let Some(item) = order.first() else { return };
    let first = &item.observation;
    let test = match panel(item) {
        Some(order) => [&order.key.test, order.test_name.as_str(), "L"].map(str::as_bytes).to_vec(),
        None => test(first),
    };
    let (placer, filler) = item.order().map_or(("", ""), |it| (it.placer.as_str(), it.filler.as_str()));
    if item.order().is_some() {
        draft.segment(
            b"ORC",
            [
                (1, Value::Text(b"RE")),
                (2, Value::Text(placer.as_bytes())),
                (3, Value::Text(filler.as_bytes())),
            ],
        );
    }
    let filler = if filler.is_empty() { consignment.specimen.reveal() } else { filler };
    draft.segment(
        b"OBR",
        [
            (1, Value::Text(number.to_string().as_bytes())),
            (2, Value::Text(placer.as_bytes())),
            (3, Value::Text(filler.as_bytes())),
            (4, Value::Components(&test)),
            (5, Value::Text(first.priority.as_deref().unwrap_or_default().as_bytes())),
            (25, Value::Text(status(order))),
        ],
    );
}

/// A test's code with its name and its alternate: what the LIMS calls it, else what the instrument does, and the LOINC.
fn test(observation: &Observation) -> Vec<&[u8]> {
    let own = observation.test.code.as_str();
    let code = observation.lims_code.as_deref().unwrap_or(own);
    let mut parts = vec![code, own, "L"];
    let reported = observation.reported().and_then(|reported| reported.loinc.as_ref());
    if let Some(loinc) = reported.or(observation.loinc.as_ref()) {
        parts.extend([loinc.as_str(), "", "LN"]);
    }
    parts.into_iter().map(str::as_bytes).collect()
}

/// What an order's results amount to.
fn status(order: &[&Item]) -> &'static [u8] {
    let of = |wanted: Status| order.iter().any(|item| item.observation.status == wanted);
    let says = |wanted: &[u8]| order.iter().any(|item| result::status(item) == wanted);
    if order.iter().all(|item| result::status(item) == b"X") {
        b"X"
    } else if of(Status::Preliminary) || says(b"P") {
        b"P"
    } else if says(b"W") || of(Status::Correction) || says(b"C") {
        b"C"
    } else {
        b"F"
    }
}

fn specimen(draft: &mut Draft, consignment: &Consignment) {
    let about = consignment.call.iter().map(|note| &note.item);
    let results = consignment.items.iter().chain(about).map(|item| &item.observation);
    let first = results.clone().next();
    let role: &[u8] = match first.map(|observation| observation.class) {
        Some(SampleClass::Control) => b"Q",
        Some(SampleClass::Calibration) => b"C",
        Some(SampleClass::Patient) | None => b"P",
    };
    let mut types = results.filter_map(|it| it.specimen_type.as_deref());
    let kind = types.next().filter(|kind| types.all(|other| other == *kind)).unwrap_or_default();
    draft.segment(
        b"SPM",
        [
            (1, Value::Text(b"1")),
            (2, Value::Text(consignment.specimen.reveal().as_bytes())),
            (4, Value::Text(kind.as_bytes())),
            (11, Value::Text(role)),
        ],
    );
}

#[cfg(test)]
mod tests;
