//! Which rules somebody signed, and when. The last signed set is in force, with its own text, until its successor is
//! signed; what a file says today counts for nothing here.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::audit::{self, Step};
use super::read::Reader;
use super::rows::instant;
use super::writer::Urgency;
use super::{Journal, JournalError};
use crate::domain::Rules;

/// Who signs, and what they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signing {
    /// The person's name, as they write it.
    pub by: String,
    /// The system user who gave the command.
    pub account: String,
    /// What was looked at and found right, in their words.
    pub statement: String,
    /// Which ways through the rules no case takes, and why they are signed all the same. It stands in the audit alone.
    pub untried: Option<String>,
}

/// Rules that were signed, without their text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    pub id: i64,
    pub sha256: String,
    pub signing: Signing,
    pub at: Timestamp,
}

impl Journal {
    /// Puts rules in force. Refused, with the reason, without a name or a statement, or where they are in force already.
    pub async fn sign(&self, rules: &Rules, signing: Signing, now: Timestamp) -> Result<(), JournalError> {
        let (sha256, text) = (rules.sha256.clone(), rules.text.clone());
        self.submit(Urgency::Other, move |connection| {
            if signing.by.trim().is_empty() || signing.statement.trim().is_empty() {
                return Err(JournalError::Refused("a signature needs a name and a statement".to_owned()));
            }
            let last: Option<String> = connection
                .query_row(
                    "SELECT sha256 FROM rule_set WHERE id = (SELECT max(id) FROM rule_set)",
                    [],
                    |row| row.get(0),
                )
                .optional()?;
            if last.as_ref() == Some(&sha256) {
                return Err(JournalError::Refused("these rules are in force already".to_owned()));
            }
            let Signing { by, account, statement, untried } = &signing;
            connection.execute(
                "INSERT INTO rule_set (sha256, text, signed_by, account, statement, signed_at)
                 VALUES (?, ?, ?, ?, ?, ?)",
                params![sha256, text, by, account, statement, now.as_microsecond()],
            )?;
            let step = Step {
                at: now,
                actor: account,
                step: "rules signed",
                subject: format!("rules {sha256}"),
                detail: format!(
                    "{by}: {statement}{}",
                    untried.iter().map(|it| format!("; {it}")).collect::<String>()
                ),
            };
            audit::append(connection, &step)
        })
        .await
    }
}

impl Reader {
    /// The rules in force. `None` where nobody has signed any.
    pub fn signed_rules(&self) -> Result<Option<Signed>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, sha256, signed_by, account, statement, signed_at FROM rule_set
             WHERE id = (SELECT max(id) FROM rule_set)",
        )?;
        let signed = statement.query_row([], |row| {
            Ok(Signed {
                id: row.get(0)?,
                sha256: row.get(1)?,
                signing: Signing {
                    by: row.get(2)?,
                    account: row.get(3)?,
                    statement: row.get(4)?,
                    untried: None,
                },
                at: instant(row.get(5)?),
            })
        });
        Ok(signed.optional()?)
    }

    /// The text of signed rules.
    pub fn rules_text(&self, signed: &Signed) -> Result<String, JournalError> {
        let mut statement = self.connection.prepare_cached("SELECT text FROM rule_set WHERE id = ?")?;
        Ok(statement.query_row([signed.id], |row| row.get(0))?)
    }
}
