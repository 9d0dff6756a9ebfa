//! What comes of a result that somebody types into the LIMS by hand: that depends on where it is. Pure.

use super::snapshot::Lims;
use crate::domain::{Words, words};

/// Where results are that aren't in a LIMS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Whereabouts {
    /// Some leave by themselves, or are yet to come from an analyzer.
    pub leave: bool,
    pub held: bool,
    pub refused: bool,
    pub perhaps_there: bool,
}

impl Whereabouts {
    /// At a destination to which more comes.
    pub(super) fn at(it: &Lims) -> Whereabouts {
        Whereabouts {
            leave: true,
            held: it.sums.of("held") > 0,
            refused: it.sums.of("refused") > 0,
            perhaps_there: it.perhaps_there() > 0,
        }
    }

    pub(super) fn and(self, other: Whereabouts) -> Whereabouts {
        Whereabouts {
            leave: self.leave || other.leave,
            held: self.held || other.held,
            refused: self.refused || other.refused,
            perhaps_there: self.perhaps_there || other.perhaps_there,
        }
    }

    /// What whoever types one in must know, each state by itself: what goes out of its own accord first.
    pub(super) fn told(self) -> Vec<Words> {
        [
            self.leave.then(|| {
                words!(
                    "labwire sends what waits for the LIMS, and what an analyzer has yet to send, by itself: typed in by hand, it comes a second time. Write down each specimen number for which somebody did."
                )
            }),
            self.held.then(|| {
                words!(
                    "labwire does not send a held result before somebody releases it. Typed in by hand, it must be rejected here: released, it comes a second time."
                )
            }),
            self.refused.then(|| {
                words!(
                    "labwire does not send a refused delivery again by itself. If its results are typed in by hand, all of them, it must be given up: sent once more, they come a second time."
                )
            }),
            self.perhaps_there.then(|| {
                words!(
                    "What may have arrived is perhaps in the LIMS: look there before anybody types it in, then say under dead letters whether it is there."
                )
            }),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_leaves_by_itself_is_said_to_be_sent() {
        let told = |it: Whereabouts| it.told().iter().map(Words::english).collect::<Vec<_>>();
        let none = Whereabouts::default();
        assert!(told(none).is_empty());
        let cases = [
            (Whereabouts { leave: true, ..none }, "Write down each specimen number"),
            (Whereabouts { held: true, ..none }, "must be rejected here"),
            (Whereabouts { refused: true, ..none }, "must be given up"),
            (Whereabouts { perhaps_there: true, ..none }, "look there before anybody types it in"),
        ];
        for (it, expected) in cases {
            let said = told(it);
            assert!(said.len() == 1 && said[0].contains(expected), "{said:?}");
            assert_eq!(said[0].contains("labwire sends"), it.leave, "{said:?}");
        }
        let all = cases.iter().fold(none, |all, (it, _)| all.and(*it));
        assert_eq!(told(all).len(), 4);
    }
}
