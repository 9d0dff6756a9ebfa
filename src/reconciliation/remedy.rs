//! What a person does about a result that doesn't go on by itself, in words. One place for the page, the commands and
//! the reports.

use crate::journal::{DeliveryId, ObservationId};

/// About a delivery that the LIMS refused.
pub fn after_refusal(id: DeliveryId) -> String {
    format!(
        "mend what the LIMS complains of, then labwire retry {id} --reason …, or labwire give-up {id} --reason …"
    )
}

/// About a delivery of which nobody knows whether the LIMS has it.
pub fn of_unknown_fate(id: DeliveryId) -> String {
    format!(
        "look in the LIMS; if it is there, labwire confirm {id} --reason …; if not, labwire retry {id} --reason …"
    )
}

/// About a delivery to a destination that the configuration no longer names.
pub fn of_no_destination(id: DeliveryId) -> String {
    format!(
        "nothing is sent there any more; enter the results in the LIMS by hand, then labwire give-up {id} --reason …"
    )
}

/// About a result for a destination that the configuration no longer names, and of which nothing was sent.
pub(super) const NOWHERE: &str =
    "nothing is sent there any more; name the destination again, or enter the result in the LIMS by hand";
pub(super) const FOUND_OUT: &str = "nothing yet: labwire finds out by itself what became of it";
pub(super) const BEHIND_REFUSED: &str =
    "decide over the earlier result of this test, which was refused: this one follows it";
pub(super) const BEHIND: &str = "it waits until the earlier result of this test is over: see to that one";
pub(super) const ON_ITS_WAY: &str = "see how the destination is on the page or by labwire status; it is sent by itself once the LIMS takes it";
pub(super) const TO_BE_READ: &str = "labwire reads it by itself; if this stays, look into labwire's log";
/// About a held result.
pub(super) fn of_held(id: ObservationId, has_specimen: bool) -> String {
    if has_specimen {
        return format!(
            "look at the result on the analyzer, then labwire release {id} --reason … or labwire reject {id} --reason …"
        );
    }
    format!("find out whose it is and enter it in the LIMS by hand, then labwire reject {id} --reason …")
}
