//! What can be read of a transmission that was cut: for a person who looks for a tube. Nothing of it is a result; it is
//! never stored, compared or delivered.

use super::interpret::{Interpreted, RawResult, interpret};
use super::{Part, Reading, Specimen};
use crate::domain::{SpecimenId, TestIdentity};

/// The readable part of a cut transmission.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// Each specimen once, in the order of appearance; also those whose results didn't arrive.
    pub specimens: Vec<Tube>,
    /// The last record has no end. It is left out: half a value would look like a whole one.
    pub unfinished: bool,
}

/// One specimen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tube {
    pub specimen: SpecimenId,
    pub results: Vec<Reported>,
}

/// What was said of one test, as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    pub test: TestIdentity,
    pub value: String,
    pub unit: Option<String>,
}

/// Reads whole records only.
pub fn preview(content: &[u8], reading: &Reading) -> Preview {
    let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let whole = content.iter().rposition(is_end).map_or(0, |last| last + 1);
    let (whole, rest) = content.split_at_checked(whole).unwrap_or((content, &[]));
    let read = interpret(&Part::of(whole), reading);
    let mut specimens: Vec<Tube> = Vec::new();
    for (at, order) in read.orders.iter().enumerate() {
        add(&mut specimens, &order.specimen, results(&read, Some(at)), reading);
    }
    let astray = results(&read, None);
    if !astray.is_empty() {
        add(&mut specimens, "", astray, reading);
    }
    Preview { specimens, unfinished: rest.iter().any(|byte| !byte.is_ascii_whitespace()) }
}

fn results(read: &Interpreted, order: Option<usize>) -> Vec<Reported> {
    let reported = |result: &RawResult| Reported {
        test: result.test.clone(),
        value: result.value_as_sent.clone(),
        unit: result.unit.clone(),
    };
    read.results.iter().filter(|result| result.order == order).map(reported).collect()
}

fn add(specimens: &mut Vec<Tube>, sent: &str, results: Vec<Reported>, reading: &Reading) {
    let specimen = Specimen::read(sent, &reading.specimen).id;
    match specimens.iter_mut().find(|tube| tube.specimen == specimen) {
        Some(tube) => tube.results.extend(results),
        None => specimens.push(Tube { specimen, results }),
    }
}
