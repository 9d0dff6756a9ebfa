//! Bytes and links: opening serial ports and sockets, and driving a protocol machine over them. Knows no
//! instrument, no journal and no message.

mod control_ids;
mod driver;
pub mod ear;
mod mailboxes;
pub mod serial;
pub mod tcp;

pub use control_ids::ControlIds;
pub use driver::{Bounds, Ended, Handler, Outgoing, Surroundings, drive};
pub use mailboxes::Mailboxes;
