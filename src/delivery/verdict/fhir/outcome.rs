//! What an OperationOutcome says: its codes, which are FHIR's own and may be logged, and its words, which may name a
//! patient and are for the ledger and a person's eyes.

use serde_json::Value;

/// FHIR's issue types.
const TYPES: [&str; 31] = [
    "invalid",
    "structure",
    "required",
    "value",
    "invariant",
    "security",
    "login",
    "unknown",
    "expired",
    "forbidden",
    "suppressed",
    "processing",
    "not-supported",
    "duplicate",
    "multiple-matches",
    "not-found",
    "deleted",
    "too-long",
    "code-invalid",
    "extension",
    "too-costly",
    "business-rule",
    "conflict",
    "transient",
    "lock-error",
    "no-store",
    "exception",
    "timeout",
    "incomplete",
    "throttled",
    "informational",
];

fn issues(outcome: Option<&Value>) -> impl Iterator<Item = &Value> {
    outcome.and_then(|outcome| outcome.get("issue")).and_then(Value::as_array).into_iter().flatten()
}

/// Whether it says that something went wrong.
pub(super) fn is_error(outcome: &Value) -> bool {
    let severity = |issue: &Value| issue.get("severity").and_then(Value::as_str).map(str::to_owned);
    issues(Some(outcome)).filter_map(severity).any(|severity| matches!(severity.as_str(), "error" | "fatal"))
}

/// Its issue types, as `, invalid, required`.
pub(super) fn codes(outcome: Option<&Value>) -> String {
    let code = |issue: &Value| {
        let code = issue.get("code")?.as_str()?;
        TYPES.iter().find(|known| **known == code).copied()
    };
    let mut codes: Vec<&str> = issues(outcome).filter_map(code).collect();
    codes.dedup();
    codes.iter().take(8).map(|code| format!(", {code}")).collect()
}

/// What it says in words, and of what.
pub(super) fn words(outcome: Option<&Value>) -> String {
    let said = issues(outcome).filter_map(|issue| {
        let text = |pointer: &str| issue.pointer(pointer).and_then(Value::as_str);
        let words: Vec<&str> = ["/details/text", "/diagnostics"].into_iter().filter_map(text).collect();
        let place = text("/expression/0").map(|place| format!(" ({place})")).unwrap_or_default();
        (!words.is_empty()).then(|| format!("{}{place}", words.join(", ")))
    });
    said.collect::<Vec<_>>().join("; ")
}
