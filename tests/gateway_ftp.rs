//! Files on FTP servers that others wrote, with TLS and without, and what becomes of servers that misbehave.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "support/dropped.rs"]
mod dropped;
#[path = "support/file_servers.rs"]
mod file_servers;
#[path = "gateway/oracle.rs"]
mod oracle;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::fs;
use std::time::Duration;

use dropped::{Desk, day};
use file_servers::{FileServer, Identity};
use labsim::drops::{Dropper, Manner};
use labsim::generate::{Generator, Style};
use support::until;

const LOGIN: &str = "user = \"anonymous\"\npassword_file = \"password\"";
const DELETED: &str = "after = \"delete\"\ncomplete = { by = \"rename\", while_writing = \"*.tmp\" }";

async fn desk() -> Desk {
    let desk = Desk::empty().await;
    fs::write(desk.lab.path("password"), "invented\n").unwrap();
    desk
}

/// Three files of which one repeats another; then everything is in the LIMS once, and the folder empty.
async fn all_is_fetched_once(desk: &Desk) {
    let gateway = desk.lab.start().await;
    desk.drop("day.hl7", &day("A", 3));
    desk.gone("day.hl7").await;
    desk.drop("Tag 2 (früh).hl7", &day("B", 2));
    desk.drop("again.hl7", &day("A", 3));
    desk.accepted(5).await;
    desk.gone("Tag 2 (früh).hl7").await;
    desk.gone("again.hl7").await;
    assert_eq!(desk.received(), 5);
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
    assert_eq!(desk.names(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs vsftpd"]
async fn files_are_fetched_from_vsftpd_which_has_no_mlsd() {
    let desk = desk().await;
    let server = FileServer::vsftpd(&desk.out, "").await;
    desk.fetches(&server.table(&format!("tls = \"none\"\n{LOGIN}\n{DELETED}")));
    all_is_fetched_once(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs vsftpd"]
async fn the_server_opens_the_connections_in_active_mode() {
    let desk = desk().await;
    let server = FileServer::vsftpd(&desk.out, "").await;
    desk.fetches(&server.table(&format!("tls = \"none\"\nmode = \"active\"\n{LOGIN}\n{DELETED}")));
    all_is_fetched_once(&desk).await;
}

/// Its times are local ones, so that all of them change with its zone, by more than a day.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs vsftpd"]
async fn a_server_whose_clock_goes_to_another_zone_has_nothing_twice_and_hides_nothing() {
    let desk = desk().await;
    let mut server = FileServer::vsftpd(&desk.out, "use_localtime=YES").await;
    server.goes_to_zone("EAST-14").await;
    let stays = "after = \"leave\"\ncomplete = { by = \"stable\", polls = 2 }";
    desk.fetches(&server.table(&format!("tls = \"none\"\n{LOGIN}\n{stays}")));
    let gateway = desk.lab.start().await;
    desk.drop("day.hl7", &day("A", 3));
    desk.accepted(3).await;
    server.goes_to_zone("WEST+11").await;
    desk.two_looks().await;
    desk.drop("day.hl7", &(day("A", 3) + &day("B", 2)));
    desk.accepted(5).await;
    server.goes_to_zone("EAST-14").await;
    desk.drop("more.hl7", &day("C", 1));
    desk.accepted(6).await;
    desk.two_looks().await;
    assert_eq!(desk.lab.count("accepted"), 6);
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
    assert_eq!(desk.names(), ["day.hl7", "more.hl7"]);
}

fn secured(identity: &Identity) -> String {
    format!(
        "ssl_enable=YES\nallow_anon_ssl=YES\nforce_anon_logins_ssl=YES\nforce_anon_data_ssl=YES\nrequire_ssl_reuse=YES\n\
         strict_ssl_read_eof=NO\nrsa_cert_file={0}\nrsa_private_key_file={0}",
        identity.path("server.pem").display()
    )
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs vsftpd"]
async fn files_are_fetched_over_tls_from_a_server_that_wants_sessions_resumed() {
    let (desk, identity) = (desk().await, Identity::new());
    let server = FileServer::vsftpd(&desk.out, &secured(&identity)).await;
    let trust = format!("ca_file = \"{}\"", identity.path("ca.pem").display());
    desk.fetches(&server.table(&format!("{trust}\n{LOGIN}\n{DELETED}")));
    all_is_fetched_once(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs vsftpd"]
async fn a_pinned_certificate_needs_no_authority_and_tls_may_begin_at_once() {
    let (desk, identity) = (desk().await, Identity::new());
    let server = FileServer::vsftpd(&desk.out, &format!("{}\nimplicit_ssl=YES", secured(&identity))).await;
    let trust = format!("tls = \"implicit\"\nfingerprint = \"{}\"", identity.fingerprint);
    desk.fetches(&server.table(&format!("{trust}\n{LOGIN}\n{DELETED}")));
    all_is_fetched_once(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs vsftpd"]
async fn a_server_that_is_not_the_trusted_one_gets_no_password() {
    let (desk, identity, other) = (desk().await, Identity::new(), Identity::new());
    let server = FileServer::vsftpd(&desk.out, &secured(&identity)).await;
    for trust in [
        format!("ca_file = \"{}\"", other.path("ca.pem").display()),
        format!("fingerprint = \"{}\"", other.fingerprint),
    ] {
        desk.fetches(&server.table(&format!("{trust}\n{LOGIN}\n{DELETED}")));
        let gateway = desk.lab.start().await;
        desk.says("down: the server isn't the one that is trusted").await;
        assert!(gateway.terminate().success());
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs vsftpd"]
async fn a_check_logs_in_and_leaves_every_file_where_it_is() {
    let desk = desk().await;
    let server = FileServer::vsftpd(&desk.out, "").await;
    desk.fetches(&server.table(&format!("tls = \"none\"\n{LOGIN}\n{DELETED}")));
    fs::write(desk.out.join("day.hl7"), day("S", 3)).unwrap();
    let check = || {
        let labwire = std::process::Command::new(env!("CARGO_BIN_EXE_labwire"));
        let told = { labwire }.args(["check", "--config"]).arg(desk.lab.path("")).output().unwrap();
        String::from_utf8(told.stdout).unwrap()
    };
    assert!(!check().contains("[ftp]"), "{}", check());
    assert_eq!(desk.names(), ["day.hl7"]);
    drop(server);
    assert!(check().contains("[ftp] can't be reached"), "{}", check());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs vsftpd"]
async fn what_is_wrong_with_a_login_or_a_folder_is_said() {
    let desk = desk().await;
    let server = FileServer::vsftpd(&desk.out, "").await;
    for (keys, words) in [
        ("user = \"stranger\"", "down: the server refused the login (530); see to user and password"),
        ("user = \"anonymous\"\nfolder = \"away\"", "down: the server doesn't open the folder (550)"),
    ] {
        let keys = format!("tls = \"none\"\npassword_file = \"password\"\n{keys}\n{DELETED}");
        desk.fetches(&server.table(&keys));
        let gateway = desk.lab.start().await;
        desk.says(words).await;
        assert!(gateway.terminate().success());
    }
    let log = fs::read_to_string(desk.lab.path("log")).unwrap();
    assert!(!log.contains("invented"), "the password is in the log");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pyftpdlib"]
async fn files_are_fetched_from_pyftpdlib_by_mlsd_and_moved() {
    let (desk, identity) = (desk().await, Identity::new());
    let tls = format!("tls={}", identity.path("server.pem").display());
    let server = FileServer::pyftpdlib(&desk.out, &[&tls]).await;
    let trust = format!("ca_file = \"{}\"", identity.path("ca.pem").display());
    let keys = DELETED.replace("after = \"delete\"", "after = \"move\"\nmove_to = \"archive\"");
    desk.fetches(&server.table(&format!("{trust}\n{}\n{keys}", LOGIN.replace("anonymous", "labwire"))));
    all_is_fetched_once(&desk).await;
    assert!(desk.out.join("archive/day.hl7").exists());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pyftpdlib"]
async fn files_are_fetched_from_a_server_that_lists_as_windows_does() {
    for more in [&["dos"] as &[&str], &["dos", "bare"]] {
        let desk = desk().await;
        let server = FileServer::pyftpdlib(&desk.out, more).await;
        let login = LOGIN.replace("anonymous", "labwire");
        desk.fetches(&server.table(&format!("tls = \"none\"\n{login}\n{DELETED}")));
        all_is_fetched_once(&desk).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pyftpdlib"]
async fn a_server_that_may_only_be_read_is_read_once() {
    let desk = desk().await;
    let server = FileServer::pyftpdlib(&desk.out, &["readonly"]).await;
    let login = LOGIN.replace("anonymous", "labwire");
    // As configured by somebody who believed that the files could be deleted.
    desk.fetches(&server.table(&format!("tls = \"none\"\n{login}\n{DELETED}")));
    desk.drop("day.hl7", &day("A", 2));
    let gateway = desk.lab.start().await;
    desk.says("its results are safe, but the server doesn't let it be removed (550)").await;
    desk.accepted(2).await;
    assert!(gateway.terminate().success());
    desk.fetches(&server.table(&format!("tls = \"none\"\n{login}\nafter = \"leave\"")));
    let gateway = desk.lab.start().await;
    desk.two_looks().await;
    assert_eq!((desk.received(), desk.names().len()), (2, 1));
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

/// An analyzer uploads in its manner while the gateway fetches from the same server, and then the whole day once more: all is
/// taken, and in the LIMS once.
async fn an_analyzer_uploads(manner: Manner, complete: &str) {
    let desk = desk().await;
    let server = FileServer::vsftpd(&desk.out, "").await;
    desk.fetches(
        &server.table(&format!("tls = \"none\"\n{LOGIN}\nafter = \"delete\"\ncomplete = {complete}")),
    );
    let gateway = desk.lab.start().await;
    let generator = Generator::new(Style::CobasPro, 7).with_odd(0.0);
    let mut dropper = Dropper::new(server.of_an_analyzer(), generator, manner, 4);
    let written = [dropper.write().await.unwrap(), dropper.write().await.unwrap()];
    until("all is taken", || desk.names().is_empty()).await;
    for file in &written {
        dropper.write_again(file, &file.name).await.unwrap();
    }
    until("all is taken again", || desk.names().is_empty()).await;
    until("all is delivered", || {
        desk.lab.reader().waiting().unwrap().unread == 0
            && desk.lab.count("pending") + desk.lab.count("in-flight") == 0
    })
    .await;
    assert!(gateway.terminate().success());
    let results: Vec<_> = written.iter().flat_map(|file| file.results.iter().cloned()).collect();
    assert_eq!(oracle::faults(&results, &desk.lims.ledger()), Vec::<String>::new());
    assert_eq!(desk.received(), i64::try_from(results.len()).unwrap(), "nothing was read twice");
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs vsftpd"]
async fn an_analyzer_uploads_under_the_final_name() {
    an_analyzer_uploads(Manner::Plain, "{ by = \"stable\", polls = 2 }").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs vsftpd"]
async fn an_analyzer_uploads_and_renames() {
    an_analyzer_uploads(Manner::Renamed, "{ by = \"rename\", while_writing = \"*.tmp\" }").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs vsftpd"]
async fn an_analyzer_uploads_a_marker_afterwards() {
    an_analyzer_uploads(Manner::Marked, "{ by = \"marker\", suffix = \".ok\" }").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs vsftpd"]
async fn an_analyzer_uploads_slowly() {
    // No pause of its comes near to eight looks.
    let pause = Duration::from_millis(200);
    an_analyzer_uploads(Manner::Slow(pause), "{ by = \"stable\", polls = 8 }").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs vsftpd"]
async fn an_analyzer_is_cut_off_in_mid_file_and_uploads_again() {
    // Long enough for the half file to be read and found wanting.
    let pause = Duration::from_secs(4);
    an_analyzer_uploads(Manner::Cut(pause), "{ by = \"stable\", polls = 3 }").await;
}
