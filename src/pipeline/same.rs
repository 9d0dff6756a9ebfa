//! Is this the same again? Compares a new observation with those stored before it, and brings a message into the
//! form under which two transmissions of it are alike. Nothing is ever dropped for looking alike: only what is
//! the same in every respect is a duplicate.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use labwire_astm::record::{Kind, Message};
use labwire_hl7::message as hl7;

use crate::domain::profile::Dialect;
use crate::domain::{
    HoldReason, InstrumentId, Observation, SampleClass, SpecimenId, Standing, Status, TestIdentity, Value,
};

/// A stored observation, as far as it is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Prior {
    /// The journal's number for it; higher is later.
    pub id: i64,
    pub site: String,
    pub instrument: InstrumentId,
    pub specimen: SpecimenId,
    pub class: SampleClass,
    pub test: TestIdentity,
    pub replicate: u32,
    /// The time as sent, by [`time_text`].
    pub time: String,
    pub status: Status,
    pub status_as_sent: String,
    pub has_value: bool,
    pub value_as_sent: String,
    pub unit: Option<String>,
    pub flags: Vec<String>,
    pub received_at: Timestamp,
    /// Its transmission broke off, and it waits here to come again.
    pub waits_for_its_end: bool,
    /// No newer version has taken its place.
    pub is_current: bool,
}

impl Prior {
    /// What to store of an observation so that later ones can be compared with it.
    pub fn of(id: i64, site: &str, observation: &Observation, received_at: Timestamp) -> Prior {
        Prior {
            id,
            site: site.to_owned(),
            instrument: observation.instrument.clone(),
            specimen: observation.specimen.clone(),
            class: observation.class,
            test: observation.test.clone(),
            replicate: observation.replicate,
            time: time_text(observation).to_owned(),
            status: observation.status,
            status_as_sent: observation.status_as_sent.clone(),
            has_value: has_value(observation),
            value_as_sent: observation.value_as_sent.clone(),
            unit: observation.unit.clone(),
            flags: observation.flags.clone(),
            received_at,
            waits_for_its_end: false,
            is_current: true,
        }
    }
}

/// How a new observation arrived.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    pub site: &'a str,
    pub received_at: Timestamp,
    /// How long a repeated message whose results carry no time still counts as a repetition.
    pub resend_window: Duration,
    pub repetition: Repetition,
}

/// Whether the message as a whole was received before, by its [`canonical`] form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repetition {
    First,
    Repeated,
}

/// What a new observation is to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sameness {
    New,
    /// The same in every respect.
    Duplicate(i64),
    /// The instrument says itself that it corrects that one.
    Correction(i64),
    /// It corrects one of several, and nothing says which.
    AmbiguousCorrection,
    /// The final result to that preliminary one, or the whole transmission of what came cut off.
    Completion(i64),
    /// A second value for a result that there was already.
    Rerun(i64),
    /// It looks like that one, and it can't be told. Kept and shown.
    PossibleDuplicate(i64),
}

/// The time by which a result is told from the next one: when it was completed, or else when it was started.
pub fn time_text(observation: &Observation) -> &str {
    let time = observation.completed.as_ref().or(observation.started.as_ref());
    time.map(|time| time.text.as_str()).unwrap_or_default()
}

/// Compares an observation with what was stored before its message came, in any order.
pub fn classify(prior: &[Prior], new: &Observation, arrival: &Arrival<'_>) -> Sameness {
    let time = time_text(new);
    let mut kin: Vec<&Prior> = prior.iter().filter(|old| is_kin(old, new, arrival)).collect();
    kin.sort_by_key(|old| std::cmp::Reverse(old.id));
    let same_replicate = || kin.iter().filter(|old| old.replicate == new.replicate);

    let again = |old: &&&Prior| old.waits_for_its_end && says_the_same(old, new) && old.time == time;
    if let Some(old) = same_replicate().find(again).filter(|_| !is_cut(new)) {
        return Sameness::Completion(old.id);
    }
    if let Some(old) = same_replicate().find(|old| says_the_same(old, new) && old.time == time) {
        return known_again(old, new, arrival, time);
    }
    let latest = same_replicate().next().or(kin.first());
    let Some(latest) = latest else { return Sameness::New };
    if new.specimen.is_blank() {
        return match kin.iter().find(|old| says_the_same(old, new) && old.time == time) {
            Some(old) => Sameness::PossibleDuplicate(old.id),
            None => Sameness::New,
        };
    }
    if new.status == Status::Correction {
        let corrected =
            kin.iter().find(|old| !time.is_empty() && old.time == time && old.replicate == new.replicate);
        let corrected = corrected.or(kin.iter().find(|old| !time.is_empty() && old.time == time));
        let candidates = same_replicate().filter(|old| old.is_current).count();
        return match corrected {
            Some(old) => Sameness::Correction(old.id),
            None if candidates > 1 => Sameness::AmbiguousCorrection,
            None => Sameness::Correction(latest.id),
        };
    }
    let alike = |old: &&&Prior| old.time == time && old.value_as_sent == new.value_as_sent;
    let preliminary = same_replicate().next().filter(|old| old.status == Status::Preliminary);
    if let (Some(old), Status::Final) = (preliminary, new.status) {
        return Sameness::Completion(old.id);
    }
    if let Some(old) = kin.iter().find(alike) {
        return Sameness::PossibleDuplicate(old.id);
    }
    match new.class {
        SampleClass::Patient if kin.iter().any(|old| old.has_value) => Sameness::Rerun(latest.id),
        _ => Sameness::New,
    }
}

/// The same result is known already. Without a time of its own that takes the whole message to say it again, soon.
fn known_again(old: &Prior, new: &Observation, arrival: &Arrival<'_>, time: &str) -> Sameness {
    let window = SignedDuration::try_from(arrival.resend_window).unwrap_or(SignedDuration::MAX);
    let soon = arrival.received_at.duration_since(old.received_at) <= window;
    let repeated = arrival.repetition == Repetition::Repeated;
    let certain = if time.is_empty() { repeated && soon } else { repeated || !new.specimen.is_blank() };
    if certain { Sameness::Duplicate(old.id) } else { Sameness::PossibleDuplicate(old.id) }
}

/// The same measurement of the same specimen by the same instrument, whatever its outcome.
fn is_kin(old: &Prior, new: &Observation, arrival: &Arrival<'_>) -> bool {
    old.site == arrival.site
        && old.instrument == new.instrument
        && old.specimen == new.specimen
        && old.class == new.class
        && old.test == new.test
}

fn says_the_same(old: &Prior, new: &Observation) -> bool {
    old.status_as_sent == new.status_as_sent
        && old.value_as_sent == new.value_as_sent
        && old.unit == new.unit
        && old.flags == new.flags
}

/// Whether it came in a transmission that broke off.
fn is_cut(observation: &Observation) -> bool {
    matches!(&observation.standing, Standing::Held(reasons) if reasons.contains(&HoldReason::Incomplete))
}

fn has_value(observation: &Observation) -> bool {
    !matches!(observation.value, Value::Absent { .. })
}

/// A message's content without its control ID, its time of sending and its records' sequence numbers, each record
/// ended by CR: two transmissions of one message are alike in this form. For hashing, not for reading.
pub fn canonical(message: &[u8], dialect: &Dialect) -> Vec<u8> {
    match dialect {
        Dialect::Astm(_) => canonical_records(message),
        Dialect::Hl7(_) => canonical_segments(message),
        Dialect::Table(_) => message.to_vec(),
    }
}

/// Without the control ID, time and sequence number of its headers. What is no message is itself.
fn canonical_segments(message: &[u8]) -> Vec<u8> {
    let Ok(parsed) = hl7::Message::parse(message) else { return message.to_vec() };
    let mut bytes = Vec::with_capacity(message.len());
    for segment in parsed.segments() {
        let ignored: &[usize] = match segment.name() {
            b"MSH" => &[7, 10, 13],
            b"BHS" | b"FHS" => &[7, 11],
            _ => &[],
        };
        let raw = segment.raw();
        let separator = raw.get(3).copied().unwrap_or(b'|');
        if ignored.is_empty() {
            bytes.extend_from_slice(raw);
        } else {
            let parts = raw.split(|byte| *byte == separator).enumerate();
            let kept: Vec<&[u8]> =
                parts.map(|(at, part)| if ignored.contains(&(at + 1)) { &[] } else { part }).collect();
            bytes.extend(kept.join(&separator));
        }
        bytes.push(b'\r');
    }
    bytes
}

fn canonical_records(message: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(message.len());
    for record in Message::parse(message).records() {
        let separator: Vec<u8> = record.delimiters().field.into_iter().collect();
        let ignored: &[usize] = match record.kind() {
            Kind::Header => &[3, 14],
            Kind::Unknown => &[],
            _ => &[2],
        };
        let fields: Vec<&[u8]> = record
            .fields()
            .enumerate()
            .map(|(index, field)| if ignored.contains(&(index + 1)) { &[] } else { field.raw() })
            .collect();
        bytes.extend(fields.join(separator.as_slice()));
        bytes.push(b'\r');
    }
    bytes
}
