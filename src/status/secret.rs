//! Passwords and PINs: hashed with Argon2id, one at a time so that a flood of tries takes neither memory nor the
//! analyzers' processor. Nothing here is ever shown or logged.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::domain::Private;

/// The fewest and the most characters of a password. A long sentence is welcome; no kinds of characters are asked for.
pub(super) const PASSWORD: std::ops::RangeInclusive<usize> = 10..=200;
/// The same of a PIN or a badge's number, which opens nothing but a session that is away.
pub(super) const PIN: std::ops::RangeInclusive<usize> = 4..=100;

/// One hash after another. Clones share the turn.
#[derive(Clone)]
pub(super) struct Secrets(Arc<Semaphore>);

impl Secrets {
    pub(super) fn new() -> Secrets {
        Secrets(Arc::new(Semaphore::new(1)))
    }

    /// The hash of a secret, in PHC form; none where the machine has no randomness or memory for it.
    pub(super) async fn hash(&self, secret: Private<String>) -> Option<Private<String>> {
        self.in_turn(move || {
            let hash = Argon2::default().hash_password(secret.reveal().as_bytes()).ok()?;
            Some(Private::new(hash.to_string()))
        })
        .await
        .flatten()
    }

    /// Whether it is the secret of that hash. Without a hash it takes as long, and is not.
    pub(super) async fn is_right(&self, secret: Private<String>, hash: Option<Private<String>>) -> bool {
        self.in_turn(move || {
            let secret = secret.reveal().as_bytes();
            match hash.as_ref().and_then(|hash| PasswordHash::new(hash.reveal()).ok()) {
                Some(hash) => Argon2::default().verify_password(secret, &hash).is_ok(),
                None => {
                    let _ = Argon2::default().hash_password(secret);
                    false
                }
            }
        })
        .await
        .unwrap_or(false)
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let turn = Arc::clone(&self.0).acquire_owned().await.ok()?;
        let work = move || {
            let _turn = turn;
            work()
        };
        tokio::task::spawn_blocking(work).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_secret_is_known_by_its_hash_alone() {
        let secrets = Secrets::new();
        let private = |text: &str| Private::new(text.to_owned());
        let hash = secrets.hash(private("correct horse")).await.unwrap();
        assert!(hash.reveal().starts_with("$argon2id$"), "{}", hash.reveal());
        assert!(!hash.reveal().contains("correct"));
        assert!(secrets.is_right(private("correct horse"), Some(hash.clone())).await);
        for (secret, hash) in
            [("correct house", Some(hash.clone())), ("", Some(hash)), ("", None), ("", Some(private("")))]
        {
            assert!(!secrets.is_right(private(secret), hash).await, "{secret}");
        }
    }
}
