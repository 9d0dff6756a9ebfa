//! Orders: what the LIMS tells is kept, over HL7 (`listener`, `connection`, `message`, `acknowledge`), as JSON (`push`, `json`), asked for
//! (`poll`, `asking`, `web`, `fhir`) or in files (`files`); and what an analyzer asks is answered from it (`answering`, `work`, `told`), or told it unasked
//! (`download`). What the LIMS has of a patient, for results to be compared with: `history`. What is still to be done, for people: `pending`.
//! Never makes up an order.

mod acknowledge;
mod answering;
mod asking;
mod connection;
mod download;
mod fhir;
mod files;
mod history;
mod json;
mod listener;
mod message;
mod pending;
mod poll;
mod presence;
mod push;
mod stepping;
mod taking;
mod told;
mod web;
mod work;

pub use answering::{Answering, Withdrawals};
pub use asking::Asking;
pub use download::Downloading;
pub use history::Historian;
pub use listener::Listener;
pub use pending::{Board, Contested, Pending};
pub use presence::Presence;

use std::sync::Arc;

use crate::config::settings::{OrderSource, OrderWay};
use crate::journal::orders::source_name;
use listener::{Caller, Speaks};

/// Takes what one LIMS tells until the gateway stops.
pub async fn take(listener: Listener, source: Arc<OrderSource>) {
    let name = source_name(&source.name);
    match source.way.clone() {
        OrderWay::Mllp { server, hl7, numbers } => {
            let caller = Caller { name, server, numbers, speaks: Speaks::Hl7(hl7) };
            listener::listen(listener, Arc::new(caller)).await;
        }
        OrderWay::Push { server, token, numbers } => {
            let caller = Caller { name, server, numbers, speaks: Speaks::Json(token) };
            listener::listen(listener, Arc::new(caller)).await;
        }
        OrderWay::Poll(settings) => poll::poll(listener, name, settings).await,
        OrderWay::Folder(folder) => files::watch(listener, name, folder).await,
    }
}
