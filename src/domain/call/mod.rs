//! Critical calls: what must be told to whom by when, and what people recorded of it. The gateway opens and reopens calls
//! and reminds of them; that somebody was told is known from a person's word alone.

mod course;
mod entry;
mod identity;
mod policy;
mod tell;

pub use course::{A_MINUTE, CallEvent, Cause, Course, Due, Found, Opening, Reopening, Stand, Wants};
pub use entry::{Agreement, Attempt, CallEntry, CallOutcome, IdentifierKind};
pub use policy::{CallPolicy, ClockStart, Keeper, Step, steps_come, whom};
pub use tell::{Differing, Tell};
