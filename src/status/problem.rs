//! One open problem: what is wrong, where, what to do, and the form that says it was seen to.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::Page;
use super::act::Desk;
use super::failure::{Failure, html};
use super::shell::{self, ProblemRow, Shell};
use super::who::Who;
use super::words::filters;
use crate::domain::words;
use crate::journal::ProblemId;

#[derive(Template)]
#[template(path = "problem.html")]
struct Problem {
    shell: Shell,
    row: ProblemRow,
    desk: Desk,
}

pub(super) async fn show(
    State(page): State<Page>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    const NONE: Failure = Failure::NotFound("There is no such open problem.");
    let number: i64 = id.parse().map_err(|_| NONE)?;
    let (snapshot, view) = page.read(move |reader| reader.open_problem(ProblemId(number))).await?;
    let view = view.ok_or(NONE)?;
    let clock = page.clock(&snapshot);
    html(
        &Problem {
            desk: Desk::of(&who),
            shell: Shell::new(
                words!("Problem {number}", number = number.to_string()),
                "/problems",
                &page.site,
                &snapshot,
                &clock,
            )
            .seen_by(who, format!("/problem/{number}")),
            row: shell::problem(&view, &clock),
        },
        page.language,
    )
}
