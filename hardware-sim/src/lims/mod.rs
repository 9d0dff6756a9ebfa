//! A LIMS on this machine's loopback that keeps a ledger of what it took and fails on command.
//!
//! `POST /results` with an `Idempotency-Key` takes a delivery; `GET /results/{key}` tells what became of one;
//! `POST /control` with `{"mode": "…"}` (and `"times": n`) sets how it fails; `GET /ledger` shows what it
//! holds. It judges no result and interprets no code. [`mllp::MllpLims`] takes HL7 and [`Collector`] files instead;
//! [`Books`] are of a LIMS that tells orders.

mod answer;
mod folder;
mod held;
mod ledger;
pub mod mllp;
mod mode;
mod orders;
mod server;

pub use folder::Collector;
pub use held::Held;
pub use ledger::{Attempt, Discrepancy, Item, Ledger, Outcome};
pub use mode::Mode;
pub use orders::{Books, Conduct, OrderDesk, OrderLine};
pub use server::{Lims, Setup};
