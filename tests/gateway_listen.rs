//! A line that nobody knows is listened to: what is told is right, its draft is a configuration, and an analyzer never hears a word.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use labsim::chance::Chance;
use labsim::frame;
use labsim::generate::{Generator, Style};
use labsim::serial::{PtyEnd, pty_at};
use labsim::uart::{Parity, Sender, Setting, as_read_at};
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

/// Starts listening with these arguments, in this folder of a configuration.
fn listen(folder: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_labwire"));
    command.arg("listen").args(arguments).arg("--config").arg(folder).args(["--time-zone", "UTC"]);
    if !arguments.contains(&"--seconds") {
        // It ends, whatever becomes of the test.
        command.args(["--seconds", "50"]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What it said in the end, on both outputs, and its exit code.
async fn said(child: Child) -> (String, i32) {
    let output = tokio::task::spawn_blocking(|| child.wait_with_output()).await.unwrap().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).unwrap(), output.status.code().unwrap())
}

/// Waits until somebody has opened the device and set its speed.
async fn opened(end: &PtyEnd) {
    until("the port is set", || end.asked_speed().unwrap() == 9600).await;
}

/// Says something on a line with this setting, as the port at the other end reads it by the speed that it asks for.
async fn say(end: &mut PtyEnd, setting: &str, bytes: &[u8]) {
    let port = Setting { baud: end.asked_speed().unwrap(), data_bits: 8, parity: Parity::None, stop_bits: 1 };
    let sender = Sender::plain(setting.parse().unwrap());
    let read = as_read_at(port, &sender, bytes, &mut Chance::seeded(1));
    end.write_all(&read).await.unwrap();
    // As long as it takes until a transmission counts as over.
    sleep(Duration::from_millis(1200)).await;
}

/// Whether an analyzer was told anything.
async fn was_answered(line: &mut (impl AsyncReadExt + Unpin)) -> bool {
    let answer = timeout(Duration::from_millis(300), line.read_u8()).await;
    matches!(answer, Ok(Ok(_)))
}

fn check(lab: &Lab) -> (String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_labwire"));
    let output = command.arg("check").arg("--config").arg(lab.folder.path()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).unwrap(), output.status.code().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analyzer_that_gets_no_answer_is_enough_to_know_its_line() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    fs::create_dir_all(lab.path("instruments.d")).unwrap();
    let (device, file) = (lab.path("line"), lab.path("instruments.d/erba.toml"));
    let mut end = pty_at(&device).unwrap();
    let (at, to) = (device.to_str().unwrap(), file.to_str().unwrap());
    let child = listen(lab.folder.path(), &[at, "--profile", "erba-xl", "--write", to]);
    opened(&end).await;
    for _ in 0..3 {
        say(&mut end, "19200,7E1", b"\x05").await;
        assert!(!was_answered(&mut end).await);
        say(&mut end, "19200,7E1", b"\x04").await;
        if file.exists() {
            break;
        }
    }
    let (told, code) = said(child).await;
    assert!(told.contains("The line runs at 19200 baud, 7 data bits, even parity, 1 stop bit"), "{told}");
    assert!(told.contains("It asks whether it may send (ENQ)"), "{told}");
    assert_eq!(code, 0, "{told}");
    assert!(!was_answered(&mut end).await);
    let draft = fs::read_to_string(&file).unwrap();
    assert!(draft.contains("baud = 19200\ndata_bits = 7\nparity = \"even\"\nstop_bits = 1\n"), "{draft}");
    let (checked, code) = check(&lab);
    assert_eq!(code, 0, "{checked}");
    // Nothing is written over.
    let (told, code) = said(listen(lab.folder.path(), &[at, "--write", to])).await;
    assert!(told.contains("is there already") && code == 1, "{told}");
    assert_eq!(fs::read_to_string(&file).unwrap(), draft);
}

/// Frames that pass between an analyzer and its old host, each character's eighth bit wrong for a port with 8N1.
#[tokio::test(flavor = "multi_thread")]
async fn frames_on_a_tapped_line_tell_who_sends_and_nothing_of_the_patient() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    fs::create_dir_all(lab.path("instruments.d")).unwrap();
    let (device, file) = (lab.path("line"), lab.path("instruments.d/h500.toml"));
    let mut end = pty_at(&device).unwrap();
    let arguments = [device.to_str().unwrap(), "--write", file.to_str().unwrap()];
    let child = listen(lab.folder.path(), &arguments);
    opened(&end).await;
    let mut generator = Generator::new(Style::YumizenH500, 3);
    let mut specimens = Vec::new();
    for _ in 0..4 {
        let message = generator.message();
        let parts = frame::cut(&message.records, Style::YumizenH500.framing());
        let frames: Vec<u8> =
            (1..).zip(&parts).flat_map(|(number, part)| frame::emit(number, part)).collect();
        specimens.push(message.specimen);
        for part in [&b"\x05"[..], &frames, b"\x04"] {
            say(&mut end, "4800,7O1", part).await;
        }
        if file.exists() {
            break;
        }
    }
    let (told, code) = said(child).await;
    assert!(told.contains("The line runs at 4800 baud, 7 data bits, odd parity, 1 stop bit"), "{told}");
    assert!(told.contains("It speaks ASTM, in frames with checksums"), "{told}");
    assert!(told.contains("It calls itself \"H500\"."), "{told}");
    assert!(told.contains("The profile horiba-yumizen-h500 recognises it"), "{told}");
    assert_eq!(code, 0, "{told}");
    assert!(!specimens.iter().any(|specimen| told.contains(specimen.as_str())), "{told}");
    assert_eq!(check(&lab).1, 0, "{}", check(&lab).0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analyzer_that_connects_is_heard_out_and_not_answered() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    fs::create_dir_all(lab.path("instruments.d")).unwrap();
    let (address, file) = (free_port(), lab.path("instruments.d/cobas.toml"));
    let listens = address.to_string();
    let child = listen(lab.folder.path(), &["--listen", &listens, "--write", file.to_str().unwrap()]);
    let mut line = connect(address).await;
    let message = Generator::new(Style::CobasPro, 3).message();
    line.write_all(&[&b"\x0b"[..], &message.records, b"\x1c\r"].concat()).await.unwrap();
    let (told, code) = said(child).await;
    for sentence in [
        "It speaks HL7, in MLLP blocks.",
        "It calls itself \"cobas pro\".",
        "The profile roche-cobas-pro recognises it",
    ] {
        assert!(told.contains(sentence), "{told}");
    }
    assert_eq!(code, 0, "{told}");
    assert!(!told.contains(&message.specimen), "{told}");
    assert!(!was_answered(&mut line).await);
    assert_eq!(check(&lab).1, 0, "{}", check(&lab).0);
}

/// A real analyzer's bytes, over TCP, where the recording is at hand.
#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_analyzer_that_is_connected_to_is_recognised() {
    let recording = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../shared/corpus/astm/horiba_yumizen_h500/gmcs_2020-04-07.astm"
    );
    let Ok(bytes) = fs::read(recording) else {
        eprintln!("no recording at {recording}: nothing is heard");
        return;
    };
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let analyzer = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = analyzer.local_addr().unwrap().to_string();
    let child = listen(lab.folder.path(), &[&address]);
    let (mut line, _) = analyzer.accept().await.unwrap();
    line.write_all(&bytes).await.unwrap();
    let (told, code) = said(child).await;
    assert!(told.contains("The profile horiba-yumizen-h500 recognises it"), "{told}");
    assert!(told.contains(&format!("[tcp_client]\nconnect = \"{address}\"")), "{told}");
    assert_eq!(code, 0, "{told}");
    assert!(!was_answered(&mut line).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_a_running_gateway_has_is_left_alone() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let device = lab.path("line");
    lab.instrument(
        "erba",
        "erba-xl",
        "",
        &format!("[serial]\ndevice = \"{}\"\nbaud = 9600\n", device.display()),
    );
    let mut end = pty_at(&device).unwrap();
    let gateway = lab.start().await;
    until("the port is open", || lab.text(&["status"]).contains(": connected")).await;
    let at = device.to_str().unwrap();
    let (told, code) = said(listen(lab.folder.path(), &[at])).await;
    assert!(
        told.contains("that is the line of erba, and labwire runs: see it with labwire tap erba"),
        "{told}"
    );
    assert_eq!(code, 75);
    // Somebody who names another configuration doesn't get it either: as root by who has it open, and else by its lock.
    let elsewhere = tempfile::tempdir().unwrap();
    let (told, code) = said(listen(elsewhere.path(), &[at])).await;
    assert!(told.contains("is open in labwire") || told.contains("another program has it"), "{told}");
    assert_ne!(code, 0);
    end.write_all(b"\x05").await.unwrap();
    assert_eq!(
        timeout(Duration::from_secs(10), end.read_u8()).await.unwrap().unwrap(),
        6,
        "the gateway hears"
    );
    drop(gateway);
}

/// What is sent to nobody is lost where the sender waits for no answer; that is said. A silent line is told as silent.
#[tokio::test(flavor = "multi_thread")]
async fn silence_and_a_printer_are_told_as_what_they_are() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let device = lab.path("line");
    let mut end = pty_at(&device).unwrap();
    let at = device.to_str().unwrap();
    let (told, code) = said(listen(lab.folder.path(), &[at, "--seconds", "1"])).await;
    assert!(told.contains("Nothing was heard.") && told.contains("Silence proves no wrong cable"), "{told}");
    assert_eq!(code, 1);
    let child = listen(lab.folder.path(), &[at, "--seconds", "6"]);
    opened(&end).await;
    sleep(Duration::from_millis(300)).await;
    say(&mut end, "9600,8N1", b"\r\n  SAMPLE   12345678   28.11.2026\r\n\r\n  GLUC     104.1  mg/dl  H\r\n")
        .await;
    let (told, code) = said(child).await;
    assert!(told.contains("The line runs at 9600 baud, 8 data bits, no parity"), "{told}");
    assert!(
        told.contains("lines of text of no protocol") && told.contains("let it send that again"),
        "{told}"
    );
    assert!(told.contains("No draft of an instrument's file"), "{told}");
    assert_eq!(code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_was_said_and_is_not_what_was_heard_is_told() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    for (profile, is_told) in [("mindray-bs-200", true), ("roche-cobas-pro", false)] {
        let address = free_port();
        let child = listen(lab.folder.path(), &["--listen", &address.to_string(), "--profile", profile]);
        let mut line = connect(address).await;
        let message = Generator::new(Style::CobasPro, 3).message();
        line.write_all(&[&b"\x0b"[..], &message.records, b"\x1c\r"].concat()).await.unwrap();
        let (told, code) = said(child).await;
        let contradicts = "--profile says mindray-bs-200, and what was heard is known by roche-cobas-pro.";
        assert_eq!(told.contains(contradicts), is_told, "{told}");
        assert!(told.contains(&format!("profile = \"{profile}\"")), "what was said is drafted: {told}");
        assert_eq!(code, 0, "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relative_path_is_a_device_and_a_mistake_hides_whose_line_it_is() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let _end = pty_at(&lab.path("line")).unwrap();
    let told_at = async |folder: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_labwire"));
        command.current_dir(folder).args(["listen", "./line", "--seconds", "1", "--config", "."]);
        said(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()).await
    };
    let hidden = "The configuration in . has a mistake (labwire check): whether this line is an instrument's isn't known.";
    let (told, code) = told_at(lab.folder.path()).await;
    assert!(told.contains("Nothing was heard.") && !told.contains(hidden), "{told}");
    assert_eq!(code, 1);
    fs::write(lab.path("labwire.toml"), "sight = 1\n").unwrap();
    let (told, _) = told_at(lab.folder.path()).await;
    assert!(told.contains("Nothing was heard.") && told.contains(hidden), "{told}");
}
