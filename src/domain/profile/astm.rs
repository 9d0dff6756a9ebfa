//! A model that speaks ASTM: its records, and where they keep what.

use std::collections::BTreeSet;

use labwire_astm::record::Kind;
use labwire_astm::transfer;

use super::{Location, Pattern, Places, QueryStyle, Trust};
use crate::domain::{SampleClass, Status};

/// The model's way with ASTM. The default keeps to the standard.
#[derive(Debug, Clone, PartialEq)]
pub struct AstmDialect {
    /// The kinds of record that the model is known to send.
    pub records: BTreeSet<Kind>,
    /// How the model names itself.
    pub sender: Option<SenderRule>,
    pub places: Places,
    /// Parts of a result that are only understood with one content.
    pub pins: Vec<Pin>,
    /// What makes a sample a control or a calibrator. The first rule that matches decides.
    pub classes: Vec<ClassRule>,
    /// How the line behaves unless the instrument's file says otherwise.
    pub link: transfer::Settings,
    pub query: QueryStyle,
}

impl Default for AstmDialect {
    fn default() -> AstmDialect {
        use Kind::{Comment, Header, Order, Patient, Query, Result, Terminator};
        AstmDialect {
            records: BTreeSet::from([Header, Patient, Order, Result, Comment, Query, Terminator]),
            sender: None,
            places: Places::default(),
            pins: Vec::new(),
            classes: vec![ClassRule::action_q()],
            link: transfer::Settings::default(),
            query: QueryStyle::default(),
        }
    }
}

/// HL7's letters mean other things.
pub(super) const STATUSES: [(&str, Status, Trust); 7] = [
    ("F", Status::Final, Trust::Plain),
    ("C", Status::Correction, Trust::Plain),
    ("P", Status::Preliminary, Trust::Plain),
    ("V", Status::Final, Trust::Plain),
    ("R", Status::Final, Trust::Plain),
    ("W", Status::Final, Trust::InDoubt),
    ("X", Status::Failed, Trust::Plain),
];

pub(super) const FLAGS: [&str; 12] = ["L", "H", "LL", "HH", "<", ">", "N", "A", "U", "D", "B", "W"];

/// A part of a result that must have this content for the result to be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    pub at: Location,
    pub is: String,
    pub meaning: String,
}

/// How a model names itself in its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderRule {
    pub at: Location,
    pub is: Pattern,
}

/// A sign by which controls and calibrators are told from patients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassRule {
    /// A place in the order record.
    pub at: Location,
    pub is: Pattern,
    /// `None`: it can't be told.
    pub class: Option<SampleClass>,
}

impl ClassRule {
    /// The protocol's own sign: action code Q in O.12.
    pub fn action_q() -> ClassRule {
        ClassRule {
            at: Location::field(Kind::Order, 12),
            is: Pattern::new("Q"),
            class: Some(SampleClass::Control),
        }
    }
}
