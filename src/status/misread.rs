//! A specimen number that was misread: first which results are another tube's and which tube that is, then both side by side,
//! and the form to move them. Looking moves nothing; what somebody decides is asked of the gateway, as the command does.

use std::collections::BTreeSet;

use askama::Template;
use axum::Form;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;

use super::act::{Desk, Done};
use super::failure::{Failure, html};
use super::shell::{Shell, test_name, unit};
use super::who::Who;
use super::words::filters;
use super::{Page, hold, preview};
use crate::domain::{OrderState, Patient, Private, Role, SpecimenId, Words, words};
use crate::host::control::Request;
use crate::journal::decisions::Known;
use crate::journal::orders::CachedOrder;
use crate::journal::{JournalError, Reader};

/// The most results of a specimen that are shown, which is as many as move in one step.
const SHOWN: usize = 500;
/// The longest number, in bytes.
const LONGEST: usize = 200;

/// The fields of a form, of which some come several times.
type Fields = Vec<(String, String)>;

#[derive(Template)]
#[template(path = "misread.html")]
struct Misread {
    shell: Shell,
    here: Tube,
    /// Nothing until the right tube and at least one result are named.
    there: Option<Tube>,
    desk: Desk,
}

/// One tube, as far as it is known.
struct Tube {
    number: String,
    /// Of each patient that the LIMS names for it, what it tells; else of those whom analyzers name.
    patients: Vec<Vec<(Words, String)>>,
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
    const NONE: Failure = Failure::NotFound("No specimen has such a number.");
    let Query(fields) = fields.map_err(|_| NONE)?;
    let asked = Asked::of(&fields);
    if [&asked.here, &asked.there].iter().any(|number| number.len() > LONGEST) {
        return Err(NONE);
    }
    let forms = |number: &str| match number.is_empty() {
        true => Vec::new(),
        false => preview::known_as(number, &page.instruments),
    };
    let (here, there) = (forms(&asked.here), forms(&asked.there));
    let (snapshot, (here, there)) =
        page.read(move |reader| Ok((tube(reader, &here)?, tube(reader, &there)?))).await?;
    let (number, results, orders) = here.filter(|(_, results, _)| !results.is_empty()).ok_or(NONE)?;
    let clock = page.clock(&snapshot);
    let shell = Shell::new(words!("A misread specimen number"), "/specimen", &page.site, &snapshot, &clock);
    let here = Tube::new(&number, &results, &orders, &asked.results);
    let is_chosen = here.results.iter().any(|row| row.is_chosen);
    let there =
        there.map(|(number, results, orders)| Tube::new(&number, &results, &orders, &BTreeSet::new()));
    html(
        &Misread {
            desk: Desk::of(&who),
            shell: shell.seen_by(who, "/specimen"),
            there: there.filter(|_| is_chosen),
            here,
        },
        page.language,
    )
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
    fn new(number: &SpecimenId, results: &[Known], orders: &[CachedOrder], chosen: &BTreeSet<i64>) -> Tube {
        let ordered = orders.iter().map(|it| it.order.patient.reveal());
        let sent = results.iter().map(|it| it.observation.reveal().patient.reveal());
        Tube {
            number: number.reveal().to_owned(),
            patients: if orders.is_empty() { patients(sent) } else { patients(ordered) },
            is_ordered: !orders.is_empty(),
            results: results.iter().map(|it| row(it, chosen)).collect(),
        }
    }
}

/// Each once.
fn patients<'a>(all: impl Iterator<Item = &'a Patient>) -> Vec<Vec<(Words, String)>> {
    let mut known: Vec<&Patient> = Vec::new();
    all.for_each(|patient| {
        if !known.contains(&patient) {
            known.push(patient);
        }
    });
    known.into_iter().map(hold::told).filter(|told| !told.is_empty()).collect()
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
    let request = Request::Reassign {
        results: asked.results.into_iter().collect(),
        specimen: asked.there.clone(),
        by: visitor.shown.clone(),
        reason,
    };
    page.ask(&visitor, request).await?;
    html(
        &Done {
            headline: words!(
                "Moved to {specimen}: {count}.",
                specimen = asked.there,
                count = count.to_string()
            ),
            then: words!(
                "They are judged again under that number. Whoever has them under the old one is told that they are void."
            ),
            on: ("/specimen", words!("Specimen")),
        },
        page.language,
    )
}
