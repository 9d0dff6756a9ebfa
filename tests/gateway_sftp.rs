//! Files on OpenSSH's SFTP server.

#![cfg(feature = "sftp")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "support/dropped.rs"]
mod dropped;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use dropped::{Desk, day};
use support::{connect, free_port};
use tempfile::TempDir;

/// sshd on a port of its own, which lets one key in and serves nothing but files.
struct Server {
    child: Child,
    folder: TempDir,
    address: SocketAddr,
    fingerprint: String,
}

impl Server {
    async fn start() -> Server {
        let (folder, address) = (tempfile::tempdir().unwrap(), free_port());
        let path = |name: &str| folder.path().join(name);
        for key in ["host", "labwire"] {
            key_pair(&path(key));
        }
        fs::copy(path("labwire.pub"), path("authorized")).unwrap();
        fs::create_dir_all("/run/sshd").unwrap();
        let settings = format!(
            "ListenAddress {address}\nHostKey {}\nAuthorizedKeysFile {}\nPermitRootLogin yes\nStrictModes no\nUsePAM no\n\
             PidFile none\nPasswordAuthentication no\nSubsystem sftp internal-sftp\nForceCommand internal-sftp\n",
            path("host").display(),
            path("authorized").display()
        );
        fs::write(path("sshd_config"), settings).unwrap();
        let child = Command::new("/usr/sbin/sshd")
            .arg("-D")
            .arg("-f")
            .arg(path("sshd_config"))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let told = Command::new("ssh-keygen").arg("-lf").arg(path("host.pub")).output().unwrap();
        let fingerprint = String::from_utf8(told.stdout).unwrap();
        let fingerprint = fingerprint.split(' ').nth(1).unwrap().to_owned();
        drop(connect(address).await);
        Server { child, folder, address, fingerprint }
    }

    fn table(&self, fingerprint: &str, out: &Path, more: &str) -> String {
        let key: PathBuf = self.folder.path().join("labwire");
        format!(
            "[sftp]\nhost = \"127.0.0.1\"\nport = {}\nuser = \"root\"\nkey_file = \"{}\"\nfingerprint = \"{fingerprint}\"\n\
             folder = \"{}\"\ncomplete = {{ by = \"rename\", while_writing = \"*.tmp\" }}\n{more}",
            self.address.port(),
            key.display(),
            out.display()
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn key_pair(path: &Path) {
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status();
    assert!(made.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs sshd, and root for it"]
async fn files_are_fetched_from_openssh_and_moved() {
    let (server, desk) = (Server::start().await, Desk::empty().await);
    let moved = "after = \"move\"\nmove_to = \"archive\"";
    desk.fetches(&server.table(&server.fingerprint, &desk.out, moved));
    let gateway = desk.lab.start().await;
    for (name, content) in [("a.hl7", day("A", 3)), ("b (früh).hl7", day("B", 2)), ("a.hl7", day("A", 3))] {
        desk.drop(name, &content);
        desk.gone(name).await;
    }
    desk.accepted(5).await;
    assert_eq!(desk.received(), 5);
    assert!(desk.out.join("archive/a.hl7").exists() && desk.out.join("archive/a.hl7.3").exists());
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs sshd, and root for it"]
async fn a_server_with_another_key_gets_no_login() {
    let (server, desk) = (Server::start().await, Desk::empty().await);
    let other = server.fingerprint.chars().rev().take(43).collect::<String>();
    desk.fetches(&server.table(&format!("SHA256:{other}"), &desk.out, "after = \"delete\""));
    let gateway = desk.lab.start().await;
    desk.says("down: the server isn't the one that is trusted: it has another key").await;
    assert!(gateway.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs sshd, and root for it"]
async fn a_check_logs_in_and_leaves_every_file_where_it_is() {
    let (server, desk) = (Server::start().await, Desk::empty().await);
    let check = || {
        let mut labwire = Command::new(env!("CARGO_BIN_EXE_labwire"));
        let told = labwire.args(["check", "--config"]).arg(desk.lab.path("")).output().unwrap();
        format!("{}{}", String::from_utf8(told.stdout).unwrap(), String::from_utf8(told.stderr).unwrap())
    };
    desk.fetches(&server.table(&server.fingerprint, &desk.out, "after = \"delete\""));
    desk.drop("a.hl7", &day("A", 3));
    assert!(!check().contains("[sftp]"), "{}", check());
    assert!(desk.out.join("a.hl7").exists());
    let other = server.fingerprint.chars().rev().take(43).collect::<String>();
    desk.fetches(&server.table(&format!("SHA256:{other}"), &desk.out, "after = \"delete\""));
    assert!(check().contains("[sftp] can't be reached") && check().contains("another key"), "{}", check());
}
