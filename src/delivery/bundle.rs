//! The transaction Bundle that a FHIR R4 server receives: one specimen's results as Observations, with the Specimen, the
//! Devices, a DiagnosticReport and the Provenance. Each is created only if the server hasn't it yet; a newer version of a
//! result takes its Observation's place. It makes no Patient.

mod call;
pub mod facts;
mod identity;
mod observation;
pub mod sent;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use self::facts::Facts;
use self::identity::{full_url, hash, search};
use self::observation::{Around, object, said};
use crate::config::settings::{FhirNames, Mode};
use crate::domain::profile::Profile;
use crate::domain::{Observation, Patient, SampleClass};
use crate::journal::ledger::{Consignment, Item, Says, Version};

/// Profiles by their identity, as results name them.
pub type Profiles = BTreeMap<String, Arc<Profile>>;

const PARTICIPANT: &str = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";
const REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
const SECTION: &str = "http://terminology.hl7.org/CodeSystem/v2-0074";

/// Renders a consignment. The same consignment gives the same bytes.
///
/// # Errors
/// A result that is no patient's: a control never gets into a patient's record.
pub fn render(
    names: &FhirNames,
    site: &str,
    profiles: &Profiles,
    mode: Mode,
    consignment: &Consignment,
) -> Result<Vec<u8>, String> {
    if consignment.items.iter().any(|item| item.observation.class != SampleClass::Patient) {
        return Err("a control or a calibrator is no patient's result".to_owned());
    }
    let rendering = Rendering::new(names, site, profiles, consignment);
    let mut bundle = match &consignment.call {
        Some(note) => rendering.around(vec![call::entry(names, site, note)]),
        None => rendering.bundle(),
    };
    if mode == Mode::Test {
        mark_as_test(&mut bundle);
    }
    serde_json::to_vec(&bundle).map_err(|error| format!("failed to render a Bundle: {error}"))
}

/// Labels every resource as test data.
fn mark_as_test(bundle: &mut Value) {
    let entries = bundle.get_mut("entry").and_then(Value::as_array_mut).into_iter().flatten();
    for resource in entries.filter_map(|entry| entry.get_mut("resource")?.as_object_mut()) {
        let meta = resource.entry("meta").or_insert_with(|| json!({}));
        if let Some(meta) = meta.as_object_mut() {
            meta.insert("security".to_owned(), json!([{ "system": REASON, "code": "HTEST" }]));
        }
    }
}

struct Rendering<'a> {
    names: &'a FhirNames,
    site: &'a str,
    profiles: &'a Profiles,
    consignment: &'a Consignment,
    /// The Specimen's place in the Bundle.
    specimen: String,
}

/// A result in its Bundle.
struct Told {
    full_url: String,
    status: &'static str,
    /// A short sign of what this version says.
    sign: String,
    /// The same of each earlier version.
    earlier: Vec<String>,
    entry: Value,
}

impl<'a> Rendering<'a> {
    fn new(
        names: &'a FhirNames,
        site: &'a str,
        profiles: &'a Profiles,
        consignment: &'a Consignment,
    ) -> Rendering<'a> {
        let specimen = full_url(&["Specimen", consignment.specimen.reveal()]);
        Rendering { names, site, profiles, consignment, specimen }
    }

    fn bundle(&self) -> Value {
        let results: Vec<Told> = self.consignment.items.iter().map(|item| self.result(item)).collect();
        let signs = results.iter().map(|told| told.sign.as_str());
        let name = hash(["report", self.site].into_iter().chain(signs));
        let report = full_url(&["DiagnosticReport", &name]);
        let last = [self.report(&name, &report, &results), self.provenance(&name, &report, &results)];
        let mut entries = self.devices();
        entries.push(self.specimen());
        entries.extend(results.into_iter().map(|told| told.entry));
        entries.extend(last);
        self.around(entries)
    }

    fn around(&self, entries: Vec<Value>) -> Value {
        json!({
            "resourceType": "Bundle",
            "identifier": { "system": self.system("delivery"), "value": self.consignment.key },
            "type": "transaction",
            "timestamp": self.consignment.made_at.to_string(),
            "entry": entries,
        })
    }

    fn system(&self, what: &str) -> String {
        format!("{}/{what}", self.names.system)
    }

    fn profile(&self, it: &Observation) -> Option<&'a Profile> {
        self.profiles.get(&it.profile).map(Arc::as_ref)
    }

    fn result(&self, item: &Item) -> Told {
        let identity = identity::result(self.site, item);
        let (device, _) = self.device(&item.observation);
        let resource = |it: &Observation, earlier: &[Version]| {
            let around = Around { identity: &identity, specimen: &self.specimen, device: &device, earlier };
            observation::resource(self.names, self.profile(it), it, &around)
        };
        let mut ours = resource(&item.observation, &item.earlier);
        observation::link(self.names, item, &mut ours);
        let versions = item.earlier.iter().map(|it| (resource(&it.observation, &[]), it.announced));
        let own =
            (matches!(item.says, Says::Void(_)) || item.announced).then(|| (ours.clone(), item.announced));
        let token = |observation: &Value| Facts::of(observation).token(&identity);
        let may_be_there = versions.chain(own).flat_map(|(as_it_is, announced)| {
            let preliminary = announced.then(|| observation::preliminary(as_it_is.clone()));
            [Some(as_it_is), preliminary].into_iter().flatten()
        });
        let earlier: Vec<String> = may_be_there.map(|version| token(&version)).collect();
        let mut status = words::status(&item.observation, self.profile(&item.observation));
        match item.says {
            Says::Result => {}
            Says::Preliminary => {
                status = observation::PRELIMINARY;
                ours = observation::preliminary(ours);
            }
            Says::Void(void) => {
                status = words::void(void);
                ours = observation::void(ours, void);
            }
        }
        let takes_a_place = !item.earlier.is_empty() || item.announced || matches!(item.says, Says::Void(_));
        let full_url = full_url(&["Observation", &identity]);
        let search = search("identifier", &self.system("result"), &identity);
        let request = match takes_a_place {
            false => create("Observation", &search),
            true => json!({ "method": "PUT", "url": format!("Observation?{search}") }),
        };
        let mut sign = token(&ours);
        if takes_a_place {
            sign = hash(["version", &ours.to_string()]);
            self.sign(&mut ours, &sign);
        }
        Told {
            entry: json!({ "id": item.id.to_string(), "fullUrl": full_url, "resource": ours, "request": request }),
            status,
            full_url,
            sign,
            earlier,
        }
    }

    /// A version that takes another's place is told from it by an identifier of its own: it may differ in no more than a
    /// flag.
    fn sign(&self, observation: &mut Value, sign: &str) {
        if let Some(identifiers) = observation.get_mut("identifier").and_then(Value::as_array_mut) {
            identifiers.push(json!({ "system": self.system("version"), "value": sign }));
        }
    }

    /// An instrument's place in the Bundle, and its number.
    fn device(&self, it: &Observation) -> (String, String) {
        let unit = it.analyzer_unit.as_deref().and_then(said);
        let parts: Vec<&str> = [self.site, it.instrument.as_str()].into_iter().chain(unit).collect();
        let number = parts.join("/");
        (full_url(&["Device", &number]), number)
    }

    /// Each instrument once, in the order of their first results.
    fn devices(&self) -> Vec<Value> {
        let mut seen = BTreeSet::new();
        let observations = self.consignment.items.iter().map(|item| &item.observation);
        observations
            .filter_map(|it| {
                let (place, number) = self.device(it);
                if !seen.insert(place.clone()) {
                    return None;
                }
                let system = self.system("device");
                let mut names = vec![json!({ "name": it.instrument.as_str(), "type": "user-friendly-name" })];
                let unit = it.analyzer_unit.as_deref().and_then(said);
                names.extend(unit.map(|unit| json!({ "name": unit, "type": "other" })));
                let search = search("identifier", &system, &number);
                let resource = json!({
                    "resourceType": "Device",
                    "identifier": [{ "system": system, "value": number }],
                    "deviceName": names,
                });
                Some(json!({ "fullUrl": place, "resource": resource, "request": create("Device", &search) }))
            })
            .collect()
    }

    fn specimen(&self) -> Value {
        let number = self.consignment.specimen.reveal();
        let system = &self.names.specimen_system;
        let kind = self.agreed(|item| item.observation.specimen_type.as_deref().and_then(said));
        let resource = object([
            ("resourceType", Some(json!("Specimen"))),
            ("identifier", Some(json!([{ "system": system, "value": number }]))),
            ("type", kind.map(|kind| json!({ "text": kind }))),
            ("subject", self.subject()),
        ]);
        let request = create("Specimen", &search("identifier", system, number));
        json!({ "fullUrl": self.specimen, "resource": resource, "request": request })
    }

    fn report(&self, name: &str, place: &str, results: &[Told]) -> Value {
        let system = self.system("report");
        let statuses: Vec<&'static str> = results.iter().map(|told| told.status).collect();
        let references: Vec<Value> =
            results.iter().map(|told| json!({ "reference": told.full_url })).collect();
        let search = search("identifier", &system, name);
        let resource = object([
            ("resourceType", Some(json!("DiagnosticReport"))),
            ("identifier", Some(json!([{ "system": system, "value": name }]))),
            ("status", Some(json!(words::report_status(&statuses)))),
            ("category", Some(json!([{ "coding": [{ "system": SECTION, "code": "LAB" }] }]))),
            (
                "code",
                Some(
                    json!({ "coding": [{ "system": "http://loinc.org", "code": "11502-2" }], "text": "Laboratory report" }),
                ),
            ),
            ("subject", self.subject()),
            ("specimen", Some(json!([{ "reference": self.specimen }]))),
            ("result", Some(Value::Array(references))),
        ]);
        json!({ "fullUrl": place, "resource": resource, "request": create("DiagnosticReport", &search) })
    }

    /// Who made the results and who brought them. R4 gives it no identifier, so a tag is what it is found by.
    fn provenance(&self, name: &str, report: &str, results: &[Told]) -> Value {
        let system = self.system("provenance");
        let targets = results.iter().map(|told| told.full_url.as_str()).chain([report]);
        let targets: Vec<Value> = targets.map(|target| json!({ "reference": target })).collect();
        let role = |code: &str| json!({ "coding": [{ "system": PARTICIPANT, "code": code }] });
        let devices: BTreeSet<String> =
            self.consignment.items.iter().map(|item| self.device(&item.observation).0).collect();
        let mut agents: Vec<Value> = devices
            .iter()
            .map(|place| json!({ "type": role("performer"), "who": { "reference": place } }))
            .collect();
        let gateway = json!({ "system": self.system("gateway"), "value": self.site });
        let gateway = json!({ "type": "Device", "identifier": gateway, "display": "labwire" });
        agents.push(json!({ "type": role("assembler"), "who": gateway }));
        let version = self.system("facts");
        let earlier: Vec<Value> = results
            .iter()
            .flat_map(|told| &told.earlier)
            .map(|token| json!({ "role": "revision", "what": { "identifier": { "system": version, "value": token } } }))
            .collect();
        let search = search("_tag", &system, name);
        let resource = object([
            ("resourceType", Some(json!("Provenance"))),
            ("meta", Some(json!({ "tag": [{ "system": system, "code": name }] }))),
            ("target", Some(Value::Array(targets))),
            ("recorded", Some(json!(self.consignment.made_at.to_string()))),
            ("agent", Some(Value::Array(agents))),
            ("entity", (!earlier.is_empty()).then_some(Value::Array(earlier))),
        ]);
        let place = full_url(&["Provenance", name]);
        json!({ "fullUrl": place, "resource": resource, "request": create("Provenance", &search) })
    }

    /// The patient on whom all results agree.
    fn subject(&self) -> Option<Value> {
        let id = self.agreed(|item| said(&item.patient().id))?;
        observation::subject(self.names, &Patient { id: id.to_owned(), ..Patient::default() })
    }

    /// What all results say that say anything.
    fn agreed(&self, of: impl Fn(&'a Item) -> Option<&'a str>) -> Option<&'a str> {
        let mut said = self.consignment.items.iter().filter_map(of);
        let first = said.next()?;
        said.all(|other| other == first).then_some(first)
    }
}

/// To be created only if nothing answers to this search.
fn create(kind: &str, search: &str) -> Value {
    json!({ "method": "POST", "url": kind, "ifNoneExist": search })
}

#[cfg(test)]
mod tests;
