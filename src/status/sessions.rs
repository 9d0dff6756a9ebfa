//! Who is signed in, in memory: a restart signs everybody out. A session is found by the hash of its token, goes away
//! when nobody does anything, and ends after a working day. It knows no password.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::typed::Typed;
use crate::domain::{PersonName, Role};
use crate::journal::people::Person;

/// How long a session may last at most.
pub(super) const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);
/// The most sessions at once; the one unused for longest makes room.
const AT_ONCE: usize = 200;
/// How many wrong PINs end a session, and how many wrong passwords in a row make a name wait.
const TRIES: u32 = 5;
/// How long a name waits then, from the last wrong password.
const WAIT: Duration = Duration::from_secs(60);

/// The sessions of one gateway. Clones share them.
#[derive(Clone)]
pub(super) struct Sessions {
    held: Arc<Mutex<Held>>,
    /// After so long without a request of its user, a session is away.
    idle: Duration,
}

#[derive(Default)]
struct Held {
    sessions: BTreeMap<Key, Session>,
    wrong: BTreeMap<PersonName, (u32, Instant)>,
}

/// What a session is found by: the SHA-256 of its token.
type Key = [u8; 32];

struct Session {
    name: PersonName,
    shown: String,
    role: Role,
    guard: String,
    began: Instant,
    seen: Instant,
    wrong: u32,
    /// What was refused while its user was away.
    typed: Option<Typed>,
}

/// Somebody who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Visitor {
    pub name: PersonName,
    pub shown: String,
    pub role: Role,
    /// What each form of this session carries, so that no other page can send one.
    pub guard: String,
    /// Did nothing for a while: a PIN, a badge or the password brings them back.
    pub is_away: bool,
    /// What they typed here before they were away, for this one answer.
    pub typed: Option<Typed>,
    key: Key,
}

impl Sessions {
    pub(super) fn new(idle: Duration) -> Sessions {
        Sessions { held: Arc::default(), idle }
    }

    /// Begins a session; returns its token, which only the browser keeps.
    pub(super) fn begin(&self, person: &Person, now: Instant) -> String {
        let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let session = Session {
            name: person.name.clone(),
            shown: person.shown.clone(),
            role: person.role,
            guard: Uuid::new_v4().simple().to_string(),
            began: now,
            seen: now,
            wrong: 0,
            typed: None,
        };
        let mut held = self.held();
        held.wrong.remove(&person.name);
        held.sessions.retain(|_, session| !session.is_over(now));
        if held.sessions.len() >= AT_ONCE {
            let oldest = held.sessions.iter().min_by_key(|(_, it)| it.seen).map(|(key, _)| *key);
            oldest.and_then(|key| held.sessions.remove(&key));
        }
        held.sessions.insert(key(&token), session);
        token
    }

    /// Whose token that is. `acts` says that a person asked, not their open page.
    pub(super) fn visit(&self, token: &str, acts: bool, now: Instant) -> Option<Visitor> {
        let key = key(token);
        let mut held = self.held();
        let session = held.sessions.get_mut(&key).filter(|session| !session.is_over(now))?;
        let is_away = now.duration_since(session.seen) >= self.idle;
        if acts && !is_away {
            session.seen = now;
        }
        Some(Visitor {
            name: session.name.clone(),
            shown: session.shown.clone(),
            role: session.role,
            guard: session.guard.clone(),
            is_away,
            typed: None,
            key,
        })
    }

    /// Keeps a form that was refused as its user was away. The latest counts.
    pub(super) fn keep(&self, visitor: &Visitor, typed: Typed) {
        if let Some(session) = self.held().sessions.get_mut(&visitor.key) {
            session.typed = Some(typed);
        }
    }

    /// Where the form that was refused came from.
    pub(super) fn kept_place(&self, visitor: &Visitor) -> Option<String> {
        self.held().sessions.get(&visitor.key)?.typed.as_ref().map(|typed| typed.place.clone())
    }

    /// The form that was refused, once, for whoever is back at its place.
    pub(super) fn take_typed(&self, visitor: &Visitor, place: &str) -> Option<Typed> {
        let mut held = self.held();
        held.sessions.get_mut(&visitor.key)?.typed.take_if(|typed| typed.place == place)
    }

    /// Somebody who was away is back.
    pub(super) fn back(&self, visitor: &Visitor, now: Instant) {
        if let Some(session) = self.held().sessions.get_mut(&visitor.key) {
            (session.seen, session.wrong) = (now, 0);
        }
    }

    /// A wrong PIN; too many end the session.
    pub(super) fn wrong_pin(&self, visitor: &Visitor) {
        let mut held = self.held();
        let Some(session) = held.sessions.get_mut(&visitor.key) else { return };
        session.wrong += 1;
        if session.wrong >= TRIES {
            held.sessions.remove(&visitor.key);
        }
    }

    /// Ends a session that another one follows at the same screen. What was typed goes on with the same person, and with no other.
    pub(super) fn follow(&self, before: &Visitor, token: &str, by: &PersonName) {
        let mut held = self.held();
        let typed = held.sessions.remove(&before.key).and_then(|it| it.typed);
        if let Some(session) = held.sessions.get_mut(&key(token)).filter(|_| before.name == *by) {
            session.typed = typed;
        }
    }

    pub(super) fn end(&self, visitor: &Visitor) {
        self.held().sessions.remove(&visitor.key);
    }

    /// Ends all sessions of somebody whose role or right to sign in has changed.
    pub(super) fn end_all(&self, name: &PersonName) {
        self.held().sessions.retain(|_, session| session.name != *name);
    }

    /// Whether a password may be tried for this name now.
    pub(super) fn may_try(&self, name: &PersonName, now: Instant) -> bool {
        let held = self.held();
        held.wrong.get(name).is_none_or(|(count, last)| *count < TRIES || now.duration_since(*last) >= WAIT)
    }

    /// A wrong password of somebody known.
    pub(super) fn wrong_password(&self, name: &PersonName, now: Instant) {
        let mut held = self.held();
        let (count, last) = held.wrong.entry(name.clone()).or_insert((0, now));
        (*count, *last) = (*count + 1, now);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.began) >= LONGEST
    }
}

fn key(token: &str) -> Key {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(600);
    const SECOND: Duration = Duration::from_secs(1);

    fn anna() -> Person {
        Person {
            name: PersonName::parse("anna.example").unwrap(),
            shown: "Anna Example".to_owned(),
            role: Role::Technician,
            password: None,
            pin: None,
            locked_at: None,
            invited_until: None,
            token: None,
        }
    }

    #[test]
    fn a_session_goes_away_unless_its_user_acts_and_comes_back_with_a_pin() {
        let (sessions, began) = (Sessions::new(IDLE), crate::clock::monotonic());
        let token = sessions.begin(&anna(), began);
        let away = |acts, after| sessions.visit(&token, acts, began + after).unwrap().is_away;
        assert!(!away(true, IDLE - SECOND));
        assert!(!away(false, IDLE + SECOND), "a request renews it");
        assert!(away(false, IDLE * 2), "an open page doesn't");
        assert!(away(true, IDLE * 2), "who is away isn't back by asking");
        let visitor = sessions.visit(&token, true, began + IDLE * 2).unwrap();
        sessions.back(&visitor, began + IDLE * 2);
        assert!(!away(true, IDLE * 2 + SECOND));
    }

    #[test]
    fn a_session_ends_after_a_working_day_by_signing_out_and_after_wrong_pins() {
        let (sessions, began) = (Sessions::new(IDLE), crate::clock::monotonic());
        let token = sessions.begin(&anna(), began);
        assert!(sessions.visit(&token, true, began + LONGEST).is_none());
        assert!(sessions.visit("another", true, began).is_none());

        let visitor = sessions.visit(&token, true, began).unwrap();
        for _ in 1..TRIES {
            sessions.wrong_pin(&visitor);
        }
        assert!(sessions.visit(&token, true, began).is_some());
        sessions.wrong_pin(&visitor);
        assert!(sessions.visit(&token, true, began).is_none());

        let (first, second) = (sessions.begin(&anna(), began), sessions.begin(&anna(), began));
        sessions.end(&sessions.visit(&first, true, began).unwrap());
        assert!(sessions.visit(&first, true, began).is_none());
        assert!(sessions.visit(&second, true, began).is_some());
        sessions.end_all(&anna().name);
        assert!(sessions.visit(&second, true, began).is_none());
    }

    #[test]
    fn a_name_waits_after_wrong_passwords_and_no_other_does() {
        let (sessions, began) = (Sessions::new(IDLE), crate::clock::monotonic());
        let (anna, bert) = (anna().name, PersonName::parse("bert").unwrap());
        for _ in 0..TRIES {
            assert!(sessions.may_try(&anna, began));
            sessions.wrong_password(&anna, began);
        }
        assert!(!sessions.may_try(&anna, began + WAIT - SECOND));
        assert!(sessions.may_try(&bert, began));
        assert!(sessions.may_try(&anna, began + WAIT));
    }

    #[test]
    fn a_new_session_makes_room_by_the_one_that_is_unused_for_longest() {
        let (sessions, began) = (Sessions::new(IDLE), crate::clock::monotonic());
        let tokens: Vec<String> = (0..200).map(|it| sessions.begin(&anna(), began + SECOND * it)).collect();
        sessions.begin(&anna(), began + IDLE);
        let there = |token: &String| sessions.visit(token, false, began + IDLE).is_some();
        assert!(!there(&tokens[0]));
        assert!(tokens[1..].iter().all(there));
    }
}
