//! Gateways in miniature that take HL7 over MLLP and deliver it by MLLP.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use labsim::faults::Faults;
use labsim::generate::{ExpectedResult, Style};
use labsim::lims::mllp::{MllpLims, Mode, Setup, next_block, write_block};
use labsim::net::Place;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::analyzers::Analyzers;
use crate::oracle;
use crate::support::until;

/// Longer than a LIMS on this machine takes that answers at all.
const PATIENCE: Duration = Duration::from_millis(500);

/// When a host puts a message on its disk.
#[derive(Debug, Clone, Copy)]
enum Storing {
    BeforeItAnswers,
    /// Once a hundred lie in memory.
    WhenItIsWorthwhile,
}

/// What a host does about answers.
#[derive(Debug, Clone, Copy)]
enum Sending {
    /// The same message under the same control ID until an answer names it.
    Rightly,
    /// A fresh control ID for every attempt.
    FreshIds,
    /// Whatever comes next is the answer.
    AnyAnswer,
}

/// What survives a host: the messages, and how many of them are delivered.
#[derive(Debug, Default)]
struct Disk {
    messages: Vec<Vec<u8>>,
    delivered: usize,
}

type Shared = Arc<Mutex<Disk>>;

/// A running host; dropping it kills it.
struct Host {
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Host {
    async fn start(disk: &Shared, storing: Storing, lims: SocketAddr, sending: Sending) -> Host {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(receive(listener, Arc::clone(disk), storing));
        tasks.spawn(deliver_all(Arc::clone(disk), lims, sending));
        Host { address, _tasks: tasks }
    }
}

async fn receive(listener: TcpListener, disk: Shared, storing: Storing) {
    let mut memory = Vec::new();
    loop {
        let (mut line, _) = listener.accept().await.unwrap();
        while let Ok(Some(message)) = next_block(&mut line).await {
            let answer = format!("MSH|^~\\&|HOST\rMSA|AA|{}\r", field(&message, "MSH|", 9));
            memory.push(message);
            if matches!(storing, Storing::BeforeItAnswers) || memory.len() == 100 {
                disk.lock().unwrap().messages.append(&mut memory);
            }
            if write_block(&mut line, answer.as_bytes()).await.is_err() {
                break;
            }
        }
    }
}

/// The text of a field of the first segment that begins so.
fn field(message: &[u8], segment: &str, at: usize) -> String {
    let text = String::from_utf8_lossy(message);
    let line = text.split('\r').find(|line| line.starts_with(segment)).unwrap_or_default();
    line.split('|').nth(at).unwrap_or_default().to_owned()
}

/// What a cobas pro says, as it goes to the LIMS.
fn rendered(message: &[u8], control_id: &str) -> String {
    let specimen = field(message, "SPM|", 2);
    let [kind, code, number, value] = [2, 3, 4, 5].map(|at| field(message, "OBX|1|", at));
    format!(
        "MSH|^~\\&|||||||ORU^R01|{control_id}|P|2.5.1\rOBX|1|{kind}|{code}|{number}/{kind}|{value}||||||F\r\
         SPM|1|{}\r",
        specimen.split('&').next().unwrap()
    )
}

async fn deliver_all(disk: Shared, lims: SocketAddr, sending: Sending) {
    let mut line = None;
    loop {
        let next = {
            let disk = disk.lock().unwrap();
            disk.messages.get(disk.delivered).cloned().map(|message| (disk.delivered, message))
        };
        match next {
            Some((number, message)) => {
                deliver(&mut line, lims, number, &message, sending).await;
                disk.lock().unwrap().delivered += 1;
            }
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

/// Sends one message until it counts as taken.
async fn deliver(
    line: &mut Option<TcpStream>,
    lims: SocketAddr,
    number: usize,
    message: &[u8],
    sending: Sending,
) {
    for attempt in 0.. {
        let control_id = match sending {
            Sending::Rightly | Sending::AnyAnswer => format!("C{number}"),
            Sending::FreshIds => format!("C{number}-{attempt}"),
        };
        let stream = match line {
            Some(stream) => stream,
            None => line.insert(TcpStream::connect(lims).await.unwrap()),
        };
        let awaited = match sending {
            Sending::AnyAnswer => "MSA|AA|".to_owned(),
            Sending::Rightly | Sending::FreshIds => format!("MSA|AA|{control_id}\r"),
        };
        write_block(stream, rendered(message, &control_id).as_bytes()).await.unwrap();
        let answered = async {
            while let Ok(Some(answer)) = next_block(stream).await {
                if String::from_utf8_lossy(&answer).contains(&awaited) {
                    return;
                }
            }
            std::future::pending().await
        };
        if timeout(PATIENCE, answered).await.is_ok() {
            return;
        }
        if !matches!(sending, Sending::AnyAnswer) {
            *line = None;
        }
    }
}

async fn lims(first: Vec<Mode>) -> MllpLims {
    MllpLims::start(Setup { first, ..Setup::default() }).await.unwrap()
}

/// Lets a cobas pro send until this many of its results are acknowledged, and kills the host at that instant.
async fn play(host: Host, enough: usize) -> Vec<ExpectedResult> {
    let mut analyzers = Analyzers::default();
    analyzers.add(Style::CobasPro, Place::connect(host.address.to_string()), Faults::none());
    until("enough is acknowledged", || analyzers.count() >= enough).await;
    drop(host);
    analyzers.stop().await
}

/// What the oracle says once a host that is started again has delivered what is on the disk.
async fn judged(
    disk: &Shared,
    lims: &MllpLims,
    sending: Sending,
    acknowledged: &[ExpectedResult],
) -> Vec<String> {
    let _host = Host::start(disk, Storing::BeforeItAnswers, lims.address(), sending).await;
    until("everything on the disk is delivered", || {
        let disk = disk.lock().unwrap();
        disk.delivered == disk.messages.len()
    })
    .await;
    oracle::faults(acknowledged, &lims.ledger())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intake_that_answers_before_the_commit_is_found_out_and_one_that_answers_after_it_is_not() {
    for (storing, is_right) in [(Storing::BeforeItAnswers, true), (Storing::WhenItIsWorthwhile, false)] {
        let (lims, disk) = (lims(Vec::new()).await, Shared::default());
        let host = Host::start(&disk, storing, lims.address(), Sending::Rightly).await;
        let acknowledged = play(host, 10).await;
        let faults = judged(&disk, &lims, Sending::Rightly, &acknowledged).await;
        assert_eq!(faults.is_empty(), is_right, "{storing:?}: {faults:?}");
        assert!(faults.iter().all(|fault| fault.contains("0 times")), "{faults:?}");
    }
}

/// What the oracle says of ten messages from one disk, sent in this way to a LIMS that meets the first ones so.
async fn sent(sending: Sending, first: Vec<Mode>) -> Vec<String> {
    let (lims, disk) = (lims(first).await, Shared::default());
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = Host::start(&disk, Storing::BeforeItAnswers, nobody.local_addr().unwrap(), sending).await;
    let acknowledged = play(host, 10).await;
    judged(&disk, &lims, sending, &acknowledged).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_control_id_for_every_attempt_is_found_out_and_a_kept_one_is_not() {
    for (sending, is_right) in [(Sending::Rightly, true), (Sending::FreshIds, false)] {
        let faults = sent(sending, vec![Mode::LoseAnswer, Mode::Close]).await;
        assert_eq!(faults.is_empty(), is_right, "{sending:?}: {faults:?}");
        let doubled = faults.iter().any(|fault| fault.contains("taken twice"));
        assert_eq!(doubled, !is_right, "{faults:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_takes_any_answer_for_its_own_is_found_out_and_one_that_reads_whose_it_is_is_not() {
    // The first message's answer comes with that to its repetition, and the second message gets the one too many.
    let late_by_one = || vec![Mode::Late, Mode::Accept, Mode::Ignore];
    for (sending, is_right) in [(Sending::Rightly, true), (Sending::AnyAnswer, false)] {
        let faults = sent(sending, late_by_one()).await;
        assert_eq!(faults.is_empty(), is_right, "{sending:?}: {faults:?}");
        assert!(faults.iter().all(|fault| fault.contains("0 times")), "{faults:?}");
    }
}
