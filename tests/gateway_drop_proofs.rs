//! A last record, a batch's end or a count of rows releases a file, whatever it holds; and a password may come from the
//! service manager.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "support/dropped.rs"]
mod dropped;
#[path = "support/odd_ftp.rs"]
mod odd_ftp;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use dropped::{Desk, day, message};
use odd_ftp::{Conduct, OddServer};
use support::{glucose, until};

/// A made-up model whose files end with a row that counts the others.
const COUNTED: &str = r#"
name = "acme-counted"
revision = 1
protocol = "table"
vendor = "Acme"
model = "Counted"
note = "Made up for a test."

[sources]
it = "made up"

[table]
format = "csv"
delimiter = ";"
trailer = { begins = "END", count_at = 2 }

[places]
specimen = "Tube"
code = "Test"
value = "Result"
unit = "Unit"

[tests]
K = { result = "quantity", source = "it" }
"#;

fn table(folder: &str) -> String {
    format!(
        "[folder]\nfolder = \"{folder}\"\nafter = \"delete\"\ncomplete = {{ by = \"trailer\" }}\npoll_secs = 1\njitter_secs = 0\n"
    )
}

/// Files come without their end, and with it.
fn write(folder: &Path, name: &str, first: &str, rest: Option<&str>) {
    fs::write(folder.join(name), [first, rest.unwrap_or_default()].concat()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trailer_releases_a_file_of_each_kind_and_half_of_it_is_nothing() {
    let desk = Desk::empty().await;
    fs::create_dir(desk.lab.path("profiles.d")).unwrap();
    fs::write(desk.lab.path("profiles.d/acme-counted.toml"), COUNTED).unwrap();
    let astm = glucose("S1", "5.1", "F", "20260501120000");
    let (records, terminator) = astm.split_once("L|1|N").unwrap();
    let terminator = format!("L|1|N{terminator}");
    let batch = format!("FHS|^~\\&|cobas pro\rBHS|^~\\&|cobas pro\r{}", message("S2", "1.41"));
    let rows = "Tube;Test;Result;Unit\nS3;K;4,1;mmol/L\n";
    let kinds = [
        ("erba", "erba-xl", records, terminator.as_str(), "has no L record"),
        ("cobas", "roche-cobas-pro", batch.as_str(), "BTS|1\rFTS|1\r", "has no counterpart"),
        ("counted", "acme-counted", rows, "END;1\n", "its last row isn't the one that closes it"),
    ];
    for (instrument, profile, ..) in kinds {
        fs::create_dir(desk.lab.path(instrument)).unwrap();
        desk.lab.instrument(instrument, profile, "decimal_separator = \",\"", &table(instrument));
    }
    let gateway = desk.lab.start().await;
    for (instrument, _, first, ..) in kinds {
        write(&desk.lab.path(instrument), "day", first, None);
    }
    for (.., words) in kinds {
        desk.says(words).await;
    }
    assert_eq!(desk.received(), 0);
    for (instrument, _, first, rest, _) in kinds {
        write(&desk.lab.path(instrument), "day", first, Some(rest));
    }
    for (instrument, ..) in kinds {
        until("the file is removed", || !desk.lab.path(instrument).join("day").exists()).await;
    }
    until("everything is read", || desk.received() == 3).await;
    // A count that doesn't agree.
    write(&desk.lab.path("counted"), "other", rows, Some("END;2\n"));
    desk.says("line 3 says 2, and 1 were found").await;
    assert_eq!(desk.received(), 3);
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_without_an_envelope_do_not_say_that_they_were_the_last() {
    let desk = Desk::folder("after = \"delete\"\ncomplete = { by = \"trailer\" }").await;
    let gateway = desk.lab.start().await;
    let (first, both) = (day("A", 1), day("A", 2));
    assert!(!both.contains("BHS"), "{both}");
    fs::write(desk.out.join("day.hl7"), &first).unwrap();
    desk.says("day.hl7 waits: the file isn't whole: it doesn't end with BTS or FTS").await;
    assert_eq!(desk.received(), 0);
    fs::write(desk.out.join("day.hl7"), format!("BHS|^~\\&\r{both}BTS|2\r")).unwrap();
    desk.accepted(2).await;
    until("the file is removed", || !desk.out.join("day.hl7").exists()).await;
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_breaks_off_is_not_taken_because_its_file_rests() {
    let desk = Desk::folder("after = \"delete\"\ncomplete = { by = \"stable\", polls = 2 }").await;
    let gateway = desk.lab.start().await;
    let whole = day("A", 2);
    let (cut, _) = whole.rsplit_once("0|ng/dL").unwrap();
    fs::write(desk.out.join("day.hl7"), cut).unwrap();
    desk.says("day.hl7 waits: the file isn't whole: its last line, 8, doesn't end").await;
    assert_eq!(desk.received(), 0);
    fs::write(desk.out.join("day.hl7"), &whole).unwrap();
    desk.accepted(2).await;
    assert!(gateway.terminate().success());
    desk.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_may_be_a_credential_of_the_service_manager() {
    let server = OddServer::start(Conduct::Honest, "day.hl7", &day("A", 1), None).await;
    let desk = Desk::empty().await;
    let keys = "after = \"delete\"\ncomplete = { by = \"rename\", while_writing = \"*.tmp\" }";
    let table =
        server.table(keys).replace("password_file = \"password\"", "password_credential = \"analyzer\"");
    desk.fetches(&table);
    let credentials = tempfile::tempdir().unwrap();
    fs::write(credentials.path().join("analyzer"), "invented and secret\n").unwrap();
    let labwire = |verb: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_labwire"));
        command.arg(verb).arg("--config").arg(desk.lab.folder.path()).env_remove("CREDENTIALS_DIRECTORY");
        command.stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::piped());
        command
    };
    let without = labwire("check").stderr(Stdio::piped()).output().unwrap();
    let told = String::from_utf8([without.stdout, without.stderr].concat()).unwrap();
    assert!(told.contains("CREDENTIALS_DIRECTORY isn't set"), "{told}");
    let mut gateway = labwire("run")
        .env("CREDENTIALS_DIRECTORY", credentials.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until("the file is taken", || server.names().is_empty()).await;
    gateway.kill().unwrap();
    gateway.wait().unwrap();
    assert_eq!(server.password().as_deref(), Some("invented and secret"));
}
