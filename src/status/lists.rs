//! The full lists of what waits for a person, each row with its remedy and the number that a decision names.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::Page;
use super::failure::{Failure, html};
use super::shell::{self, HeldRow, LetterRow, ProblemRow, Shell};
use super::who::Who;
use super::words::filters;
use crate::domain::words;

#[derive(Template)]
#[template(path = "problems.html")]
struct Problems {
    shell: Shell,
    total: i64,
    problems: Vec<ProblemRow>,
}

#[derive(Template)]
#[template(path = "held.html")]
struct Held {
    shell: Shell,
    total: i64,
    held: Vec<HeldRow>,
    some_may_leave: bool,
}

#[derive(Template)]
#[template(path = "dead_letters.html")]
struct DeadLetters {
    shell: Shell,
    total: i64,
    letters: Vec<LetterRow>,
}

pub(super) async fn problems(State(page): State<Page>, who: Who) -> Result<Response, Failure> {
    let snapshot = page.snapshot().await?;
    let clock = page.clock(&snapshot);
    html(
        &Problems {
            shell: Shell::new(words!("Problems"), "/problems", &page.site, &snapshot, &clock)
                .seen_by(who, "/problems"),
            total: snapshot.waiting.open_problems,
            problems: snapshot.problems.iter().map(|it| shell::problem(it, &clock)).collect(),
        },
        page.language,
    )
}

pub(super) async fn held(State(page): State<Page>, who: Who) -> Result<Response, Failure> {
    let (snapshot, held) = page.held_rows(|_| true).await?;
    let clock = page.clock(&snapshot);
    html(
        &Held {
            shell: Shell::new(words!("Held"), "/held", &page.site, &snapshot, &clock).seen_by(who, "/held"),
            total: snapshot.waiting.held,
            some_may_leave: held.iter().any(|row| row.may_leave),
            held,
        },
        page.language,
    )
}

pub(super) async fn dead_letters(State(page): State<Page>, who: Who) -> Result<Response, Failure> {
    let snapshot = page.snapshot().await?;
    let clock = page.clock(&snapshot);
    html(
        &DeadLetters {
            shell: Shell::new(words!("Dead letters"), "/dead-letters", &page.site, &snapshot, &clock)
                .seen_by(who, "/dead-letters"),
            total: snapshot.waiting.dead_letters,
            letters: snapshot.letters.iter().map(|it| shell::letter(it, &snapshot, &clock)).collect(),
        },
        page.language,
    )
}
