//! A FHIR server as small as the tests need it: transactions with conditional creates and updates, reads, searches by
//! identifier and tag, every version kept. It fails on command, keeps numbers as they were written, and judges nothing.

#![allow(dead_code, reason = "every test program uses its own part of this")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use labsim::chance::Chance;
use serde_json::{Value, json};

use super::lims_by_hand::{Asked, LimsByHand, SILENCE, json as answer};

/// What a transaction meets.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Meet {
    Take,
    /// Takes it; the answer is lost.
    LoseAnswer,
    /// Closes the connection and takes nothing.
    Ignore,
    /// Takes it and never answers.
    TakeAndHang,
    /// Takes it and never answers, and somebody at the LIMS changes each Observation.
    TakeAndChange(fn(&mut Value)),
    /// Takes nothing and never answers.
    Hang,
    /// Takes it; the answer breaks off.
    Cut,
    /// Takes it; the answer has an entry too few.
    Short,
    /// Takes it; the answer is a web page.
    Page,
    /// Takes so many entries, as no transaction should, and closes the connection.
    Partly(usize),
    /// This answer, and takes nothing.
    Answer(&'static str, &'static str, &'static str),
}

/// What goes wrong by chance: the answer is lost, comes in part or as something else, or nothing was taken.
const FAILURES: [Meet; 6] = [
    Meet::LoseAnswer,
    Meet::Ignore,
    Meet::Cut,
    Meet::Short,
    Meet::Page,
    Meet::Answer("503 Service Unavailable", "", "{\"resourceType\":\"OperationOutcome\"}"),
];

#[derive(Default)]
struct Shelf {
    /// The versions of each resource, by `Observation/7`.
    resources: BTreeMap<String, Vec<Value>>,
    /// Which resources have, or had, a token: by `Observation?identifier=system|value`.
    places: BTreeMap<String, Vec<String>>,
    meets: VecDeque<Meet>,
    /// How many of the transactions that nothing else awaits meet a failure, and which.
    failing: Option<(f64, Chance)>,
    is_careless: bool,
}

/// A server that answers until it is dropped.
pub(crate) struct FhirByHand {
    shelf: Arc<Mutex<Shelf>>,
    server: LimsByHand,
}

impl FhirByHand {
    pub(crate) async fn start() -> FhirByHand {
        let shelf = Arc::new(Mutex::new(Shelf::default()));
        let own = Arc::clone(&shelf);
        let server = LimsByHand::start(move |asked, _| own.lock().unwrap().answer(asked)).await;
        FhirByHand { shelf, server }
    }

    /// One that ignores conditions, and so creates whatever comes: it shows that a double would be seen.
    pub(crate) async fn careless() -> FhirByHand {
        let server = FhirByHand::start().await;
        server.shelf.lock().unwrap().is_careless = true;
        server
    }

    /// From now on this share of transactions meets a failure.
    pub(crate) fn fail(&self, share: f64, seed: u64) {
        self.shelf.lock().unwrap().failing = Some((share, Chance::seeded_for(seed, "fhir")));
    }

    /// From now on nothing fails by chance.
    pub(crate) fn mend(&self) {
        self.shelf.lock().unwrap().failing = None;
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// What the next transactions meet; those after them are taken.
    pub(crate) fn meet(&self, meets: impl IntoIterator<Item = Meet>) {
        self.shelf.lock().unwrap().meets.extend(meets);
    }

    /// The newest version of each resource of a kind.
    pub(crate) fn all(&self, kind: &str) -> Vec<Value> {
        let shelf = self.shelf.lock().unwrap();
        let of_kind = shelf.resources.iter().filter(|(place, _)| place.starts_with(&format!("{kind}/")));
        of_kind.map(|(_, versions)| versions.last().unwrap().clone()).collect()
    }

    /// The versions of each Observation of a specimen, oldest first.
    pub(crate) fn results(&self, specimen: &str) -> Vec<Vec<Value>> {
        let observations = self.observations().into_iter();
        observations.filter(|(number, _)| number == specimen).map(|(_, versions)| versions).collect()
    }

    /// The versions of every Observation, oldest first, each with its specimen's number.
    pub(crate) fn observations(&self) -> Vec<(String, Vec<Value>)> {
        let shelf = self.shelf.lock().unwrap();
        let specimen = |observation: &Value| {
            let place = observation["specimen"]["reference"].as_str().unwrap();
            let versions = shelf.resources.get(place);
            let number = versions.and_then(|versions| versions[0]["identifier"][0]["value"].as_str());
            number.unwrap_or_default().to_owned()
        };
        let observations = shelf.resources.iter().filter(|(place, _)| place.starts_with("Observation/"));
        observations.map(|(_, versions)| (specimen(&versions[0]), versions.clone())).collect()
    }

    /// Somebody at the LIMS changes each Observation.
    pub(crate) fn change(&self, change: impl Fn(&mut Value)) {
        self.shelf.lock().unwrap().change(change);
    }

    /// Every request that came, as its method and path; what a search was for is left out.
    pub(crate) fn asked(&self) -> Vec<String> {
        let line = |asked: Asked| {
            let mut words = asked.head.split(' ').map(str::to_owned).collect::<Vec<_>>();
            words.truncate(2);
            words.join(" ").split('=').next().unwrap().to_owned()
        };
        self.server.asked().into_iter().map(line).collect()
    }

    /// How many requests came so far.
    pub(crate) fn count(&self) -> usize {
        self.server.count()
    }

    /// The Bundles that came, in their order.
    pub(crate) fn bundles(&self) -> Vec<Asked> {
        self.server.asked().into_iter().filter(|asked| asked.head.starts_with("POST ")).collect()
    }
}

impl Shelf {
    fn answer(&mut self, asked: &Asked) -> String {
        let path = asked.head.split(' ').nth(1).unwrap().to_owned();
        let path = path.strip_prefix("/fhir").unwrap().trim_start_matches('/');
        if asked.head.starts_with("GET ") {
            return self.get(path);
        }
        let bundle: Value = serde_json::from_str(&asked.body).unwrap();
        let meet = self.meets.pop_front().unwrap_or_else(|| self.by_chance());
        match meet {
            Meet::Take => ok(&self.transaction(&bundle, usize::MAX)),
            Meet::LoseAnswer => {
                self.transaction(&bundle, usize::MAX);
                String::new()
            }
            Meet::Ignore => String::new(),
            Meet::TakeAndHang => {
                self.transaction(&bundle, usize::MAX);
                SILENCE.to_owned()
            }
            Meet::TakeAndChange(change) => {
                self.transaction(&bundle, usize::MAX);
                self.change(change);
                SILENCE.to_owned()
            }
            Meet::Hang => SILENCE.to_owned(),
            Meet::Cut => {
                let whole = ok(&self.transaction(&bundle, usize::MAX));
                whole.split_at(whole.len() - 40).0.to_owned()
            }
            Meet::Short => {
                let mut response = self.transaction(&bundle, usize::MAX);
                response["entry"].as_array_mut().unwrap().pop();
                ok(&response)
            }
            Meet::Page => {
                self.transaction(&bundle, usize::MAX);
                answer("200 OK", "", "<html>please sign in</html>")
            }
            Meet::Partly(entries) => {
                self.transaction(&bundle, entries);
                String::new()
            }
            Meet::Answer(status, headers, body) => answer(status, headers, body),
        }
    }

    fn by_chance(&mut self) -> Meet {
        let Some((share, chance)) = &mut self.failing else { return Meet::Take };
        let which = usize::try_from(chance.below(FAILURES.len() as u64)).unwrap();
        if chance.hits(*share) { FAILURES[which] } else { Meet::Take }
    }

    fn change(&mut self, change: impl Fn(&mut Value)) {
        for (place, versions) in &mut self.resources {
            if place.starts_with("Observation/") {
                change(versions.last_mut().unwrap());
            }
        }
    }

    fn get(&self, path: &str) -> String {
        match path.split_once('?') {
            Some((kind, search)) => {
                let found = self.search(kind, search);
                let entry = |place: &String| json!({ "resource": self.resources[place].last().unwrap() });
                let entries: Vec<Value> = found.iter().map(entry).collect();
                ok(&json!({ "resourceType": "Bundle", "type": "searchset", "entry": entries }))
            }
            None => match self.resources.get(path) {
                Some(versions) => ok(versions.last().unwrap()),
                None => answer("404 Not Found", "", "{\"resourceType\":\"OperationOutcome\"}"),
            },
        }
    }

    /// The places of what a search finds.
    fn search(&self, kind: &str, search: &str) -> Vec<String> {
        let (parameter, wanted) = search.split('&').next().unwrap().split_once('=').unwrap();
        assert!(["identifier", "_tag"].contains(&parameter), "a search by {parameter}");
        let wanted = wanted.split(',').map(|wanted| format!("{kind}?{parameter}={}", decoded(wanted)));
        let has_still = |place: &&String, token: &String| {
            tokens(kind, self.resources[*place].last().unwrap()).contains(token)
        };
        let of = |token: String| {
            let places = self.places.get(&token).map(Vec::as_slice).unwrap_or_default();
            places.iter().filter(|place| has_still(place, &token)).cloned().collect::<Vec<_>>()
        };
        let found: BTreeSet<String> = wanted.flat_map(of).collect();
        found.into_iter().collect()
    }

    /// Puts the newest version of a resource on the shelf.
    fn put(&mut self, place: &str, resource: Value) {
        for token in tokens(place.split('/').next().unwrap(), &resource) {
            let places = self.places.entry(token).or_default();
            if !places.iter().any(|other| other == place) {
                places.push(place.to_owned());
            }
        }
        self.resources.entry(place.to_owned()).or_default().push(resource);
    }

    /// Applies so many entries of a Bundle.
    fn transaction(&mut self, bundle: &Value, entries: usize) -> Value {
        let sent = bundle["entry"].as_array().unwrap();
        let mut places = Vec::new();
        for entry in sent {
            let kind = entry["resource"]["resourceType"].as_str().unwrap();
            let url = entry["request"]["url"].as_str().unwrap();
            let search =
                entry["request"]["ifNoneExist"].as_str().or(url.split_once('?').map(|(_, search)| search));
            let found = if self.is_careless { Vec::new() } else { self.search(kind, search.unwrap()) };
            assert!(found.len() < 2, "{kind} is there twice");
            let new = format!("{kind}/{}", self.resources.len() + places.len() + 1);
            places.push((found.first().cloned().unwrap_or(new), found.is_empty()));
        }
        let resolved = |resource: &Value| {
            let mut text = resource.to_string();
            for (entry, (place, _)) in sent.iter().zip(&places) {
                text = text.replace(entry["fullUrl"].as_str().unwrap(), place);
            }
            serde_json::from_str::<Value>(&text).unwrap()
        };
        let mut answers = Vec::new();
        for (entry, (place, is_new)) in sent.iter().zip(&places).take(entries) {
            let updates = entry["request"]["method"] == "PUT";
            if *is_new || updates {
                let mut resource = resolved(&entry["resource"]);
                resource["id"] = json!(place.split_once('/').unwrap().1);
                self.put(place, resource);
            }
            let version = self.resources[place].len();
            let status = if *is_new { "201 Created" } else { "200 OK" };
            let location = format!("{place}/_history/{version}");
            answers.push(json!({ "response": { "status": status, "location": location } }));
        }
        json!({ "resourceType": "Bundle", "type": "transaction-response", "entry": answers })
    }
}

/// By what a resource can be searched for.
fn tokens(kind: &str, resource: &Value) -> Vec<String> {
    let mut tokens = Vec::new();
    for (parameter, list, name) in [("identifier", "/identifier", "value"), ("_tag", "/meta/tag", "code")] {
        let list = resource.pointer(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let token = |one: &Value| {
            format!("{kind}?{parameter}={}|{}", one["system"].as_str().unwrap(), one[name].as_str().unwrap())
        };
        tokens.extend(list.iter().map(token));
    }
    tokens
}

fn ok(body: &Value) -> String {
    answer("200 OK", "", &body.to_string())
}

fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(code, 16).unwrap());
        bytes.extend(rest.bytes());
    }
    String::from_utf8(bytes).unwrap()
}
