//! What the LIMS is told about its message: ORR^O02, ORL^O22 or ORL^O34 with one ORC for each order, or a plain
//! acknowledgement. Pure. It says of each order what was done, and nothing that wasn't.

use labwire_hl7::message::{Draft, Message, Msh, Segment, Value};
use labwire_hl7::transfer::{Acknowledging, Condition, Stamp, Verdict, acknowledge};
use labwire_link::Reply;

use super::message::{Item, Read};
use crate::domain::{Asks, OrderState};
use crate::journal::orders::Applied;

/// What is said about one message that is on disk. `applied` has one element for each request that could be read.
pub(super) fn answers(
    content: &[u8],
    read: &Read,
    applied: &[Applied],
    stamp: &mut Stamp<'_>,
) -> Vec<Vec<u8>> {
    let verdict = match read {
        Read::Orders(items) => return orders(content, items, applied, stamp),
        Read::Patients(_) => Verdict::Accepted,
        Read::NotForUs(condition) => Verdict::NotForUs(*condition),
        Read::Unreadable(why) => {
            Verdict::ContentError { condition: Condition::SegmentSequence, reason: (*why).to_owned() }
        }
    };
    plain(content, &verdict, stamp)
}

/// What is said about a message that couldn't be stored.
pub(super) fn not_stored(content: &[u8], stamp: &mut Stamp<'_>) -> Vec<Vec<u8>> {
    plain(content, &Verdict::NotStored, stamp)
}

fn plain(content: &[u8], verdict: &Verdict, stamp: &mut Stamp<'_>) -> Vec<Vec<u8>> {
    match acknowledge(content, |_| verdict.clone(), &Acknowledging::default(), stamp) {
        Reply::Texts(texts) => texts,
        Reply::Silent | Reply::Protocol => Vec::new(),
    }
}

/// What was done with one order.
enum Fate<'a> {
    Done,
    Unknown,
    Refused(&'a str),
}

fn orders(content: &[u8], items: &[Item], applied: &[Applied], stamp: &mut Stamp<'_>) -> Vec<Vec<u8>> {
    let Ok(message) = Message::parse(content) else { return Vec::new() };
    let Some(header) = message.header() else { return Vec::new() };
    let mut applied = applied.iter();
    let fates: Vec<(&Item, Fate<'_>)> = items
        .iter()
        .map(|item| {
            let fate = match &item.request {
                Err(why) => Fate::Refused(why),
                Ok(_) => match applied.next() {
                    Some(Applied::Done) => Fate::Done,
                    Some(Applied::Refused(why)) => Fate::Refused(why),
                    Some(Applied::Unknown | Applied::Overtaken) | None => Fate::Unknown,
                },
            };
            (item, fate)
        })
        .collect();
    let failed = fates.iter().any(|(_, fate)| matches!(fate, Fate::Refused(_)));
    let wanted = Wanted::of(&header, failed);
    let mut texts = Vec::new();
    if wanted.commit {
        let commit = Acknowledging { mode: labwire_hl7::transfer::Mode::Commit, ..Acknowledging::default() };
        if let Reply::Texts(commit) = acknowledge(content, |_| Verdict::Accepted, &commit, stamp) {
            texts.extend(commit);
        }
    }
    if wanted.application {
        texts.push(response(&message, &header, &fates, failed, stamp));
    }
    texts
}

/// Which answers MSH-15 and 16 ask for. Without either it is the application's alone.
struct Wanted {
    commit: bool,
    application: bool,
}

impl Wanted {
    fn of(header: &Msh<'_>, failed: bool) -> Wanted {
        let accept = header.accept_acknowledgement().raw();
        let application = header.application_acknowledgement().raw();
        if accept.is_empty() && application.is_empty() {
            return Wanted { commit: false, application: true };
        }
        Wanted {
            commit: matches!(accept, b"AL" | b"SU"),
            application: match application {
                b"AL" => true,
                b"ER" => failed,
                b"SU" => !failed,
                _ => false,
            },
        }
    }
}

fn response(
    message: &Message<'_>,
    header: &Msh<'_>,
    fates: &[(&Item, Fate<'_>)],
    failed: bool,
    stamp: &mut Stamp<'_>,
) -> Vec<u8> {
    let kind: &[&[u8]] =
        match (header.message_type().component(1).raw(), header.message_type().component(2).raw()) {
            (b"OML", b"O33") => &[b"ORL", b"O34", b"ORL_O34"],
            (b"OML", _) => &[b"ORL", b"O22", b"ORL_O22"],
            _ => &[b"ORR", b"O02"],
        };
    let own = (stamp.next_control_id)();
    let mut draft = Draft::new(header.segment().separators(), header.segment().charset());
    draft.segment(
        b"MSH",
        [
            (3, Value::Field(header.receiving_application())),
            (4, Value::Field(header.receiving_facility())),
            (5, Value::Field(header.sending_application())),
            (6, Value::Field(header.sending_facility())),
            (7, Value::Text(stamp.sent.as_bytes())),
            (9, Value::Components(kind)),
            (10, Value::Text(own.as_str().as_bytes())),
            (11, Value::Field(header.processing())),
            (12, Value::Field(header.version())),
            (18, Value::Field(header.character_set())),
        ],
    );
    let code: &[u8] = if failed { b"AE" } else { b"AA" };
    draft.segment(b"MSA", [(1, Value::Text(code)), (2, Value::Field(header.control_id()))]);
    let segments: Vec<Segment<'_>> = message.segments().collect();
    let of = |ordinal: Option<usize>| ordinal.and_then(|ordinal| segments.get(ordinal));
    for (item, fate) in fates {
        if let Fate::Refused(why) = fate {
            error(&mut draft, header, of(Some(item.common)), why);
        }
    }
    let mut specimen = None;
    for (item, fate) in fates {
        if item.specimen.is_some() && item.specimen != specimen && kind.get(1) == Some(&&b"O34"[..]) {
            specimen = item.specimen;
            if let Some(segment) = of(item.specimen) {
                draft.segment(b"SPM", [1, 2, 4].map(|field| (field, Value::Field(segment.field(field)))));
            }
        }
        order(&mut draft, item, fate, &of);
    }
    draft.finish()
}

/// ERR has the parts for this since 2.5. Before that the problem stands with a person here, and UA, UC and so on in ORC-1.
fn error(draft: &mut Draft, header: &Msh<'_>, common: Option<&Segment<'_>>, why: &str) {
    let version = header.version().component(1);
    if !matches!(version.raw(), b"2.5" | b"2.5.1" | b"2.6" | b"2.7" | b"2.7.1" | b"2.8") {
        return;
    }
    let number = common.map(|common| common.ordinal().to_string()).unwrap_or_default();
    draft.segment(
        b"ERR",
        [
            (2, Value::Components(&[b"ORC", number.as_bytes()])),
            (3, Value::Components(&[b"101", b"Required field missing", b"HL70357"])),
            (4, Value::Text(b"E")),
            (8, Value::Text(why.as_bytes())),
        ],
    );
}

fn order<'a>(
    draft: &mut Draft,
    item: &Item,
    fate: &Fate<'_>,
    of: &dyn Fn(Option<usize>) -> Option<&'a Segment<'a>>,
) {
    let Some(common) = of(Some(item.common)) else { return };
    let detail = of(item.detail);
    let either = |field: usize| match (common.field(field), detail) {
        (own, Some(detail)) if own.is_empty() => detail.field(field),
        (own, _) => own,
    };
    let control = control(item, fate, common.field(1).raw());
    draft.segment(
        b"ORC",
        [
            (1, Value::Text(control.as_bytes())),
            (2, Value::Field(either(2))),
            (3, Value::Field(either(3))),
            (4, Value::Field(common.field(4))),
        ],
    );
    if let Some(detail) = detail {
        draft.segment(b"OBR", [1, 2, 3, 4].map(|field| (field, Value::Field(detail.field(field)))));
    }
}

/// The answer of HL7 table 0119 to what was asked.
fn control(item: &Item, fate: &Fate<'_>, asked: &[u8]) -> &'static str {
    let done = matches!(fate, Fate::Done);
    let or = |yes, no| if done { yes } else { no };
    match (item.request.as_ref().map(|request| request.asks), asked) {
        (_, b"SC" | b"OC" | b"OD" | b"OH" | b"OE" | b"RU") => or("OK", "UA"),
        (Ok(Asks::Change), _) => or("XR", "UX"),
        (Ok(Asks::Become(OrderState::Cancelled)), _) => or("CR", "UC"),
        (Ok(Asks::Become(OrderState::Discontinued)), _) => or("DR", "UD"),
        (Ok(Asks::Become(OrderState::Held)), _) => or("HR", "UH"),
        (Ok(Asks::Become(OrderState::Active)), _) => or("OR", "UR"),
        (Ok(Asks::Become(OrderState::Replaced)), _) => or("RQ", "UM"),
        _ => or("OK", "UA"),
    }
}

#[cfg(test)]
mod tests;
