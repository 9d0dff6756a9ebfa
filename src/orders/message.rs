//! What a message of the LIMS says about orders: ORM^O01, OML^O21 and OML^O33, and ADT^A08 and A40 about their
//! patients. Pure. What it can't read it names, order by order; it guesses no specimen, no test and no patient.

mod patients;

use labwire_hl7::message::{Field, Message, Msh, Path, Segment};
use labwire_hl7::transfer::Condition;

use crate::config::settings::OrderPlaces;
use crate::domain::{
    Asks, Order, OrderKey, OrderRequest, OrderState, Patient, PatientChange, Priority, Private, SpecimenId,
    authority,
};

/// The longest text that a label, number or code may have, in characters.
const LONGEST: usize = 80;

/// What a message is.
#[derive(Debug)]
pub(super) enum Read {
    Orders(Vec<Item>),
    Patients(Vec<PatientChange>),
    /// None that is taken here.
    NotForUs(Condition),
    /// It is for us and can't be read as a whole, and why; the reason names no patient.
    Unreadable(&'static str),
}

/// One order of a message.
#[derive(Debug)]
pub(super) struct Item {
    /// The ordinal of its ORC.
    pub(super) common: usize,
    /// The ordinal of its OBR, where there is one.
    pub(super) detail: Option<usize>,
    /// The ordinal of its SPM, where there is one.
    pub(super) specimen: Option<usize>,
    /// What the LIMS wants, or why that can't be read.
    pub(super) request: Result<OrderRequest, String>,
}

/// Reads one message.
pub(super) fn read(message: &Message<'_>, header: &Msh<'_>, places: &OrderPlaces) -> Read {
    let (kind, event) = (header.message_type().component(1), header.message_type().component(2));
    if !header.is_version_2() {
        return Read::NotForUs(Condition::UnsupportedVersion);
    }
    if !matches!(header.processing().component(1).raw(), b"" | b"P") {
        return Read::NotForUs(Condition::UnsupportedProcessing);
    }
    match (kind.raw(), event.raw()) {
        (b"ORM", b"O01" | b"") | (b"OML", b"O21") => orders(message, Leads::Order, places),
        (b"OML", b"O33") => orders(message, Leads::Specimen, places),
        (b"ADT", b"A08" | b"A40") => patients::changes(message),
        (b"ORM" | b"OML" | b"ADT", _) => Read::NotForUs(Condition::UnsupportedEvent),
        _ => Read::NotForUs(Condition::UnsupportedMessageType),
    }
}

/// Whether specimens follow their order or orders their specimen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leads {
    Order,
    Specimen,
}

/// The segments that belong to one order.
#[derive(Clone, Default)]
struct Group<'a> {
    common: Option<Segment<'a>>,
    detail: Option<Segment<'a>>,
    timing: Option<Segment<'a>>,
    specimens: Vec<Segment<'a>>,
    containers: Vec<Segment<'a>>,
}

/// What is around all orders of a message.
#[derive(Default)]
struct Around<'a> {
    patient: Option<Segment<'a>>,
    visit: Option<Segment<'a>>,
}

fn orders(message: &Message<'_>, leads: Leads, places: &OrderPlaces) -> Read {
    let (around, groups) = match groups(message, leads) {
        Ok(grouped) => grouped,
        Err(why) => return Read::Unreadable(why),
    };
    if groups.is_empty() {
        return Read::Unreadable("it holds no ORC segment, so no order");
    }
    let item = |group: &Group<'_>| {
        let ordinal = |segment: &Option<Segment<'_>>| segment.as_ref().map(Segment::ordinal);
        Some(Item {
            common: ordinal(&group.common)?,
            detail: ordinal(&group.detail),
            specimen: group.specimens.first().map(Segment::ordinal),
            request: request(group, &around, places),
        })
    };
    Read::Orders(groups.iter().filter_map(item).collect())
}

/// A second patient would be one of earlier results, whose orders nothing tells from those that are wanted.
fn groups<'a>(message: &Message<'a>, leads: Leads) -> Result<(Around<'a>, Vec<Group<'a>>), &'static str> {
    let (mut around, mut groups) = (Around::default(), Vec::<Group<'a>>::new());
    let mut base = Group::default();
    for segment in message.segments() {
        match segment.name() {
            b"PID" if around.patient.is_some() => return Err("it names more than one patient"),
            b"PID" if !groups.is_empty() => return Err("its patient stands behind an order"),
            b"PID" => around.patient = Some(segment),
            b"PV1" if groups.is_empty() => around.visit = Some(segment),
            b"SPM" if leads == Leads::Specimen => {
                base = Group { specimens: vec![segment], ..Group::default() };
            }
            b"SAC" if leads == Leads::Specimen => base.containers.push(segment),
            b"SPM" | b"SAC" => {
                let Some(group) = groups.last_mut() else {
                    return Err("a specimen stands before every order");
                };
                let list = if segment.is(b"SPM") { &mut group.specimens } else { &mut group.containers };
                list.push(segment);
            }
            b"ORC" => groups.push(Group { common: Some(segment), ..base.clone() }),
            b"OBR" => match groups.last_mut() {
                None => return Err("an OBR stands without an ORC before it"),
                Some(group) if group.detail.is_none() => group.detail = Some(segment),
                Some(group) => {
                    let common = group.common;
                    groups.push(Group { common, detail: Some(segment), ..base.clone() });
                }
            },
            b"TQ1" => {
                if let Some(group) = groups.last_mut() {
                    group.timing = group.timing.or(Some(segment));
                }
            }
            _ => {}
        }
    }
    // Earlier results that come with an order ask for nothing.
    groups.retain(|group| group.text(b"ORC", 1, 1) != "PR");
    Ok((around, groups))
}

fn request(group: &Group<'_>, around: &Around<'_>, places: &OrderPlaces) -> Result<OrderRequest, String> {
    let control = group.text(b"ORC", 1, 1);
    let asks = asks(&control, &group.text(b"ORC", 5, 1))?;
    if group.specimens.len() > 1 {
        return Err("it names several specimens for one order; send an order for each".to_owned());
    }
    let order = order(group, around, places)?;
    let key = &order.key;
    match asks {
        Asks::Become(_) if key.number.is_empty() && key.specimen.is_blank() => {
            return Err("it names neither a number nor a specimen, so no order".to_owned());
        }
        Asks::Place | Asks::Change if key.specimen.is_blank() => {
            let shown: Vec<String> = places.specimen.iter().map(Path::to_string).collect();
            return Err(format!("it names no specimen at {}; see specimen_at in [orders]", shown.join(", ")));
        }
        Asks::Place | Asks::Change if key.test.is_empty() => {
            return Err("it names no test in OBR-4".to_owned());
        }
        _ => {}
    }
    Ok(OrderRequest { asks, order })
}

/// By HL7 table 0119, as the LIMS may send it.
fn asks(control: &str, status: &str) -> Result<Asks, String> {
    Ok(match control {
        "NW" | "RO" => Asks::Place,
        "XO" | "XX" => Asks::Change,
        "CA" | "OC" => Asks::Become(OrderState::Cancelled),
        "DC" | "OD" => Asks::Become(OrderState::Discontinued),
        "HD" | "OH" => Asks::Become(OrderState::Held),
        "RL" | "OE" => Asks::Become(OrderState::Active),
        "RP" | "RU" => Asks::Become(OrderState::Replaced),
        "SC" => match status {
            "CM" => Asks::Become(OrderState::Completed),
            "CA" => Asks::Become(OrderState::Cancelled),
            "DC" => Asks::Become(OrderState::Discontinued),
            "HD" => Asks::Become(OrderState::Held),
            "RP" => Asks::Become(OrderState::Replaced),
            _ => return Err(format!("the status {:?} in ORC-5 isn't understood", short(status))),
        },
        "" => return Err("ORC-1 is empty, so what is wanted isn't said".to_owned()),
        _ => return Err(format!("the order control {:?} in ORC-1 isn't understood", short(control))),
    })
}

fn short(text: &str) -> String {
    text.chars().take(8).collect()
}

fn order(group: &Group<'_>, around: &Around<'_>, places: &OrderPlaces) -> Result<Order, String> {
    let first = |candidates: &[(&[u8; 3], usize, usize)]| {
        let texts = candidates.iter().map(|(name, field, part)| group.text(name, *field, *part));
        texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
    };
    let at = |paths: &[Path]| {
        let texts = paths.iter().map(|path| group.at(path, around));
        texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
    };
    let (placer, filler) =
        (first(&[(b"ORC", 2, 1), (b"OBR", 2, 1)]), first(&[(b"ORC", 3, 1), (b"OBR", 3, 1)]));
    let specimen = bounded("specimen", at(&places.specimen))?;
    let mut labels = Vec::new();
    let containers = group.containers.iter().map(|segment| part(segment.field(3), 1));
    for label in std::iter::once(specimen.clone()).chain(containers) {
        let label = SpecimenId::new(bounded("container", label)?);
        if !label.is_blank() && !labels.contains(&label) {
            labels.push(label);
        }
    }
    let number = if placer.is_empty() { filler.clone() } else { placer.clone() };
    Ok(Order {
        key: OrderKey {
            number: bounded("number", number)?,
            specimen: SpecimenId::new(specimen),
            test: bounded("test", group.text(b"OBR", 4, 1))?,
        },
        labels,
        parent: Some(group.text(b"SPM", 3, 1)).filter(|parent| !parent.is_empty()).map(SpecimenId::new),
        test_name: group.text(b"OBR", 4, 2),
        placer,
        filler,
        priority: Priority::read(&first(&[(b"TQ1", 9, 1), (b"OBR", 27, 6), (b"ORC", 7, 6), (b"OBR", 5, 1)])),
        specimen_kind: first(&[(b"SPM", 4, 1), (b"OBR", 15, 1)]),
        collected: first(&[(b"SPM", 17, 1), (b"OBR", 7, 1)]),
        patient: Private::new(around.patient_of()),
    })
}

/// A label that no scanner reads or a number that no LIMS writes is a fault of the message.
pub(super) fn bounded(what: &str, text: String) -> Result<String, String> {
    if text.chars().count() > LONGEST {
        return Err(format!("its {what} has more than {LONGEST} characters"));
    }
    if text.contains(|c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER) {
        return Err(format!("its {what} holds characters that nobody can read"));
    }
    Ok(text)
}

/// The first of several numbers, and who assigned it.
fn identifier(field: Field<'_>) -> (String, String) {
    identifier_of(field.repeat(1))
}

/// A number, and who assigned it: by its name there, by the one that it has everywhere, or by both.
fn identifier_of(one: Field<'_>) -> (String, String) {
    let (name, everywhere) = (part(one, 4), plain(one.component(4).subcomponent(2)));
    (part(one, 1), authority(&name, &everywhere))
}

impl Around<'_> {
    fn patient_of(&self) -> Patient {
        let Some(pid) = &self.patient else { return Patient::default() };
        let (id, authority) = identifier(pid.field(3));
        let name = pid.field(5).repeat(1).components().map(|component| part(component, 1));
        let mut name: Vec<String> = name.take(3).collect();
        while name.last().is_some_and(String::is_empty) {
            name.pop();
        }
        let location = self.visit.as_ref().map(|visit| part(visit.field(3), 1)).unwrap_or_default();
        let (birth_date, sex) = (part(pid.field(7), 1), part(pid.field(8), 1));
        Patient { id, authority, name: name.join("^"), birth_date, sex, location }
    }
}

impl<'a> Group<'a> {
    fn segment(&self, name: &[u8; 3], around: &Around<'a>) -> Option<Segment<'a>> {
        match name {
            b"ORC" => self.common,
            b"OBR" => self.detail,
            b"TQ1" => self.timing,
            b"SPM" => self.specimens.first().copied(),
            b"SAC" => self.containers.first().copied(),
            b"PID" => around.patient,
            b"PV1" => around.visit,
            _ => None,
        }
    }

    fn text(&self, name: &[u8; 3], field: usize, component: usize) -> String {
        let segment = self.segment(name, &Around::default());
        segment.map(|segment| part(segment.field(field).repeat(1), component)).unwrap_or_default()
    }

    fn at(&self, path: &Path, around: &Around<'a>) -> String {
        let Some(segment) = self.segment(&path.segment, around) else { return String::new() };
        let component = segment.field(path.field).repeat(path.repeat.unwrap_or(1));
        let component = component.component(path.component.unwrap_or(1));
        plain(component.subcomponent(path.subcomponent.unwrap_or(1)))
    }
}

/// A component's first part. What HL7 writes for "delete this" is nothing here.
fn part(field: Field<'_>, component: usize) -> String {
    plain(field.component(component).subcomponent(1))
}

fn plain(field: Field<'_>) -> String {
    if field.is_null() { String::new() } else { field.text().text.trim().to_owned() }
}

#[cfg(test)]
mod tests;
