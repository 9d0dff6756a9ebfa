//! What can be said of critical calls.

use std::path::Path;

use clap::{Args, Subcommand, ValueEnum};

use super::Config;
use crate::domain::call::IdentifierKind;

/// What somebody did about a critical call. Each is written down once, with who gave the command.
#[derive(Subcommand)]
pub(in crate::cli) enum CallCommand {
    /// Somebody took the call and was told the value
    Reached(Reached),
    /// The call was made and nobody was told anything
    NotReached(NotReached),
    /// The value is right: where the site says so, the call's clock starts with this
    Verified(Verified),
    /// It won't be called any more, after at least one attempt, and why
    Ended(Ended),
}

#[derive(Args)]
pub(in crate::cli) struct About {
    #[command(flatten)]
    pub(super) config: Config,
    /// The call's number as `labwire calls` shows it, or the number of a specimen that has one open call. Where both
    /// would fit, call:NUMBER or specimen:NUMBER
    pub(in crate::cli) call: String,
    /// Your first and last name
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) by: String,
}

#[derive(Args)]
pub(in crate::cli) struct Reached {
    #[command(flatten)]
    pub(in crate::cli) about: About,
    /// First and last name of who took the call
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) to: String,
    /// What they are: physician on duty, nurse of ward 3 …
    #[arg(long)]
    pub(in crate::cli) role: String,
    /// What identified the patient, at least two of name, birth-date, patient-number, national-number, telephone and
    /// address: --identifier "name=Example, Anna" --identifier birth-date=1970-01-31
    #[arg(long = "identifier", value_name = "KIND=TEXT", value_parser = identifier, required = true)]
    pub(in crate::cli) identifiers: Vec<(IdentifierKind, String)>,
    /// The value as you told it, with its unit: "2.5 mmol/L"; of a rejected result, "withdrawn"
    #[arg(long, allow_hyphen_values = true)]
    pub(in crate::cli) value: String,
    /// Whether they read the value back, and it was right
    #[arg(long, value_enum)]
    pub(in crate::cli) read_back: ReadBack,
    /// You told another value or patient than the journal has, and it is no slip
    #[arg(long)]
    pub(in crate::cli) differs: bool,
    #[command(flatten)]
    pub(in crate::cli) more: More,
}

#[derive(Args)]
pub(in crate::cli) struct NotReached {
    #[command(flatten)]
    pub(in crate::cli) about: About,
    /// For whom the call was
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(in crate::cli) to: String,
    #[arg(long, default_value = "")]
    pub(in crate::cli) role: String,
    #[command(flatten)]
    pub(in crate::cli) more: More,
}

#[derive(Args)]
pub(in crate::cli) struct More {
    /// When the call was made, as 14:05, "2026-11-20 14:05" or with a zone; without it, now
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) at: Option<String>,
    #[arg(long, default_value = "")]
    pub(in crate::cli) note: String,
}

#[derive(Args)]
pub(in crate::cli) struct Verified {
    #[command(flatten)]
    pub(in crate::cli) about: About,
    #[arg(long, default_value = "")]
    pub(in crate::cli) note: String,
}

#[derive(Args)]
pub(in crate::cli) struct Ended {
    #[command(flatten)]
    pub(in crate::cli) about: About,
    /// Why, in your words
    #[arg(long)]
    pub(in crate::cli) reason: String,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ReadBack {
    Confirmed,
    None,
}

impl CallCommand {
    pub(in crate::cli) fn about(&self) -> &About {
        match self {
            CallCommand::Reached(it) => &it.about,
            CallCommand::NotReached(it) => &it.about,
            CallCommand::Verified(it) => &it.about,
            CallCommand::Ended(it) => &it.about,
        }
    }

    pub(in crate::cli) fn config(&self) -> &Path {
        &self.about().config
    }
}

fn identifier(text: &str) -> Result<(IdentifierKind, String), String> {
    let known: Vec<&str> = IdentifierKind::ALL.iter().map(|(name, _)| *name).collect();
    let known = known.join(", ");
    let (kind, value) =
        text.split_once('=').ok_or_else(|| format!("write KIND=TEXT, with one of {known}"))?;
    let kind = IdentifierKind::from_name(kind.trim()).ok_or_else(|| {
        format!("it isn't one of {known}; a room, a bed or a tube doesn't identify a patient")
    })?;
    match value.trim() {
        "" => Err("nothing stands behind the =".to_owned()),
        value => Ok((kind, value.to_owned())),
    }
}
