//! What the configuration lacked at the last start: the sender of a message, or a destination of its results.

use super::route::homeless;
use super::{Runner, understand};
use crate::clock;
use crate::journal::MessageId;
use crate::journal::desk::{Decider, Decision};
use crate::pipeline::who::Who;

/// How many messages of an unknown sender, and how many with results that went nowhere, are looked at again at a start.
const LOOK_AGAIN: usize = 10_000;

impl Runner {
    /// The configuration may have been mended: what it lacked for a message goes back to be read.
    pub(super) async fn look_again(&self) {
        for message in self.look(|reader| reader.unattributed(LOOK_AGAIN)) {
            let Some(message) = self.message(message) else { continue };
            if matches!(self.who_sent(&message), Who::Known(_)) {
                self.read_again(message.message, "the configuration names its sender now").await;
            }
        }
        for message in self.look(|reader| reader.without_destination(LOOK_AGAIN)) {
            let Some(message) = self.message(message) else { continue };
            let Who::Known(instrument) = self.who_sent(&message) else { continue };
            let rules = self.rules.borrow().clone();
            let read = understand(&message, &instrument, rules).observations;
            if homeless(&self.site.destinations, &read).is_empty() {
                self.read_again(message.message, "the configuration names a destination now").await;
            }
        }
    }

    async fn read_again(&self, message: MessageId, why: &str) {
        let decided = self.journal.decide(Decision::Reread(message), Decider::gateway(why), clock::now());
        if let Err(error) = decided.await {
            tracing::error!(message_id = %message, %error, "failed to read a message again");
        }
    }
}
