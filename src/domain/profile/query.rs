//! How a model wants its host queries answered.

use std::collections::BTreeMap;
use std::time::Duration;

use labwire_astm::record::{Kind, Path};

/// The model's conventions for queries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryStyle {
    /// The answer that says that there is nothing to do. Order records are written once for each specimen asked
    /// for; records but H and L are left out where none was named.
    pub no_orders: Vec<ReplyRecord>,
    /// The answer that says what is to be done. Records but H and L are written once for each specimen.
    pub orders: Vec<ReplyRecord>,
    /// What stands before and behind a test's code where an order names it.
    pub test: (String, String),
    /// How long the analyzer waits for an answer.
    pub patience: Duration,
}

impl Default for QueryStyle {
    /// A header and a terminator with code I; orders of report type Q, with the patient before each.
    fn default() -> QueryStyle {
        let header = || [(12, Template::text("P")), (14, Template(vec![Piece::Now]))];
        let terminator = |code: &str| [(2, Template::text("1")), (3, Template::text(code))];
        let record = |kind, fields: &[(usize, Template)]| ReplyRecord {
            kind,
            fields: fields.iter().cloned().collect(),
        };
        let one = |piece: Piece| Template(vec![piece]);
        let patient = [
            (2, one(Piece::Sequence)),
            (4, one(Piece::PatientId)),
            (6, one(Piece::PatientName)),
            (8, one(Piece::BirthDate)),
            (9, one(Piece::Sex)),
        ];
        let order = [
            (2, Template::text("1")),
            (3, one(Piece::Specimen)),
            (5, one(Piece::Tests)),
            (6, one(Piece::Priority)),
            (8, one(Piece::Collected)),
            (12, Template::text("N")),
            (16, one(Piece::SpecimenKind)),
            (26, Template::text("Q")),
        ];
        QueryStyle {
            no_orders: vec![record(Kind::Header, &header()), record(Kind::Terminator, &terminator("I"))],
            orders: vec![
                record(Kind::Header, &header()),
                record(Kind::Patient, &patient),
                record(Kind::Order, &order),
                record(Kind::Terminator, &terminator("N")),
            ],
            test: ("^^^".to_owned(), String::new()),
            patience: Duration::from_secs(60),
        }
    }
}

/// One record of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyRecord {
    pub kind: Kind,
    /// By their numbers; a header's second field is written by itself.
    pub fields: BTreeMap<usize, Template>,
}

/// The content of one field of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(pub Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// With `^` between components and `\` between occurrences, whatever the query's delimiters are.
    Text(String),
    /// What stands there in the query, byte for byte.
    Echo(Path),
    /// The specimen asked for, as sent.
    Specimen,
    /// The components that follow the specimen in the query, as sent: carrier, position …
    AfterSpecimen,
    /// The place of the specimen among those asked for, from 1.
    Sequence,
    /// The time of the answer, in the instrument's zone.
    Now,
    /// The tests ordered for the specimen, each an occurrence.
    Tests,
    /// `S`, `A` or `R`.
    Priority,
    /// In the instrument's words.
    SpecimenKind,
    Collected,
    PatientId,
    PatientName,
    BirthDate,
    /// `M`, `F`, `U` or nothing.
    Sex,
    Ward,
}

/// The names by which a template calls them.
const NAMES: [(&str, Piece); 13] = [
    ("specimen", Piece::Specimen),
    ("after_specimen", Piece::AfterSpecimen),
    ("sequence", Piece::Sequence),
    ("now", Piece::Now),
    ("tests", Piece::Tests),
    ("priority", Piece::Priority),
    ("specimen_kind", Piece::SpecimenKind),
    ("collected", Piece::Collected),
    ("patient_id", Piece::PatientId),
    ("patient_name", Piece::PatientName),
    ("birth_date", Piece::BirthDate),
    ("sex", Piece::Sex),
    ("ward", Piece::Ward),
];

impl Template {
    pub fn text(text: impl Into<String>) -> Template {
        Template(vec![Piece::Text(text.into())])
    }

    /// Reads text with `{specimen}`, `{tests}` and so on, or a path such as `{H.5}` in it.
    pub fn parse(text: &str) -> Option<Template> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}')?;
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            let named = NAMES.iter().find(|(known, _)| *known == name).map(|(_, piece)| piece.clone());
            let path = || Path::parse(name).filter(|path| matches!(path.kind, Kind::Header | Kind::Query));
            pieces.push(named.or_else(|| path().map(Piece::Echo))?);
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Some(Template(pieces))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_mixes_text_and_names() {
        let pieces = |text: &str| Template::parse(text).map(|template| template.0);
        assert_eq!(pieces("N"), Some(vec![Piece::Text("N".to_owned())]));
        assert_eq!(
            pieces("a{sequence}b{now}"),
            Some(vec![Piece::Text("a".to_owned()), Piece::Sequence, Piece::Text("b".to_owned()), Piece::Now])
        );
        assert_eq!(pieces("{H.5}"), Path::parse("H.5").map(|path| vec![Piece::Echo(path)]));
        assert_eq!(pieces(""), Some(vec![]));
        for wrong in ["{", "{nothing}", "{R.3}", "{H.5"] {
            assert_eq!(pieces(wrong), None, "{wrong}");
        }
    }
}
