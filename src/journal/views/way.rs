//! The way of a specimen: everything that happened to its results, from the wire to the LIMS's answer.

use jiff::Timestamp;
use rusqlite::Row;

use super::ordered::OrderStep;
use crate::domain::clinic::Force;
use crate::domain::{Observation, OnceMore, Private, SpecimenId, Words, words};
use crate::journal::audit::GATEWAY;
use crate::journal::calls::Happened;
use crate::journal::decisions::{self, StoredDecision};
use crate::journal::orders;
use crate::journal::read::observation;
use crate::journal::rows::instant;
use crate::journal::{CallId, DeliveryId, JournalError, MessageId, ObservationId, ProblemId, Reader};

/// One step of a specimen's way.
#[derive(Debug, Clone)]
pub struct Step {
    pub at: Timestamp,
    pub what: Way,
}

/// What happened to a specimen's results, in order.
#[derive(Debug, Clone)]
pub enum Way {
    Received {
        message: MessageId,
        /// An instrument's name, or who else it is, in words.
        from: String,
        peer: String,
        frames: u32,
    },
    Read {
        observation: ObservationId,
        version: u32,
        supersedes: Option<ObservationId>,
        detail: Box<Observation>,
    },
    Repeated {
        message: MessageId,
        observation: ObservationId,
    },
    Problem {
        id: ProblemId,
        kind: String,
        text: Private<String>,
        /// A result was lost to observations by it.
        replaces_result: bool,
        standing: ProblemStanding,
    },
    /// What a set of rules decided of a result.
    Decided {
        observation: ObservationId,
        force: Force,
        /// SHA-256 of the rules, in hexadecimal.
        rules: String,
        /// What was measured; `None` where nobody has named the code as an analyte: then no rule about one was asked.
        analyte: Option<String>,
        decisions: Vec<StoredDecision>,
    },
    Held {
        observation: ObservationId,
        reason: String,
    },
    HoldClosed {
        observation: ObservationId,
        closing: String,
        /// `None` where the gateway found that this one no longer stands; others may.
        by: Option<String>,
        reason: String,
    },
    Attempted {
        delivery: DeliveryId,
        destination: String,
        number: u32,
        kind: String,
    },
    Answered {
        delivery: DeliveryId,
        destination: String,
        /// Where the destination has it now, the key by which it knows it: also the MSH-10, or in the file's name.
        known_as: Option<String>,
        /// Of the attempt.
        number: u32,
        verdict: String,
        status: Option<u16>,
        detail: String,
        /// Over what it went, where anything left.
        connection: Option<String>,
    },
    Line {
        observation: ObservationId,
        destination: String,
        state: String,
        reason: Option<Private<String>>,
        /// Pending, and this older one of its lane must be over first; with where that stands.
        behind: Option<(ObservationId, String)>,
        /// What carries it now.
        delivery: Option<DeliveryId>,
        /// That delivery is a dead letter: only a person brings it on.
        waits_for_person: bool,
    },
    /// A person has moved it to another specimen.
    Moved {
        observation: ObservationId,
        from: SpecimenId,
        to: SpecimenId,
        by: String,
        reason: Private<String>,
    },
    /// A person had it read anew, and another version took its place.
    Reevaluated {
        observation: ObservationId,
        by: String,
        reason: Private<String>,
    },
    /// A person had what a destination had acknowledged sent there once more.
    SentAgain {
        delivery: DeliveryId,
        destination: String,
        how: OnceMore,
        /// Those of the specimen.
        results: Vec<ObservationId>,
        by: String,
        reason: Private<String>,
    },
    /// What a destination is told of a result beside the result itself.
    Notice {
        observation: ObservationId,
        destination: String,
        /// `preliminary`, or why it is void: `misread`, `recoded` or `rejected`.
        says: String,
        state: String,
    },
    Call {
        call: CallId,
        happened: Box<Happened>,
    },
    /// Something was said about its orders.
    Order(Box<OrderStep>),
}

impl Way {
    /// Whether it is about results, and not about what was ordered alone.
    pub fn is_of_results(&self) -> bool {
        !matches!(self, Way::Order(_))
    }
}

/// What became of a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemStanding {
    Open,
    /// Somebody has seen to it, and who.
    SeenTo(String),
    /// Its message was read again, and what that came to stands instead.
    Withdrawn,
}

impl Reader {
    /// Everything known of a specimen, oldest first. Empty where nothing is.
    pub fn way(&self, specimen: &SpecimenId) -> Result<Vec<Step>, JournalError> {
        let _moment = self.moment()?;
        let id = specimen.reveal();
        let mut way = Vec::new();
        let mut gather = |sql: &str, read: &dyn Fn(&Row<'_>) -> Result<Way, JournalError>| {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query([id])?;
            while let Some(row) = rows.next()? {
                way.push(Step { at: instant(row.get(0)?), what: read(row)? });
            }
            Ok::<_, JournalError>(())
        };
        gather(RECEIVED, &received)?;
        gather(READ, &read)?;
        gather(REPEATED, &repeated)?;
        gather(PROBLEMS, &problem)?;
        gather(DECIDED, &decided)?;
        gather(HELD, &held)?;
        gather(HOLDS_CLOSED, &hold_closed)?;
        gather(ATTEMPTED, &attempted)?;
        gather(ANSWERED, &answered)?;
        gather(LINES, &line)?;
        gather(MOVED, &moved)?;
        gather(REEVALUATED, &reevaluated)?;
        gather(SENT_AGAIN, &sent_again)?;
        gather(NOTICES, &notice)?;
        for call in self.calls_of(specimen)? {
            let step =
                |it: Happened| Step { at: it.at, what: Way::Call { call: call.id, happened: Box::new(it) } };
            way.extend(call.happened.into_iter().map(step));
        }
        way.extend(self.order_steps(specimen)?);
        way.sort_by_key(|step| step.at);
        Ok(way)
    }
}

/// Counts the frames as [`Reader::frames`] shows them.
const RECEIVED: &str = "SELECT m.received_at, m.id, m.instrument, t.peer, t.source,
    (SELECT count(*) FROM parcel p
        WHERE p.transfer = m.transfer AND p.id BETWEEN m.first_parcel AND m.last_parcel
        AND (p.id > m.first_parcel OR m.first_offset < p.content_end - p.content_start
            OR m.first_parcel = m.last_parcel))
    FROM message m JOIN transfer t ON t.id = m.transfer WHERE m.id IN
    (SELECT message FROM observation WHERE specimen = ?1
     UNION SELECT r.message FROM repetition r JOIN observation o ON o.id = r.observation WHERE o.specimen = ?1
     UNION SELECT message FROM problem WHERE specimen = ?1)";

fn received(row: &Row<'_>) -> Result<Way, JournalError> {
    let instrument: Option<String> = row.get(2)?;
    let lims = orders::lims_in_words(&row.get::<_, String>(4)?);
    Ok(Way::Received {
        message: MessageId(row.get(1)?),
        from: instrument.or(lims).unwrap_or_else(|| "an unknown analyzer".to_owned()),
        peer: row.get(3)?,
        frames: row.get(5)?,
    })
}

const READ: &str = "SELECT recorded_at, id, version, supersedes, detail FROM observation WHERE specimen = ?";

fn read(row: &Row<'_>) -> Result<Way, JournalError> {
    Ok(Way::Read {
        observation: ObservationId(row.get(1)?),
        version: row.get(2)?,
        supersedes: row.get::<_, Option<i64>>(3)?.map(ObservationId),
        detail: Box::new(observation(row, 4)?),
    })
}

const REPEATED: &str = "SELECT m.processed_at, r.message, r.observation FROM repetition r
    JOIN observation o ON o.id = r.observation JOIN message m ON m.id = r.message WHERE o.specimen = ?";

fn repeated(row: &Row<'_>) -> Result<Way, JournalError> {
    Ok(Way::Repeated { message: MessageId(row.get(1)?), observation: ObservationId(row.get(2)?) })
}

const PROBLEMS: &str =
    "SELECT seen_at, id, kind, text, replaces_result, withdrawn, closed_at IS NULL, closed_by
    FROM problem WHERE specimen = ?";

fn problem(row: &Row<'_>) -> Result<Way, JournalError> {
    let standing = match (row.get(5)?, row.get(6)?) {
        (true, _) => ProblemStanding::Withdrawn,
        (false, true) => ProblemStanding::Open,
        (false, false) => ProblemStanding::SeenTo(row.get::<_, Option<String>>(7)?.unwrap_or_default()),
    };
    let (id, kind, text) = (ProblemId(row.get(1)?), row.get(2)?, Private::new(row.get(3)?));
    Ok(Way::Problem { id, kind, text, replaces_result: row.get(4)?, standing })
}

const DECIDED: &str = "SELECT e.decided_at, e.observation, e.force, e.rules, e.decisions,
    json_extract(e.facts, '$.measured.analyte') FROM observation o JOIN evaluation e ON e.observation = o.id WHERE o.specimen = ? ORDER BY e.id";

fn decided(row: &Row<'_>) -> Result<Way, JournalError> {
    Ok(Way::Decided {
        observation: ObservationId(row.get(1)?),
        force: decisions::force(&row.get::<_, String>(2)?)?,
        rules: row.get(3)?,
        decisions: decisions::read(&row.get::<_, String>(4)?)?,
        analyte: row.get(5)?,
    })
}

const HELD: &str = "SELECT h.opened_at, h.observation, h.reason FROM hold h
    JOIN observation o ON o.id = h.observation WHERE o.specimen = ?";

fn held(row: &Row<'_>) -> Result<Way, JournalError> {
    Ok(Way::Held { observation: ObservationId(row.get(1)?), reason: row.get(2)? })
}

const HOLDS_CLOSED: &str = "SELECT h.closed_at, h.observation, h.closing, h.closed_by, h.reason FROM hold h
    JOIN observation o ON o.id = h.observation WHERE o.specimen = ? AND h.closed_at IS NOT NULL";

fn hold_closed(row: &Row<'_>) -> Result<Way, JournalError> {
    let (closing, by): (String, String) = (row.get(2)?, row.get(3)?);
    let by = (by != GATEWAY || closing != "released").then_some(by);
    Ok(Way::HoldClosed { observation: ObservationId(row.get(1)?), closing, by, reason: row.get(4)? })
}

const ATTEMPTED: &str = "SELECT a.began_at, d.id, d.destination, a.number, a.kind
    FROM attempt a JOIN delivery d ON d.id = a.delivery WHERE d.specimen = ?";

fn attempted(row: &Row<'_>) -> Result<Way, JournalError> {
    Ok(Way::Attempted {
        delivery: DeliveryId(row.get(1)?),
        destination: row.get(2)?,
        number: row.get(3)?,
        kind: row.get(4)?,
    })
}

const ANSWERED: &str = "SELECT w.ended_at, d.id, d.destination, a.number, w.verdict, w.status, w.detail, w.connection,
    d.key FROM answer w JOIN attempt a ON a.id = w.attempt JOIN delivery d ON d.id = a.delivery WHERE d.specimen = ?";

fn answered(row: &Row<'_>) -> Result<Way, JournalError> {
    let verdict: String = row.get(4)?;
    let has_it = matches!(verdict.as_str(), "accepted" | "staged" | "duplicate");
    let known_as = has_it.then(|| row.get(8)).transpose()?;
    Ok(Way::Answered {
        delivery: DeliveryId(row.get(1)?),
        destination: row.get(2)?,
        number: row.get(3)?,
        verdict,
        status: row.get(5)?,
        detail: row.get(6)?,
        connection: row.get(7)?,
        known_as,
    })
}

const LINES: &str =
    "SELECT l.changed_at, l.observation, l.destination, l.state, l.reason, e.observation, l.delivery,
    coalesce(d.state = 'dead', 0), e.state FROM observation o JOIN ledger l ON l.observation = o.id
    LEFT JOIN delivery d ON d.id = l.delivery
    LEFT JOIN ledger e ON e.destination = l.destination AND e.observation = (SELECT min(f.observation) FROM ledger f
        WHERE l.behind AND f.destination = l.destination AND f.specimen = l.specimen AND f.lane = l.lane
        AND f.observation < l.observation
        AND f.state IN ('held', 'in-flight', 'unknown', 'refused', 'quarantined'))
    WHERE o.specimen = ?";

fn line(row: &Row<'_>) -> Result<Way, JournalError> {
    Ok(Way::Line {
        observation: ObservationId(row.get(1)?),
        destination: row.get(2)?,
        state: row.get(3)?,
        reason: row.get::<_, Option<String>>(4)?.map(Private::new),
        behind: row.get::<_, Option<i64>>(5)?.map(ObservationId).zip(row.get(8)?),
        delivery: row.get::<_, Option<i64>>(6)?.map(DeliveryId),
        waits_for_person: row.get(7)?,
    })
}

const MOVED: &str =
    "SELECT r.at, r.observation, o.specimen, r.specimen, r.named, r.reason FROM reassignment r
    JOIN observation o ON o.id = r.observation WHERE r.specimen = ?1
    UNION SELECT r.at, r.observation, o.specimen, r.specimen, r.named, r.reason FROM observation o
    JOIN reassignment r ON r.observation = o.id WHERE o.specimen = ?1";

fn moved(row: &Row<'_>) -> Result<Way, JournalError> {
    Ok(Way::Moved {
        observation: ObservationId(row.get(1)?),
        from: SpecimenId::new(row.get::<_, String>(2)?),
        to: SpecimenId::new(row.get::<_, String>(3)?),
        by: row.get(4)?,
        reason: Private::new(row.get(5)?),
    })
}

const REEVALUATED: &str = "SELECT r.at, r.observation, r.named, r.reason FROM observation o
    JOIN reevaluation r ON r.observation = o.id WHERE o.specimen = ?";

fn reevaluated(row: &Row<'_>) -> Result<Way, JournalError> {
    Ok(Way::Reevaluated {
        observation: ObservationId(row.get(1)?),
        by: row.get(2)?,
        reason: Private::new(row.get(3)?),
    })
}

const SENT_AGAIN: &str =
    "SELECT r.at, r.delivery, s.destination, r.how, r.named, r.reason, group_concat(o.id) FROM observation o
    JOIN resend_line s ON s.observation = o.id JOIN resend r ON r.id = s.resend WHERE o.specimen = ?
    GROUP BY r.id, s.destination ORDER BY r.id";

fn sent_again(row: &Row<'_>) -> Result<Way, JournalError> {
    let (how, results): (String, String) = (row.get(3)?, row.get(6)?);
    let results = results.split(',').filter_map(|id| id.parse().ok().map(ObservationId));
    Ok(Way::SentAgain {
        delivery: DeliveryId(row.get(1)?),
        destination: row.get(2)?,
        how: OnceMore::from_name(&how)
            .ok_or_else(|| JournalError::Refused(format!("nothing goes once more as {how}")))?,
        by: row.get(4)?,
        reason: Private::new(row.get(5)?),
        results: results.collect(),
    })
}

const NOTICES: &str = "SELECT n.changed_at, n.observation, n.destination, n.says, n.state
    FROM observation o JOIN notice n ON n.observation = o.id WHERE o.specimen = ? ORDER BY n.id";

fn notice(row: &Row<'_>) -> Result<Way, JournalError> {
    Ok(Way::Notice {
        observation: ObservationId(row.get(1)?),
        destination: row.get(2)?,
        says: row.get(3)?,
        state: row.get(4)?,
    })
}

/// What a word of a result comes to, for a person.
pub fn told(destination: &str, says: &str, state: &str) -> Words {
    let what = match says {
        "preliminary" => words!("that it is preliminary"),
        "misread" => words!("that it is void under this number, which was misread"),
        "recoded" => words!("that it is void under the code by which it went"),
        _ => words!("that it is void: it was rejected"),
    };
    match state {
        "accepted" | "staged" => words!("{destination} was told {what}", destination, what),
        "pending" | "in-flight" => words!("{destination} is still to be told {what}", destination, what),
        "refused" => words!("{destination} refused to hear {what}: see its dead letter", destination, what),
        "unknown" => words!("{destination} may or may not have heard {what}", destination, what),
        "superseded" => words!("{destination} need not be told {what} any more", destination, what),
        _ => words!("{destination} was not told {what}: tell it by hand", destination, what),
    }
}
