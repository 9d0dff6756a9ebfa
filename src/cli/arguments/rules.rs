//! What can be said of rules.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::SignedDuration;

use super::Config;

#[derive(Subcommand)]
pub(in crate::cli) enum RulesCommand {
    /// Put the configured rules in force; they stay until others are signed
    Sign(Sign),
    /// Decide everything again from what is stored beside each decision; against other rules, tell what they would have
    /// decided otherwise. It changes nothing
    Replay(Replay),
    /// Try every case beside the rules of rules.d, and name the ways through a rule that have none
    Test {
        #[command(flatten)]
        config: Config,
    },
}

#[derive(Args)]
pub(in crate::cli) struct Sign {
    #[command(flatten)]
    config: Config,
    /// Your name, as it shall stand in the journal
    #[arg(long)]
    pub(in crate::cli) by: String,
    /// What you looked at and found right, in your words
    #[arg(long)]
    pub(in crate::cli) statement: String,
    /// Why they are signed though some way through a rule has no case, or though no rule is left; the audit keeps it
    #[arg(long, value_name = "REASON")]
    pub(in crate::cli) untried_because: Option<String>,
}

#[derive(Args)]
pub(in crate::cli) struct Replay {
    #[command(flatten)]
    config: Config,
    /// A folder with rules.d and analytes.toml: the rules to be tried
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) against: Option<PathBuf>,
    /// How far back, in days, hours or weeks: 30d, 12h, 4w
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = span)]
    pub(in crate::cli) last: SignedDuration,
    /// Where the report is written: rules-replay-….md and .csv
    #[arg(long, value_name = "DIR", default_value = ".", requires = "against")]
    pub(in crate::cli) report: PathBuf,
}

impl Replay {
    pub(in crate::cli) fn config(&self) -> &Path {
        &self.config
    }
}

fn span(text: &str) -> Result<SignedDuration, String> {
    let hours = [("h", 1), ("d", 24), ("w", 168)]
        .into_iter()
        .find_map(|(unit, hours)| text.strip_suffix(unit)?.parse::<i64>().ok()?.checked_mul(hours));
    hours
        .filter(|hours| (1..=876_000).contains(hours))
        .map(SignedDuration::from_hours)
        .ok_or_else(|| "write it as 30d, 12h or 4w".to_owned())
}

impl Sign {
    pub(in crate::cli) fn config(&self) -> &Path {
        &self.config
    }
}
