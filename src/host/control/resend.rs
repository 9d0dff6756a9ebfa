//! What a command says of results that are to leave once more.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Control, Response};
use crate::clock;
use crate::domain::{DestinationId, InstrumentId, SpecimenId};
use crate::journal::resend::{Of, Resending, Wanted};

/// Which results, where to, who says so and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResendRequest {
    pub destination: String,
    pub of: ResendOf,
    pub instrument: Option<String>,
    pub test: Option<String>,
    pub by: String,
    pub reason: String,
    /// The fingerprint of the preview that was looked at.
    #[serde(default)]
    pub seen: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResendOf {
    Specimen(String),
    /// From the first to the last.
    Specimens(String, String),
    /// From the first moment on and before the second, in microseconds since 1970.
    Received(i64, i64),
}

impl ResendRequest {
    /// Which results it is about.
    ///
    /// # Errors
    /// Where its times are none.
    pub fn wanted(&self) -> Result<Wanted, String> {
        let moment = |at: i64| Timestamp::from_microsecond(at).map_err(|error| error.to_string());
        Ok(Wanted {
            destination: DestinationId::new(&self.destination),
            of: match &self.of {
                ResendOf::Specimen(number) => Of::Specimen(SpecimenId::new(number)),
                ResendOf::Specimens(first, last) => {
                    Of::Specimens(SpecimenId::new(first), SpecimenId::new(last))
                }
                ResendOf::Received(from, to) => Of::Received(moment(*from)?, moment(*to)?),
            },
            instrument: self.instrument.as_deref().map(InstrumentId::new),
            test: self.test.clone(),
        })
    }
}

impl Control {
    pub(super) async fn resend(&self, request: ResendRequest, account: String) -> Response {
        let wanted = match request.wanted() {
            Ok(wanted) => wanted,
            Err(why) => return Response::Refused { why },
        };
        let resending = Resending {
            wanted,
            by: request.by,
            account: account.clone(),
            reason: request.reason,
            seen: request.seen,
        };
        match self.journal.resend(resending, clock::now()).await {
            Ok(preview) => {
                tracing::info!(
                    account,
                    destination = request.destination,
                    results = preview.results(),
                    "results are sent once more"
                );
                self.due.notify_one();
                Response::Resent { results: preview.results() }
            }
            Err(error) => Response::Refused { why: error.to_string() },
        }
    }
}
