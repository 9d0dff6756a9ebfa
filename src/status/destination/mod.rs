//! One destination: how it stands in words, what it is owed, and, where it fails, a card that says what to do. It only shows.

mod advice;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::Page;
use super::bench::{self, LimsRow};
use super::card::Card;
use super::failure::{Failure, html};
use super::shell::Shell;
use super::who::Who;
use super::words::filters;

#[derive(Template)]
#[template(path = "destination.html")]
struct DestinationPage {
    shell: Shell,
    row: LimsRow,
    advice: Option<Card>,
}

pub(super) async fn show(
    State(page): State<Page>,
    who: Who,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let snapshot = page.snapshot().await?;
    let clock = page.clock(&snapshot);
    let it = snapshot
        .destinations
        .iter()
        .find(|it| it.name == name)
        .ok_or(Failure::NotFound("There is no destination of that name."))?;
    html(
        &DestinationPage {
            shell: Shell::new((&it.name).into(), "/destination", &page.site, &snapshot, &clock)
                .seen_by(who, format!("/destination/{}", it.name)),
            row: bench::lims(it, &snapshot, &clock),
            advice: advice::advice(it, page.paper_after),
        },
        page.language,
    )
}
