//! The nouns of the laboratory. No I/O, no clock, and no serialization: each boundary owns its twin.

mod authority;
pub mod call;
pub mod clinic;
mod code;
mod conversion;
mod correlation;
mod dilution;
mod glob;
mod habit;
mod history;
mod hold;
mod ids;
mod loinc;
mod observation;
mod once_more;
mod order;
mod outcome;
mod passage;
mod person;
mod private;
pub mod profile;
pub mod qc;
mod range;
mod site;
mod time;
mod token;
pub mod traffic;
mod value;
mod visible;
mod whose;
mod words;
pub mod written;

pub use authority::{authority, is_object_identifier, is_one_authority, parts_of_authority};
pub use code::{CodeMapping, CodeSystem, Coding, Panel, Panels, UnknownValue, ValueKind};
pub use conversion::{Conversion, Reported, Rules};
pub use correlation::Correlation;
pub use dilution::{AppliedBy, Dilution, Dilutions};
pub use glob::Glob;
pub use habit::{Habit, HabitKind};
pub use history::{HistoryQuestion, HistoryState, HistoryValue};
pub use hold::HoldReason;
pub use ids::{DestinationId, InstrumentId, SpecimenId};
pub use loinc::is_loinc;
pub use observation::{
    Attachment, Comment, Observation, Patient, SampleClass, Standing, Status, TestIdentity, UnitSource,
    measured_at,
};
pub use once_more::OnceMore;
pub use order::{
    Asks, Numbering, Order, OrderDoubt, OrderKey, OrderRequest, OrderState, PatientChange, Priority,
};
pub use outcome::{HostQuery, Outcome, Problem, ProblemKind};
pub use passage::{Direction, Passage, Passed};
pub use person::{PersonName, Role};
pub use private::Private;
pub use range::{AppliedRange, Range, RangeBand, RangeFlag, RangeFlags, RangeTable};
pub use site::{FinishedTests, OrderRules, RerunPolicy, SpecimenRules, UnorderedPolicy};
pub use time::InstrumentTime;
pub use token::{SpecimenToken, TokenKey};
pub use value::{Comparator, DecimalText, Value};
pub use visible::{from_visible, visible};
pub use whose::Sourced;
pub use words::{Moment, Piece, Words};
pub(crate) use words::{counted, words};
