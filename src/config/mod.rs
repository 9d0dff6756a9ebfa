//! From TOML files to checked settings. Every mistake of every file is named at once, with its line, its column
//! and what to write instead. Nothing outside this folder knows about TOML.

mod alerts;
mod analytes;
mod bearings;
mod calls;
mod checks;
mod claims;
mod codes;
mod complaint;
mod destination;
mod drop;
pub mod environment;
mod examples;
mod files;
mod finding;
mod harmless;
mod history;
mod instrument;
mod link;
mod load;
mod nearest;
mod orders;
mod origin;
mod otlp;
mod page;
mod panels;
pub mod profile;
mod profiles;
mod qc;
mod ranges;
mod reader;
mod reconciliation;
pub mod rules;
pub mod schema;
mod secret;
pub mod settings;
mod site;
pub mod starter;
mod survey;
#[cfg(test)]
mod tests;
mod tls;
mod transport;
mod verification;

pub use bearings::Bearings;
pub use complaint::Complaint;
pub use finding::{Errors, Finding};
pub use harmless::{Keys, Said, harmless};
pub use origin::{Origin, files};
pub use secret::Secrets;
pub use settings::Settings;

/// The commented default for a site's `labwire.toml`, which is also the manual.
pub const DEFAULT: &str = include_str!("../../config/labwire.toml");

/// The analytes that are part of the program, which are also their manual.
pub const ANALYTES: &str = include_str!("../../config/analytes.toml");

/// Checks a name that becomes part of keys, addresses and file names.
fn id(what: &str, name: &str) -> Result<(), String> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=64).contains(&name.len()) && name.bytes().all(fits) {
        return Ok(());
    }
    Err(format!("{what} is {name:?}; write 1 to 64 of a-z, 0-9 and -"))
}
