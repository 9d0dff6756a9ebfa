//! Composing a message of our own. Knows the grammar, not what a segment should say.

use std::collections::BTreeMap;

use super::{Charset, Field, Separators, escape};

/// What to write into a field.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// Plain text, escaped as it is written.
    Text(&'a [u8]),
    /// Plain text, component by component.
    Components(&'a [&'a [u8]]),
    /// Plain text, component by component, each subcomponent by subcomponent.
    Subcomponents(&'a [&'a [&'a [u8]]]),
    /// Plain text, repeat by repeat.
    Repeats(&'a [&'a [u8]]),
    /// What stands in another message, with its structure; written under this message's separators.
    Field(Field<'a>),
    /// HL7's null: the value is to be removed where it is known.
    Null,
}

/// A message being written, segment by segment, each ended by CR.
#[derive(Clone)]
pub struct Draft {
    separators: Separators,
    charset: Charset,
    bytes: Vec<u8>,
}

impl Draft {
    /// Begins a message under these separators; those that are `None` are the usual ones where these are free.
    /// Whatever is written must be in this character set; declaring it in MSH-18 is the caller's.
    pub fn new(separators: Separators, charset: Charset) -> Draft {
        let mut complete = separators;
        let usual = Separators::USUAL;
        let free = |place: Option<u8>, usual: Option<u8>, taken: &Separators| {
            place.or(usual.filter(|usual| !taken.contains(*usual)))
        };
        complete.component = free(complete.component, usual.component, &complete);
        complete.repeat = free(complete.repeat, usual.repeat, &complete);
        complete.escape = free(complete.escape, usual.escape, &complete);
        complete.subcomponent = free(complete.subcomponent, usual.subcomponent, &complete);
        Draft { separators: complete, charset, bytes: Vec::new() }
    }

    /// Adds a segment. Each field comes with its number, from 1; the fields between stay empty, and of several values
    /// for one field the last counts. A header's first two fields are written by themselves.
    pub fn segment<'a>(&mut self, name: &[u8; 3], fields: impl IntoIterator<Item = (usize, Value<'a>)>) {
        let separator = self.separators.field;
        self.bytes.extend_from_slice(name);
        let mut at = 0;
        if [b"MSH", b"FHS", b"BHS"].contains(&name) {
            self.bytes.push(separator);
            self.bytes.extend(self.separators.declaration());
            at = 2;
        }
        let fields: BTreeMap<_, _> = fields.into_iter().filter(|(number, _)| *number > at).collect();
        for (number, value) in fields {
            let content = self.content(value);
            if content.is_empty() {
                continue;
            }
            self.bytes.extend(std::iter::repeat_n(separator, number - at));
            at = number;
            self.bytes.extend(content);
        }
        self.bytes.push(b'\r');
    }

    /// The message.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn content(&self, value: Value<'_>) -> Vec<u8> {
        match value {
            Value::Text(text) => self.escape(text),
            Value::Components(parts) => self.joined(parts, self.separators.component),
            Value::Subcomponents(components) => {
                let component = |parts: &&[&[u8]]| self.joined(parts, self.separators.subcomponent);
                let components: Vec<_> = components.iter().map(component).collect();
                components.join(&self.component()[..])
            }
            Value::Repeats(repeats) => self.joined(repeats, self.separators.repeat),
            Value::Field(field) => self.translate(field),
            Value::Null => b"\"\"".to_vec(),
        }
    }

    fn joined(&self, parts: &[&[u8]], separator: Option<u8>) -> Vec<u8> {
        let parts: Vec<_> = parts.iter().map(|part| self.escape(part)).collect();
        parts.join(&one(separator)[..])
    }

    /// A field of another message. Under the same separators not a byte changes.
    fn translate(&self, field: Field<'_>) -> Vec<u8> {
        let theirs = field.separators();
        if (theirs.field, theirs.component, theirs.repeat, theirs.escape, theirs.subcomponent)
            == self.structure()
        {
            return field.raw().to_vec();
        }
        let plain = |part: Field<'_>| self.escape(&part.unescape());
        let repeats: Vec<_> = field
            .repeats()
            .map(|repeat| {
                let components: Vec<_> = repeat
                    .components()
                    .map(|component| {
                        let parts: Vec<_> = component.subcomponents().map(plain).collect();
                        parts.join(&one(self.separators.subcomponent)[..])
                    })
                    .collect();
                components.join(&self.component()[..])
            })
            .collect();
        repeats.join(&one(self.separators.repeat)[..])
    }

    fn structure(&self) -> (u8, Option<u8>, Option<u8>, Option<u8>, Option<u8>) {
        let ours = self.separators;
        (ours.field, ours.component, ours.repeat, ours.escape, ours.subcomponent)
    }

    fn component(&self) -> Vec<u8> {
        one(self.separators.component)
    }

    fn escape(&self, text: &[u8]) -> Vec<u8> {
        escape::escape(text, self.separators, self.charset.width()).unwrap_or_default()
    }
}

fn one(separator: Option<u8>) -> Vec<u8> {
    separator.into_iter().collect()
}
