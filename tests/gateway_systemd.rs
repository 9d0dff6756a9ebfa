//! What systemd is told, through the socket that it gives: ready once the listeners stand, alive while the journal commits
//! and not when its writer is stuck, stopping; and the sockets that it has kept from one run to the next.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use labsim::analyzer::{Analyzer, Options};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpStream, UnixDatagram};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

const TIME: &str = "20260102030405";
const PATIENCE: Duration = Duration::from_secs(120);

/// A gateway that has a service manager. Dropping it kills it.
struct Service {
    child: Child,
    socket: UnixDatagram,
}

impl Service {
    /// Starts it with this time for its watchdog.
    fn start(lab: &Lab, watchdog: Duration) -> Service {
        let labwire = Command::new(env!("CARGO_BIN_EXE_labwire"));
        Service::spawn(lab, watchdog, labwire, Stdio::null())
    }

    /// Starts it again, with a socket that was kept of the run before.
    fn start_with(lab: &Lab, kept: OwnedFd) -> Service {
        let mut shell = Command::new("sh");
        let passes = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\"";
        shell.args(["-c", passes, env!("CARGO_BIN_EXE_labwire")]);
        Service::spawn(lab, Duration::from_secs(1), shell, Stdio::from(kept))
    }

    /// Starts it again, with two of them.
    fn start_with_both(lab: &Lab, [one, other]: [OwnedFd; 2]) -> Service {
        let mut shell = Command::new("sh");
        let passes = "exec 3<&0 4<&1 </dev/null >&2; LISTEN_PID=$$ LISTEN_FDS=2 exec \"$0\" \"$@\"";
        shell.args(["-c", passes, env!("CARGO_BIN_EXE_labwire")]);
        Service::spawn_with(lab, Duration::from_secs(1), shell, (Stdio::from(one), Some(Stdio::from(other))))
    }

    fn spawn(lab: &Lab, watchdog: Duration, labwire: Command, stdin: Stdio) -> Service {
        Service::spawn_with(lab, watchdog, labwire, (stdin, None))
    }

    /// Its standard output is the log unless it is something else.
    fn spawn_with(
        lab: &Lab,
        watchdog: Duration,
        mut labwire: Command,
        (stdin, stdout): (Stdio, Option<Stdio>),
    ) -> Service {
        let _ = std::fs::remove_file(lab.path("notify"));
        let socket = UnixDatagram::bind(lab.path("notify")).unwrap();
        let log = std::fs::File::create(lab.path("log")).unwrap();
        let stdout = stdout.unwrap_or_else(|| log.try_clone().unwrap().into());
        let child = labwire
            .args(["run", "--config"])
            .arg(lab.folder.path())
            .env("NOTIFY_SOCKET", lab.path("notify"))
            .env("WATCHDOG_USEC", watchdog.as_micros().to_string())
            .stdin(stdin)
            .stdout(stdout)
            .stderr(log)
            .spawn()
            .unwrap();
        Service { child, socket }
    }

    /// The sockets that it wants to be kept until it is ready, by their names.
    async fn kept(&self) -> BTreeMap<String, OwnedFd> {
        let mut kept = BTreeMap::new();
        loop {
            let (told, sockets) = timeout(PATIENCE, self.told_with_sockets()).await.unwrap();
            let name = told.lines().find_map(|line| line.strip_prefix("FDNAME="));
            if told.contains("FDSTORE=1") {
                kept.extend(sockets.into_iter().map(|socket| (name.unwrap().to_owned(), socket)));
            }
            if told.contains("READY=1") {
                return kept;
            }
        }
    }

    async fn told_with_sockets(&self) -> (String, Vec<OwnedFd>) {
        loop {
            self.socket.readable().await.unwrap();
            let (mut text, mut space) =
                ([0; 4096], [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))]);
            let mut passed = RecvAncillaryBuffer::new(&mut space);
            let got = self.socket.try_io(Interest::READABLE, || {
                let text = &mut [IoSliceMut::new(&mut text)];
                Ok(recvmsg(&self.socket, text, &mut passed, RecvFlags::CMSG_CLOEXEC)?)
            });
            let Ok(got) = got else { continue };
            let sockets = passed.drain().filter_map(|it| match it {
                RecvAncillaryMessage::ScmRights(sockets) => Some(sockets),
                _ => None,
            });
            let sockets = sockets.flatten().collect();
            return (String::from_utf8_lossy(text.get(..got.bytes).unwrap()).into_owned(), sockets);
        }
    }

    /// Has it end, by a reload, and gives the connections that it leaves, by their names.
    async fn reload(mut self) -> BTreeMap<String, OwnedFd> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
        let mut left = BTreeMap::new();
        loop {
            let ended = self.child.try_wait().unwrap();
            while let Ok((told, sockets)) = timeout(Duration::from_millis(50), self.told_with_sockets()).await
            {
                let name = told.lines().find_map(|line| line.strip_prefix("FDNAME="));
                left.extend(sockets.into_iter().map(|socket| (name.unwrap().to_owned(), socket)));
            }
            if let Some(status) = ended {
                assert!(status.success());
                return left;
            }
        }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The next thing that is told, if any comes in this time.
    async fn told(&self, within: Duration) -> Option<String> {
        let mut buffer = vec![0; 4096];
        let length = timeout(within, self.socket.recv(&mut buffer)).await.ok()?.unwrap();
        Some(String::from_utf8_lossy(buffer.get(..length).unwrap()).into_owned())
    }

    /// Waits until something with this in it is told.
    async fn until_told(&self, what: &str) -> String {
        loop {
            let told = self.told(PATIENCE).await.unwrap();
            if told.contains(what) {
                return told;
            }
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn laboratory() -> (labsim::lims::Lims, Lab, SocketAddr) {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    (lims, lab, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_ends_it_for_a_sound_configuration_and_for_no_other() {
    let (_lims, lab, address) = laboratory().await;
    let mut service = Service::start(&lab, Duration::from_secs(1));
    service.until_told("READY=1").await;
    let pid = rustix::process::Pid::from_child(&service.child);
    let reload = || rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();

    let good = std::fs::read_to_string(lab.path("labwire.toml")).unwrap();
    std::fs::write(lab.path("labwire.toml"), format!("{good}\nmistake = 1\n")).unwrap();
    reload();
    let log = || std::fs::read_to_string(lab.path("log")).unwrap();
    until("the mistake is told", || log().contains("goes on with the old one")).await;
    send(address, &glucose("EX0001", "5.4", "F", TIME)).await;
    assert_eq!(service.child.try_wait().unwrap(), None);

    std::fs::write(lab.path("labwire.toml"), &good).unwrap();
    reload();
    service.until_told("STOPPING=1").await;
    assert!(service.child.wait().unwrap().success());
    assert!(log().contains("to be started again with the new configuration"), "{}", log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_goes_on_with_what_runs_where_labwire_could_not_start_with_the_new_configuration() {
    let (_lims, lab, address) = laboratory().await;
    let mut service = Service::start(&lab, Duration::from_secs(1));
    service.until_told("READY=1").await;
    let pid = rustix::process::Pid::from_child(&service.child);
    let good = std::fs::read_to_string(lab.path("labwire.toml")).unwrap();
    let log = || std::fs::read_to_string(lab.path("log")).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap();
    let elsewhere = format!("path = \"{}\"", lab.path("nowhere/labwire.db").display());
    let page = good.lines().find(|line| line.starts_with("listen = ")).unwrap();
    let cases = [
        (good.replace(page, &format!("listen = \"{port}\"")), "failed to listen on"),
        (good.replace("path = \"labwire.db\"", &elsewhere), "a reload keeps its journal"),
        (good.replace("control_socket = \"sock\"", "control_socket = \"nowhere/sock\""), "isn't there, or"),
    ];
    for (index, (text, why)) in cases.into_iter().enumerate() {
        assert_ne!(text, good, "{why}");
        std::fs::write(lab.path("labwire.toml"), text).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
        let refused = || log().matches("couldn't start with the new configuration").count() == index + 1;
        until(why, refused).await;
        assert!(log().contains(why), "{why}: {}", log());
        send(address, &glucose(&format!("EX000{index}"), "5.4", "F", TIME)).await;
        assert_eq!(service.child.try_wait().unwrap(), None, "{why}");
    }
    let mine = free_port();
    lab.instrument("other", "erba-xl", "", &listener(port));
    std::fs::write(lab.path("labwire.toml"), &good).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    until("the port is taken", || log().contains("instruments.d/other.toml: failed to listen on")).await;
    lab.instrument("other", "erba-xl", "", &listener(mine));
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    service.until_told("STOPPING=1").await;
    assert!(service.child.wait().unwrap().success());
    assert!(log().contains("instruments.d/other.toml"), "what differs is told: {}", log());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_ready_once_the_listeners_stand_then_alive_and_at_last_stopping() {
    let (_lims, lab, address) = laboratory().await;
    lab.instrument("gone", "erba-xl", "", "[serial]\ndevice = \"/dev/none\"\nbaud = 9600\n");
    let mut service = Service::start(&lab, Duration::from_secs(1));
    let ready = service.until_told("READY=1").await;
    assert!(ready.contains("STATUS=0 of 2 links connected, 1 down; 0 of 1 destinations failing"), "{ready}");
    let analyzer = TcpStream::connect(address).await.unwrap();
    service.until_told("STATUS=1 of 2 links connected").await;
    for _ in 0..3 {
        service.until_told("WATCHDOG=1").await;
    }
    drop(analyzer);
    let pid = rustix::process::Pid::from_child(&service.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    service.until_told("STOPPING=1").await;
    assert!(service.child.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_connects_while_it_starts_again_waits_and_is_not_refused() {
    let (lims, lab, address) = laboratory().await;
    let first = Service::start(&lab, Duration::from_secs(1));
    let mut kept = first.kept().await;
    let name = address.to_string().replace(':', "-");
    assert_eq!(kept.len(), 2, "the analyzer's and the page's: {kept:?}");
    let socket = kept.remove(&name).unwrap();
    // The negative control: of the page's socket nothing is kept.
    let (page, _) = kept.pop_first().unwrap();
    let page: SocketAddr = page.replacen('-', ":", 1).parse().unwrap();
    first.kill();
    assert!(TcpStream::connect(page).await.is_err());
    let mut waiting = analyzer(address).await;

    let again = Service::start_with(&lab, socket.try_clone().unwrap());
    assert!(waiting.transfer(&[&glucose("EX0001", "5.4", "F", TIME)]).await.is_complete());
    until("the LIMS has it", || lims.ledger().held().len() == 1).await;
    assert_eq!(again.kept().await.len(), 1, "the page's alone is new");
    again.kill();

    // It listens elsewhere now: where it did, nobody must wait for ever.
    lab.instrument("erba", "erba-xl", "", &listener(free_port()));
    let elsewhere = Service::start_with(&lab, socket);
    elsewhere.until_told("FDSTOREREMOVE=1").await;
    until("the old one is closed", || std::net::TcpStream::connect(address).is_err()).await;
}

/// An analyzer that waits as long as the standard says.
async fn patient(address: SocketAddr) -> Analyzer<TcpStream> {
    Analyzer::new(TcpStream::connect(address).await.unwrap(), Options::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_rests_goes_on_after_a_reload_and_one_in_the_middle_of_a_transmission_ends() {
    let (lims, lab, address) = laboratory().await;
    let second = free_port();
    lab.instrument("h500", "erba-xl", "", &listener(second));
    let first = Service::start(&lab, Duration::from_secs(1));
    let mut kept = first.kept().await;
    let name = address.to_string().replace(':', "-");
    let socket = kept.remove(&name).unwrap();
    // The page is to be shown again there.
    drop(kept);
    let mut rests = patient(address).await;
    assert!(rests.transfer(&[&glucose("EX0001", "5.4", "F", TIME)]).await.is_complete());
    let mut sends = TcpStream::connect(second).await.unwrap();
    sends.write_all(b"\x05").await.unwrap();
    assert_eq!(sends.read_u8().await.unwrap(), 0x06, "and now a frame would come");

    let mut left = first.reload().await;
    assert_eq!(left.len(), 1, "{left:?}");
    let (named, connection) = left.pop_first().unwrap();
    assert!(named.ends_with(&format!(" to {name}")), "{named}");
    assert_eq!(
        sends.read(&mut [0; 8]).await.unwrap(),
        0,
        "it must not wait for an answer that nobody owes it"
    );
    // Nobody is there, and the line says nothing of it.
    let again = tokio::spawn(async move {
        let report = rests.transfer(&[&glucose("EX0002", "5.5", "F", TIME)]).await;
        assert!(report.is_complete(), "{report:?}");
        rests
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let second = Service::start_with_both(&lab, [socket, connection]);
    second.until_told(&format!("FDSTOREREMOVE=1\nFDNAME={named}")).await;
    second.until_told("1 of 2 links connected").await;
    drop(again.await.unwrap());
    until("the LIMS has both", || lims.ledger().held().len() == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_listens_for_any_more_is_closed_after_a_reload() {
    let (_lims, lab, address) = laboratory().await;
    let first = Service::start(&lab, Duration::from_secs(1));
    let mut kept = first.kept().await;
    let socket = kept.remove(&address.to_string().replace(':', "-")).unwrap();
    drop(kept);
    let mut line = TcpStream::connect(address).await.unwrap();
    line.write_all(b"\x05\x04").await.unwrap();
    assert_eq!(line.read_u8().await.unwrap(), 0x06);
    let mut left = first.reload().await;
    let (_, connection) = left.pop_first().unwrap();
    lab.instrument("erba", "erba-xl", "", &listener(free_port()));
    let again = Service::start_with_both(&lab, [socket, connection]);
    again.until_told("READY=1").await;
    let ended = timeout(PATIENCE, line.read(&mut [0; 8])).await.unwrap();
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_under_load_stands_through_twenty_reloads_and_no_result_is_lost_or_doubled() {
    let (lims, lab, address) = laboratory().await;
    let mut service = Service::start(&lab, Duration::from_secs(1));
    let mut kept = service.kept().await;
    let socket = kept.remove(&address.to_string().replace(':', "-")).unwrap();
    drop(kept);
    let stop = CancellationToken::new();
    let over = stop.clone();
    let mut line = patient(address).await;
    let sending = tokio::spawn(async move {
        let mut sent = 0;
        while !over.is_cancelled() {
            let message = glucose(&format!("EX{sent:04}"), "5.4", "F", TIME);
            let report = line.transfer(&[&message]).await;
            assert!(report.is_complete(), "the connection stands: {report:?}");
            sent += 1;
        }
        sent
    });
    for round in 0..20_u64 {
        tokio::time::sleep(Duration::from_millis(100 + 37 * round % 300)).await;
        let mut left = service.reload().await;
        assert_eq!(left.len(), 1, "round {round}: {left:?}");
        let (_, connection) = left.pop_first().unwrap();
        service = Service::start_with_both(&lab, [socket.try_clone().unwrap(), connection]);
        service.until_told("READY=1").await;
    }
    stop.cancel();
    let sent: usize = sending.await.unwrap();
    assert!(sent > 20, "{sent}");
    until("the LIMS has all", || lims.ledger().held().len() >= sent).await;
    until("nothing is on its way", || lab.count("accepted") == i64::try_from(sent).unwrap()).await;
    let held = lims.ledger().held().to_vec();
    let specimens: BTreeSet<_> = held.iter().map(|it| it.specimen.clone()).collect();
    assert_eq!((held.len(), specimens.len()), (sent, sent));
    eprintln!("20 reloads, {sent} results over one connection");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs strace"]
async fn a_stuck_writer_starves_the_watchdog() {
    let (_lims, lab, address) = laboratory().await;
    let service = Service::start(&lab, Duration::from_millis(600));
    service.until_told("READY=1").await;
    service.until_told("WATCHDOG=1").await;
    let mut strace = Command::new("strace")
        .args([
            "-f",
            "-qq",
            "-e",
            "trace=fsync,fdatasync",
            "-e",
            "inject=fsync,fdatasync:delay_enter=15000000",
        ])
        .args(["-o", "/dev/null", "-p", &service.child.id().to_string()])
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", service.child.id());
    until("it is traced", || !std::fs::read_to_string(&status).unwrap().contains("TracerPid:\t0\n")).await;
    while service.told(Duration::ZERO).await.is_some() {}
    service.until_told("WATCHDOG=1").await;
    // The sync that an analyzer waits for doesn't return, and so neither does its acknowledgement.
    let report = analyzer(address).await.transfer(&[&glucose("EX0001", "5.4", "F", TIME)]).await;
    assert!(!report.is_complete(), "{report:?}");
    while service.told(Duration::ZERO).await.is_some() {}
    let until = Instant::now() + Duration::from_secs(3);
    while let Some(told) = service.told(until.saturating_duration_since(Instant::now())).await {
        assert!(!told.contains("WATCHDOG"), "five periods after it stuck");
    }
    strace.kill().unwrap();
    strace.wait().unwrap();
}
