//! The journal's own twin of what a site's ranges say of a result.

use serde::{Deserialize, Serialize};

use crate::domain::{AppliedRange, DecimalText, Private, Range, RangeFlag};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum StoredRange {
    Applied(StoredApplied),
    None(String),
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredApplied {
    low: Option<String>,
    high: Option<String>,
    text: Option<String>,
    unit: Option<String>,
    band: String,
    flag: Option<String>,
}

impl From<&Result<AppliedRange, String>> for StoredRange {
    fn from(it: &Result<AppliedRange, String>) -> StoredRange {
        match it {
            Ok(it) => StoredRange::Applied(StoredApplied {
                low: it.range.low.as_ref().map(DecimalText::to_string),
                high: it.range.high.as_ref().map(DecimalText::to_string),
                text: it.range.text.clone(),
                unit: it.unit.clone(),
                band: it.band.reveal().clone(),
                flag: it.flag.map(|flag| flag.letter().to_owned()),
            }),
            Err(why) => StoredRange::None(why.clone()),
        }
    }
}

impl StoredRange {
    /// What the ranges said, or why the stored text is none.
    pub(super) fn into_range(self) -> Result<Result<AppliedRange, String>, String> {
        let it = match self {
            StoredRange::Applied(it) => it,
            StoredRange::None(why) => return Ok(Err(why)),
        };
        let end = |text: Option<String>| match text {
            None => Ok(None),
            Some(text) => DecimalText::parse(&text, '.').map(Some).ok_or("a stored range is no number"),
        };
        let flag = match it.flag {
            None => None,
            Some(letter) => Some(
                RangeFlag::from_letter(&letter)
                    .ok_or_else(|| format!("unknown flag {letter:?} of a range"))?,
            ),
        };
        let range = Range { low: end(it.low)?, high: end(it.high)?, text: it.text };
        Ok(Ok(AppliedRange { range, unit: it.unit, band: Private::new(it.band), flag }))
    }
}
