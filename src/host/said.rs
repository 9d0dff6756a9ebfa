//! What the log says of telling: that it fails, once, and that it works again.

/// Remembers the last failure, so that one of many is logged.
pub struct Said {
    /// Whom, or what, the log means.
    whom: &'static str,
    last_failure: Option<String>,
}

impl Said {
    pub fn of(whom: &'static str) -> Said {
        Said { whom, last_failure: None }
    }

    /// Whether it was taken.
    pub fn came_to(&mut self, sent: Result<(), String>) -> bool {
        let failure = sent.err();
        if failure != self.last_failure {
            match &failure {
                Some(why) => tracing::warn!(why, "failed to send {}; it is tried again", self.whom),
                None => tracing::info!("{} can be sent again", self.whom),
            }
        }
        self.last_failure = failure;
        self.last_failure.is_none()
    }
}
