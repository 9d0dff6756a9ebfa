//! `labwire orders`: what the LIMS wants done, a tube's orders with all that was said of them, and what analyzers that
//! asked were told. It only reads.

use std::io::Write;

use super::Outcome;
use crate::config::Settings;
use crate::domain::SpecimenId;
use crate::exit::Exit;
use crate::journal::Reader;
use crate::journal::orders::{CachedOrder, Download};
use crate::journal::views::QueryView;

/// The most lines of a list.
const LINES: usize = 1_000;
/// How many queries are shown below everything that is to be done.
const QUERIES: usize = 20;

/// Everything that is to be done, or one tube's orders.
pub(super) fn run(settings: &Settings, label: Option<&str>, out: &mut impl Write) -> Outcome {
    let reader = Reader::open(&settings.journal.path)?;
    match label {
        Some(label) => tube(&reader, &SpecimenId::new(label), out),
        None => all(&reader, out),
    }
}

fn all(reader: &Reader, out: &mut impl Write) -> Outcome {
    let orders = reader.active_orders(LINES)?;
    if orders.is_empty() {
        writeln!(out, "No orders.")?;
    }
    for order in &orders {
        line(order, out)?;
    }
    let downloads = reader.open_downloads(LINES)?;
    if !downloads.is_empty() {
        writeln!(out, "\nTo be told to instruments that don't ask")?;
    }
    for it in &downloads {
        download(it, out)?;
    }
    let queries = reader.host_queries(QUERIES)?;
    if !queries.is_empty() {
        writeln!(out, "\nThe last queries")?;
    }
    for it in &queries {
        query(it, out)?;
    }
    Ok(Exit::Done)
}

fn tube(reader: &Reader, label: &SpecimenId, out: &mut impl Write) -> Outcome {
    let orders = reader.orders_on(label)?;
    if orders.is_empty() {
        writeln!(out, "No order is known for this label.")?;
    }
    for order in &orders {
        line(order, out)?;
        for word in reader.order_words(order.id)? {
            writeln!(out, "    {} {} by message {}", word.at, word.word, word.message)?;
        }
    }
    for it in reader.downloads_of(label)? {
        download(&it, out)?;
    }
    let queries = reader.host_queries(LINES)?;
    for it in queries.iter().filter(|it| it.specimens.contains(label)) {
        query(it, out)?;
    }
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
        it.changed_at,
    )
}

fn download(it: &Download, out: &mut impl Write) -> std::io::Result<()> {
    let wanted: Vec<&str> = it.wanted.iter().map(String::as_str).collect();
    let wanted = if wanted.is_empty() { "nothing any more".to_owned() } else { wanted.join(" ") };
    let (state, attempts) = (&it.state, it.attempts);
    let note = if it.note.is_empty() { String::new() } else { format!(": {}", it.note) };
    writeln!(
        out,
        "{} is to do {wanted} with {}: {state} since {}, attempts {attempts}{note}",
        it.instrument,
        it.specimen.reveal(),
        it.changed_at
    )
}

fn query(it: &QueryView, out: &mut impl Write) -> std::io::Result<()> {
    let labels: Vec<&str> = it.specimens.iter().map(SpecimenId::reveal).collect();
    let about = if labels.is_empty() { "no specimen by name".to_owned() } else { labels.join(", ") };
    let answer = it.answer.as_deref().unwrap_or("not answered yet");
    writeln!(out, "{} asked about {about} at {}: {answer}", it.instrument, it.asked_at)
}
