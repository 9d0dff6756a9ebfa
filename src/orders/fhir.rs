//! Orders as a FHIR R4 searchset tells them: each ServiceRequest with the Specimen and the Patient that came with it.
//! Pure. It guesses no specimen, test or patient: what a resource doesn't say, or says twice, isn't read.

use jiff::Timestamp;
use serde_json::Value;

use super::json::complete;
use super::message::bounded;
use crate::config::settings::FhirOrders;
use crate::domain::{
    Asks, Order, OrderKey, OrderRequest, OrderState, Patient, Priority, Private, SpecimenId,
};

/// A page of a searchset.
#[derive(Debug)]
pub(super) struct Page {
    /// One for each specimen of each ServiceRequest, or why it can't be read.
    pub(super) requests: Vec<Result<OrderRequest, String>>,
    /// The last change of what is in it, as the server wrote it.
    pub(super) changed: Option<String>,
    pub(super) next: Option<String>,
}

/// What must come with a ServiceRequest.
pub(super) const INCLUDES: &str = "_include=ServiceRequest:patient&_include=ServiceRequest:specimen";

/// Reads a page; an error says what is wrong with it as a whole.
pub(super) fn read(text: &[u8], settings: &FhirOrders) -> Result<Page, String> {
    let bundle: Value = serde_json::from_slice(text)
        .map_err(|error| format!("it can't be read at line {}, column {}", error.line(), error.column()))?;
    if word(&bundle, "/resourceType") != "Bundle" {
        return Err("it is no Bundle".to_owned());
    }
    let resources: Vec<(&str, &Value)> = list(&bundle, "/entry")
        .iter()
        .filter_map(|entry| Some((word(entry, "/fullUrl"), entry.get("resource")?)))
        .collect();
    let read = Reading { resources: &resources, settings };
    let ordered =
        resources.iter().map(|(_, it)| *it).filter(|it| word(it, "/resourceType") == "ServiceRequest");
    let (mut requests, mut changed): (Vec<_>, Option<(Timestamp, String)>) = (Vec::new(), None);
    for it in ordered {
        requests.extend(read.requests(it));
        let at = word(it, "/meta/lastUpdated");
        let instant: Option<Timestamp> = at.parse().ok();
        if let Some(instant) = instant
            && changed.as_ref().is_none_or(|(last, _)| *last < instant)
        {
            changed = Some((instant, at.to_owned()));
        }
    }
    let links = list(&bundle, "/link");
    let next =
        links.iter().find(|link| word(link, "/relation") == "next").map(|link| word(link, "/url").to_owned());
    Ok(Page { requests, changed: changed.map(|(_, text)| text), next })
}

struct Reading<'a> {
    resources: &'a [(&'a str, &'a Value)],
    settings: &'a FhirOrders,
}

impl Reading<'_> {
    fn requests(&self, it: &Value) -> Vec<Result<OrderRequest, String>> {
        let asks = match word(it, "/status") {
            "active" => Asks::Place,
            "on-hold" => Asks::Become(OrderState::Held),
            "revoked" | "entered-in-error" => Asks::Become(OrderState::Cancelled),
            "completed" => Asks::Become(OrderState::Completed),
            // A draft is no order yet.
            "draft" => return Vec::new(),
            _ => return vec![Err("its status isn't understood".to_owned())],
        };
        if !matches!(
            word(it, "/intent"),
            "order" | "original-order" | "reflex-order" | "filler-order" | "instance-order"
        ) {
            return Vec::new();
        }
        let specimens = list(it, "/specimen");
        match asks {
            // Whatever specimen it was of.
            Asks::Become(_) => vec![self.request(it, asks, None)],
            _ if specimens.is_empty() => vec![Err("it names no specimen".to_owned())],
            _ => specimens.iter().map(|specimen| self.request(it, asks, Some(specimen))).collect(),
        }
    }

    fn request(&self, it: &Value, asks: Asks, specimen: Option<&Value>) -> Result<OrderRequest, String> {
        let tube = match specimen {
            Some(reference) => {
                Some(resolve(reference, self.resources).ok_or("its specimen didn't come with it")?)
            }
            None => None,
        };
        let (placer, filler) = (self.number(it, "PLAC"), self.number(it, "FILL"));
        let first = |placer: String| {
            if placer.is_empty() { word(it, "/identifier/0/value").to_owned() } else { placer }
        };
        let placer = if filler.is_empty() { first(placer) } else { placer };
        let id = word(it, "/id");
        let placer = if placer.is_empty() && filler.is_empty() { id.to_owned() } else { placer };
        let number = if placer.is_empty() { filler.clone() } else { placer.clone() };
        let labelled = tube.map(|tube| self.labels(tube)).transpose()?;
        let (label, labels) = labelled.unwrap_or_else(|| (SpecimenId::new(""), Vec::new()));
        // A code is needed to place an order; by its number alone all of it stands so.
        let test = match asks {
            Asks::Become(_) => String::new(),
            _ => self.code(it),
        };
        let order = Order {
            key: OrderKey {
                number: bounded("number", number)?,
                specimen: label,
                test: bounded("test", test)?,
            },
            labels,
            parent: None,
            test_name: word(it, "/code/text").to_owned(),
            placer: bounded("number", placer)?,
            filler: bounded("number", filler)?,
            priority: Priority::read(match word(it, "/priority") {
                "urgent" => "asap",
                other => other,
            }),
            specimen_kind: bounded(
                "specimen's type",
                tube.map(|tube| word(tube, "/type/coding/0/code")).unwrap_or_default().to_owned(),
            )?,
            collected: bounded(
                "collection",
                digits(tube.map(|tube| word(tube, "/collection/collectedDateTime")).unwrap_or_default()),
            )?,
            patient: Private::new(self.patient(it)?),
        };
        complete(&OrderRequest { asks, order })
    }

    fn number(&self, it: &Value, kind: &str) -> String {
        let is_of = |identifier: &&Value| {
            list(identifier, "/type/coding").iter().any(|coding| word(coding, "/code") == kind)
        };
        list(it, "/identifier").iter().find(is_of).map(|it| word(it, "/value").to_owned()).unwrap_or_default()
    }

    /// The specimen's own label, and every one that may stand on its tubes.
    fn labels(&self, tube: &Value) -> Result<(SpecimenId, Vec<SpecimenId>), String> {
        let system = self.settings.specimen_system.as_deref();
        let own = identifier(tube, system);
        let own =
            if own.is_empty() && system.is_none() { word(tube, "/accessionIdentifier/value") } else { own };
        let containers = list(tube, "/container").iter().map(|container| identifier(container, system));
        let mut labels = Vec::new();
        for label in std::iter::once(own).chain(containers) {
            let label = SpecimenId::new(bounded("specimen", label.trim().to_owned())?);
            if !label.is_blank() && !labels.contains(&label) {
                labels.push(label);
            }
        }
        Ok((SpecimenId::new(own.trim()), labels))
    }

    fn code(&self, it: &Value) -> String {
        let codings = list(it, "/code/coding");
        let is_ours = |coding: &&Value| {
            self.settings.code_system.as_deref().is_none_or(|system| word(coding, "/system") == system)
        };
        codings.iter().find(is_ours).map(|coding| word(coding, "/code").to_owned()).unwrap_or_default()
    }

    fn patient(&self, it: &Value) -> Result<Patient, String> {
        let Some(reference) = it.get("subject") else { return Ok(Default::default()) };
        let own = word(reference, "/identifier/value");
        let Some(patient) = resolve(reference, self.resources) else {
            let id = bounded("patient's number", own.to_owned())?;
            let authority = word(reference, "/identifier/system").to_owned();
            return Ok(Patient { id, authority, ..Patient::default() });
        };
        let system = self.settings.patient_system.as_deref();
        let number = list(patient, "/identifier")
            .iter()
            .find(|it| system.is_none_or(|system| word(it, "/system") == system));
        let family = word(patient, "/name/0/family");
        let given = list(patient, "/name/0/given").iter().filter_map(Value::as_str);
        let name: Vec<&str> = std::iter::once(family).chain(given).collect();
        let sex = match word(patient, "/gender") {
            "male" => "M",
            "female" => "F",
            "other" => "O",
            _ => "",
        };
        let of_number = |part| number.map(|it| word(it, part)).unwrap_or_default().to_owned();
        Ok(Patient {
            id: bounded("patient's number", of_number("/value"))?,
            authority: of_number("/system"),
            name: name.join("^").trim_end_matches('^').to_owned(),
            birth_date: bounded("birth date", digits(word(patient, "/birthDate")))?,
            sex: sex.to_owned(),
            location: String::new(),
        })
    }
}

/// What a reference names among resources that came together, each with its full address.
pub(super) fn resolve<'a>(reference: &Value, resources: &[(&'a str, &'a Value)]) -> Option<&'a Value> {
    let name = word(reference, "/reference");
    let is_it = |(url, resource): &&(&str, &Value)| {
        let own = format!("{}/{}", word(resource, "/resourceType"), word(resource, "/id"));
        !name.is_empty() && (*url == name || own == name || url.ends_with(&format!("/{name}")))
    };
    resources.iter().find(is_it).map(|(_, resource)| *resource)
}

/// The first identifier of this system, or the first that there is.
fn identifier<'a>(it: &'a Value, system: Option<&str>) -> &'a str {
    let is_ours = |it: &&Value| system.is_none_or(|system| word(it, "/system") == system);
    list(it, "/identifier").iter().find(is_ours).map(|it| word(it, "/value")).unwrap_or_default()
}

/// A time as HL7 v2 and ASTM write it, as far as it goes, without its zone.
fn digits(time: &str) -> String {
    let (date, clock) = time.split_once('T').unwrap_or((time, ""));
    let clock = clock.get(..8).unwrap_or_default();
    date.chars().chain(clock.chars()).filter(char::is_ascii_digit).collect()
}

pub(super) fn word<'a>(it: &'a Value, pointer: &str) -> &'a str {
    it.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn list<'a>(it: &'a Value, pointer: &str) -> &'a [Value] {
    it.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page(request: Value) -> Page {
        let specimen = json!({"resourceType": "Specimen", "id": "s1", "identifier": [{"system": "urn:t", "value": "T1"}],
            "container": [{"identifier": [{"system": "urn:t", "value": "C1"}]}],
            "type": {"coding": [{"code": "SER"}]}, "collection": {"collectedDateTime": "2026-05-01T08:00:00Z"}});
        let patient = json!({"resourceType": "Patient", "id": "p1", "identifier": [{"system": "urn:x", "value": "X1"},
            {"system": "urn:hosp", "value": "EX77"}], "name": [{"family": "Example", "given": ["Anna", "B"]}],
            "birthDate": "1980-01-02", "gender": "female"});
        let bundle = json!({"resourceType": "Bundle", "link": [{"relation": "next", "url": "http://h/next"}],
            "entry": [{"resource": request}, {"resource": specimen}, {"fullUrl": "http://h/Patient/p1", "resource": patient}]});
        let settings = FhirOrders { patient_system: Some("urn:hosp".to_owned()), ..FhirOrders::default() };
        read(bundle.to_string().as_bytes(), &settings).unwrap()
    }

    fn request(more: Value) -> Value {
        let mut request = json!({"resourceType": "ServiceRequest", "id": "r1", "status": "active", "intent": "order",
            "meta": {"lastUpdated": "2026-05-01T09:00:00.5Z"},
            "identifier": [{"type": {"coding": [{"code": "PLAC"}]}, "value": "P1"}], "priority": "stat",
            "code": {"coding": [{"system": "urn:lims", "code": "GLU"}], "text": "Glucose"},
            "subject": {"reference": "Patient/p1"}, "specimen": [{"reference": "Specimen/s1"}]});
        for (key, value) in more.as_object().unwrap() {
            request[key] = value.clone();
        }
        request
    }

    #[test]
    fn a_service_request_is_an_order_with_its_tube_and_its_patient() {
        let page = page(request(json!({})));
        assert_eq!(
            (page.changed.as_deref(), page.next.as_deref()),
            (Some("2026-05-01T09:00:00.5Z"), Some("http://h/next"))
        );
        let [Ok(OrderRequest { asks: Asks::Place, order })] = page.requests.as_slice() else {
            panic!("{:?}", page.requests)
        };
        let labels: Vec<&str> = order.labels.iter().map(SpecimenId::reveal).collect();
        assert_eq!((order.placer.as_str(), order.key.test.as_str(), labels), ("P1", "GLU", vec!["T1", "C1"]));
        assert_eq!((order.collected.as_str(), order.specimen_kind.as_str()), ("20260501080000", "SER"));
        let patient = order.patient.reveal();
        assert_eq!((patient.id.as_str(), patient.authority.as_str()), ("EX77", "urn:hosp"));
        assert_eq!((patient.name.as_str(), patient.birth_date.as_str()), ("Example^Anna^B", "19800102"));
    }

    #[test]
    fn what_is_no_order_yet_or_can_not_be_read_is_never_one() {
        let shown = |more: Value| -> Vec<String> {
            let requests = page(request(more)).requests;
            requests.into_iter().map(|it| it.map_or_else(|why| why, |it| format!("{:?}", it.asks))).collect()
        };
        let none: [&str; 0] = [];
        assert_eq!(shown(json!({"status": "draft"})), none);
        assert_eq!(shown(json!({"intent": "plan"})), none);
        assert_eq!(shown(json!({"status": "revoked"})), ["Become(Cancelled)"]);
        assert_eq!(shown(json!({"status": "new"})), ["its status isn't understood"]);
        assert_eq!(shown(json!({"specimen": []})), ["it names no specimen"]);
        assert_eq!(
            shown(json!({"specimen": [{"reference": "Specimen/9"}]})),
            ["its specimen didn't come with it"]
        );
        assert_eq!(shown(json!({"code": {"text": "Glucose"}})), ["it names no test"]);
        assert!(read(b"{}", &FhirOrders::default()).is_err());
    }
}
