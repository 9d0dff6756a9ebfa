//! A file of the configuration for whoever is asked for help: its keys, numbers and switches, and of its texts those whose
//! key is known to hold nothing of a person and no secret. Comments are left out.

use toml::{Table, Value};

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
    "time_zone",
    "unit",
    "unknown_flag",
    "unknown_status",
    "unknown_value",
    "unordered",
    "verdict",
    "while_held",
];

/// The file without comments, each other text replaced by what `disguise` makes of it.
///
/// # Errors
/// Where it is no TOML; what is wrong isn't told, since it would quote the file.
pub fn harmless(text: &str, disguise: &mut dyn FnMut(&str) -> String) -> Result<String, &'static str> {
    let mut table: Table = text.parse().map_err(|_| "it can't be read")?;
    for (key, value) in &mut table {
        replace(key, value, disguise);
    }
    Ok(table.to_string())
}

fn replace(key: &str, value: &mut Value, disguise: &mut dyn FnMut(&str) -> String) {
    match value {
        Value::String(_) if KEPT.contains(&key) => {}
        Value::String(text) => *text = disguise(text),
        Value::Array(values) => values.iter_mut().for_each(|value| replace(key, value, disguise)),
        Value::Table(table) => table.iter_mut().for_each(|(key, value)| replace(key, value, disguise)),
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
        let clean = harmless(text, &mut |text| "x".repeat(text.len())).unwrap();
        for gone in ["Example", "jexample", "hunter2", "lims\"", "#"] {
            assert!(!clean.contains(gone), "{gone}: {clean}");
        }
        for kept in ["[destination.lims]", "mode = \"test\"", "timeout_secs = 7"] {
            assert!(clean.contains(kept), "{kept}: {clean}");
        }
        assert!(harmless("site = ", &mut str::to_owned).is_err());
    }
}
