//! The clinic's nouns: rules that a laboratory director signs, the case that they are asked about, and what they decide.
//! Every number is exact. Nothing in here evaluates a rule or reads a file.

mod case;
mod completions;
mod criteria;
mod decision;
mod delta;
mod evaluation;
mod integrity;
mod limit;
mod program;
mod reach;
mod rules;

pub use case::{Amount, Case, Identity, Measured, Past, Person, SpecimenFacts};
pub use completions::{DAY, completions};
pub use criteria::{Age, AgeUnit, Answer, Criteria, Sex};
pub use decision::{Check, Decision, Path, Ruling, Why};
pub use delta::{Base, Delta, Method, Together};
pub use evaluation::{Evaluation, Force};
pub use integrity::{
    CheckDigit, Consistency, Demographic, Demographics, Flags, IdentityRule, Index, Missing, NumberPattern,
    Pattern, QcRule, Relation, Sign, Term,
};
pub use limit::{Limit, Limits};
pub use program::Program;
pub use reach::{Edge, Reach};
pub use rules::{Band, Checks, Example, Expected, Rule, RuleKind};
