//! What was measured of a specimen before a message came is judged again with what that message brought: an index of
//! haemolysis, or the calcium beside a potassium, may come a moment after the result that it bears on.

use super::Runner;
use super::again::Review;
use crate::journal::MessageId;
use crate::journal::decisions::MORE_WAS_MEASURED;

impl Runner {
    /// Has the specimens of a message looked at again of which something came in another one, where rules in force look beside.
    pub(super) fn look_beside(&self, message: MessageId, review: &mut Review) {
        if !self.rules.borrow().as_ref().is_some_and(|rules| rules.checks.look_beside()) {
            return;
        }
        match self.read(|reader| reader.also_in_others(message)) {
            Ok(specimens) => review.look_at(specimens, MORE_WAS_MEASURED),
            Err(error) => {
                tracing::error!(%error, "failed to look for what was measured before of the same specimens")
            }
        }
    }
}
