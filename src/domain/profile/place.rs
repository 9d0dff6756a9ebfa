//! Where a part of a message sits, and what text is looked for there.

use std::fmt;

use labwire_astm::record::{Kind, Path};

/// A place in a record, and perhaps one part of the text that stands there: `R.3.4+2` is the second of the parts
/// that `+` separates in R.3.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    pub path: Path,
    /// The separator, and which part counted from 1.
    pub part: Option<(char, usize)>,
}

impl Location {
    /// Reads a path, perhaps followed by a punctuation mark and a number.
    pub fn parse(text: &str) -> Option<Location> {
        let (path, part) = split_part(text, ".[]")?;
        Some(Location { path: Path::parse(path)?, part })
    }

    /// A whole field.
    pub fn field(kind: Kind, field: usize) -> Location {
        Location { path: Path { kind, field, repeat: None, component: None }, part: None }
    }

    /// A component of a field.
    pub fn component(kind: Kind, field: usize, component: usize) -> Location {
        Location { path: Path { kind, field, repeat: None, component: Some(component) }, part: None }
    }
}

/// A path made of letters, digits and `marks`, and the separator and number that may follow it.
pub(super) fn split_part<'a>(text: &'a str, marks: &str) -> Option<(&'a str, Option<(char, usize)>)> {
    let in_path = |c: char| c.is_ascii_alphanumeric() || marks.contains(c);
    match text.split_once(|c| !in_path(c)) {
        None => Some((text, None)),
        Some((path, number)) => {
            let separator = text.chars().nth(path.chars().count()).filter(char::is_ascii_punctuation)?;
            let number = number.parse().ok().filter(|number| *number > 0)?;
            Some((path, Some((separator, number))))
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        match self.part {
            Some((separator, number)) => write!(f, "{separator}{number}"),
            None => Ok(()),
        }
    }
}

/// Where each part of a result sits. The default is the standard's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    pub specimen: Location,
    /// Rack, carrier, position: whatever of them there is.
    pub position: Vec<Location>,
    pub priority: Location,
    pub specimen_type: Location,
    pub patient_id: Location,
    pub patient_name: Location,
    pub birth_date: Location,
    pub sex: Location,
    pub patient_location: Location,
    pub code: Location,
    pub aspect: Option<Location>,
    pub component: Option<Location>,
    pub dilution: Option<Location>,
    /// The instrument's own count of replicates.
    pub replicate: Option<Location>,
    pub loinc: Option<Location>,
    /// The version of the software, in the header.
    pub firmware: Option<Location>,
    /// The version of the assay's definition.
    pub assay_version: Option<Location>,
    pub value: Location,
    pub unit: Location,
    pub range: Location,
    /// Each is looked for in every occurrence of its field; those of one field stand next to each other.
    pub flags: Vec<Location>,
    pub status: Location,
    pub operator: Location,
    pub started: Location,
    pub completed: Location,
    pub analyzer_unit: Location,
    /// The specimen asked for, in every occurrence of its field.
    pub query_specimen: Location,
}

impl Default for Places {
    fn default() -> Places {
        use Kind::{Order, Patient, Query, Result};
        Places {
            specimen: Location::component(Order, 3, 1),
            position: Vec::new(),
            priority: Location::field(Order, 6),
            specimen_type: Location::component(Order, 16, 1),
            patient_id: Location::field(Patient, 3),
            patient_name: Location::field(Patient, 6),
            birth_date: Location::component(Patient, 8, 1),
            sex: Location::field(Patient, 9),
            patient_location: Location::field(Patient, 26),
            code: Location::component(Result, 3, 4),
            aspect: None,
            component: None,
            dilution: None,
            replicate: None,
            loinc: None,
            firmware: None,
            assay_version: None,
            value: Location::field(Result, 4),
            unit: Location::field(Result, 5),
            range: Location::field(Result, 6),
            flags: vec![Location::field(Result, 7)],
            status: Location::field(Result, 9),
            operator: Location::field(Result, 11),
            started: Location::field(Result, 12),
            completed: Location::field(Result, 13),
            analyzer_unit: Location::field(Result, 14),
            query_specimen: Location::component(Query, 3, 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_read_and_shown_alike() {
        for text in ["R.3.4", "R.3.4+2", "O.3", "R.7[2].3", "R.3.4/1"] {
            assert_eq!(Location::parse(text).map(|location| location.to_string()).as_deref(), Some(text));
        }
        for wrong in ["", "R", "R.3.4+", "R.3.4+0", "R.3.4+x", "R.3.4 2", "X.3", "R.3.4+2+3"] {
            assert_eq!(Location::parse(wrong), None, "{wrong:?}");
        }
    }
}
