//! A model that speaks HL7 v2: its segments, and where they keep what.

use std::collections::BTreeSet;
use std::fmt;

use labwire_hl7::message::{Path, Segment};
use labwire_hl7::transfer::{Acknowledging, Settings};

use super::{Pattern, Trust};
use crate::domain::{SampleClass, Status};

/// The model's way with HL7. The default reads ORU^R01 and OUL^R22 as the standard writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hl7Dialect {
    /// The segments that the model is known to send.
    pub segments: BTreeSet<[u8; 3]>,
    /// How the model names itself.
    pub sender: Option<Hl7Rule>,
    pub places: Hl7Places,
    /// What makes an OBX a supplement to the result before it: an image, a raw signal, a reagent's lot.
    pub supplements: Vec<Hl7Rule>,
    /// Orders that are results themselves.
    pub order_results: Option<OrderResults>,
    /// Whose a sample is. The first rule that matches decides, in any occurrence of its field; `None`: it can't be told.
    pub classes: Vec<(Hl7Rule, Option<SampleClass>)>,
    /// How the line behaves unless the instrument's file says otherwise.
    pub link: Settings,
    pub acknowledging: Acknowledging,
    pub queries: Hl7Queries,
}

/// How the model asks what to do with a tube.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hl7Queries {
    /// In no way that is answered with orders.
    #[default]
    Unknown,
    /// QRY^Q02, answered by QCK^Q02 and DSR^Q03.
    Mindray,
    /// ORM^O01 with ORC-1 RF, answered by ORR^O02.
    MindrayOrm,
    /// QBP^Q11, answered by RSP^K11 and followed by an OML^O33, as IHE LAW has it.
    Law,
}

impl Hl7Queries {
    /// MSH-9.1 of a message that asks.
    pub fn kind(self) -> Option<&'static [u8]> {
        match self {
            Hl7Queries::Unknown => None,
            Hl7Queries::Mindray => Some(b"QRY"),
            Hl7Queries::MindrayOrm => Some(b"ORM"),
            Hl7Queries::Law => Some(b"QBP"),
        }
    }

    /// Whether a segment is a query. A QPD or QRD always is one, whether it can be answered or not.
    pub fn asks(self, segment: &Segment<'_>) -> bool {
        segment.is(b"QPD")
            || segment.is(b"QRD")
            || self == Hl7Queries::MindrayOrm && segment.is(b"ORC") && segment.field(1).raw() == b"RF"
    }
}

impl Default for Hl7Dialect {
    fn default() -> Hl7Dialect {
        let rule = |at: &str, is: &str| Hl7Rule { at: place(at), is: Pattern::new(is) };
        let segments =
            ["MSH", "PID", "PV1", "ORC", "OBR", "OBX", "NTE", "SPM", "SAC", "QPD", "RCP", "QRD", "QRF"];
        Hl7Dialect {
            segments: segments.iter().filter_map(|name| <[u8; 3]>::try_from(name.as_bytes()).ok()).collect(),
            sender: None,
            places: Hl7Places::default(),
            supplements: vec![rule("OBX-2", "ED"), rule("OBX-2", "RP")],
            order_results: None,
            classes: ROLES.iter().map(|(at, is, class)| (rule(at, is), *class)).collect(),
            link: Settings::default(),
            acknowledging: Acknowledging::default(),
            queries: Hl7Queries::default(),
        }
    }
}

/// Where a model writes a result into OBR and sends no OBX with it, as some do with controls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderResults {
    /// The sign of a message that does so.
    pub rule: Hl7Rule,
    /// Where each part of such a result sits.
    pub places: Hl7Places,
}

/// HL7 table 0085. ASTM's letters mean other things.
pub(super) const STATUSES: [(&str, Status, Trust); 10] = [
    ("F", Status::Final, Trust::Plain),
    ("U", Status::Final, Trust::Plain),
    ("V", Status::Final, Trust::Plain),
    ("C", Status::Correction, Trust::Plain),
    ("P", Status::Preliminary, Trust::Plain),
    ("S", Status::Preliminary, Trust::Plain),
    ("R", Status::Preliminary, Trust::InDoubt),
    ("W", Status::Correction, Trust::Withdrawn),
    ("D", Status::Correction, Trust::Withdrawn),
    ("X", Status::Failed, Trust::Plain),
];

/// HL7 table 0369. A pool and a group are samples of several patients: whose their result is, no message says.
const ROLES: [(&str, &str, Option<SampleClass>); 11] = [
    ("SPM-11.1", "Q", Some(SampleClass::Control)),
    ("SPM-11.1", "B", Some(SampleClass::Control)),
    ("SPM-11.1", "E", Some(SampleClass::Control)),
    ("SPM-11.1", "F", Some(SampleClass::Control)),
    ("SPM-11.1", "O", Some(SampleClass::Control)),
    ("SPM-11.1", "R", Some(SampleClass::Control)),
    ("SPM-11.1", "C", Some(SampleClass::Calibration)),
    ("SPM-11.1", "V", Some(SampleClass::Calibration)),
    ("SPM-11.1", "P", Some(SampleClass::Patient)),
    ("SPM-11", "", Some(SampleClass::Patient)),
    ("SPM-11", "*", None),
];

/// Letters of table 0085 that say that a result isn't ready or isn't one. No profile can make them final: R is not verified.
pub(super) const NEVER_FINAL: [&str; 5] = ["I", "N", "O", "R", "S"];

/// HL7 table 0078, as far as it qualifies a value.
pub(super) const FLAGS: [&str; 40] = [
    "<", ">", "A", "AA", "B", "CAR", "D", "DET", "E", "EX", "EXP", "H", "HH", "HU", "I", "IE", "IND", "L",
    "LL", "LU", "MS", "N", "NCL", "ND", "NEG", "NR", "NS", "POS", "R", "RR", "S", "SDD", "SYN-R", "SYN-S",
    "U", "UNE", "VS", "W", "WR", "null",
];

/// Codes of it that question the value: substances that disturb the test, a failed quality control, a review to be done.
pub(super) const DOUBTS: [&str; 4] = ["AC", "HM", "QCF", "TOX"];

/// A place in a message as a result sees it: in its own OBX, or in the nearest segment of that name among those of
/// its order, its specimen, its patient and its message; and perhaps one part of the text that stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hl7Location {
    pub path: Path,
    /// The separator, and which part counted from 1.
    pub part: Option<(char, usize)>,
}

impl Hl7Location {
    /// Reads a path such as `OBX-3.1`, perhaps followed by a punctuation mark and a number: `OBX-3.1/2`.
    pub fn parse(text: &str) -> Option<Hl7Location> {
        let (path, part) = super::place::split_part(text, "-.[]")?;
        Some(Hl7Location { path: Path::parse(path)?, part })
    }
}

impl fmt::Display for Hl7Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        match self.part {
            Some((separator, number)) => write!(f, "{separator}{number}"),
            None => Ok(()),
        }
    }
}

/// A place, and what must stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hl7Rule {
    pub at: Hl7Location,
    pub is: Pattern,
}

/// Where each part of a result sits: of several places the first that holds something counts. The default is the
/// standard's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hl7Places {
    pub specimen: Vec<Hl7Location>,
    /// Rack, carrier, position: whatever of them there is, joined.
    pub position: Vec<Hl7Location>,
    pub priority: Vec<Hl7Location>,
    pub specimen_type: Vec<Hl7Location>,
    pub patient_id: Vec<Hl7Location>,
    pub patient_name: Vec<Hl7Location>,
    pub birth_date: Vec<Hl7Location>,
    pub sex: Vec<Hl7Location>,
    pub patient_location: Vec<Hl7Location>,
    pub code: Vec<Hl7Location>,
    pub aspect: Vec<Hl7Location>,
    pub component: Vec<Hl7Location>,
    pub dilution: Vec<Hl7Location>,
    pub replicate: Vec<Hl7Location>,
    pub loinc: Vec<Hl7Location>,
    /// The version of the software.
    pub firmware: Vec<Hl7Location>,
    /// The version of the assay's definition.
    pub assay_version: Vec<Hl7Location>,
    /// Empty: OBX-5, as its type in OBX-2 says.
    pub value: Vec<Hl7Location>,
    pub unit: Vec<Hl7Location>,
    pub range: Vec<Hl7Location>,
    /// All of them, in every occurrence of their fields.
    pub flags: Vec<Hl7Location>,
    /// Empty: the model sends no status, and what it sends is final.
    pub status: Vec<Hl7Location>,
    pub operator: Vec<Hl7Location>,
    pub started: Vec<Hl7Location>,
    pub completed: Vec<Hl7Location>,
    pub analyzer_unit: Vec<Hl7Location>,
    /// The specimen asked for, in every occurrence of its field.
    pub query_specimen: Vec<Hl7Location>,
}

impl Default for Hl7Places {
    fn default() -> Hl7Places {
        let at = |places: &[&str]| places.iter().map(|text| place(text)).collect::<Vec<_>>();
        Hl7Places {
            specimen: at(&["SPM-2.1.1", "SAC-3.1", "OBR-3.1", "OBR-2.1"]),
            position: Vec::new(),
            priority: at(&["TQ1-9.1", "OBR-5"]),
            specimen_type: at(&["SPM-4.1", "SPM-4.2", "OBR-15.1"]),
            patient_id: at(&["PID-3.1", "PID-2.1"]),
            patient_name: at(&["PID-5"]),
            birth_date: at(&["PID-7.1"]),
            sex: at(&["PID-8.1"]),
            patient_location: at(&["PV1-3"]),
            code: at(&["OBX-3.1"]),
            aspect: Vec::new(),
            component: Vec::new(),
            dilution: Vec::new(),
            replicate: Vec::new(),
            loinc: Vec::new(),
            firmware: Vec::new(),
            assay_version: Vec::new(),
            value: Vec::new(),
            unit: at(&["OBX-6.1"]),
            range: at(&["OBX-7"]),
            flags: at(&["OBX-8.1"]),
            status: at(&["OBX-11"]),
            operator: at(&["OBX-16.1"]),
            started: Vec::new(),
            completed: at(&["OBX-19.1", "OBX-14.1"]),
            analyzer_unit: at(&["OBX-18.1"]),
            query_specimen: at(&["QPD-3.1", "QRD-8.1"]),
        }
    }
}

/// A place of this file's own tables.
fn place(text: &str) -> Hl7Location {
    let nowhere = Path {
        segment: *b"ZZZ",
        occurrence: None,
        field: usize::MAX,
        repeat: None,
        component: None,
        subcomponent: None,
    };
    Hl7Location::parse(text).unwrap_or(Hl7Location { path: nowhere, part: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_read_and_shown_alike() {
        for text in ["OBX-3.1", "OBX-3[2].1.2", "OBX-5+2", "MSH-16", "OBX[2]-5/1"] {
            assert_eq!(Hl7Location::parse(text).map(|location| location.to_string()).as_deref(), Some(text));
        }
        for wrong in ["", "OBX", "OBX-", "OBX.3", "OBX-3+", "OBX-3+0", "obx-3", "OBX-3 2"] {
            assert_eq!(Hl7Location::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn the_tables_of_this_file_name_places() {
        let dialect = Hl7Dialect::default();
        let Hl7Places { specimen, priority, specimen_type, completed, query_specimen, .. } = dialect.places;
        let rules = dialect.classes.into_iter().map(|(rule, _)| rule).chain(dialect.supplements);
        let all = [specimen, priority, specimen_type, completed, query_specimen].concat();
        for location in all.into_iter().chain(rules.map(|rule| rule.at)) {
            assert_ne!(location.path.segment, *b"ZZZ");
        }
        assert_eq!(dialect.segments.len(), 13);
    }
}
