//! What a person does about a result that doesn't go on by itself, in words. One place for the page, the commands and
//! the reports.

use crate::domain::{Words, words};
use crate::journal::{DeliveryId, ObservationId};

/// About a delivery that the LIMS refused.
pub fn after_refusal(id: DeliveryId) -> Words {
    words!(
        "mend what the LIMS complains of, then labwire retry {id} --reason …, or labwire give-up {id} --reason …",
        id = id.to_string()
    )
}

/// About a delivery of which nobody knows whether the LIMS has it.
pub fn of_unknown_fate(id: DeliveryId) -> Words {
    words!(
        "look in the LIMS; if it is there, labwire confirm {id} --reason …; if not, labwire retry {id} --reason …",
        id = id.to_string()
    )
}

/// About a delivery to a destination that the configuration no longer names.
pub fn of_no_destination(id: DeliveryId) -> Words {
    words!(
        "nothing is sent there any more; enter the results in the LIMS by hand, then labwire give-up {id} --reason …",
        id = id.to_string()
    )
}

/// About a result for a destination that the configuration no longer names, and of which nothing was sent.
pub(super) fn nowhere() -> Words {
    words!(
        "nothing is sent there any more; name the destination again, or enter the result in the LIMS by hand"
    )
}

pub(super) fn found_out() -> Words {
    words!("nothing yet: labwire finds out by itself what became of it")
}

pub(super) fn behind_refused() -> Words {
    words!("decide over the earlier result of this test, which was refused: this one follows it")
}

pub(super) fn behind() -> Words {
    words!("it waits until the earlier result of this test is over: see to that one")
}

pub(super) fn on_its_way() -> Words {
    words!(
        "see how the destination is on the page or by labwire status; it is sent by itself once the LIMS takes it"
    )
}

pub(super) fn to_be_read() -> Words {
    words!("labwire reads it by itself; if this stays, look into labwire's log")
}

/// About a held result.
pub fn of_held(id: ObservationId, has_specimen: bool) -> Words {
    let id = id.to_string();
    if has_specimen {
        return words!(
            "look at the result on the analyzer, then labwire release {id} --reason … or labwire reject {id} --reason …",
            id
        );
    }
    words!("find out whose it is and enter it in the LIMS by hand, then labwire reject {id} --reason …", id)
}
