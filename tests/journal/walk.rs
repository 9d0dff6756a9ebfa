//! Random walks through every operation: after each step the sums balance, and the tables agree with them.

use proptest::prelude::*;

use labwire::journal::desk::Decision;
use labwire::journal::ledger::{Fate, Lease, Next, Resolve};
use labwire::journal::results::{Entry, Place};
use labwire::journal::{DeliveryId, MessageId, ObservationId, ProblemId};

use super::kit::{Lab, at, held, lost_result, own, result, urgent};

#[derive(Debug, Clone)]
enum Move {
    Record { specimen: u8, test: u8, place: u8, of: usize, look: u8, problem: bool },
    Lease { resolve: u8 },
    Settle { which: usize, fate: u8, all: bool, status: bool },
    Decide { what: u8, of: usize },
    Restart,
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        5 => (0..2u8, 0..2u8, 0..4u8, any::<usize>(), 0..4u8, any::<bool>()).prop_map(
            |(specimen, test, place, of, look, problem)| {
                Move::Record { specimen, test, place, of, look, problem }
            }
        ),
        4 => (0..3u8).prop_map(|resolve| Move::Lease { resolve }),
        4 => (any::<usize>(), 0..5u8, any::<bool>(), any::<bool>())
            .prop_map(|(which, fate, all, status)| Move::Settle { which, fate, all, status }),
        4 => (0..7u8, any::<usize>()).prop_map(|(what, of)| Move::Decide { what, of }),
        1 => Just(Move::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sums_balance_and_agree_with_the_tables_after_every_step(
        walk in proptest::collection::vec(moves(), 1..40)
    ) {
        let mut lab = Lab::new();
        let mut out = Vec::new();
        for step in walk {
            lab = take(lab, &step, &mut out);
            lab.assert_balanced();
            assert_order(&lab);
        }
        assert_eq!(lab.reader.audit_break().unwrap(), None);
    }
}

/// Two versions of one result never wait on their way at once.
fn assert_order(lab: &Lab) {
    let overtaken = "SELECT count(*) FROM ledger n JOIN observation o ON o.id = n.observation
        JOIN ledger e ON e.observation = o.supersedes AND e.destination = n.destination
        WHERE n.state IN ('in-flight', 'accepted', 'staged') AND e.state IN ('pending', 'in-flight', 'unknown', 'refused')
        AND n.delivery IS NOT e.delivery";
    assert_eq!(lab.ask::<i64>(overtaken), 0);
}

fn take(lab: Lab, step: &Move, out: &mut Vec<Lease>) -> Lab {
    match step {
        Move::Record { specimen, test, place, of, look, problem } => {
            let observation = result(&format!("S{specimen}"), &format!("T{test}"), "4.1");
            let observation = match look {
                0 => held(observation),
                1 => urgent(observation),
                _ => observation,
            };
            let place = place_of(&lab, *place, *of, *specimen, *test);
            let problems = if *problem { vec![lost_result(9)] } else { Vec::new() };
            let message = oldest_unread(&lab).unwrap_or_else(|| lab.message());
            lab.record_of(message, vec![Entry { place, ..own(observation) }], problems).unwrap();
        }
        Move::Lease { resolve } => {
            let resolve = [Resolve::Probe, Resolve::Resend, Resolve::Wait][usize::from(*resolve)];
            out.extend(lab.lease_with(resolve));
        }
        Move::Settle { which, fate, all, status } => {
            if !out.is_empty() {
                let lease = out.remove(which % out.len());
                settle(&lab, &lease, *fate, *all, *status);
            }
        }
        Move::Decide { what, of } => {
            // Most decisions find nothing to decide; what matters is what they leave behind.
            let _ = lab.decide(decision(&lab, *what, *of));
        }
        Move::Restart => {
            out.clear();
            return lab.reopen();
        }
    }
    lab
}

fn oldest_unread(lab: &Lab) -> Option<MessageId> {
    lab.reader.pending(1).unwrap().first().copied()
}

fn place_of(lab: &Lab, place: u8, of: usize, specimen: u8, test: u8) -> Place {
    let same = format!(
        "SELECT json_group_array(id) FROM observation WHERE specimen = 'S{specimen}' AND code = 'T{test}'"
    );
    let ids: Vec<i64> = serde_json::from_str(&lab.ask::<String>(&same)).unwrap();
    match (ids.get(of % ids.len().max(1)), place) {
        (Some(id), 0) => Place::Repeats(ObservationId(*id)),
        (Some(id), 1 | 2) => Place::Supersedes(ObservationId(*id)),
        _ => Place::Own,
    }
}

fn settle(lab: &Lab, lease: &Lease, fate: u8, all: bool, status: bool) {
    let soon = at(0);
    let refused = Fate::Refused("no".to_owned());
    let (fate, next) = [
        (Fate::Accepted, Next::Settled),
        (Fate::Staged, Next::Settled),
        (refused, Next::Dead),
        (Fate::Unknown, Next::Unknown { at: soon }),
        (Fate::Again, Next::Retry { at: soon }),
    ][usize::from(fate)]
    .clone();
    let fates = lease
        .items
        .iter()
        .enumerate()
        .map(|(number, id)| (*id, if all || number == 0 { fate.clone() } else { Fate::Accepted }));
    lab.settle(lease, fates.collect(), next, status.then_some(200));
}

fn decision(lab: &Lab, what: u8, of: usize) -> Decision {
    let pick = |table: &str| -> i64 {
        let count: i64 = lab.ask(&format!("SELECT coalesce(max(id), 0) FROM {table}"));
        1 + i64::try_from(of % usize::try_from(count.max(1)).unwrap()).unwrap()
    };
    match what {
        0 => Decision::Release(ObservationId(pick("observation"))),
        1 => Decision::Reject(ObservationId(pick("observation"))),
        2 => Decision::Retry(DeliveryId(pick("delivery"))),
        3 => Decision::GiveUp(DeliveryId(pick("delivery"))),
        4 => Decision::Confirm(DeliveryId(pick("delivery"))),
        5 => Decision::Reread(MessageId(pick("message"))),
        _ => Decision::Dismiss(ProblemId(pick("problem"))),
    }
}
