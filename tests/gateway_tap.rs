//! What passes on a connection: shown while it passes, kept in a file, played again elsewhere, and never in the way of
//! a result.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use labsim::lims::Lims;
use labsim::net::Place;
use labsim::replay::{Manner, Recording, play};
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const TIME: &str = "20260102030405";

/// A command of labwire that goes on by itself; it is killed when this is dropped.
struct Running(Child);

impl Running {
    /// Starts it and waits for its first line.
    fn start(lab: &Lab, arguments: &[&str]) -> (Running, BufReader<std::process::ChildStdout>) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_labwire"));
        command.args(arguments).arg("--config").arg(lab.folder.path()).env("TZ", "UTC");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        out.read_line(&mut first).unwrap();
        assert!(!first.is_empty(), "it said nothing");
        (Running(child), out)
    }

    fn interrupt(&self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A laboratory with an analyzer that speaks ASTM and one that speaks HL7.
async fn lab(lims: &Lims, more: &str) -> (Lab, std::net::SocketAddr, std::net::SocketAddr) {
    let lab = Lab::new(lims, "");
    let (astm, hl7) = (free_port(), free_port());
    lab.instrument("erba", "erba-xl", "", &listener(astm));
    lab.instrument("generic", "generic-hl7", "", &(listener(hl7) + "[codes.GLU]\nlims_code = \"GLU\"\n"));
    let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
    fs::write(lab.path("labwire.toml"), format!("{site}{more}")).unwrap();
    (lab, astm, hl7)
}

const HL7: &str = "MSH|^~\\&|analyzer|lab|||20260501120000||ORU^R01^ORU_R01|77|P|2.5.1\rPID|1||EX-9||Example^Berta\r\
                   OBR|1||EX0009|\rOBX|1|NM|GLU||5.2|mmol/L|||||F|||20260501115500\r";

/// Sends one HL7 message and waits for its answer.
async fn send_hl7(address: std::net::SocketAddr) {
    let mut line = connect(address).await;
    line.write_all(format!("\u{b}{HL7}\u{1c}\r").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\x1c\r") {
        answer.push(line.read_u8().await.unwrap());
    }
}

/// Who did what to which connections by the audit.
fn audited(lab: &Lab) -> Vec<(String, String, String)> {
    let journal = rusqlite::Connection::open(lab.path("labwire.db")).unwrap();
    let mut rows =
        journal.prepare("SELECT actor, subject, detail FROM audit WHERE step = 'tap' ORDER BY id").unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn lines_until(out: &mut impl BufRead, last: &str) -> Vec<String> {
    let mut lines = Vec::new();
    while lines.last().is_none_or(|line: &String| !line.contains(last)) {
        let mut line = String::new();
        assert!(out.read_line(&mut line).unwrap() > 0, "it ended after {lines:?}");
        lines.push(line.trim_end().to_owned());
    }
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tap_shows_what_passes_now_and_the_audit_who_looked() {
    let lims = lims().await;
    let (lab, astm, hl7) = lab(&lims, "").await;
    let _gateway = lab.start().await;
    let (all, mut shown) = Running::start(&lab, &["tap"]);
    let (_one, mut raw) = Running::start(&lab, &["tap", "generic", "--raw"]);
    send(astm, &glucose("EX0001", "5.40", "F", TIME)).await;
    send_hl7(hl7).await;
    let lines = lines_until(&mut shown, "= ended");
    assert!(lines.iter().any(|line| line.ends_with("> <ENQ>") && line.contains(" erba/")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.ends_with("< <ACK>")), "{lines:#?}");
    let right = |line: &&String| line.contains("|EX0001|") && line.ends_with("checksum right");
    assert_eq!(lines.iter().filter(right).count(), 1, "{lines:#?}");
    // What another instrument says isn't told to who asked for one.
    let lines = lines_until(&mut raw, "= ended");
    assert!(lines.iter().all(|line| line.contains(" generic/")), "{lines:#?}");
    assert!(
        lines.iter().any(|line| line.contains("> <VT>MSH") && line.contains("Example^Berta")),
        "{lines:#?}"
    );
    drop(all);
    let rows = || audited(&lab);
    until("the audit has the end", || rows().iter().any(|(_, _, detail)| detail == "reads no more")).await;
    let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
    let expected = |of: &str| (user.trim().to_owned(), of.to_owned(), "reads what passes".to_owned());
    assert!(rows().contains(&expected("all instruments")), "{:?}", rows());
    assert!(rows().contains(&expected("instrument generic")), "{:?}", rows());
    assert_eq!(lab.reader().audit_break().unwrap(), None);
    // Its bytes are nowhere else.
    let log = fs::read_to_string(lab.path("log")).unwrap();
    assert!(!log.contains("Example^") && !log.contains("EX0001"), "{log}");
    let unknown = lab.run(&["tap", "nobody"]);
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_nothing_slows_no_link() {
    let lims = lims().await;
    let (lab, astm, _) = lab(&lims, "").await;
    let _gateway = lab.start().await;
    let mut stuck = Vec::new();
    for _ in 0..labwire::tap::EARS {
        let mut socket = UnixStream::connect(lab.path("sock")).unwrap();
        socket.write_all(b"{\"ask\":\"tap\",\"instruments\":[]}\n").unwrap();
        let mut answer = String::new();
        BufReader::with_capacity(1, &socket).read_line(&mut answer).unwrap();
        assert_eq!(answer, "{\"answer\":\"done\"}\n");
        stuck.push(socket);
    }
    let refused = lab.run(&["tap"]);
    assert_eq!(refused.status.code(), Some(69), "{refused:?}");
    // Together they are several times what is kept for who doesn't read and what a socket holds: whoever waited for a reader
    // would acknowledge no more.
    let comment = "x".repeat(60_000);
    let mut analyzer = analyzer(astm).await;
    for number in 0..60 {
        let text = glucose(&format!("EX{number:04}"), "5.40", "F", TIME);
        let text = text.replace("L|1|N\r", &format!("C|1|I|{comment}|G\rL|1|N\r"));
        assert!(analyzer.transfer(&[text]).await.is_complete());
    }
    until("all are accepted", || lab.count("accepted") == 60).await;
    drop(stuck);
    until("there is room for another", || {
        UnixStream::connect(lab.path("sock"))
            .and_then(|mut socket| {
                socket.write_all(b"{\"ask\":\"tap\",\"instruments\":[]}\n")?;
                let mut answer = String::new();
                BufReader::new(socket).read_line(&mut answer)?;
                Ok(answer.contains("done"))
            })
            .unwrap()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_played_at_another_gateway_is_answered_and_read_as_it_was() {
    let lims_here = lims().await;
    let (here, astm, hl7) = lab(&lims_here, "[trace]\nfolder = \"traces\"\n").await;
    let _gateway = here.start().await;
    let file = here.path("erba.capture");
    let (capture, mut out) = Running::start(&here, &["capture", "erba", file.to_str().unwrap()]);
    for value in ["5.40", "6.10"] {
        send(astm, &glucose("EX0001", value, "F", TIME)).await;
    }
    send_hl7(hl7).await;
    until("it is kept", || fs::read_to_string(&file).unwrap().matches("= ended").count() == 2).await;
    capture.interrupt();
    let told = lines_until(&mut out, "patient data");
    assert!(told.iter().any(|line| line.contains("bytes from the analyzer")), "{told:?}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let again = here.run(&["capture", "erba", file.to_str().unwrap(), "--for", "1s"]);
    assert!(!again.status.success(), "a capture is never written over");

    // The source's trace says the same, in the same form.
    let text = fs::read_to_string(&file).unwrap();
    let lines = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.contains(" erba/")).map(str::to_owned).collect()
    };
    let trace = format!("traces/listener-{}.trace", astm.to_string().replace(['.', ':'], "-"));
    assert_eq!(lines(&text), lines(&fs::read_to_string(here.path(&trace)).unwrap()));
    let other = fs::read_dir(here.path("traces")).unwrap().map(|entry| entry.unwrap().path());
    let other =
        other.map(|path| fs::read_to_string(path).unwrap()).find(|it| it.contains(" generic/")).unwrap();

    let lims_there = lims().await;
    let (there, astm, hl7) = lab(&lims_there, "").await;
    let _gateway = there.start().await;
    let manner = Manner { speed: None, patience: Duration::from_secs(20) };
    for (text, address) in [(&text, astm), (&other, hl7)] {
        let recording = Recording::read(text).unwrap();
        for it in play(&recording, &Place::connect(address.to_string()), manner).await.unwrap() {
            assert!(it.is_whole && it.differences.is_empty() && it.alike > 0, "{it:?}");
        }
    }
    until("both have all", || here.count("accepted") == 3 && there.count("accepted") == 3).await;
    let held = |lims: &Lims| {
        let mut all: Vec<_> =
            lims.ledger().held().iter().map(|it| (it.specimen_as_sent.clone(), it.value.clone())).collect();
        all.sort();
        all
    };
    assert_eq!(held(&lims_here), held(&lims_there));

    // Another analyzer's line doesn't answer so: it is told, and nothing more is said.
    let (recording, place) = (Recording::read(&text).unwrap(), Place::connect(hl7.to_string()));
    let wrong =
        play(&recording, &place, Manner { patience: Duration::from_secs(1), ..manner }).await.unwrap();
    assert!(wrong.iter().all(|it| !it.is_whole && it.differences.len() == 1 && it.said == 1), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_says_when_the_gateway_ended_before_it() {
    let lims = lims().await;
    let (lab, ..) = lab(&lims, "").await;
    let gateway = lab.start().await;
    let file = lab.path("erba.capture");
    let (mut capture, _out) = Running::start(&lab, &["capture", "erba", file.to_str().unwrap()]);
    gateway.terminate();
    assert_eq!(capture.0.wait().unwrap().code(), Some(69));
    assert!(fs::read_to_string(&file).unwrap().starts_with("# erba on Example laboratory"));
}
