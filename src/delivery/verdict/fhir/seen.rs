//! What stands on a FHIR server where a result of ours belongs, as far as that is compared with ours.

use std::fmt;

use serde_json::Value;

use crate::delivery::bundle::facts::{Facts, additions};
use crate::delivery::bundle::sent::{Entry, Sent, Way};

/// What was found under a result's identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    Missing,
    /// It says what ours says. `added` are members that others put there.
    Same {
        added: Vec<String>,
    },
    /// It says what an earlier version of ours said, or what ours says without being that version: flags or comments may
    /// differ.
    Earlier {
        added: Vec<String>,
    },
    Differs {
        what: Vec<&'static str>,
    },
    Several,
}

impl Seen {
    /// Compares what was found with an entry that was sent. `specimen` says whether a copy belongs to our specimen.
    pub fn of(sent: &Sent, entry: &Entry, found: &[Value], specimen: impl Fn(&Value) -> bool) -> Seen {
        let found = match found {
            [] => return Seen::Missing,
            [found] => found,
            _ => return Seen::Several,
        };
        let mut what = Facts::of(&entry.resource).differences(&Facts::of(found));
        let of_our_specimen = specimen(found);
        if !of_our_specimen {
            what.push("specimen");
        }
        let added = || {
            let known = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric());
            let added = additions(&entry.resource, found).into_iter();
            added.map(|name| if known(name) { name } else { "something" }.to_owned()).collect::<Vec<_>>()
        };
        let is_this_version = entry.way == Way::Create || has_names_of(&entry.resource, found);
        if what.is_empty() && is_this_version {
            Seen::Same { added: added() }
        } else if of_our_specimen && (what.is_empty() || sent.is_earlier(entry, found)) {
            Seen::Earlier { added: added() }
        } else {
            Seen::Differs { what }
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seen::Missing => f.write_str("the server doesn't have it"),
            Seen::Same { .. } => f.write_str("the server has it as it was sent"),
            Seen::Earlier { .. } => f.write_str("the server has an earlier version of it"),
            Seen::Differs { what } => {
                write!(f, "the server has it with another {}; compare both", what.join(", another "))
            }
            Seen::Several => f.write_str("several Observations on the server have its identifier"),
        }
    }
}

/// `Observation/7` of an address that a server gave, whatever stands before and behind it.
pub(super) fn place(location: &str) -> Option<String> {
    let path = location.split("/_history").next()?;
    let (rest, id) = path.rsplit_once('/')?;
    let kind = rest.rsplit('/').next()?;
    let is_kind = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_id = (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
        && id.bytes().any(|byte| byte != b'.');
    (is_kind && is_id).then(|| format!("{kind}/{id}"))
}

/// Where a copy's specimen is, as `Specimen/7`.
pub fn specimen_of(observation: &Value) -> Option<String> {
    place(observation.pointer("/specimen/reference")?.as_str()?)
        .filter(|place| place.starts_with("Specimen/"))
}

/// Whether a resource has an identifier, or a tag, that one of ours has.
pub fn has_name_of(ours: &Value, found: &Value) -> bool {
    let found = names_of(found);
    names_of(ours).iter().any(|name| found.contains(name))
}

/// Whether it has all of them, that of the version among them.
fn has_names_of(ours: &Value, found: &Value) -> bool {
    let found = names_of(found);
    names_of(ours).iter().all(|name| found.contains(name))
}

fn names_of(resource: &Value) -> Vec<(&str, &str)> {
    let pairs = |list: &str, name: &str| {
        let list = resource.pointer(list).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(|one| Some((one.get("system")?.as_str()?, one.get(name)?.as_str()?)))
            .collect::<Vec<_>>()
    };
    [pairs("/identifier", "value"), pairs("/meta/tag", "code")].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_in_whatever_address_a_server_gives() {
        for (location, expected) in [
            ("Observation/7", Some("Observation/7")),
            ("Observation/7/_history/2", Some("Observation/7")),
            ("https://lims.example/fhir/Observation/a-b.c/_history/1", Some("Observation/a-b.c")),
            ("urn:uuid:8d8ac610-566d-4ef0-9c22-186b2a5ed793", None),
            ("Observation/../7", None),
            ("Observation/..", None),
            ("Observation?identifier=7", None),
            ("", None),
        ] {
            assert_eq!(place(location).as_deref(), expected, "{location}");
        }
    }
}
