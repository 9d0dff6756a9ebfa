//! What a LIMS says about orders in labwire's own JSON (docs/orders.schema.json), and what it is told about it. Pure. What
//! it can't read it names, order by order; its errors quote nothing of the text.

use serde::{Deserialize, Serialize};

use super::message::bounded;
use crate::domain::{
    Asks, Order, OrderKey, OrderRequest, OrderState, Patient, PatientChange, Priority, Private, Problem,
    ProblemKind, SpecimenId,
};
use crate::journal::orders::{Applied, Told};

/// A message of the LIMS, read.
pub(super) struct Read {
    /// The LIMS's own number of the message; empty where it gives none.
    pub(super) id: String,
    /// Where to go on asking.
    pub(super) cursor: Option<String>,
    /// Each order, or why it can't be read.
    pub(super) requests: Vec<Result<OrderRequest, String>>,
    pub(super) patient: Option<PatientChange>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    #[serde(default)]
    id: String,
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    orders: Vec<OrderTwin>,
    #[serde(default)]
    patient_change: Option<ChangeTwin>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct OrderTwin {
    action: String,
    placer: String,
    filler: String,
    specimen: String,
    containers: Vec<String>,
    parent: String,
    test: String,
    test_name: String,
    priority: String,
    specimen_kind: String,
    collected: String,
    patient: PatientTwin,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct PatientTwin {
    id: String,
    authority: String,
    name: String,
    birth_date: String,
    sex: String,
    location: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeTwin {
    known_as: KnownAs,
    patient: PatientTwin,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownAs {
    id: String,
    #[serde(default)]
    authority: String,
}

/// Reads a message; an error says what is wrong with it as a whole.
pub(super) fn read(text: &[u8]) -> Result<Read, String> {
    if !text.trim_ascii_start().starts_with(b"{") {
        return Err("it is no JSON object; see docs/orders.schema.json".to_owned());
    }
    let message: Message = serde_json::from_slice(text).map_err(|error| {
        format!(
            "it can't be read at line {}, column {}; see docs/orders.schema.json",
            error.line(),
            error.column()
        )
    })?;
    bounded("id", message.id.clone())?;
    let patient = message.patient_change.map(change).transpose()?;
    let requests = message.orders.into_iter().map(request).collect();
    Ok(Read { id: message.id, cursor: message.cursor, requests, patient })
}

fn request(it: OrderTwin) -> Result<OrderRequest, String> {
    let asks = match it.action.as_str() {
        "place" => Asks::Place,
        "change" => Asks::Change,
        "cancel" => Asks::Become(OrderState::Cancelled),
        "discontinue" => Asks::Become(OrderState::Discontinued),
        "hold" => Asks::Become(OrderState::Held),
        "release" => Asks::Become(OrderState::Active),
        "replace" => Asks::Become(OrderState::Replaced),
        "complete" => Asks::Become(OrderState::Completed),
        "" => return Err("it has no action, so what is wanted isn't said".to_owned()),
        _ => return Err("its action isn't understood".to_owned()),
    };
    let specimen = SpecimenId::new(bounded("specimen", it.specimen.trim().to_owned())?);
    let mut labels = Vec::new();
    for container in it.containers {
        let label = SpecimenId::new(bounded("container", container.trim().to_owned())?);
        if !label.is_blank() && !labels.contains(&label) {
            labels.push(label);
        }
    }
    if !specimen.is_blank() && !labels.contains(&specimen) {
        labels.insert(0, specimen.clone());
    }
    let (placer, filler) = (bounded("placer", it.placer)?, bounded("filler", it.filler)?);
    let number = if placer.is_empty() { filler.clone() } else { placer.clone() };
    let parent = bounded("parent", it.parent)?;
    let order = Order {
        key: OrderKey { number, specimen, test: bounded("test", it.test.trim().to_owned())? },
        labels,
        parent: (!parent.is_empty()).then(|| SpecimenId::new(parent)),
        test_name: it.test_name,
        placer,
        filler,
        priority: Priority::read(&it.priority),
        specimen_kind: bounded("specimen_kind", it.specimen_kind)?,
        collected: bounded("collected", it.collected)?,
        patient: Private::new(patient(it.patient)?),
    };
    complete(&OrderRequest { asks, order })
}

/// A request that names what it is about.
pub(super) fn complete(request: &OrderRequest) -> Result<OrderRequest, String> {
    let key = &request.order.key;
    match request.asks {
        Asks::Become(_) if key.number.is_empty() && key.specimen.is_blank() => {
            Err("it names neither a number nor a specimen, so no order".to_owned())
        }
        Asks::Place | Asks::Change if key.specimen.is_blank() => Err("it names no specimen".to_owned()),
        Asks::Place | Asks::Change if key.test.is_empty() => Err("it names no test".to_owned()),
        _ => Ok(request.clone()),
    }
}

fn patient(it: PatientTwin) -> Result<Patient, String> {
    Ok(Patient {
        id: bounded("patient's id", it.id)?,
        authority: bounded("patient's authority", it.authority)?,
        name: it.name,
        birth_date: bounded("patient's birth_date", it.birth_date)?,
        sex: bounded("patient's sex", it.sex)?,
        location: bounded("patient's location", it.location)?,
    })
}

fn change(it: ChangeTwin) -> Result<PatientChange, String> {
    let patient = patient(it.patient)?;
    if patient.id.is_empty() || it.known_as.id.is_empty() {
        return Err("patient_change names no patient's id".to_owned());
    }
    let known_as = Private::new((it.known_as.id, it.known_as.authority));
    Ok(PatientChange { known_as, patient: Private::new(patient) })
}

/// What is read, for the journal.
pub(super) fn told(requests: &[Result<OrderRequest, String>], patient: Option<PatientChange>) -> Told {
    let unreadable = |(number, request): (usize, &Result<OrderRequest, String>)| {
        let why = request.as_ref().err()?;
        Some(Problem {
            kind: ProblemKind::UnreadableOrder,
            record: None,
            specimen: None,
            text: Private::new(format!("order {number} of the LIMS's message was not taken: {why}")),
            replaces_result: false,
        })
    };
    Told {
        requests: requests.iter().filter_map(|request| request.as_ref().ok().cloned()).collect(),
        patients: patient.into_iter().collect(),
        problems: (1..).zip(requests).filter_map(unreadable).collect(),
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    id: &'a str,
    orders: Vec<Fate<'a>>,
}

/// What was done with one order.
#[derive(Serialize)]
struct Fate<'a> {
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

/// What the LIMS is told: of each order in its turn whether it was done. `applied` has one element for each that could
/// be read.
pub(super) fn answer(id: &str, requests: &[Result<(), String>], applied: &[Applied]) -> Vec<u8> {
    let (mut applied, mut orders) = (applied.iter(), Vec::new());
    for request in requests {
        let (result, why) = match request {
            Err(why) => ("refused", Some(why.as_str())),
            Ok(()) => match applied.next() {
                Some(Applied::Done) => ("done", None),
                Some(Applied::Refused(why)) => ("refused", Some(why.as_str())),
                Some(Applied::Unknown | Applied::Overtaken) | None => ("unknown", None),
            },
        };
        orders.push(Fate { result, why });
    }
    let answer = Answer { id, orders };
    serde_json::to_vec(&answer).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let read = read(text.as_bytes()).unwrap();
        let one = |request: &Result<OrderRequest, String>| match request {
            Err(why) => why.clone(),
            Ok(OrderRequest { asks, order }) => {
                let labels: Vec<&str> = order.labels.iter().map(SpecimenId::reveal).collect();
                format!(
                    "{asks:?} {} {} {:?} on {}",
                    order.key.number,
                    order.key.test,
                    order.priority,
                    labels.join("+")
                )
            }
        };
        read.requests.iter().map(one).collect()
    }

    #[test]
    fn an_order_is_read_with_all_that_it_says() {
        let text = r#"{"id":"1","orders":[{"action":"place","placer":"P1","filler":"F1","specimen":"T1",
            "containers":["C1","T1"],"parent":"T0","test":"GLU","priority":"stat","specimen_kind":"SER",
            "collected":"202605010800","patient":{"id":"EX77","authority":"HOSP","name":"Example^Anna","sex":"F"}},
            {"action":"cancel","placer":"P2"},{"action":"complete","specimen":"T1","test":"GLU"}]}"#;
        let schema = serde_json::from_str(include_str!("../../docs/orders.schema.json")).unwrap();
        assert!(jsonschema::is_valid(&schema, &serde_json::from_str(text).unwrap()));
        assert_eq!(
            shown(text),
            [
                "Place P1 GLU Stat on C1+T1",
                "Become(Cancelled) P2  Routine on ",
                "Become(Completed)  GLU Routine on T1"
            ]
        );
    }

    #[test]
    fn what_can_not_be_read_is_named_order_by_order_or_as_a_whole() {
        let long = "9".repeat(81);
        let text = format!(
            r#"{{"orders":[{{"specimen":"T1","test":"A"}},{{"action":"fly","specimen":"T1"}},{{"action":"place","specimen":"{long}"}},
            {{"action":"place","specimen":"T1"}},{{"action":"place","test":"A"}},{{"action":"cancel"}}]}}"#
        );
        assert_eq!(
            shown(&text),
            [
                "it has no action, so what is wanted isn't said",
                "its action isn't understood",
                "its specimen has more than 80 characters",
                "it names no test",
                "it names no specimen",
                "it names neither a number nor a specimen, so no order",
            ]
        );
        for text in ["", "{", "[]", r#"{"orders":1}"#, r#"{"order":[]}"#, r#"{"id":{"name":"Example"}}"#] {
            let why = read(text.as_bytes()).err().unwrap();
            assert!(why.ends_with("see docs/orders.schema.json") && !why.contains("Example"), "{why}");
        }
    }

    #[test]
    fn each_order_is_told_its_fate() {
        let requests = [Ok(()), Err("why".to_owned()), Ok(()), Ok(())];
        let applied = [Applied::Done, Applied::Unknown, Applied::Refused("no".to_owned())];
        assert_eq!(
            String::from_utf8(answer("7", &requests, &applied)).unwrap(),
            r#"{"id":"7","orders":[{"result":"done"},{"result":"refused","why":"why"},{"result":"unknown"},{"result":"refused","why":"no"}]}"#
        );
    }
}
