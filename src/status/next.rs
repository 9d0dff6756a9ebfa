//! What a person does next about what doesn't go on by itself, and the places of the page where it is done. Pure; it decides
//! nothing. Commands and reports have words of their own (`reconciliation/remedy.rs`).

use crate::domain::{ProblemKind, Words, counted, words};
use crate::journal::{DeliveryId, ObservationId, ProblemId};

/// What to do, and then where. No places where nothing is to be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Next {
    pub words: Words,
    /// Each a path of the page, and what is done there.
    pub places: Vec<(String, Words)>,
}

impl Next {
    /// Words alone.
    pub(super) fn only(words: Words) -> Next {
        Next { words, places: Vec::new() }
    }

    fn at(words: Words, path: String, there: Words) -> Next {
        Next { words, places: vec![(path, there)] }
    }

    /// The same with this before it.
    pub(super) fn after(self, before: Words) -> Next {
        Next { words: Words::row([before, self.words], " "), ..self }
    }

    /// The whole in English, for programs.
    pub(super) fn english(&self) -> String {
        let places = Words::row(self.places.iter().map(|(_, there)| there.clone()), ", ");
        Words::row([self.words.clone(), places], " ").english()
    }

    /// The paths alone.
    pub(super) fn paths(&self) -> Vec<String> {
        self.places.iter().map(|(path, _)| path.clone()).collect()
    }
}

/// About held results with a specimen number. Each is a decision of its own.
pub(super) fn of_held(results: &[ObservationId]) -> Next {
    let place = |id: &ObservationId| {
        (format!("/held/{id}"), words!("release or reject no. {id}", id = id.to_string()))
    };
    let words = match results {
        [_] => words!("Next: look at it on the analyzer, then"),
        _ => words!("Next: look at each on the analyzer, then"),
    };
    Next { words, places: results.iter().map(place).collect() }
}

/// About a delivery that the LIMS refused.
pub(super) fn after_refusal(id: DeliveryId) -> Next {
    let words = words!("Next: mend what the LIMS complains of, then");
    Next::at(words, of_delivery(id), words!("send it once more or give it up"))
}

/// About a delivery of which nobody knows whether the LIMS has it.
pub(super) fn of_unknown_fate(id: DeliveryId) -> Next {
    Next::at(words!("Next: look in the LIMS, then"), of_delivery(id), words!("say whether it is there"))
}

/// How many results may have arrived: they leave no more by themselves. Nothing for none.
pub(super) fn perhaps_there(results: i64) -> Words {
    match results {
        0 => Words::none(),
        some => counted!(
            some,
            "{n} result may have arrived and waits for a person: see dead letters.",
            "{n} results may have arrived and wait for a person: see dead letters."
        ),
    }
}

/// About a delivery to a destination that the configuration no longer names.
pub(super) fn of_no_destination(id: DeliveryId) -> Next {
    let words = words!("Next: nothing is sent there any more; enter the results in the LIMS by hand, then");
    Next::at(words, of_delivery(id), words!("give it up"))
}

/// About an open problem.
pub(super) fn of_problem(id: ProblemId, kind: &str) -> Next {
    let remedy = Words::fixed(ProblemKind::from_name(kind).map_or("", ProblemKind::remedy));
    Next::at(
        words!("Next: {remedy}, then", remedy),
        format!("/problem/{id}"),
        words!("say that it was seen to"),
    )
}

fn of_delivery(id: DeliveryId) -> String {
    format!("/delivery/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_names_each_thing_that_it_is_about_and_where_it_is_done() {
        let held = of_held(&[ObservationId(5), ObservationId(6)]);
        assert_eq!(held.paths(), ["/held/5", "/held/6"]);
        let expected =
            "Next: look at each on the analyzer, then release or reject no. 5, release or reject no. 6";
        assert_eq!(held.english(), expected);
        for (next, path) in [
            (after_refusal(DeliveryId(7)), "/delivery/7"),
            (of_unknown_fate(DeliveryId(8)), "/delivery/8"),
            (of_no_destination(DeliveryId(9)), "/delivery/9"),
            (of_problem(ProblemId(4), "unknown-code"), "/problem/4"),
        ] {
            assert_eq!(next.paths(), [path]);
            assert!(next.english().contains(", then "), "{next:?}");
        }
    }
}
