//! The journal's own twin of a conversion.

use serde::{Deserialize, Serialize};

use crate::domain::{Conversion, DecimalText, Reported};

#[derive(Serialize, Deserialize)]
pub(super) struct StoredConversion {
    analyte: String,
    rules: String,
    #[serde(flatten)]
    outcome: StoredOutcome,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StoredOutcome {
    Reported(StoredReported),
    Refused(String),
}

#[derive(Serialize, Deserialize)]
struct StoredReported {
    number: String,
    unit: String,
    loinc: Option<String>,
    exact: String,
    factor: String,
    offset: String,
    basis: String,
}

impl From<&Conversion> for StoredConversion {
    fn from(it: &Conversion) -> StoredConversion {
        let Conversion { analyte, rules, outcome } = it.clone();
        let outcome = match outcome {
            Ok(Reported { number, unit, loinc, exact, factor, offset, basis }) => {
                let number = number.as_str().to_owned();
                StoredOutcome::Reported(StoredReported { number, unit, loinc, exact, factor, offset, basis })
            }
            Err(why) => StoredOutcome::Refused(why),
        };
        StoredConversion { analyte, rules, outcome }
    }
}

impl StoredConversion {
    /// The conversion, or why the stored text is none.
    pub(super) fn into_conversion(self) -> Result<Conversion, String> {
        let outcome = match self.outcome {
            StoredOutcome::Reported(it) => {
                let StoredReported { number, unit, loinc, exact, factor, offset, basis } = it;
                let number = DecimalText::parse(&number, '.').ok_or("a stored number is none")?;
                Ok(Reported { number, unit, loinc, exact, factor, offset, basis })
            }
            StoredOutcome::Refused(why) => Err(why),
        };
        Ok(Conversion { analyte: self.analyte, rules: self.rules, outcome })
    }
}
