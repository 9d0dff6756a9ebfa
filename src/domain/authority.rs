//! Who assigned a patient's number: by the name that it has in the laboratory, by the identifier that it has everywhere (in
//! HL7 PID-3.4, an HD: its namespace and its universal ID), or by both. Two are one only where nothing that is said of them
//! differs.

/// Between name and identifier, as HL7 writes them within a component.
const BETWEEN: char = '&';

/// An authority as one text: what is said of its name and its identifier, with `&` between where both are.
pub fn authority(name: &str, identifier: &str) -> String {
    // A name's own sign is written as HL7 escapes it, so that no name is taken for both.
    let name = name.trim().replace(BETWEEN, "\\T\\");
    match (name.is_empty(), identifier.trim()) {
        (false, "") => name,
        (true, identifier) => identifier.to_owned(),
        (false, identifier) => format!("{name}{BETWEEN}{identifier}"),
    }
}

/// An authority's name and its identifier; empty what isn't said. Alone, an object identifier is no name.
pub fn parts_of_authority(text: &str) -> (&str, &str) {
    match text.split_once(BETWEEN) {
        Some(parts) => parts,
        None if is_object_identifier(text) => ("", text),
        None => (text, ""),
    }
}

/// Whether two of them are one: they have a name or an identifier in common, and neither differs.
pub fn is_one_authority(one: &str, other: &str) -> bool {
    let ((name, identifier), (other_name, other_identifier)) =
        (parts_of_authority(one), parts_of_authority(other));
    let differ = |one: &str, other: &str| !one.is_empty() && !other.is_empty() && one != other;
    let agree = |one: &str, other: &str| !one.is_empty() && one == other;
    one == other
        || !differ(name, other_name)
            && !differ(identifier, other_identifier)
            && (agree(name, other_name) || agree(identifier, other_identifier))
}

/// Whether it is an ISO object identifier, such as `2.16.840.1.113883`.
pub fn is_object_identifier(text: &str) -> bool {
    text.contains('.') && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_one_text_and_its_parts_come_back() {
        for (name, identifier, text) in [
            ("HOSP", "", "HOSP"),
            ("", "1.2.3", "1.2.3"),
            ("HOSP", "1.2.3", "HOSP&1.2.3"),
            (" HOSP ", "hosp.example", "HOSP&hosp.example"),
            ("", "", ""),
        ] {
            assert_eq!(authority(name, identifier), text);
            assert_eq!(parts_of_authority(text), (name.trim(), identifier));
        }
        assert_ne!(authority("A&1.2.3", ""), authority("A", "1.2.3"));
    }

    #[test]
    fn one_name_and_two_identifiers_are_two_authorities_and_so_are_two_names() {
        for (one, other, is_one) in [
            ("HOSP", "HOSP", true),
            ("HOSP&1.2.3", "HOSP&1.2.3", true),
            ("HOSP&1.2.3", "HOSP", true),
            ("HOSP&1.2.3", "1.2.3", true),
            ("HOSP&1.2.3", "HOSP&1.2.4", false),
            ("HOSP&1.2.3", "CLINIC&1.2.3", false),
            ("HOSP&1.2.3", "1.2.4", false),
            ("HOSP", "CLINIC", false),
            ("HOSP", "1.2.3", false),
            ("HOSP", "", false),
            ("", "", true),
        ] {
            assert_eq!(
                (is_one_authority(one, other), is_one_authority(other, one)),
                (is_one, is_one),
                "{one} {other}"
            );
        }
    }
}
