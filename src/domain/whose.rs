//! Whose orders are: whether several can be said to be of one patient. It compares what sources told and changes nothing;
//! where nothing says that two are one person, they are two.

use super::{Order, Patient, is_one_authority};

/// An order, and who told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sourced<'a> {
    pub source: &'a str,
    pub order: &'a Order,
}

impl Sourced<'_> {
    /// Whether nobody can say that both are of one patient. The number and who assigned it decide, unless name and day of
    /// birth both are another's; a number that no authority assigned is its source's own. Without a number that both mean
    /// alike the name decides, and what both say of birth and sex; between two sources only with a birth date.
    pub fn is_of_another(&self, other: &Sourced<'_>) -> bool {
        let (one, two) = (self.order.patient.reveal(), other.order.patient.reveal());
        let is_numbered = |it: &Patient| !it.id.trim().is_empty();
        let is_assigned = |it: &Patient| is_numbered(it) && !it.authority.is_empty();
        let is_one_source = self.source == other.source;
        let numbers_count = match is_one_source {
            true => is_numbered(one) || is_numbered(two),
            false => is_assigned(one) || is_assigned(two),
        };
        if numbers_count {
            return one.id.trim() != two.id.trim()
                || !is_one_authority(&one.authority, &two.authority)
                || one.may_be_another(two);
        }
        let says_who =
            |it: &Patient| is_one_source || !it.plain_name().is_empty() && !it.birth_date.trim().is_empty();
        one.plain_name() != two.plain_name() || one.contradicts(two) || !says_who(one) || !says_who(two)
    }

    /// Whether these orders are of more than one patient, as far as anybody can say.
    pub fn are_of_several<'a>(orders: impl IntoIterator<Item = Sourced<'a>>) -> bool {
        let orders: Vec<Sourced<'a>> = orders.into_iter().collect();
        let pairs = orders
            .iter()
            .enumerate()
            .flat_map(|(at, one)| orders.iter().skip(at.saturating_add(1)).map(move |other| (one, other)));
        pairs.into_iter().any(|(one, other)| one.is_of_another(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{OrderKey, Priority, Private, SpecimenId};

    fn of(id: &str, authority: &str, name: &str, born: &str, sex: &str) -> Order {
        let patient = Patient {
            id: id.to_owned(),
            authority: authority.to_owned(),
            name: name.to_owned(),
            birth_date: born.to_owned(),
            sex: sex.to_owned(),
            location: String::new(),
        };
        Order {
            key: OrderKey { number: String::new(), specimen: SpecimenId::new("T1"), test: "GLU".to_owned() },
            labels: Vec::new(),
            parent: None,
            test_name: String::new(),
            placer: String::new(),
            filler: String::new(),
            priority: Priority::Routine,
            specimen_kind: String::new(),
            collected: String::new(),
            patient: Private::new(patient),
        }
    }

    fn lims(order: &Order) -> Sourced<'_> {
        Sourced { source: "orders lims", order }
    }

    fn rest(order: &Order) -> Sourced<'_> {
        Sourced { source: "orders rest", order }
    }

    #[test]
    fn without_a_number_the_name_birth_and_sex_say_whether_two_orders_are_of_one_patient() {
        let anna = of("", "", "Example^Anna", "19800102", "F");
        for (other, is_another) in [
            (of("", "HOSP", "EXAMPLE^ANNA^", "1980-01-02", ""), false),
            (of("", "", "Example^Anna", "", "U"), false),
            (of("", "", "Sample^Otto", "19800102", "F"), true),
            (of("", "", "", "", ""), true),
            (of("", "", "Example^Anna", "19800103", "F"), true),
            (of("", "", "Example^Anna", "19800102", "M"), true),
            (of("EX77", "HOSP", "Example^Anna", "19800102", "F"), true),
        ] {
            assert_eq!(lims(&anna).is_of_another(&lims(&other)), is_another, "{:?}", other.patient.reveal());
            assert_eq!(Sourced::are_of_several([&other, &anna, &anna].map(lims)), is_another);
        }
        let numbered = of("EX77", "HOSP", "Example^Anna", "", "");
        let married = of("EX77", "HOSP", "Married^Anna", "", "");
        assert!(!lims(&numbered).is_of_another(&lims(&married)), "the number decides");
        for (name, born, is_another) in [
            ("Married^Anna", "19800102", false),
            ("Example^Anna", "19810102", false),
            ("EXAMPLE, ANNA B", "19810102", false),
            ("Sample^Otto", "", false),
            ("Sample^Otto", "19500505", true),
        ] {
            let (one, other) =
                (of("EX77", "HOSP", "Example^Anna", "1980-01-02", "F"), of("EX77", "HOSP", name, born, ""));
            assert_eq!(lims(&one).is_of_another(&lims(&other)), is_another, "{name} {born}");
            assert_eq!(rest(&other).is_of_another(&lims(&one)), is_another, "{name} {born}");
        }
        assert!(!lims(&numbered).is_of_another(&rest(&married)), "an authority's number is everybody's");
        let elsewhere = of("EX77", "CLINIC", "Example^Anna", "", "");
        assert!(lims(&numbered).is_of_another(&lims(&elsewhere)));
        let [one, two] = ["HOSP&1.2.3", "HOSP&1.2.4"].map(|by| of("EX77", by, "Example^Anna", "", ""));
        assert!(!rest(&one).is_of_another(&lims(&numbered)), "the name is the same, and nothing differs");
        assert!(lims(&one).is_of_another(&lims(&two)), "one name, and two that have it");
        assert!(Sourced::are_of_several([&one, &numbered, &two].map(lims)), "whatever stands between them");
        assert!(!Sourced::are_of_several([]));
    }

    fn patients() -> impl Strategy<Value = Order> {
        let one_of = |all: &'static [&'static str]| proptest::sample::select(all);
        (
            one_of(&["", "55", "56 "]),
            one_of(&["", "HOSP", "HOSP&1.2.3", "HOSP&1.2.4", "1.2.3"]),
            one_of(&["", "Example^Anna", "EXAMPLE^ANNA^", "Example^Anna^B", "Sample^Otto", "^"]),
            one_of(&["", "19800102", "1980-01-02", "19500505", "?"]),
            one_of(&["", "F", "female", "M", "U"]),
        )
            .prop_map(|(id, authority, name, born, sex)| of(id, authority, name, born, sex))
    }

    proptest! {
        #[test]
        fn whoever_is_compared_with_whom_the_answer_is_the_same(one in patients(), other in patients()) {
            prop_assert_eq!(lims(&one).is_of_another(&lims(&other)), lims(&other).is_of_another(&lims(&one)));
            prop_assert_eq!(lims(&one).is_of_another(&rest(&other)), rest(&other).is_of_another(&lims(&one)));
            prop_assert!(!lims(&one).is_of_another(&lims(&one)));
            let (one, other) = (one.patient.reveal(), other.patient.reveal());
            prop_assert_eq!(one.may_be_another(other), other.may_be_another(one));
        }

        #[test]
        fn a_newer_word_counts_once_and_forgets_nothing(old in patients(), new in patients()) {
            let (old, new) = (old.patient.reveal(), new.patient.reveal());
            let now = old.brought_up_to_date(new);
            prop_assert_eq!(&now.brought_up_to_date(new), &now);
            prop_assert!(!now.may_be_another(new));
            for (was, said, is) in [
                (&old.id, &new.id, &now.id),
                (&old.name, &new.name, &now.name),
                (&old.birth_date, &new.birth_date, &now.birth_date),
                (&old.sex, &new.sex, &now.sex),
            ] {
                prop_assert!(is == was || is == said);
                prop_assert!(!is.is_empty() || was.is_empty());
            }
        }
    }

    #[test]
    fn a_number_without_an_authority_is_its_sources_own() {
        let adam = of("55", "", "Alpha^Adam", "19400101", "M");
        for (other, is_another, is_another_there) in [
            (of("55", "", "Beta^Berta", "19990909", "F"), true, true),
            (of("55", "", "Beta^Berta", "19400101", "F"), false, true),
            (of("55", "", "Alpha^Adam", "", "M"), false, true),
            (of("55", "", "", "19400101", "M"), false, true),
            (of("55", "", "ALPHA^ADAM", "1940-01-01", ""), false, false),
            (of("55", "", "Alpha^Adam", "19400101", "F"), false, true),
            (of("56", "", "Alpha^Adam", "19400101", "M"), true, false),
            (of("", "", "Alpha^Adam", "19400101", "M"), true, false),
            (of("55", "HOSP", "Alpha^Adam", "19400101", "M"), true, true),
        ] {
            assert_eq!(lims(&adam).is_of_another(&lims(&other)), is_another, "{:?}", other.patient.reveal());
            assert_eq!(
                lims(&adam).is_of_another(&rest(&other)),
                is_another_there,
                "{:?}",
                other.patient.reveal()
            );
            assert_eq!(rest(&other).is_of_another(&lims(&adam)), is_another_there);
        }
        let nobody = of("", "", "", "", "");
        assert!(lims(&nobody).is_of_another(&rest(&nobody)), "nothing says that they are one");
    }
}
