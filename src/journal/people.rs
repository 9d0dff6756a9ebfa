//! Who may act on the page: their roles, and the hashes of what they sign in with. No secret itself is ever here, and
//! each change of what somebody may do stands in the audit with who made it.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::audit::{self, GATEWAY, Step};
use super::read::Reader;
use super::rows::instant;
use super::writer::Urgency;
use super::{Journal, JournalError};
use crate::domain::{PersonName, Private, Role};

/// How long a set-up token may be used.
pub const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(72);

/// A person as the journal knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub name: PersonName,
    /// As others know them.
    pub shown: String,
    pub role: Role,
    /// Argon2id in PHC form; none until a password was chosen.
    pub password: Option<Private<String>>,
    /// The same, of a PIN or a badge's number.
    pub pin: Option<Private<String>>,
    /// May not sign in since.
    pub locked_at: Option<Timestamp>,
    /// Until when a password can be chosen with the set-up token.
    pub invited_until: Option<Timestamp>,
    pub(crate) token: Option<Private<Vec<u8>>>,
}

impl Person {
    /// Whether a set-up token of this SHA-256 still counts.
    pub fn accepts(&self, token: &[u8], now: Timestamp) -> bool {
        let known = self.token.as_ref().is_some_and(|known| known.reveal() == token);
        known && self.locked_at.is_none() && self.invited_until.is_some_and(|until| now < until)
    }
}

/// What is said of a person on the gateway's own machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonChange {
    /// Somebody new, or somebody known who is to choose a password again: what they signed in with counts no more.
    Invite {
        /// Without it, as before.
        shown: Option<String>,
        role: Option<Role>,
        /// The SHA-256 of the set-up token.
        token: Private<Vec<u8>>,
    },
    Role(Role),
    /// May not sign in any more, until invited again.
    Lock,
}

/// What happened on the page that isn't a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    SignedIn,
    /// A wrong password, PIN or token.
    Failed,
    SignedOut,
}

impl Journal {
    /// Carries out what was said of a person by `account`, a system user.
    ///
    /// # Errors
    /// Refused for somebody unknown, and for somebody new without a role or a name to be shown.
    pub async fn change_person(
        &self,
        name: PersonName,
        change: PersonChange,
        account: String,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            let detail = match &change {
                PersonChange::Invite { shown, role, token } => {
                    invite(connection, &name, (shown.as_deref(), *role), token.reveal(), now)?
                }
                PersonChange::Role(role) => {
                    let changed = connection
                        .execute("UPDATE person SET role = ? WHERE name = ?", [role.name(), name.as_str()])?;
                    known(changed, &name)?;
                    format!("is a {} now", role.name())
                }
                PersonChange::Lock => {
                    let changed = connection.execute(
                        "UPDATE person SET locked_at = ?, token = NULL, token_until = NULL, password = NULL, pin = NULL
                         WHERE name = ?",
                        params![now.as_microsecond(), name.as_str()],
                    )?;
                    known(changed, &name)?;
                    "may not sign in any more".to_owned()
                }
            };
            note(connection, &account, "person", &name, detail, now)
        })
        .await
    }

    /// Takes the password that somebody chose with their set-up token, which counts no more.
    ///
    /// # Errors
    /// Refused where the token isn't theirs, was used, or is too old.
    pub async fn choose_password(
        &self,
        name: PersonName,
        token: Private<Vec<u8>>,
        password: Private<String>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            let person = find(connection, name.as_str())?;
            if !person.is_some_and(|person| person.accepts(token.reveal(), now)) {
                return Err(JournalError::Refused(
                    "the token isn't yours, was used, or is too old".to_owned(),
                ));
            }
            connection.execute(
                "UPDATE person SET password = ?, token = NULL, token_until = NULL WHERE name = ?",
                params![password.reveal(), name.as_str()],
            )?;
            note(connection, &on_the_page(&name), "person", &name, "chose a password".to_owned(), now)
        })
        .await
    }

    /// Keeps a PIN or a badge's number, or none any more.
    pub async fn choose_pin(
        &self,
        name: PersonName,
        pin: Option<Private<String>>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            let changed = connection.execute(
                "UPDATE person SET pin = ? WHERE name = ? AND locked_at IS NULL",
                params![pin.as_ref().map(Private::reveal), name.as_str()],
            )?;
            known(changed, &name)?;
            let detail = if pin.is_some() { "chose a PIN or a badge" } else { "has no PIN any more" };
            note(connection, &on_the_page(&name), "person", &name, detail.to_owned(), now)
        })
        .await
    }

    /// Notes what somebody did about an alarm, which is called by its text.
    pub async fn note_alarm(
        &self,
        actor: String,
        alarm: String,
        done: String,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            let step = Step { at: now, actor: &actor, step: "alarm", subject: alarm, detail: done };
            audit::append(connection, &step)
        })
        .await
    }

    /// Notes that somebody signed in or out, or tried to.
    pub async fn note_visit(
        &self,
        name: PersonName,
        visit: Visit,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            let (actor, what) = match visit {
                Visit::SignedIn => (on_the_page(&name), "signed in"),
                Visit::SignedOut => (on_the_page(&name), "signed out"),
                Visit::Failed => (GATEWAY.to_owned(), "was refused: a wrong password, PIN or token"),
            };
            note(connection, &actor, "page", &name, what.to_owned(), now)
        })
        .await
    }
}

impl Reader {
    /// A person by the name they sign in with.
    pub fn person(&self, name: &PersonName) -> Result<Option<Person>, JournalError> {
        find(&self.connection, name.as_str())
    }

    /// Everybody, by name.
    pub fn people(&self) -> Result<Vec<Person>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT name, shown, role, password, pin, locked_at, token_until, token FROM person ORDER BY name",
        )?;
        statement.query_map([], person)?.map(|it| it?).collect()
    }
}

/// How the audit names somebody who acts on the page: no system user is called so.
pub fn on_the_page(name: &PersonName) -> String {
    format!("{name} on the page")
}

fn invite(
    connection: &Connection,
    name: &PersonName,
    (shown, role): (Option<&str>, Option<Role>),
    token: &[u8],
    now: Timestamp,
) -> Result<String, JournalError> {
    let before = find(connection, name.as_str())?;
    let shown = shown.map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned);
    let is_new = before.is_none();
    let (old_shown, old_role) = before.map(|it| (it.shown, it.role)).unzip();
    let (Some(shown), Some(role)) = (shown.or(old_shown), role.or(old_role)) else {
        return Err(JournalError::Refused(format!("{name} is new: say who that is, and with which role")));
    };
    let until = now.saturating_add(TOKEN_LIFE).unwrap_or(now);
    connection.execute(
        "INSERT INTO person (name, shown, role, token, token_until) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (name) DO UPDATE SET shown = ?2, role = ?3, token = ?4, token_until = ?5,
             password = NULL, pin = NULL, locked_at = NULL",
        params![name.as_str(), shown, role.name(), token, until.as_microsecond()],
    )?;
    let what = if is_new { "is known now" } else { "is to choose a password again" };
    Ok(format!("{shown} {what}, {}", role.name()))
}

fn known(changed: usize, name: &PersonName) -> Result<(), JournalError> {
    if changed == 0 {
        return Err(JournalError::Refused(format!("nobody is called {name}; see labwire user")));
    }
    Ok(())
}

fn note(
    connection: &Connection,
    actor: &str,
    step: &str,
    name: &PersonName,
    detail: String,
    now: Timestamp,
) -> Result<(), JournalError> {
    audit::append(connection, &Step { at: now, actor, step, subject: format!("person {name}"), detail })
}

fn find(connection: &Connection, name: &str) -> Result<Option<Person>, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT name, shown, role, password, pin, locked_at, token_until, token FROM person WHERE name = ?",
    )?;
    statement.query_row([name], person).optional()?.transpose()
}

fn person(row: &Row<'_>) -> rusqlite::Result<Result<Person, JournalError>> {
    let (name, role): (String, String) = (row.get(0)?, row.get(2)?);
    let (Ok(name), Some(role)) = (PersonName::parse(&name), Role::from_name(&role)) else {
        return Ok(Err(JournalError::Failed("a person can't be read".to_owned())));
    };
    let hash =
        |index: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<String>>(index)?.map(Private::new));
    Ok(Ok(Person {
        name,
        shown: row.get(1)?,
        role,
        password: hash(3)?,
        pin: hash(4)?,
        locked_at: row.get::<_, Option<i64>>(5)?.map(instant),
        invited_until: row.get::<_, Option<i64>>(6)?.map(instant),
        token: row.get::<_, Option<Vec<u8>>>(7)?.map(Private::new),
    }))
}
