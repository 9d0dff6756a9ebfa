//! A mistake in the configuration on disk blinds nobody while the gateway works on with what it was started with: every
//! command that needs no more than the journal and the socket goes on and says so.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use labsim::lims::Mode;
use support::*;

const CRITICAL: &str = "[[critical]]\nname = \"glucose\"\nanalyte = \"glucose\"\nunit = \"mg/dL\"\nlow = \"< 40\"\n\
    high = \"> 450\"\nsource = \"a test\"\n";
const SAID: &str = "labwire: the configuration on disk has 2 mistakes, see labwire check; ";
/// The table's word for "whatever it prints".
const ANYTHING: &str = "";

/// Commands that read the journal or ask the gateway, `_` for a space within a word: what they exit with, and a part of what
/// they print.
const GO_ON: &[(&str, i32, &str)] = &[
    ("status", 1, "labwire is running."),
    ("top", 64, ANYTHING),
    ("status", 1, "whether they are the configured ones can't be told"),
    ("calls", 0, "call by "),
    ("calls", 0, ": ward 3, 4711"),
    ("calls EX0001", 0, "Example^Anna"),
    ("call not-reached 1 --by Anna_Example --to ward", 0, "It stays open."),
    ("trace EX0001 --raw", 0, "on disk before acknowledged"),
    ("dead-letters", 0, "EX0001 for lims"),
    ("retry --all --reason mended", 0, ": done"),
    ("held", 0, "Nothing is held."),
    ("problems", 0, "No open problems."),
    ("reevaluate", 0, "Nothing is held"),
    ("archive", 0, "Nothing has left yet."),
    ("orders EX0001", 1, "No order is known for this label."),
    ("user add anna --shown Anna_Example --role technician", 0, "on the page, at /set-up, with this token"),
    ("user", 0, "Anna Example"),
    ("reload", 78, "Refused, and labwire goes on with the old configuration"),
    ("backup", 0, "all as they were written"),
    ("backup --to copies", 0, "all as they were written"),
    ("verify", 0, "all as they were written"),
    ("resume --reason none", 1, "Refused"),
    ("restore no-such-copy", 1, ANYTHING),
    ("reassign 999 --to EX0002 --by Anna_Example --reason misread", 1, "Refused"),
    ("resend --specimen EX0009 --to-destination lims", 1, "would be sent nothing once more"),
    ("qc replay", 0, "0 decisions were made again"),
    ("qc since erba GLCC", 1, "No control of GLCC was ever measured on erba."),
    ("qc accept 999 --by Anna_Example --reason fine", 1, "refused"),
    ("capture erba new.capture --for 1s", 0, "Keeping what passes on erba"),
    ("support-bundle new.tar.gz", 0, "messages are left out: the configuration has mistakes"),
    ("give-up 999 --reason none", 1, "999: refused"),
    ("confirm 999 --reason none", 1, "999: refused"),
    ("release 999 --reason none", 1, "999: refused"),
    ("release --held-for suspended --reason none", 0, ANYTHING),
    ("reject 999 --reason none", 1, "999: refused"),
    ("reread 1 --reason again", 0, "1: done"),
    ("dismiss 999 --reason none", 1, "999: refused"),
];

/// Commands that can't tell anything right without the whole configuration.
const NEED_ALL: &[&str] = &[
    "run",
    "check",
    "reconcile",
    "orders",
    "qc",
    "rules",
    "rules test",
    "rules replay",
    "codes",
    "convert 1 mg/dL --analyte glucose",
    "specimen-id erba 1",
];

/// Commands that read no configuration, write one, or stand in a test of their own here.
const OTHERS: &[&str] =
    &["init", "add", "ports", "listen", "schema", "demo", "tap", "salvage", "import", "help"];

#[tokio::test(flavor = "multi_thread")]
async fn commands_go_on_beside_a_running_gateway_while_the_configuration_has_mistakes() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument(
        "erba",
        "erba-xl",
        "",
        &format!("{}[codes.GLCC]\nanalyte = \"glucose\"\n", listener(address)),
    );
    fs::create_dir(lab.path("rules.d")).unwrap();
    fs::write(lab.path("rules.d/own.toml"), CRITICAL).unwrap();
    let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
    let calls = "[critical_calls]\n[[critical_calls.step]]\nafter_minutes = 0\nwhom = \"ward 3, 4711\"\n";
    let sound = format!("{site}{calls}");
    fs::write(lab.path("labwire.toml"), &sound).unwrap();
    let gateway = lab.start().await;
    lab.sign();
    lims.set_mode(Mode::Status(400));
    send(address, &glucose("EX0001", "30.0", "F", "20260102030405")).await;
    until("it is a dead letter", || lab.text(&["dead-letters"]).contains("EX0001 for lims")).await;
    assert!(lab.text(&["calls"]).contains("call by "));

    let instrument = lab.path("instruments.d/erba.toml");
    let whole = fs::read_to_string(&instrument).unwrap();
    fs::write(&instrument, format!("nonsense = 1\n{whole}")).unwrap();
    fs::write(lab.path("labwire.toml"), sound.replace("[page]", "[page]\naway_after_minutes = 0")).unwrap();
    let run = |line: &str| {
        let file = |word: &str| match word {
            "new.capture" | "new.tar.gz" | "copies" | "no-such-copy" => lab.path(word).display().to_string(),
            _ => word.replace('_', " "),
        };
        let words: Vec<String> = line.split(' ').map(file).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = lab.run(&words);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let mut wrong = Vec::new();
    for (line, code, part) in GO_ON {
        let (exit, out, error) = run(line);
        if exit != Some(*code) || !out.contains(part) || !error.starts_with(SAID) {
            wrong.push(format!("{line}: {exit:?}\n{out}\n{error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for line in NEED_ALL {
        let (exit, out, error) = run(line);
        let said = format!("{out}{error}");
        assert_eq!(exit, Some(78), "{line}: {said}");
        assert!(
            said.contains("unknown key \"nonsense\"") && said.contains("away_after_minutes"),
            "{line}: {said}"
        );
    }
    taps(&lab, address).await;
    copies_are_refused_where_their_own_keys_are_wrong(&lab, &sound);
    a_place_that_may_be_another_is_refused(&lab, &sound);
    assert!(gateway.terminate().success());
    let (exit, out, _) = run("status");
    assert!(exit == Some(78) || out.contains("labwire is not running"), "{out}");
}

/// What passes is shown as ever.
async fn taps(lab: &Lab, address: std::net::SocketAddr) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_labwire"));
    command.args(["tap", "erba", "--config"]).arg(lab.folder.path());
    let mut tap = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(tap.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with("What passes from now on"));
    send(address, &glucose("EX0002", "90.0", "F", "20260102030405")).await;
    assert!(lines.any(|line| line.unwrap().contains("EX0002")));
    tap.kill().unwrap();
    tap.wait().unwrap();
}

fn copies_are_refused_where_their_own_keys_are_wrong(lab: &Lab, sound: &str) {
    fs::write(lab.path("labwire.toml"), format!("{sound}[backup]\nkeep_days = 0\n")).unwrap();
    let refused = lab.run(&["backup"]);
    assert_eq!(refused.status.code(), Some(78), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("keep_days"), "{refused:?}");
    let elsewhere = lab.path("copies");
    assert!(lab.run(&["backup", "--to", elsewhere.to_str().unwrap()]).status.success());
    assert!(lab.text(&["status"]).starts_with("labwire is running."));
}

/// Another journal than the gateway's must never be taken for it.
fn a_place_that_may_be_another_is_refused(lab: &Lab, sound: &str) {
    for (from, to) in [
        ("[journal]", "[jornal]"),
        ("[journal]", "#[journal]"),
        ("path = \"labwire.db\"", "path = \"other.db\""),
        ("path =", "pat ="),
        ("site =", "site "),
        ("control_socket", "control_sock"),
    ] {
        let wrong = sound.replacen(from, to, 1);
        assert_ne!(wrong, sound);
        fs::write(lab.path("labwire.toml"), wrong).unwrap();
        for command in ["status", "calls", "backup"] {
            let refused = lab.run(&[command]);
            assert_eq!(refused.status.code(), Some(78), "{command} with {to}: {refused:?}");
            assert!(refused.stdout.is_empty() && !refused.stderr.is_empty(), "{refused:?}");
        }
    }
}

#[test]
fn every_command_is_in_one_of_the_tables() {
    let lines =
        GO_ON.iter().map(|(line, ..)| *line).chain(NEED_ALL.iter().copied()).chain(OTHERS.iter().copied());
    let tried: BTreeSet<&str> = lines.filter_map(|line| line.split(' ').next()).collect();
    let command = labwire::cli::command();
    let known: BTreeSet<&str> = command.get_subcommands().map(|it| it.get_name()).collect();
    let missing: Vec<&&str> = known.difference(&tried).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
