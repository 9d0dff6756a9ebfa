//! A serial line whose adapter is pulled and plugged in again.

use std::time::Duration;

use labsim::analyzer::{Analyzer, Options, Timing};
use labsim::frame::{self, ACK, ENQ, EOT, FrameEnd, NAK, Part};
use labsim::serial::{PtyEnd, pty_at};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};

use super::support::*;

fn plugged_in(end: PtyEnd) -> Analyzer<PtyEnd> {
    Analyzer::new(end, Options { timing: Timing::default().hurried(10), ..Options::default() })
}

/// Processor time that a process has used, in hundredths of a second.
fn used(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unplugged_adapter_is_seen_at_once_and_opened_again_by_its_name() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let device = lab.path("by-id");
    let line = format!("[serial]\ndevice = \"{}\"\nbaud = 9600\n", device.display());
    lab.instrument("erba", "erba-xl", "", &line);
    let end = pty_at(&device).unwrap();
    let gateway = lab.start().await;
    let mut analyzer = plugged_in(end);
    until("the port is open", || lab.text(&["status"]).contains(": connected")).await;
    assert!(analyzer.transfer(&[glucose("EX0001", "5.1", "F", "20260102030405")]).await.is_complete());

    let pulled = Instant::now();
    drop(analyzer);
    until("it shows as down", || lab.text(&["status"]).contains("down:")).await;
    let noticed = pulled.elapsed();
    assert!(noticed < Duration::from_secs(2), "seen after {noticed:?}");
    let before = used(gateway.id());
    sleep(Duration::from_secs(2)).await;
    assert!(used(gateway.id()) - before < 30, "it spins");

    let mut analyzer = plugged_in(pty_at(&device).unwrap());
    until("it is open again", || lab.text(&["status"]).contains(": connected")).await;
    assert!(analyzer.transfer(&[glucose("EX0002", "5.1", "F", "20260102030405")]).await.is_complete());
    until("both are with the LIMS", || lab.count("accepted") == 2).await;
}

/// What the line says, until it has been quiet for a while.
async fn heard(line: &mut PtyEnd) -> Vec<u8> {
    let (mut heard, mut some) = (Vec::new(), [0; 64]);
    while let Ok(read) = timeout(Duration::from_millis(700), line.read(&mut some)).await {
        heard.extend_from_slice(&some[..read.unwrap()]);
    }
    heard
}

/// An answer too many would count for the first frame, the next one for the second, and a refusal for nothing at all.
#[tokio::test(flavor = "multi_thread")]
async fn an_analyzer_that_asked_again_while_the_gateway_was_held_up_gets_one_answer() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let device = lab.path("line");
    lab.instrument(
        "erba",
        "erba-xl",
        "",
        &format!("[serial]\ndevice = \"{}\"\nbaud = 9600\n", device.display()),
    );
    let mut line = pty_at(&device).unwrap();
    let gateway = lab.start().await;
    until("the port is open", || lab.text(&["status"]).contains(": connected")).await;

    gateway.stand_still();
    line.write_all(&[ENQ, EOT, ENQ, EOT, ENQ]).await.unwrap();
    gateway.go_on();
    assert_eq!(heard(&mut line).await, [ACK]);

    let mut first =
        frame::emit(1, &Part { text: b"H|\\^&\r".to_vec(), end: FrameEnd::Etx, ends_message: false });
    gateway.stand_still();
    line.write_all(&first).await.unwrap();
    line.write_all(&[EOT, ENQ]).await.unwrap();
    gateway.go_on();
    assert_eq!(heard(&mut line).await, [ACK]);

    first[2] ^= 1;
    line.write_all(&first).await.unwrap();
    assert_eq!(heard(&mut line).await, [NAK]);
}

/// It would be answered beside the one that its sender has sent again meanwhile, and each answer from then on would count
/// for the frame after its own.
#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_the_port_was_open_gets_no_answer() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let device = lab.path("line");
    let port = format!("[serial]\ndevice = \"{}\"\nbaud = 9600\n", device.display());
    lab.instrument("erba", "erba-xl", "", &port);
    let mut line = pty_at(&device).unwrap();
    line.write_all(&[ENQ]).await.unwrap();
    let gateway = lab.start().await;
    until("the port is open", || lab.text(&["status"]).contains(": connected")).await;
    line.write_all(&[EOT, ENQ]).await.unwrap();
    assert_eq!(heard(&mut line).await, [ACK]);
    assert!(gateway.terminate().success());
}

/// Root passes over the lock on a port that is in use; the service's user doesn't.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root and setpriv, to give up root's own rights"]
async fn a_user_without_roots_rights_opens_a_port() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let device = lab.path("line");
    let line = format!("[serial]\ndevice = \"{}\"\nbaud = 9600\n", device.display());
    lab.instrument("erba", "erba-xl", "", &line);
    let end = pty_at(&device).unwrap();
    let mut gateway = std::process::Command::new("setpriv")
        .args([
            "--bounding-set=-sys_admin",
            "--inh-caps=-sys_admin",
            env!("CARGO_BIN_EXE_labwire"),
            "run",
            "--config",
        ])
        .arg(lab.folder.path())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    until("the port is open", || lab.text(&["status"]).contains(": connected")).await;
    let report = plugged_in(end).transfer(&[glucose("EX0001", "5.1", "F", "20260102030405")]).await;
    gateway.kill().unwrap();
    gateway.wait().unwrap();
    assert!(report.is_complete(), "{report:?}");
}
