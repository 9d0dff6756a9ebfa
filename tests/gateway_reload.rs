//! `labwire reload`: the running gateway, which alone sees its credentials and its ports, tries the new configuration and says
//! why it can't be used; and what commands do where they can't see a credential.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::*;
use tempfile::TempDir;
use tokio::net::UnixDatagram;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(120);
const EMAIL: &str = "\n[alerts.email]\nserver = \"127.0.0.1\"\nport = 9\ntls = \"none\"\nfrom = \"labwire@lab.example\"\n\
                     to = [\"lab-it@lab.example\"]\nuser = \"labwire\"\npassword_credential = \"mail\"\n";

/// A gateway with a credential that no command sees.
struct Service {
    child: Child,
    socket: UnixDatagram,
    credentials: TempDir,
}

impl Service {
    async fn start(lab: &Lab) -> Service {
        let credentials = tempfile::tempdir().unwrap();
        fs::write(credentials.path().join("mail"), "invented and secret\n").unwrap();
        let socket = UnixDatagram::bind(lab.path("notify")).unwrap();
        let log = fs::File::create(lab.path("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_labwire"))
            .args(["run", "--config"])
            .arg(lab.folder.path())
            .env("NOTIFY_SOCKET", lab.path("notify"))
            .env("CREDENTIALS_DIRECTORY", credentials.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let service = Service { child, socket, credentials };
        service.until_told("READY=1").await;
        service
    }

    async fn until_told(&self, what: &str) -> String {
        let mut buffer = vec![0; 4096];
        loop {
            let length = timeout(PATIENCE, self.socket.recv(&mut buffer)).await.unwrap().unwrap();
            let told = String::from_utf8_lossy(buffer.get(..length).unwrap()).into_owned();
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

/// What a command printed on both outputs, and its exit code.
fn ran(lab: &Lab, arguments: &[&str]) -> (String, Option<i32>) {
    let output = lab.run(arguments);
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).unwrap(), output.status.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_is_answered_by_the_gateway_that_sees_its_credentials_and_ports() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let good = fs::read_to_string(lab.path("labwire.toml")).unwrap() + EMAIL;
    fs::write(lab.path("labwire.toml"), &good).unwrap();
    let mut service = Service::start(&lab).await;

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap();
    let page = good.lines().find(|line| line.starts_with("listen = ")).unwrap();
    for (text, why) in [
        (good.replace(page, &format!("listen = \"{port}\"")), format!("failed to listen on {port}")),
        (format!("{good}mistake = 1\n"), "unknown key \"mistake\"".to_owned()),
        (good.replace("\"mail\"", "\"none\""), "failed to read".to_owned()),
    ] {
        assert_ne!(text, good, "{why}");
        fs::write(lab.path("labwire.toml"), text).unwrap();
        let (told, exit) = ran(&lab, &["reload"]);
        assert!(told.contains(&why), "{why}: {told}");
        assert!(told.contains("Refused, and labwire goes on with the old configuration"), "{told}");
        assert_eq!(exit, Some(78), "{told}");
        let status = service.until_told("RELOAD REFUSED: ").await;
        assert_eq!(status.lines().count(), 1, "{status}");
        assert!(!status.contains("invented"), "{status}");
        assert_eq!(service.child.try_wait().unwrap(), None, "{why}");
    }

    fs::write(lab.path("labwire.toml"), &good).unwrap();
    let unchanged = ran(&lab, &["check"]).0;
    assert!(!unchanged.contains("isn't in force"), "{unchanged}");
    fs::write(lab.path("labwire.toml"), good.replace("Example laboratory", "Example")).unwrap();
    // The gateway looks at its files now and then.
    let noticed = async {
        while !ran(&lab, &["check"]).0.contains("isn't in force (labwire.toml: site)") {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    timeout(PATIENCE, noticed).await.expect("check says which keys changed");
    let (told, exit) = ran(&lab, &["reload"]);
    assert!(told.starts_with("Changed: labwire.toml: site\n"), "{told}");
    assert_eq!((told.contains("to be started with the new"), exit), (true, Some(0)), "{told}");
    assert!(service.child.wait().unwrap().success());
    assert_eq!(ran(&lab, &["reload"]).1, Some(69), "nobody runs");
    assert!(service.credentials.path().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_no_secret_goes_on_without_a_credential_that_only_the_service_sees() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let site = fs::read_to_string(lab.path("labwire.toml")).unwrap() + EMAIL;
    fs::write(lab.path("labwire.toml"), &site).unwrap();
    let service = Service::start(&lab).await;
    let quiet = |arguments: &[&str], expected: i32| {
        let (told, exit) = ran(&lab, arguments);
        assert_eq!(exit, Some(expected), "{arguments:?}: {told}");
        assert!(!told.contains("credential") && !told.contains("mistake"), "{arguments:?}: {told}");
    };
    for arguments in [&["orders"][..], &["rules"], &["reconcile"], &["backup"], &["status"]] {
        quiet(arguments, 0);
    }
    let (told, exit) = ran(&lab, &["check"]);
    assert_eq!(exit, Some(0), "{told}");
    assert!(told.contains("the credential mail wasn't looked at; only the service sees it"), "{told}");
    drop(service);

    // As the maintainer script of an upgrade does it, and each night's timer.
    quiet(&["backup"], 0);
    let gateway = ran(&lab, &["run"]);
    assert_eq!(gateway.1, Some(78), "the gateway itself can't go without: {}", gateway.0);
    // The negative control: a file of the site's own that isn't there is a mistake wherever it is looked for.
    fs::write(lab.path("labwire.toml"), site.replace("password_credential", "password_file")).unwrap();
    let (told, exit) = ran(&lab, &["check"]);
    assert_eq!((told.contains("failed to read"), exit), (true, Some(78)), "{told}");
    quiet(&["backup"], 0);
}
