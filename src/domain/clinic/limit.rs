//! A limit with its own operator: `< 3.0` and `<= 3.0` are two different limits.

use labwire_units::Exact;

use super::criteria::Answer;
use super::reach::Reach;
use crate::domain::Comparator;

/// One limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    pub operator: Comparator,
    /// In the unit in which the analyte is reported.
    pub at: Exact,
    /// As the rule has it, with its unit.
    pub written: String,
}

/// A limit for each side; at least one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub low: Option<Limit>,
    pub high: Option<Limit>,
}

impl Limit {
    /// Whether a value meets it. Unknown where the value's comparator leaves both open.
    pub fn is_met(&self, value: &Reach) -> Answer {
        let (met, missed) = match self.operator {
            Comparator::Less => (all_below(value, &self.at, false), all_above(value, &self.at, true)),
            Comparator::LessOrEqual => (all_below(value, &self.at, true), all_above(value, &self.at, false)),
            Comparator::Greater => (all_above(value, &self.at, false), all_below(value, &self.at, true)),
            Comparator::GreaterOrEqual => {
                (all_above(value, &self.at, true), all_below(value, &self.at, false))
            }
        };
        match (met, missed) {
            (true, _) => Answer::Yes,
            (_, true) => Answer::No,
            _ => Answer::Unknown,
        }
    }

    /// Whether no value meets both.
    pub fn excludes(&self, other: &Limit) -> bool {
        use Comparator::{Greater, GreaterOrEqual, Less, LessOrEqual};
        let (low, high) = match (self.operator, other.operator) {
            (Greater | GreaterOrEqual, Less | LessOrEqual) => (self, other),
            (Less | LessOrEqual, Greater | GreaterOrEqual) => (other, self),
            _ => return false,
        };
        let touch = low.operator == GreaterOrEqual && high.operator == LessOrEqual;
        low.at > high.at || low.at == high.at && !touch
    }
}

/// Whether everything in `value` is below a point, or at it where that counts.
fn all_below(value: &Reach, point: &Exact, at_counts: bool) -> bool {
    value
        .high
        .as_ref()
        .is_some_and(|edge| edge.at < *point || (edge.at == *point && (at_counts || !edge.is_in)))
}

fn all_above(value: &Reach, point: &Exact, at_counts: bool) -> bool {
    value
        .low
        .as_ref()
        .is_some_and(|edge| edge.at > *point || (edge.at == *point && (at_counts || !edge.is_in)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(text: &str) -> Exact {
        Exact::parse(text).unwrap()
    }

    #[test]
    fn a_value_with_a_comparator_is_decided_only_where_nothing_is_left_open() {
        for (limit, value, expected) in [
            ("< 2.8", "<1.5", Answer::Yes),
            ("< 2.8", "<2.8", Answer::Yes),
            ("< 2.8", "<=2.8", Answer::Unknown),
            ("<= 2.8", "<=2.8", Answer::Yes),
            ("< 2.8", "<5.0", Answer::Unknown),
            ("< 2.8", ">2.8", Answer::No),
            ("< 2.8", ">=2.8", Answer::No),
            ("<= 2.8", ">=2.8", Answer::Unknown),
            ("<= 2.8", ">2.8", Answer::No),
            ("< 2.8", ">1", Answer::Unknown),
            ("< 3.0", "3.0", Answer::No),
            ("<= 3.0", "3.0", Answer::Yes),
            ("< 3.0", "2.999999999999999999999", Answer::Yes),
            ("> 6.1", ">6.1", Answer::Yes),
            ("> 6.1", ">=6.1", Answer::Unknown),
            (">= 6.1", ">=6.1", Answer::Yes),
            (">= 6.1", "<6.1", Answer::No),
            ("> 6.1", "<=6.1", Answer::No),
            ("> 6.1", "6.1", Answer::No),
            (">= 6.1", "6.10", Answer::Yes),
        ] {
            let (operator, at) = Comparator::split(limit);
            let limit_read = Limit { operator: operator.unwrap(), at: exact(at), written: limit.to_owned() };
            let (comparator, number) = Comparator::split(value);
            let reach = Reach::of(comparator, &exact(number));
            assert_eq!(limit_read.is_met(&reach), expected, "{value} against {limit}");
        }
    }
}
