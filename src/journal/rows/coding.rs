//! The journal's own twin of what a qualitative value is called.

use serde::{Deserialize, Serialize};

use crate::domain::{CodeSystem, Coding};

#[derive(Serialize, Deserialize)]
pub(super) struct StoredCoding {
    code: String,
    system: String,
    text: Option<String>,
}

impl From<&Coding> for StoredCoding {
    fn from(it: &Coding) -> StoredCoding {
        let Coding { code, system, text } = it.clone();
        StoredCoding { code, system: system.name().to_owned(), text }
    }
}

impl StoredCoding {
    /// The coding, or why the stored text is none.
    pub(super) fn into_coding(self) -> Result<Coding, String> {
        let StoredCoding { code, system, text } = self;
        let system =
            CodeSystem::from_name(&system).ok_or_else(|| format!("unknown system of codes {system:?}"))?;
        Ok(Coding { code, system, text })
    }
}
