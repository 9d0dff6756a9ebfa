//! Results that a destination has acknowledged, to be sent there once more: what would go and with which bytes, what the
//! destination has said of it, what stays and why; and the form by which a supervisor has it sent. Looking changes
//! nothing, and what is sent is what was looked at, or nothing.

mod json;
mod rows;

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;

use super::Page;
use super::act::{Desk, Done};
use super::failure::{Failure, html};
use super::form::Form;
use super::sessions::Visitor;
use super::shell::{Shell, encoded};
use super::snapshot::Snapshot;
use super::who::Who;
use super::words::{filters, refused};
use super::{preview, specimen};
use crate::config::Settings;
use crate::config::settings::Kind;
use crate::domain::written::moment;
use crate::domain::{DestinationId, InstrumentId, Private, Role, SpecimenId, Words, counted, words};
use crate::host::control::{self, Request, ResendOf, ResendRequest};
use crate::journal::ledger::Render;
use crate::journal::people::on_the_page;
use crate::journal::resend::{Of, Preview, Wanted};
use crate::journal::{JournalError, Reader};
pub(super) use json::{preview as preview_as_json, send as send_as_json};
use rows::{DeliveryRow, StaysRow};

/// Of how many deliveries the bytes are shown.
const OPENED: usize = 50;
/// The longest specimen number, in bytes.
const LONGEST: usize = 200;

/// How payloads for each destination are made.
pub type Renders = BTreeMap<DestinationId, Render>;

/// What is known of a destination before anything is sent there.
#[derive(Clone)]
pub(super) struct Outlet {
    kind: Kind,
    render: Render,
}

pub(super) fn outlets(settings: &Settings, mut renders: Renders) -> BTreeMap<String, Outlet> {
    let outlet = |it: &std::sync::Arc<crate::config::settings::Destination>| {
        let render = renders.remove(&it.id)?;
        Some((it.id.to_string(), Outlet { kind: it.kind.clone(), render }))
    };
    settings.destinations.iter().filter_map(outlet).collect()
}

/// Which results, as somebody asks for them: a specimen, all from one through another, or from one time until another.
/// Empty fields choose nothing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    to: String,
    specimen: String,
    /// The last of the specimens that begin with `specimen`.
    through: String,
    from: String,
    until: String,
    instrument: String,
    test: String,
}

/// The form that has it sent.
#[derive(Deserialize)]
pub(super) struct ResendForm {
    guard: String,
    reason: String,
    /// The fingerprint of what was looked at.
    seen: String,
    #[serde(flatten)]
    asked: Asked,
}

/// What would be sent, ready to show.
struct Found {
    /// How much would be sent, in words, and what the button says.
    says: [Words; 3],
    /// With the number as it is stored, and the times with their zone.
    asked: Asked,
    fingerprint: String,
    results: usize,
    sent: Vec<DeliveryRow>,
    stays: Vec<StaysRow>,
}

#[derive(Template)]
#[template(path = "resend.html")]
struct ResendPage {
    shell: Shell,
    asked: Asked,
    destinations: Vec<String>,
    instruments: Vec<String>,
    /// What was wrong with the question.
    complaint: Option<Words>,
    found: Option<Found>,
    desk: Desk,
}

pub(super) async fn show(
    State(page): State<Page>,
    who: Who,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(asked) = asked.map_err(|_| Failure::NotFound("Nothing can be chosen so."))?;
    let (snapshot, found) = page.resending(asked.clone()).await?;
    let (complaint, found) = match found {
        Ok(found) => (None, found),
        Err(why) => (Some(why), None),
    };
    let clock = page.clock(&snapshot);
    let asked = found.as_ref().map_or(asked, |it| it.asked.clone());
    html(
        &ResendPage {
            desk: Desk::of(&who),
            shell: Shell::new(words!("Send once more"), "/resend", &page.site, &snapshot, &clock)
                .seen_by(who, asked.path()),
            destinations: page.outlets.keys().cloned().collect(),
            instruments: page.instruments.keys().cloned().collect(),
            asked,
            complaint,
            found,
        },
        page.language,
    )
}

/// Has sent once more what was looked at, in the name of whoever signed in.
pub(super) async fn send(
    State(page): State<Page>,
    who: Who,
    Form(form): Form<ResendForm>,
) -> Result<Response, Failure> {
    let visitor = page.authorised(who, &form.guard, Role::Supervisor).await?;
    if form.reason.trim().is_empty() {
        return Err(Failure::Refused(words!("A decision needs a reason. Go back and write one.")));
    }
    let Visitor { name, shown, .. } = visitor;
    let mut on = vec![(
        format!("/destination/{}", encoded(&form.asked.to)),
        words!("Destination {name}", name = &form.asked.to),
    )];
    let specimen = form.asked.specimen.trim().to_owned();
    if !specimen.is_empty() && form.asked.through.trim().is_empty() {
        on.insert(0, (specimen::path(&specimen), words!("Specimen {id}", id = specimen)));
    }
    let results =
        page.send_again(form.asked, (shown.clone(), on_the_page(&name)), (form.seen, form.reason)).await?;
    let headline = counted!(
        results,
        "{n} result leaves once more, as everything else does.",
        "{n} results leave once more, as everything else does."
    );
    let then = words!("By {name}, in the audit with the reason.", name = shown);
    html(&Done { headline, then, on }, page.language)
}

impl Page {
    /// What would be sent, or what is wrong with the question. Nothing where nothing was asked yet.
    async fn resending(
        &self,
        asked: Asked,
    ) -> Result<(Snapshot, Result<Option<Found>, Words>), JournalError> {
        let now = crate::clock::now();
        let wanted = asked.wanted(self, now);
        let outlet = self.outlets.get(&asked.to).cloned();
        let (snapshot, found) = self
            .read(move |reader| {
                let (Ok(Some(choices)), Some(outlet)) = (&wanted, outlet) else { return Ok(Err(wanted)) };
                match look(reader, choices, &outlet, now) {
                    Err(JournalError::Refused(why)) => Ok(Err(Err(refused(&why)))),
                    other => other.map(|looked| Ok((looked, outlet))),
                }
            })
            .await?;
        let clock = self.clock(&snapshot);
        let found = match found {
            Ok((looked, outlet)) => Ok(Some(asked.found(looked, &outlet, &clock))),
            Err(Ok(_)) if asked.to.is_empty() => Ok(None),
            Err(Ok(_)) => Err(words!("labwire.toml names no destination {name}.", name = &asked.to)),
            Err(Err(why)) => Err(why),
        };
        Ok((snapshot, found))
    }

    /// Has it sent in this name, under which the audit shows this actor. Returns how many results leave.
    async fn send_again(
        &self,
        asked: Asked,
        (by, actor): (String, String),
        (seen, reason): (String, String),
    ) -> Result<usize, Failure> {
        let choices = asked.wanted(self, crate::clock::now()).map_err(Failure::Refused)?;
        let choice = choices.and_then(|choices| choices.into_iter().next());
        let choice = choice.ok_or_else(|| Failure::Refused(words!("Nothing was chosen.")))?;
        let request = ResendRequest {
            destination: choice.destination.to_string(),
            of: match choice.of {
                // As it was looked at: the number as it is stored.
                Of::Specimen(_) => ResendOf::Specimen(asked.specimen),
                Of::Specimens(first, last) => {
                    ResendOf::Specimens(first.reveal().to_owned(), last.reveal().to_owned())
                }
                Of::Received(from, until) => {
                    ResendOf::Received(from.as_microsecond(), until.as_microsecond())
                }
            },
            instrument: choice.instrument.map(|it| it.to_string()),
            test: choice.test,
            by,
            reason: reason.trim().to_owned(),
            seen: Some(seen),
        };
        match self.control.answer(Request::Resend(Box::new(request)), actor).await {
            control::Response::Resent { results } => Ok(results),
            control::Response::Refused { why } => Err(Failure::Refused(refused(&why))),
            _ => Err(Failure::Render),
        }
    }
}

impl Asked {
    /// What is asked for: one choice for each form of the specimen's number. Nothing where no destination is named.
    fn wanted(&self, page: &Page, now: Timestamp) -> Result<Option<Vec<Wanted>>, Words> {
        let (specimen, through) = (self.specimen.trim(), self.through.trim());
        let (from, until) = (self.from.trim(), self.until.trim());
        if [self.to.as_str(), specimen, through, from, until].iter().all(|field| field.is_empty()) {
            return Ok(None);
        }
        if self.to.is_empty() {
            return Err(words!("Choose where it is to be sent."));
        }
        let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let wanted = |of| Wanted {
            destination: DestinationId::new(&self.to),
            of,
            instrument: filled(&self.instrument).map(InstrumentId::new),
            test: filled(&self.test),
        };
        match (specimen, through, from, until) {
            ("", "", "", "") => Err(words!("Choose a specimen, or from when until when.")),
            (number, last, "", "") if number.len().max(last.len()) > LONGEST => {
                Err(words!("No specimen has such a long number."))
            }
            (number, "", "", "") => {
                let forms = preview::known_as(number, &page.instruments);
                let forms = forms.into_iter().chain([SpecimenId::new(number)]).filter(|it| !it.is_blank());
                Ok(Some(forms.map(|form| wanted(Of::Specimen(form))).collect()))
            }
            ("", _, "", "") => Err(words!("Choose the first specimen too.")),
            (first, last, "", "") => {
                Ok(Some(vec![wanted(Of::Specimens(SpecimenId::new(first), SpecimenId::new(last)))]))
            }
            ("", "", from, until) if !from.is_empty() && !until.is_empty() => {
                let now = now.to_zoned(page.zone.clone());
                let (from, until) = (moment(from, &now)?, moment(until, &now)?);
                if until <= from {
                    return Err(words!("The second time must be after the first."));
                }
                Ok(Some(vec![wanted(Of::Received(from, until))]))
            }
            ("", "", ..) => Err(words!("Choose both times.")),
            _ => Err(words!("Choose a specimen or times, not both.")),
        }
    }

    /// Where this is shown.
    fn path(&self) -> String {
        let fields = [
            ("to", &self.to),
            ("specimen", &self.specimen),
            ("through", &self.through),
            ("from", &self.from),
            ("until", &self.until),
            ("instrument", &self.instrument),
            ("test", &self.test),
        ];
        let asked = fields.into_iter().filter(|(_, value)| !value.is_empty());
        let asked: Vec<String> = asked.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        if asked.is_empty() { "/resend".to_owned() } else { format!("/resend?{}", asked.join("&")) }
    }

    fn found(self, looked: Looked, outlet: &Outlet, clock: &super::clock::Clock) -> Found {
        let Looked { wanted, preview, payloads } = looked;
        let (fingerprint, results) = (preview.fingerprint(), preview.results());
        let deliveries = preview.sent.len();
        let asked = match wanted.of {
            Of::Specimen(number) => Asked { specimen: number.reveal().to_owned(), ..self },
            Of::Specimens(first, last) => {
                Asked { specimen: first.reveal().to_owned(), through: last.reveal().to_owned(), ..self }
            }
            Of::Received(from, until) => Asked { from: from.to_string(), until: until.to_string(), ..self },
        };
        let mut payloads = payloads.into_iter();
        let sent =
            preview.sent.into_iter().map(|it| rows::delivery(it, payloads.next(), &outlet.kind, clock));
        let sent = sent.collect();
        let stays = preview.stays.into_iter().map(rows::stays).collect();
        Found { says: says(results, deliveries, &asked.to), asked, fingerprint, results, sent, stays }
    }
}

fn says(results: usize, deliveries: usize, name: &str) -> [Words; 3] {
    [
        counted!(
            results,
            "{n} result would be sent to {name} once more.",
            "{n} results would be sent to {name} once more.",
            name
        ),
        counted!(
            deliveries,
            "In {n} delivery. Nothing was sent yet. Once it is, what is newer of the same tests waits until the destination has answered it; where it refuses, until somebody has decided.",
            "In {n} deliveries. Nothing was sent yet. Once they are, what is newer of the same tests waits until the destination has answered them; where it refuses one, until somebody has decided."
        ),
        counted!(
            results,
            "Send {n} result to {name} once more",
            "Send {n} results to {name} once more",
            name
        ),
    ]
}

/// What was found in the journal.
struct Looked {
    wanted: Wanted,
    preview: Preview,
    /// Of the first deliveries.
    payloads: Vec<Private<Vec<u8>>>,
}

/// The first form of the number of which there is anything, else the last.
fn look(
    reader: &Reader,
    choices: &[Wanted],
    outlet: &Outlet,
    now: Timestamp,
) -> Result<Looked, JournalError> {
    let mut found = None;
    for wanted in choices {
        let preview = reader.resending(wanted)?;
        let is_there = !preview.sent.is_empty() || !preview.stays.is_empty();
        found = Some((wanted.clone(), preview));
        if is_there {
            break;
        }
    }
    let (wanted, preview) =
        found.ok_or_else(|| JournalError::Refused("a blank number chooses nothing".to_owned()))?;
    let bytes = |sent| reader.would_send(&wanted.destination, sent, &outlet.render, now);
    let payloads = preview.sent.iter().take(OPENED).map(bytes).collect::<Result<_, _>>()?;
    Ok(Looked { wanted, preview, payloads })
}
