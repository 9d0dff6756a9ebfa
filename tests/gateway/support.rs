//! A laboratory for end-to-end tests: a configuration folder, the real program, and simulated neighbours. Nothing here
//! judges; the tests do.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use labsim::analyzer::{Analyzer, Options, Timing};
use labsim::lims::{Lims, Mode, Setup};
use labwire::journal::Reader;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

#[path = "../support/port.rs"]
mod port;
pub(crate) use port::free_port;

/// How long anything may take before a test gives up. Generous: it is no measurement.
const PATIENCE: Duration = Duration::from_secs(240);

/// A configuration folder with a LIMS.
pub(crate) struct Lab {
    pub(crate) folder: TempDir,
    pub(crate) page: SocketAddr,
}

impl Lab {
    /// A folder whose one destination is this LIMS; `more` is added to the destination's table.
    pub(crate) fn new(lims: &Lims, more: &str) -> Lab {
        let lab = Lab { folder: tempfile::tempdir().unwrap(), page: free_port() };
        fs::create_dir(lab.path("instruments.d")).unwrap();
        let site = format!(
            "site = \"Example laboratory\"\ncontrol_socket = \"sock\"\n[journal]\npath = \"labwire.db\"\nreserve_mib = 16\n\
             [page]\nlisten = \"{}\"\n[log]\nfilter = \"debug\"\n[destination.lims]\nurl = \"{}\"\ntimeout_secs = 1\nbackoff_first_secs = 1\nbackoff_longest_secs = 1\nbreaker_failures = 50\n\
             breaker_rest_secs = 1\n{more}\n[destination.lims.items]\narray = \"/items\"\nid = \"/id\"\n\
             outcome = \"/outcome\"\nreason = \"/reason\"\noutcomes = {{ accepted = \"accepted\", refused = \"refused\" }}\n",
            lab.page,
            lims.url(),
        );
        fs::write(lab.path("labwire.toml"), site).unwrap();
        lab
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes an instrument's file: its profile, its transport's table and whatever comes before that.
    pub(crate) fn instrument(&self, name: &str, profile: &str, before: &str, transport: &str) {
        let text = format!("profile = \"{profile}\"\ntime_zone = \"UTC\"\n{before}\n{transport}\n");
        fs::write(self.path(&format!("instruments.d/{name}.toml")), text).unwrap();
    }

    /// Starts the gateway and waits until it answers on its control socket.
    pub(crate) async fn start(&self) -> Gateway {
        let gateway = self.spawn();
        self.answers().await;
        gateway
    }

    /// Waits until the gateway answers on its control socket.
    pub(crate) async fn answers(&self) {
        until("the gateway answers", || self.run(&["status"]).stdout.starts_with(b"labwire is running"))
            .await;
    }

    /// Starts the gateway and doesn't wait.
    pub(crate) fn spawn(&self) -> Gateway {
        self.spawn_among(&[])
    }

    /// Starts the gateway with these variables in its environment, and doesn't wait.
    pub(crate) fn spawn_among(&self, variables: &[(&str, &Path)]) -> Gateway {
        let log = self.path("log");
        let file = File::options().create(true).append(true).open(&log).unwrap();
        let child = command(self.folder.path(), &["run"])
            .envs(variables.iter().copied())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Gateway { child, log }
    }

    /// Runs another command of labwire on this folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        command(self.folder.path(), arguments).output().unwrap()
    }

    /// Asks a gateway that has ended whether its sums balance.
    pub(crate) fn must_balance(&self) {
        let status = self.run(&["status"]);
        let told = String::from_utf8_lossy(&status.stdout);
        assert!(told.contains("The sums balance.") && status.status.code() == Some(69), "{told}");
    }

    /// What a command printed, whatever it exited with.
    pub(crate) fn text(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.run(arguments).stdout).unwrap()
    }

    /// The rules as they stand are signed.
    pub(crate) fn sign(&self) {
        let said = String::from_utf8(self.try_to_sign().stdout).unwrap();
        assert!(said.starts_with("Signed by"), "{said}");
    }

    pub(crate) fn try_to_sign(&self) -> Output {
        let by = ["--by", "Dr. Example", "--statement", "checked", "--untried-because", "a test"];
        self.run(&[&["rules", "sign"], &by[..]].concat())
    }

    pub(crate) fn reader(&self) -> Reader {
        Reader::open(&self.path("labwire.db")).unwrap()
    }

    /// How many results a destination has in a state.
    pub(crate) fn count(&self, state: &str) -> i64 {
        self.reader().sums().unwrap().destinations.values().map(|sums| sums.of(state)).sum()
    }
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_labwire"));
    command.args(arguments).arg("--config").arg(folder).stdin(Stdio::null());
    command
}

/// A running gateway. Dropping it kills it; if the test failed, its log is shown.
pub(crate) struct Gateway {
    child: Child,
    log: PathBuf,
}

impl Gateway {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// As a power cut does it, short of the disk.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and what it came to.
    pub(crate) fn terminate(self) -> ExitStatus {
        self.end_by(rustix::process::Signal::TERM)
    }

    /// SIGHUP, after which it ends to be started with a changed configuration, and what that came to.
    pub(crate) fn reload(self) -> ExitStatus {
        self.end_by(rustix::process::Signal::HUP)
    }

    fn end_by(mut self, signal: rustix::process::Signal) -> ExitStatus {
        self.send(signal);
        self.child.wait().unwrap()
    }

    /// Stands still, as a computer does that sleeps or has no time for it, and goes on.
    pub(crate) fn stand_still(&self) {
        self.send(rustix::process::Signal::STOP);
    }

    pub(crate) fn go_on(&self) {
        self.send(rustix::process::Signal::CONT);
    }

    fn send(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for it to end by itself.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the gateway's log:\n{}", fs::read_to_string(&self.log).unwrap_or_default());
        }
    }
}

/// A LIMS that accepts.
pub(crate) async fn lims() -> Lims {
    Lims::start(Setup { hold: Duration::from_secs(3), ..Setup::default() }).await.unwrap()
}

/// A LIMS that fails now and then, in ways that a repetition mends.
pub(crate) async fn failing_lims(share: f64, seed: u64) -> Lims {
    let hold = Duration::from_secs(2);
    Lims::start(Setup { mode: Mode::Mix(share), seed, hold, ..Setup::default() }).await.unwrap()
}

pub(crate) fn listener(address: SocketAddr) -> String {
    format!("[tcp_server]\nlisten = \"{address}\"\nallow = [\"127.0.0.1\"]\n")
}

/// Connects as soon as the listener stands.
pub(crate) async fn connect(address: SocketAddr) -> TcpStream {
    let connecting = async {
        loop {
            match TcpStream::connect(address).await {
                Ok(line) => return line,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), connecting).await.unwrap()
}

/// An analyzer without faults and with a tenth of the standard's patience.
pub(crate) async fn analyzer(address: SocketAddr) -> Analyzer<TcpStream> {
    let stream = connect(address).await;
    let options = Options { timing: Timing::default().hurried(10), ..Options::default() };
    Analyzer::new(stream, options)
}

/// Sends one message, which must be acknowledged to its end.
pub(crate) async fn send(address: SocketAddr, message: &str) {
    let report = analyzer(address).await.transfer(&[message]).await;
    assert!(report.is_complete(), "{report:?}");
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "gave up waiting until {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// An invented chemistry result in the manner of an Erba XL.
pub(crate) fn glucose(specimen: &str, value: &str, status: &str, time: &str) -> String {
    chemistry(specimen, &[("GLCC", value)], status, time)
}

/// Several of them in one message.
pub(crate) fn chemistry(specimen: &str, results: &[(&str, &str)], status: &str, time: &str) -> String {
    use std::fmt::Write;
    let mut text = format!(
        "H|`^&||||||||||P|E 1394-97|{time}\rP|1||EX-77||Example^Anna\rO|1|{specimen}||^^^GLCC|||||||||||SERUM\r"
    );
    for (number, (code, value)) in (1..).zip(results) {
        write!(text, "R|{number}|^^^{code}|{value}|mg/dl||N||{status}||||{time}\r").unwrap();
    }
    text + "L|1|N\r"
}
