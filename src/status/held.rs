//! Where results are held, in words: each destination holds a result back by itself, and another may have it already. Pure.

use super::snapshot::Snapshot;
use crate::domain::{Words, counted, words};

/// How many results are held, and where they aren't for that.
pub(super) fn headline(snapshot: &Snapshot) -> Words {
    let held = snapshot.waiting.held;
    let at = snapshot.destinations.iter().map(|it| (&it.name, it.sums.of("held"))).filter(|(_, n)| *n > 0);
    let at: Vec<Words> = at.map(|(name, n)| words!("{n} not in {name}", n, name)).collect();
    let is_one = snapshot.destinations.len() <= 1 || at.is_empty();
    match is_one {
        true => counted!(
            held,
            "{n} result is held and not in the LIMS.",
            "{n} results are held and not in the LIMS."
        ),
        false => {
            let at = Words::row(at, ", ");
            counted!(held, "{n} result is held: {lacking}.", "{n} results are held: {lacking}.", lacking = at)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::lead::tests::calm_bench;

    #[test]
    fn where_there_are_several_destinations_each_that_lacks_a_held_result_is_named() {
        let mut bench = calm_bench();
        bench.waiting.held = 3;
        assert_eq!(headline(&bench), "3 results are held and not in the LIMS.");
        bench.destinations[0].sums.states.insert("held".to_owned(), 3);
        assert_eq!(headline(&bench), "3 results are held and not in the LIMS.");
        let mut archive = bench.destinations[0].clone();
        archive.name = "archive".to_owned();
        archive.sums.states.insert("held".to_owned(), 0);
        bench.destinations.push(archive);
        assert_eq!(headline(&bench), "3 results are held: 3 not in lims.");
        bench.destinations[1].sums.states.insert("held".to_owned(), 1);
        assert_eq!(headline(&bench), "3 results are held: 3 not in lims, 1 not in archive.");
    }
}
