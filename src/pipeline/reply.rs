//! The answer to a host query for which there is nothing to do, in the model's own conventions. It echoes what the
//! query named, byte for byte; it never makes up an order.

use jiff::Timestamp;
use labwire_astm::record::{Draft, Field, Kind, Message, QueryRecord, Record};

use super::Reading;
use crate::domain::profile::{AstmDialect, Dialect, Piece, Template};

/// The answer to a message that asks for orders. `None` where it asks nothing, withdraws an earlier query, or has
/// a header under which no answer could be written.
pub fn no_orders(query: &[u8], reading: &Reading, at: Timestamp) -> Option<Vec<u8>> {
    let Dialect::Astm(dialect) = &reading.profile.dialect else { return None };
    let message = Message::parse(query);
    if !message.faults().is_empty() {
        return None;
    }
    let header = message.records().find(|record| record.kind() == Kind::Header)?;
    let queries = message.records().filter(|record| record.kind() == Kind::Query);
    let queries: Vec<Record<'_>> = queries.filter(|record| !cancels(record)).collect();
    let first = queries.first()?;
    let asked: Vec<Asked<'_>> = queries
        .iter()
        .flat_map(|record| specimens(record, dialect).into_iter().map(move |part| (*record, part)))
        .map(|(query, (specimen, after))| Asked { query, specimen, after })
        .filter(|asked| !matches!(asked.specimen.raw(), b"" | b"ALL"))
        .collect();

    let now = at.to_zoned(reading.time_zone.clone()).strftime("%Y%m%d%H%M%S").to_string();
    let mut draft = Draft::new(header.delimiters());
    for record in &dialect.query.no_orders {
        let nobody = Asked { query: *first, specimen: first.field(0), after: Vec::new() };
        let targets = match record.kind {
            Kind::Order => asked.iter().collect(),
            Kind::Header | Kind::Terminator => vec![asked.first().unwrap_or(&nobody)],
            _ => asked.first().into_iter().collect::<Vec<_>>(),
        };
        for (index, target) in targets.into_iter().enumerate() {
            let fields: Vec<(usize, Vec<u8>)> = record
                .fields
                .iter()
                .map(|(number, template)| (*number, fill(template, &draft, &header, target, index + 1, &now)))
                .collect();
            draft.record(record.kind, fields.iter().map(|(number, content)| (*number, content.as_slice())));
        }
    }
    Some(draft.finish())
}

/// The specimens that a query names, as sent.
pub(super) fn asked<'a>(query: &Record<'a>, dialect: &AstmDialect) -> Vec<Field<'a>> {
    specimens(query, dialect).into_iter().map(|(specimen, _)| specimen).collect()
}

struct Asked<'a> {
    query: Record<'a>,
    specimen: Field<'a>,
    /// The components after the specimen.
    after: Vec<&'a [u8]>,
}

/// Each occurrence's specimen and what follows it. Some models send the empty patient component with the first
/// occurrence only: where an occurrence has one component, that is the specimen.
fn specimens<'a>(query: &Record<'a>, dialect: &AstmDialect) -> Vec<(Field<'a>, Vec<&'a [u8]>)> {
    let place = dialect.places.query_specimen.path;
    let field = query.field(place.field);
    let occurrences = field.repeats().map(|occurrence| {
        let parts: Vec<Field<'a>> = occurrence.components().collect();
        let number = place.component.filter(|number| *number <= parts.len()).unwrap_or(1);
        let specimen = occurrence.component(number);
        (specimen, parts.iter().skip(number).map(|part| part.raw()).collect())
    });
    occurrences.collect()
}

fn cancels(record: &Record<'_>) -> bool {
    QueryRecord::of(*record).is_some_and(|query| query.status().raw().trim_ascii() == b"A")
}

fn fill(
    template: &Template,
    draft: &Draft,
    header: &Record<'_>,
    asked: &Asked<'_>,
    sequence: usize,
    now: &str,
) -> Vec<u8> {
    let component: Vec<u8> = header.delimiters().component.into_iter().collect();
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => draft.escape(text.as_bytes()),
        Piece::Echo(path) if path.kind == Kind::Header => header.at(path).raw().to_vec(),
        Piece::Echo(path) => asked.query.at(path).raw().to_vec(),
        Piece::Specimen => asked.specimen.raw().to_vec(),
        Piece::AfterSpecimen => asked.after.join(component.as_slice()),
        Piece::Sequence => sequence.to_string().into_bytes(),
        Piece::Now => now.as_bytes().to_vec(),
    };
    template.0.iter().flat_map(piece).collect()
}
