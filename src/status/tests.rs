//! Pages that break off or never come: an answer all the same, and the others go on.

use axum::response::{IntoResponse, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::config::settings::{
    BackupSettings, JournalSettings, LogFormat, LogSettings, PageSettings, ReconciliationSettings,
};
use crate::host::control::Signable;

fn page(folder: &std::path::Path) -> Page {
    let path = folder.join("labwire.db");
    let journal = Journal::open(&path, 0, crate::clock::now()).unwrap();
    let settings = Settings {
        site: "Example laboratory".to_owned(),
        journal: JournalSettings { path, reserve_bytes: 0 },
        page: PageSettings {
            listen: "127.0.0.1:0".parse().unwrap(),
            hosts: vec!["page".to_owned()],
            away_after: Duration::from_secs(600),
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
        call_steps: Vec::new(),
        trace: None,
        instruments: Vec::new(),
        rules: Default::default(),
        signers: Vec::new(),
        suspended: Vec::new(),
        destinations: Vec::new(),
        orders: Vec::new(),
        qc: Default::default(),
    };
    let rules =
        Signable { present: Default::default(), in_force: watch::channel(None).0, signers: [].into() };
    let control = Control {
        journal: journal.clone(),
        board: Board::default(),
        arrived: Default::default(),
        due: Default::default(),
        rules,
        tells: Vec::new(),
    };
    Page::new(&journal, &Board::default(), control, &settings)
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
        tokio::spawn(async move { connections::serve(&listener, &app, Limits::OF_THE_PAGE, ends).await });
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
