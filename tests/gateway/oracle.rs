//! The judge outside the process: what analyzers saw acknowledged must be in the LIMS, once, newest last. It knows
//! nothing of how the gateway works.

use labsim::generate::ExpectedResult;
use labsim::lims::{Discrepancy, Ledger, mllp};

/// What the ledger of a LIMS tells, whichever way results reach it.
pub(crate) trait Held {
    fn missing(&self, acknowledged: &[ExpectedResult]) -> Vec<Discrepancy>;

    /// What it was given and was not owed, in words.
    fn surplus(&self) -> Vec<String>;
}

impl Held for Ledger {
    fn missing(&self, acknowledged: &[ExpectedResult]) -> Vec<Discrepancy> {
        self.discrepancies(acknowledged)
    }

    fn surplus(&self) -> Vec<String> {
        let doubled = self.doubled();
        let doubled = doubled.iter().map(|held| format!("observation {} was taken twice", held.observation));
        let late = self.held().iter().filter(|held| held.late);
        let late =
            late.map(|held| format!("observation {} came after the one that replaces it", held.observation));
        doubled.chain(late).collect()
    }
}

/// Of messages, and of files with messages in them.
impl Held for mllp::Ledger {
    fn missing(&self, acknowledged: &[ExpectedResult]) -> Vec<Discrepancy> {
        self.discrepancies(acknowledged)
    }

    fn surplus(&self) -> Vec<String> {
        let doubled = self.doubled();
        let doubled =
            doubled.iter().map(|taken| format!("{} of {} was taken twice", taken.code, taken.specimen));
        let unfit = self.unfit().map(|came| format!("{} came as {:?}", came.control_id, came.outcome));
        doubled.chain(unfit).collect()
    }
}

/// Everything that is wrong, in words. Empty is what a gateway owes.
pub(crate) fn faults(acknowledged: &[ExpectedResult], ledger: &impl Held) -> Vec<String> {
    let missing = ledger.missing(acknowledged);
    let missing =
        missing.iter().map(|wrong| format!("{:?} is in the LIMS {} times", wrong.expected, wrong.times));
    missing.chain(ledger.surplus()).collect()
}
