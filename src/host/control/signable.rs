//! The rules that a person can put in force through the gateway, and what keeps them from it.

use std::sync::Arc;

use tokio::sync::watch;

use crate::domain::Rules;

/// The rules that can be signed, and whom to tell.
#[derive(Clone)]
pub struct Signable {
    /// Those that the gateway was started with.
    pub present: Arc<Rules>,
    /// Those in force.
    pub in_force: watch::Sender<Option<Arc<Rules>>>,
    /// How many of the cases beside them don't come out as they say. Such rules are never put in force.
    pub failed_cases: usize,
    /// The ways through them that no case takes, each as its rule and its path. Such rules are put in force only with a reason.
    pub untried: Arc<[String]>,
    /// The system users who may sign; empty: whoever may use the socket.
    pub signers: Arc<[String]>,
}

impl Signable {
    /// What the audit says of ways that no case takes, or why they keep the rules from being signed.
    pub(super) fn untried(&self, because: Option<String>) -> Result<Option<String>, String> {
        let ways = format!("no case for {}: {}", self.untried.len(), self.untried.join(", "));
        match because.filter(|because| !because.trim().is_empty()) {
            _ if self.untried.is_empty() => Ok(None),
            Some(because) => Ok(Some(format!("{ways}; because {because}"))),
            None => Err(format!("{ways}; add cases, or say why none is needed")),
        }
    }
}
