//! What every page has around its content: the site's name, the views with their counts, the time, and the lists'
//! rows, which the bench shows in part and the lists in full.

use super::clock::{Clock, Moment};
use super::held::HeldKnown;
use super::lead::Severity;
use super::next::{Next, after_refusal, of_no_destination, of_unknown_fate};
use super::sessions::Visitor;
use super::snapshot::Snapshot;
use super::typed::Typed;
use super::who::Who;
use super::words::{kept, unconverted};
use crate::domain::{HoldReason, Observation, ProblemKind, SpecimenId, TestIdentity, Words, counted, words};
use crate::journal::views::{DeadLetter, HoldView, ProblemView};

/// The frame of a page.
pub(super) struct Shell {
    pub title: Words,
    pub site: String,
    pub as_of: Moment,
    pub views: Vec<View>,
    /// Who looks at it, if they are signed in.
    pub visitor: Option<Visitor>,
    /// Where they come back to when they sign in.
    pub path: String,
    /// The alarms that nobody has acknowledged.
    pub rings: String,
    /// All that are on.
    pub alarms: usize,
    /// How the configuration on disk differs from the one that runs, and since when.
    pub differing: Option<(Words, Moment)>,
}

/// One view that the header links to.
pub(super) struct View {
    pub path: &'static str,
    pub name: Words,
    /// How much waits there; nothing for zero.
    pub count: Option<i64>,
    pub is_current: bool,
    /// What waits there wants somebody's notice.
    pub rings: bool,
}

/// A state in words, with the style that its colour and icon come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub class: &'static str,
    pub words: Words,
}

impl Mark {
    pub(super) fn new(severity: Severity, words: Words) -> Mark {
        Mark { class: severity.class(), words }
    }
}

impl Shell {
    pub(super) fn new(title: Words, path: &str, site: &str, snapshot: &Snapshot, clock: &Clock) -> Shell {
        let waiting = snapshot.waiting;
        let rings: Vec<u64> = snapshot.alarms.iter().filter(|it| it.rings()).map(|it| it.id).collect();
        let ringing = i64::try_from(rings.len()).unwrap_or(i64::MAX);
        let views = [
            ("/", words!("Bench"), 0),
            ("/alarms", words!("Alarms"), ringing),
            ("/held", words!("Held"), waiting.held),
            ("/problems", words!("Problems"), waiting.open_problems),
            ("/dead-letters", words!("Dead letters"), waiting.dead_letters),
            ("/orders", words!("Orders"), 0),
            ("/reconciliation", words!("Reconciliation"), 0),
            ("/qc", words!("QC"), 0),
            ("/wall", words!("Wall"), 0),
        ];
        Shell {
            title,
            site: site.to_owned(),
            as_of: clock.now(),
            visitor: None,
            path: path.to_owned(),
            rings: rings.iter().map(u64::to_string).collect::<Vec<_>>().join(" "),
            alarms: snapshot.alarms.len(),
            differing: snapshot.differing.as_ref().map(|it| (it.words(), clock.at(it.since))),
            views: views
                .into_iter()
                .map(|(view, name, count)| View {
                    path: view,
                    name,
                    count: (count > 0).then_some(count),
                    is_current: view == path,
                    rings: view == "/alarms" && count > 0,
                })
                .collect(),
        }
    }
}

impl Shell {
    /// The same for somebody who may be signed in, at this place of the page.
    pub(super) fn seen_by(mut self, who: Who, path: impl Into<String>) -> Shell {
        (self.visitor, self.path) = (who.0, path.into());
        self
    }

    /// What they typed here before they were away.
    pub(super) fn typed(&self) -> Option<String> {
        self.visitor.as_ref().and_then(|visitor| visitor.typed.as_ref()).map(Typed::json)
    }
}

/// A problem, ready to show.
pub(super) struct ProblemRow {
    pub id: i64,
    pub kind: Words,
    pub text: Words,
    pub remedy: Words,
    pub seen: Moment,
    pub instrument: String,
    /// The name of the file that it was found in.
    pub file: Option<String>,
    pub specimen: Option<String>,
    pub message: Option<i64>,
    /// The message to read again once the configuration is mended.
    pub reread: Option<i64>,
}

/// A held result, ready to show.
pub(super) struct HeldRow {
    pub id: i64,
    pub test: String,
    pub value: String,
    pub unit: Words,
    pub specimen: String,
    pub instrument: String,
    pub reasons: Vec<Words>,
    /// What was found wrong in its record: each problem's number, and what it says.
    pub problems: Vec<(i64, Words)>,
    /// The names of the reasons, by which a form says what its reader saw.
    pub seen: String,
    /// The destinations that don't have it for that.
    pub lacking: Vec<String>,
    pub since: Moment,
    pub message: i64,
    /// Without a specimen number no LIMS could file it.
    pub may_leave: bool,
    /// What is known beside it, where a list looked.
    pub known: Option<HeldKnown>,
}

/// A dead letter, ready to show.
pub(super) struct LetterRow {
    pub id: i64,
    pub mark: Mark,
    pub destination: String,
    pub specimen: String,
    pub results: Words,
    pub attempts: Words,
    pub reason: Words,
    pub since: Moment,
    pub next: Next,
}

pub(super) fn problem(view: &ProblemView, clock: &Clock) -> ProblemRow {
    let kind = ProblemKind::from_name(&view.kind);
    ProblemRow {
        id: view.id.0,
        kind: kind_of_problem(&view.kind),
        text: kept(view.text.reveal()),
        remedy: kind.map_or_else(Words::none, |kind| Words::fixed(kind.remedy())),
        seen: clock.at(view.seen_at),
        instrument: view.from().to_owned(),
        file: view.file.as_ref().map(|name| name.reveal().clone()),
        specimen: view
            .specimen
            .as_ref()
            .map(SpecimenId::reveal)
            .filter(|id| !id.is_empty())
            .map(str::to_owned),
        message: view.message.map(|id| id.0),
        reread: view.message.map(|id| id.0).filter(|_| kind.is_some_and(is_mended_by_configuration)),
    }
}

/// A kind as it is stored, for a person.
pub(super) fn kind_of_problem(name: &str) -> Words {
    match ProblemKind::from_name(name) {
        Some(kind) => Words::fixed(kind.words()),
        None => name.replace('-', " ").into(),
    }
}

fn is_mended_by_configuration(kind: ProblemKind) -> bool {
    matches!(
        kind,
        ProblemKind::UnregisteredSource
            | ProblemKind::AmbiguousSource
            | ProblemKind::UnknownCode
            | ProblemKind::UnknownStatus
            | ProblemKind::UnknownFlag
            | ProblemKind::UndecodableText
    )
}

pub(super) fn held(view: &HoldView, clock: &Clock) -> HeldRow {
    let detail = &view.detail;
    HeldRow {
        id: view.observation.0,
        test: test_name(&detail.test),
        value: detail.value_as_sent.clone(),
        unit: unit_and_flags(detail),
        specimen: detail.specimen.reveal().to_owned(),
        instrument: detail.instrument.to_string(),
        reasons: view.reasons.iter().map(|name| why_this_is_held(detail, name)).collect(),
        problems: view.problems.iter().map(|(id, text)| (id.0, kept(text.reveal()))).collect(),
        seen: seen(view),
        lacking: view.held_at.clone(),
        since: clock.at(view.opened_at),
        message: view.message.0,
        may_leave: !detail.specimen.is_blank(),
        known: None,
    }
}

/// Why a result is held, as a form says it.
pub(super) fn seen(view: &HoldView) -> String {
    view.reasons.join(" ")
}

/// A text as a query's value.
pub(super) fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// A test by the analyzer's code, with what tells it from others of that code.
pub(super) fn test_name(test: &TestIdentity) -> String {
    let parts = [&test.code, &test.aspect, &test.component];
    parts.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// The unit as sent, how the analyzer flagged the value, and what it was converted into: for who decides about it.
pub(super) fn unit_and_flags(detail: &Observation) -> Words {
    match (unit(detail), detail.flags_in_words()) {
        (Words::Data(none), Some(flags)) if none.is_empty() => words!("flagged {flags}", flags),
        (unit, Some(flags)) => words!("{unit}, flagged {flags}", unit, flags),
        (unit, None) => unit,
    }
}

/// The unit as sent, and what the value was converted into.
pub(super) fn unit(detail: &Observation) -> Words {
    let sent = match detail.declared_unit() {
        Some(unit) => words!("{unit} (declared, none was sent)", unit),
        None => detail.unit.as_deref().unwrap_or_default().into(),
    };
    match detail.reported_in_words() {
        Some(value) => words!("{sent}, reported as {value}", sent, value),
        None => sent,
    }
}

/// What a stored reason for the hold of this result means.
fn why_this_is_held(detail: &Observation, name: &str) -> Words {
    match (HoldReason::from_name(name), detail.not_converted()) {
        (Some(HoldReason::NotConverted), Some(why)) => Words::row([why_held(name), unconverted(why)], ": "),
        _ => why_held(name),
    }
}

/// What a hold's stored reason means.
pub(super) fn why_held(name: &str) -> Words {
    HoldReason::from_name(name).map_or_else(|| name.into(), |reason| Words::fixed(reason.text()))
}

pub(super) fn letter(view: &DeadLetter, snapshot: &Snapshot, clock: &Clock) -> LetterRow {
    let id = view.delivery;
    let (mark, next) = if view.state == "refused" {
        (Mark::new(Severity::Danger, words!("Refused")), after_refusal(id))
    } else {
        (Mark::new(Severity::Act, words!("Fate unknown")), of_unknown_fate(id))
    };
    let next = if snapshot.is_configured(&view.destination) { next } else { of_no_destination(id) };
    LetterRow {
        id: id.0,
        mark,
        destination: view.destination.clone(),
        specimen: view.specimen.reveal().to_owned(),
        results: if view.is_of_call {
            words!("the record of a critical call")
        } else {
            counted!(view.results, "{n} result", "{n} results")
        },
        attempts: counted!(view.attempts, "{n} attempt", "{n} attempts"),
        reason: kept(view.reason.reveal()),
        since: clock.at(view.since),
        next,
    }
}
