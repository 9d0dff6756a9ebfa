//! A Bundle of ours, read back: what each entry asked for, and what may stand on the server before it. It reads the bytes
//! that were stored, so that a later version of this program still knows what an earlier one sent.

use std::collections::BTreeSet;

use serde_json::Value;

use super::facts::Facts;
use crate::journal::ObservationId;

/// The kind of what was recorded of a critical call.
pub const CALL: &str = "Communication";

/// What was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    pub entries: Vec<Entry>,
    /// What the versions said that these results supersede.
    earlier: BTreeSet<String>,
}

/// One entry of a Bundle.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// `Observation`, `Specimen`, …
    pub kind: String,
    /// Which result it is, or what was recorded of a call about it; nothing for what stands around those.
    pub result: Option<ObservationId>,
    pub way: Way,
    /// How a server finds it: what stands behind the question mark.
    pub search: String,
    pub resource: Value,
}

/// What the server was to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Create it unless it is there.
    Create,
    /// Put it in the place of what is there.
    Update,
}

impl Sent {
    /// Reads a payload.
    ///
    /// # Errors
    /// What it lacks: it is no Bundle of ours.
    pub fn parse(payload: &[u8]) -> Result<Sent, &'static str> {
        let bundle: Value = serde_json::from_slice(payload).map_err(|_| "it is no JSON")?;
        let entries = bundle.get("entry").and_then(Value::as_array).ok_or("it has no entries")?;
        let entries: Vec<Entry> =
            entries.iter().map(Entry::parse).collect::<Option<_>>().ok_or("an entry has no request")?;
        let entities = entries.iter().filter_map(|entry| entry.resource.get("entity")?.as_array()).flatten();
        let tokens = entities.filter_map(|entity| entity.pointer("/what/identifier/value")?.as_str());
        Ok(Sent { earlier: tokens.map(str::to_owned).collect(), entries })
    }

    /// The entries that are results, each with the number it has in the ledger.
    pub fn results(&self) -> impl Iterator<Item = (ObservationId, &Entry)> {
        self.entries.iter().filter_map(|entry| Some((entry.result?, entry)))
    }

    pub fn specimen(&self) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.kind == "Specimen")
    }

    /// What was written last: where it is, the rest is.
    pub fn closing(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| matches!(entry.kind.as_str(), "DiagnosticReport" | "Provenance"))
    }

    /// Whether a server's copy says what an earlier version of this result said.
    pub fn is_earlier(&self, entry: &Entry, found: &Value) -> bool {
        let identity = entry.resource.pointer("/identifier/0/value").and_then(Value::as_str);
        self.earlier.contains(&Facts::of(found).token(identity.unwrap_or_default()))
    }
}

impl Entry {
    fn parse(entry: &Value) -> Option<Entry> {
        let resource = entry.get("resource")?.clone();
        let kind = resource.get("resourceType")?.as_str()?.to_owned();
        let request = entry.get("request")?;
        let text = |name: &str| request.get(name).and_then(Value::as_str);
        let (way, search) = match (text("method")?, text("ifNoneExist")) {
            ("POST", Some(search)) => (Way::Create, search),
            ("PUT", None) => (Way::Update, text("url")?.split_once('?')?.1),
            _ => return None,
        };
        let result = match kind.as_str() {
            "Observation" | CALL => Some(ObservationId(entry.get("id")?.as_str()?.parse().ok()?)),
            _ => None,
        };
        Some(Entry { result, way, search: search.to_owned(), kind, resource })
    }
}
