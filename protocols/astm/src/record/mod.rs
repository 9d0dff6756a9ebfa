//! LIS02 records: lossless parsing, typed views, editing and composing. Works on bytes, because characters are
//! decoded later, per field. Never sees a frame, never fails and never changes a byte that it wasn't asked to.

mod comment;
mod delimiters;
mod draft;
mod edit;
mod escape;
mod field;
mod header;
mod kind;
mod manufacturer;
mod message;
mod order;
mod path;
mod patient;
mod query;
mod result;
mod scientific;
mod terminator;
mod view;

pub use comment::CommentRecord;
pub use delimiters::{Delimiters, HeaderFault};
pub use draft::Draft;
pub use edit::EditError;
pub use field::Field;
pub use header::HeaderRecord;
pub use kind::Kind;
pub use manufacturer::ManufacturerRecord;
pub use message::{Message, Record};
pub use order::OrderRecord;
pub use path::Path;
pub use patient::PatientRecord;
pub use query::QueryRecord;
pub use result::ResultRecord;
pub use scientific::ScientificRecord;
pub use terminator::TerminatorRecord;
