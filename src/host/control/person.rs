//! What a command says of the people who act on the page. A set-up token is made here, told once, and kept by its hash.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Control, Response};
use crate::clock;
use crate::domain::{PersonName, Private, Role};
use crate::journal::people::{PersonChange, TOKEN_LIFE};

/// What is to become of somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum PersonAsked {
    /// They get a set-up token; whoever is known already chooses a password again.
    Invite {
        shown: Option<String>,
        role: Option<String>,
    },
    Role {
        role: String,
    },
    Lock,
}

impl PersonAsked {
    fn name(&self) -> &'static str {
        match self {
            PersonAsked::Invite { .. } => "invited",
            PersonAsked::Role { .. } => "another role",
            PersonAsked::Lock => "locked",
        }
    }
}

/// A set-up token. It is shown to whoever asked for it, and to nobody who debugs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(pub String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(token)")
    }
}

impl Control {
    pub(super) async fn person(&self, name: &str, asked: PersonAsked, account: String) -> Response {
        // What they are called stands in the audit alone.
        tracing::info!(account, name, what = asked.name(), "a person");
        let now = clock::now();
        let role = |name: String| Role::from_name(&name).ok_or_else(|| format!("{name} is no role"));
        let token = Uuid::new_v4().to_string();
        let change = match asked {
            PersonAsked::Invite { shown, role: named } => {
                let hash = Private::new(Sha256::digest(&token).to_vec());
                named.map(role).transpose().map(|role| PersonChange::Invite { shown, role, token: hash })
            }
            PersonAsked::Role { role: named } => role(named).map(PersonChange::Role),
            PersonAsked::Lock => Ok(PersonChange::Lock),
        };
        let (name, change) = match (PersonName::parse(name), change) {
            (Ok(name), Ok(change)) => (name, change),
            (Err(why), _) | (_, Err(why)) => return Response::Refused { why },
        };
        let invites = matches!(change, PersonChange::Invite { .. });
        match self.journal.change_person(name, change, account, now).await {
            Ok(()) if invites => {
                let until = now.saturating_add(TOKEN_LIFE).unwrap_or(now);
                Response::Invited { token: Token(token), until }
            }
            Ok(()) => Response::Done,
            Err(error) => Response::Refused { why: error.to_string() },
        }
    }
}
