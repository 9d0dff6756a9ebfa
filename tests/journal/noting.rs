//! What links did wrong is counted for good.

use labwire::journal::notes::LinkNotes;

use super::kit::{Lab, at};

fn noted(source: &str, code: &str, count: u64, first: i64, last: i64) -> LinkNotes {
    LinkNotes {
        source: source.to_owned(),
        code: code.to_owned(),
        count,
        first_at: at(first),
        last_at: at(last),
    }
}

#[test]
fn notes_add_up_over_restarts_and_keep_their_first_time() {
    let lab = Lab::new();
    let add = |lab: &Lab, notes| lab.wait(lab.journal.add_notes(notes)).unwrap();
    add(&lab, vec![noted("port 1", "bad-checksum", 2, 10, 12), noted("port 2", "noise", 7, 11, 11)]);
    let lab = lab.reopen();
    add(&lab, vec![noted("port 1", "bad-checksum", 3, 50, 55), noted("port 1", "noise", 1, 50, 50)]);
    assert_eq!(
        lab.reader.link_notes().unwrap(),
        [
            noted("port 1", "bad-checksum", 5, 10, 55),
            noted("port 1", "noise", 1, 50, 50),
            noted("port 2", "noise", 7, 11, 11),
        ]
    );
    assert_eq!(lab.ask::<i64>("SELECT count(*) FROM audit"), 0, "a note is no step of anybody's result");
    lab.assert_balanced();
}
