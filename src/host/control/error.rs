//! Why the control socket can't be used, and what that says of the gateway.

use std::io;
use std::path::PathBuf;

/// Why the socket can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("failed to open the control socket {path}: {error}", path = path.display())]
    Listen { path: PathBuf, error: io::Error },
    #[error("another gateway answers at the control socket {path}: commands would be carried to the wrong one; give this one a control_socket of its own", path = .0.display())]
    Taken(PathBuf),
    #[error("failed to reach a gateway at {path}: {error}; {}", look_at(error), path = path.display())]
    Connect { path: PathBuf, error: io::Error },
    #[error("the gateway gave no answer that can be understood: {0}")]
    Answer(String),
    #[error("the gateway went away before it answered: nothing is known of whether it was done")]
    Gone,
    #[error("the gateway refused: {0}")]
    Refused(String),
}

impl ControlError {
    /// Nobody listens at the socket, so no gateway runs there. Anything else says nothing of whether one does.
    pub fn nobody_listens(&self) -> bool {
        use io::ErrorKind::{ConnectionRefused, NotFound};
        matches!(self, ControlError::Connect { error, .. } if matches!(error.kind(), NotFound | ConnectionRefused))
    }
}

fn look_at(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "only root and the members of its group may",
        _ => "is it running?",
    }
}
