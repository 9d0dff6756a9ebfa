//! Everything at a glance, as the page has it: for who looks at the gateway through its socket. No patient and no specimen
//! is named in it.

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use super::{Control, Response};

/// Whom to ask for an overview; who answers has the page's reading.
pub type Overviews = mpsc::Sender<oneshot::Sender<Option<Overview>>>;

/// One moment. Times are in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    pub site: String,
    pub as_of: i64,
    /// The one sentence that matters most, and what to do and what comes after it.
    pub weight: Weight,
    pub headline: String,
    pub then: String,
    /// What waits: how much, and of what.
    pub waiting: Vec<(i64, String)>,
    /// Critical calls that are open, and how many of them are overdue.
    pub calls: usize,
    pub overdue: usize,
    pub analyzers: Vec<AnalyzerLine>,
    pub destinations: Vec<DestinationLine>,
}

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// Results are stopped or in danger.
    Danger,
    /// A person must act.
    Act,
    /// Worth a look.
    Odd,
    /// As it should be, and not over yet.
    Wait,
    Calm,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalyzerLine {
    pub name: String,
    pub weight: Weight,
    pub state: String,
    pub last_message: Option<i64>,
    /// Results.
    pub received: i64,
    pub held: i64,
    pub problems: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestinationLine {
    pub name: String,
    pub weight: Weight,
    pub state: String,
    /// Results that aren't over there, and since when the oldest of them waits.
    pub waiting: i64,
    pub oldest: Option<i64>,
    pub last_accepted: Option<i64>,
    /// Deliveries that the LIMS refused, or whose fate isn't known.
    pub dead_letters: i64,
}

impl Control {
    /// What the page shows of this moment.
    pub(super) async fn overview(&self) -> Response {
        let (answer, answered) = oneshot::channel();
        let asked = self.overviews.send(answer).await.is_ok();
        match answered.await {
            Ok(Some(overview)) if asked => Response::Overview(Box::new(overview)),
            _ => Response::Refused { why: "the journal can't be read now".to_owned() },
        }
    }
}
