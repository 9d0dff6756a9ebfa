//! The page of orders: what is to be done by which analyzer, what none can do, what analyzers that don't ask are still to be
//! told, and who asked and got none. A tube's own way stands on its page.

mod json;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::Page;
use super::clock::{Clock, Moment};
use super::failure::{Failure, html};
use super::shell::Shell;
use super::snapshot::{LIST, Snapshot};
use super::who::Who;
use super::words::{filters, kept};
use crate::domain::{Words, words};
use crate::journal::JournalError;
use crate::orders::{Board, Contested, Pending};
pub(super) use json::orders as orders_as_json;

#[derive(Template)]
#[template(path = "orders.html")]
struct Orders {
    shell: Shell,
    is_told: bool,
    is_partial: bool,
    /// What to do about the contested ones.
    remedy: Words,
    contested: Vec<ContestedRow>,
    /// With what none of them can do as the last.
    analyzers: Vec<Work>,
    downloads: Vec<DownloadRow>,
    /// What was told before, the last first.
    taken: Vec<DownloadRow>,
    queries: Vec<QueryRow>,
}

struct ContestedRow {
    specimen: String,
    orders: Words,
    since: Moment,
}

struct Work {
    name: Words,
    count: usize,
    tubes: Vec<TubeRow>,
}

struct TubeRow {
    specimen: String,
    tests: String,
    is_urgent: bool,
    since: Moment,
}

struct DownloadRow {
    instrument: String,
    specimen: String,
    tests: String,
    state: Words,
    since: Moment,
}

struct QueryRow {
    instrument: String,
    specimens: Vec<String>,
    answer: Words,
    message: i64,
    asked: Moment,
}

pub(super) async fn show(State(page): State<Page>, who: Who) -> Result<Response, Failure> {
    let (snapshot, clock, rows) = page.orders().await?;
    let Rows { is_partial, contested, analyzers, downloads, taken, queries } = rows;
    html(
        &Orders {
            shell: Shell::new(words!("Orders"), "/orders", &page.site, &snapshot, &clock)
                .seen_by(who, "/orders"),
            is_told: !page.order_sources.is_empty(),
            is_partial,
            remedy: Words::fixed(Contested::REMEDY),
            contested,
            analyzers,
            downloads,
            taken,
            queries,
        },
        page.language,
    )
}

/// What stands on the page and in its JSON.
struct Rows {
    is_partial: bool,
    contested: Vec<ContestedRow>,
    /// With what none of them can do as the last.
    analyzers: Vec<Work>,
    downloads: Vec<DownloadRow>,
    taken: Vec<DownloadRow>,
    queries: Vec<QueryRow>,
}

impl Page {
    async fn orders(&self) -> Result<(Snapshot, Clock, Rows), JournalError> {
        let readings: Vec<_> = self.instruments.iter().map(|(name, it)| (name.clone(), it.clone())).collect();
        let sources = std::sync::Arc::clone(&self.order_sources);
        let (snapshot, (board, downloads, taken, queries)) = self
            .read(move |reader| {
                let board = Board::read(reader, sources.iter().map(String::as_str), &readings)?;
                let downloads = (reader.open_downloads(LIST)?, reader.taken_downloads(LIST)?);
                Ok((board, downloads.0, downloads.1, reader.unanswered_queries(LIST)?))
            })
            .await?;
        let clock = self.clock(&snapshot);
        let row = |it: &Pending| TubeRow {
            specimen: it.specimen.reveal().to_owned(),
            tests: it.tests.join(" "),
            is_urgent: it.priority == crate::domain::Priority::Stat,
            since: clock.at(it.since),
        };
        let work = |(name, tubes): (Words, Vec<Pending>)| Work {
            name,
            count: tubes.len(),
            tubes: tubes.iter().take(LIST).map(row).collect(),
        };
        let nobodys = (words!("no analyzer here"), board.nobodys);
        let all = board
            .analyzers
            .into_iter()
            .map(|(name, tubes)| (name.into(), tubes))
            .chain([nobodys])
            .filter(|(_, tubes)| !tubes.is_empty());
        let rows = Rows {
            is_partial: board.is_partial,
            contested: board
                .contested
                .iter()
                .take(LIST)
                .map(|it| ContestedRow {
                    specimen: it.specimen.reveal().to_owned(),
                    orders: it.orders_in_words(),
                    since: clock.at(it.since),
                })
                .collect(),
            analyzers: all.map(work).collect(),
            downloads: downloads
                .into_iter()
                .map(|it| DownloadRow {
                    instrument: it.instrument,
                    specimen: it.specimen.reveal().to_owned(),
                    tests: it.wanted.into_iter().collect::<Vec<_>>().join(" "),
                    state: download_state(&it.state, &it.note),
                    since: clock.at(it.changed_at),
                })
                .collect(),
            taken: taken
                .into_iter()
                .map(|it| DownloadRow {
                    instrument: it.instrument,
                    specimen: it.specimen.reveal().to_owned(),
                    tests: it.tests.into_iter().collect::<Vec<_>>().join(" "),
                    state: kept(&it.note),
                    since: clock.at(it.at),
                })
                .collect(),
            queries: queries
                .into_iter()
                .map(|it| QueryRow {
                    instrument: it.instrument,
                    specimens: it.specimens.iter().map(|id| id.reveal().to_owned()).collect(),
                    answer: it.answer.map_or_else(|| words!("not answered yet"), Words::from),
                    message: it.message.0,
                    asked: clock.at(it.asked_at),
                })
                .collect(),
        };
        Ok((snapshot, clock, rows))
    }
}

/// What has become of telling an analyzer of its work, with what it said.
fn download_state(state: &str, note: &str) -> Words {
    let state = match state {
        "due" => words!("waits for its next try"),
        "sending" => words!("being sent"),
        "taken" => words!("taken by the analyzer"),
        _ => words!("refused by the analyzer"),
    };
    if note.is_empty() { state } else { Words::row([state, kept(note)], ": ") }
}
