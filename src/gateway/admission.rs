//! Whether anything new is let in, by the journal's condition.

use labwire_link::Admission;
use tokio::sync::watch;

use super::Gateway;
use crate::journal::Condition;

impl Gateway {
    /// Whether links may let a new transfer begin: only while the journal takes more.
    pub(super) fn admission(&self) -> watch::Receiver<Admission> {
        let mut condition = self.journal.condition();
        let of = |condition: &Condition| match condition {
            Condition::Good => Admission::Open,
            Condition::Full | Condition::Failed(_) => Admission::Busy,
        };
        let (sender, receiver) = watch::channel(of(&condition.borrow_and_update()));
        let stop = self.tasks.stopping();
        self.tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    changed = condition.changed() => {
                        if changed.is_err() {
                            return;
                        }
                        let condition = condition.borrow_and_update().clone();
                        tracing::warn!(?condition, "the journal's condition changed");
                        sender.send_replace(of(&condition));
                    }
                }
            }
        });
        receiver
    }
}
