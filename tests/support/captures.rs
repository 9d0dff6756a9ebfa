//! Public captures of what analyzers asked and their hosts answered, as records. Absent captures are said, and nothing is
//! judged here.

#![allow(dead_code, reason = "every test program uses its own part of this")]

use std::path::{Path, PathBuf};

use labwire_astm::record::{Kind, Message, Record};

/// The folder of the captures of one protocol, or that there is none.
pub(crate) fn corpus(protocol: &str) -> Result<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus").join(protocol);
    if root.exists() { Ok(root) } else { Err(format!("no captures at {}: nothing to read", root.display())) }
}

/// The records without frames; a reply that was logged without them has its first frame's number and what follows it. Some
/// files write control characters out, as `^B`.
pub(crate) fn records(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    let text = String::from_utf8_lossy(&bytes).replace("^E^B", "\r").replace("\n^C", "\r\u{3}");
    let text = text.replace(['\n', '\u{2}', '\u{4}', '\u{5}'], "\r");
    let known = |line: &&str| {
        let line = line.trim_start_matches(|c: char| c.is_ascii_digit());
        line.get(1..2).is_some_and(|field| field == "|") && line.starts_with(['H', 'P', 'O', 'Q', 'L'])
    };
    let lines: Vec<&str> = text
        .split('\r')
        .filter(known)
        .map(|line| line.trim_start_matches(|c: char| c.is_ascii_digit()).split('\u{3}').next().unwrap())
        .collect();
    lines.iter().map(|line| format!("{line}\r")).collect::<String>().into_bytes()
}

pub(crate) fn field(record: Option<Record<'_>>, number: usize) -> String {
    record.map(|it| String::from_utf8_lossy(it.field(number).raw()).into_owned()).unwrap_or_default()
}

/// What a host's reply says of a tube.
#[derive(Debug, Clone)]
pub(crate) struct Ordered {
    /// The model's codes, in their order.
    pub(crate) tests: Vec<String>,
    pub(crate) priority: String,
    pub(crate) specimen_kind: String,
    pub(crate) collected: String,
    pub(crate) patient_id: String,
    pub(crate) name: String,
    pub(crate) birth_date: String,
    pub(crate) sex: String,
}

/// Reads a reply; `around` is what stands before and behind a code.
pub(crate) fn ordered(reply: &[u8], (before, after): (&str, &str)) -> Ordered {
    let message = Message::parse(reply);
    let of = |kind| message.records().find(|record| record.kind() == kind);
    let (patient, order) = (of(Kind::Patient), of(Kind::Order));
    let code = |text: &str| text.strip_prefix(before).unwrap().strip_suffix(after).unwrap().to_owned();
    let either = |numbers: [usize; 2]| {
        numbers.map(|number| field(patient, number)).into_iter().find(|id| !id.is_empty()).unwrap_or_default()
    };
    let orders = message.records().filter(|record| record.kind() == Kind::Order);
    let named = orders.flat_map(|order| order.field(5).repeats().collect::<Vec<_>>());
    Ordered {
        tests: named.map(|test| code(&String::from_utf8_lossy(test.raw()))).collect(),
        priority: field(order, 6),
        specimen_kind: field(order, 16),
        collected: field(order, 8),
        patient_id: either([3, 4]),
        name: field(patient, 6).trim_end_matches('^').to_owned(),
        birth_date: field(patient, 8),
        sex: field(patient, 9),
    }
}

/// Each record's fields by number, without those that the host made up itself: times and the patient's age.
pub(crate) fn shown(message: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(message).into_owned();
    let record = |line: &str| {
        let mut fields: Vec<&str> = line.split('|').collect();
        if line.starts_with("H|") {
            fields.truncate(13);
        }
        if let (true, Some(born)) = (line.starts_with("P|"), fields.get_mut(7)) {
            *born = born.split(['!', '^']).next().unwrap();
        }
        let fields: Vec<&str> = fields.iter().map(|field| field.trim_end_matches('^')).collect();
        fields.join("|").trim_end_matches('|').to_owned()
    };
    text.split('\r').filter(|line| !line.is_empty()).map(record).collect()
}
