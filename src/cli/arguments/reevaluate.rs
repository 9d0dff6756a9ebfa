//! What can be said of results that are to be read anew.

use clap::Args;

use super::Config;
use super::decide::held_for;
use crate::domain::HoldReason;

#[derive(Args)]
pub(in crate::cli) struct Reevaluate {
    #[command(flatten)]
    pub(in crate::cli) config: Config,
    /// The results' numbers as held and trace show them; without any, all that wait because something couldn't be read
    pub(in crate::cli) ids: Vec<i64>,
    /// Those that somebody released as they were sent, instead of those that wait: what of them left is corrected
    #[arg(long, conflicts_with = "ids")]
    pub(in crate::cli) released: bool,
    /// Of them, those that are held for this, or were, such as not-converted or odd-value
    #[arg(long, value_name = "REASON", conflicts_with = "ids", value_parser = held_for)]
    pub(in crate::cli) held_for: Option<HoldReason>,
    /// Of this instrument alone
    #[arg(long, value_name = "NAME", conflicts_with = "ids")]
    pub(in crate::cli) instrument: Option<String>,
    /// Of this test alone, by the instrument's code
    #[arg(long, value_name = "CODE", conflicts_with = "ids")]
    pub(in crate::cli) test: Option<String>,
    /// Do it; without this nothing is changed
    #[arg(long, requires_all = ["by", "reason"])]
    pub(in crate::cli) yes: bool,
    /// Your name, as it shall stand in the journal
    #[arg(long, requires = "yes")]
    pub(in crate::cli) by: Option<String>,
    /// Why, in your words
    #[arg(long, requires = "yes")]
    pub(in crate::cli) reason: Option<String>,
}
