//! A disk that fills up under the real program, first below the reserve and then to its last byte: the gateway refuses,
//! says so, stays up, and goes on when there is room.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "support/analyzers.rs"]
mod analyzers;
#[path = "gateway/oracle.rs"]
mod oracle;
#[path = "support/page.rs"]
mod page;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;
#[path = "support/ward.rs"]
mod ward;

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use labsim::frame::{ACK, NAK};
use support::*;
use ward::{ByHand, Ward};

const MIB: usize = 1024 * 1024;

/// A small file system over a laboratory's folder. Dropping it takes it away, whatever still uses it.
struct Disk(PathBuf);

impl Disk {
    /// The configuration that stands in the folder is carried over.
    fn over(lab: &Lab) -> Disk {
        let folder = lab.folder.path().to_owned();
        let site = fs::read(lab.path("labwire.toml")).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=40m", "tmpfs"]).arg(&folder);
        assert!(mount.status().unwrap().success(), "only root may mount");
        fs::write(lab.path("labwire.toml"), site).unwrap();
        fs::create_dir(lab.path("instruments.d")).unwrap();
        Disk(folder)
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    /// Fills the disk until only this many bytes are free, or as few as possible.
    fn fill_but(&self, free: usize) {
        let mut ballast = File::options().create(true).append(true).open(self.ballast()).unwrap();
        for step in [MIB, 4096, 1] {
            while self.free() >= free + step && ballast.write_all(&vec![0; step]).is_ok() {}
        }
    }

    fn free(&self) -> usize {
        let space = rustix::fs::statvfs(&self.0).unwrap();
        usize::try_from(space.f_bavail * space.f_frsize).unwrap()
    }

    fn make_room(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Waits until the page says this of the journal.
async fn journal_is(lab: &Lab, condition: &str) {
    let said = format!("\"journal\":\"{condition}\"");
    until(&format!("the journal is {condition}"), || {
        page::answer(lab.page, "/api/status").is_some_and(|status| status.contains(&said))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root: mounts a tmpfs"]
async fn a_full_disk_is_answered_with_busy_and_nothing_is_lost() {
    let mut disk = None;
    let ward = Ward::open(70, |lab| disk = Some(Disk::over(lab))).await;
    let disk = disk.unwrap();
    let gateway = ward.lab.start().await;
    ward.more(20).await;

    disk.fill_but(8 * MIB);
    journal_is(&ward.lab, "full").await;
    assert!(page::answer(ward.lab.page, "/api/status").unwrap().contains("The disk is full"));
    assert!(ward.lab.text(&["status"]).contains("Journal: full"), "the command says so as well");
    assert_eq!(ByHand::ask(ward.by_hand).await.1, NAK, "ENQ is answered with busy");
    disk.make_room();
    journal_is(&ward.lab, "good").await;
    ward.more(20).await;

    let (mut transmission, answer) = ByHand::ask(ward.by_hand).await;
    assert_eq!(answer, ACK);
    disk.fill_but(0);
    let long = format!("C|1|I|{}|G\r", "invented ".repeat(2_000));
    let mut taken = 0;
    while taken < 500 && transmission.is_taken(&long).await {
        taken += 1;
    }
    assert!(taken < 500, "a frame without room was acknowledged");
    journal_is(&ward.lab, "full").await;
    assert!(ward.lab.text(&["status"]).starts_with("labwire is running"), "it stays up");
    disk.make_room();
    journal_is(&ward.lab, "good").await;
    ward.more(20).await;
    assert!(gateway.terminate().success());
    ward.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root: mounts a tmpfs"]
async fn a_start_on_a_full_disk_refuses_until_there_is_room_and_then_goes_on_by_itself() {
    let mut disk = None;
    let ward = Ward::open(71, |lab| disk = Some(Disk::over(lab))).await;
    let disk = disk.unwrap();
    for killed in [true, false] {
        let gateway = ward.lab.start().await;
        ward.more(20).await;
        match killed {
            true => gateway.kill(),
            // Nothing of the log is left, so that there isn't even room to read.
            false => assert!(gateway.terminate().success()),
        }
        disk.fill_but(0);
        let gateway = ward.lab.start().await;
        until("it listens", || std::net::TcpStream::connect(ward.by_hand).is_ok()).await;
        assert_eq!(ByHand::ask(ward.by_hand).await.1, NAK, "ENQ is answered with busy");
        assert!(ward.lab.text(&["status"]).contains("Journal: full"), "killed: {killed}");
        let page = page::answer(ward.lab.page, "/").unwrap();
        assert!(page.contains("The disk is full"), "{page}");
        disk.make_room();
        journal_is(&ward.lab, "good").await;
        ward.more(20).await;
        assert!(gateway.terminate().success());
    }
    ward.settle().await;
}
