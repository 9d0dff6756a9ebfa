//! The command line as lab IT uses it: exit codes, the file of acknowledged results, the LIMS until it is stopped.

#![expect(clippy::unwrap_used, reason = "a test that can't go on must fail")]

mod host;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Output, Stdio};

use host::{Honesty, Store};
use labsim::acknowledged;
use tokio::net::TcpListener;

fn labsim(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_labsim"));
    command.args(arguments).stdin(Stdio::null());
    command
}

async fn run(arguments: &[&str]) -> Output {
    let mut command = labsim(arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// A host that acknowledges and stores; its address.
async fn honest_host(store: Store) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(host::serve(stream, store.clone(), Honesty::Honest));
        }
    });
    address
}

#[tokio::test]
async fn acknowledged_results_are_written_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("acked.jsonl");
    let store = Store::default();
    let address = honest_host(store.clone()).await;
    let flags = ["--style", "unicel-dxh", "--count", "3", "--every", "0s", "--full-speed"];
    let place = ["analyzer", "--connect", &address, "--ledger", file.to_str().unwrap()];
    let output = run(&[&place[..], &flags[..]].concat()).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.starts_with("3 messages with 84 results acknowledged"), "{told}");
    let acknowledged = acknowledged::read(&file).unwrap();
    assert_eq!((acknowledged.len(), store.lock().unwrap().len()), (84, 3));
}

#[tokio::test]
async fn a_file_is_played_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("records.astm");
    std::fs::write(&file, "H|\\^&\nP|1\nL|1|N\n").unwrap();
    let store = Store::default();
    let address = honest_host(store.clone()).await;
    let output =
        run(&["analyzer", "--connect", &address, "--file", file.to_str().unwrap(), "--full-speed"]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(store.lock().unwrap().get(&b"H|\\^&\rP|1\rL|1|N\r"[..]), Some(&1));
}

#[tokio::test]
async fn exit_codes_tell_what_went_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (good, bad) = (write("good", "> ENQ\n< ACK\n> EOT\n"), write("bad", "> ENQ\n< NAK\n"));
    let (wrong, empty) = (write("wrong", "send ENQ\n"), write("empty", "\n"));
    let address = honest_host(Store::default()).await;
    let there = ["analyzer", "--connect", &address];
    let cases: [(&[&str], i32, &str); 8] = [
        (&["--script", &good], 0, ""),
        (&["--script", &bad], 1, "line 2: expected NAK, heard ACK"),
        (&["--script", &wrong], 65, "wrong: line 1:"),
        (&["--file", &empty], 65, "no frame and no record"),
        (&["--file", "/nowhere/capture.astm"], 74, "No such file"),
        (&["--faults", "2"], 2, "from 0.0 to 1.0"),
        (&["--style", "abacus"], 2, "there are vitros-3600"),
        (&["--script", &good, "--ledger", "x"], 2, "cannot be used with"),
    ];
    for (flags, code, said) in cases {
        let output = run(&[&there[..], flags].concat()).await;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{flags:?}: {errors}");
        assert!(errors.contains(said), "{flags:?}: {errors}");
    }
    assert_eq!(run(&["analyzer"]).await.status.code(), Some(2));
    assert_eq!(run(&["analyzer", "--device", "/nowhere/ttyS0"]).await.status.code(), Some(74));
    assert_eq!(run(&["lims", "--listen", "0.0.0.0:0"]).await.status.code(), Some(74));
}

#[test]
fn the_lims_tells_its_address_and_what_it_held_when_it_is_stopped() {
    let mut lims = labsim(&["lims", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(lims.stdout.take().unwrap());
    let mut first = String::new();
    told.read_line(&mut first).unwrap();
    let address =
        first.trim().strip_prefix("deliveries to http://").unwrap().strip_suffix("/results").unwrap();
    let payload = r#"{"results":[{"id":"1","test":{"code":"HGB"},"value":{"as_sent":"7.4"}}]}"#;
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST /results HTTP/1.1\r\nhost: lims\r\nconnection: close\r\nidempotency-key: \"k\"\r\ncontent-length: {}\r\n\r\n{payload}",
        payload.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let process = rustix::process::Pid::from_child(&lims);
    rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    let mut rest = String::new();
    told.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "1 results held, 0 of them twice\n");
    assert_eq!(lims.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_capture_is_replayed_only_where_nobody_is_treated_and_differences_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("h500.capture");
    let capture = |answer: &str| {
        let head =
            "2026-11-22T07:14:00Z h500/1 = connected: 127.0.0.1:1\n2026-11-22T07:14:00Z h500/1 > <ENQ>\n";
        let rest = "2026-11-22T07:14:00Z h500/1 > <STX>1L|1|N<CR><ETX>04<CR><LF>\n";
        std::fs::write(&file, format!("{head}2026-11-22T07:14:00Z h500/1 < <{answer}>\n{rest}")).unwrap();
    };
    capture("ACK");
    let store = Store::default();
    let address = honest_host(store.clone()).await;
    let place = ["replay", file.to_str().unwrap(), "--connect", &address, "--as-fast"];
    let output = run(&place).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("--onto-test-system"));
    let place = [&place[..], &["--onto-test-system"]].concat();
    // The host acknowledges the frame too, of which the capture knows nothing.
    let output = run(&place).await;
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("line 4: then nothing, now <ACK>"), "{told}");
    capture("NAK");
    let output = run(&place).await;
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("line 3: then <NAK>, now <ACK>") && told.contains("broke off"), "{told}");
    std::fs::write(&file, "nothing of a capture\n").unwrap();
    assert_eq!(run(&place).await.status.code(), Some(65));
}

/// What is written to a pseudo-terminal is what a port with the speed that the other end asked for would have read.
#[tokio::test]
async fn a_line_of_another_speed_is_read_as_a_port_would_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("line");
    let play = |more: &[&str]| {
        let fixed = ["line", "--pty", link.to_str().unwrap(), "--every", "300ms", "--runs", "9600,8N1"];
        labsim(&[&fixed[..], more].concat()).stdout(Stdio::piped()).spawn().unwrap()
    };
    for (asked, more, enq) in
        [(9600, &[][..], 0x05), (19_200, &[], 0x66), (9600, &["--as-read-at", "4800,8N1"], 0xFE)]
    {
        let mut line = play(more);
        let mut first = String::new();
        let mut told = BufReader::new(line.stdout.take().unwrap());
        told.read_line(&mut first).unwrap();
        let mut port = labsim::serial::open_device(&link, asked).unwrap();
        let read = tokio::io::AsyncReadExt::read_u8(&mut port).await.unwrap();
        line.kill().unwrap();
        line.wait().unwrap();
        drop(told);
        assert_eq!(read, enq, "{asked} {more:?}");
    }
}
