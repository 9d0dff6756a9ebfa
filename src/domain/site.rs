//! What a site decides about the data of one of its instruments.

use super::OrderDoubt;

/// How a specimen number on the wire becomes the LIMS's. Applied in the order of the fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpecimenRules {
    /// Remove spaces around it.
    pub trim: bool,
    /// Cut at the first of these characters, which starts a suffix such as a tube or run number.
    pub suffix_separators: String,
    /// Remove this prefix where it stands.
    pub strip_prefix: String,
    /// Remove leading zeros (an all-zero number keeps one).
    pub strip_leading_zeros: bool,
    /// Pad with zeros on the left to this width.
    pub pad_to: Option<usize>,
    /// Refuse to guess: a number that is at least this long as sent, spaces around it aside, was cut off by the
    /// analyzer and is held.
    pub truncated_at: Option<usize>,
}

/// What happens to a second value for a result that was already received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RerunPolicy {
    /// It is forwarded as a further result.
    Forward,
    /// It waits for a person to choose.
    Hold,
}

/// What an analyzer is told of a test that it has done already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FinishedTests {
    /// Nothing, until the LIMS places it anew.
    #[default]
    Leave,
    /// That it is to be done, as long as the LIMS's order stands.
    Repeat,
}

/// What happens to a result that doesn't belong to an order without a doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnorderedPolicy {
    /// It leaves as any other.
    Deliver,
    /// It leaves, and the LIMS is told of the doubt.
    Mark,
    /// It waits for a person.
    Hold,
}

/// What happens to results by what speaks against their orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderRules {
    pub not_ordered: UnorderedPolicy,
    pub cancelled: UnorderedPolicy,
    pub done: UnorderedPolicy,
    pub other_kind: UnorderedPolicy,
    pub other_patient: UnorderedPolicy,
    /// The label has open orders of several patients: nobody can say whose result it is.
    pub several_patients: UnorderedPolicy,
    pub finished: FinishedTests,
}

impl OrderRules {
    pub fn of(&self, doubt: OrderDoubt) -> UnorderedPolicy {
        match (doubt, self.not_ordered) {
            (OrderDoubt::NotOrdered, rule) => rule,
            // It was ordered: where nobody asks about orders it is nothing to speak of, else the LIMS is to choose.
            (OrderDoubt::SeveralOrders, UnorderedPolicy::Deliver) => UnorderedPolicy::Deliver,
            (OrderDoubt::SeveralOrders, _) => UnorderedPolicy::Mark,
            (OrderDoubt::SeveralPatients, _) => self.several_patients,
            (OrderDoubt::OtherPatient, _) => self.other_patient,
            (OrderDoubt::Cancelled, _) => self.cancelled,
            (OrderDoubt::Final, _) => self.done,
            (OrderDoubt::OtherKind, _) => self.other_kind,
        }
    }
}
