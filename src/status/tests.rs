//! Pages that break off or never come: an answer all the same, and the others go on.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::board::LinkState;
use crate::config::settings::{
    BackupSettings, JournalSettings, LogFormat, LogSettings, PageSettings, ReconciliationSettings, Retention,
};
use crate::host::control::Signable;

fn page(folder: &std::path::Path) -> Page {
    let path = folder.join("labwire.db");
    let journal = Journal::open(&path, 0, crate::clock::now()).unwrap();
    let settings = Settings {
        origin: crate::config::Origin::of(folder),
        site: "Example laboratory".to_owned(),
        journal: JournalSettings { path, reserve_bytes: 0, retention: Retention::default() },
        page: PageSettings {
            listen: "127.0.0.1:0".parse().unwrap(),
            tls: None,
            tokens: Vec::new(),
            hosts: vec!["page".to_owned()],
            away_after: Duration::from_secs(600),
            paper_after: Duration::from_secs(1_800),
            language: Default::default(),
        },
        control_socket: folder.join("control.sock"),
        log: LogSettings { format: LogFormat::Text, filter: "off".to_owned() },
        reconciliation: ReconciliationSettings { late_after: Duration::from_secs(900), reports: None },
        backup: BackupSettings {
            folder: folder.join("backups"),
            keep_days: 1,
            keep_weeks: 0,
            keep_months: 0,
        },
        alerts: Default::default(),
        otlp: None,
        call_steps: Vec::new(),
        trace: None,
        instruments: Vec::new(),
        rules: Default::default(),
        signers: Vec::new(),
        suspended: Vec::new(),
        destinations: Vec::new(),
        history: None,
        orders: Vec::new(),
        qc: Default::default(),
    };
    let rules = Signable {
        present: Default::default(),
        in_force: watch::channel(None).0,
        failed_cases: 0,
        untried: [].into(),
        signers: [].into(),
    };
    let control = Control {
        journal: journal.clone(),
        board: Board::default(),
        tap: Default::default(),
        arrived: Default::default(),
        due: Default::default(),
        rules,
        tells: Vec::new(),
        overviews: tokio::sync::mpsc::channel(1).0,
        asking: tokio::sync::mpsc::channel(1).0,
        reloads: tokio::sync::mpsc::channel(1).0,
    };
    let alive = watch::channel(crate::clock::monotonic()).1;
    Page::new(&journal, &Board::default(), control, &settings, Renders::new(), alive)
}

#[tokio::test]
async fn health_and_readiness_say_what_is_wrong_and_whether_a_start_helps() {
    let folder = tempfile::tempdir().unwrap();
    let well = page(folder.path());
    let with = |condition: Condition, standstill: Option<&str>, link: LinkState, silent_secs: u64| {
        let now = crate::clock::monotonic();
        let board = Board::default();
        board.add_link("port", Vec::new(), crate::clock::now());
        board.set_link("port", crate::clock::now(), link);
        Page {
            board,
            condition: watch::channel(condition).1,
            standstill: watch::channel(standstill.map(str::to_owned)).1,
            alive: watch::channel(now.checked_sub(Duration::from_secs(silent_secs)).unwrap()).1,
            ..well.clone()
        }
    };
    let down = || LinkState::Down("no such device".to_owned());
    let failed = || Condition::Failed("disk I/O error".to_owned());
    for (page, health, ready) in [
        (with(Condition::Good, None, LinkState::Listening, 0), (200, "at work"), (200, "ready")),
        (with(Condition::Good, None, down(), 0), (200, "at work"), (200, "ready")),
        (
            with(Condition::Good, None, LinkState::Starting, 0),
            (200, "at work"),
            (503, "1 links are starting"),
        ),
        (with(Condition::Full, None, down(), 0), (200, "at work"), (503, "the disk is full")),
        (
            with(Condition::Good, Some("a copy"), down(), 0),
            (200, "at work"),
            (503, "nothing is delivered: a copy"),
        ),
        (with(Condition::Good, None, down(), 90), (503, "the loops that results depend on"), (200, "ready")),
        (with(failed(), None, down(), 0), (503, "the journal has failed"), (503, "the journal has failed")),
    ] {
        let told = [health::health(State(page.clone())).await, health::ready(State(page)).await];
        for (response, (status, begins)) in told.into_iter().zip([health, ready]) {
            assert_eq!(response.status().as_u16(), status, "{begins}");
            let body = axum::body::to_bytes(response.into_body(), 1024).await.unwrap();
            assert!(body.starts_with(begins.as_bytes()), "{begins}: {body:?}");
        }
    }
}

async fn breaks() -> Response {
    panic!("cannot show CanaryName")
}

async fn asked(address: std::net::SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: page\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_page_that_breaks_off_or_never_comes_is_answered_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let page = page(folder.path());
    let readers = page.readers.clone();
    let pages = Router::new()
        .route("/", get(|| async { "here" }))
        .route("/breaks", get(breaks))
        .route("/never", get(|| async { std::future::pending::<&str>().await }))
        .route(
            "/reading",
            get(|| async move {
                let broken = readers.read::<()>(|_| panic!("cannot read CanaryName")).await;
                failure::Failure::from(broken.unwrap_err()).into_response()
            }),
        );
    let app = guarded(pages, Duration::from_secs(3), page);
    let ends = stop.clone();
    let serving =
        tokio::spawn(
            async move { connections::serve(&listener, None, &app, Limits::OF_THE_PAGE, ends).await },
        );
    for (path, status, said) in [
        ("/breaks", "HTTP/1.1 500 ", "This page could not be made."),
        ("/reading", "HTTP/1.1 503 ", "The journal can&#39;t be read at this moment."),
        ("/never", "HTTP/1.1 504 ", "This page takes too long to make."),
        ("/", "HTTP/1.1 200 ", "here"),
    ] {
        let answer = asked(address, path).await;
        assert!(answer.starts_with(status) && answer.contains(said), "{path}: {answer}");
        assert!(answer.contains("x-content-type-options: nosniff"), "{path}: {answer}");
        assert!(!answer.contains("Canary"), "{path}: {answer}");
    }
    stop.cancel();
    serving.await.unwrap();
}

#[tokio::test]
async fn who_waits_shares_the_next_reading_and_who_asks_later_gets_a_later_one() {
    let folder = tempfile::tempdir().unwrap();
    let page = page(folder.path());
    page.people.opened().await;
    page.snapshot().await.unwrap();
    let mut latest = page.latest.lock().await;
    let waits = page.clone();
    let waiting = tokio::spawn(async move { waits.snapshot().await.unwrap().days_left });
    tokio::time::sleep(Duration::from_millis(50)).await;
    // What another has read meanwhile, marked.
    let read = latest.as_mut().unwrap();
    (read.began, read.days_left) = (crate::clock::monotonic(), Some(7));
    drop(latest);
    assert_eq!(waiting.await.unwrap(), Some(7));
    assert_eq!(page.snapshot().await.unwrap().days_left, None, "it began before this was asked");
}
