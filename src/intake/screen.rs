//! What an HL7 message is answered, before it is on disk and as if it were: the answer is committed with it. Whether a
//! message is stored doesn't depend on what this finds.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use labwire_hl7::message::{Message, Msh};
use labwire_hl7::transfer::{Acknowledging, Mode, Stamp, Verdict, acknowledge};
use labwire_link::Reply;

use crate::domain::profile::{Hl7Queries, refusal};
use crate::wire::ControlIds;

/// What to say of a message: once it is on disk, and if it can't be.
pub(super) struct Screened {
    pub(super) stored: Reply,
    pub(super) failed: Reply,
}

/// `content` is a block's. A query that is answered with orders gets no other answer than that, but for the commit that it
/// may ask for.
pub(super) fn screen(
    content: &[u8],
    acknowledging: &Acknowledging,
    queries: Hl7Queries,
    ids: &ControlIds,
    zone: &TimeZone,
    now: Timestamp,
) -> Screened {
    let sent = now.to_zoned(zone.clone()).strftime("%Y%m%d%H%M%S").to_string();
    let mut take = || ids.take();
    let mut stamp = Stamp { sent: &sent, next_control_id: &mut take };
    let stored = match answered_with_orders(content, queries) {
        Some(Commit::Never) => Reply::Silent,
        Some(Commit::Wanted) => {
            let commit = Acknowledging { mode: Mode::Commit, ..acknowledging.clone() };
            acknowledge(content, |header| verdict(header, queries), &commit, &mut stamp)
        }
        None => acknowledge(content, |header| verdict(header, queries), acknowledging, &mut stamp),
    };
    let failed = acknowledge(content, |_| Verdict::NotStored, acknowledging, &mut stamp);
    Screened { stored, failed }
}

/// Whether a query wants to hear that it is in safe storage.
enum Commit {
    Wanted,
    Never,
}

fn answered_with_orders(content: &[u8], queries: Hl7Queries) -> Option<Commit> {
    let message = Message::parse(content).ok()?;
    let kind = queries.kind()?;
    let header = message.header()?;
    let is_one = |it: Msh<'_>| it.message_type().component(1).raw() == kind;
    let asks = message.named(b"MSH").filter_map(Msh::of).all(is_one)
        && message.segments().any(|segment| queries.asks(&segment));
    let wanted = matches!(header.accept_acknowledgement().raw(), b"AL" | b"SU");
    asks.then_some(if wanted { Commit::Wanted } else { Commit::Never })
}

/// AR and CR are for what isn't for us; what is odd about the content of a message that is on disk is our trouble.
fn verdict(header: &Msh<'_>, queries: Hl7Queries) -> Verdict {
    refusal(header, queries).map_or(Verdict::Accepted, Verdict::NotForUs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(message: &str) -> (String, String) {
        told_by(message, Hl7Queries::Unknown)
    }

    fn told_by(message: &str, queries: Hl7Queries) -> (String, String) {
        let ids = ControlIds::new("0a1b2c3d");
        let now = "2026-05-01T12:00:00Z".parse().unwrap();
        let said = screen(message.as_bytes(), &Acknowledging::default(), queries, &ids, &TimeZone::UTC, now);
        let text = |reply| match reply {
            Reply::Texts(texts) => {
                texts.iter().map(|text| String::from_utf8_lossy(text).replace('\r', "\n")).collect()
            }
            _ => String::new(),
        };
        (text(said.stored), text(said.failed))
    }

    #[test]
    fn results_are_accepted_once_stored_and_refused_for_now_when_they_can_not_be() {
        let (stored, failed) = told("MSH|^~\\&|SIM|LAB|||20260501||ORU^R01|7|P|2.3.1\rOBR|1\r");
        assert!(stored.contains("|20260501120000||ACK^R01|0a1b2c3dA1|P|2.3.1"), "{stored}");
        assert!(stored.contains("\nMSA|AA|7"), "{stored}");
        assert!(failed.contains("\nMSA|AR|7"), "{failed}");
    }

    #[test]
    fn what_is_not_for_us_is_rejected_and_what_is_no_message_is_not_answered() {
        for (message, code) in [
            ("MSH|^~\\&|SIM|LAB|||20260501||ADT^A01|7|P|2.3.1\r", "MSA|AR|7"),
            ("MSH|^~\\&|SIM|LAB|||20260501||ORU^R01|7|P|3.0\r", "MSA|AR|7"),
            ("MSH|^~\\&|SIM|LAB|||20260501||ORU^R01|7|P|25\r", "MSA|AR|7"),
            ("MSH|^~\\&|SIM|LAB|||20260501||ORU^R01|7|P\r", "MSA|AA|7"),
        ] {
            let (stored, _) = told(message);
            assert!(stored.contains(code), "{message}: {stored}");
        }
        assert_eq!(told("PID|1\r"), (String::new(), String::new()));
    }

    #[test]
    fn a_query_that_gets_orders_gets_no_acknowledgement_before_them() {
        let query = |kind: &str, modes: &str| {
            format!("MSH|^~\\&|SIM|LAB|||2026||{kind}|7|P|2.5.1|||{modes}\rQPD|1\r")
        };
        for (kind, modes, queries, expected) in [
            ("QBP^Q11", "NE|AL", Hl7Queries::Law, ""),
            ("QBP^Q11", "AL|AL", Hl7Queries::Law, "MSA|CA|7"),
            ("QBP^Q11", "NE|AL", Hl7Queries::Unknown, "MSA|AA|7"),
            ("QRY^Q02", "", Hl7Queries::Mindray, ""),
            ("QRY^Q02", "", Hl7Queries::Law, "MSA|AA|7"),
            ("ORM^O01", "", Hl7Queries::Mindray, "MSA|AR|7"),
            ("ORM^O01", "", Hl7Queries::MindrayOrm, ""),
            ("ORU^R01", "", Hl7Queries::Mindray, "MSA|AA|7"),
        ] {
            let (stored, failed) = told_by(&query(kind, modes), queries);
            assert!(
                stored.contains(expected) && stored.is_empty() == expected.is_empty(),
                "{kind}: {stored}"
            );
            assert!(failed.contains("MSA|A") || failed.contains("MSA|C"), "{failed}");
        }
    }

    #[test]
    fn each_message_of_a_block_is_judged_by_itself() {
        let (stored, _) = told(
            "MSH|^~\\&|SIM|LAB|||20260501||ADT^A01|7|P|2.3.1\rMSH|^~\\&|SIM|LAB|||20260501||ORU^R01|8|P|2.3.1\r",
        );
        assert!(stored.contains("MSA|AR|7") && stored.contains("MSA|AA|8"), "{stored}");
    }
}
