//! Names of things: instruments and destinations as the configuration calls them, specimens as the bench does.

use std::fmt;

/// A configured instrument's name: the file name of its settings, unique within the site.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstrumentId(String);

/// A configured destination's name, such as `lims`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DestinationId(String);

macro_rules! name {
    ($type:ident) => {
        impl $type {
            pub fn new(name: impl Into<String>) -> Self {
                $type(name.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(InstrumentId);
name!(DestinationId);

/// A specimen's number as the LIMS knows it, after the instrument's padding rules. It leads to a patient, so
/// `Debug` hides it and there is no `Display`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpecimenId(String);

impl SpecimenId {
    pub fn new(id: impl Into<String>) -> Self {
        SpecimenId(id.into())
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// No number was read: such a result is held.
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl fmt::Debug for SpecimenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(specimen)")
    }
}
