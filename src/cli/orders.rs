//! `labwire orders`: what is to be done by which analyzer, a tube's orders with their way to its results and to the LIMS, and
//! what analyzers that asked were told. It only reads.

use std::collections::BTreeSet;
use std::io::Write;

use super::local::here;
use super::{Outcome, trace};
use crate::config::{Bearings, Settings};
use crate::domain::SpecimenId;
use crate::exit::Exit;
use crate::journal::Reader;
use crate::journal::orders::{CachedOrder, Download};
use crate::journal::views::QueryView;
use crate::orders::{Board, Contested};
use crate::pipeline::runner::reading;

/// The most lines of a list.
const LINES: usize = 1_000;
/// How many queries are shown below everything that is to be done.
const QUERIES: usize = 20;

/// Everything that is to be done.
pub(super) fn all(settings: &Settings, out: &mut impl Write) -> Outcome {
    let reader = &Reader::open(&settings.journal.path)?;
    let readings: Vec<_> = settings.instruments.iter().map(|it| (it.id.to_string(), reading(it))).collect();
    let board = Board::read(reader, settings.orders.iter().map(|it| it.name.as_str()), &readings)?;
    if !board.contested.is_empty() {
        writeln!(out, "Labels with orders of several patients: {}", Contested::REMEDY)?;
    }
    for it in board.contested.iter().take(LINES) {
        writeln!(
            out,
            "  {}  {}, since {}",
            it.specimen.reveal(),
            it.orders_in_words().english(),
            here(it.since)
        )?;
    }
    let is_contested = !board.contested.is_empty();
    let nobodys = ("no analyzer here".to_owned(), board.nobodys);
    let with_work: Vec<_> =
        board.analyzers.into_iter().chain([nobodys]).filter(|(_, tubes)| !tubes.is_empty()).collect();
    if with_work.is_empty() && !is_contested {
        writeln!(out, "No orders to be done.")?;
    }
    for (name, tubes) in &with_work {
        writeln!(out, "To be done by {name}, specimens: {}", tubes.len())?;
        for it in tubes.iter().take(LINES) {
            let (tests, letter) = (it.tests.join(" "), it.priority.letter());
            writeln!(out, "  {}  {letter} {tests}, since {}", it.specimen.reveal(), here(it.since))?;
        }
    }
    if board.is_partial {
        writeln!(out, "There are more orders; these are the most urgent ones.")?;
    }
    let downloads = reader.open_downloads(LINES)?;
    if !downloads.is_empty() {
        writeln!(out, "\nTo be told to instruments that don't ask")?;
    }
    for it in &downloads {
        download(it, out)?;
    }
    let taken = reader.taken_downloads(QUERIES)?;
    if !taken.is_empty() {
        writeln!(out, "\nWhat instruments that don't ask were told, the last first")?;
    }
    for it in &taken {
        let (instrument, tube) = (&it.instrument, it.specimen.reveal());
        writeln!(out, "{instrument} took {} with {tube} at {}", wanted(&it.tests), it.at)?;
    }
    let queries = reader.unanswered_queries(QUERIES)?;
    if !queries.is_empty() {
        writeln!(out, "\nAnalyzers that asked today and got no orders, the last first")?;
    }
    for it in &queries {
        query(it, out)?;
    }
    Ok(Exit::Done)
}

/// One tube's orders.
pub(super) fn tube(bearings: &Bearings, label: &str, out: &mut impl Write) -> Outcome {
    let (reader, label) = (Reader::open(&bearings.journal.path)?, &SpecimenId::new(label));
    let orders = reader.orders_on(label)?;
    if orders.is_empty() {
        writeln!(out, "No order is known for this label.")?;
    }
    for order in &orders {
        line(order, out)?;
    }
    let way = reader.way(label)?;
    if !way.is_empty() {
        writeln!(out, "\nIts way")?;
    }
    trace::steps(&way, out)?;
    Ok(if orders.is_empty() { Exit::Failed } else { Exit::Done })
}

fn line(it: &CachedOrder, out: &mut impl Write) -> std::io::Result<()> {
    let order = &it.order;
    let number = if order.key.number.is_empty() { "without number" } else { &order.key.number };
    writeln!(
        out,
        "{}  {} {} {} {} by {}, last spoken of {}",
        order.key.specimen.reveal(),
        order.key.test,
        order.priority.letter(),
        number,
        it.state.name(),
        it.source,
        here(it.changed_at),
    )
}

fn wanted(tests: &BTreeSet<String>) -> String {
    let tests: Vec<&str> = tests.iter().map(String::as_str).collect();
    if tests.is_empty() { "nothing any more".to_owned() } else { tests.join(" ") }
}

fn download(it: &Download, out: &mut impl Write) -> std::io::Result<()> {
    let wanted = wanted(&it.wanted);
    let (state, attempts) = (&it.state, it.attempts);
    let note = if it.note.is_empty() { String::new() } else { format!(": {}", it.note) };
    writeln!(
        out,
        "{} is to do {wanted} with {}: {state} since {}, attempts {attempts}{note}",
        it.instrument,
        it.specimen.reveal(),
        here(it.changed_at)
    )
}

fn query(it: &QueryView, out: &mut impl Write) -> std::io::Result<()> {
    let labels: Vec<&str> = it.specimens.iter().map(SpecimenId::reveal).collect();
    let about = if labels.is_empty() { "no specimen by name".to_owned() } else { labels.join(", ") };
    let answer = it.answer.as_deref().unwrap_or("not answered yet");
    writeln!(out, "{} asked about {about} at {}: {answer}", it.instrument, it.asked_at)
}
