//! What an answer to a host query says, in words for a person: "no order" and "unknown specimen" are different things. It
//! names no specimen and no patient.

use super::work::Tube;

const UNKNOWN: &str = "unknown specimen";

/// What was told of the tubes of one query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Told {
    tubes: usize,
    tests: usize,
    /// There was more than one answer may hold.
    more: bool,
    /// How many tubes had nothing, by why.
    without: Vec<(usize, &'static str)>,
    /// Why there was nothing to look for.
    nothing: Option<&'static str>,
}

impl Told {
    pub(super) fn nothing(why: &'static str) -> Told {
        Told { nothing: Some(why), ..Told::default() }
    }

    pub(super) fn of(tubes: &[Tube], more: bool) -> Told {
        let mut told = Told { more, ..Told::default() };
        for tube in tubes {
            match tube {
                Tube::Work(work) => {
                    told.tubes += 1;
                    told.tests += work.tests.len();
                }
                Tube::Unknown => told.add(UNKNOWN),
                Tube::NoneActive => told.add("no order: all are held, cancelled or done"),
                Tube::NotOurs => told.add("no order for this instrument"),
                Tube::Ambiguous(_) => told.add("no order told: [codes] gives its test several codes"),
                Tube::NotThePatients => {
                    told.add(
                        "no order told: the analyzer asked for it as another patient's than the orders do",
                    );
                }
                Tube::NumberOfSeveral => {
                    told.add("no order told: several patients have the number that was asked for")
                }
                Tube::OtherTests => told.add("no order for a test that was asked for"),
                Tube::SeveralPatients => told.add("no order told: the label has orders of several patients"),
            }
        }
        told
    }

    fn add(&mut self, why: &'static str) {
        match self.without.iter_mut().find(|(_, known)| *known == why) {
            Some((count, _)) => *count += 1,
            None => self.without.push((1, why)),
        }
    }

    /// Whether a tube was asked for of which nothing is known.
    pub(super) fn has_unknown(&self) -> bool {
        self.without.iter().any(|(_, why)| *why == UNKNOWN)
    }

    /// Begins with "orders" if the answer brings some. `notes` say how far what is known can be trusted.
    pub(super) fn text(&self, notes: &[String]) -> String {
        let mut parts = Vec::new();
        if self.tests > 0 {
            let more = if self.more { ", and there are more" } else { "" };
            parts.push(match (self.tubes, self.tests) {
                (1, 1) => format!("orders: 1 test{more}"),
                (1, tests) => format!("orders: {tests} tests{more}"),
                (tubes, tests) => format!("orders: {tests} tests for {tubes} specimens{more}"),
            });
        }
        let alone = self.tests == 0 && self.without.len() == 1;
        parts.extend(self.without.iter().map(|(count, why)| match (alone && *count == 1, count) {
            (true, _) => (*why).to_owned(),
            (false, count) => format!("{count} × {why}"),
        }));
        parts.extend(self.nothing.map(|why| format!("no information: {why}")));
        if parts.is_empty() {
            let among = if self.more { " among the most urgent orders, and there are more" } else { "" };
            parts.push(format!("nothing to do{among}"));
        }
        parts.extend(notes.iter().filter(|note| !note.is_empty()).cloned());
        parts.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_says_what_it_is() {
        let not_ours = || Tube::NotOurs;
        for (tubes, expected) in [
            (vec![Tube::Unknown], "unknown specimen"),
            (vec![Tube::NoneActive], "no order: all are held, cancelled or done"),
            (
                vec![not_ours(), not_ours(), Tube::Unknown],
                "2 × no order for this instrument; 1 × unknown specimen",
            ),
            (vec![], "nothing to do"),
        ] {
            assert_eq!(Told::of(&tubes, false).text(&[]), expected);
        }
        assert_eq!(
            Told::of(&[], true).text(&[]),
            "nothing to do among the most urgent orders, and there are more"
        );
        assert_eq!(
            Told::nothing("no specimen is named").text(&["as of 09:12".to_owned()]),
            "no information: no specimen is named; as of 09:12"
        );
    }
}
