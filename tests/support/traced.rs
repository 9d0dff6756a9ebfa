//! The real program under strace, which makes chosen system calls fail or kills the program at them. It knows nothing
//! of what should come of that.

#![allow(dead_code, reason = "every test program uses its own part of this")]

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::support::Lab;

const PATIENCE: Duration = Duration::from_secs(60);

/// A gateway whose system calls are watched. Dropping it kills it; if the test failed, what it said is shown.
pub(crate) struct Traced {
    child: Child,
    log: PathBuf,
    calls: PathBuf,
}

impl Traced {
    /// Starts the gateway with these arguments for strace.
    pub(crate) fn spawn(lab: &Lab, strace: &[&str]) -> Traced {
        let (log, calls) = (lab.path("log"), lab.path("calls"));
        // A list of an earlier run must not be taken for this one's.
        let _ = fs::remove_file(&calls);
        let file = File::options().create(true).append(true).open(&log).unwrap();
        // With -D the child is the gateway itself and strace stands beside it.
        let child = Command::new("strace")
            .args(["-D", "-f", "-qq", "-o"])
            .arg(&calls)
            .args(strace)
            .args([env!("CARGO_BIN_EXE_labwire"), "run", "--config"])
            .arg(lab.folder.path())
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .expect("strace is installed");
        Traced { child, log, calls }
    }

    /// What strace wrote so far: one line a call, in order.
    pub(crate) fn calls(&self) -> String {
        fs::read_to_string(&self.calls).unwrap_or_default()
    }

    /// Whether a fault was put in.
    pub(crate) fn is_struck(&self) -> bool {
        self.calls().contains("(INJECTED)")
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for it to end by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "gave up waiting until the gateway ends");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends it at once.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and what it came to.
    pub(crate) async fn terminate(mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.ended().await
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let calls = self.calls();
            let last: Vec<&str> = calls.lines().rev().take(40).collect();
            eprintln!("the last calls, newest first:\n{}", last.join("\n"));
            eprintln!("the gateway's log:\n{}", fs::read_to_string(&self.log).unwrap_or_default());
        }
    }
}
