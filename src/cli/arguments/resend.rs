//! What can be said of results that are to leave once more.

use clap::{ArgGroup, Args};

use super::Config;

#[derive(Args)]
#[command(group = ArgGroup::new("which").required(true).args(["specimen", "specimens", "from"]))]
pub(in crate::cli) struct Resend {
    #[command(flatten)]
    pub(in crate::cli) config: Config,
    /// All of this specimen, by its number as the LIMS knows it
    #[arg(long)]
    pub(in crate::cli) specimen: Option<String>,
    /// All from the first to the last of these, both among them: numbers as long as these two
    #[arg(long, value_name = "FIRST..LAST", conflicts_with = "to")]
    pub(in crate::cli) specimens: Option<String>,
    /// What was received from this time on: 14:05 of today, "2026-11-20 14:05", or with its zone
    #[arg(long, value_name = "TIME", requires = "to")]
    pub(in crate::cli) from: Option<String>,
    /// And before this time
    #[arg(long, value_name = "TIME", conflicts_with = "specimen")]
    pub(in crate::cli) to: Option<String>,
    /// Of this instrument alone
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) instrument: Option<String>,
    /// Of this test alone, by the instrument's code
    #[arg(long, value_name = "CODE")]
    pub(in crate::cli) test: Option<String>,
    /// Where to
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) to_destination: String,
    /// Send it; without this nothing is sent
    #[arg(long, requires_all = ["by", "reason"])]
    pub(in crate::cli) yes: bool,
    /// Your name, as it shall stand in the journal
    #[arg(long, requires = "yes")]
    pub(in crate::cli) by: Option<String>,
    /// Why, in your words
    #[arg(long, requires = "yes")]
    pub(in crate::cli) reason: Option<String>,
}
