//! What can be said of the people who act on the page.

use std::path::Path;

use clap::{Args, Subcommand};

use super::Config;
use crate::domain::{PersonName, Role};

/// Who may act on the page. Each is written in the audit, with who gave the command.
#[derive(Subcommand)]
pub(in crate::cli) enum UserCommand {
    /// Somebody new: prints the token with which they choose their password on the page
    Add {
        #[command(flatten)]
        who: Who,
        /// First and last name, as it stands beside what they decide
        #[arg(long, value_name = "NAME")]
        shown: String,
        /// viewer, technician, supervisor or admin
        #[arg(long, value_parser = role)]
        role: Role,
    },
    /// They choose a password again: prints a token, and what they signed in with counts no more
    Reset(Who),
    /// Another role
    Role {
        #[command(flatten)]
        who: Who,
        #[arg(value_parser = role)]
        role: Role,
    },
    /// They may not sign in any more; `reset` takes that back
    Lock(Who),
}

#[derive(Args)]
pub(in crate::cli) struct Who {
    #[command(flatten)]
    config: Config,
    /// The name they sign in with, such as anna.example
    #[arg(value_parser = PersonName::parse)]
    pub(in crate::cli) name: PersonName,
}

impl UserCommand {
    pub(in crate::cli) fn who(&self) -> &Who {
        match self {
            UserCommand::Add { who, .. } | UserCommand::Role { who, .. } => who,
            UserCommand::Reset(who) | UserCommand::Lock(who) => who,
        }
    }

    pub(in crate::cli) fn config(&self) -> &Path {
        &self.who().config
    }
}

fn role(text: &str) -> Result<Role, String> {
    let known: Vec<&str> = Role::ALL.into_iter().map(Role::name).collect();
    Role::from_name(text).ok_or_else(|| format!("write one of {}", known.join(", ")))
}
