//! A specimen number that was misread: first which results are another tube's and which tube that is, then both side by side,
//! and the form to move them. Looking moves nothing; what somebody decides is asked of the gateway, as the command does.

mod differing;
mod json;

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;

use super::act::{Desk, Done};
use super::entrance::encoded;
use super::failure::{Failure, html};
use super::form::Form;
use super::shell::{Shell, test_name, unit};
use super::snapshot::Snapshot;
use super::who::Who;
use super::words::filters;
use super::{Page, hold, preview};
use crate::domain::{OrderState, Patient, Private, Role, SpecimenId, Words, words};
use crate::host::control::Request;
use crate::journal::decisions::Known;
use crate::journal::orders::CachedOrder;
use crate::journal::views::{Step, Way};
use crate::journal::{JournalError, Reader};
use differing::{Comparison, compared};
pub(super) use json::{both as both_as_json, record as record_as_json};

/// The most results of a specimen that are shown, which is as many as move in one step.
const SHOWN: usize = 500;
/// The longest number, in bytes.
const LONGEST: usize = 200;
const NONE: Failure = Failure::NotFound("No specimen has such a number.");

/// The fields of a form, of which some come several times.
type Fields = Vec<(String, String)>;

#[derive(Template)]
#[template(path = "misread.html")]
struct Misread {
    shell: Shell,
    seen: Seen,
    /// The right number, as it was given.
    to: String,
    /// Where this is asked: whoever was away comes back there.
    place: String,
    desk: Desk,
}

/// Both tubes, as far as they are named.
struct Seen {
    here: Tube,
    /// Nothing until another tube and at least one result are named.
    there: Option<Tube>,
    /// Of the two patients.
    comparison: Option<Comparison>,
    /// What is missing before both can be looked at.
    complaint: Option<Words>,
}

/// One tube, as far as it is known.
struct Tube {
    number: String,
    /// Of each patient that the LIMS names for it, what it tells; else of those whom analyzers name.
    patients: Vec<Vec<(Words, String)>>,
    /// The same, as they are told.
    told: Vec<Patient>,
    is_ordered: bool,
    results: Vec<Row>,
}

struct Row {
    id: i64,
    test: String,
    value: String,
    unit: Words,
    instrument: String,
    is_chosen: bool,
}

/// What a form asks for.
struct Asked {
    here: String,
    there: String,
    results: BTreeSet<i64>,
}

impl Asked {
    fn of(fields: &Fields) -> Asked {
        Asked {
            here: field(fields, "id").trim().to_owned(),
            there: field(fields, "to").trim().to_owned(),
            results: all(fields, "result").filter_map(|id| id.parse().ok()).collect(),
        }
    }

    /// Where this is asked.
    fn place(&self) -> String {
        let results: String = self.results.iter().map(|id| format!("&result={id}")).collect();
        format!("/misread?id={}&to={}{results}", encoded(&self.here), encoded(&self.there))
    }
}

fn all<'a>(fields: &'a Fields, name: &'a str) -> impl Iterator<Item = &'a str> {
    fields.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn field<'a>(fields: &'a Fields, name: &'a str) -> &'a str {
    all(fields, name).next().unwrap_or_default()
}

pub(super) async fn show(
    State(page): State<Page>,
    who: Who,
    fields: Result<Query<Fields>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(fields) = fields.map_err(|_| NONE)?;
    let asked = Asked::of(&fields);
    let (snapshot, seen) = match page.both(&asked).await {
        Err(Failure::NotFound(_)) => return page.moved_on(asked.here).await,
        both => both?,
    };
    let clock = page.clock(&snapshot);
    let shell = Shell::new(words!("A misread specimen number"), "/specimen", &page.site, &snapshot, &clock);
    html(
        &Misread {
            desk: Desk::of(&who),
            shell: shell.seen_by(who, "/specimen"),
            place: asked.place(),
            seen,
            to: asked.there,
        },
        page.language,
    )
}

impl Page {
    /// Where the results are that came under a number and have none left there.
    async fn moved_on(&self, number: String) -> Result<Response, Failure> {
        if number.is_empty() || number.len() > LONGEST {
            return Err(NONE);
        }
        let forms = preview::known_as(&number, &self.instruments);
        let (_, ways) = self
            .read(move |reader| forms.iter().map(|form| reader.way(form)).collect::<Result<Vec<_>, _>>())
            .await?;
        let there: BTreeSet<String> = ways.iter().flatten().filter_map(moved_to).collect();
        if there.is_empty() {
            return Err(NONE);
        }
        html(
            &Done {
                headline: words!("The results of {number} were moved to another specimen already.", number),
                then: words!("Where that was wrong, move them on from there."),
                on: there
                    .into_iter()
                    .map(|id| (super::specimen::path(&id), words!("Specimen {id}", id)))
                    .collect(),
            },
            self.language,
        )
    }

    /// Both tubes, of one moment.
    async fn both(&self, asked: &Asked) -> Result<(Snapshot, Seen), Failure> {
        if [&asked.here, &asked.there].iter().any(|number| number.len() > LONGEST) {
            return Err(NONE);
        }
        let forms = |number: &str| match number.is_empty() {
            true => Vec::new(),
            false => preview::known_as(number, &self.instruments),
        };
        let (here, there) = (forms(&asked.here), forms(&asked.there));
        let (snapshot, (here, there)) =
            self.read(move |reader| Ok((tube(reader, &here)?, tube(reader, &there)?))).await?;
        let here = here.filter(|(_, results, _)| !results.is_empty()).ok_or(NONE)?;
        let here = Tube::new(&here, &asked.results);
        let there = there.map(|found| Tube::new(&found, &BTreeSet::new()));
        let complaint = missing(&here, there.as_ref(), asked);
        let there = there.filter(|_| complaint.is_none());
        let comparison = there.as_ref().map(|there| compared(&here.told, &there.told));
        Ok((snapshot, Seen { here, there, comparison, complaint }))
    }
}

fn moved_to(step: &Step) -> Option<String> {
    match &step.what {
        Way::Moved { to, .. } => Some(to.reveal().to_owned()),
        _ => None,
    }
}

/// What is missing before both can be looked at. Nothing to say where nothing was asked yet.
fn missing(here: &Tube, there: Option<&Tube>, asked: &Asked) -> Option<Words> {
    let is_chosen = here.results.iter().any(|row| row.is_chosen);
    match there {
        Some(there) if there.number == here.number => {
            Some(words!("This is the number that they have. Scan the right tube."))
        }
        Some(_) if !is_chosen => {
            Some(words!("No result was ticked. Tick those that are another specimen's."))
        }
        None if !asked.results.is_empty() => Some(words!("Scan the right tube, or type its number.")),
        _ => None,
    }
}

type Found = (SpecimenId, Vec<Known>, Vec<CachedOrder>);

/// The first form of a number of which anything is known, else the first: with its results, and the orders that stand.
fn tube(reader: &Reader, forms: &[SpecimenId]) -> Result<Option<Found>, JournalError> {
    let mut unknown = None;
    for form in forms {
        let results = reader.of_specimen(form, SHOWN)?;
        let mut orders = reader.orders_on(form)?;
        orders.retain(|it| matches!(it.state, OrderState::Active | OrderState::Held | OrderState::Completed));
        let is_known = !results.is_empty() || !orders.is_empty();
        let found = Some((form.clone(), results, orders));
        if is_known {
            return Ok(found);
        }
        unknown = unknown.or(found);
    }
    Ok(unknown)
}

impl Tube {
    fn new((number, results, orders): &Found, chosen: &BTreeSet<i64>) -> Tube {
        let told = match orders.is_empty() {
            true => each_once(results.iter().map(|it| it.observation.reveal().patient.reveal())),
            false => each_once(orders.iter().map(|it| it.order.patient.reveal())),
        };
        Tube {
            number: number.reveal().to_owned(),
            patients: told.iter().map(hold::told).filter(|told| !told.is_empty()).collect(),
            told,
            is_ordered: !orders.is_empty(),
            results: results.iter().map(|it| row(it, chosen)).collect(),
        }
    }
}

fn each_once<'a>(all: impl Iterator<Item = &'a Patient>) -> Vec<Patient> {
    let mut known: Vec<Patient> = Vec::new();
    all.for_each(|patient| {
        if !known.contains(patient) {
            known.push(patient.clone());
        }
    });
    known
}

fn row(known: &Known, chosen: &BTreeSet<i64>) -> Row {
    let detail = Private::reveal(&known.observation);
    Row {
        id: known.id.0,
        test: test_name(&detail.test),
        value: detail.value_as_sent.clone(),
        unit: unit(detail),
        instrument: detail.instrument.to_string(),
        is_chosen: chosen.contains(&known.id.0),
    }
}

pub(super) async fn record(
    State(page): State<Page>,
    who: Who,
    Form(fields): Form<Fields>,
) -> Result<Response, Failure> {
    let visitor = page.authorised(who, field(&fields, "guard"), Role::Technician).await?;
    let (asked, reason) = (Asked::of(&fields), field(&fields, "reason").trim().to_owned());
    if reason.is_empty() {
        return Err(Failure::Refused(words!("A decision needs a reason. Go back and write one.")));
    }
    let count = asked.results.len();
    let results = asked.results.into_iter().collect();
    let request = reassign(results, asked.there.clone(), visitor.shown.clone(), reason);
    page.ask(&visitor, request).await?;
    html(
        &Done {
            headline: words!(
                "Moved to {specimen}: {count}.",
                specimen = &asked.there,
                count = count.to_string()
            ),
            then: words!(
                "They are judged again under that number. Whoever has them under the old one is told that they are void."
            ),
            on: vec![(super::specimen::path(&asked.there), words!("Specimen {id}", id = &asked.there))],
        },
        page.language,
    )
}

/// What is asked of the gateway.
fn reassign(results: Vec<i64>, specimen: String, by: String, reason: String) -> Request {
    Request::Reassign { results, specimen, by, reason }
}
