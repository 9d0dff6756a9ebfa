//! What a command says of results that are to be read anew, and what it is told of them.

use std::fmt;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::{Control, Response};
use crate::domain::{HoldReason, Observation, Value};
use crate::journal::ObservationId;
use crate::journal::reevaluate::{Asked, Became, Looked, Said};

/// What became of one result, or would, in words. `Debug` shows its number alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reevaluated {
    pub id: i64,
    /// Its specimen and analyzer; empty where there is no such result.
    pub whose: String,
    /// Its test, value and unit as they are stored; empty where there is no such result.
    pub was: String,
    pub became: Result<Becomes, String>,
}

/// The result as it is read now.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Becomes {
    pub value: String,
    /// What rules in force find.
    pub decisions: Vec<String>,
    /// Why it waits.
    pub holds: Vec<String>,
    /// Where it leaves for as a result.
    pub leaves: Vec<String>,
    /// Where it leaves for and corrects what is there.
    pub corrects: Vec<String>,
    /// Where what is there is told to be void: it goes by another code now.
    pub voids: Vec<String>,
    /// By which code it goes then, where that is another one.
    pub code: Option<String>,
}

impl fmt::Debug for Reevaluated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reevaluated({})", self.id)
    }
}

impl Control {
    /// What results become when they are read anew, a named person having it so where one is given.
    ///
    /// # Errors
    /// Why nothing could be told, and nothing was done.
    pub async fn read_anew(
        &self,
        results: Vec<ObservationId>,
        said: Option<Said>,
    ) -> Result<Vec<Looked>, String> {
        let nobody = || "the gateway is still starting, or ending; try again".to_owned();
        let (answer, told) = oneshot::channel();
        self.asking.try_send(Asked { results, said, answer }).map_err(|_| nobody())?;
        told.await.map_err(|_| nobody())?
    }

    pub(super) async fn reevaluate(
        &self,
        results: Vec<i64>,
        by: Option<(String, String)>,
        account: String,
    ) -> Response {
        if by.is_some() {
            tracing::info!(account, ?results, "results are read anew");
        }
        let results = results.into_iter().map(ObservationId).collect();
        let said = by.map(|(by, reason)| Said { by, account, reason });
        match self.read_anew(results, said).await {
            Ok(looked) => Response::Reevaluated { results: looked.into_iter().map(told).collect() },
            Err(why) => Response::Refused { why },
        }
    }
}

fn told(looked: Looked) -> Reevaluated {
    let was = looked.was.as_ref().map(|it| it.reveal().in_words()).unwrap_or_default();
    let whose = |it: &Observation| format!("{} of {}", it.specimen.reveal(), it.instrument);
    let whose = looked.was.as_ref().map(|it| whose(it.reveal())).unwrap_or_default();
    let becomes = |it: Became| Becomes {
        value: in_words(it.observation.reveal()),
        decisions: it.decisions.iter().map(|it| it.words().english()).collect(),
        holds: it
            .holds
            .iter()
            .map(|reason: &HoldReason| it.observation.reveal().why_held(*reason).english())
            .collect(),
        leaves: it.begins_at().map(ToString::to_string).collect(),
        corrects: it.corrects().map(ToString::to_string).collect(),
        voids: it.voids().map(ToString::to_string).collect(),
        code: it.is_recoded.then(|| it.observation.reveal().code_at_the_lims().to_owned()),
    };
    Reevaluated { id: looked.id.0, whose, was, became: looked.became.map(becomes) }
}

/// What was read, and as what code it leaves where its text stands for one.
fn in_words(observation: &Observation) -> String {
    let words = observation.in_words();
    match &observation.value {
        Value::Code { coding: Some(coding), .. } => format!("{words}, which is {}", coding.code),
        _ => words,
    }
}
