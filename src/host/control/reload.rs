//! A command's wish that the configuration on disk be put in force, and what came of it. The running gateway tries it: it alone
//! sees its credentials, and knows what it listens at.

use tokio::sync::{mpsc, oneshot};

use super::{Control, Response};

/// Takes wishes to reload.
pub type Reloads = mpsc::Sender<ReloadAsked>;

/// One wish. Answered with why the new configuration can't be used, or with what changed where the gateway ends to be started with it.
pub type ReloadAsked = oneshot::Sender<Result<Vec<String>, String>>;

impl Control {
    pub(super) async fn reload(&self, actor: String) -> Response {
        tracing::info!(actor, "a reload is asked for");
        let (answer, answered) = oneshot::channel();
        let ending = || Response::Refused { why: "the gateway is stopping".to_owned() };
        if self.reloads.send(answer).await.is_err() {
            return ending();
        }
        match answered.await {
            Ok(Ok(changes)) => Response::Reloads { changes },
            Ok(Err(why)) => Response::Refused { why },
            Err(_) => ending(),
        }
    }
}
