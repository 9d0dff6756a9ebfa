//! Nothing vanishes: whatever the bytes, each result record is an observation or a problem that stands for it.

use labwire_astm::record::{Kind, Message};
use proptest::prelude::*;

use super::*;

fn message() -> impl Strategy<Value = Vec<u8>> {
    let record = prop_oneof![
        4 => Just("R|1|^^^K|4.1|mmol/L||N||F||op|20260714083000|20260714083100".to_owned()),
        2 => Just("R|2|^^^SER^^I|Reactive|||||R".to_owned()),
        1 => Just("R|3|^^^XYZ|1".to_owned()),
        1 => Just("P|1|||||Testcase^Tina".to_owned()),
        2 => Just("O|1|S1^7|||R".to_owned()),
        1 => Just("C|1|I|x\nM|1|X|y".to_owned()),
        1 => Just("Q|1|^S1||ALL||||||||O".to_owned()),
        1 => prop::sample::select(vec!["H|\\^&", "H|\\^", "H", "H|@^\\|", "L|1|N", "L|1|T", "Z|1", "R", "O"])
            .prop_map(str::to_owned),
        1 => "[ -~]{0,20}",
    ];
    let lines = prop::collection::vec(record, 0..15).prop_map(|records| records.join("\r").into_bytes());
    (prop::bool::ANY, lines, prop::collection::vec((any::<usize>(), any::<u8>()), 0..3)).prop_map(
        |(header, lines, noise)| {
            let mut bytes = if header { b"H|\\^&|||Sim\r".to_vec() } else { Vec::new() };
            bytes.extend(lines);
            for (at, byte) in noise {
                let at = at % (bytes.len() + 1);
                bytes.insert(at, byte);
            }
            bytes
        },
    )
}

proptest! {
    #[test]
    fn each_result_record_is_an_observation_or_a_problem_in_its_place(
        bytes in prop_oneof![message(), prop::collection::vec(any::<u8>(), 0..200)],
    ) {
        let outcome = read_by(&reading(profile()), &bytes);
        let results = Message::parse(&bytes).records().filter(|record| record.kind() == Kind::Result).count();
        let replaced = outcome.problems.iter().filter(|problem| problem.replaces_result).count();
        prop_assert_eq!(outcome.observations.len() + replaced, results);
        let anything = !outcome.observations.is_empty() || !outcome.queries.is_empty() || !outcome.problems.is_empty();
        prop_assert!(anything, "a message without any trace");
    }

    #[test]
    fn reading_again_gives_the_same(bytes in message()) {
        prop_assert_eq!(read_by(&reading(profile()), &bytes), read_by(&reading(profile()), &bytes));
    }

    #[test]
    fn a_query_is_answered_without_fear(bytes in message()) {
        let found = super::super::Found::new();
        if let Some(reply) = super::super::answer(&bytes, &reading(profile()), &found, context().received_at) {
            let reply = Message::parse(&reply).records().map(|record| record.kind()).collect::<Vec<_>>();
            prop_assert_eq!(reply.first(), Some(&Kind::Header));
            prop_assert_eq!(reply.last(), Some(&Kind::Terminator));
        }
    }
}
