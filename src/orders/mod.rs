//! Orders: what the LIMS tells is kept (`listener`, `connection`, `message`, `acknowledge`), and what an analyzer asks is
//! answered from it (`answering`, `work`, `told`). Never makes up an order.

mod acknowledge;
mod answering;
mod connection;
mod listener;
mod message;
mod presence;
mod told;
mod work;

pub use answering::Answering;
pub use listener::{Listener, listen};
pub use presence::Presence;
