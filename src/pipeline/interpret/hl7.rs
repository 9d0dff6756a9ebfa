//! HL7 segments. A first pass finds out what belongs to what (`scopes`), a second reads each OBX as it stands among the
//! segments of its order, its specimen and its patient (`result`). Nothing depends on a message's declared structure:
//! analyzers keep to none of them.

mod decode;
mod result;
mod scopes;
mod unit;

use std::collections::BTreeMap;

use encoding_rs::Encoding;
use labwire_hl7::message::{Charset, Field, Message, Msh, Nte, ParseError, Path, Qrd, Segment};

use super::{Interpreted, RawOrder, RawPatient, RawResult, Written, problem, some};
use crate::domain::profile::{Hl7Dialect, Hl7Location, Hl7Places, OrderResults, refusal};
use crate::domain::{Attachment, Comment, HostQuery, Patient, Private, ProblemKind, SampleClass, authority};
use crate::pipeline::{Reading, Specimen};
use decode::Decoder;
use scopes::{Found, Level, Scopes};

/// Reads the segments of a message, or of several.
pub(super) fn interpret(message: &[u8], dialect: &Hl7Dialect, reading: &Reading) -> Interpreted {
    let mut out = Interpreted::default();
    let message = match parse(message, reading.character_set) {
        Ok(message) => message,
        Err(fault) => {
            out.problems.push(problem(ProblemKind::Unreadable, None, fault.to_string(), false));
            return out;
        }
    };
    for (ordinal, fault) in message.faults() {
        let record = u32::try_from(*ordinal).ok();
        out.problems.push(problem(ProblemKind::Unreadable, record, fault.to_string(), false));
    }
    let scopes = Scopes::of(&message, dialect);
    let mut reader = Reader {
        dialect,
        reading,
        scopes: &scopes,
        decoder: Decoder::default(),
        patients: BTreeMap::new(),
        orders: BTreeMap::new(),
        out,
    };
    if reader.refused(&message) {
        return reader.out;
    }
    reader.headers(&message);
    scopes.results.iter().for_each(|found| reader.result(found));
    reader.order_results();
    scopes.queries.iter().for_each(|(query, scope)| reader.query(query, *scope));
    reader.strays();
    reader.finish()
}

/// Parses in the instrument's character set, or in what each header declares where the site sets none.
pub(in crate::pipeline) fn parse<'a>(
    message: &'a [u8],
    character_set: Option<&'static Encoding>,
) -> Result<Message<'a>, ParseError> {
    match character_set.and_then(Charset::of_encoding) {
        Some(charset) => Message::parse_as(message, charset),
        None => Message::parse(message),
    }
}

/// The text at a place whose field was found.
pub(in crate::pipeline) fn text(field: Field<'_>, at: &Hl7Location) -> String {
    part(&field.text().text, at).trim().to_owned()
}

fn part<'a>(text: &'a str, at: &Hl7Location) -> &'a str {
    match at.part {
        Some((separator, number)) => text.split(separator).nth(number - 1).unwrap_or_default(),
        None => text,
    }
}

/// The field that a place is in.
fn whole_field(path: &Path) -> Path {
    Path { occurrence: None, repeat: None, component: None, subcomponent: None, ..*path }
}

fn ordinal(segment: &Segment<'_>) -> u32 {
    u32::try_from(segment.ordinal()).unwrap_or(u32::MAX)
}

struct Reader<'a, 'm> {
    dialect: &'a Hl7Dialect,
    reading: &'a Reading,
    scopes: &'a Scopes<'m>,
    decoder: Decoder,
    /// What was read of each scope, as indices into `out`.
    patients: BTreeMap<usize, usize>,
    orders: BTreeMap<usize, usize>,
    out: Interpreted,
}

impl<'m> Reader<'_, 'm> {
    /// What is refused to the analyzer must not go on to a LIMS: it was told to see to it itself.
    fn refused(&mut self, message: &Message<'m>) -> bool {
        let refused = message
            .named(b"MSH")
            .filter_map(Msh::of)
            .find_map(|it| Some((it, refusal(&it, self.dialect.queries)?)));
        let Some((header, condition)) = refused else { return false };
        let mut said = |field| self.decoder.trimmed(&header.segment(), header.segment().field(field));
        let (kind, version) = (said(9), said(12));
        let text = format!(
            "refused ({}, {}): MSH-9 says {kind:?}, MSH-12 {version:?}; nothing was read of it",
            condition.code(),
            condition.text().to_lowercase(),
        );
        self.problem(ProblemKind::Refused, &header.segment(), text);
        true
    }

    /// One problem for each name, however often it comes.
    fn strays(&mut self) {
        let mut names: BTreeMap<&[u8], (Segment<'m>, usize)> = BTreeMap::new();
        for segment in &self.scopes.strays {
            names.entry(segment.name()).or_insert((*segment, 0)).1 += 1;
        }
        for (first, count) in names.into_values() {
            let text = match count {
                1 => "a segment that the profile doesn't know".to_owned(),
                _ => format!("{count} segments of one name that the profile doesn't know"),
            };
            self.problem(ProblemKind::UnknownRecord, &first, text);
        }
    }

    /// A message marked as training or for debugging never reaches a LIMS. Where a model says there that a sample is a
    /// control, it is no such mark.
    fn headers(&mut self, message: &Message<'m>) {
        for header in message.named(b"MSH") {
            let mark = self.decoder.trimmed(&header, header.field(11).component(1));
            if !matches!(mark.as_str(), "" | "P") && !self.says_class(&mark) {
                self.out.not_production = true;
                let text = format!("the analyzer marked this message {mark:?}, not as production");
                self.problem(ProblemKind::NotProduction, &header, text);
            }
        }
    }

    /// Whether the model tells its controls by this mark in MSH-11.
    fn says_class(&self, mark: &str) -> bool {
        self.dialect.classes.iter().any(|(rule, _)| {
            rule.at.path.segment == *b"MSH" && rule.at.path.field == 11 && rule.is.matches(mark)
        })
    }

    fn result(&mut self, found: &Found<'m>) {
        if self.scopes.above(found.scope, Level::Order).is_none() {
            self.problem(
                ProblemKind::OutOfPlace,
                &found.obx,
                "a result without an order before it".to_owned(),
            );
        }
        let places = &self.dialect.places;
        let patient = self.scopes.above(found.scope, Level::Patient).map(|scope| self.patient(scope));
        let order = Some(self.order(found.scope, places));
        let firmware = self.trimmed(&places.firmware, Some(&found.obx), found.scope);
        self.out.firmware.extend(some(firmware));
        let read = result::read(self, found.obx, found.scope, places);
        let comments = self.notes(&found.notes);
        let attachments = found.supplements.iter().map(|it| self.attachment(it)).collect();
        self.out.results.push(RawResult { patient, order, comments, attachments, ..read });
    }

    /// What is a result though no OBX follows it. The whole segment goes with it, for what it says beside.
    fn order_results(&mut self) {
        let Some(OrderResults { rule, places }) = &self.dialect.order_results else { return };
        for (segment, scope) in self.scopes.bare_orders() {
            if !rule.is.matches(&self.trimmed(std::slice::from_ref(&rule.at), None, scope)) {
                continue;
            }
            let patient = self.scopes.above(scope, Level::Patient).map(|scope| self.patient(scope));
            let order = Some(self.order(scope, places));
            let read = result::read(self, segment, scope, places);
            let attachments = vec![self.attachment(&segment)];
            self.out.results.push(RawResult { patient, order, attachments, ..read });
        }
    }

    fn patient(&mut self, scope: usize) -> usize {
        if let Some(known) = self.patients.get(&scope) {
            return *known;
        }
        let places = &self.dialect.places;
        let patient = Patient {
            id: self.trimmed(&places.patient_id, None, scope),
            authority: self.authority(&places.patient_id, scope),
            name: self.in_parts(&places.patient_name, scope),
            birth_date: self.trimmed(&places.birth_date, None, scope),
            sex: self.trimmed(&places.sex, None, scope),
            location: self.trimmed(&places.patient_location, None, scope),
        };
        let comments = self.scopes.scope(scope).map(|it| it.notes.clone()).unwrap_or_default();
        let comments = self.notes(&comments);
        self.out.patients.push(RawPatient { patient, comments });
        self.patients.insert(scope, self.out.patients.len() - 1);
        self.out.patients.len() - 1
    }

    /// Who assigned the number that stands first in such a place: a patient's numbers in PID have that beside them.
    fn authority(&mut self, numbers: &[Hl7Location], scope: usize) -> String {
        let said = numbers.iter().find(|at| !self.trimmed(std::slice::from_ref(at), None, scope).is_empty());
        let Some(Hl7Location { path, part: None }) = said else { return String::new() };
        if (&path.segment, path.component) != (b"PID", Some(1)) || !matches!(path.field, 2..=4) {
            return String::new();
        }
        // By its name here, by the one that it has everywhere, or by both.
        let beside = |subcomponent| Hl7Location {
            path: Path { component: Some(4), subcomponent: Some(subcomponent), ..*path },
            part: None,
        };
        authority(&self.trimmed(&[beside(1)], None, scope), &self.trimmed(&[beside(2)], None, scope))
    }

    fn order(&mut self, scope: usize, places: &Hl7Places) -> usize {
        if let Some(known) = self.orders.get(&scope) {
            return *known;
        }
        let position: Vec<String> =
            places.position.iter().map(|at| self.trimmed(std::slice::from_ref(at), None, scope)).collect();
        let position = position.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
        let (notes, supplements) = match self.scopes.scope(scope) {
            Some(it) => (it.notes.clone(), it.supplements.clone()),
            None => (Vec::new(), Vec::new()),
        };
        let several = self.repeated(&places.specimen, None, scope);
        let specimen = match several {
            Some((segment, field)) => {
                let text = format!("{field} is repeated: whose sample it is can't be told");
                self.problem(ProblemKind::OutOfPlace, &segment, text);
                self.decoder.as_sent(&segment, segment.field(field.field).raw())
            }
            None => self.at(&places.specimen, None, scope),
        };
        let order = RawOrder {
            specimen,
            several: several.is_some(),
            class: self.class(scope),
            position: some(position),
            priority: some(self.trimmed(&places.priority, None, scope)),
            specimen_type: some(self.trimmed(&places.specimen_type, None, scope)),
            comments: self.notes(&notes),
            attachments: supplements.iter().map(|it| self.attachment(it)).collect(),
        };
        self.out.orders.push(order);
        self.orders.insert(scope, self.out.orders.len() - 1);
        self.out.orders.len() - 1
    }

    /// Whose sample it is. Where a field says several things, the first rule that any of them fits decides.
    fn class(&mut self, scope: usize) -> Option<SampleClass> {
        for (rule, class) in &self.dialect.classes {
            let said = self.every(std::slice::from_ref(&rule.at), None, scope);
            let fits = said.iter().any(|said| rule.is.matches(said));
            if fits || said.is_empty() && rule.is.matches("") {
                return *class;
            }
        }
        Some(SampleClass::Patient)
    }

    fn query(&mut self, query: &Segment<'m>, scope: usize) {
        let mut specimens = Vec::new();
        for at in &self.dialect.places.query_specimen {
            let Some(segment) = self.scopes.find(&at.path, Some(query), scope) else { continue };
            for repeat in segment.field(at.path.field).repeats() {
                let field = at.path.component.map_or(repeat, |component| repeat.component(component));
                let sent = self.decoder.trimmed(&segment, field);
                specimens.push(Specimen::read(part(&sent, at), &self.reading.specimen).id);
            }
        }
        specimens.retain(|id| !id.is_blank() && id.reveal() != "ALL");
        let cancels = Qrd::of(*query).is_some_and(|qrd| qrd.segment().field(9).component(1).raw() == b"CAN");
        self.out.queries.push(HostQuery {
            instrument: self.reading.instrument.clone(),
            specimens,
            cancels,
            record: ordinal(query),
        });
    }

    fn notes(&mut self, notes: &[Segment<'m>]) -> Vec<Comment> {
        let comment = |segment: &Segment<'m>| {
            let note = Nte::of(*segment)?;
            let lines = note.comment().repeats().map(|line| self.decoder.text(segment, line));
            Some(Comment {
                text: Private::new(lines.collect::<Vec<_>>().join("\n")),
                source: self.decoder.trimmed(segment, note.source()),
                kind: self.decoder.trimmed(segment, note.comment_type().component(1)),
            })
        };
        notes.iter().filter_map(comment).collect()
    }

    /// A whole segment, as sent.
    fn attachment(&mut self, segment: &Segment<'m>) -> Attachment {
        let name = String::from_utf8_lossy(segment.name()).into_owned();
        let label = match segment.is(b"OBX") {
            true => self.decoder.trimmed(segment, segment.field(3).component(1)),
            false => String::new(),
        };
        let content = self.decoder.as_sent(segment, segment.raw());
        Attachment { kind: format!("{name} {label}").trim_end().to_owned(), content: Private::new(content) }
    }

    /// The field in which one thing was found, where it is repeated: which of them counts can't be told.
    fn repeated(
        &mut self,
        places: &[Hl7Location],
        obx: Option<&Segment<'m>>,
        scope: usize,
    ) -> Option<(Segment<'m>, Path)> {
        let at = places.iter().find(|at| !self.trimmed(std::slice::from_ref(at), obx, scope).is_empty())?;
        let segment = self.scopes.find(&at.path, obx, scope)?;
        let says = |repeat: &Field<'_>| repeat.components().any(|it| !it.is_empty() && !it.is_null());
        let times = segment.field(at.path.field).repeats().filter(says).count();
        (at.path.repeat.is_none() && times > 1).then(|| (segment, whole_field(&at.path)))
    }

    /// The first of several places that holds something, seen from a scope and perhaps an OBX in it.
    fn at(&mut self, places: &[Hl7Location], obx: Option<&Segment<'m>>, scope: usize) -> String {
        for at in places {
            let Some(segment) = self.scopes.find(&at.path, obx, scope) else { continue };
            let text = self.decoder.text(&segment, segment.at(&at.path));
            let text = part(&text, at);
            if !text.trim().is_empty() {
                return text.to_owned();
            }
        }
        String::new()
    }

    fn trimmed(&mut self, places: &[Hl7Location], obx: Option<&Segment<'m>>, scope: usize) -> String {
        self.at(places, obx, scope).trim().to_owned()
    }

    /// As [`trimmed`](Self::trimmed); a whole field as sent, so that its parts stay apart.
    fn in_parts(&mut self, places: &[Hl7Location], scope: usize) -> String {
        for at in places {
            let Some(segment) = self.scopes.find(&at.path, None, scope) else { continue };
            let field = segment.at(&at.path);
            let text = match (at.path.component, at.part) {
                (None, None) if !field.is_null() => self.decoder.as_sent(&segment, field.raw()),
                _ => part(&self.decoder.text(&segment, field), at).to_owned(),
            };
            if !text.trim().is_empty() {
                return text.trim().to_owned();
            }
        }
        String::new()
    }

    /// What stands at all of several places, in every occurrence of their fields, without the empty ones.
    fn every(&mut self, places: &[Hl7Location], obx: Option<&Segment<'m>>, scope: usize) -> Vec<String> {
        let mut texts = Vec::new();
        for at in places {
            let Some(segment) = self.scopes.find(&at.path, obx, scope) else { continue };
            for repeat in segment.field(at.path.field).repeats() {
                let field = at.path.component.map_or(repeat, |component| repeat.component(component));
                texts.push(part(&self.decoder.text(&segment, field), at).trim().to_owned());
            }
        }
        texts.retain(|text| !text.is_empty());
        texts
    }

    fn problem(&mut self, kind: ProblemKind, segment: &Segment<'_>, text: String) {
        self.out.problems.push(problem(kind, Some(ordinal(segment)), text, false));
    }

    fn finish(mut self) -> Interpreted {
        if self.out.results.is_empty() && self.out.queries.is_empty() {
            let text = "neither a result nor a query".to_owned();
            self.out.problems.push(problem(ProblemKind::NoResult, None, text, false));
        }
        self.out.problems.extend(self.decoder.problems());
        self.out
    }
}
