//! Host queries of HL7 models: what is asked for, and the answer in the model's way. Mindray's QRY^Q02 is answered by QCK^Q02
//! and, where there is work, DSR^Q03, its ORM^O01 by ORR^O02 (`mindray_orm`); IHE LAW's QBP^Q11 by RSP^K11, and the work follows in an OML^O33 of ours.

mod mindray_orm;

use labwire_hl7::message::{Charset, Draft, Field, Message, Msh, Segment, Value};

use super::{Found, LONGEST, Only, Question, Wants, Work};
use crate::domain::profile::{Hl7Dialect, Hl7Queries};
use crate::domain::{Priority, SpecimenId};
use crate::pipeline::interpret::hl7::{parse, text};
use crate::pipeline::{Reading, Specimen};

/// What an answer has of its own.
pub struct Stamp<'a> {
    /// MSH-7, as `20260102030405`.
    pub now: &'a str,
    /// MSH-10 of a message of ours: each call gives one that was never used.
    pub next_control_id: &'a mut dyn FnMut() -> String,
}

pub(super) fn questions(message: &[u8], dialect: &Hl7Dialect, reading: &Reading) -> Vec<Question> {
    let Ok(message) = parse(message, reading.character_set) else { return Vec::new() };
    let asks = |segment: &Segment<'_>| dialect.queries.asks(segment) && !cancels(segment);
    message
        .segments()
        .filter(asks)
        .map(|segment| Question {
            record: u32::try_from(segment.ordinal()).unwrap_or(u32::MAX),
            wants: wants(&segment, dialect, reading),
            only: Only::default(),
        })
        .collect()
}

fn wants(segment: &Segment<'_>, dialect: &Hl7Dialect, reading: &Reading) -> Wants {
    // LAW's queries for a rack, a tray or everything.
    let query = segment.field(1).component(1).raw();
    if segment.is(b"QPD") && query.starts_with(b"WOS_") {
        return Wants::Nothing("it asks for more than one tube by its number");
    }
    let mut tubes = Vec::new();
    let mut too_long = false;
    for at in dialect.places.query_specimen.iter().filter(|at| segment.is(&at.path.segment)) {
        for repeat in segment.field(at.path.field).repeats() {
            let field = at.path.component.map_or(repeat, |component| repeat.component(component));
            let sent = text(field, at);
            too_long |= sent.len() > LONGEST;
            let id = Specimen::read(&sent, &reading.specimen).id;
            if sent.len() <= LONGEST && !id.is_blank() {
                tubes.push(id);
            }
        }
    }
    if segment.is(b"QRD") && tubes.len() > 1 {
        return Wants::Nothing("it names several specimens, and the model is told of one");
    }
    match tubes.is_empty() {
        false => Wants::Tubes(tubes),
        true if too_long => Wants::Nothing("the specimen's number is too long"),
        true => Wants::Nothing("no specimen is named"),
    }
}

fn cancels(segment: &Segment<'_>) -> bool {
    segment.is(b"QRD") && segment.field(9).component(1).raw() == b"CAN"
}

/// The messages that answer a query, in their order. Empty where the model has no way that is known, or asks nothing.
pub fn answers_hl7(
    query: &[u8],
    dialect: &Hl7Dialect,
    reading: &Reading,
    found: &Found,
    stamp: &mut Stamp<'_>,
) -> Vec<Vec<u8>> {
    let Ok(message) = parse(query, reading.character_set) else { return Vec::new() };
    let Some(header) = message.header() else { return Vec::new() };
    let works: Vec<&Work> = found.values().flatten().flatten().collect();
    match (dialect.queries, header.message_type().component(1).raw()) {
        (Hl7Queries::Mindray, b"QRY") => mindray(&message, &header, works.first().copied(), stamp),
        (Hl7Queries::MindrayOrm, b"ORM") => mindray_orm::answers(&message, &header, found, stamp),
        (Hl7Queries::Law, b"QBP") => law(&message, &header, &works, stamp),
        _ => Vec::new(),
    }
}

/// Header fields of an answer: the query's turned round.
fn header<'a>(
    draft: &mut Draft,
    of: &Msh<'a>,
    kind: &[&[u8]],
    control_id: Value<'_>,
    stamp: &Stamp<'_>,
    modes: Option<[&[u8]; 2]>,
    profile: &[u8],
) {
    let [accept, application] = modes.unwrap_or([b"", b""]);
    draft.segment(
        b"MSH",
        [
            (3, Value::Field(of.receiving_application())),
            (4, Value::Field(of.receiving_facility())),
            (5, Value::Field(of.sending_application())),
            (6, Value::Field(of.sending_facility())),
            (7, Value::Text(stamp.now.as_bytes())),
            (9, Value::Components(kind)),
            (10, control_id),
            (11, Value::Field(of.processing())),
            (12, Value::Field(of.version())),
            (15, Value::Text(accept)),
            (16, Value::Text(application)),
            (18, Value::Field(of.character_set())),
            (21, Value::Components(&profile.split(|byte| *byte == b'^').collect::<Vec<_>>())),
        ],
    );
}

/// As a text of its own, since these analyzers count on the separators behind the last field.
fn line(of: &Msh<'_>, name: &[u8; 3], fields: &[(usize, Value<'_>)], separators: usize) -> Vec<u8> {
    let mut draft = Draft::new(of.segment().separators(), of.segment().charset());
    draft.segment(name, fields.iter().copied());
    let mut line = draft.finish();
    line.pop();
    let separator = of.segment().separators().field;
    let there = line.iter().filter(|byte| **byte == separator).count();
    line.extend(std::iter::repeat_n(separator, separators.saturating_sub(there)));
    line.push(b'\r');
    line
}

fn mindray(message: &Message<'_>, of: &Msh<'_>, work: Option<&Work>, stamp: &Stamp<'_>) -> Vec<Vec<u8>> {
    let first = |name: &[u8; 3]| message.named(name).next();
    let Some(asked) = first(b"QRD") else { return Vec::new() };
    let opening = |kind: &[u8], status: &[u8]| {
        let mut draft = Draft::new(of.segment().separators(), of.segment().charset());
        let kind: Vec<&[u8]> = kind.split(|byte| *byte == b'^').collect();
        header(&mut draft, of, &kind, Value::Field(of.control_id()), stamp, None, b"");
        let accepted = [
            (1, Value::Text(b"AA")),
            (2, Value::Field(of.control_id())),
            (3, Value::Text(b"Message accepted")),
            (6, Value::Text(b"0")),
        ];
        [
            draft.finish(),
            line(of, b"MSA", &accepted, 7),
            line(of, b"ERR", &[(1, Value::Text(b"0"))], 2),
            line(of, b"QAK", &[(1, Value::Text(b"SR")), (2, Value::Text(status))], 3),
        ]
        .concat()
    };
    let Some(work) = work else { return vec![opening(b"QCK^Q02", b"NF")] };
    let mut display = opening(b"DSR^Q03", b"OK");
    let echoed = |segment: &Segment<'_>| -> Vec<u8> { [segment.raw(), b"\r"].concat() };
    display.extend(echoed(&asked));
    display.extend(first(b"QRF").iter().flat_map(echoed));
    for (number, row) in (1..).zip(rows(of, work, asked.field(8))) {
        let number = usize::to_string(&number);
        let number = (1, Value::Text(number.as_bytes()));
        display.extend(match &row {
            Row::Text(text) => line(of, b"DSP", &[number, (3, Value::Text(text))], 6),
            Row::Echo(field) => line(of, b"DSP", &[number, (3, Value::Field(*field))], 6),
            // Analyzers fail over a name or unit where they look for a number.
            Row::Test(code) => line(of, b"DSP", &[number, (3, Value::Components(&[code, b"", b"", b""]))], 6),
        });
    }
    display.extend(line(of, b"DSC", &[], 2));
    vec![opening(b"QCK^Q02", b"OK"), display]
}

/// The content of one DSP.
enum Row<'a> {
    Text(Vec<u8>),
    Echo(Field<'a>),
    /// A test's number.
    Test(Vec<u8>),
}

/// 28 rows in their order, empty ones too, and then one for each test.
fn rows<'a>(of: &Msh<'_>, work: &Work, barcode: Field<'a>) -> Vec<Row<'a>> {
    let charset = of.segment().charset();
    let patient = work.patient.reveal();
    let text = |text: &str| Row::Text(charset.encode(text));
    let born: String = patient.birth_date.chars().take_while(char::is_ascii_digit).take(8).collect();
    let drawn: String = work.collected.chars().take_while(char::is_ascii_digit).take(14).collect();
    let mut rows: Vec<Row<'a>> = (1..=28)
        .map(|number| match number {
            1 => text(&patient.id),
            3 => text(&patient.name.replace('^', " ")),
            4 if born.len() == 8 => text(&format!("{born}000000")),
            5 => text(match patient.sex.as_str() {
                "M" => "M",
                "F" => "F",
                _ => "O",
            }),
            21 => Row::Echo(barcode),
            23 => text(&drawn),
            24 => text(if work.priority == Priority::Stat { "Y" } else { "N" }),
            26 => text(&work.specimen_kind),
            _ => text(""),
        })
        .collect();
    rows.extend(work.tests.iter().map(|code| Row::Test(charset.encode(code))));
    rows
}

fn law(message: &Message<'_>, of: &Msh<'_>, works: &[&Work], stamp: &mut Stamp<'_>) -> Vec<Vec<u8>> {
    let Some(asked) = message.named(b"QPD").next() else { return Vec::new() };
    let (separators, charset) = (of.segment().separators(), of.segment().charset());
    let profile = of.profile().raw().to_vec();
    let own = (stamp.next_control_id)();
    let mut draft = Draft::new(separators, charset);
    let kind: [&[u8]; 3] = [b"RSP", b"K11", b"RSP_K11"];
    header(&mut draft, of, &kind, Value::Text(own.as_bytes()), stamp, Some([b"NE", b"NE"]), &profile);
    draft.segment(b"MSA", [(1, Value::Text(b"AA")), (2, Value::Field(of.control_id()))]);
    let status: &[u8] = if works.is_empty() { b"NF" } else { b"OK" };
    draft.segment(
        b"QAK",
        [(1, Value::Field(asked.field(2))), (2, Value::Text(status)), (3, Value::Field(asked.field(1)))],
    );
    let echoed = asked.fields().enumerate().map(|(index, field)| (index + 1, Value::Field(field)));
    draft.segment(b"QPD", echoed);
    let mut messages = vec![draft.finish()];
    for work in works {
        let withdrawn = (!work.withdrawn.is_empty()).then(|| Work {
            tests: work.withdrawn.iter().map(|(code, _)| code.clone()).collect(),
            numbers: work.withdrawn.iter().map(|(_, number)| number.clone()).collect(),
            ..(*work).clone()
        });
        let parts: Vec<(&Work, bool)> =
            [(*work, false)].into_iter().chain(withdrawn.as_ref().map(|it| (it, true))).collect();
        // Where the tube stands is the analyzer's own word.
        let stands = (works.len() == 1).then(|| [asked.field(4), asked.field(5)]);
        messages.push(work_order((of, charset), &profile, stands, &parts, stamp));
    }
    messages
}

/// A work order that nobody asked for. Each part says whether it is taken back.
pub(super) fn unasked(parts: &[(&Work, bool)], reading: &Reading, stamp: &mut Stamp<'_>) -> Option<Vec<u8>> {
    let header = format!(
        "MSH|^~\\&|{}||labwire||{}||QBP^Q11^QBP_Q11|1|P|2.5.1|||NE|AL||UNICODE UTF-8|||LAB-28^IHE\r",
        reading.instrument, stamp.now
    );
    let message = Message::parse(header.as_bytes()).ok()?;
    let of = message.header()?;
    let profile = of.profile().raw().to_vec();
    let charset = reading.character_set.and_then(Charset::of_encoding).unwrap_or(Charset::UTF_8);
    (!parts.is_empty()).then(|| work_order((&of, charset), &profile, None, parts, stamp))
}

/// One OML^O33 a tube; each part of it says whether it is taken back. `stands` is its carrier and its position in it.
fn work_order(
    (of, charset): (&Msh<'_>, Charset),
    profile: &[u8],
    stands: Option<[Field<'_>; 2]>,
    parts: &[(&Work, bool)],
    stamp: &mut Stamp<'_>,
) -> Vec<u8> {
    let Some((work, _)) = parts.first() else { return Vec::new() };
    let text = |text: &str| charset.encode(text);
    let patient = work.patient.reveal();
    let own = (stamp.next_control_id)();
    let profile = String::from_utf8_lossy(profile).replace("LAB-27", "LAB-28");
    let mut draft = Draft::new(of.segment().separators(), charset);
    let kind: [&[u8]; 3] = [b"OML", b"O33", b"OML_O33"];
    let modes = Some([&b"NE"[..], b"AL"]);
    header(&mut draft, of, &kind, Value::Text(own.as_bytes()), stamp, modes, profile.as_bytes());
    let (id, name) = (text(&patient.id), text(&patient.name));
    let name: Vec<&[u8]> = name.split(|byte| *byte == b'^').collect();
    let (born, sex) = (text(&patient.birth_date), text(&patient.sex));
    draft.segment(
        b"PID",
        [
            (1, Value::Text(b"1")),
            (3, Value::Text(&id)),
            (5, Value::Components(&name)),
            (7, Value::Text(&born)),
            (8, Value::Text(&sex)),
        ],
    );
    let label = |label: &SpecimenId| text(label.reveal());
    let (specimen, kind, drawn) = (label(&work.specimen), text(&work.specimen_kind), text(&work.collected));
    draft.segment(
        b"SPM",
        [
            (1, Value::Text(b"1")),
            (2, Value::Text(&specimen)),
            (4, Value::Text(&kind)),
            (11, Value::Text(b"P")),
            (17, Value::Text(&drawn)),
        ],
    );
    let mut container = vec![(3, Value::Text(&specimen))];
    if let Some([carrier, position]) = stands {
        container.extend([(10, Value::Field(carrier)), (11, Value::Field(position))]);
    }
    draft.segment(b"SAC", container);
    // What is told under another number is taken back under the old one first.
    let first = parts.iter().filter(|(_, withdrawn)| *withdrawn);
    let in_order = first.chain(parts.iter().filter(|(_, withdrawn)| !withdrawn));
    let codes = in_order.flat_map(|(work, withdrawn)| {
        work.tests.iter().enumerate().map(move |(at, code)| (code, work.numbers.get(at), *withdrawn))
    });
    for (code, number, withdrawn) in codes {
        let step = number.cloned().unwrap_or_else(|| (stamp.next_control_id)());
        let code = text(code);
        let control: &[u8] = if withdrawn { b"CA" } else { b"NW" };
        draft.segment(b"ORC", [(1, Value::Text(control)), (9, Value::Text(stamp.now.as_bytes()))]);
        draft.segment(b"TQ1", [(9, Value::Text(work.priority.letter().as_bytes()))]);
        draft.segment(b"OBR", [(2, Value::Text(step.as_bytes())), (4, Value::Text(&code))]);
    }
    draft.finish()
}

#[cfg(test)]
mod tests;
