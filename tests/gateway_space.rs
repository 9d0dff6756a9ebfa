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
use std::time::Duration;

use labsim::frame::{ACK, NAK};
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
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

/// A message of an analyzer that speaks HL7. It has a comment of so many words.
fn message(control_id: &str, specimen: &str, words: usize) -> Vec<u8> {
    let comment = "invented ".repeat(words);
    let text = format!(
        "MSH|^~\\&|cobas pro||Host||20260501120000||OUL^R22^OUL_R22|{control_id}|P|2.5.1|||NE|AL||UNICODE UTF-8\r\
         SPM|1|{specimen}&BARCODE||SERPLAS|||||||P\rOBR|1|\"\"||10020\r\
         OBX|1|NM|10020|1|1.12|ng/dL|||||F|||||||e801~77|20260501115500\rNTE|1||{comment}\r"
    );
    [b"\x0B", text.as_bytes(), b"\x1C\r"].concat()
}

/// What the analyzer is told, where it is told anything within this time.
async fn told(line: &mut TcpStream, within: Duration) -> Option<String> {
    let mut block = Vec::new();
    let hearing = async {
        while !block.ends_with(b"\x1C\r") {
            block.push(line.read_u8().await?);
        }
        Ok::<_, std::io::Error>(())
    };
    timeout(within, hearing).await.ok()?.ok()?;
    Some(String::from_utf8(block).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root: mounts a tmpfs"]
async fn over_hl7_a_full_disk_makes_the_analyzer_wait_and_what_it_sends_is_taken_once() {
    const SOON: Duration = Duration::from_secs(5);
    const LONG: Duration = Duration::from_secs(60);
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let disk = Disk::over(&lab);
    let address = free_port();
    lab.instrument("cobas", "roche-cobas-pro", "", &listener(address));
    let gateway = lab.start().await;
    let mut line = connect(address).await;
    line.write_all(&message("1", "S1", 1)).await.unwrap();
    assert!(told(&mut line, SOON).await.unwrap().contains("MSA|AA|1"), "with room it is told soon");
    until("the first is there", || lab.count("accepted") == 1).await;

    // Below the reserve: nothing of it is on the disk, and nobody is told that it is.
    disk.fill_but(8 * MIB);
    journal_is(&lab, "full").await;
    line.write_all(&message("2", "S2", 1)).await.unwrap();
    assert_eq!(told(&mut line, SOON).await, None, "nothing is said of what isn't stored");
    // Another loses patience, hangs up, and sends the same once more.
    let mut impatient = connect(address).await;
    impatient.write_all(&message("3", "S3", 1)).await.unwrap();
    assert_eq!(told(&mut impatient, SOON).await, None);
    drop(impatient);
    let mut impatient = connect(address).await;
    impatient.write_all(&message("3", "S3", 1)).await.unwrap();
    assert_eq!(told(&mut impatient, SOON).await, None);
    assert_eq!(lab.reader().sums().unwrap().intake.received, 1);
    disk.make_room();
    let mut answers = Vec::new();
    for line in [&mut line, &mut impatient] {
        answers.extend(told(line, LONG).await);
    }
    assert!(answers.len() == 2 && answers[0].contains("MSA|AA|2"), "{answers:?}");
    assert!(answers[1].contains("MSA|AA|3"), "{answers:?}");
    until("all three are there", || lab.count("accepted") == 3).await;
    let intake = lab.reader().sums().unwrap().intake;
    assert_eq!((intake.received, intake.duplicate), (3, 0), "what was hung up on was never taken");

    // To the last byte, found out in the middle of a message: refused, and taken when it comes again.
    disk.fill_but(0);
    let mut refused = None;
    for number in 10..500 {
        let sent = message(&number.to_string(), &format!("S{number}"), 5_000);
        line.write_all(&sent).await.unwrap();
        match told(&mut line, SOON).await {
            Some(answer) if answer.contains("MSA|AA|") => {}
            answer => {
                assert!(answer.is_none_or(|it| it.contains("MSA|AR|")));
                refused = Some((number, sent));
                break;
            }
        }
    }
    let (number, sent) = refused.expect("a disk without room took everything");
    journal_is(&lab, "full").await;
    disk.make_room();
    journal_is(&lab, "good").await;
    // Where it waits it is answered now; where it was refused the analyzer sends it again.
    if told(&mut line, SOON).await.is_none() {
        line.write_all(&sent).await.unwrap();
        assert!(told(&mut line, LONG).await.unwrap().contains(&format!("MSA|AA|{number}")));
    }
    let taken = 3 + (number - 10) + 1;
    until("all are there", || lab.count("accepted") == taken).await;
    let intake = lab.reader().sums().unwrap().intake;
    assert_eq!((intake.received, intake.duplicate), (taken, 0));
    assert!(gateway.terminate().success());
    lab.must_balance();
}
