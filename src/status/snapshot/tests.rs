//! What the board and the journal together say of links and destinations.

use super::*;
use crate::board::Board;
use crate::journal::DestinationSums;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn known(instruments: &[&str], destinations: &[&str]) -> Known {
    Known {
        instruments: instruments
            .iter()
            .map(|name| Configured {
                name: (*name).to_owned(),
                description: String::new(),
                wire: Wire::Port("/dev/ttyS0".to_owned()),
            })
            .collect(),
        destinations: destinations.iter().map(|name| ((*name).to_owned(), Mode::Live)).collect(),
        rules: String::new(),
        call_steps: Vec::new(),
        measured: Arc::default(),
    }
}

#[test]
fn a_link_starts_until_something_is_known_of_it_whatever_the_words_for_its_failure() {
    let board = Board::default();
    let contact_of = |board: &Board| {
        let analyzers = analyzers(&known(&["c311"], &[]), &[], &board.links(), &[]);
        analyzers.into_iter().map(|it| it.contact).next().unwrap()
    };
    assert_eq!(contact_of(&board), Contact::Starting, "before its link is put up");
    board.add_link("port", vec!["c311".to_owned()], at(1));
    assert_eq!(contact_of(&board), Contact::Starting);
    board.set_link("port", at(2), LinkState::Down("starting".to_owned()));
    assert_eq!(contact_of(&board), Contact::Down { why: "starting".to_owned(), since: at(2) });
}

#[test]
fn a_destination_that_the_configuration_no_longer_names_is_told_from_one_not_tried_yet() {
    let states =
        BTreeMap::from([("pending".to_owned(), 3), ("held".to_owned(), 1), ("accepted".to_owned(), 9)]);
    let owed = DestinationSums { owed: 13, states };
    let sums = Sums {
        intake: crate::journal::IntakeSums::default(),
        destinations: BTreeMap::from([("archive".to_owned(), owed)]),
    };
    let all = destinations(&known(&[], &["lims"]), &sums, &BTreeMap::new(), &BTreeMap::new());
    let told: Vec<_> = all.iter().map(|it| (it.name.as_str(), it.is_configured, it.open())).collect();
    assert_eq!(told, [("archive", false, 4), ("lims", true, 0)]);
}
