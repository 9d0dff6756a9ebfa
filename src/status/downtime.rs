//! The list for a downtime: what people work by while the LIMS doesn't answer. Patients' results that aren't in the LIMS
//! by ward, open critical calls on top, to be printed; a list that was kept says later what differs in the LIMS. It says on
//! every page that it is no report.

mod became;
mod json;

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use became::{SinceRow, is_doubtful, lines};

use super::Page;
use super::act::Desk;
use super::bench::state_words;
use super::by_hand::Whereabouts;
use super::calls::{self, CallRow};
use super::clock::{Clock, Moment};
use super::failure::{Failure, html};
use super::form::Form;
use super::lead::Severity;
use super::shell::{Mark, Shell, test_name};
use super::snapshot::Snapshot;
use super::who::Who;
use super::words::{filters, refused};
use crate::domain::{Observation, Patient, Role, Words, counted, words};
use crate::journal::CallId;
use crate::journal::JournalError;
use crate::journal::downtime::{At, Kept, LONGEST, ListId, Missing, Since};
use crate::journal::people::on_the_page;
pub(super) use json::{downtime as downtime_as_json, keep as keep_as_json, since as since_as_json};

/// How many kept lists are named.
const LISTS: usize = 10;

#[derive(Template)]
#[template(path = "downtime.html")]
struct Downtime {
    shell: Shell,
    headline: Words,
    calls: Vec<CallRow>,
    wards: Vec<Ward>,
    /// What comes of a result that is typed in by hand.
    by_hand: Vec<Words>,
    /// The list was cut after so many.
    cut: Option<usize>,
    lists: Vec<(i64, Moment, String)>,
    desk: Desk,
}

#[derive(Template)]
#[template(path = "downtime_since.html")]
struct DowntimeSince {
    shell: Shell,
    id: i64,
    kept: Moment,
    by: String,
    summary: Words,
    /// Some of it is perhaps in the LIMS: typed in as well, it would be there twice.
    is_doubtful: bool,
    lines: Vec<SinceRow>,
}

/// One ward, with the specimens of its patients.
struct Ward {
    name: Words,
    specimens: Vec<Specimen>,
}

struct Specimen {
    id: String,
    patient: Vec<(Words, String)>,
    otherwise: Vec<Otherwise>,
    results: Vec<ResultRow>,
}

/// What makes it doubtful whose a specimen is, and whom the analyzer named.
#[derive(PartialEq, Eq)]
struct Otherwise {
    why: Words,
    named: Vec<(Words, String)>,
}

struct ResultRow {
    test: String,
    value: Words,
    flags: String,
    /// When it was measured, else received.
    at: Moment,
    /// The class of the worst.
    class: &'static str,
    marks: Vec<Mark>,
}

pub(super) async fn show(State(page): State<Page>, who: Who) -> Result<Response, Failure> {
    let (snapshot, Listed { missing, is_cut, lists, called }) = page.listed().await?;
    let clock = page.clock(&snapshot);
    let mut calls = calls::rows(&snapshot, &clock);
    for row in &mut calls {
        row.patient = called.get(&CallId(row.id)).map_or_else(Words::none, whose);
    }
    html(
        &Downtime {
            desk: Desk::of(&who),
            headline: headline(missing.len(), is_cut),
            calls,
            wards: wards(&missing, &clock),
            by_hand: by_hand(&missing),
            cut: is_cut.then_some(LONGEST),
            lists: lists.into_iter().map(|it| (it.id.0, clock.at(it.at), it.by)).collect(),
            shell: Shell::new(words!("List for a downtime"), "/downtime", &page.site, &snapshot, &clock)
                .seen_by(who, "/downtime"),
        },
        page.language,
    )
}

#[derive(Deserialize)]
pub(super) struct KeepForm {
    guard: String,
}

/// Keeps the list of this moment, and shows it.
pub(super) async fn keep(
    State(page): State<Page>,
    who: Who,
    Form(form): Form<KeepForm>,
) -> Result<Response, Failure> {
    let visitor = page.authorised(who, &form.guard, Role::Technician).await?;
    let list = page.keep_list(on_the_page(&visitor.name)).await?;
    Ok(Redirect::to(&format!("/downtime/{}", list.0)).into_response())
}

/// A kept list, and what became of it.
pub(super) async fn since(
    State(page): State<Page>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (snapshot, kept, since) = page.kept_list(&id).await?;
    let (clock, number) = (page.clock(&snapshot), kept.id.0);
    let (summary, lines) = lines(&since);
    html(
        &DowntimeSince {
            id: number,
            kept: clock.at(kept.at),
            by: kept.by,
            summary,
            is_doubtful: is_doubtful(&since),
            lines,
            shell: Shell::new(
                words!("Kept list {number}", number = number.to_string()),
                "/downtime",
                &page.site,
                &snapshot,
                &clock,
            )
            .seen_by(who, format!("/downtime/{number}")),
        },
        page.language,
    )
}

/// What is on the list of this moment.
struct Listed {
    missing: Vec<Missing>,
    is_cut: bool,
    lists: Vec<Kept>,
    called: BTreeMap<CallId, Missing>,
}

impl Page {
    async fn listed(&self) -> Result<(Snapshot, Listed), JournalError> {
        let live = self.live_destinations();
        self.read(move |reader| {
            let (missing, is_cut) = reader.missing(&live)?;
            let (lists, called) = (reader.downtime_lists(LISTS)?, reader.of_open_calls()?);
            Ok(Listed { missing, is_cut, lists, called })
        })
        .await
    }

    /// Keeps the list of this moment in a name that the audit shows.
    async fn keep_list(&self, actor: String) -> Result<ListId, Failure> {
        let live = self.live_destinations();
        let kept = self.people.keep_downtime_list(live, actor, crate::clock::now()).await;
        kept.map_err(|error| match error {
            JournalError::Refused(why) => Failure::Refused(refused(&why)),
            other => Failure::Journal(other),
        })
    }

    /// A kept list by its number, and what became of each line.
    async fn kept_list(&self, id: &str) -> Result<(Snapshot, Kept, Vec<Since>), Failure> {
        const NONE: Failure = Failure::NotFound("There is no kept list of that number.");
        let id = ListId(id.parse().map_err(|_| NONE)?);
        let (snapshot, found) = self.read(move |reader| reader.downtime_list(id)).await?;
        let (kept, since) = found.ok_or(NONE)?;
        Ok((snapshot, kept, since))
    }

    /// The destinations by which patients are treated.
    fn live_destinations(&self) -> Vec<String> {
        let live = self.known.destinations.iter();
        let live = live.filter(|(_, mode)| **mode != crate::config::settings::Mode::Test);
        live.map(|(name, _)| name.clone()).collect()
    }
}

fn headline(missing: usize, is_cut: bool) -> Words {
    match missing {
        0 => words!("The LIMS has every patient's result."),
        _ if is_cut => words!("More than {n} results aren't in the LIMS.", n = LONGEST),
        _ => counted!(missing, "{n} result isn't in the LIMS.", "{n} results aren't in the LIMS."),
    }
}

/// The patient as the LIMS's order knows them, else as the analyzer said.
fn patient(it: &Missing) -> &Patient {
    match &it.order {
        Some(order) => order.order.patient.reveal(),
        None => it.detail.patient.reveal(),
    }
}

/// Nobody reads past it: who works by the list chooses between no two patients unawares.
fn otherwise(it: &Missing) -> Option<Otherwise> {
    let why = Words::fixed(it.doubts.first()?.text());
    Some(Otherwise { why, named: super::hold::patient(&it.detail) })
}

/// Whom a critical call is about, on one line: the LIMS may have the result, and then it stands nowhere else on the list.
fn whose(it: &Missing) -> Words {
    let line = |told: Vec<(Words, String)>| {
        Words::row(told.into_iter().map(|(what, text)| Words::row([what, text.into()], " ")), " · ")
    };
    let known = line(super::hold::told(patient(it)));
    let known = if known.is_none() { words!("nothing is known of the patient") } else { known };
    let Some(other) = otherwise(it) else { return known };
    let named = line(other.named);
    let named = if named.is_none() { words!("nobody") } else { named };
    let doubt = words!("In doubt whose: {why}.", why = other.why);
    Words::row([known, doubt, words!("The analyzer named"), named], " ")
}

fn wards(missing: &[Missing], clock: &Clock) -> Vec<Ward> {
    let mut wards: BTreeMap<String, BTreeMap<String, Vec<&Missing>>> = BTreeMap::new();
    for it in missing {
        let ward = patient(it).location.trim().to_owned();
        let specimens = wards.entry(ward).or_default();
        specimens.entry(it.detail.specimen.reveal().to_owned()).or_default().push(it);
    }
    let result = |it: &&Missing| {
        let marks = marks(&it.at);
        ResultRow {
            test: test_name(&it.detail.test),
            value: value(&it.detail),
            flags: it.detail.flags.join(" "),
            at: clock.at(it
                .detail
                .completed
                .as_ref()
                .and_then(|time| time.instant)
                .unwrap_or(it.received_at)),
            class: marks.first().map_or(Severity::Wait.class(), |worst| worst.class),
            marks,
        }
    };
    let specimen = |(id, results): (String, Vec<&Missing>)| Specimen {
        patient: results.first().map(|it| super::hold::told(patient(it))).unwrap_or_default(),
        otherwise: results.iter().filter_map(|it| otherwise(it)).fold(Vec::new(), |mut all, it| {
            if !all.contains(&it) {
                all.push(it);
            }
            all
        }),
        results: results.iter().map(result).collect(),
        id,
    };
    let ward = |(name, specimens): (String, BTreeMap<String, Vec<&Missing>>)| Ward {
        name: if name.is_empty() { words!("No ward is known") } else { name.into() },
        specimens: specimens.into_iter().map(specimen).collect(),
    };
    wards.into_iter().map(ward).collect()
}

/// What its reader must know of a result: whether somebody has yet to look at it, and at each destination, by its name,
/// where it is. The worst first.
fn told(at: &[At]) -> Vec<(Severity, Words)> {
    let of = |it: &At| {
        let lims = &it.destination;
        Some(match it.state.as_str() {
            "not-for-it" => return None,
            "held" => (Severity::Danger, words!("HELD: don't use before somebody has looked at it")),
            "refused" => (Severity::Act, words!("refused by {lims}", lims)),
            "quarantined" => (Severity::Act, words!("behind one that {lims} refused", lims)),
            _ if it.may_be_there => (Severity::Odd, words!("perhaps in {lims}", lims)),
            "in-flight" => (Severity::Wait, words!("on its way to {lims}, not there yet", lims)),
            "pending" => (Severity::Wait, words!("waits for {lims}", lims)),
            "accepted" => (Severity::Calm, words!("in {lims}", lims)),
            state => (Severity::Calm, words!("{lims}: {state}", lims, state = state_words(state))),
        })
    };
    let mut told: Vec<(Severity, Words)> = Vec::new();
    for (severity, words) in at.iter().filter_map(of) {
        // Held is said once.
        if !told.iter().any(|(_, it)| *it == words) {
            told.push((severity, words));
        }
    }
    told.sort_by_key(|(severity, _)| *severity);
    told
}

/// As far as it matters to whoever types a result in by hand. What is behind a refused one leaves once that is settled.
fn whereabouts(at: &At) -> Whereabouts {
    let state = at.state.as_str();
    Whereabouts {
        leave: matches!(state, "pending" | "in-flight" | "quarantined") && !at.may_be_there,
        held: state == "held",
        refused: state == "refused",
        perhaps_there: at.may_be_there,
    }
}

/// What comes of a result that is typed in by hand.
fn by_hand(missing: &[Missing]) -> Vec<Words> {
    let at = missing.iter().flat_map(|it| &it.at).map(whereabouts);
    at.fold(Whereabouts::default(), Whereabouts::and).told()
}

fn marks(at: &[At]) -> Vec<Mark> {
    told(at).into_iter().map(|(severity, words)| Mark::new(severity, words)).collect()
}

/// As the LIMS would have it, for whoever reads its unit all year, with what was sent beside it.
fn value(detail: &Observation) -> Words {
    let declared = detail.declared_unit().map(|unit| words!("{unit} (declared, none was sent)", unit));
    let unit = declared.unwrap_or_else(|| detail.unit.as_deref().unwrap_or_default().trim().into());
    let sent = [detail.value_as_sent.trim().into(), unit];
    let sent = Words::row(sent, " ");
    match detail.reported_in_words() {
        Some(value) => words!("{value} (as sent: {sent})", value, sent),
        None => sent,
    }
}

#[cfg(test)]
mod tests;
