//! One analyzer: its link in words, its last day, what its line did wrong, and, where something is, a card that says what
//! to do. It only shows.

mod advice;

pub(super) use advice::is_damaged;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::Page;
use super::bench::contact;
use super::card::Card;
use super::clock::Moment;
use super::failure::{Failure, html};
use super::noted;
use super::offset;
use super::qc::standing_of;
use super::shell::{Mark, Shell};
use super::spark::Spark;
use super::who::Who;
use super::words::{filters, kept};
use crate::domain::{Words, counted, words};

#[derive(Template)]
#[template(path = "analyzer.html")]
struct AnalyzerPage {
    shell: Shell,
    name: String,
    description: String,
    mark: Mark,
    detail: Words,
    advice: Option<Card>,
    last_result: Option<Moment>,
    last_message: Option<Moment>,
    /// How many of its results wait to leave.
    waiting: Words,
    /// What was counted, and how often.
    counts: [(Words, i64); 7],
    /// How its tests stand by their controls; nothing where none is judged.
    controls: Vec<Mark>,
    /// How its clock stands to ours.
    clock_says: Words,
    spark: Spark,
    /// The latest odd thing on its line, since the start.
    latest: Option<(Moment, Words)>,
    notes: Vec<NoteRow>,
}

/// What its line did wrong.
struct NoteRow {
    what: Words,
    code: String,
    times: i64,
    first: Moment,
    last: Moment,
}

pub(super) async fn show(
    State(page): State<Page>,
    who: Who,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let snapshot = page.snapshot().await?;
    let clock = page.clock(&snapshot);
    let it = snapshot
        .analyzers
        .iter()
        .find(|it| it.name == name)
        .ok_or(Failure::NotFound("There is no analyzer of that name."))?;
    let (mark, detail) = contact(it, &clock);
    let counts = &it.counts;
    let note = |note: &crate::journal::notes::LinkNotes| NoteRow {
        what: noted::sentence(&note.code).unwrap_or_else(|| note.code.replace('-', " ").into()),
        code: note.code.clone(),
        times: i64::try_from(note.count).unwrap_or(i64::MAX),
        first: clock.at(note.first_at),
        last: clock.at(note.last_at),
    };
    html(
        &AnalyzerPage {
            shell: Shell::new((&it.name).into(), "/analyzer", &page.site, &snapshot, &clock)
                .seen_by(who, format!("/analyzer/{}", it.name)),
            name: it.name.clone(),
            description: it.description.clone(),
            mark,
            detail,
            advice: advice::advice(it, &snapshot, page.paper_after),
            waiting: match it.around.waiting {
                (0, false) => words!("nothing"),
                (some, false) => counted!(some, "{n} result", "{n} results"),
                (some, true) => counted!(some, "{n} result or more", "{n} results or more"),
            },
            last_result: counts.last_result.map(|at| clock.at(at)),
            last_message: counts.last_message.map(|at| clock.at(at)),
            counts: [
                (counted!(counts.received, "result received", "results received"), counts.received),
                (words!("new"), counts.new),
                (words!("repeated"), counts.duplicate),
                (words!("unusable"), counts.problem),
                (words!("held"), counts.held),
                (counted!(counts.open_problems, "open problem", "open problems"), counts.open_problems),
                (
                    counted!(counts.unanswered_queries, "query without orders", "queries without orders"),
                    counts.unanswered_queries,
                ),
            ],
            controls: standing_of(&it.around.controls, &page.qc),
            clock_says: offset::says(it.around.clock),
            spark: Spark::of(&it.hours, &clock),
            latest: it.last_note.as_ref().map(|(at, text)| (clock.at(*at), kept(text))),
            notes: it.notes.iter().map(note).collect(),
        },
        page.language,
    )
}
