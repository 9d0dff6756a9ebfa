//! Simulated analyzers and a simulated LIMS, with faults that a seed repeats.
//!
//! It shares no protocol code with the gateway: where the two disagree, one of them is wrong. It keeps no
//! promise of the gateway's and never runs in production. Patients in here are invented.
//!
//! - [`load::play`] runs an analyzer at a [`net::Place`] and tells what was acknowledged; [`analyzer::Analyzer`]
//!   and [`mllp::MllpAnalyzer`] are one connection by hand, [`script::Script`] a dialogue word for word, [`capture`] a file,
//!   [`replay::play`] what a gateway kept of a connection.
//! - [`drops::Dropper`] leaves files in a folder or on an FTP server instead.
//! - [`lims::Lims`] takes deliveries by HTTP, [`lims::mllp::MllpLims`] by MLLP and [`lims::Collector`] from a folder;
//!   `lims.ledger().discrepancies(&acknowledged)` is what a gateway lost, altered or doubled.
//! - [`faults::Faulty`] spoils any stream, [`pace::Paced`] slows it, [`serial::pty_pair`] makes one with a device;
//!   [`uart`] is what a port reads that is set otherwise than its sender.

pub mod acknowledged;
pub mod analyzer;
pub mod capture;
pub mod chance;
pub mod cli;
pub mod drops;
pub mod duration;
pub mod faults;
pub mod frame;
pub mod generate;
pub mod lims;
pub mod load;
pub mod mllp;
pub mod net;
pub mod pace;
pub mod replay;
pub mod script;
pub mod serial;
pub mod uart;

mod line;
