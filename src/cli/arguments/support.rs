//! What can be said where help is asked for.

use std::path::PathBuf;

use clap::Args;

use super::Config;

#[derive(Args)]
pub(in crate::cli) struct SupportBundle {
    #[command(flatten)]
    pub(in crate::cli) config: Config,
    /// A new file that ends in .tar.gz; only its owner may read it
    pub(in crate::cli) file: PathBuf,
    /// How many of each instrument's last transmissions
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub(in crate::cli) messages: u32,
    /// A file with labwire's log instead of the unit's journal
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) log: Option<PathBuf>,
}
