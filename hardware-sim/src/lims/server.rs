//! The HTTP server around the ledger.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::answer;
use super::ledger::{Book, Ledger, Outcome, Recorded};
use super::mode::Mode;
use crate::chance::Chance;

/// How a LIMS starts.
#[derive(Debug, Clone)]
pub struct Setup {
    /// On loopback; port 0 takes a free one.
    pub listen: SocketAddr,
    pub mode: Mode,
    /// Where the ledger survives the process; `None` keeps it in memory.
    pub ledger: Option<PathBuf>,
    /// For [`Mode::Mix`].
    pub seed: u64,
    /// How long a delivery that gets no answer is left waiting before a 504 ends it.
    pub hold: Duration,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            mode: Mode::Accept,
            ledger: None,
            seed: 0,
            hold: Duration::from_secs(60),
        }
    }
}

/// A running LIMS. Dropping it ends it and every connection to it.
#[derive(Debug)]
pub struct Lims {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    book: Mutex<Book>,
    conduct: Mutex<Conduct>,
    hold: Duration,
    stopping: watch::Sender<bool>,
}

/// How deliveries are met, and for how many more of them.
#[derive(Debug)]
struct Conduct {
    mode: Mode,
    left: Option<u32>,
    chance: Chance,
}

impl Lims {
    /// Fails where the address isn't on loopback or is taken, or the ledger's file can't be read.
    pub async fn start(setup: Setup) -> io::Result<Lims> {
        if !setup.listen.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the simulated LIMS listens on loopback only",
            ));
        }
        let book = setup.ledger.as_deref().map_or_else(|| Ok(Book::default()), Book::open)?;
        let listener = TcpListener::bind(setup.listen).await?;
        let address = listener.local_addr()?;
        let (stopping, mut stopped) = watch::channel(false);
        let conduct =
            Conduct { mode: setup.mode, left: None, chance: Chance::seeded_for(setup.seed, "lims") };
        let shared = Arc::new(Shared {
            book: Mutex::new(book),
            conduct: Mutex::new(conduct),
            hold: setup.hold,
            stopping,
        });
        let routes = routes(shared.clone());
        let server = tokio::spawn(async move {
            let stop = async move {
                // An error means that nobody is left to ask for it.
                let _ = stopped.wait_for(|stopping| *stopping).await;
            };
            // Serving ends by `stop` alone: accept errors are retried inside.
            let _ = axum::serve(listener, routes).with_graceful_shutdown(stop).await;
        });
        Ok(Lims { address, shared, server: Some(server) })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where deliveries go.
    pub fn url(&self) -> String {
        format!("http://{}/results", self.address)
    }

    /// Where to ask for the fate of a delivery; `{key}` stands for its key.
    pub fn probe_url(&self) -> String {
        format!("http://{}/results/{{key}}", self.address)
    }

    /// For every delivery from now on.
    pub fn set_mode(&self, mode: Mode) {
        self.shared.set_mode(mode, None);
    }

    /// For so many deliveries; the ones after them are accepted.
    pub fn set_mode_for(&self, mode: Mode, times: u32) {
        self.shared.set_mode(mode, Some(times));
    }

    /// What is held now.
    pub fn ledger(&self) -> Ledger {
        self.shared.book().ledger.clone()
    }

    /// Looks at what is held without copying it.
    pub fn with_ledger<T>(&self, look: impl FnOnce(&Ledger) -> T) -> T {
        look(&self.shared.book().ledger)
    }

    /// Ends it once open requests are answered; those that wait for nothing get a 504.
    pub async fn stop(mut self) {
        self.shared.stopping.send_replace(true);
        if let Some(server) = self.server.take() {
            // It can only have been cancelled, which is an end too.
            let _ = server.await;
        }
    }
}

impl Drop for Lims {
    fn drop(&mut self) {
        self.shared.stopping.send_replace(true);
    }
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn conduct(&self) -> MutexGuard<'_, Conduct> {
        self.conduct.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_mode(&self, mode: Mode, left: Option<u32>) {
        let mut conduct = self.conduct();
        conduct.mode = mode;
        conduct.left = left;
    }

    /// What the next delivery meets.
    fn meet(&self) -> Mode {
        let conduct = &mut *self.conduct();
        match &mut conduct.left {
            Some(0) => {
                conduct.mode = Mode::Accept;
                conduct.left = None;
            }
            Some(left) => *left -= 1,
            None => {}
        }
        conduct.mode.drawn(&mut conduct.chance)
    }

    /// Keeps a request waiting for an answer that doesn't come.
    async fn hold(&self) -> Response {
        let mut stopping = self.stopping.subscribe();
        tokio::select! {
            () = tokio::time::sleep(self.hold) => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
        answer::failure(504, "held on command")
    }
}

fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/results", post(receive))
        .route("/results/{key}", get(probe))
        .route("/control", post(control).get(conduct))
        .route("/ledger", get(ledger))
        .layer(DefaultBodyLimit::disable())
        .with_state(shared)
}

async fn receive(State(shared): State<Arc<Shared>>, headers: HeaderMap, payload: Bytes) -> Response {
    let Some(key) = answer::key_in(&headers) else {
        return answer::failure(400, "the Idempotency-Key is missing");
    };
    let mode = shared.meet();
    if let Some(response) = keep_out(&shared, &mode, &key).await {
        return response;
    }
    let (recording, met, recorded_key) = (shared.clone(), mode.clone(), key.clone());
    let recorded =
        tokio::task::spawn_blocking(move || record(&recording, &met, &recorded_key, &payload)).await;
    let taken = match recorded {
        Ok(Ok(Recorded::Taken(taken))) => (answer::accepted(&taken), taken),
        Ok(Ok(Recorded::Replayed(taken))) => (answer::replayed(&taken), taken),
        Ok(Ok(Recorded::Conflict)) => return answer::failure(422, "this key came with another payload"),
        Ok(Ok(Recorded::Unreadable(why))) => return answer::failure(400, why),
        Ok(Err(_)) | Err(_) => return answer::failure(500, "the ledger could not be written"),
    };
    let (response, taken) = taken;
    match mode {
        Mode::TimeoutAfterAccepting => shared.hold().await,
        Mode::StatusAfterAccepting(status) => answer::failure(status, "failed on command"),
        Mode::Garbage => answer::garbage(),
        Mode::CutMidAnswer => answer::cut(&taken),
        Mode::Slow(by) => {
            tokio::time::sleep(by).await;
            response
        }
        _ => response,
    }
}

/// The answer of a mode that doesn't take deliveries.
async fn keep_out(shared: &Shared, mode: &Mode, key: &str) -> Option<Response> {
    let response = match mode {
        Mode::TimeoutBeforeAccepting => None,
        Mode::Status(status) => Some(answer::failure(*status, "failed on command")),
        Mode::TooManyRequests(after) => Some(answer::too_many_requests(*after)),
        Mode::ErrorBody => Some(answer::error_body()),
        _ => return None,
    };
    shared.book().ledger.note(key, mode.to_string(), Outcome::NotTaken);
    match response {
        Some(response) => Some(response),
        None => Some(shared.hold().await),
    }
}

fn record(shared: &Shared, mode: &Mode, key: &str, payload: &[u8]) -> io::Result<Recorded> {
    let mut book = shared.book();
    let recorded = book.record(key, payload, mode.refused_codes())?;
    let outcome = match recorded {
        Recorded::Taken(_) => Outcome::Taken,
        Recorded::Replayed(_) => Outcome::Replayed,
        Recorded::Conflict => Outcome::Conflict,
        Recorded::Unreadable(_) => Outcome::Unreadable,
    };
    book.ledger.note(key, mode.to_string(), outcome);
    Ok(recorded)
}

async fn probe(State(shared): State<Arc<Shared>>, Path(key): Path<String>) -> Response {
    answer::state(&key, shared.book().ledger.answer(&key))
}

/// `{"mode": "slow:2s"}`, and `"times": 3` for as many deliveries only.
async fn control(State(shared): State<Arc<Shared>>, wish: Bytes) -> Response {
    let wish: Value = serde_json::from_slice(&wish).unwrap_or_default();
    let mode = wish.get("mode").and_then(Value::as_str).unwrap_or_default();
    let times = wish.get("times").and_then(Value::as_u64).and_then(|times| u32::try_from(times).ok());
    match mode.parse() {
        Ok(mode) => {
            shared.set_mode(mode, times);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(wrong) => answer::failure(400, &wrong),
    }
}

async fn conduct(State(shared): State<Arc<Shared>>) -> Response {
    let conduct = shared.conduct();
    axum::Json(json!({"mode": conduct.mode.to_string(), "times": conduct.left})).into_response()
}

async fn ledger(State(shared): State<Arc<Shared>>) -> Response {
    let book = shared.book();
    let held = &book.ledger;
    let summary =
        json!({"attempts": held.attempts().len(), "doubled": held.doubled().len(), "held": held.held()});
    axum::Json(summary).into_response()
}
