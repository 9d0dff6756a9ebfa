//! Work that an instrument is told of without having asked, in its model's own conventions: as the answer to a query that
//! names the tube, but for what says that it is none. Pure.

use labwire_astm::record::{Draft, Kind, Message};

use super::fill::{Moment, encode};
use super::{Stamp, Target, Work, hl7};
use crate::domain::profile::{AstmDialect, Dialect, ReplyRecord, Template};
use crate::domain::{Priority, Private, SpecimenId};
use crate::pipeline::Reading;

/// O.12: new, added to a tube that is known, and taken back.
const NEW: &str = "N";
const ADDED: &str = "A";
const CANCELLED: &str = "C";

/// One message about one tube: what is to be done with it, and which codes aren't any more, each with
/// the number under which it was told. `is_known` says whether
/// the instrument may know the tube. `None` where the model has no way for that.
pub fn download(
    specimen: &SpecimenId,
    work: Option<&Work>,
    withdrawn: &[(String, String)],
    is_known: bool,
    reading: &Reading,
    stamp: &mut Stamp<'_>,
) -> Option<Vec<u8>> {
    let withdrawn = (!withdrawn.is_empty()).then(|| Work {
        specimen: specimen.clone(),
        tests: withdrawn.iter().map(|(code, _)| code.clone()).collect(),
        numbers: withdrawn.iter().map(|(_, number)| number.clone()).collect(),
        withdrawn: Vec::new(),
        is_known,
        priority: Priority::Routine,
        patient: work
            .map_or_else(|| Private::new(crate::domain::Patient::default()), |work| work.patient.clone()),
        specimen_kind: String::new(),
        collected: String::new(),
    });
    let action = if is_known { ADDED } else { NEW };
    let parts: Vec<(&Work, &str)> = work
        .map(|work| (work, action))
        .into_iter()
        .chain(withdrawn.as_ref().map(|it| (it, CANCELLED)))
        .collect();
    match &reading.profile.dialect {
        Dialect::Astm(dialect) => astm(dialect, &parts, reading, stamp),
        Dialect::Hl7(_) => hl7::unasked(
            &parts.iter().map(|(work, action)| (*work, *action == CANCELLED)).collect::<Vec<_>>(),
            reading,
            stamp,
        ),
        Dialect::Table(_) => None,
    }
}

fn astm(
    dialect: &AstmDialect,
    parts: &[(&Work, &str)],
    reading: &Reading,
    stamp: &Stamp<'_>,
) -> Option<Vec<u8>> {
    let asked =
        format!("H|\\^&|||{}||||||||LIS2-A2|{}\rQ|1|^|||||||||O\rL|1|N\r", reading.instrument, stamp.now);
    let asked = Message::parse(asked.as_bytes());
    let header = asked.records().find(|record| record.kind() == Kind::Header)?;
    let query = asked.records().find(|record| record.kind() == Kind::Query)?;
    let mut draft = Draft::new(header.delimiters());
    let moment = Moment { reading, header, style: &dialect.query, now: stamp.now };
    let mut targets: Vec<(Target<'_>, &str)> = Vec::new();
    for (work, action) in parts {
        let specimen = encode(work.specimen.reveal(), reading, &draft);
        targets.push((Target { query, specimen, after: Vec::new(), work: Some(work) }, action));
    }
    let (first, _) = targets.first()?;
    let of = |wanted: fn(Kind) -> bool| dialect.query.orders.iter().filter(move |record| wanted(record.kind));
    of(|kind| kind == Kind::Header).for_each(|record| moment.write(&mut draft, record, first, 1));
    for record in of(|kind| !matches!(kind, Kind::Header | Kind::Terminator)) {
        // The patient once, each order for itself.
        let told = if record.kind == Kind::Order {
            targets.as_slice()
        } else {
            targets.get(..1).unwrap_or_default()
        };
        for (number, (target, action)) in (1..).zip(told) {
            moment.write(&mut draft, &unasked(record, action), target, number);
        }
    }
    of(|kind| kind == Kind::Terminator)
        .for_each(|record| moment.write(&mut draft, &unasked(record, NEW), first, 1));
    Some(draft.finish())
}

/// An order is one of report type O with an action; the message ends normally, as one that answers nothing.
fn unasked(record: &ReplyRecord, action: &str) -> ReplyRecord {
    let mut record = record.clone();
    match record.kind {
        Kind::Order => {
            record.fields.insert(12, Template::text(action));
            record.fields.insert(26, Template::text("O"));
        }
        Kind::Terminator => {
            record.fields.insert(3, Template::text("N"));
        }
        _ => {}
    }
    record
}
