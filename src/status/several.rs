//! Several decided at once with one reason: what somebody ticked, each a decision of its own with an entry of its own in the
//! audit. The view stays as it was made, so that no row moves under the hand that ticks it.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::Page;
use super::act::{self, Desk, Done};
use super::failure::{Failure, html};
use super::form::Form;
use super::sessions::Visitor;
use super::shell::{self, HeldRow, Shell, why_held};
use super::snapshot::LIST;
use super::who::Who;
use super::words::filters;
use crate::domain::{HoldReason, Role, Words, counted, words};
use crate::host::control::{Asked, Request};
use crate::journal::ObservationId;
use crate::journal::views::HoldView;

/// A form in which some of several are ticked.
pub(super) struct Ticked(Vec<(String, String)>);

impl Ticked {
    pub(super) fn new(fields: Vec<(String, String)>) -> Ticked {
        Ticked(fields)
    }

    /// What a field says, without spaces around it; empty where the form has none.
    pub(super) fn text(&self, name: &str) -> String {
        self.all(name).next().map(|it| it.trim().to_owned()).unwrap_or_default()
    }

    /// The reason, which a decision needs.
    pub(super) fn reason(&self) -> Result<String, Failure> {
        act::reason(&self.text("reason"))
    }

    /// The numbers of what is ticked under a name.
    pub(super) fn numbers(&self, name: &str) -> Vec<i64> {
        self.all(name).take(LIST).filter_map(|id| id.parse().ok()).collect()
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &String> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value)
    }
}

impl Page {
    /// A page may be older than a hold: what is held for something else than was shown is for another look.
    pub(super) async fn is_as_seen(&self, shown: &[String], ids: &[i64]) -> Result<(), Failure> {
        let wanted = ids.to_vec();
        let (_, held) = self
            .read(move |reader| {
                let held = wanted.iter().map(|id| reader.hold(ObservationId(*id)));
                held.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()
            })
            .await?;
        let differs = |it: &&HoldView| !shown.contains(&format!("{} {}", it.observation.0, shell::seen(it)));
        match held.iter().find(differs) {
            None => Ok(()),
            Some(it) => Err(Failure::Refused(words!(
                "Result {id} is held for something else than when you looked. Nothing was released: look again.",
                id = it.observation.0.to_string()
            ))),
        }
    }

    /// What these held results are, in their order.
    async fn named(&self, ids: &[i64]) -> Result<Vec<Words>, Failure> {
        let wanted = ids.to_vec();
        let (_, held) = self
            .read(move |reader| {
                wanted
                    .iter()
                    .map(|id| Ok((*id, reader.hold(ObservationId(*id))?)))
                    .collect::<Result<Vec<_>, _>>()
            })
            .await?;
        let name = |(id, view): (i64, Option<HoldView>)| match view {
            Some(HoldView { detail, .. }) => words!(
                "no. {id}, {test} {value} of {specimen}",
                id = id.to_string(),
                test = shell::test_name(&detail.test),
                value = detail.value_as_sent,
                specimen = detail.specimen.reveal()
            ),
            None => words!("no. {id}", id = id.to_string()),
        };
        Ok(held.into_iter().map(name).collect())
    }

    /// Decides about one after the other. Stops at the first that is refused, and tells how many were decided before it.
    pub(super) async fn decide_each(
        &self,
        visitor: &Visitor,
        decision: Asked,
        ids: &[i64],
        reason: &str,
    ) -> Result<(), (usize, i64, Failure)> {
        for (done, id) in ids.iter().enumerate() {
            let request = Request::Decide { decision, id: *id, by: None, reason: reason.to_owned() };
            self.ask(visitor, request).await.map_err(|failure| (done, *id, failure))?;
        }
        Ok(())
    }
}

#[derive(Template)]
#[template(path = "several.html")]
struct Several {
    shell: Shell,
    desk: Desk,
    /// Each reason with how many are held for it alone, and its name.
    reasons: Vec<(Words, usize, &'static str)>,
    /// For which all of these are held.
    held_for: Option<Words>,
    held: Vec<HeldRow>,
}

#[derive(Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    held_for: String,
}

pub(super) async fn show(
    State(page): State<Page>,
    who: Who,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Response, Failure> {
    const NONE: Failure = Failure::NotFound("There is no such reason.");
    let Query(Which { held_for }) = which.map_err(|_| NONE)?;
    let chosen = match held_for.as_str() {
        "" => None,
        name => Some(HoldReason::from_name(name).ok_or(NONE)?),
    };
    let may_leave = |it: &&HoldView| !it.detail.specimen.is_blank();
    let alone =
        |it: &HoldView, reason: HoldReason| matches!(&it.reasons[..], [only] if only == reason.name());
    let (snapshot, held) =
        page.held_rows(move |it| may_leave(&it) && chosen.is_none_or(|reason| alone(it, reason))).await?;
    let clock = page.clock(&snapshot);
    let count =
        |reason: HoldReason| snapshot.held.iter().filter(may_leave).filter(|it| alone(it, reason)).count();
    let place = chosen.map_or_else(
        || "/held/several".to_owned(),
        |reason| format!("/held/several?held_for={}", reason.name()),
    );
    html(
        &Several {
            desk: Desk::of(&who),
            shell: Shell::new(words!("Release several"), "/held", &page.site, &snapshot, &clock)
                .seen_by(who, place),
            reasons: HoldReason::ALL
                .into_iter()
                .map(|reason| (why_held(reason.name()), count(reason), reason.name()))
                .filter(|(_, count, _)| *count > 0)
                .collect(),
            held_for: chosen.map(|reason| why_held(reason.name())),
            held,
        },
        page.language,
    )
}

pub(super) async fn release(
    State(page): State<Page>,
    who: Who,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let form = Ticked::new(fields);
    let visitor = page.authorised(who, &form.text("guard"), Role::Technician).await?;
    let reason = form.reason()?;
    let ids = form.numbers("result");
    if ids.is_empty() {
        return Err(Failure::Refused(words!("Nothing was ticked. Go back and tick what is to be released.")));
    }
    page.is_as_seen(&form.all("seen").cloned().collect::<Vec<_>>(), &ids).await?;
    let named = page.named(&ids).await?;
    page.decide_each(&visitor, Asked::Release, &ids, &reason).await.map_err(|it| stopped(it, &named))?;
    html(
        &Done {
            headline: counted!(ids.len(), "Released: {n} result.", "Released: {n} results."),
            then: words!("By {name}, in the audit with the reason.", name = visitor.shown),
            on: vec![("/held".to_owned(), words!("Held results"))],
        },
        page.language,
    )
}

/// What left before one was refused has left, and is said, each by what it is.
fn stopped((done, id, failure): (usize, i64, Failure), named: &[Words]) -> Failure {
    let left = || {
        let which = Words::row(named.iter().take(done).cloned(), "; ");
        counted!(
            done,
            "{n} result was released ({which})",
            "{n} results were released ({which})",
            which = which
        )
    };
    match failure {
        Failure::Refused(why) if done > 0 => Failure::Refused(words!(
            "{done}, and then result {id} was not: {why}",
            done = left(),
            id = id.to_string(),
            why
        )),
        _ if done > 0 => {
            Failure::Refused(words!("{done}, and then it broke off: look what is held still.", done = left()))
        }
        Failure::Refused(why) => Failure::Refused(words!("Nothing was released: {why}", why)),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_that_stops_names_what_was_released_before() {
        let named: Vec<Words> = ["no. 3, 001 4.80 of S1", "no. 5, 001 5.10 of S2"].map(Words::from).into();
        let refused = || Failure::Refused("result 5 is no longer held".into());
        let told = |done, failure| match stopped((done, 5, failure), &named) {
            Failure::Refused(why) => why.english(),
            _ => String::new(),
        };
        assert_eq!(
            told(1, refused()),
            "1 result was released (no. 3, 001 4.80 of S1), and then result 5 was not: result 5 is no longer held"
        );
        assert!(told(2, Failure::Render).starts_with(
            "2 results were released (no. 3, 001 4.80 of S1; no. 5, 001 5.10 of S2), and then it broke off"
        ));
        assert_eq!(told(0, refused()), "Nothing was released: result 5 is no longer held");
    }
}
