//! What the LIMS wants done: one test of one specimen, for a patient as the LIMS knows them. An instrument's word
//! changes nothing of it.

use std::fmt;

use super::{Patient, Private, SpecimenId};

/// One test of one specimen.
#[derive(Clone, PartialEq, Eq)]
pub struct Order {
    pub key: OrderKey,
    /// The labels under which its tubes are known: the specimen's own and its containers'. Each once.
    pub labels: Vec<SpecimenId>,
    /// The specimen that it is an aliquot of, where the LIMS says so.
    pub parent: Option<SpecimenId>,
    /// The test in words, as the LIMS has them.
    pub test_name: String,
    /// The placer's number; empty where the LIMS sends none.
    pub placer: String,
    /// The number of who performs it; empty where the LIMS sends none.
    pub filler: String,
    pub priority: Priority,
    /// As the LIMS writes it.
    pub specimen_kind: String,
    /// When it was drawn, as the LIMS writes it.
    pub collected: String,
    pub patient: Private<Patient>,
}

/// What makes two orders one: the LIMS's number, the specimen and the test.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrderKey {
    /// The placer's number, or the filler's where there is none. Empty where the LIMS sends neither.
    pub number: String,
    pub specimen: SpecimenId,
    /// The LIMS's own code.
    pub test: String,
}

/// How soon it is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    Stat,
    Asap,
    Routine,
}

impl Priority {
    /// Reads the letters and words of HL7 and ASTM; whatever else says nothing of haste.
    pub fn read(text: &str) -> Priority {
        match text.trim().to_ascii_uppercase().as_str() {
            "S" | "STAT" => Priority::Stat,
            "A" | "ASAP" => Priority::Asap,
            _ => Priority::Routine,
        }
    }

    /// `S`, `A` or `R`, as both protocols write it.
    pub fn letter(self) -> &'static str {
        match self {
            Priority::Stat => "S",
            Priority::Asap => "A",
            Priority::Routine => "R",
        }
    }
}

/// Where an order stands, by the LIMS's last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrderState {
    /// To be done: the only state in which an instrument is told of it.
    Active,
    Held,
    Cancelled,
    Discontinued,
    Replaced,
    Completed,
}

impl OrderState {
    pub const ALL: [OrderState; 6] = [
        OrderState::Active,
        OrderState::Held,
        OrderState::Cancelled,
        OrderState::Discontinued,
        OrderState::Replaced,
        OrderState::Completed,
    ];

    /// The stable name, as stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            OrderState::Active => "active",
            OrderState::Held => "held",
            OrderState::Cancelled => "cancelled",
            OrderState::Discontinued => "discontinued",
            OrderState::Replaced => "replaced",
            OrderState::Completed => "completed",
        }
    }

    pub fn from_name(name: &str) -> Option<OrderState> {
        OrderState::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// What speaks against a result's belonging to an order that is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrderDoubt {
    /// No order for this test of this specimen is known.
    NotOrdered,
    /// Several orders of one patient fit, and nothing says which.
    SeveralOrders,
    /// Orders of several patients fit.
    SeveralPatients,
    /// The LIMS took the order back.
    Cancelled,
    /// The LIMS has called the order done.
    Final,
    /// The analyzer measured another kind of specimen than was ordered.
    OtherKind,
    /// The analyzer named another patient than the LIMS.
    OtherPatient,
}

impl OrderDoubt {
    pub const ALL: [OrderDoubt; 7] = [
        OrderDoubt::NotOrdered,
        OrderDoubt::SeveralOrders,
        OrderDoubt::SeveralPatients,
        OrderDoubt::Cancelled,
        OrderDoubt::Final,
        OrderDoubt::OtherKind,
        OrderDoubt::OtherPatient,
    ];

    /// The stable name, as stored and sent.
    pub fn name(self) -> &'static str {
        match self {
            OrderDoubt::NotOrdered => "not-ordered",
            OrderDoubt::SeveralOrders => "several-orders",
            OrderDoubt::SeveralPatients => "several-patients",
            OrderDoubt::Cancelled => "order-cancelled",
            OrderDoubt::Final => "order-final",
            OrderDoubt::OtherKind => "other-specimen-kind",
            OrderDoubt::OtherPatient => "other-patient",
        }
    }

    pub fn from_name(name: &str) -> Option<OrderDoubt> {
        OrderDoubt::ALL.into_iter().find(|doubt| doubt.name() == name)
    }

    /// Whether it is about whose the result is.
    pub fn is_of_identity(self) -> bool {
        matches!(self, OrderDoubt::SeveralPatients | OrderDoubt::OtherPatient)
    }

    /// What it means, for a person on either side.
    pub fn text(self) -> &'static str {
        match self {
            OrderDoubt::NotOrdered => "the LIMS told no order for this test of this specimen",
            OrderDoubt::SeveralOrders => "several orders fit, and nothing says which",
            OrderDoubt::SeveralPatients => "orders of several patients fit",
            OrderDoubt::Cancelled => "the LIMS took its order for this test of this specimen back",
            OrderDoubt::Final => "the LIMS has called its order for this test of this specimen done",
            OrderDoubt::OtherKind => "the analyzer measured another kind of specimen than was ordered",
            OrderDoubt::OtherPatient => "the analyzer named another patient than the LIMS",
        }
    }
}

/// What the LIMS gives a placer's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Numbering {
    /// To each order, with all its tests: who places it anew says all of it.
    #[default]
    Order,
    /// To a request, whose orders may come one by one.
    Request,
}

/// What the LIMS asks for about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// That it be known, as it is told now; a known one is brought up to date and active again.
    Place,
    /// That what is told now stands in place of what was; its state stays.
    Change,
    /// That it stand so from now on. Nothing else of it changes.
    Become(OrderState),
}

/// One request about an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRequest {
    pub asks: Asks,
    /// For [`Asks::Become`], an empty part of the key means any.
    pub order: Order,
}

/// The LIMS says that a patient is somebody else than it said before, or has other particulars.
#[derive(Clone, PartialEq, Eq)]
pub struct PatientChange {
    /// The number and authority by which the orders know the patient until now.
    pub known_as: Private<(String, String)>,
    pub patient: Private<Patient>,
}

/// An order leads to a patient: only what doesn't is shown.
impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Order({:?}, {} labels)", self.priority, self.labels.len())
    }
}

impl fmt::Debug for OrderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(order)")
    }
}

impl fmt::Debug for PatientChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(patient)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_is_read_from_letters_and_words() {
        for (text, expected) in [
            ("S", Priority::Stat),
            ("stat", Priority::Stat),
            (" A ", Priority::Asap),
            ("R", Priority::Routine),
            ("", Priority::Routine),
            ("PRN", Priority::Routine),
            ("SOON", Priority::Routine),
        ] {
            assert_eq!(Priority::read(text), expected, "{text:?}");
        }
    }

    #[test]
    fn each_state_is_known_by_its_name() {
        for state in OrderState::ALL {
            assert_eq!(OrderState::from_name(state.name()), Some(state));
        }
        assert_eq!(OrderState::from_name("done"), None);
        for doubt in OrderDoubt::ALL {
            assert_eq!(OrderDoubt::from_name(doubt.name()), Some(doubt));
        }
    }
}
