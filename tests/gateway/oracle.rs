//! The judge outside the process: what analyzers saw acknowledged must be in the LIMS, once, newest last. It knows
//! nothing of how the gateway works.

use labsim::generate::ExpectedResult;
use labsim::lims::Ledger;

/// Everything that is wrong, in words. Empty is what a gateway owes.
pub(crate) fn faults(acknowledged: &[ExpectedResult], ledger: &Ledger) -> Vec<String> {
    let mut faults = Vec::new();
    for wrong in ledger.discrepancies(acknowledged) {
        faults.push(format!("{:?} is in the LIMS {} times", wrong.expected, wrong.times));
    }
    for doubled in ledger.doubled() {
        faults.push(format!("observation {} was taken twice", doubled.observation));
    }
    for late in ledger.held().iter().filter(|held| held.late) {
        faults.push(format!("observation {} came after the one that replaces it", late.observation));
    }
    faults
}
