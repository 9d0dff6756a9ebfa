//! The stage on which links are tried: scripts that say every step, and chance that comes from a seed. For tests alone; it
//! knows no protocol.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what only tests use may stop at the first surprise"
)]

mod chance;
mod script;

pub use chance::Chance;
pub use script::{Read, Tongue, play, show, unescape};
