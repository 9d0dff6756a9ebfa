//! What ADT^A08 and ADT^A40 say of patients: new particulars, and which numbers are one patient's from now on. Pure. A merge
//! is read whole or not at all: of numbers that it doesn't name, or names against each other, it guesses nothing.

use labwire_hl7::message::{Message, Segment};

use super::{Around, LONGEST, Read, identifier_of};
use crate::domain::{PatientChange, Private};

/// A patient with what is merged into them.
struct Group<'a> {
    patient: Segment<'a>,
    visit: Option<Segment<'a>>,
    merged: Vec<Segment<'a>>,
}

pub(super) fn changes(message: &Message<'_>) -> Read {
    let is_merge = message.header().is_some_and(|header| header.message_type().component(2).raw() == b"A40");
    match groups(message, is_merge).and_then(|groups| all(&groups)) {
        Ok(changes) => Read::Patients(changes),
        Err(why) => Read::Unreadable(why),
    }
}

fn groups<'a>(message: &Message<'a>, is_merge: bool) -> Result<Vec<Group<'a>>, &'static str> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for segment in message.segments() {
        match (segment.name(), groups.last_mut()) {
            (b"PID", _) => groups.push(Group { patient: segment, visit: None, merged: Vec::new() }),
            (b"PV1", Some(group)) => group.visit = group.visit.or(Some(segment)),
            (b"MRG", Some(group)) => group.merged.push(segment),
            (b"MRG", None) => return Err("an MRG stands before every PID"),
            _ => {}
        }
    }
    match (groups.len(), is_merge) {
        (0, _) => Err("it holds no PID, so no patient"),
        (2.., false) => Err("it names more than one patient"),
        (1, true) if groups.iter().any(|it| it.merged.is_empty()) => {
            Err("it merges patients and holds no MRG")
        }
        (_, true) if groups.iter().any(|it| it.merged.is_empty()) => {
            Err("it merges patients and has no MRG for one of them")
        }
        _ => Ok(groups),
    }
}

fn all(groups: &[Group<'_>]) -> Result<Vec<PatientChange>, &'static str> {
    let mut changes = Vec::new();
    for group in groups {
        let around = Around { patient: Some(group.patient), visit: group.visit };
        let patient = around.patient_of();
        let change = |known_as| PatientChange {
            known_as: Private::new(known_as),
            patient: Private::new(patient.clone()),
        };
        let own = (patient.id.clone(), patient.authority.clone());
        let numbers = group.merged.iter().flat_map(|merged| merged.field(1).repeats());
        let mut numbers: Vec<(String, String)> = numbers.map(identifier_of).collect();
        if group.merged.is_empty() {
            numbers.push(own.clone());
        }
        if patient.id.is_empty() || numbers.iter().any(|(id, _)| id.is_empty()) {
            return Err("it names no patient number in PID-3 or MRG-1");
        }
        let is_too_long =
            |(id, by): &(String, String)| [id, by].iter().any(|it| it.chars().count() > LONGEST);
        if numbers.iter().chain([&own]).any(is_too_long) {
            return Err("a patient's number in it has more than 80 characters");
        }
        // One that survives under a number which is merged beside others has new particulars and nothing else.
        let others = numbers.iter().filter(|it| **it != own).count();
        changes.extend(numbers.into_iter().filter(|it| others == 0 || *it != own).map(change));
    }
    if contradict(&changes) {
        return Err(
            "it merges a number that survives in it, or one number into two patients; send the merges one by one",
        );
    }
    changes.dedup();
    Ok(changes)
}

/// Whether a number is merged away that is another's in the same message.
fn contradict(changes: &[PatientChange]) -> bool {
    let into = |it: &PatientChange| {
        let patient = it.patient.reveal();
        (patient.id.clone(), patient.authority.clone())
    };
    changes.iter().enumerate().any(|(at, one)| {
        let gone = one.known_as.reveal();
        changes.iter().enumerate().any(|(other_at, other)| {
            let is_named_twice =
                other_at != at && other.known_as.reveal() == gone && into(other) != into(one);
            let survives = other_at != at && into(other) == *gone;
            is_named_twice || survives && into(one) != *gone
        })
    })
}
