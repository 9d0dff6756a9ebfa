//! What can be said of copies of the journal and of what leaves it.

use std::path::PathBuf;

use clap::Args;

use super::Config;

#[derive(Args)]
pub(in crate::cli) struct Backup {
    #[command(flatten)]
    pub(in crate::cli) config: Config,
    /// Into this folder instead of [backup] folder; no older copy is removed there
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) to: Option<PathBuf>,
}

#[derive(Args)]
pub(in crate::cli) struct Archive {
    #[command(flatten)]
    pub(in crate::cli) config: Config,
    /// As if [journal.retention] keep_days were this
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(731..=36_525))]
    pub(in crate::cli) keep_days: Option<u32>,
}
