//! The wall view: what a room must see from across it. Large, without names, numbers of specimens or values of patients;
//! it only shows, names nobody who is signed in, and has no scan box: nobody stands at a keyboard there, and a specimen's way names a patient.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::Page;
use super::bench::{contact, lims};
use super::failure::{Failure, html};
use super::lead::{Severity, lead};
use super::shell::{Mark, Shell};
use super::words::filters;
use crate::domain::{Words, counted, words};

#[derive(Template)]
#[template(path = "wall.html")]
struct Wall {
    shell: Shell,
    severity: Severity,
    headline: Words,
    waits: Vec<(i64, Mark)>,
    /// Analyzers, then destinations.
    tiles: Vec<(String, Mark)>,
}

pub(super) async fn show(State(page): State<Page>) -> Result<Response, Failure> {
    let snapshot = page.snapshot().await?;
    let clock = page.clock(&snapshot);
    let lead = lead(&snapshot, &clock);
    let analyzers = snapshot.analyzers.iter().map(|it| (it.name.clone(), contact(it, &clock).0));
    let destinations =
        snapshot.destinations.iter().map(|it| (it.name.clone(), lims(it, &snapshot, &clock).mark));
    let waiting = snapshot.waiting;
    let calls = i64::try_from(snapshot.calls.len()).unwrap_or(i64::MAX);
    let waits = [
        (calls, Severity::Danger, counted!(calls, "critical call", "critical calls")),
        (
            waiting.dead_letters,
            Severity::Danger,
            counted!(waiting.dead_letters, "dead letter", "dead letters"),
        ),
        (waiting.held, Severity::Act, words!("held")),
        (waiting.open_problems, Severity::Act, counted!(waiting.open_problems, "problem", "problems")),
    ];
    let waits = waits.into_iter().map(|(number, severity, words)| {
        (number, Mark::new(if number == 0 { Severity::Calm } else { severity }, words))
    });
    let wall = Wall {
        tiles: analyzers.chain(destinations).collect(),
        waits: waits.collect(),
        severity: lead.severity,
        headline: lead.headline,
        shell: Shell::new(words!("Wall"), "/wall", &page.site, &snapshot, &clock),
    };
    html(&wall, page.language)
}
