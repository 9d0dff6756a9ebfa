//! HL7 v2 messages: lossless parsing, typed views, editing and composing. Works on bytes and decodes characters a
//! field at a time, so that a wrong character set can't lose a message. Never sees a block and never changes a byte
//! that it wasn't asked to.

mod charset;
mod control;
mod draft;
mod edit;
mod escape;
mod field;
mod line;
mod observation;
mod order;
mod parsed;
mod path;
mod patient;
mod query;
mod segment;
mod separators;
mod specimen;
mod split;
mod view;

pub use charset::{Charset, Text};
pub use control::{Err, Msa, Msh};
pub use draft::{Draft, Value};
pub use edit::EditError;
pub use field::Field;
pub use observation::{Nte, Obx};
pub use order::{Obr, Orc};
pub use parsed::{Message, ParseError};
pub use path::Path;
pub use patient::{Pid, Pv1};
pub use query::{Qpd, Qrd, Qrf};
pub use segment::Segment;
pub use separators::{HeaderFault, Separators};
pub use specimen::{Inv, Sac, Spm};
