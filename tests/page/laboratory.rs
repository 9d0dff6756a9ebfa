//! A whole gateway in a folder of its own, with one analyzer played over TCP and a simulated LIMS, for the tests of
//! the status page. Everything is invented.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use labsim::frame::{Framing, cut, emit};
use labsim::lims::{Lims, Mode, Setup};
use labwire::board::LinkState;
use labwire::config::Settings;
use labwire::config::settings::{Language, PageSettings};
use labwire::gateway::Gateway;
use labwire::host::control::{self, PersonAsked, Request, Response};
use labwire::host::sockets::Sockets;

#[path = "../support/port.rs"]
mod port;
use port::free_port;

/// A specimen number that would be a script if the page didn't escape it.
pub(crate) const SCRIPT: &str = "<script>alert(1)</script>";
/// The same number in an address.
pub(crate) const SCRIPT_IN_ADDRESS: &str = "%3Cscript%3Ealert(1)%3C%2Fscript%3E";

/// What everybody chooses who signs in.
pub(crate) const PASSWORD: &str = "correct+horse+battery";

/// What the analyzer's tests measure, where a laboratory has rules.
const CODES: &str = "[codes.001]\nanalyte = \"thyrotropin\"\n[codes.002]\nanalyte = \"potassium\"\n[codes.003]\nanalyte = \"calcium\"\n[codes.HEM]\n";

/// How long anything may take before a test gives up.
const DEADLINE: Duration = Duration::from_secs(120);

pub(crate) struct Laboratory {
    pub(crate) gateway: Option<Gateway>,
    pub(crate) lims: Lims,
    pub(crate) page: SocketAddr,
    analyzer: SocketAddr,
    folder: tempfile::TempDir,
}

/// An answer of the page.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Laboratory {
    pub(crate) async fn open() -> Laboratory {
        Laboratory::open_with("127.0.0.1", "", &[]).await
    }

    /// One whose page is at this address, with more for its settings and files beside them.
    pub(crate) async fn open_with(address: &str, more: &str, files: &[(&str, &[u8])]) -> Laboratory {
        Laboratory::start(address, more, files, Language::English).await
    }

    /// The same, whose page speaks this.
    pub(crate) async fn start(
        address: &str,
        more: &str,
        files: &[(&str, &[u8])],
        language: Language,
    ) -> Laboratory {
        Laboratory::start_as(address, more, files, |page| page.language = language).await
    }

    /// The same, with other settings of the page than files can have.
    pub(crate) async fn start_as(
        address: &str,
        more: &str,
        files: &[(&str, &[u8])],
        otherwise: impl FnOnce(&mut PageSettings),
    ) -> Laboratory {
        labwire::host::tls::install_provider();
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
            fs::write(folder.path().join(name), content).unwrap();
        }
        let has_rules = files.iter().any(|(name, _)| name.starts_with("rules.d/"));
        let codes = if has_rules { CODES } else { "" };
        let lims = Lims::start(Setup::default()).await.unwrap();
        let analyzer = free_port();
        let site = format!(
            r#"site = "Example laboratory"
control_socket = "control.sock"
[journal]
path = "labwire.db"

[page]
listen = "{address}:{}"
{more}
[log]
filter = "off"
[destination.lims]
url = "{}"
backoff_first_secs = 1
backoff_longest_secs = 1
breaker_rest_secs = 2
[destination.lims.items]
array = "/items"
id = "/id"
outcome = "/outcome"
reason = "/reason"
outcomes = {{ accepted = "accepted", refused = "refused" }}
"#,
            free_port().port(),
            lims.url()
        );
        let instrument = format!(
            "profile = \"ortho-vitros-3600\"\ndescription = \"<b>immuno</b> assay\"\ntime_zone = \"UTC\"\n\n[tcp_server]\nlisten = \"{analyzer}\"\nallow = [\"127.0.0.1\"]\n{codes}"
        );
        fs::create_dir_all(folder.path().join("instruments.d")).unwrap();
        fs::create_dir_all(folder.path().join("profiles.d")).unwrap();
        fs::write(folder.path().join("labwire.toml"), site).unwrap();
        fs::write(folder.path().join("instruments.d/vitros.toml"), instrument).unwrap();
        let (mut settings, _) = Settings::load(folder.path()).unwrap();
        otherwise(&mut settings.page);
        let gateway = Gateway::start(&settings, Sockets::default()).await.unwrap();
        let page = gateway.page;
        let laboratory = Laboratory { gateway: Some(gateway), lims, page, analyzer, folder };
        laboratory.until_it_listens().await;
        laboratory
    }

    async fn until_it_listens(&self) {
        let began = Instant::now();
        let listens = || {
            let links = self.gateway.as_ref().unwrap().board.links();
            links.values().any(|link| link.state == LinkState::Listening)
        };
        while !listens() {
            assert!(began.elapsed() < DEADLINE, "the listener never stood");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Restarts the gateway with more in the analyzer's file.
    pub(crate) async fn restart_with(&mut self, more: &str) {
        self.restart_after("instruments.d/vitros.toml", |text| format!("{text}{more}")).await;
    }

    /// Restarts the gateway where what the signed rules hold waits for a person.
    pub(crate) async fn restart_holding(&mut self) {
        let items = "[destination.lims.items]";
        let held = format!("release = \"hold-exceptions\"\n{items}");
        self.restart_after("labwire.toml", |text| text.replace(items, &held)).await;
    }

    async fn restart_after(&mut self, name: &str, change: impl FnOnce(String) -> String) {
        self.close().await;
        let file = self.folder.path().join(name);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(file, change(text)).unwrap();
        let (settings, _) = Settings::load(self.folder.path()).unwrap();
        let gateway = Gateway::start(&settings, Sockets::default()).await.unwrap();
        self.page = gateway.page;
        self.gateway = Some(gateway);
        self.until_it_listens().await;
    }

    /// Plays one message of the analyzer: results of a specimen as `(test, value)`.
    pub(crate) async fn send(&self, specimen: &str, results: &[(&str, &str)]) {
        let mut message = format!(
            "H|\\^&|||3600001||||||||LIS2-A|20260105111500\rP|1\rO|1|{specimen}^1^3||^^^1.0000+001+1.0|R||||||N||||5||||||||||F\r"
        );
        for (index, (test, value)) in results.iter().enumerate() {
            let number = index + 1;
            message.push_str(&format!(
                "R|{number}|^^^1.0000+{test}+1.0|{value}|mIU/L||^0^||V|||20260105104000|202601051110{number:02}|36000001\r"
            ));
        }
        message.push_str("L|1|N\r");
        self.send_message(&message).await;
    }

    /// Plays one message about a patient: results as `(test, value, unit)`, at a minute.
    pub(crate) async fn send_of_patient(&self, specimen: &str, minute: u32, results: &[(&str, &str, &str)]) {
        let mut message = format!(
            "H|\\^&|||3600001||||||||LIS2-A|20260105111500\rP|1|4711|||Example^Ada||19610412|F\rO|1|{specimen}^1^3||^^^1.0000+002+1.0|R||||||N||||5||||||||||F\r"
        );
        for (index, (test, value, unit)) in results.iter().enumerate() {
            let number = index + 1;
            message.push_str(&format!(
                "R|{number}|^^^1.0000+{test}+1.0|{value}|{unit}||^0^||V|||20260105104000|2026010511{minute:02}00|36000001\r"
            ));
        }
        message.push_str("L|1|N\r");
        self.send_message(&message).await;
    }

    /// Plays a message of the analyzer as it stands.
    pub(crate) async fn send_message(&self, message: &str) {
        let (address, message) = (self.analyzer, message.to_owned());
        tokio::task::spawn_blocking(move || play(address, message.as_bytes())).await.unwrap();
    }

    /// What the LIMS does from now on.
    pub(crate) fn lims_does(&self, mode: Mode) {
        self.lims.set_mode(mode);
    }

    pub(crate) async fn fetch(&self, path: &str) -> Answer {
        let host = self.page.to_string();
        self.request(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await
    }

    /// Sends a form, with a session's cookie where there is one.
    pub(crate) async fn post(&self, path: &str, cookie: &str, form: &str) -> Answer {
        let (host, length) = (self.page, form.len());
        self.request(format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nCookie: {cookie}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{form}"
        ))
        .await
    }

    /// A page as a session sees it.
    pub(crate) async fn fetch_as(&self, cookie: &str, path: &str) -> Answer {
        let host = self.page;
        self.request(format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
        ))
        .await
    }

    /// What a command on the gateway's machine says of somebody; a set-up token where one was made.
    pub(crate) async fn person(&self, name: &str, asked: PersonAsked) -> Option<String> {
        let (socket, name) = (self.folder.path().join("control.sock"), name.to_owned());
        let ask = move || control::ask(&socket, &Request::Person { name, asked }).unwrap();
        match tokio::task::spawn_blocking(ask).await.unwrap() {
            Response::Invited { token, .. } => Some(token.0),
            Response::Done => None,
            other => panic!("{other:?}"),
        }
    }

    /// Puts the configured rules in force.
    pub(crate) async fn sign_rules(&self) {
        let (settings, _) = Settings::load(self.folder.path()).unwrap();
        let (by, statement) = ("Dr. Example".to_owned(), "checked".to_owned());
        let request = Request::Sign {
            sha256: settings.rules.sha256.clone(),
            by,
            statement,
            untried_because: Some("a test".to_owned()),
        };
        let socket = self.folder.path().join("control.sock");
        let ask = move || control::ask(&socket, &request).unwrap();
        assert_eq!(tokio::task::spawn_blocking(ask).await.unwrap(), Response::Done);
    }

    /// Makes somebody known, and returns their set-up token.
    pub(crate) async fn invite(&self, name: &str, role: &str) -> String {
        let shown = Some(format!("{} Example", name.to_uppercase()));
        let asked = PersonAsked::Invite { shown, role: Some(role.to_owned()) };
        self.person(name, asked).await.unwrap()
    }

    /// Makes somebody known who signs in with `PASSWORD`, and returns their session's cookie.
    pub(crate) async fn signed_in(&self, name: &str, role: &str) -> String {
        let token = self.invite(name, role).await;
        let form = format!("name={name}&token={token}&password={PASSWORD}&again={PASSWORD}");
        assert_eq!(self.post("/set-up", "", &form).await.status, 303);
        self.sign_in(name, PASSWORD).await.unwrap()
    }

    /// The cookie of a new session, if the password is right.
    pub(crate) async fn sign_in(&self, name: &str, password: &str) -> Option<String> {
        let answer = self.post("/sign-in", "", &format!("name={name}&password={password}")).await;
        let cookie = answer.headers.lines().find_map(|line| line.strip_prefix("set-cookie: "))?.to_owned();
        assert!(cookie.contains("; httponly; samesite=strict"), "{cookie}");
        Some(cookie.split(';').next().unwrap().to_owned())
    }

    /// The number of a problem that is open.
    pub(crate) fn open_problem(&self) -> i64 {
        let reader = labwire::journal::Reader::open(&self.journal()).unwrap();
        reader.open_problems(1).unwrap()[0].id.0
    }

    /// The number of a result that is held.
    pub(crate) fn held(&self) -> i64 {
        let reader = labwire::journal::Reader::open(&self.journal()).unwrap();
        reader.held(1).unwrap()[0].observation.0
    }

    pub(crate) fn journal(&self) -> std::path::PathBuf {
        self.folder.path().join("labwire.db")
    }

    /// Sends a request as it stands and reads until the end.
    pub(crate) fn request(&self, request: String) -> impl Future<Output = Answer> + use<> {
        let page = self.page;
        async move { tokio::task::spawn_blocking(move || exchange(page, &request)).await.unwrap() }
    }

    pub(crate) async fn status(&self) -> serde_json::Value {
        serde_json::from_str(&self.fetch("/api/status").await.body).unwrap()
    }

    /// Waits until `/api/status` has `expected` at a JSON pointer.
    pub(crate) async fn until(&self, pointer: &str, expected: i64) {
        let began = Instant::now();
        loop {
            let status = self.status().await;
            if status.pointer(pointer).and_then(serde_json::Value::as_i64) == Some(expected) {
                return;
            }
            assert!(began.elapsed() < DEADLINE, "{pointer} never became {expected}: {status}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A specimen that arrived and one whose result is held, both with text that would be markup.
    pub(crate) async fn with_results() -> Laboratory {
        let laboratory = Laboratory::open().await;
        laboratory.send_results().await;
        laboratory
    }

    /// Two results that arrive, and one that is held and a problem.
    pub(crate) async fn send_results(&self) {
        self.send("24-000007", &[("001", "4.80"), ("001", "4.90")]).await;
        self.send(SCRIPT, &[("001", "<img src=x onerror=alert(2)>\x07")]).await;
        self.until("/waiting/held", 1).await;
        self.until("/destinations/lims/results/accepted", 2).await;
    }

    pub(crate) async fn close(&mut self) {
        if let Some(gateway) = self.gateway.take() {
            assert!(gateway.stop().await, "something didn't end in time");
        }
    }
}

fn play(analyzer: SocketAddr, message: &[u8]) {
    let mut line = TcpStream::connect(analyzer).unwrap();
    line.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut acknowledged = |bytes: &[u8]| {
        line.write_all(bytes).unwrap();
        let mut answer = [0];
        line.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [0x06], "not acknowledged: {bytes:?}");
    };
    acknowledged(b"\x05");
    for (number, part) in (1..).zip(cut(message, Framing::default())) {
        acknowledged(&emit(number, &part));
    }
    line.write_all(b"\x04").unwrap();
}

fn exchange(page: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(page).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    Answer::parse(&answer)
}

impl Answer {
    pub(crate) fn parse(answer: &[u8]) -> Answer {
        let answer = str::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, headers: head.to_ascii_lowercase(), body: body.to_owned() }
    }
}
