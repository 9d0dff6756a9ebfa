//! The journal's own twin of a dilution.

use serde::{Deserialize, Serialize};

use crate::domain::{AppliedBy, DecimalText, Dilution};

#[derive(Serialize, Deserialize)]
pub(super) struct StoredDilution {
    factor: String,
    applied_by: String,
}

impl From<&Dilution> for StoredDilution {
    fn from(it: &Dilution) -> StoredDilution {
        StoredDilution { factor: it.factor.to_string(), applied_by: it.applied_by.name().to_owned() }
    }
}

impl StoredDilution {
    /// The dilution, or why the stored text is none.
    pub(super) fn into_dilution(self) -> Result<Dilution, String> {
        let factor = DecimalText::parse(&self.factor, '.').ok_or("a stored factor is no number")?;
        let by = AppliedBy::from_name(&self.applied_by);
        let applied_by = by.ok_or_else(|| format!("nobody called {:?} multiplies", self.applied_by))?;
        Ok(Dilution { factor, applied_by })
    }
}
