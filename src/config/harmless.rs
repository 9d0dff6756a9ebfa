//! A file of the configuration for whoever is asked for help: its keys, numbers and switches, and of its texts those whose
//! key is known to hold nothing of a person and no secret. Comments are left out.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::profile::shipped;
use super::schema::File;

/// Keys of texts that stay: names of profiles, formats, modes and choices, devices and addresses of this machine.
const KEPT: &[&str] = &[
    "aspect",
    "character_set",
    "clock",
    "code_map",
    "code_system",
    "connect",
    "control_socket",
    "decimal_separator",
    "device",
    "emit_record_end",
    "end_mark",
    "equal_without_hour",
    "flow_control",
    "format",
    "formats",
    "items",
    "key_style",
    "kind",
    "language",
    "level",
    "listen",
    "loinc",
    "lims_code",
    "mllp_release",
    "mode",
    "on_unknown",
    "order_cancelled",
    "order_done",
    "other_patient",
    "other_specimen_kind",
    "outcomes",
    "parity",
    "profile",
    "range_flags",
    "release",
    "repeat_finished",
    "rerun",
    "result",
    "second_connection",
    "several_patients",
    "specimen_kinds",
    "specimen_at",
    "system",
    "thousands_separator",
    "time_zone",
    "unit",
    "unknown_flag",
    "unknown_status",
    "unknown_value",
    "unordered",
    "verdict",
    "while_held",
];

/// What stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// By whoever wrote it, in words of their own.
    Freely,
    /// A choice among what there is, or a name that they gave something: all but those words in it that name somebody stays.
    ByChoice,
}

/// Every key that the program knows: a word in it names nobody, wherever else it may stand.
pub struct Keys(BTreeSet<String>);

impl Keys {
    /// Of the configuration's files, and of profiles as far as the shipped ones have them.
    pub fn known() -> Keys {
        let mut keys: BTreeSet<String> =
            File::ALL.into_iter().flat_map(File::keys).map(str::to_owned).collect();
        for text in shipped().values() {
            if let Ok(table) = text.parse() {
                collect(&table, &mut keys);
            }
        }
        Keys(keys)
    }
}

fn collect(table: &Table, keys: &mut BTreeSet<String>) {
    for (key, value) in table {
        keys.insert(key.clone());
        match value {
            Value::Table(table) => collect(table, keys),
            Value::Array(values) => {
                values.iter().filter_map(Value::as_table).for_each(|table| collect(table, keys));
            }
            _ => {}
        }
    }
}

/// The file without comments, its texts, and the names of tables that it chose, as `replaced` makes them.
///
/// # Errors
/// Where it is no TOML; what is wrong isn't told, since it would quote the file.
pub fn harmless(
    text: &str,
    keys: &Keys,
    replaced: &mut dyn FnMut(Said, &str) -> String,
) -> Result<String, &'static str> {
    let mut table: Table = text.parse().map_err(|_| "it can't be read")?;
    table_of(&mut table, keys, replaced);
    Ok(table.to_string())
}

fn table_of(table: &mut Table, keys: &Keys, replaced: &mut dyn FnMut(Said, &str) -> String) {
    for (key, mut value) in std::mem::take(table) {
        value_of(&key, &mut value, keys, replaced);
        let name = if keys.0.contains(&key) { key } else { replaced(Said::ByChoice, &key) };
        table.insert(name, value);
    }
}

fn value_of(key: &str, value: &mut Value, keys: &Keys, replaced: &mut dyn FnMut(Said, &str) -> String) {
    match value {
        Value::String(text) if KEPT.contains(&key) => *text = replaced(Said::ByChoice, text),
        Value::String(text) => *text = replaced(Said::Freely, text),
        Value::Array(values) => values.iter_mut().for_each(|value| value_of(key, value, keys, replaced)),
        Value::Table(table) => table_of(table, keys, replaced),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_texts_stay_and_no_comment_does() {
        let text = "# call Dr. Example\nsite = \"Example Laboratory\"\n[rules]\nsigners = [\"jexample\"]\n\
                    [destination.lims]\nurl = \"https://user:hunter2@lims\"\nmode = \"test\"\ntimeout_secs = 7\n";
        let mut hide = |said, text: &str| match said {
            Said::Freely => "x".repeat(text.len()),
            Said::ByChoice => text.to_owned(),
        };
        let keys = Keys::known();
        let clean = harmless(text, &keys, &mut hide).unwrap();
        for gone in ["Example", "jexample", "hunter2", "lims\"", "#"] {
            assert!(!clean.contains(gone), "{gone}: {clean}");
        }
        for kept in ["[destination.lims]", "mode = \"test\"", "timeout_secs = 7"] {
            assert!(clean.contains(kept), "{kept}: {clean}");
        }
        assert!(harmless("site = ", &keys, &mut hide).is_err());
    }

    #[test]
    fn a_known_key_stays_whatever_else_is_called_so() {
        let text =
            "[destination.doe]\ntimeout_secs = 7\nmode = \"test\"\n[codes.GLCC]\nlims_code = \"doe\"\n";
        let mut hide = |said, text: &str| match said {
            Said::Freely => String::new(),
            Said::ByChoice => {
                text.replace("doe", "xyz").replace("timeout", "aaaaaaa").replace("codes", "bbbbb")
            }
        };
        let clean = harmless(text, &Keys::known(), &mut hide).unwrap();
        let table = |text: &str| text.parse::<Table>().unwrap();
        assert_eq!(table(&clean), table(&text.replace("doe", "xyz")));
    }

    #[test]
    fn the_keys_are_those_of_every_kind_of_file_and_of_profiles() {
        let Keys(keys) = Keys::known();
        for key in ["timeout_secs", "listen", "time_zone", "limit", "westgard", "vendor", "destination"] {
            assert!(keys.contains(key), "{key}");
        }
    }
}
