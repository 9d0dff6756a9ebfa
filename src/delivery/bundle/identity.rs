//! By what a FHIR server tells ours from others', and finds again what it has: names made of content alone, so that the
//! same result has the same name in every delivery, from a restored journal too. It never looks at a server.

use sha2::{Digest, Sha256};

use crate::domain::{InstrumentTime, Observation};
use crate::journal::ledger::{Item, Version};

/// A hash of parts, each with its length, so that none can pass for another.
pub(super) fn hash<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    bytes(parts).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes<'a>(parts: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().to_vec()
}

/// What a result is called in all its versions: by what was said when it first came. Without a time of its own the
/// moment of its arrival tells it from another that looks alike. One whose code became another is another result: what it is
/// called by says since which version.
pub(super) fn result(site: &str, item: &Item) -> String {
    let first = item.earlier.first();
    let received_at = first.map_or(item.received_at, |Version { received_at, .. }| *received_at);
    let it: &Observation = first.map_or(&item.observation, |version| &version.observation);
    let time = [&it.completed, &it.started].into_iter().flatten().find(|time| !time.text.is_empty());
    let time = match time {
        Some(InstrumentTime { text, .. }) => text.clone(),
        None => received_at.to_string(),
    };
    let replicate = it.replicate.to_string();
    let parts = [
        "result",
        site,
        it.instrument.as_str(),
        it.specimen.reveal(),
        &it.test.code,
        &it.test.aspect,
        &it.test.component,
        &it.test.dilution,
        &replicate,
        &time,
        &it.status_as_sent,
        &it.value_as_sent,
        it.unit.as_deref().unwrap_or_default(),
    ];
    let parts = parts.into_iter().chain(it.flags.iter().map(String::as_str));
    if !item.recoded {
        return hash(parts);
    }
    let begins_with =
        item.version.saturating_sub(u32::try_from(item.earlier.len()).unwrap_or(u32::MAX)).to_string();
    hash(parts.chain(["recoded", it.code_at_the_lims(), &begins_with]))
}

/// A name that holds within one Bundle.
pub(super) fn full_url(parts: &[&str]) -> String {
    let mut short = [0; 16];
    short.iter_mut().zip(bytes(parts.iter().copied())).for_each(|(to, from)| *to = from);
    uuid::Builder::from_custom_bytes(short).into_uuid().urn().to_string()
}

/// A search for this identifier, as it stands behind the question mark.
pub(super) fn search(parameter: &str, system: &str, value: &str) -> String {
    format!("{parameter}={}%7C{}", encoded(system), encoded(value))
}

/// FHIR's own escapes, and then the URL's.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for c in text.chars() {
        if matches!(c, '\\' | ',' | '$' | '|') {
            encoded.push_str("%5C");
        }
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~') {
            encoded.push(c);
        } else {
            let mut buffer = [0; 4];
            c.encode_utf8(&mut buffer).bytes().for_each(|byte| encoded.push_str(&format!("%{byte:02X}")));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_safe_from_what_it_looks_for() {
        for (value, expected) in [
            ("EX0001", "identifier=https%3A%2F%2Flab.example%7CEX0001"),
            ("a|b,c", "identifier=https%3A%2F%2Flab.example%7Ca%5C%7Cb%5C%2Cc"),
            ("\u{fc} &?", "identifier=https%3A%2F%2Flab.example%7C%C3%BC%20%26%3F"),
        ] {
            assert_eq!(search("identifier", "https://lab.example", value), expected);
        }
    }

    #[test]
    fn no_part_of_a_name_can_pass_for_another() {
        assert_ne!(hash(["ab", "c"]), hash(["a", "bc"]));
        assert_eq!(hash(["a"]).len(), 64);
        assert_eq!(full_url(&["a"]).len(), "urn:uuid:".len() + 36);
    }
}
