//! The ways in which a LIMS tells orders beside MLLP, with the real program: it posts them, is asked for them, leaves them
//! as files, or is asked about one tube while an analyzer waits.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;
#[expect(dead_code, reason = "shared with the other tests of orders, which use the rest")]
#[path = "support/teller.rs"]
mod teller;

use std::fs;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use labsim::analyzer::{Analyzer, Options};
use labsim::lims::Lims;
use labwire::domain::{OrderState, SpecimenId};
use support::*;
use teller::{query, told};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A laboratory with an Erba XL whose LIMS tells orders as `table` says.
async fn laboratory(table: &str) -> (Lims, Lab, SocketAddr) {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let analyzer = free_port();
    let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
    fs::write(lab.path("orders.token"), "open-sesame\n").unwrap();
    fs::write(lab.path("labwire.toml"), site + table).unwrap();
    lab.instrument("erba", "erba-xl", "", &listener(analyzer));
    (lims, lab, analyzer)
}

/// The text of a LIMS with one order.
fn text(id: &str, action: &str, number: &str, tube: &str, test: &str) -> String {
    format!(
        r#"{{"id":"{id}","cursor":"{id}","orders":[{{"action":"{action}","placer":"{number}","specimen":"{tube}","test":"{test}",
        "priority":"stat","patient":{{"id":"EX77","authority":"HOSP","name":"Example^Anna"}}}}]}}"#
    )
}

async fn ask(analyzer: SocketAddr, tube: &str) -> Vec<(String, Vec<String>)> {
    let mut line = Analyzer::new(connect(analyzer).await, Options::default());
    told(&String::from_utf8(line.query(query(&format!("^{tube}")).as_bytes()).await.unwrap()).unwrap())
}

fn has(tube: &str, test: &str) -> Vec<(String, Vec<String>)> {
    vec![(tube.to_owned(), vec![test.to_owned()])]
}

/// Posts a text; the status and body of the answer.
async fn push(address: SocketAddr, token: &str, body: &str) -> (u16, String) {
    let mut line = connect(address).await;
    let head = format!(
        "POST /orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    line.write_all((head + body).as_bytes()).await.unwrap();
    let mut answer = String::new();
    line.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lims_posts_orders_with_its_token_and_is_told_the_fate_of_each() {
    let address = free_port();
    let table = format!(
        "[orders.lims]\nkind = \"push\"\nlisten = \"{address}\"\nallow = [\"127.0.0.1\"]\ntoken_file = \"orders.token\"\n"
    );
    let (_lims, lab, analyzer) = laboratory(&table).await;
    let gateway = lab.start().await;
    let order = text("1", "place", "P1", "T1", "GLCC");
    assert_eq!(push(address, "open-sesam", &order).await.0, 401);
    assert_eq!(push(address, "", &order).await.0, 401);
    assert_eq!(push(address, "open-sesame", "{").await.0, 400);
    assert_eq!(push(address, "open-sesame", r#"{"orders":[]}"#).await.0, 422);
    assert_eq!(ask(analyzer, "T1").await, []);
    let first = push(address, "open-sesame", &order).await;
    assert_eq!(first, (200, r#"{"id":"1","orders":[{"result":"done"}]}"#.to_owned()));
    gateway.kill();
    let gateway = lab.start().await;
    assert_eq!(ask(analyzer, "T1").await, has("T1", "GLCC"));
    let cancelled = push(address, "open-sesame", &text("2", "cancel", "P1", "", "")).await;
    assert_eq!(cancelled.0, 200, "{}", cancelled.1);
    assert_eq!(push(address, "open-sesame", &order).await, first, "what comes again changes nothing");
    assert_eq!(ask(analyzer, "T1").await, []);
    let unknown = push(address, "open-sesame", &text("3", "cancel", "P9", "", "")).await;
    assert_eq!(unknown.1, r#"{"id":"3","orders":[{"result":"unknown"}]}"#);
    // More than may be posted at once.
    let mut line = connect(address).await;
    let head = "POST /orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer open-sesame\r\ncontent-length: 99999999\r\n\r\n";
    line.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    line.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 413");
    assert!(gateway.terminate().success());
    lab.must_balance();
}

/// A LIMS on the web: what it answers, by what the request line contains, and how often it was asked.
#[derive(Clone, Default)]
struct Web(Arc<Mutex<Asked>>);

#[derive(Default)]
struct Asked {
    answers: Vec<(String, Option<String>)>,
    lines: Vec<String>,
}

impl Web {
    async fn start() -> (Web, SocketAddr) {
        let web = Web::default();
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let one = web.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                tokio::spawn(one.clone().answer(stream));
            }
        });
        (web, address)
    }

    /// From now on; `None` is no answer at all.
    fn answers(&self, asked: &str, body: Option<&str>) {
        self.0.lock().unwrap().answers.insert(0, (asked.to_owned(), body.map(str::to_owned)));
    }

    fn was_asked(&self, what: &str) -> usize {
        self.0.lock().unwrap().lines.iter().filter(|line| line.contains(what)).count()
    }

    async fn answer(self, mut stream: TcpStream) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        let line = String::from_utf8_lossy(&head).lines().next().unwrap().to_owned();
        let found = {
            let mut state = self.0.lock().unwrap();
            state.lines.push(line.clone());
            state.answers.iter().find(|(asked, _)| line.contains(asked)).map(|(_, body)| body.clone())
        };
        let response = match found {
            Some(Some(body)) => {
                format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                )
            }
            Some(None) => std::future::pending().await,
            None => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned(),
        };
        let _ = stream.write_all(response.as_bytes()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lims_is_asked_what_is_new_from_where_it_left_off() {
    let (web, address) = Web::start().await;
    web.answers("after=%201", Some(r#"{"cursor":" 1","orders":[]}"#));
    web.answers("after= ", Some(&text(" 1", "place", "P1", "T1", "GLCC")));
    let table = format!(
        "[orders.lims]\nkind = \"poll\"\nurl = \"http://{address}/orders?after={{cursor}}\"\nevery_secs = 1\n"
    );
    let (_lims, lab, analyzer) = laboratory(&table).await;
    let gateway = lab.start().await;
    until("the order is known", || lab.reader().active_orders(9).unwrap().len() == 1).await;
    until("it goes on from there", || web.was_asked("after=%201") > 0).await;
    gateway.kill();
    let from_the_start = web.was_asked("after= ");
    web.answers("after=%201", Some(&text("2", "cancel", "P1", "", "")));
    web.answers("after=2", Some(r#"{"cursor":"2","orders":[]}"#));
    let gateway = lab.start().await;
    let state = || lab.reader().orders_on(&SpecimenId::new("T1")).unwrap()[0].state;
    until("it is cancelled", || state() == OrderState::Cancelled).await;
    assert_eq!(web.was_asked("after= "), from_the_start, "what was taken isn't asked for again");
    // An answer that can't be read is a failure, not the news that there is nothing.
    web.answers("after=2", Some("<html>"));
    until("it is named", || lab.text(&["status"]).contains("it is no JSON object")).await;
    assert_eq!(ask(analyzer, "T1").await, []);
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fhir_server_is_asked_for_its_service_requests() {
    let (web, address) = Web::start().await;
    let request = |status: &str, at: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"searchset","entry":[
            {{"resource":{{"resourceType":"ServiceRequest","id":"r1","status":"{status}","intent":"order","meta":{{"lastUpdated":"{at}"}},
            "identifier":[{{"value":"P1"}}],"code":{{"coding":[{{"code":"GLCC"}}]}},"subject":{{"reference":"Patient/p"}},
            "specimen":[{{"reference":"Specimen/s"}}]}}}},
            {{"resource":{{"resourceType":"Specimen","id":"s","identifier":[{{"value":"T1"}}]}}}},
            {{"resource":{{"resourceType":"Patient","id":"p","identifier":[{{"value":"EX77"}}]}}}}]}}"#
        )
    };
    web.answers("/fhir/ServiceRequest?", Some(&request("active", "2026-05-01T09:00:00Z")));
    let table = format!("[orders.lims]\nkind = \"fhir\"\nurl = \"http://{address}/fhir\"\nevery_secs = 1\n");
    let (_lims, lab, analyzer) = laboratory(&table).await;
    let _gateway = lab.start().await;
    until("the order is known", || lab.reader().active_orders(9).unwrap().len() == 1).await;
    assert_eq!(ask(analyzer, "T1").await, has("T1", "GLCC"));
    web.answers("_lastUpdated=ge2026-05-01T09%3A00%3A00Z", Some(&request("revoked", "2026-05-01T10:00:00Z")));
    until("it is cancelled", || lab.reader().active_orders(9).unwrap().is_empty()).await;
    assert_eq!(ask(analyzer, "T1").await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_taken_in_their_order_and_go_once_they_are_on_disk() {
    let (_lims, lab, analyzer) = laboratory(
        "[orders.lims]\nkind = \"folder\"\nfolder = \"orders\"\nevery_secs = 1\nmoved_to = \"taken\"\n",
    )
    .await;
    let folder = lab.path("orders");
    for name in ["orders", "taken"] {
        fs::create_dir(lab.path(name)).unwrap();
    }
    fs::write(folder.join("1.json"), text("1", "place", "P1", "T1", "GLCC")).unwrap();
    let two =
        teller::oml("2", "T2", &[("NW", "P2", "CRR")]) + &teller::oml("3", "T1", &[("CA", "P1", "GLCC")]);
    fs::write(folder.join("2.hl7"), two).unwrap();
    fs::write(folder.join("3.json"), "{").unwrap();
    fs::write(folder.join(".4.json"), text("4", "place", "P4", "T4", "GLCC")).unwrap();
    let _gateway = lab.start().await;
    until("both are taken", || fs::read_dir(lab.path("taken")).unwrap().count() == 2).await;
    assert_eq!(ask(analyzer, "T1").await, []);
    assert_eq!(ask(analyzer, "T2").await, has("T2", "CRR"));
    assert_eq!(ask(analyzer, "T4").await, [], "it isn't whole yet");
    assert!(folder.join("3.json").exists(), "what can't be read stays");
    until("and is named", || lab.text(&["status"]).contains("stays where it is")).await;
}

fn answer_of(lab: &Lab) -> String {
    let queries = lab.reader().host_queries(1).unwrap();
    queries.first().and_then(|it| it.answer.clone()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tube_of_which_nothing_is_known_is_asked_for_while_the_analyzer_waits() {
    let (web, address) = Web::start().await;
    web.answers("specimen=T1", Some(&text("1", "place", "P1", "T1", "GLCC")));
    web.answers("specimen=T2", Some(r#"{"orders":[]}"#));
    web.answers("specimen=T3", None);
    let orders = free_port();
    let table = format!(
        "[orders.lims]\nlisten = \"{orders}\"\nallow = [\"127.0.0.1\"]\n[orders.lims.ask]\n\
         url = \"http://{address}/orders?specimen={{specimen}}\"\npatience_secs = 1\n"
    );
    let (_lims, lab, analyzer) = laboratory(&table).await;
    let other = free_port();
    lab.instrument("other", "erba-xl", "", &listener(other));
    let _gateway = lab.start().await;
    assert_eq!(ask(analyzer, "T1").await, has("T1", "GLCC"));
    assert_eq!(ask(analyzer, "T1").await, has("T1", "GLCC"));
    assert_eq!(web.was_asked("specimen=T1"), 1, "what is known isn't asked for");
    assert_eq!(ask(analyzer, "T2").await, []);
    until("it says so", || answer_of(&lab).contains("the LIMS was asked and knows nothing of it")).await;
    // A LIMS that doesn't answer: the other analyzer isn't held up by it, and it is left alone then.
    let (late, known) = tokio::join!(ask(analyzer, "T3"), async {
        until("the LIMS is asked", || web.was_asked("specimen=T3") == 1).await;
        ask(other, "T1").await
    });
    assert_eq!((late, known), (vec![], has("T1", "GLCC")));
    assert_eq!(ask(analyzer, "T4").await, []);
    until("it says so", || answer_of(&lab).contains("the LIMS could not be asked")).await;
    assert_eq!(web.was_asked("specimen=T4"), 0);
    tokio::time::timeout(Duration::from_secs(5), ask(analyzer, "T1")).await.unwrap();
}
