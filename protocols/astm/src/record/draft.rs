//! Composing a message of our own. Knows the grammar, not what a record should say.

use std::collections::BTreeMap;

use super::{Delimiters, Kind, escape};

/// A message being written, record by record, each ended by CR.
#[derive(Clone)]
pub struct Draft {
    delimiters: Delimiters,
    bytes: Vec<u8>,
}

impl Draft {
    /// Begins a message under these delimiters; those that are `None` are the usual ones.
    pub fn new(delimiters: Delimiters) -> Draft {
        let usual = Delimiters::USUAL;
        let delimiters = Delimiters {
            field: delimiters.field.or(usual.field),
            repeat: delimiters.repeat.or(usual.repeat),
            component: delimiters.component.or(usual.component),
            escape: delimiters.escape.or(usual.escape),
        };
        Draft { delimiters, bytes: Vec::new() }
    }

    /// Text as it may stand in a field of this message.
    pub fn escape(&self, text: &[u8]) -> Vec<u8> {
        escape::escape(text, self.delimiters).unwrap_or_default()
    }

    /// The delimiters in the order of a header's declaration, without the field delimiter.
    pub fn declaration(&self) -> Vec<u8> {
        [self.delimiters.repeat, self.delimiters.component, self.delimiters.escape]
            .into_iter()
            .flatten()
            .collect()
    }

    /// Adds a record. Each field comes with its number, from 2, and with bytes that are already escaped; the
    /// fields between stay empty. A header's second field is written by itself.
    pub fn record<'a>(&mut self, kind: Kind, fields: impl IntoIterator<Item = (usize, &'a [u8])>) {
        let separator = self.delimiters.field.unwrap_or(b'|');
        self.bytes.extend(kind.letter());
        let mut at = 1;
        if kind == Kind::Header {
            self.bytes.push(separator);
            self.bytes.extend(self.declaration());
            at = 2;
        }
        for (number, content) in fields.into_iter().collect::<BTreeMap<_, _>>() {
            while at < number {
                self.bytes.push(separator);
                at += 1;
            }
            self.bytes.extend_from_slice(content);
        }
        self.bytes.push(b'\r');
    }

    /// The message.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}
