//! A manufacturer's LIVD table (LOINC in vitro diagnostic mapping) becomes a draft of a code map for a person to review.
//! It chooses nothing: where a table leaves a choice, the draft asks. It never touches a configuration.

mod catalogue;
mod draft;
mod sheet;
#[cfg(test)]
mod tests;

pub use catalogue::{Catalogue, Entry, Model, Unused};
pub use draft::{Draft, draft};
pub use sheet::{Row, Sheet, sheets};
