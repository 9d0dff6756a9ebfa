//! Attempts at a FHIR server: a specimen's Bundle by POST, as it was stored, to the byte. What depends on what the server
//! has is found out by reading: before a correction whether its copy may be replaced, after a 200 whether its copy says
//! what ours says, and at a probe what it has. It writes nothing but the Bundle.

use std::collections::BTreeMap;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::Value;

use super::bundle::sent::{Entry, Sent, Way};
use super::kind::Attempted;
use super::verdict::fhir::{self, Closing, Looked, Seen, Told};
use super::verdict::{Judgement, Reply};
use super::web::{Exchange, Web};
use crate::config::settings::Fhir;
use crate::journal::ledger::{AttemptKind, Lease};

const JSON: &str = "application/fhir+json";

/// The way to one server.
pub struct Client {
    web: Web,
    settings: Fhir,
}

/// An answer that shows nothing of what was asked for.
struct Unseen(Exchange);

impl Client {
    /// Fails where the destination's certificates can't be read.
    pub fn new(settings: &Fhir) -> reqwest::Result<Client> {
        Ok(Client { web: Web::new(&settings.web)?, settings: settings.clone() })
    }

    /// Makes the attempt and judges it. Never fails: what goes wrong is a reply too.
    pub async fn attempt(&self, lease: &Lease) -> Attempted {
        let sent = match Sent::parse(&lease.payload) {
            Ok(sent) => sent,
            Err(why) => return without_answer(Judgement::unreadable(why, &lease.items)),
        };
        match lease.kind {
            AttemptKind::Probe => self.probe(lease, &sent).await,
            AttemptKind::Send => self.send(lease, &sent).await,
        }
    }

    async fn probe(&self, lease: &Lease, sent: &Sent) -> Attempted {
        let mut reading = Reading::new(self, sent);
        match reading.all().await {
            Ok((looked, closing)) => without_answer(fhir::judge_probe(&looked, closing, sent, &lease.items)),
            Err(Unseen(heard)) => {
                let judgement = fhir::judge_unseen(&heard.reply, AttemptKind::Probe, &lease.items);
                heard.judged(judgement)
            }
        }
    }

    async fn send(&self, lease: &Lease, sent: &Sent) -> Attempted {
        match self.before(lease, sent).await {
            Ok(None) => {}
            Ok(Some(judgement)) => return without_answer(judgement),
            Err(Unseen(heard)) => {
                let judgement = fhir::judge_unseen(&heard.reply, AttemptKind::Send, &lease.items);
                return heard.judged(judgement);
            }
        }
        let request = self.web.post(&self.settings.url).body(lease.payload.clone());
        let request = request.header(CONTENT_TYPE, JSON).header("Prefer", "return=minimal");
        let heard = Web::ask(request.header(ACCEPT, JSON).header("X-Request-Id", &lease.key)).await;
        let judgement = match fhir::read(&heard.reply, &self.settings.rules, sent, &lease.items) {
            Ok(told) => self.after(lease, sent, &told).await,
            Err(judgement) => judgement,
        };
        heard.judged(judgement)
    }

    /// Looks at the copies that newer versions are to replace. A judgement where the Bundle need not or may not go out.
    async fn before(&self, lease: &Lease, sent: &Sent) -> Result<Option<Judgement>, Unseen> {
        let mut reading = Reading::new(self, sent);
        let mut looked = Looked::new();
        for (id, entry) in sent.results().filter(|(_, entry)| entry.way == Way::Update) {
            looked.insert(id, Some(reading.result(entry).await?));
        }
        let is_there = |seen: &Option<Seen>| matches!(seen, Some(Seen::Same { .. }));
        if !looked.is_empty() && looked.values().all(is_there) {
            let (looked, closing) = reading.all().await?;
            if looked.values().all(is_there) && closing == Closing::There {
                return Ok(Some(fhir::judge_probe(&looked, closing, sent, &lease.items)));
            }
        }
        Ok(fhir::judge_before(&looked, &lease.items))
    }

    /// Compares what the server had already with what was sent.
    async fn after(&self, lease: &Lease, sent: &Sent, told: &[Told]) -> Judgement {
        let mut reading = Reading::new(self, sent);
        reading.learn_specimen(sent, told);
        let mut looked = Looked::new();
        for (id, entry, told) in fhir::to_compare(sent, told) {
            looked.insert(id, reading.copy(entry, told).await.ok());
        }
        fhir::judge(sent, told, &looked, &lease.items)
    }

    /// What the server has under this path or search: resources of this kind.
    async fn get(&self, path: &str, kind: &str) -> Result<Vec<Value>, Unseen> {
        let request = self.web.get(&format!("{}/{path}", self.settings.url)).header(ACCEPT, JSON);
        let heard = Web::ask(request).await;
        let found = match &heard.reply {
            Reply::Answered(answer) if answer.status == 200 => found(&answer.body, kind),
            _ => None,
        };
        found.ok_or(Unseen(heard))
    }
}

/// The resources of one kind in an answer: itself, or what a search found.
fn found(body: &[u8], kind: &str) -> Option<Vec<Value>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let is =
        |resource: &Value, kind: &str| resource.get("resourceType").and_then(Value::as_str) == Some(kind);
    if is(&body, kind) {
        return Some(vec![body]);
    }
    let is_search = body.get("type").and_then(Value::as_str) == Some("searchset");
    if !is(&body, "Bundle") || !is_search {
        return None;
    }
    let entries = body.get("entry").and_then(Value::as_array).into_iter().flatten();
    let resources = entries.filter_map(|entry| entry.get("resource")).filter(|resource| is(resource, kind));
    Some(resources.cloned().collect())
}

/// One look at the server.
struct Reading<'a> {
    client: &'a Client,
    sent: &'a Sent,
    /// Whether the Specimen in a place is ours.
    specimens: BTreeMap<String, bool>,
}

impl<'a> Reading<'a> {
    fn new(client: &'a Client, sent: &'a Sent) -> Reading<'a> {
        Reading { client, sent, specimens: BTreeMap::new() }
    }

    /// Every result, and what was written after them.
    async fn all(&mut self) -> Result<(Looked, Closing), Unseen> {
        let mut looked = Looked::new();
        for (id, entry) in self.sent.results() {
            looked.insert(id, Some(self.result(entry).await?));
        }
        let mut closing = Closing::There;
        for entry in self.sent.closing() {
            if self.search(entry).await?.is_empty() {
                closing = Closing::Missing;
            }
        }
        Ok((looked, closing))
    }

    /// A result by its identifier.
    async fn result(&mut self, entry: &Entry) -> Result<Seen, Unseen> {
        let found = self.search(entry).await?;
        self.compare(entry, &found).await
    }

    /// What a search finds, without what hasn't our identifier: some servers ignore what they don't understand.
    async fn search(&self, entry: &Entry) -> Result<Vec<Value>, Unseen> {
        let mut found = self.client.get(&format!("{}?{}", entry.kind, entry.search), &entry.kind).await?;
        found.retain(|resource| fhir::has_name_of(&entry.resource, resource));
        Ok(found)
    }

    /// The copy that the server says it had: in its answer, in the place that it named, or found by its identifier.
    async fn copy(&mut self, entry: &Entry, told: &Told) -> Result<Seen, Unseen> {
        let answered = told.resource.as_ref().filter(|copy| fhir::has_name_of(&entry.resource, copy));
        let found = match (answered, &told.place) {
            (Some(copy), _) => vec![copy.clone()],
            (None, Some(place)) => self.client.get(place, &entry.kind).await?,
            (None, None) => self.search(entry).await?,
        };
        self.compare(entry, &found).await
    }

    async fn compare(&mut self, entry: &Entry, found: &[Value]) -> Result<Seen, Unseen> {
        for place in found.iter().filter_map(fhir::specimen_of) {
            if !self.specimens.contains_key(&place) {
                let specimens = self.client.get(&place, "Specimen").await?;
                let ours = self.sent.specimen().map(|entry| &entry.resource);
                let is_ours = specimens
                    .iter()
                    .any(|specimen| ours.is_some_and(|ours| fhir::has_name_of(ours, specimen)));
                self.specimens.insert(place, is_ours);
            }
        }
        let of_our_specimen = |copy: &Value| {
            fhir::specimen_of(copy).is_some_and(|place| self.specimens.get(&place) == Some(&true))
        };
        Ok(Seen::of(self.sent, entry, found, of_our_specimen))
    }

    /// The place that the server gave for our Specimen needn't be looked into.
    fn learn_specimen(&mut self, sent: &Sent, told: &[Told]) {
        let both = sent.entries.iter().zip(told).filter(|(entry, _)| entry.kind == "Specimen");
        self.specimens.extend(both.filter_map(|(_, told)| Some((told.place.clone()?, true))));
    }
}

fn without_answer(judgement: Judgement) -> Attempted {
    Attempted { judgement, status: None, body: None, connection: None }
}
