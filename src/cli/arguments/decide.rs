//! What can be decided about one thing, or several.

use std::path::Path;

use clap::{Args, Subcommand};

use super::Config;
use crate::domain::HoldReason;
use crate::host::control::Asked;

/// Decisions of a person, each with a reason that stands in the audit.
#[derive(Subcommand)]
pub(in crate::cli) enum DecideCommand {
    /// Send a dead letter once more
    Retry(Retry),
    /// Give a dead letter up
    GiveUp(Item),
    /// Say that the LIMS holds a delivery whose fate isn't known
    Confirm(Item),
    /// Let held results leave
    Release(Release),
    /// Keep a held result here for good
    Reject(Item),
    /// Read a message again with today's configuration
    Reread(Item),
    /// Close a problem that has been seen to, or all of a message
    Dismiss(Dismiss),
}

/// Who decides, and why.
#[derive(Args)]
pub(in crate::cli) struct Word {
    /// Your name, as it shall stand in the journal beside the system user's; where several use that account, say it
    #[arg(long)]
    pub(in crate::cli) by: Option<String>,
    /// Why, in your words
    #[arg(long)]
    pub(in crate::cli) reason: String,
}

#[derive(Args)]
pub(in crate::cli) struct Item {
    #[command(flatten)]
    config: Config,
    /// The number that the lists and the page show
    pub(in crate::cli) id: i64,
    #[command(flatten)]
    word: Word,
}

#[derive(Args)]
pub(in crate::cli) struct Dismiss {
    #[command(flatten)]
    config: Config,
    /// The number that `labwire problems` and the page show
    #[arg(required_unless_present = "message")]
    pub(in crate::cli) id: Option<i64>,
    /// Every open problem of this message
    #[arg(long, conflicts_with = "id")]
    pub(in crate::cli) message: Option<i64>,
    #[command(flatten)]
    word: Word,
}

#[derive(Args)]
pub(in crate::cli) struct Release {
    #[command(flatten)]
    config: Config,
    /// The results' numbers as held shows them
    #[arg(required_unless_present_any = ["held_for", "instrument", "test"])]
    pub(in crate::cli) ids: Vec<i64>,
    /// Every result that is held for this alone, such as not-released or suspended
    #[arg(long, value_name = "REASON", conflicts_with = "ids", value_parser = held_for)]
    pub(in crate::cli) held_for: Option<HoldReason>,
    /// Of this instrument alone
    #[arg(long, value_name = "NAME", conflicts_with = "ids", requires = "held_for")]
    pub(in crate::cli) instrument: Option<String>,
    /// Of this test alone, by the instrument's code
    #[arg(long, value_name = "CODE", conflicts_with = "ids", requires = "held_for")]
    pub(in crate::cli) test: Option<String>,
    #[command(flatten)]
    word: Word,
}

pub(super) fn held_for(name: &str) -> Result<HoldReason, String> {
    HoldReason::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = HoldReason::ALL.into_iter().map(HoldReason::name).collect();
        format!("write one of {}", names.join(", "))
    })
}

#[derive(Args)]
pub(in crate::cli) struct Retry {
    #[command(flatten)]
    config: Config,
    /// The deliveries' numbers as dead-letters shows them
    #[arg(required_unless_present = "all")]
    pub(in crate::cli) ids: Vec<i64>,
    /// Every dead letter
    #[arg(long, conflicts_with = "ids")]
    pub(in crate::cli) all: bool,
    #[command(flatten)]
    word: Word,
}

impl DecideCommand {
    pub(in crate::cli) fn config(&self) -> &Path {
        match self {
            DecideCommand::Retry(retry) => &retry.config,
            DecideCommand::GiveUp(item)
            | DecideCommand::Confirm(item)
            | DecideCommand::Reject(item)
            | DecideCommand::Reread(item) => &item.config,
            DecideCommand::Dismiss(dismiss) => &dismiss.config,
            DecideCommand::Release(release) => &release.config,
        }
    }

    pub(in crate::cli) fn word(&self) -> &Word {
        match self {
            DecideCommand::Retry(retry) => &retry.word,
            DecideCommand::GiveUp(item)
            | DecideCommand::Confirm(item)
            | DecideCommand::Reject(item)
            | DecideCommand::Reread(item) => &item.word,
            DecideCommand::Dismiss(dismiss) => &dismiss.word,
            DecideCommand::Release(release) => &release.word,
        }
    }

    pub(in crate::cli) fn asked(&self) -> Asked {
        match self {
            DecideCommand::Retry(_) => Asked::Retry,
            DecideCommand::GiveUp(_) => Asked::GiveUp,
            DecideCommand::Confirm(_) => Asked::Confirm,
            DecideCommand::Release(_) => Asked::Release,
            DecideCommand::Reject(_) => Asked::Reject,
            DecideCommand::Reread(_) => Asked::Reread,
            DecideCommand::Dismiss(dismiss) if dismiss.message.is_some() => Asked::DismissMessage,
            DecideCommand::Dismiss(_) => Asked::Dismiss,
        }
    }
}
