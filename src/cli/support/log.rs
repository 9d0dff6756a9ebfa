//! A line of the log for whoever is asked for help: of its fields those stay that are known to name nobody.

/// Fields that name a link, a kind or a number.
const KEPT: &[&str] = &[
    "attempt",
    "code",
    "condition",
    "decision",
    "delivery",
    "destination",
    "error",
    "id",
    "instrument",
    "instruments",
    "key",
    "level",
    "message",
    "message_id",
    "mistakes",
    "note",
    "page",
    "peer",
    "problems",
    "queries",
    "reason",
    "results",
    "sha256",
    "source",
    "specimen_token",
    "state",
    "target",
    "timestamp",
    "unsaid",
    "verdict",
    "version",
    "why",
];

/// The line with every other field's text replaced.
pub(super) fn harmless(line: &str, disguise: &mut dyn FnMut(&str) -> String) -> String {
    if let Ok(serde_json::Value::Object(mut fields)) = serde_json::from_str(line) {
        for (name, value) in &mut fields {
            if let (serde_json::Value::String(text), false) = (&value, KEPT.contains(&name.as_str())) {
                *value = disguise(text).into();
            }
        }
        return serde_json::Value::Object(fields).to_string();
    }
    let mut clean = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('=') {
        let (before, after) = rest.split_at_checked(at + 1).unwrap_or((rest, ""));
        clean += before;
        let name = before.trim_end_matches('=').rsplit([' ', '{', ':']).next().unwrap_or_default();
        let end = match after.strip_prefix('"') {
            Some(quoted) => closing(quoted).map_or(after.len(), |at| at + 2),
            None => after.find(' ').unwrap_or(after.len()),
        };
        let (value, behind) = after.split_at_checked(end).unwrap_or((after, ""));
        clean += &if KEPT.contains(&name) { value.to_owned() } else { disguise(value) };
        rest = behind;
    }
    clean + rest
}

/// Where a quoted text ends: at the first quote that no backslash takes.
fn closing(quoted: &str) -> Option<usize> {
    let mut escaped = false;
    quoted.char_indices().find_map(|(at, c)| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_may_name_somebody_are_replaced_in_text_and_in_json() {
        let mut hide = |text: &str| "x".repeat(text.len());
        let text =
            "2026 INFO labwire::host: signed rules actor=\"m\\\"e\" by=Example source=\"serial /dev/ttyS0\"";
        assert_eq!(
            harmless(text, &mut hide),
            "2026 INFO labwire::host: signed rules actor=xxxxxx by=xxxxxxx source=\"serial /dev/ttyS0\""
        );
        let json = r#"{"level":"INFO","message":"signed rules","by":"Dr. Example","id":7}"#;
        assert_eq!(
            harmless(json, &mut hide),
            r#"{"level":"INFO","message":"signed rules","by":"xxxxxxxxxxx","id":7}"#
        );
    }
}
