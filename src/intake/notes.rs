//! Takes what the board counted of the links' notes to the journal, a few seconds' worth at once: a line full of noise
//! must not cost a sync for each byte of it.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::board::{Board, LinkView};
use crate::journal::Journal;
use crate::journal::notes::LinkNotes;

/// The least time between two writes.
const EVERY: Duration = Duration::from_secs(5);

/// What was written of each link and code since the start.
type Written = BTreeMap<(String, &'static str), u64>;

/// Goes on until `stop`, and writes once more then. What can't be written is tried again with what comes after it.
pub async fn keep(journal: Journal, board: Board, stop: CancellationToken) {
    let mut written = Written::new();
    loop {
        let is_last = tokio::select! {
            () = stop.cancelled() => true,
            () = tokio::time::sleep(EVERY) => false,
        };
        let links = board.links();
        let new = unwritten(&links, &written);
        if !new.is_empty() {
            match journal.add_notes(new).await {
                Ok(()) => written = counts(&links),
                Err(error) => tracing::warn!(%error, "failed to keep the notes of the links; trying again"),
            }
        }
        if is_last {
            return;
        }
    }
}

fn counts(links: &BTreeMap<String, LinkView>) -> Written {
    let of = |(source, link): (&String, &LinkView)| {
        let counts = link.notes.iter().map(|(code, noted)| ((source.clone(), *code), noted.count));
        counts.collect::<Vec<_>>()
    };
    links.iter().flat_map(of).collect()
}

fn unwritten(links: &BTreeMap<String, LinkView>, written: &Written) -> Vec<LinkNotes> {
    let mut new = Vec::new();
    for (source, link) in links {
        for (code, noted) in &link.notes {
            let before = written.get(&(source.clone(), *code)).copied().unwrap_or_default();
            if noted.count > before {
                new.push(LinkNotes {
                    source: source.clone(),
                    code: (*code).to_owned(),
                    count: noted.count - before,
                    first_at: noted.first_at,
                    last_at: noted.last_at,
                });
            }
        }
    }
    new
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn each_note_is_handed_over_once() {
        let board = Board::default();
        board.add_link("port 1", vec!["sim".to_owned()], at(0));
        board.note("port 1", at(1), "bad-checksum", "a frame with a wrong checksum was refused");
        board.note("port 1", at(2), "bad-checksum", "a frame with a wrong checksum was refused");
        let shown = |notes: &[LinkNotes]| {
            let one = |it: &LinkNotes| (it.code.clone(), it.count, it.last_at);
            notes.iter().map(one).collect::<Vec<_>>()
        };
        let mut written = Written::new();
        let first = unwritten(&board.links(), &written);
        assert_eq!(shown(&first), [("bad-checksum".to_owned(), 2, at(2))]);
        assert_eq!(first[0].first_at, at(1));
        assert_eq!(unwritten(&board.links(), &written), first, "what wasn't written comes again");
        written = counts(&board.links());
        assert_eq!(unwritten(&board.links(), &written), []);
        board.note("port 1", at(3), "bad-checksum", "a frame with a wrong checksum was refused");
        board.note("port 1", at(3), "noise", "bytes outside a frame were ignored");
        let then = [("bad-checksum".to_owned(), 1, at(3)), ("noise".to_owned(), 1, at(3))];
        assert_eq!(shown(&unwritten(&board.links(), &written)), then);
    }
}
