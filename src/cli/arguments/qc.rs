//! What can be said of controls.

use std::path::Path;

use clap::{Args, Subcommand};

use super::Config;

#[derive(Subcommand)]
pub(in crate::cli) enum QcCommand {
    /// The patients' results since the last acceptable run, and what became of each
    Since(QcSince),
    /// The latest control results
    Results(QcSeries),
    /// Decide everything again from what is stored, and tell what comes out otherwise
    Replay {
        #[command(flatten)]
        config: Config,
    },
    /// Accept a run all the same; it stands in the journal for good
    Accept(QcSay),
    /// Take a control result out; it stays where it was and counts no more
    Exclude(QcSay),
}

impl QcCommand {
    pub(in crate::cli) fn config(&self) -> &Path {
        match self {
            QcCommand::Since(since) => &since.of.config,
            QcCommand::Results(of) => &of.config,
            QcCommand::Replay { config } => config,
            QcCommand::Accept(say) | QcCommand::Exclude(say) => &say.config,
        }
    }
}

#[derive(Args)]
pub(in crate::cli) struct QcSeries {
    #[command(flatten)]
    config: Config,
    pub(in crate::cli) instrument: String,
    /// The instrument's code of the test, or all of its name as `labwire qc` shows it
    pub(in crate::cli) test: String,
}

#[derive(Args)]
pub(in crate::cli) struct QcSince {
    #[command(flatten)]
    pub(in crate::cli) of: QcSeries,
    /// A run that failed: since the last acceptable one before it, until the first acceptable one after it
    #[arg(long, value_name = "RUN")]
    pub(in crate::cli) before: Option<i64>,
}

#[derive(Args)]
pub(in crate::cli) struct QcSay {
    #[command(flatten)]
    config: Config,
    /// The run's number, or the result's, as shown
    pub(in crate::cli) id: i64,
    /// Your name, as it shall stand in the journal
    #[arg(long)]
    pub(in crate::cli) by: String,
    /// Why, in your words
    #[arg(long)]
    pub(in crate::cli) reason: String,
}
