//! What is to be done by which analyzer, as JSON.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::{ContestedRow, DownloadRow, QueryRow, Rows, TubeRow, Work};
use crate::status::Page;
use crate::status::asker::refused;
use crate::status::failure::Failure;

#[derive(Serialize)]
struct Orders {
    as_of: String,
    /// Somebody tells orders.
    is_told: bool,
    /// There is more than was read.
    is_partial: bool,
    contested: Vec<Contested>,
    analyzers: Vec<Analyzer>,
    downloads: Vec<Download>,
    /// What was told before, the last first.
    taken: Vec<Download>,
    queries: Vec<Query>,
}

#[derive(Serialize)]
struct Contested {
    specimen: String,
    orders: String,
    since: String,
}

#[derive(Serialize)]
struct Analyzer {
    name: String,
    /// Of its tubes; where there are more than are listed, this says so.
    total: usize,
    tubes: Vec<Tube>,
}

#[derive(Serialize)]
struct Tube {
    specimen: String,
    tests: String,
    is_urgent: bool,
    since: String,
}

#[derive(Serialize)]
struct Download {
    instrument: String,
    specimen: String,
    tests: String,
    state: String,
    since: String,
}

#[derive(Serialize)]
struct Query {
    instrument: String,
    specimens: Vec<String>,
    answer: String,
    message: i64,
    asked: String,
}

pub(in crate::status) async fn orders(State(page): State<Page>) -> Result<Response, Response> {
    let (snapshot, _, rows) = page.orders().await.map_err(|error| refused(Failure::Journal(error)))?;
    let Rows { is_partial, contested, analyzers, downloads, taken, queries } = rows;
    Ok(Json(Orders {
        as_of: snapshot.as_of.to_string(),
        is_told: !page.order_sources.is_empty(),
        is_partial,
        contested: contested.into_iter().map(contest).collect(),
        analyzers: analyzers.into_iter().map(analyzer).collect(),
        downloads: downloads.into_iter().map(download).collect(),
        taken: taken.into_iter().map(download).collect(),
        queries: queries.into_iter().map(query).collect(),
    })
    .into_response())
}

fn contest(it: ContestedRow) -> Contested {
    Contested { specimen: it.specimen, orders: it.orders.english(), since: it.since.exact() }
}

fn analyzer(it: Work) -> Analyzer {
    Analyzer { name: it.name.english(), total: it.count, tubes: it.tubes.into_iter().map(tube).collect() }
}

fn tube(it: TubeRow) -> Tube {
    Tube { specimen: it.specimen, tests: it.tests, is_urgent: it.is_urgent, since: it.since.exact() }
}

fn download(it: DownloadRow) -> Download {
    Download {
        instrument: it.instrument,
        specimen: it.specimen,
        tests: it.tests,
        state: it.state.english(),
        since: it.since.exact(),
    }
}

fn query(it: QueryRow) -> Query {
    Query {
        instrument: it.instrument,
        specimens: it.specimens,
        answer: it.answer.english(),
        message: it.message,
        asked: it.asked.exact(),
    }
}
