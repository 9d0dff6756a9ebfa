//! What a FHIR server has of what was sent: searches and reads, and the comparison with ours. It changes nothing there.

use std::collections::BTreeMap;

use reqwest::header::ACCEPT;
use serde_json::Value;

use super::super::bundle::sent::{CALL, Entry, Sent};
use super::super::verdict::Reply;
use super::super::verdict::fhir::{self, Closing, Looked, Seen, Told};
use super::super::verdict::http::Answer;
use super::super::web::Web;
use super::JSON;
use super::record::Record;

/// How many results one search asks for.
const TOGETHER: usize = 20;

/// An answer that shows nothing of what was asked for.
pub(super) struct Unseen(pub(super) Reply<Answer>);

/// One look at the server.
pub(super) struct Reading<'a> {
    web: &'a Web,
    base: &'a str,
    sent: &'a Sent,
    /// Whether the Specimen in a place is ours.
    specimens: BTreeMap<String, bool>,
    record: &'a mut Record,
}

/// What an answer holds of the kind that was asked for.
struct Found {
    resources: Vec<Value>,
    /// Whether that is all there is.
    whole: bool,
}

impl<'a> Reading<'a> {
    pub(super) fn new(web: &'a Web, base: &'a str, sent: &'a Sent, record: &'a mut Record) -> Reading<'a> {
        Reading { web, base, sent, specimens: BTreeMap::new(), record }
    }

    /// Every result, and what was written after them.
    pub(super) async fn all(&mut self) -> Result<(Looked, Closing), Unseen> {
        let looked = self.results(|_| true).await?;
        let mut closing = Closing::There;
        for entry in self.sent.closing() {
            if self.search(entry).await?.is_empty() {
                closing = Closing::Missing;
            }
        }
        Ok((looked, closing))
    }

    /// The results that are wanted, by their identifiers.
    pub(super) async fn results(&mut self, wanted: impl Fn(&Entry) -> bool) -> Result<Looked, Unseen> {
        let sent = self.sent;
        let (calls, entries): (Vec<_>, Vec<_>) =
            sent.results().filter(|(_, entry)| wanted(entry)).partition(|(_, entry)| entry.kind == CALL);
        let mut looked = Looked::new();
        for (id, entry) in calls {
            let found = self.search(entry).await?;
            let seen = match found.len() {
                0 => Seen::Missing,
                1 => Seen::Same { added: Vec::new() },
                _ => Seen::Several,
            };
            looked.insert(id, Some(seen));
        }
        for entries in entries.chunks(TOGETHER) {
            let names: Vec<&str> =
                entries.iter().filter_map(|(_, entry)| entry.search.strip_prefix("identifier=")).collect();
            let search = format!("Observation?identifier={}&_count={}", names.join(","), 4 * TOGETHER);
            let found = self.get(&search, "Observation").await?;
            for (id, entry) in entries {
                // A server may give less at once than it was asked for.
                let copies = match found.whole {
                    true => named(entry, &found.resources),
                    false => self.search(entry).await?,
                };
                looked.insert(*id, Some(self.compare(entry, &copies).await?));
            }
        }
        Ok(looked)
    }

    /// The copy that the server says it had: in its answer, in the place that it named, or found by its identifier.
    pub(super) async fn copy(&mut self, entry: &Entry, told: &Told) -> Result<Seen, Unseen> {
        let answered = told.resource.as_ref().filter(|copy| fhir::has_name_of(&entry.resource, copy));
        let found = match (answered, &told.place) {
            (Some(copy), _) => vec![copy.clone()],
            (None, Some(place)) => self.get(place, &entry.kind).await?.resources,
            (None, None) => self.search(entry).await?,
        };
        self.compare(entry, &found).await
    }

    /// The place that the server gave for our Specimen needn't be looked into.
    pub(super) fn learn_specimen(&mut self, told: &[Told]) {
        let both = self.sent.entries.iter().zip(told).filter(|(entry, _)| entry.kind == "Specimen");
        self.specimens.extend(both.filter_map(|(_, told)| Some((told.place.clone()?, true))));
    }

    async fn search(&mut self, entry: &Entry) -> Result<Vec<Value>, Unseen> {
        let found = self.get(&format!("{}?{}", entry.kind, entry.search), &entry.kind).await?;
        Ok(named(entry, &found.resources))
    }

    async fn compare(&mut self, entry: &Entry, found: &[Value]) -> Result<Seen, Unseen> {
        for place in found.iter().filter_map(fhir::specimen_of) {
            if !self.specimens.contains_key(&place) {
                let specimens = self.get(&place, "Specimen").await?.resources;
                let is_ours = self.sent.specimen().is_some_and(|ours| !named(ours, &specimens).is_empty());
                self.specimens.insert(place, is_ours);
            }
        }
        let of_our_specimen = |copy: &Value| {
            fhir::specimen_of(copy).is_some_and(|place| self.specimens.get(&place) == Some(&true))
        };
        Ok(Seen::of(self.sent, entry, found, of_our_specimen))
    }

    /// What the server has under this path or search.
    async fn get(&mut self, path: &str, kind: &str) -> Result<Found, Unseen> {
        let request = self.web.get(&format!("{}/{path}", self.base)).header(ACCEPT, JSON);
        let heard = Web::ask(request).await;
        self.record.looked(path, &heard);
        let found = match &heard.reply {
            Reply::Answered(answer) if answer.status == 200 => Found::read(&answer.body, kind),
            _ => None,
        };
        found.ok_or(Unseen(heard.reply))
    }
}

/// Those with the name of what was sent: some servers ignore what they don't understand of a search.
fn named(entry: &Entry, found: &[Value]) -> Vec<Value> {
    found.iter().filter(|resource| fhir::has_name_of(&entry.resource, resource)).cloned().collect()
}

impl Found {
    /// Reads a resource, or what a search found.
    fn read(body: &[u8], kind: &str) -> Option<Found> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let is = |resource: &Value, kind: &str| text(resource, "resourceType").as_deref() == Some(kind);
        if is(&body, kind) {
            return Some(Found { resources: vec![body], whole: true });
        }
        if !is(&body, "Bundle") || text(&body, "type").as_deref() != Some("searchset") {
            return None;
        }
        let list = |name: &str| body.get(name).and_then(Value::as_array).into_iter().flatten();
        let resources = list("entry").filter_map(|entry| entry.get("resource"));
        let resources = resources.filter(|resource| is(resource, kind)).cloned().collect();
        let whole = !list("link").any(|link| text(link, "relation").as_deref() == Some("next"));
        Some(Found { resources, whole })
    }
}
