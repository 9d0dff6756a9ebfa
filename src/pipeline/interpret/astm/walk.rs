//! The walk along the records: which patient, order or result each of them belongs to.

use std::collections::BTreeMap;

use labwire_astm::record::{
    CommentRecord, HeaderFault, HeaderRecord, Kind, Message, QueryRecord, Record, TerminatorRecord,
};
use labwire_astm::transfer::EndMark;

use super::{Decoder, Interpreted, RawOrder, RawPatient, RawResult, ordinal, problem, result, some};
use crate::domain::profile::AstmDialect;
use crate::domain::{Attachment, Comment, HostQuery, Patient, Private, ProblemKind, SampleClass};
use crate::pipeline::Reading;

/// What a comment or a manufacturer's record would belong to.
#[derive(Clone, Copy)]
enum Owner {
    Nothing,
    Patient,
    Order,
    Result,
}

/// Records of one kind are numbered from 1 under each record above them, or on through the message.
struct Numbers {
    last: Option<u32>,
    /// None was seen yet under the record above.
    begins: bool,
}

impl Default for Numbers {
    fn default() -> Numbers {
        Numbers { last: None, begins: true }
    }
}

impl Numbers {
    fn begin(&mut self) {
        self.begins = true;
    }

    /// What a number comes after, where something between them is missing.
    fn take(&mut self, number: u32) -> Option<String> {
        let last = self.last.replace(number);
        let next = last.map_or(1, |last| last.saturating_add(1));
        let fits = match std::mem::take(&mut self.begins) {
            true => number <= 1 || number == next,
            false => number <= next,
        };
        (!fits).then(|| last.map_or_else(|| "none".to_owned(), |last| format!("number {last}")))
    }
}

pub(super) struct Walk<'a> {
    dialect: &'a AstmDialect,
    reading: &'a Reading,
    decoder: Decoder,
    faults: BTreeMap<usize, HeaderFault>,
    out: Interpreted,
    owner: Owner,
    patient: Option<usize>,
    order: Option<usize>,
    /// The header doesn't say how its records are structured: they can't be read.
    unreadable: bool,
    /// The terminator was seen.
    ended: bool,
    patients: Numbers,
    orders: Numbers,
    results: Numbers,
    /// The first result of the message that is being read.
    first_result: usize,
    last_record: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(message: &Message<'_>, dialect: &'a AstmDialect, reading: &'a Reading) -> Walk<'a> {
        Walk {
            dialect,
            reading,
            decoder: Decoder::new(reading.character_set),
            faults: message.faults().iter().copied().collect(),
            out: Interpreted::default(),
            owner: Owner::Nothing,
            patient: None,
            order: None,
            unreadable: false,
            ended: true,
            patients: Numbers::default(),
            orders: Numbers::default(),
            results: Numbers::default(),
            first_result: 0,
            last_record: 0,
        }
    }

    pub(super) fn record(&mut self, record: &Record<'_>) {
        if record.kind() == Kind::Header {
            self.close();
        }
        self.last_record = record.ordinal();
        if let Some(fault) = self.faults.get(&record.ordinal()) {
            let text = format!("{fault}: what follows can't be read");
            self.problem(ProblemKind::Unreadable, record, text);
            self.unreadable = true;
        } else if record.kind() == Kind::Header {
            self.unreadable = false;
        }
        if self.unreadable {
            if record.kind() == Kind::Result {
                let text = "a result under a header that doesn't say how it is structured".to_owned();
                self.lost(ProblemKind::Unreadable, record, text);
            }
            return;
        }
        if self.ended && record.kind() != Kind::Header && record.kind() != Kind::Unknown {
            self.out_of_place(record, "a record after the end of its message");
        }
        match record.kind() {
            Kind::Header => self.header(record),
            Kind::Patient => self.patient(record),
            Kind::Order => self.order(record),
            Kind::Result => self.result(record),
            Kind::Comment => self.comment(record),
            Kind::Manufacturer | Kind::Scientific => self.attachment(record),
            Kind::Query => self.query(record),
            Kind::Terminator => self.terminator(record),
            Kind::Unknown => {
                self.problem(ProblemKind::UnknownRecord, record, "a record of an unknown kind".to_owned());
            }
        }
    }

    pub(super) fn finish(mut self) -> Interpreted {
        self.close();
        let nothing_said = self.out.results.is_empty() && self.out.queries.is_empty();
        if nothing_said
            && self.out.problems.iter().all(|problem| !problem.replaces_result)
            && !self.unreadable
        {
            let text = "neither a result nor a query".to_owned();
            self.out.problems.push(problem(ProblemKind::NoResult, None, text, false));
        }
        self.out.problems.extend(self.decoder.problems());
        self.out
    }

    fn header(&mut self, record: &Record<'_>) {
        self.owner = Owner::Nothing;
        self.patient = None;
        self.order = None;
        self.ended = false;
        self.patients = Numbers::default();
        self.orders = Numbers::default();
        self.results = Numbers::default();
        self.first_result = self.out.results.len();
        if let Some(place) = &self.dialect.places.firmware {
            self.out.firmware.extend(some(self.decoder.trimmed(record, place)));
        }
        let Some(header) = HeaderRecord::of(*record) else { return };
        let mark = self.decoder.field(record, header.processing());
        if !matches!(mark.trim(), "" | "P") {
            self.out.not_production = true;
            let text = format!("the analyzer marked this message {:?}, not as production", mark.trim());
            self.problem(ProblemKind::NotProduction, record, text);
        }
    }

    fn patient(&mut self, record: &Record<'_>) {
        self.number(record);
        self.orders.begin();
        let places = &self.dialect.places;
        let patient = Patient {
            id: self.decoder.trimmed(record, &places.patient_id),
            authority: String::new(),
            name: self.decoder.in_parts(record, &places.patient_name),
            birth_date: self.decoder.trimmed(record, &places.birth_date),
            sex: self.decoder.trimmed(record, &places.sex),
            location: self.decoder.trimmed(record, &places.patient_location),
        };
        self.patient = Some(self.out.patients.len());
        self.order = None;
        self.owner = Owner::Patient;
        self.out.patients.push(RawPatient { patient, comments: Vec::new() });
    }

    fn order(&mut self, record: &Record<'_>) {
        if self.patient.is_none() {
            self.out_of_place(record, "an order without a patient record before it");
        }
        self.number(record);
        self.results.begin();
        let places = &self.dialect.places;
        let repeated = result::repeated(record, &places.specimen);
        let specimen = match repeated {
            Some(field) => {
                let text = format!("{field} is repeated: whose sample it is can't be told");
                self.problem(ProblemKind::OutOfPlace, record, text);
                self.decoder.as_sent(record, record.field(field.field))
            }
            None => self.decoder.at(record, &places.specimen),
        };
        let position: Vec<String> =
            places.position.iter().map(|place| self.decoder.trimmed(record, place)).collect();
        let position = position.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
        let order = RawOrder {
            specimen,
            several: repeated.is_some(),
            class: self.class(record),
            position: some(position),
            priority: some(self.decoder.trimmed(record, &places.priority)),
            specimen_type: some(self.decoder.trimmed(record, &places.specimen_type)),
            comments: Vec::new(),
            attachments: Vec::new(),
        };
        self.order = Some(self.out.orders.len());
        self.owner = Owner::Order;
        self.out.orders.push(order);
    }

    fn class(&mut self, record: &Record<'_>) -> Option<SampleClass> {
        for rule in &self.dialect.classes {
            if rule.is.matches(&self.decoder.trimmed(record, &rule.at)) {
                return rule.class;
            }
        }
        Some(SampleClass::Patient)
    }

    fn result(&mut self, record: &Record<'_>) {
        if self.order.is_none() {
            self.out_of_place(record, "a result without an order record before it");
        }
        self.number(record);
        let read = result::read(record, self.dialect, &mut self.decoder);
        self.owner = Owner::Result;
        self.out.results.push(RawResult { patient: self.patient, order: self.order, ..read });
    }

    /// What a gap in the numbers left out never came.
    fn number(&mut self, record: &Record<'_>) {
        let text = self.decoder.field(record, record.field(2));
        let Ok(number) = text.trim().parse::<u32>() else { return };
        let (numbers, what, one) = match record.kind() {
            Kind::Patient => (&mut self.patients, "patient", "a patient"),
            Kind::Order => (&mut self.orders, "order", "an order"),
            _ => (&mut self.results, "result", "a result"),
        };
        if let Some(after) = numbers.take(number) {
            let text =
                format!("{what} number {number} follows {after}: {one} between them seems to be missing");
            self.problem(ProblemKind::Miscounted, record, text);
        }
    }

    fn comment(&mut self, record: &Record<'_>) {
        let Some(view) = CommentRecord::of(*record) else { return };
        let comment = Comment {
            source: self.decoder.field(record, view.source()),
            text: Private::new(self.decoder.field(record, view.text())),
            kind: self.decoder.field(record, view.comment_type()),
        };
        let comments = match self.owner {
            Owner::Nothing => None,
            Owner::Patient => {
                self.patient.and_then(|at| self.out.patients.get_mut(at)).map(|p| &mut p.comments)
            }
            Owner::Order => self.order.and_then(|at| self.out.orders.get_mut(at)).map(|o| &mut o.comments),
            Owner::Result => self.out.results.last_mut().map(|result| &mut result.comments),
        };
        match comments {
            Some(comments) => comments.push(comment),
            None => self.out_of_place(record, "a comment that belongs to no patient, order or result"),
        }
    }

    fn attachment(&mut self, record: &Record<'_>) {
        let letter = record.kind().letter().map(char::from).unwrap_or_default();
        let label = self.decoder.field(record, record.field(3).component(1));
        let content = self.decoder.record(record);
        let attachment = Attachment {
            kind: format!("{letter} {label}").trim_end().to_owned(),
            content: Private::new(content),
        };
        let attachments = match self.owner {
            Owner::Nothing | Owner::Patient => None,
            Owner::Order => self.order.and_then(|at| self.out.orders.get_mut(at)).map(|o| &mut o.attachments),
            Owner::Result => self.out.results.last_mut().map(|result| &mut result.attachments),
        };
        match attachments {
            Some(attachments) => attachments.push(attachment),
            None => self.out_of_place(record, "manufacturer's data that belongs to no order or result"),
        }
    }

    fn query(&mut self, record: &Record<'_>) {
        let Some(view) = QueryRecord::of(*record) else { return };
        self.owner = Owner::Nothing;
        // For what can't be decoded of it, which is a problem of the message.
        for part in crate::pipeline::reply::asked(record, self.dialect) {
            self.decoder.field(record, part);
        }
        let specimens = crate::pipeline::reply::named_in(record, self.dialect, self.reading);
        let status = self.decoder.field(record, view.status());
        self.out.queries.push(HostQuery {
            instrument: self.reading.instrument.clone(),
            specimens,
            cancels: status.trim() == "A",
            record: ordinal(record),
        });
    }

    fn terminator(&mut self, record: &Record<'_>) {
        self.ended = true;
        self.owner = Owner::Nothing;
        self.patient = None;
        self.order = None;
        let Some(view) = TerminatorRecord::of(*record) else { return };
        let code = self.decoder.field(record, view.code());
        if matches!(code.trim(), "T" | "R" | "E") {
            self.cut(format!("the analyzer broke the message off (code {})", code.trim()));
        }
    }

    /// Leaves a message behind. One without an end was cut, unless the instrument sends none.
    fn close(&mut self) {
        if !self.ended && self.dialect.link.end_mark == EndMark::LastRecord {
            self.cut("the message has no end".to_owned());
        }
        self.ended = true;
    }

    fn cut(&mut self, text: String) {
        let results = self.out.results.get_mut(self.first_result..).unwrap_or_default();
        if results.is_empty() {
            return;
        }
        for result in results {
            result.cut = true;
        }
        let record = u32::try_from(self.last_record).ok();
        self.out.problems.push(problem(ProblemKind::Incomplete, record, text, false));
    }

    fn out_of_place(&mut self, record: &Record<'_>, text: &str) {
        self.problem(ProblemKind::OutOfPlace, record, text.to_owned());
    }

    fn lost(&mut self, kind: ProblemKind, record: &Record<'_>, text: String) {
        self.out.problems.push(problem(kind, Some(ordinal(record)), text, true));
    }

    fn problem(&mut self, kind: ProblemKind, record: &Record<'_>, text: String) {
        self.out.problems.push(problem(kind, Some(ordinal(record)), text, false));
    }
}
