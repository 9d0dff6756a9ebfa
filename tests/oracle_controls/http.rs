//! Gateways in miniature that take ASTM and deliver by HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use labsim::faults::Faults;
use labsim::frame::{ACK, ENQ, EOT, LF};
use labsim::generate::{ExpectedResult, Style};
use labsim::lims::{Lims, Mode};
use labsim::net::Place;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::analyzers::Analyzers;
use crate::oracle;
use crate::support::{self, lims, until};

/// What a host does with its deliveries when no answer came.
#[derive(Clone, Copy)]
enum Keys {
    /// The same key until there is an answer.
    Kept,
    /// A fresh one for every attempt.
    Fresh,
}

/// A gateway in miniature: it acknowledges each frame at once, keeps messages in memory, and forwards one after another.
/// Killing it is dropping it.
struct Host {
    address: SocketAddr,
    forwarded: mpsc::UnboundedReceiver<()>,
    _tasks: JoinSet<()>,
}

impl Host {
    /// `pause` is how long a message lies in memory before it is forwarded.
    async fn start(lims: SocketAddr, pause: Duration, keys: Keys) -> Host {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (keep, mut kept) = mpsc::unbounded_channel::<Vec<u8>>();
        let (tell, forwarded) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            loop {
                let (line, _) = listener.accept().await.unwrap();
                receive(line, &keep).await;
            }
        });
        tasks.spawn(async move {
            let mut number = 0;
            while let Some(message) = kept.recv().await {
                tokio::time::sleep(pause).await;
                number += 1;
                deliver(lims, number, &payload(number, &message), keys).await;
                let _ = tell.send(());
            }
        });
        Host { address, forwarded, _tasks: tasks }
    }
}

/// Acknowledges everything; at EOT what came since ENQ is a message.
async fn receive(mut line: TcpStream, keep: &mpsc::UnboundedSender<Vec<u8>>) {
    let mut message = Vec::new();
    while let Ok(byte) = line.read_u8().await {
        message.push(byte);
        let answered = match byte {
            ENQ => {
                message.clear();
                line.write_all(&[ACK]).await
            }
            LF => line.write_all(&[ACK]).await,
            EOT => {
                let _ = keep.send(std::mem::take(&mut message));
                Ok(())
            }
            _ => Ok(()),
        };
        if answered.is_err() {
            return;
        }
    }
}

/// An Erba XL's message as a delivery: it has one result, in one frame.
fn payload(number: u64, message: &[u8]) -> Value {
    let text = String::from_utf8_lossy(message);
    let record = |kind: &str| text.split('\r').find(|record| record.starts_with(kind)).unwrap_or_default();
    let field = |kind: &str, at: usize| record(kind).split('|').nth(at).unwrap_or_default().to_owned();
    let (specimen, value) = (field("O|", 2), field("R|", 3));
    json!({"schema": "labwire/results/1", "specimen": {"id": specimen}, "results": [{
        "id": number.to_string(), "version": 1, "instrument": "erba", "specimen_as_sent": specimen,
        "test": {"code": field("R|", 2).trim_matches('^')}, "replicate": 1, "status": field("R|", 8),
        "value": {"kind": "quantity", "number": value, "as_sent": value}}]})
}

/// Posts a delivery until there is an answer.
async fn deliver(lims: SocketAddr, number: u64, payload: &Value, keys: Keys) {
    let body = payload.to_string();
    for attempt in 1.. {
        let key = match keys {
            Keys::Kept => format!("{number}"),
            Keys::Fresh => format!("{number}-{attempt}"),
        };
        let mut line = TcpStream::connect(lims).await.unwrap();
        let length = body.len();
        let head = format!(
            "POST /results HTTP/1.1\r\nHost: lims\r\nIdempotency-Key: \"{key}\"\r\nContent-Length: {length}\r\n\r\n"
        );
        line.write_all((head + &body).as_bytes()).await.unwrap();
        let mut answer = [0; 16];
        let answered = timeout(Duration::from_millis(500), line.read(&mut answer)).await;
        if matches!(answered, Ok(Ok(1..))) {
            return;
        }
    }
}

/// Lets an Erba XL send until this many of its results are acknowledged.
async fn play(host: &Host, enough: usize) -> Vec<ExpectedResult> {
    let mut analyzers = Analyzers::default();
    analyzers.add(Style::ErbaXl, Place::connect(host.address.to_string()), Faults::none());
    until("enough is acknowledged", || analyzers.count() >= enough).await;
    analyzers.stop().await
}

/// Waits until as many messages are forwarded as there are results.
async fn forwarded(host: &mut Host, count: usize) {
    for _ in 0..count {
        timeout(Duration::from_secs(30), host.forwarded.recv()).await.unwrap().unwrap();
    }
}

async fn host(lims: &Lims, pause: Duration, keys: Keys) -> Host {
    Host::start(lims.address(), pause, keys).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_acknowledges_before_it_stores_is_found_out_when_it_is_killed_and_not_before() {
    let lims = lims().await;
    let mut spared = host(&lims, Duration::ZERO, Keys::Kept).await;
    let acknowledged = play(&spared, 10).await;
    forwarded(&mut spared, acknowledged.len()).await;
    assert_eq!(oracle::faults(&acknowledged, &lims.ledger()), Vec::<String>::new(), "it was never killed");

    let lims = support::lims().await;
    let killed = host(&lims, Duration::from_millis(200), Keys::Kept).await;
    let acknowledged = play(&killed, 10).await;
    drop(killed);
    let faults = oracle::faults(&acknowledged, &lims.ledger());
    assert!(!faults.is_empty() && faults.iter().all(|fault| fault.contains("0 times")), "{faults:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_key_for_every_attempt_is_found_out_and_a_kept_one_is_not() {
    for (keys, is_right) in [(Keys::Kept, true), (Keys::Fresh, false)] {
        let lims = lims().await;
        lims.set_mode_for(Mode::TimeoutAfterAccepting, 2);
        let mut host = host(&lims, Duration::ZERO, keys).await;
        let acknowledged = play(&host, 5).await;
        forwarded(&mut host, acknowledged.len()).await;
        let faults = oracle::faults(&acknowledged, &lims.ledger());
        assert_eq!(faults.is_empty(), is_right, "{faults:?}");
        let doubled = faults.iter().any(|fault| fault.contains("taken twice"));
        assert_eq!(doubled, !is_right, "{faults:?}");
    }
}
