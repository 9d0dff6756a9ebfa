//! Critical calls in the running gateway: opened by signed rules, recorded by people with the LIMS up or down, told to the
//! LIMS when it is back, and kept whole through kill -9.

use std::process::{Command, Output, Stdio};

use labsim::lims::{Lims, Mode};
use labwire::journal::DeliveryId;
use serde_json::{Value, json};

use super::page;
use super::support::*;

const CODES: &str = "[codes.GLCC]\nanalyte = \"glucose\"\n[codes.CREA]\nanalyte = \"creatinine\"\n";
const CRITICAL: &str = "[[critical]]\nname = \"glucose\"\nanalyte = \"glucose\"\nunit = \"mg/dL\"\nlow = \"< 40\"\n\
    high = \"> 450\"\nsource = \"a test\"\n";
const TIME: &str = "20260102030405";

async fn laboratory(of_calls: &str) -> (Lims, Lab, std::net::SocketAddr) {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &format!("{}{CODES}", listener(address)));
    std::fs::create_dir(lab.path("rules.d")).unwrap();
    std::fs::write(lab.path("rules.d/own.toml"), CRITICAL).unwrap();
    let site = std::fs::read_to_string(lab.path("labwire.toml")).unwrap();
    std::fs::write(lab.path("labwire.toml"), format!("{site}{of_calls}")).unwrap();
    (lims, lab, address)
}

const WHOM: [&str; 12] = [
    "--by",
    "Anna Example",
    "--to",
    "Bert Sample",
    "--role",
    "physician on duty",
    "--identifier",
    "name=Example, Anna",
    "--identifier",
    "birth-date=1970-01-31",
    "--read-back",
    "confirmed",
];

fn reached(lab: &Lab, call: &str, value: &str, more: &[&str]) -> Output {
    lab.run(&[&["call", "reached", call, "--value", value], &WHOM[..], more].concat())
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_critical_value_is_called_while_the_lims_is_down_and_the_record_reaches_it_later() {
    let steps = "[critical_calls]\n[[critical_calls.step]]\nafter_minutes = 0\nwhom = \"ward 3, 4711\"\n";
    let (lims, lab, address) = laboratory(steps).await;
    let gateway = lab.start().await;
    lab.sign();
    lims.set_mode(Mode::Status(503));
    let both = [("CREA", "1.0"), ("GLCC", "30.0")];
    send(address, &chemistry("EX0001", &both, "F", TIME)).await;
    until("the call is open", || lab.text(&["calls"]).contains("ward 3, 4711")).await;
    let list = lab.text(&["calls"]);
    assert!(list.contains("1  EX0001 GLCC 1.7 mmol/L (as sent: 30.0 mg/dl): critical; call by "), "{list}");
    let tube = super::page::answer(lab.page, "/specimen?id=EX0001").unwrap();
    assert!(tube.contains("is a critical value: call.") && tube.contains("href=\"/call/1\""), "{tube}");
    let call = super::page::answer(lab.page, "/call/1").unwrap();
    assert!(call.contains("<dt>Is it in the LIMS</dt><dd>lims: being sent"), "{call}");
    let shown = lab.text(&["calls", "EX0001"]);
    assert!(shown.contains("same specimen: CREA 1.0 mg/dl") && shown.contains("Example^Anna"), "{shown}");
    assert!(shown.contains("by glucose; limits < 40 mg/dL, > 450 mg/dL"), "{shown}");
    assert_eq!(lab.run(&["status"]).status.code(), Some(2), "a person must act");
    assert!(lab.text(&["status"]).contains("1  open critical calls"));
    let bench = page::answer(lab.page, "/").unwrap();
    assert!(bench.contains("1 critical call is open") && bench.contains("ward 3, 4711"), "{bench}");

    let slip = reached(&lab, "EX0001", "2.7 mmol/L", &[]);
    assert!(
        said(&slip).contains("says 1.7 mmol/L (as sent: 30.0 mg/dl), and you told 2.7 mmol/L"),
        "{}",
        said(&slip)
    );
    let nameless =
        lab.run(&[&["call", "reached", "1", "--value", "1.7", "--by", "Anna"], &WHOM[2..]].concat());
    assert!(said(&nameless).contains("your own name is missing: first and last name"), "{}", said(&nameless));
    let by_room = lab.run(&["call", "reached", "1", "--identifier", "room=7"]);
    assert!(said(&by_room).contains("doesn't identify a patient") && by_room.status.code() == Some(64));
    assert_eq!([slip.status.code(), nameless.status.code()], [Some(1), Some(1)]);
    let missed = lab.run(&["call", "not-reached", "1", "--by", "Anna Example", "--to", "ward 3"]);
    assert!(said(&missed).contains("Recorded: call 1, GLCC of EX0001. It stays open."), "{}", said(&missed));
    let told = reached(&lab, "EX0001", "1.7 mmol/L", &["--note", "repeats it at 6"]);
    assert!(said(&told).contains("It is closed."), "{}", said(&told));
    assert!(lab.text(&["calls"]).starts_with("No open critical calls."));
    assert_eq!(lab.count("accepted"), 0, "all of that without the LIMS");

    lims.set_mode(Mode::Accept);
    let journal = rusqlite::Connection::open(lab.path("labwire.db")).unwrap();
    let arrived = || {
        let query = "SELECT count(*) FROM call_line WHERE state = 'accepted'";
        journal.query_row(query, [], |row| row.get::<_, i64>(0)).unwrap() == 2
    };
    until("the LIMS has the records", arrived).await;
    let last: i64 = journal.query_row("SELECT max(id) FROM delivery", [], |row| row.get(0)).unwrap();
    let payload = lab.reader().payload(DeliveryId(last)).unwrap().unwrap();
    let payload: Value = serde_json::from_slice(payload.reveal()).unwrap();
    let record = &payload["calls"][0];
    assert_eq!(payload["results"], json!([]));
    assert_eq!((&record["outcome"], &record["to"]), (&json!("confirmed"), &json!("Bert Sample")));
    assert_eq!(record["told"], json!({ "value": "1.7 mmol/L", "agrees": true, "of_patient": true }));
    assert!(lims.with_ledger(|ledger| ledger.doubled().is_empty()), "no result was sent again");
    let trace = lab.text(&["trace", "EX0001"]);
    assert!(
        trace.contains("critical call 1: opened for observation") && trace.contains("(repeats it at 6)"),
        "{trace}"
    );
    let log = std::fs::read_to_string(lab.path("log")).unwrap();
    assert!(
        !log.contains("Example, Anna") && !log.contains("1970-01-31") && !log.contains("Bert Sample"),
        "{log}"
    );
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_looked_at_and_written_down_on_the_page() {
    let (_lims, lab, address) = laboratory("").await;
    let gateway = lab.start().await;
    lab.sign();
    send(address, &chemistry("EX0001", &[("CREA", "1.0"), ("GLCC", "30.0")], "F", TIME)).await;
    until("the call is open", || lab.text(&["calls"]).contains("EX0001")).await;
    let added = lab.text(&["user", "add", "anna", "--shown", "Anna Example", "--role", "technician"]);
    let token = added.lines().find_map(|line| line.strip_prefix("    ")).unwrap();
    assert!(
        lab.text(&["user"]).contains("anna                 technician  Anna Example  (has a token until ")
    );
    let post = |path: &str, cookie: &str, form: &str| page::post(lab.page, path, cookie, form).unwrap();
    post("/set-up", "", &format!("name=anna&token={token}&password=example+example&again=example+example"));
    let signed_in = post("/sign-in", "", "name=anna&password=example+example");
    let (_, cookie) = signed_in.split_once("set-cookie: ").unwrap();
    let cookie = cookie.split(';').next().unwrap();
    let call = page::answer_to(lab.page, "/call/1", cookie).unwrap();
    for shown in [
        "Glucose 1.7 mmol/L",
        "<small>GLCC</small>",
        "Example^Anna",
        "CREA 1.0 mg/dl",
        "same specimen",
        "limits &#60; 40 mg/dL",
    ] {
        assert!(call.contains(shown), "{shown}: {call}");
    }
    let guard = call.split_once("name=\"guard\" value=\"").unwrap().1.split('"').next().unwrap();
    let told = |value: &str| {
        let form = format!(
            "guard={guard}&what=attempt&outcome=confirmed&to=Bert+Sample&role=physician&kind_1=name&\
             identifier_1=Example%2C+Anna&kind_2=birth-date&identifier_2=1970-01-31&value={value}&note="
        );
        post("/call/1", cookie, &form)
    };
    let slip = told("2.7+mmol%2FL");
    assert!(slip.starts_with("HTTP/1.1 409 "), "{slip}");
    let right = told("1.7+mmol%2FL");
    assert!(right.contains("Recorded: critical call 1.") && right.contains("It is closed."), "{right}");
    assert!(lab.text(&["calls"]).starts_with("No open critical calls."));
    let shown = lab.text(&["calls", "1"]);
    assert!(shown.contains("Anna Example") && shown.contains("Bert Sample"), "{shown}");
    let log = std::fs::read_to_string(lab.path("log")).unwrap();
    assert!(
        !log.contains("Example, Anna") && !log.contains("example example") && !log.contains(token),
        "{log}"
    );
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_reopens_the_call_and_the_log_stays_off_where_the_lims_keeps_it() {
    let (_lims, lab, address) = laboratory("").await;
    let gateway = lab.start().await;
    lab.sign();
    send(address, &glucose("EX0001", "30.0", "F", TIME)).await;
    until("the call is open", || lab.text(&["calls"]).contains("EX0001")).await;
    assert!(said(&reached(&lab, "1", "30.0 mg/dl", &[])).contains("It is closed."));
    send(address, &glucose("EX0001", "90.0", "C", TIME)).await;
    until("it is open again", || lab.text(&["calls"]).contains("corrected after it was called")).await;
    let late = reached(&lab, "1", "30.0 mg/dl", &[]);
    assert!(said(&late).contains("says 5.0 mmol/L"), "{}", said(&late));
    assert!(said(&reached(&lab, "1", "5.0", &[])).contains("It is closed."));

    let site = std::fs::read_to_string(lab.path("labwire.toml")).unwrap();
    std::fs::write(lab.path("labwire.toml"), format!("{site}[critical_calls]\nkept_by = \"lims\"\n"))
        .unwrap();
    assert!(gateway.terminate().success());
    let gateway = lab.start().await;
    send(address, &glucose("EX0002", "30.0", "F", TIME)).await;
    until("what nobody has signed counts for nothing", || lab.text(&["calls"]).contains("EX0002")).await;
    lab.sign();
    send(address, &glucose("EX0003", "30.0", "F", TIME)).await;
    until("it is judged", || lab.text(&["trace", "EX0003"]).contains("critical: low")).await;
    assert!(!lab.text(&["calls"]).contains("EX0003"), "the LIMS keeps the log");
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overdue_call_is_told_by_the_exit_code_and_on_top_of_the_page() {
    let (_lims, lab, address) = laboratory("").await;
    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "30.0", "F", TIME)).await;
    until("the LIMS has it", || lab.count("accepted") == 1).await;
    assert!(gateway.terminate().success());
    // A call as an hour ago would have opened it.
    let journal = rusqlite::Connection::open(lab.path("labwire.db")).unwrap();
    journal
        .execute_batch(
            "INSERT INTO critical_call SELECT 1, 'EX0001', received_at - 3600000000 FROM message;
             INSERT INTO call_event (call, observation, kind, at, account, detail, leaves)
             SELECT 1, 1, 'critical', received_at, 'labwire', json_object('clock', 'found', 'due_minutes', 30,
                'again_minutes', 15, 'verify_minutes', 30, 'found_at', received_at - 3600000000), 'open' FROM message;",
        )
        .unwrap();
    let gateway = lab.start().await;
    let status = lab.run(&["status"]);
    assert!(
        said(&status).contains("1  OF THEM OVERDUE") && status.status.code() == Some(1),
        "{}",
        said(&status)
    );
    let calls = lab.run(&["calls"]);
    assert!(
        said(&calls).contains("call OVERDUE since") && calls.status.code() == Some(2),
        "{}",
        said(&calls)
    );
    let bench = page::answer(lab.page, "/").unwrap();
    assert!(bench.contains("1 critical call is overdue."), "{bench}");
    assert!(gateway.terminate().success());
}

/// Records an attempt without waiting for what comes of it.
fn begins_to_record(lab: &Lab) -> std::process::Child {
    Command::new(env!("CARGO_BIN_EXE_labwire"))
        .args([&["call", "reached", "1", "--value", "1.7"], &WHOM[..]].concat())
        .arg("--config")
        .arg(lab.folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_keeps_an_attempt_wholly_or_not_at_all() {
    let (_lims, lab, address) = laboratory("").await;
    let mut gateway = lab.start().await;
    lab.sign();
    send(address, &glucose("EX0001", "30.0", "F", TIME)).await;
    until("the call is open", || lab.text(&["calls"]).contains("EX0001")).await;
    let mut told = 0;
    for round in 0..6 {
        let command = begins_to_record(&lab);
        // The kill meets it before, in the midst of, or after its commit: all of them must do.
        std::thread::sleep(std::time::Duration::from_millis(round * 12));
        gateway.kill();
        let output = command.wait_with_output().unwrap();
        told += usize::from(said(&output).starts_with("Recorded"));
        let reader = lab.reader();
        assert_eq!(reader.deep_imbalances().unwrap(), [""; 0]);
        assert_eq!(reader.audit_break().unwrap(), None);
        let call = reader.call(labwire::journal::CallId(1)).unwrap().unwrap();
        let kept = call.happened.len() - 1;
        assert!(kept >= told, "what was told to be recorded is there: {kept} of {told}");
        assert!(call.course.is_open() == (kept == 0), "and does what it says");
        assert!(call.happened.iter().skip(1).all(|it| {
            it.words(&|at| at.to_string().into()).english().contains("told 1.7, by name Example, Anna")
        }));
        gateway = lab.start().await;
    }
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_critical_as_it_is_exactly_or_as_it_is_reported_alone_is_called_and_waits() {
    let (_lims, lab, address) = laboratory("").await;
    let limits = "[[critical]]\nname = \"glucose\"\nanalyte = \"glucose\"\nunit = \"mmol/L\"\nlow = \"< 2.5\"\n\
        high = \">= 25.0\"\nsource = \"a test\"\n";
    std::fs::write(lab.path("rules.d/own.toml"), limits).unwrap();
    let site = std::fs::read_to_string(lab.path("labwire.toml")).unwrap();
    let site = site.replace("timeout_secs = 1\n", "timeout_secs = 1\nrelease = \"hold-exceptions\"\n");
    std::fs::write(lab.path("labwire.toml"), site).unwrap();
    let gateway = lab.start().await;
    lab.sign();
    // In mg/dL; in mmol/L exactly, and as it is reported.
    for (specimen, value, _exactly, reported, word, waits) in [
        ("EX0001", "449.0", "24.923", "24.9", None, false),
        ("EX0002", "449.5", "24.951", "25.0", Some("may be critical"), true),
        ("EX0003", "450.4", "25.001", "25.0", Some("critical"), false),
        ("EX0004", "45.0", "2.498", "2.5", Some("critical"), true),
        ("EX0005", "45.1", "2.503", "2.5", None, false),
        ("EX0006", "44.1", "2.448", "2.4", Some("critical"), false),
    ] {
        send(address, &glucose(specimen, value, "F", TIME)).await;
        until("it was judged", || lab.text(&["trace", specimen]).contains("judged by rules in force")).await;
        let (trace, calls) = (lab.text(&["trace", specimen]), lab.text(&["calls"]));
        assert!(trace.contains(&format!("reported as {reported} mmol/L")), "{trace}");
        let told = calls.lines().find(|line| line.contains(specimen));
        let expected =
            word.map(|word| format!("{specimen} GLCC {reported} mmol/L (as sent: {value} mg/dl): {word}"));
        assert_eq!(told.is_some(), expected.is_some(), "{specimen} {value}: {calls}");
        assert!(told.zip(expected).is_none_or(|(told, expected)| told.contains(&expected)), "{calls}");
        assert_eq!(lab.text(&["held"]).contains(specimen), waits, "{specimen} {value}");
        if waits {
            let call = lab.text(&["calls", specimen]);
            assert!(
                call.contains("the value as it is reported, rounded, would be decided otherwise"),
                "{call}"
            );
        }
    }
    assert!(gateway.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_earlier_value_a_rerun_and_the_indices_stand_beside_a_call_whatever_rules_ask() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "release = \"hold-exceptions\"\n");
    let address = free_port();
    lab.instrument(
        "erba",
        "erba-xl",
        "",
        &format!("{}{CODES}[codes.HEM]\nlims_code = \"HEM\"\n", listener(address)),
    );
    std::fs::create_dir(lab.path("rules.d")).unwrap();
    let holding = CRITICAL.replace("source =", "hold = true\nsource =");
    std::fs::write(lab.path("rules.d/own.toml"), holding).unwrap();
    let gateway = lab.start().await;
    lab.sign();
    let of = |patient: &str, message: String| message.replace("P|1||EX-77|", &format!("P|1|{patient}||"));
    for (patient, tube, value, time) in [
        ("EX-77", "EX0001", "20.0", "20260101010000"),
        ("EX-77", "EX0002", "90.0", "20260101020000"),
        ("EX-77", "EX0003", "500", "20260101030000"),
        ("EX-78", "EX0004", "110", "20260101040000"),
        ("EX-77", "EX0005", "120", "20260104010000"),
    ] {
        send(address, &of(patient, glucose(tube, value, "F", time))).await;
        until("it is judged", || lab.text(&["trace", tube]).contains("judged by rules in force")).await;
    }
    let rejected = lab.text(&["reject", "1", "--reason", "a wrong tube"]);
    assert_eq!(rejected, "1: done\n");
    let both = [("HEM", "3"), ("GLCC", "30.0")];
    send(address, &of("EX-77", chemistry("EX0009", &both, "F", TIME))).await;
    until("the call is open", || lab.text(&["calls"]).contains("EX0009")).await;
    send(address, &of("EX-77", glucose("EX0009", "31.0", "F", "20260102040405"))).await;
    until("the rerun is there", || lab.text(&["calls", "EX0009"]).contains("rerun: GLCC 31.0")).await;
    let shown = lab.text(&["calls", "EX0009"]);
    let first = shown.split("\n").filter(|line| line.contains("previous: ")).take(2).collect::<Vec<_>>();
    assert!(
        first[0].contains("previous: 27.8 mmol/L at ")
            && first[0].ends_with("from erba, and waits for a person"),
        "{shown}"
    );
    assert!(first[1].contains("previous: 5.0 mmol/L at ") && first[1].ends_with("from erba"), "{shown}");
    assert!(shown.contains("same specimen: HEM 3"), "{shown}");
    for (other, why) in [("1.1 mmol/L", "rejected"), ("6.1 mmol/L", "another's"), ("6.7 mmol/L", "later")] {
        assert!(!shown.contains(&format!("previous: {other}")), "{why}: {shown}");
    }
    let id = lab
        .reader()
        .open_calls()
        .unwrap()
        .into_iter()
        .find(|it| it.specimen.reveal() == "EX0009")
        .unwrap()
        .id;
    let page = page::answer(lab.page, &format!("/call/{id}")).unwrap();
    assert!(page.contains("27.8 mmol/L, ") && page.contains("it waits for a person"), "{page}");
    assert!(gateway.terminate().success());
    lab.must_balance();
}
