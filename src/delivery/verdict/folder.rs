//! What became of a file that was to be put into a folder.

use super::{Judgement, Reply, answered};
use crate::config::settings::VerdictKind;
use crate::journal::ObservationId;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deposit {
    Written,
    /// It lay there already, the same to the byte.
    Present,
    /// Another file has its name.
    Differs,
}

/// Judges what came of depositing these observations.
pub fn judge(reply: &Reply<Deposit>, items: &[ObservationId]) -> Judgement {
    let (verdict, detail) = match answered(reply, items) {
        Ok(Deposit::Written) => (VerdictKind::Accepted, "the file is in the folder"),
        Ok(Deposit::Present) => (VerdictKind::Duplicate, "the file was in the folder already"),
        Ok(Deposit::Differs) => {
            (VerdictKind::Refused, "a file of this name and with other content is in the folder")
        }
        Err(judgement) => return judgement,
    };
    Judgement::of_all(verdict, detail.to_owned(), detail, items)
}
