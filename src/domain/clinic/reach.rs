//! Where a measured value may lie: at one point, or on one side of one where it came with a comparator. Nothing is taken
//! for granted beyond that.

use labwire_units::Exact;

use crate::domain::Comparator;

/// An interval; an end that is missing is open for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    pub low: Option<Edge>,
    pub high: Option<Edge>,
}

/// An end of an interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    pub at: Exact,
    /// Whether the end itself belongs to it.
    pub is_in: bool,
}

impl Reach {
    pub fn exactly(at: Exact) -> Reach {
        let edge = Edge { at, is_in: true };
        Reach { low: Some(edge.clone()), high: Some(edge) }
    }

    pub fn of(comparator: Option<Comparator>, number: &Exact) -> Reach {
        let edge = |is_in| Some(Edge { at: number.clone(), is_in });
        match comparator {
            None => Reach::exactly(number.clone()),
            Some(Comparator::Less) => Reach { low: None, high: edge(false) },
            Some(Comparator::LessOrEqual) => Reach { low: None, high: edge(true) },
            Some(Comparator::Greater) => Reach { low: edge(false), high: None },
            Some(Comparator::GreaterOrEqual) => Reach { low: edge(true), high: None },
        }
    }

    /// The sum of something in this and something in the other.
    pub fn plus(&self, other: &Reach) -> Reach {
        let sum = |one: &Option<Edge>, two: &Option<Edge>| {
            let (one, two) = one.as_ref().zip(two.as_ref())?;
            Some(Edge { at: &one.at + &two.at, is_in: one.is_in && two.is_in })
        };
        Reach { low: sum(&self.low, &other.low), high: sum(&self.high, &other.high) }
    }

    pub fn times(&self, factor: &Exact) -> Reach {
        if factor.is_zero() {
            return Reach::exactly(Exact::zero());
        }
        let scaled =
            |edge: &Option<Edge>| edge.as_ref().map(|edge| Edge { at: &edge.at * factor, is_in: edge.is_in });
        let (low, high) = (scaled(&self.low), scaled(&self.high));
        if factor.is_positive() { Reach { low, high } } else { Reach { low: high, high: low } }
    }
}
