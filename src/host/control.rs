//! The control socket: how commands reach a running gateway. One line of JSON asks, one line answers; the system user
//! at the other end is taken from the socket itself and stands in the audit.

mod ask;
mod call;
mod decision;
mod error;
mod live;
mod named;
mod overview;
mod person;
mod reevaluate;
mod reload;
mod resend;
mod sign_off;
mod signable;
mod tap;

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use tracing::field::{DisplayValue, display};

pub use self::ask::{ask, ask_within};
pub use self::call::{CallRequest, Recorded};
pub use self::decision::Asked;
pub use self::error::ControlError;
pub use self::overview::{AnalyzerLine, DestinationLine, Overview, Overviews, Weight};
pub use self::person::{PersonAsked, Token};
pub use self::reevaluate::{Becomes, Reevaluated};
pub use self::reload::{ReloadAsked, Reloads};
pub use self::resend::{ResendOf, ResendRequest};
pub use self::sign_off::SignOffRequest;
pub use self::signable::Signable;
use self::tap::Granted;
pub use self::tap::Tapped;
use super::users;
use crate::board::Board;
use crate::clock;
use crate::domain::call::Stand;
use crate::domain::{DestinationId, SpecimenId, SpecimenToken};
use crate::journal::desk::Decider;
use crate::journal::qc::Saying;
use crate::journal::reassign::Reassigning;
use crate::journal::reevaluate::Asking;
use crate::journal::rules::Signing;
use crate::journal::standstill::Since;
use crate::journal::{CallId, Journal, JournalError, ObservationId, Reader};
use crate::shutdown::Tasks;
use crate::tap::Tap;

/// The longest request, in bytes.
const REQUEST: u64 = 16 * 1024;
/// How long the asking side may take, and how long a command waits for the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Request {
    /// What every link and destination is doing.
    Live,
    /// Everything at a glance.
    Overview,
    /// Put the rules that the gateway was started with in force.
    Sign {
        /// What the asking side takes them to be.
        sha256: String,
        by: String,
        statement: String,
        /// Why, though no case takes some way through them.
        #[serde(default)]
        untried_because: Option<String>,
    },
    /// Say something of controls.
    Qc {
        asked: QcAsked,
        /// A run, or a control result.
        id: i64,
        by: String,
        reason: String,
    },
    /// End a standstill.
    Resume {
        /// What came in meanwhile leaves; otherwise each result of it waits for a decision.
        send_waiting: bool,
        reason: String,
    },
    /// Sign a day off, as it was looked at.
    SignOff(Box<SignOffRequest>),
    Decide {
        decision: Asked,
        id: i64,
        /// Who decides, where that isn't told by who asks.
        #[serde(default)]
        by: Option<String>,
        reason: String,
    },
    /// Results are another specimen's: their number was misread.
    Reassign { results: Vec<i64>, specimen: String, by: String, reason: String },
    /// What results become when they are read anew; where somebody is named, have it so.
    Reevaluate {
        results: Vec<i64>,
        by: Option<String>,
        #[serde(default)]
        reason: String,
    },
    /// Results that a destination has go there once more.
    Resend(Box<ResendRequest>),
    /// Write down what somebody did about a critical call.
    Call(Box<CallRequest>),
    /// Say who may act on the page. Only a command may: the page doesn't ask this.
    Person { name: String, asked: PersonAsked },
    /// Put the configuration on disk in force, or say why that can't be. Only a command may ask it: the page doesn't.
    Reload,
    /// Send what passes on these instruments' connections, or on all where none is named, until this end hangs up. Only
    /// a command may ask it: the page doesn't.
    Tap { instruments: Vec<String> },
}

/// What is said of controls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QcAsked {
    /// A run is accepted all the same.
    Accept,
    /// A result is taken out.
    Exclude,
}

/// What comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Response {
    Done,
    /// What was recorded of a call is on disk; whether that leaves anything to do.
    Recorded {
        open: bool,
    },
    /// The set-up token, told once, and until when it counts.
    Invited {
        token: Token,
        until: Timestamp,
    },
    /// What became of results that were read anew, or would.
    Reevaluated {
        results: Vec<Reevaluated>,
    },
    /// The gateway ends, to be started with the configuration on disk; what changed in it.
    Reloads {
        changes: Vec<String>,
    },
    /// So many results leave once more.
    Resent {
        results: usize,
    },
    Refused {
        why: String,
    },
    /// `journal` says in words whether it takes more.
    Live {
        journal: String,
        /// How the configuration on disk differs from the one that runs.
        #[serde(default)]
        configuration: Option<String>,
        links: Vec<Live>,
        destinations: Vec<Live>,
    },
    Overview(Box<Overview>),
}

/// One link or destination, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    pub name: String,
    pub state: String,
    pub since: Timestamp,
    /// What else there is to say, a line each.
    #[serde(default)]
    pub more: Vec<String>,
}

/// Both ways of a connection to the socket.
type Halves = (OwnedReadHalf, OwnedWriteHalf);

/// The gateway's side.
#[derive(Clone)]
pub struct Control {
    pub journal: Journal,
    pub board: Board,
    pub tap: Tap,
    pub arrived: Arc<Notify>,
    pub due: Arc<Notify>,
    pub rules: Signable,
    /// The destinations that are told of critical calls.
    pub tells: Vec<DestinationId>,
    pub overviews: Overviews,
    /// Who reads results anew.
    pub asking: Asking,
    /// Who ends the gateway where the configuration on disk can take its place.
    pub reloads: Reloads,
}

impl Control {
    /// Opens the socket for its owner and group, where no other gateway answers at it: one with a journal of its own may be
    /// configured so by mistake.
    pub fn listen(path: &Path) -> Result<UnixListener, ControlError> {
        let failed = |error| ControlError::Listen { path: path.to_owned(), error };
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(ControlError::Taken(path.to_owned()));
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let listener = UnixListener::bind(path).map_err(failed)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660)).map_err(failed)?;
        Ok(listener)
    }

    pub async fn run(self, listener: UnixListener, tasks: Tasks) {
        let stop = tasks.stopping();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    let (control, stop) = (self.clone(), tasks.stopping());
                    tasks.spawn(async move {
                        match tokio::time::timeout(PATIENCE, control.serve(stream)).await {
                            Ok(Ok(None)) => {}
                            Ok(Ok(Some((granted, halves)))) => {
                                control.send_lines(granted, halves, stop).await
                            }
                            Ok(Err(_)) | Err(_) => {
                                tracing::warn!("a command on the control socket broke off");
                            }
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "failed to accept on the control socket");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    /// Answers one request. What passes on connections is left for the caller to send.
    async fn serve(&self, stream: UnixStream) -> io::Result<Option<(Granted, Halves)>> {
        let actor = users::name(stream.peer_cred()?.uid());
        let (reading, mut writing) = stream.into_split();
        let mut reading = tokio::io::BufReader::new(reading.take(REQUEST));
        let mut line = String::new();
        if reading.read_line(&mut line).await? == 0 {
            // A command has looked whether anybody is here.
            return Ok(None);
        }
        let mut granted = None;
        let response = match serde_json::from_str(&line) {
            Ok(Request::Tap { instruments }) => match self.grant(actor, instruments).await {
                Ok(it) => {
                    granted = Some(it);
                    Response::Done
                }
                Err(why) => Response::Refused { why },
            },
            Ok(request) => self.answer(request, actor).await,
            Err(error) => Response::Refused { why: format!("the request can't be understood: {error}") },
        };
        let mut answer = serde_json::to_vec(&response).map_err(io::Error::other)?;
        answer.push(b'\n');
        writing.write_all(&answer).await?;
        Ok(granted.map(|granted| (granted, (reading.into_inner().into_inner(), writing))))
    }

    /// Does what `actor` asks for: whoever is at the other end of the socket, or signed in on the page.
    pub async fn answer(&self, request: Request, actor: String) -> Response {
        if let Some(why) = named::fault(&request) {
            return Response::Refused { why };
        }
        match request {
            Request::Live => self.live(),
            Request::Overview => self.overview().await,
            Request::Reload => self.reload(actor).await,
            Request::Tap { .. } => {
                Response::Refused { why: "what passes is told over the control socket alone".to_owned() }
            }
            Request::Sign { sha256, by, statement, untried_because } => {
                tracing::info!(actor, by, sha256, "signed rules");
                let present = &self.rules.present;
                if present.sha256 != sha256 {
                    let why = "the gateway runs with other rules; labwire reload, then sign".to_owned();
                    return Response::Refused { why };
                }
                let signers = &self.rules.signers;
                if !signers.is_empty() && !signers.contains(&actor) {
                    let why = format!(
                        "{actor} may not put rules in force; [rules] signers in labwire.toml says who may"
                    );
                    return Response::Refused { why };
                }
                if self.rules.failed_cases > 0 {
                    let why = format!(
                        "{} cases beside the rules don't come out as they say; labwire rules test names them",
                        self.rules.failed_cases
                    );
                    return Response::Refused { why };
                }
                let untried = match self.rules.untried(untried_because) {
                    Ok(untried) => untried,
                    Err(why) => return Response::Refused { why },
                };
                let signing = Signing { by, account: actor, statement, untried };
                match self.journal.sign(present, signing, clock::now()).await {
                    Ok(()) => {
                        self.rules.in_force.send_replace(Some(Arc::clone(present)));
                        Response::Done
                    }
                    Err(error) => Response::Refused { why: error.to_string() },
                }
            }
            Request::Qc { asked, id, by, reason } => {
                tracing::info!(actor, ?asked, id, "something was said of controls");
                let saying = Saying { by, account: actor, reason };
                let said = match asked {
                    QcAsked::Accept => self.journal.accept_run(id, saying, clock::now()).await,
                    QcAsked::Exclude => {
                        self.journal.exclude_control(ObservationId(id), saying, clock::now()).await
                    }
                };
                match said {
                    Ok(()) => Response::Done,
                    Err(error) => Response::Refused { why: error.to_string() },
                }
            }
            Request::Resume { send_waiting, reason } => {
                tracing::warn!(actor, send_waiting, "deliveries resume");
                let since = if send_waiting { Since::Send } else { Since::Hold };
                match self.journal.resume(since, Decider { actor, reason }, clock::now()).await {
                    Ok(()) => {
                        self.due.notify_one();
                        Response::Done
                    }
                    Err(error) => Response::Refused { why: error.to_string() },
                }
            }
            Request::Reassign { results, specimen, by, reason } => {
                let specimen = SpecimenId::new(specimen.trim());
                let token = self.token(|reader| reader.token(&specimen));
                tracing::info!(
                    actor,
                    ?results,
                    specimen_token = token,
                    "results are moved to another specimen"
                );
                let results = results.into_iter().map(ObservationId).collect();
                let moving = Reassigning { results, specimen, by, account: actor, reason };
                match self.journal.reassign(moving, clock::now()).await {
                    Ok(()) => {
                        self.arrived.notify_one();
                        self.due.notify_one();
                        Response::Done
                    }
                    Err(error) => Response::Refused { why: error.to_string() },
                }
            }
            Request::Reevaluate { results, by, reason } => {
                self.reevaluate(results, by.map(|by| (by, reason)), actor).await
            }
            Request::Resend(request) => self.resend(*request, actor).await,
            Request::Call(request) => self.record(*request, actor).await,
            Request::SignOff(request) => self.sign_off(*request, actor).await,
            Request::Person { name, asked } => self.person(&name, asked, actor).await,
            Request::Decide { decision, id, by, reason } => {
                let about = decision.about(id);
                let token = self.token(|reader| reader.token_of(about));
                tracing::info!(actor, ?decision, id, specimen_token = token, "decided");
                let actor = named::actor(by.as_deref(), actor);
                let decider = Decider { actor, reason };
                match self.journal.decide(about, decider, clock::now()).await {
                    Ok(()) => {
                        self.arrived.notify_one();
                        self.due.notify_one();
                        Response::Done
                    }
                    Err(error) => Response::Refused { why: error.to_string() },
                }
            }
        }
    }

    /// What stands for a specimen in the log, where the journal can tell.
    fn token(
        &self,
        read: impl FnOnce(&Reader) -> Result<Option<SpecimenToken>, JournalError>,
    ) -> Option<DisplayValue<SpecimenToken>> {
        let reader = self.journal.reader().ok()?;
        read(&reader).ok().flatten().map(display)
    }

    /// What is recorded of a call may name a patient: none of it is logged.
    async fn record(&self, request: CallRequest, account: String) -> Response {
        let token = self.token(|reader| reader.token_of_call(CallId(request.call)));
        tracing::info!(account, call = request.call, specimen_token = token, "a critical call");
        let now = clock::now();
        let recording = match request.recording(account, self.tells.clone(), now) {
            Ok(recording) => recording,
            Err(why) => return Response::Refused { why },
        };
        match self.journal.record_call(recording, now).await {
            Ok(stand) => {
                self.due.notify_one();
                Response::Recorded { open: stand == Stand::Open }
            }
            Err(error) => Response::Refused { why: error.to_string() },
        }
    }
}
