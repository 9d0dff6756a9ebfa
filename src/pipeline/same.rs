//! Is this the same again? Compares a new observation with those stored before it, and brings a message into the
//! form under which two transmissions of it are alike. Nothing is ever dropped for looking alike: only what is
//! the same in every respect is a duplicate.

mod elsewhere;
mod kept;
mod messages;
mod rows;
mod undiluted;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use labwire_astm::record::{Kind, Message};
use labwire_hl7::message as hl7;

use super::time::is_date;
use crate::domain::profile::{Dialect, EqualWithoutHour, ScaleFlags};
use crate::domain::{
    Dilution, HoldReason, InstrumentId, Observation, SampleClass, SpecimenId, Standing, Status, TestIdentity,
    Value,
};

pub use kept::{Counts, Kept, PartRead};
pub use rows::{Again, Before, Gathering, Numbered, Stored};
pub use undiluted::{Pair, pairs};
use undiluted::{is_before_its_time, of_diluted, told_already, unless_it_gave_way};

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
    pub value: Value,
    pub dilution: Option<Dilution>,
    pub value_as_sent: String,
    pub unit: Option<String>,
    /// The unit as sent: what a file declares in its place may have been changed since.
    pub sent_unit: Option<String>,
    pub flags: Vec<String>,
    pub received_at: Timestamp,
    /// Its transmission broke off, and it waits here to come again.
    pub waits_for_its_end: bool,
    /// No newer version has taken its place.
    pub is_current: bool,
    /// A person moved it here from another number: without a time it may be another than what came under this one.
    pub was_moved: bool,
    /// It equals one of another file and no hour tells them apart: a person is to decide, or has rejected it.
    pub is_doubted: bool,
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
            value: observation.value.clone(),
            dilution: observation.dilution.clone(),
            value_as_sent: observation.value_as_sent.clone(),
            unit: observation.unit.clone(),
            sent_unit: observation.sent_unit().map(str::to_owned),
            flags: observation.flags.clone(),
            received_at,
            waits_for_its_end: false,
            is_current: true,
            was_moved: false,
            is_doubted: false,
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
    /// What the site says of files.
    pub equal_without_hour: EqualWithoutHour,
    /// Which flags say that a value is too low or too high to be measured.
    pub scale: ScaleFlags,
}

/// Whether a result's time tells it from another of the same day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    Tells,
    /// There is no time, or a date alone.
    IsSilent,
}

impl Arrival<'_> {
    fn is_soon_after(&self, old: &Prior) -> bool {
        let window = SignedDuration::try_from(self.resend_window).unwrap_or(SignedDuration::MAX);
        self.received_at.duration_since(old.received_at) <= window
    }
}

impl Clock {
    /// `times`: how its model writes them, as for [`is_date`].
    pub fn of(observation: &Observation, times: &[String]) -> Clock {
        let time = time_text(observation);
        if time.is_empty() || is_date(time, times) { Clock::IsSilent } else { Clock::Tells }
    }
}

/// Whether the message as a whole was received before, by its [`canonical`] form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repetition {
    First,
    Repeated,
    /// With its own time of sending and all: no other message is like it, whenever it comes.
    Verbatim,
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
    /// An older version of that result, come after it: the preliminary one to a final one, the original to its
    /// correction, or one that was too high to be measured, or its correction, to the value of its diluted specimen; or that one's
    /// preliminary value. It must not leave by itself.
    Late(i64),
    /// One of the two says that the test was done, the other that it couldn't be, and they name the same time. The next
    /// version of that one, if a person agrees.
    Contradiction(i64),
    /// A second value for a result that there was already.
    Rerun(i64),
    /// The value of that one's diluted specimen, which says how much it is where that one said only that it is too much.
    Diluted(i64),
    /// It and that one are values of a specimen, diluted and not, and contradict each other: the one isn't above what the other is
    /// said to be above.
    NotAbove(i64),
    /// It looks like that one, and it can't be told. Kept and shown.
    PossibleDuplicate(i64),
    /// A row of a table that says what an earlier row of its file said, of the same replicate by its own word.
    SaidTwice,
    /// A file says again what it said before, and no hour tells them apart: another of these, and that is told. With the
    /// one of an earlier message of the file, where there is one.
    AnotherOf(Option<i64>),
    /// What another file told, and no hour says whether it is told again. A person decides.
    ToldBefore(i64),
}

impl Sameness {
    /// Whether it is what is stored, or may be: in files, what other files told.
    fn is_elsewhere(self) -> bool {
        matches!(self, Sameness::Duplicate(_) | Sameness::ToldBefore(_))
    }
}

/// The time by which a result is told from the next one: when it was completed, or else when it was started.
pub fn time_text(observation: &Observation) -> &str {
    let time = observation.completed.as_ref().or(observation.started.as_ref());
    time.map(|time| time.text.as_str()).unwrap_or_default()
}

/// Compares an observation with what was stored before its message came, in any order.
pub fn classify(prior: &[Prior], new: &Observation, clock: Clock, arrival: &Arrival<'_>) -> Sameness {
    let time = time_text(new);
    let kin = kin(prior, new, arrival);
    let same_replicate = || kin.iter().filter(|old| old.replicate == new.replicate);

    let again = |old: &&&Prior| old.waits_for_its_end && says_the_same(old, new) && old.time == time;
    if let Some(old) = same_replicate().find(again).filter(|_| !is_cut(new)) {
        return unless_it_gave_way(prior, Sameness::Completion(old.id), arrival);
    }
    if let Some(old) = same_replicate().find(|old| says_the_same(old, new) && old.time == time) {
        return known_again(old, new, clock, arrival);
    }
    versions(prior, new, arrival)
}

/// Newest first.
fn kin<'p>(prior: &'p [Prior], new: &Observation, arrival: &Arrival<'_>) -> Vec<&'p Prior> {
    let mut kin: Vec<&Prior> = prior.iter().filter(|old| is_kin(old, new, arrival)).collect();
    kin.sort_by_key(|old| std::cmp::Reverse(old.id));
    kin
}

/// What a result is to those before it of which it is none.
fn versions(prior: &[Prior], new: &Observation, arrival: &Arrival<'_>) -> Sameness {
    if let Some(known) = told_already(prior, new, arrival) {
        return known;
    }
    let time = time_text(new);
    let mut kin = kin(prior, new, arrival);
    let late = kin.iter().filter(|old| is_late(old, &kin)).map(|old| old.id).collect::<Vec<_>>();
    kin.retain(|old| !late.contains(&old.id) && !is_before_its_time(prior, old, arrival));
    let sameness = if kin.is_empty() {
        of_diluted(prior, new, arrival)
    } else if new.specimen.is_blank() {
        let known = kin.iter().find(|old| says_the_same(old, new) && old.time == time);
        known.map_or(Sameness::New, |old| Sameness::PossibleDuplicate(old.id))
    } else if new.status == Status::Correction {
        correction(&kin, new, time)
    } else {
        version(&kin, new, time)
    };
    unless_it_gave_way(prior, sameness, arrival)
}

/// What it corrects, by its time where that says it. `kin` is newest first.
fn correction(kin: &[&Prior], new: &Observation, time: &str) -> Sameness {
    let at_that_time = |old: &&&Prior| !time.is_empty() && old.time == time;
    let same_replicate = || kin.iter().filter(|old| old.replicate == new.replicate);
    let corrected = same_replicate().find(at_that_time).or(kin.iter().find(at_that_time));
    let rivals = match corrected {
        Some(_) => same_replicate().filter(at_that_time).filter(|old| old.is_current).count(),
        None => same_replicate().filter(|old| old.is_current).count(),
    };
    let latest = || same_replicate().next().or(kin.first());
    match corrected.or_else(latest) {
        _ if rivals > 1 => Sameness::AmbiguousCorrection,
        Some(old) => Sameness::Correction(old.id),
        None => Sameness::New,
    }
}

/// What no correction is to its kin, newest first.
fn version(kin: &[&Prior], new: &Observation, time: &str) -> Sameness {
    let same_replicate = || kin.iter().filter(|old| old.replicate == new.replicate);
    let at_that_time = || same_replicate().filter(|old| old.time == time);
    if new.class == SampleClass::Patient {
        if let Some(newer) = at_that_time().find(|old| is_older(new.status, old.status)) {
            return Sameness::Late(newer.id);
        }
        if let Some(old) = at_that_time().find(|old| contradict(new.status, old.status)) {
            return Sameness::Contradiction(old.id);
        }
    }
    let is_preliminary = |old: &&&Prior| old.status == Status::Preliminary && old.is_current;
    let completed = match new.status {
        Status::Final => {
            at_that_time().find(is_preliminary).or(same_replicate().next().filter(is_preliminary))
        }
        Status::Failed => at_that_time().find(is_preliminary),
        Status::Preliminary | Status::Correction => None,
    };
    if let Some(old) = completed {
        return Sameness::Completion(old.id);
    }
    let alike = |old: &&&Prior| old.time == time && old.value_as_sent == new.value_as_sent;
    if let Some(old) = kin.iter().find(alike) {
        return Sameness::PossibleDuplicate(old.id);
    }
    let latest = same_replicate().next().or(kin.first());
    match latest.filter(|_| new.class == SampleClass::Patient && kin.iter().any(|old| old.has_value)) {
        Some(latest) => Sameness::Rerun(latest.id),
        None => Sameness::New,
    }
}

/// Whether a result of the one status is an earlier stage of the same result in the other.
fn is_older(status: Status, than: Status) -> bool {
    match status {
        Status::Preliminary => than != Status::Preliminary,
        Status::Final => than == Status::Correction,
        Status::Failed | Status::Correction => false,
    }
}

/// Whether one says that a test was done and the other that it couldn't be, and neither says that it corrects anything.
fn contradict(new: Status, old: Status) -> bool {
    matches!(
        (new, old),
        (Status::Failed, Status::Final | Status::Correction) | (Status::Final, Status::Failed)
    )
}

/// Whether a stored result came after a newer version of itself: then it is nobody's predecessor.
fn is_late(old: &Prior, kin: &[&Prior]) -> bool {
    old.class == SampleClass::Patient
        && !old.specimen.is_blank()
        && kin.iter().any(|newer| {
            newer.id < old.id
                && newer.replicate == old.replicate
                && newer.time == old.time
                && is_older(old.status, newer.status)
        })
}

/// The same result is known already. Without an hour of its own that takes the whole message to say it again, soon.
fn known_again(old: &Prior, new: &Observation, clock: Clock, arrival: &Arrival<'_>) -> Sameness {
    let certain = match arrival.repetition {
        Repetition::Verbatim => true,
        Repetition::Repeated => clock == Clock::Tells || (arrival.is_soon_after(old) && !old.was_moved),
        Repetition::First => clock == Clock::Tells && !new.specimen.is_blank(),
    };
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
        && (old.unit == new.unit || old.sent_unit.as_deref() == new.sent_unit())
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
