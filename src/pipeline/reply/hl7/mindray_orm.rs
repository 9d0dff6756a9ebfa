//! What a Mindray haematology analyzer is told that asks with ORM^O01: one ORR^O02 a tube, AF with the order or AR where there
//! is none. It names a counting mode only where the LIMS has ordered one; else the analyzer's own setting decides.

use labwire_hl7::message::{Draft, Field, Message, Msh, Value};

use super::{Stamp, Work, header};
use crate::domain::profile::Hl7Queries;
use crate::pipeline::reply::Found;

/// The modes as the analyzer calls them, each with all of the next.
const MODES: [&str; 2] = ["CBC+DIFF", "CBC"];

pub(super) fn answers(
    message: &Message<'_>,
    of: &Msh<'_>,
    found: &Found,
    stamp: &mut Stamp<'_>,
) -> Vec<Vec<u8>> {
    let asked = message.segments().filter(|segment| Hl7Queries::MindrayOrm.asks(segment));
    asked
        .map(|segment| {
            let record = u32::try_from(segment.ordinal()).unwrap_or(u32::MAX);
            let work = found.get(&record).and_then(|works| works.first()).and_then(Option::as_ref);
            answer(of, segment.field(3), work, stamp)
        })
        .collect()
}

/// `tube` is echoed as the analyzer wrote it.
fn answer(of: &Msh<'_>, tube: Field<'_>, work: Option<&Work>, stamp: &mut Stamp<'_>) -> Vec<u8> {
    let charset = of.segment().charset();
    let own = (stamp.next_control_id)();
    let mut draft = Draft::new(of.segment().separators(), charset);
    let kind: [&[u8]; 2] = [b"ORR", b"O02"];
    header(&mut draft, of, &kind, Value::Text(own.as_bytes()), stamp, None, b"");
    let code: &[u8] = if work.is_some() { b"AA" } else { b"AR" };
    draft.segment(b"MSA", [(1, Value::Text(code)), (2, Value::Field(of.control_id()))]);
    let Some(work) = work else { return draft.finish() };
    let text = |text: &str| charset.encode(text);
    let patient = work.patient.reveal();
    let digits = |time: &str, most: usize| -> Vec<u8> {
        time.bytes().take_while(u8::is_ascii_digit).take(most).collect()
    };
    let parts =
        |text: &[u8]| -> Vec<Vec<u8>> { text.split(|byte| *byte == b'^').map(<[u8]>::to_vec).collect() };
    let (id, name, ward) = (text(&patient.id), parts(&text(&patient.name)), parts(&text(&patient.location)));
    let (name, ward): (Vec<&[u8]>, Vec<&[u8]>) =
        (name.iter().map(Vec::as_slice).collect(), ward.iter().map(Vec::as_slice).collect());
    let mut born = digits(&patient.birth_date, 8);
    if born.len() == 8 {
        born.extend(b"000000");
    }
    let sex = text(sex(&patient.sex));
    draft.segment(
        b"PID",
        [
            (1, Value::Text(b"1")),
            (3, Value::Components(&[id.as_slice(), b"", b"", b"", b"MR"])),
            (5, Value::Components(&name)),
            (7, Value::Text(&born)),
            (8, Value::Text(&sex)),
        ],
    );
    draft.segment(b"PV1", [(1, Value::Text(b"1")), (3, Value::Components(&ward))]);
    let drawn = digits(&work.collected, 14);
    draft.segment(b"ORC", [(1, Value::Text(b"AF")), (2, Value::Field(tube))]);
    draft.segment(
        b"OBR",
        [
            (1, Value::Text(b"1")),
            (2, Value::Field(tube)),
            (4, Value::Components(&[b"00001", b"Automated Count", b"99MRC"])),
            (7, Value::Text(&drawn)),
            (24, Value::Text(b"HM")),
        ],
    );
    if let Some(mode) = mode(work) {
        draft.segment(
            b"OBX",
            [
                (1, Value::Text(b"1")),
                (2, Value::Text(b"IS")),
                (3, Value::Components(&[b"08003", b"Test Mode", b"99MRC"])),
                (5, Value::Text(mode.as_bytes())),
                (11, Value::Text(b"F")),
            ],
        );
    }
    draft.finish()
}

/// The widest mode of those that were ordered; none where something else was ordered that it may not count.
fn mode(work: &Work) -> Option<&'static str> {
    let ordered = |mode: &str| work.tests.iter().any(|test| test == mode);
    let only_modes = work.tests.iter().all(|test| MODES.contains(&test.as_str()));
    match MODES.into_iter().find(|mode| ordered(mode)) {
        Some("CBC") if !only_modes => None,
        mode => mode,
    }
}

fn sex(sex: &str) -> &'static str {
    match sex {
        "M" => "Male",
        "F" => "Female",
        _ => "",
    }
}
