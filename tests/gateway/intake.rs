//! What analyzers send, and what becomes of it, with the real program.

use std::time::Duration;

use super::page;
use super::support::*;
use labsim::generate::{Generator, Style};
use labwire::journal::views::Way;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// A laboratory with one Erba XL behind a listener.
async fn laboratory() -> (labsim::lims::Lims, Lab, std::net::SocketAddr) {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    (lims, lab, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_reaches_the_lims_and_its_way_can_be_told() {
    let (lims, lab, address) = laboratory().await;
    let gateway = lab.start().await;
    send(address, &glucose("EX0001", "5.40", "F", "20260102030405")).await;
    until("the LIMS has it", || lab.count("accepted") == 1).await;
    assert_eq!(lims.ledger().held()[0].value, "5.40");
    let way = lab.text(&["trace", "EX0001"]);
    for step in ["received from erba", "<STX>1H|`^&", "read as observation", "accepted at lims"] {
        assert!(way.contains(step), "{step} is missing in\n{way}");
    }
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_twice_is_held_once_and_a_correction_takes_its_place() {
    let (lims, lab, address) = laboratory().await;
    let _gateway = lab.start().await;
    let first = glucose("EX0002", "5.40", "F", "20260102030405");
    send(address, &first).await;
    send(address, &first).await;
    until("both are read", || lab.reader().sums().unwrap().intake.duplicate == 1).await;
    send(address, &glucose("EX0002", "5.90", "C", "20260102030405")).await;
    until("the correction is there", || lab.count("accepted") == 2).await;
    let held = lims.ledger().held().to_vec();
    assert_eq!(held.len(), 2);
    assert_eq!(held[1].supersedes, held[0].observation);
    send(address, &first).await;
    until("the old value is known", || lab.reader().sums().unwrap().intake.duplicate == 2).await;
    assert_eq!(lab.count("accepted"), 2, "an older version never lands after a newer one");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_test_is_a_problem_and_the_rest_goes_on() {
    let (_lims, lab, address) = laboratory().await;
    let _gateway = lab.start().await;
    send(address, &chemistry("EX0003", &[("GLCC", "5.1"), ("NOVEL", "7")], "F", "20260102030405")).await;
    until("the known one is accepted", || lab.count("accepted") == 1).await;
    let problems = lab.text(&["problems"]);
    assert!(problems.contains("unknown-code"), "{problems}");
    let sums = lab.reader().sums().unwrap();
    assert_eq!((sums.intake.received, sums.intake.problem), (2, 1));
    assert_eq!(sums.imbalances(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_unit_is_named_once_and_the_results_leave() {
    let (_lims, lab, address) = laboratory().await;
    let _gateway = lab.start().await;
    for (number, unit) in ["mg/dl", "mmol/l", "mmol/l"].into_iter().enumerate() {
        let message = glucose(&format!("EX001{number}"), "5.1", "F", "20260102030405");
        send(address, &message.replace("mg/dl", unit)).await;
    }
    until("all are accepted", || lab.count("accepted") == 3).await;
    let problems = lab.text(&["problems"]);
    assert_eq!(problems.lines().count(), 1, "{problems}");
    assert!(problems.contains("drift"), "{problems}");
    assert!(problems.contains("the unit of GLCC is \"mmol/l\", and \"mg/dl\" was expected"), "{problems}");
    assert!(lab.text(&["status"]).contains("1  changes in what analyzers send"));
    let id = problems.split_whitespace().next().unwrap().to_owned();
    assert!(lab.run(&["dismiss", &id, "--reason", "the LIMS takes both"]).status.success());
    assert!(lab.text(&["problems"]).contains("No open problems"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_without_a_specimen_is_held_and_can_only_be_rejected() {
    let (lims, lab, address) = laboratory().await;
    let _gateway = lab.start().await;
    send(address, &glucose("", "5.1", "F", "20260102030405")).await;
    until("it is held", || lab.count("held") == 1).await;
    let held = lab.text(&["held"]);
    let id = held.split_whitespace().next().unwrap().to_owned();
    assert!(held.contains("no specimen number"), "{held}");
    let refused = lab.text(&["release", &id, "--reason", "known from the worklist"]);
    assert!(refused.contains("no LIMS can file it"), "{refused}");
    assert!(lab.run(&["reject", &id, "--reason", "entered by hand"]).status.success());
    until("it stays here", || lab.count("rejected") == 1).await;
    assert_eq!(lims.ledger().held().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubtful_result_is_held_until_a_person_releases_it() {
    let (_lims, lab, address) = laboratory().await;
    let _gateway = lab.start().await;
    send(address, &glucose("EX0009", "5.1", "W", "20260102030405")).await;
    until("it is held", || lab.count("held") == 1).await;
    let held = lab.text(&["held"]);
    let id = held.split_whitespace().next().unwrap().to_owned();
    assert!(held.contains("doubtful"), "{held}");
    assert!(!lab.run(&["release", &id, "--reason", " "]).status.success(), "a decision needs a reason");
    assert!(lab.run(&["release", &id, "--reason", "known from the worklist"]).status.success());
    until("it is accepted", || lab.count("accepted") == 1).await;
    assert!(
        !lab.run(&["release", &id, "--reason", "again"]).status.success(),
        "there is nothing left to release"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_transmission_is_shown_and_never_delivered() {
    let (lims, lab, address) = laboratory().await;
    let _gateway = lab.start().await;
    let message = glucose("EX0004", "5.1", "F", "20260102030405");
    let cut = message.strip_suffix("L|1|N\r").unwrap();
    let mut line = TcpStream::connect(address).await.unwrap();
    for bytes in [b"\x05".to_vec(), labsim_frame(1, cut)] {
        line.write_all(&bytes).await.unwrap();
        assert_eq!(line.read_u8().await.unwrap(), 6);
    }
    drop(line);
    until("it is a problem", || lab.text(&["problems"]).contains("incomplete-transmission")).await;
    let told = lab.text(&["trace", "EX0004"]);
    for words in ["INCOMPLETE", "never delivered", "could be read, incomplete: GLCC 5.1 mg/dl", "<STX>1H|`^&"]
    {
        assert!(told.contains(words), "{words} is missing in\n{told}");
    }
    assert!(lab.text(&["trace", "EX000"]).contains("Nothing is known"));
    let problems = lab.text(&["problems"]);
    assert_eq!(problems.lines().count(), 1, "the preview adds nothing: {problems}");
    let page = page::answer(lab.page, "/message/1").unwrap();
    for words in ["What could be read", "incomplete, never delivered", "EX0004", "GLCC <b>5.1</b> mg/dl"] {
        assert!(page.contains(words), "{words} is missing in\n{page}");
    }
    let tube = page::answer(lab.page, "/specimen?id=EX0004").unwrap();
    assert!(tube.contains("Its transmission was cut short") && tube.contains("/message/1"), "{tube}");
    let other = page::answer(lab.page, "/specimen?id=EX000").unwrap();
    assert!(
        other.contains("Nothing that could be read has been received") && !other.contains("EX0004"),
        "{other}"
    );
    assert_eq!(lims.ledger().held().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_does_not_forget_that_a_line_garbles() {
    let (_lims, lab, address) = laboratory().await;
    let garble = async |gateway: Gateway| {
        let mut line = TcpStream::connect(address).await.unwrap();
        line.write_all(b"\x05").await.unwrap();
        assert_eq!(line.read_u8().await.unwrap(), 6);
        line.write_all(b"\x021H|`^&\r\x0300\r\n").await.unwrap();
        assert_eq!(line.read_u8().await.unwrap(), 0x15);
        until("the page says so", || {
            page::answer(lab.page, "/analyzer/erba")
                .is_some_and(|page| page.contains("a frame with a wrong checksum was refused"))
        })
        .await;
        drop(line);
        assert!(gateway.terminate().success());
        let status = lab.text(&["status"]);
        let line = status.lines().find(|line| line.contains("bad-checksum")).expect("it is kept").to_owned();
        let since = line.split_once("since ").unwrap().1.split_once(',').unwrap().0.to_owned();
        (line.split_whitespace().next().unwrap().to_owned(), since)
    };
    let (count, since) = garble(lab.start().await).await;
    assert_eq!(count, "1");
    let gateway = lab.start().await;
    let page = page::answer(lab.page, "/analyzer/erba").unwrap();
    let row = page.split_once("<code>bad-checksum</code>").expect("it shows at once what was before").1;
    assert!(row.split_once("</tr>").unwrap().0.contains(">1</td>"), "{row}");
    assert_eq!(garble(gateway).await, ("2".to_owned(), since));
}

/// A frame with its checksum, made here so that nothing of the gateway's is trusted.
fn labsim_frame(number: u8, text: &str) -> Vec<u8> {
    let mut body = vec![b'0' + number];
    body.extend_from_slice(text.as_bytes());
    body.push(3);
    let sum = body.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    [&[2], body.as_slice(), format!("{sum:02X}\r\n").as_bytes()].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_an_unknown_sender_is_kept_until_the_configuration_is_mended() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("dxh", "beckman-dxh", "sender = \"OTHER\"", &listener(address));
    let gateway = lab.start().await;
    let message = Generator::new(Style::UnicelDxh, 7).with_odd(0.0).message();
    let report = analyzer(address).await.transfer(std::slice::from_ref(&message)).await;
    assert!(report.is_complete());
    until("it is a problem", || lab.text(&["problems"]).contains("unregistered-source")).await;
    assert_eq!(lab.reader().sums().unwrap().intake.received, 0);
    assert!(gateway.terminate().success());
    lab.instrument("dxh", "beckman-dxh", "", &listener(address));
    let _gateway = lab.start().await;
    let expected = i64::try_from(message.results.len()).unwrap();
    until("it is delivered", || lab.count("accepted") == expected).await;
    assert_eq!(lims.ledger().discrepancies(&message.results), []);
    assert!(lab.text(&["problems"]).contains("No open problems"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_query_is_answered_on_its_own_connection() {
    let (_lims, lab, address) = laboratory().await;
    let _gateway = lab.start().await;
    let mut analyzer = analyzer(address).await;
    let answer = analyzer.query(&Generator::new(Style::ErbaXl, 7).query("1007149")).await;
    let answer = String::from_utf8(answer.expect("an answer in time")).unwrap();
    assert!(answer.starts_with("H|`^&"), "{answer}");
    assert!(answer.contains("L|1|I"), "{answer}");
    until("it is noted", || {
        let queries = lab.reader().unanswered_queries(10).unwrap();
        queries
            .iter()
            .any(|query| query.answer.as_deref() == Some("no information: no LIMS tells orders; delivered"))
    })
    .await;
    assert!(lab.text(&["status"]).contains("1  host queries without orders"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wedged_analyzer_does_not_stall_another() {
    let (_lims, lab, address) = laboratory().await;
    let other = free_port();
    lab.instrument("second", "erba-xl", "", &listener(other));
    let _gateway = lab.start().await;
    let mut wedged = TcpStream::connect(address).await.unwrap();
    wedged.write_all(b"\x05").await.unwrap();
    assert_eq!(wedged.read_u8().await.unwrap(), 6);
    wedged.write_all(b"\x021H|`^&||half a frame").await.unwrap();
    send(other, &glucose("EX0005", "5.1", "F", "20260102030405")).await;
    until("the other's result is accepted", || lab.count("accepted") == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_noise_costs_no_memory_and_stops_nobody() {
    let (_lims, lab, address) = laboratory().await;
    let other = free_port();
    lab.instrument("second", "erba-xl", "", &listener(other));
    let gateway = lab.start().await;
    let mut noisy = TcpStream::connect(address).await.unwrap();
    noisy.write_all(b"\x05").await.unwrap();
    assert_eq!(noisy.read_u8().await.unwrap(), 6);
    noisy.write_all(b"\x02").await.unwrap();
    for _ in 0..200 {
        // The gateway may well give this connection up; the other one counts.
        let _ = noisy.write_all(&[b'x'; 65_536]).await;
    }
    send(other, &glucose("EX0006", "5.1", "F", "20260102030405")).await;
    until("the other's result is accepted", || lab.count("accepted") == 1).await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.id())).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kib: u64 = resident.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kib < 200 * 1024, "{kib} kB resident in a debug build");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_more_connection_replaces_the_oldest_or_is_refused() {
    let (_lims, lab, address) = laboratory().await;
    let strict = free_port();
    let refuse = format!("{}second_connection = \"refuse\"\n", listener(strict));
    lab.instrument("strict", "erba-xl", "", &refuse);
    let _gateway = lab.start().await;
    for (address, older_stays) in [(address, false), (strict, true)] {
        let mut older = TcpStream::connect(address).await.unwrap();
        older.write_all(b"\x05").await.unwrap();
        assert_eq!(older.read_u8().await.unwrap(), 6);
        let mut newer = TcpStream::connect(address).await.unwrap();
        let (closed, standing) =
            if older_stays { (&mut newer, &mut older) } else { (&mut older, &mut newer) };
        let ended = timeout(Duration::from_secs(10), closed.read(&mut [0; 8])).await.expect("it is closed");
        assert!(matches!(ended, Ok(0) | Err(_)));
        standing.write_all(b"\x05").await.unwrap();
        assert_eq!(standing.read_u8().await.unwrap(), 6);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_on_the_list_is_turned_away() {
    let (_lims, lab, address) = laboratory().await;
    let _gateway = lab.start().await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut stranger = socket.connect(address).await.unwrap();
    let ended = timeout(Duration::from_secs(10), stranger.read(&mut [0; 8])).await.expect("it is closed");
    assert!(matches!(ended, Ok(0) | Err(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_ends_in_time_in_the_middle_of_a_transfer_and_with_a_silent_lims() {
    let (lims, lab, address) = laboratory().await;
    let gateway = lab.start().await;
    lims.set_mode(labsim::lims::Mode::TimeoutBeforeAccepting);
    send(address, &glucose("EX0007", "5.1", "F", "20260102030405")).await;
    let mut line = TcpStream::connect(address).await.unwrap();
    line.write_all(b"\x05").await.unwrap();
    assert_eq!(line.read_u8().await.unwrap(), 6);
    let began = tokio::time::Instant::now();
    assert!(gateway.terminate().success());
    assert!(began.elapsed() < Duration::from_secs(7), "5 s are allowed, and some for a busy machine");
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_tell_what_is_wrong() {
    let (_lims, lab, _) = laboratory().await;
    let _gateway = lab.start().await;
    assert_eq!(lab.spawn().wait().code(), Some(75), "another gateway runs");
    std::fs::write(lab.path("instruments.d/wrong.toml"), "profile = \"erba-xl\"\nbaud = 9\n").unwrap();
    let checked = lab.run(&["check"]);
    assert_eq!(checked.status.code(), Some(78));
    let told = String::from_utf8(checked.stdout).unwrap();
    assert!(told.contains("instruments.d/wrong.toml:2:1:"), "{told}");
    assert_eq!(lab.spawn().wait().code(), Some(78));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_names_every_version() {
    let (_lims, lab, address) = laboratory().await;
    let _gateway = lab.start().await;
    send(address, &glucose("EX0008", "5.4", "P", "20260102030405")).await;
    until("it is accepted", || lab.count("accepted") == 1).await;
    send(address, &glucose("EX0008", "5.4", "F", "20260102030405")).await;
    until("the final one too", || lab.count("accepted") == 2).await;
    let way = lab.reader().way(&labwire::domain::SpecimenId::new("EX0008")).unwrap();
    let versions: Vec<u32> = way
        .iter()
        .filter_map(|step| match step.what {
            Way::Read { version, .. } => Some(version),
            _ => None,
        })
        .collect();
    assert_eq!(versions, [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_without_its_end_is_held_until_it_comes_whole_and_then_leaves_once() {
    let (lims, lab, address) = laboratory().await;
    let _gateway = lab.start().await;
    let whole = glucose("EX0041", "5.40", "F", "20260102030405");
    let cut = whole.strip_suffix("L|1|N\r").unwrap().to_owned();
    // The next message begins where the end of the first should be.
    let next = glucose("EX0042", "6.10", "F", "20260102030505");
    send(address, &format!("{cut}{next}")).await;
    until("the second is delivered", || lab.count("accepted") == 1).await;
    assert_eq!((lab.count("held"), lims.ledger().held()[0].specimen.as_str()), (1, "EX0042"));
    send(address, &whole).await;
    until("the first is delivered too", || lab.count("accepted") == 2).await;
    assert_eq!((lab.count("held"), lab.count("superseded")), (0, 1));
    send(address, &whole).await;
    until("it is read", || lab.reader().sums().unwrap().intake.duplicate == 1).await;
    assert_eq!(lims.ledger().held().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_is_found_though_the_site_s_rules_have_changed_its_number() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    let rules = "[specimen]\nstrip_leading_zeros = true\n\n";
    lab.instrument("erba", "erba-xl", "", &format!("{rules}{}", listener(address)));
    let gateway = lab.start().await;
    send(address, &glucose("000123", "97", "F", "20260102030405")).await;
    until("it is delivered", || lab.count("accepted") == 1).await;
    assert_eq!(lims.ledger().held()[0].specimen, "123");
    let way = lab.text(&["trace", "000123"]);
    assert!(way.starts_with("000123 is known as 123, by an instrument's rules.\n"), "{way}");
    assert!(lab.text(&["trace", "123"]).contains("accepted at lims"));
    assert!(gateway.terminate().success());
}
