//! The schemas for editors: they take the manual and every example, name every key that a reader asks for, and refuse what
//! a slip of the keyboard makes.

use serde_json::Value;

use super::manual::keys_read;
use super::*;
use crate::config::examples::{DROP, HL7, QC, RULES, SERIAL, TCP_CLIENT, TCP_SERVER, switched_on};
use crate::config::schema::File;
use crate::config::{ANALYTES, DEFAULT};

fn schema(file: File) -> Value {
    serde_json::from_str(&file.schema()).unwrap()
}

/// What a schema has against a text, each with its place.
fn objections(file: File, text: &str) -> Vec<String> {
    let value: Value = toml::from_str(text).unwrap();
    let validator = jsonschema::draft7::new(&schema(file)).unwrap();
    validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_manual_and_every_example_fit_their_schemas() {
    let codes = SERIAL.split_once("#[codes").unwrap().1;
    for (file, text) in [
        (File::Labwire, DEFAULT),
        (File::Labwire, "site = \"A\"\n"),
        (File::Instrument, SERIAL),
        (File::Instrument, TCP_SERVER),
        (File::Instrument, TCP_CLIENT),
        (File::Instrument, HL7),
        (File::Instrument, DROP),
        (File::Codes, &format!("#[codes{codes}")),
        (File::Rules, RULES),
        (File::Qc, QC),
        (File::Analytes, ANALYTES),
    ] {
        for text in [text.to_owned(), switched_on(text)] {
            // The rest of an instrument's file isn't one of codes.
            let text = if file == File::Codes { codes_alone(&text) } else { text };
            assert_eq!(objections(file, &text), [""; 0], "{file:?}\n{text}");
        }
    }
    for folder in ["rules.d", "qc.d", "instruments.d"] {
        let file = match folder {
            "rules.d" => File::Rules,
            "qc.d" => File::Qc,
            _ => File::Instrument,
        };
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(folder);
        for entry in fs::read_dir(path).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            assert_eq!(objections(file, &switched_on(&text)), [""; 0], "{folder}");
        }
    }
}

fn codes_alone(text: &str) -> String {
    let mut value: toml::Table = toml::from_str(text).unwrap();
    value.retain(|key, _| key == "codes" || key == "panels");
    toml::to_string(&value).unwrap()
}

#[test]
fn a_schema_refuses_what_a_slip_makes_and_names_the_place() {
    let instrument = "profile = \"erba-xl\"\ntime_zone = \"UTC\"\n";
    for (file, text, expected) in [
        (File::Labwire, "sight = \"A\"\n", "'sight'"),
        (File::Labwire, "[page]\n", "\"site\" is a required property"),
        (File::Labwire, "site = \"A\"\n[journal]\nreserve_mib = 1\n", "/journal/reserve_mib"),
        (File::Labwire, "site = \"A\"\n[log]\nformat = \"xml\"\n", "/log/format"),
        (File::Labwire, "site = \"A\"\n[destination.lims]\nrelese = \"full\"\n", "'relese'"),
        (File::Instrument, "profile = \"erba-xl\"\n", "\"time_zone\" is a required property"),
        (File::Instrument, "[serial]\nbaud = 9600\n", "\"device\" is a required property"),
        (
            File::Instrument,
            &format!("{instrument}[serial]\ndevice = \"a\"\nparity = \"evn\"\n"),
            "/serial/parity",
        ),
        (File::Instrument, &format!("{instrument}[link]\ntries = 0\n"), "/link/tries"),
        (File::Instrument, &format!("{instrument}[codes.GLU]\nlonc = \"2345-7\"\n"), "'lonc'"),
        (File::Qc, "[[lot]]\nlot = 26701\n", "/lot/0/lot"),
        (File::Rules, "[[critical]]\nnam = \"a\"\n", "'nam'"),
    ] {
        let objections = objections(file, text);
        assert!(objections.iter().any(|it| it.contains(expected)), "{text}: {objections:?}");
    }
}

#[test]
fn a_schema_names_every_key_that_is_read_and_says_what_each_takes() {
    for (file, readers) in [
        (
            File::Labwire,
            [
                include_str!("../site.rs"),
                include_str!("../reconciliation.rs"),
                include_str!("../calls.rs"),
                include_str!("../alerts.rs"),
                include_str!("../verification.rs"),
                include_str!("../qc.rs"),
                include_str!("../orders.rs"),
                include_str!("../destination.rs"),
                include_str!("../destination/http.rs"),
                include_str!("../destination/fhir.rs"),
                include_str!("../destination/hl7.rs"),
                include_str!("../destination/mllp.rs"),
                include_str!("../destination/web.rs"),
                include_str!("../destination/takes.rs"),
                include_str!("../destination/folder.rs"),
                include_str!("../tls.rs"),
            ]
            .as_slice(),
        ),
        (
            File::Instrument,
            &[
                include_str!("../instrument.rs"),
                include_str!("../codes.rs"),
                include_str!("../ranges.rs"),
                include_str!("../transport.rs"),
                include_str!("../drop.rs"),
                include_str!("../secret.rs"),
                include_str!("../link.rs"),
                include_str!("../tls.rs"),
            ],
        ),
        (File::Qc, &[include_str!("../qc/lots.rs")]),
        (
            File::Rules,
            &[
                include_str!("../checks.rs"),
                include_str!("../checks/limits.rs"),
                include_str!("../checks/delta.rs"),
                include_str!("../checks/integrity.rs"),
                include_str!("../checks/cases.rs"),
            ],
        ),
        (File::Analytes, &[include_str!("../analytes.rs")]),
    ] {
        let schema = schema(file);
        let mut keys = Vec::new();
        let mut vague = Vec::new();
        gather(&schema, "", &mut keys, &mut vague);
        // Of what every rule and case may say, the example shows each once, in one kind of rule.
        assert!(vague.is_empty() || file == File::Rules, "nobody knows what these take: {vague:?}");
        for key in readers.iter().flat_map(|reader| keys_read(reader)) {
            assert!(keys.iter().any(|known| known == key), "{file:?} doesn't name {key}");
        }
    }
}

/// Every key of a schema, and the places of which it says nothing.
fn gather(schema: &Value, place: &str, keys: &mut Vec<String>, vague: &mut Vec<String>) {
    let says = ["type", "enum", "anyOf"].iter().any(|word| schema.get(word).is_some());
    // A program without SFTP or OTLP knows no key of it.
    let is_left_out =
        !cfg!(feature = "sftp") && place == "/sftp" || !cfg!(feature = "otlp") && place == "/otlp";
    if !says && schema != &Value::Bool(false) && !is_left_out {
        vague.push(place.to_owned());
    }
    for (key, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        keys.push(key.clone());
        gather(inner, &format!("{place}/{key}"), keys, vague);
    }
    for word in ["additionalProperties", "items"] {
        if let Some(inner) = schema.get(word) {
            gather(inner, &format!("{place}/*"), keys, vague);
        }
    }
    for inner in schema.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        gather(inner, place, keys, vague);
    }
}

#[test]
fn an_editor_explains_a_key_in_the_words_of_the_manual() {
    let labwire = schema(File::Labwire);
    for (pointer, expected) in [
        ("/properties/journal/properties/reserve_mib/description", "Below this much free space"),
        ("/properties/backup/properties/keep_weeks/description", "The newest copy of each"),
        ("/properties/alerts/properties/webhook/properties/after_secs/description", "What lasts less"),
        ("/properties/destination/additionalProperties/properties/mode/description", ""),
    ] {
        let told = labwire.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}"));
        assert!(told.starts_with(expected), "{pointer}: {told}");
    }
    assert_eq!(File::Labwire.schema(), File::Labwire.schema());
}
