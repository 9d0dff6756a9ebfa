//! How a model wants its host queries answered.

use std::collections::BTreeMap;

use labwire_astm::record::{Kind, Path};

/// The model's conventions for queries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryStyle {
    /// The answer that says that there is nothing to do. Order records are written once for each specimen asked
    /// for; records but H and L are left out where none was named.
    pub no_orders: Vec<ReplyRecord>,
}

impl Default for QueryStyle {
    /// A header and a terminator with code I.
    fn default() -> QueryStyle {
        let header = [(12, Template::text("P")), (14, Template(vec![Piece::Now]))];
        let terminator = [(2, Template::text("1")), (3, Template::text("I"))];
        QueryStyle {
            no_orders: vec![
                ReplyRecord { kind: Kind::Header, fields: BTreeMap::from(header) },
                ReplyRecord { kind: Kind::Terminator, fields: BTreeMap::from(terminator) },
            ],
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
}

impl Template {
    pub fn text(text: impl Into<String>) -> Template {
        Template(vec![Piece::Text(text.into())])
    }

    /// Reads text with `{specimen}`, `{after_specimen}`, `{sequence}`, `{now}` or a path such as `{H.5}` in it.
    pub fn parse(text: &str) -> Option<Template> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}')?;
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(match name {
                "specimen" => Piece::Specimen,
                "after_specimen" => Piece::AfterSpecimen,
                "sequence" => Piece::Sequence,
                "now" => Piece::Now,
                path => Piece::Echo(
                    Path::parse(path).filter(|path| matches!(path.kind, Kind::Header | Kind::Query))?,
                ),
            });
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
