//! Orders, with the real program: what a LIMS tells, what it is answered, and what an analyzer that asks is told.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;
#[path = "support/teller.rs"]
mod teller;

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use labsim::analyzer::{Analyzer, Options};
use labwire::domain::{OrderState, SpecimenId};
use support::*;
use teller::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// Each order of a tube and where it stands.
fn known(lab: &Lab, tube: &str) -> Vec<(String, OrderState)> {
    let orders = lab.reader().orders_on(&SpecimenId::new(tube)).unwrap();
    orders.into_iter().map(|it| (it.order.key.test, it.state)).collect()
}

fn active(tests: &[&str]) -> Vec<(String, OrderState)> {
    tests.iter().map(|test| ((*test).to_owned(), OrderState::Active)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_on_disk_before_they_are_answered_and_each_is_told_its_fate() {
    let (_lims, lab, _, address) = laboratory().await;
    let gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    let told = lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC"), ("NW", "P2", "CRR")])).await;
    assert!(told.contains("|ORL^O34^ORL_O34|") && told.contains("/MSA|AA|1/"), "{told}");
    assert!(told.contains("/ORC|OK|P1/") && told.contains("/ORC|OK|P2/"), "{told}");
    gateway.kill();
    assert_eq!(known(&lab, "T1"), active(&["GLCC", "CRR"]), "what was answered is on disk");
    let gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    let told =
        lims.tell(&oml("2", "T1", &[("CA", "P1", "GLCC"), ("XO", "P2", "CRR"), ("CA", "P9", "NA")])).await;
    assert!(told.contains("/ORC|CR|P1/") && told.contains("/ORC|XR|P2/"), "{told}");
    assert!(told.contains("/ORC|UC|P9/"), "nobody knows P9: {told}");
    assert_eq!(
        known(&lab, "T1"),
        [("GLCC".to_owned(), OrderState::Cancelled), ("CRR".to_owned(), OrderState::Active)]
    );
    assert!(lab.text(&["problems"]).contains("No open problems"));
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_again_gets_the_first_answer_and_revives_nothing() {
    let (_lims, lab, _, address) = laboratory().await;
    let gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    let place = oml("1", "T1", &[("NW", "P1", "GLCC")]);
    let first = lims.tell(&place).await;
    lims.tell(&oml("2", "T1", &[("CA", "P1", "GLCC")])).await;
    gateway.kill();
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    assert_eq!(lims.tell(&place).await, first, "the stored answer, its control ID and time too");
    assert_eq!(known(&lab, "T1"), [("GLCC".to_owned(), OrderState::Cancelled)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_read_is_a_problem_that_a_person_sees_and_the_rest_is_taken() {
    let (_lims, lab, _, address) = laboratory().await;
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    let told =
        lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC"), ("QQ", "P2", "CRR"), ("NW", "P3", "")])).await;
    assert!(told.contains("/MSA|AE|1/") && told.contains("/ORC|OK|P1/"), "{told}");
    assert!(told.contains("/ORC|UA|P2/") && told.contains("/ORC|UA|P3/"), "{told}");
    assert_eq!(known(&lab, "T1"), active(&["GLCC"]));
    let problems = lab.text(&["problems"]);
    assert_eq!(problems.matches("unreadable-order").count(), 2, "{problems}");
    assert!(problems.contains("the order control \"QQ\" in ORC-1 isn't understood"), "{problems}");
    assert_eq!(problems.matches("from the LIMS (lims), message").count(), 2, "{problems}");
    let told = lims.tell("MSH|^~\\&|LIMS||||2026||ORU^R01|9|P|2.5.1\rOBR|1\r").await;
    assert!(told.contains("/MSA|AR|9/"), "{told}");
    let message = lab.text(&["problems"]);
    assert_eq!(message.matches("unreadable-order").count(), 3, "{message}");
    // Nobody reads the LIMS's messages but who took them.
    let reread = lab.run(&["reread", "1", "--reason", "try"]);
    assert!(!reread.status.success());
    assert!(String::from_utf8_lossy(&reread.stdout).contains("the LIMS's own"), "{reread:?}");
    // Who said it is known, wherever it is shown.
    lims.tell(&oml("2", "T1", &[("CA", "P1", "GLCC")])).await;
    lims.tell(&oml("3", "T1", &[("XO", "P1", "GLCC")])).await;
    let (way, problems) = (lab.text(&["trace", "T1"]), lab.text(&["problems"]));
    assert!(way.contains("received from the LIMS (lims) (127.0.0.1:"), "{way}");
    assert!(!format!("{problems}{way}").contains("an unknown"), "{problems}{way}");
}

#[tokio::test(flavor = "multi_thread")]
async fn patients_are_merged_and_orders_move_between_tubes() {
    let (_lims, lab, _, address) = laboratory().await;
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC")])).await;
    let told = lims
        .tell("MSH|^~\\&|LIMS||||2026||ADT^A40^ADT_A39|2|P|2.5.1\rPID|1||EX78^^^HOSP||Example^Anne\rMRG|EX77^^^HOSP\r")
        .await;
    assert!(told.contains("/MSA|AA|2/"), "{told}");
    let order = lab.reader().orders_on(&SpecimenId::new("T1")).unwrap()[0].order.clone();
    let patient = order.patient.reveal();
    assert_eq!((patient.id.as_str(), patient.name.as_str()), ("EX78", "Example^Anne"));
    assert_eq!(patient.birth_date, "19800102", "what the merge left out stays");
    lims.tell(&oml("3", "T2", &[("XO", "P1", "GLCC")])).await;
    assert_eq!((known(&lab, "T1"), known(&lab, "T2")), (Vec::new(), active(&["GLCC"])));
    let told = lims.tell(&oml("4", "T2", &[("XO", "P1", "CRR")])).await;
    assert!(
        told.contains("/ORC|XR|P1/") && told.contains("/MSA|AA|4/"),
        "there is only one it can mean: {told}"
    );
    lims.tell(&oml("5", "T2", &[("XO", "P1", "GLCC")])).await;
    for (control, state) in [
        ("HD", OrderState::Held),
        ("RL", OrderState::Active),
        ("RP", OrderState::Replaced),
        ("DC", OrderState::Discontinued),
    ] {
        lims.tell(&oml(control, "T2", &[(control, "P1", "GLCC")])).await;
        assert_eq!(known(&lab, "T2"), [("GLCC".to_owned(), state)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_is_allowed_tells_orders() {
    let (_lims, lab, _, address) = laboratory().await;
    let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
    fs::write(lab.path("labwire.toml"), site.replace("allow = [\"127.0.0.1\"]", "allow = [\"10.9.9.9\"]"))
        .unwrap();
    let _gateway = lab.start().await;
    let mut line = connect(address).await;
    let _ = line.write_all(b"\x0BMSH|^~\\&|X\r\x1C\r").await;
    let mut rest = Vec::new();
    let _ = timeout(Duration::from_secs(10), line.read_to_end(&mut rest)).await.unwrap();
    assert!(rest.is_empty(), "it was let in");
}

/// Asks on a connection of its own, as an analyzer that gives up after its limit.
async fn ask(address: SocketAddr, tubes: &str) -> String {
    let told = analyzer(address).await.query(query(tubes).as_bytes()).await;
    String::from_utf8(told.unwrap()).unwrap()
}

/// What was noted of the answers, newest first.
fn answers(lab: &Lab) -> Vec<String> {
    lab.reader().host_queries(100).unwrap().into_iter().filter_map(|it| it.answer).collect()
}

async fn noted(lab: &Lab, text: &str) {
    until(text, || answers(lab).first().is_some_and(|answer| answer.contains(text))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analyzer_is_told_what_the_lims_said_last_also_when_the_lims_is_gone() {
    let (_lims, lab, analyzer, address) = laboratory().await;
    let gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC"), ("NW", "P2", "CRR"), ("NW", "P3", "NOTOURS")])).await;
    let first = ask(analyzer, "^T1").await;
    assert!(first.contains("\rP|1|EX77|||Example^Anna||19800102|F\r"), "{first}");
    assert_eq!(told(&first), [("T1".to_owned(), vec!["GLCC".to_owned(), "CRR".to_owned()])]);
    noted(&lab, "orders: 2 tests; delivered").await;
    lims.tell(&oml("2", "T1", &[("CA", "P1", "GLCC")])).await;
    assert_eq!(told(&ask(analyzer, "^T1").await), [("T1".to_owned(), vec!["CRR".to_owned()])]);
    let shown = lab.text(&["orders", "T1"]);
    for words in [
        "T1  GLCC R P1 cancelled by orders lims",
        "spoke of its order P1 for GLCC: placed",
        "spoke of its order P1 for GLCC: cancelled",
        "erba asked what to do with it: orders: 2 tests; delivered",
        "T1  CRR R P2 active",
    ] {
        assert!(shown.contains(words), "{words} is missing in\n{shown}");
    }
    assert!(!lab.text(&["orders"]).contains("GLCC"), "only what is to be done");
    assert!(!lab.run(&["orders", "T9"]).status.success());
    drop(lims);
    until("the LIMS is gone", || lab.text(&["status"]).contains("listening")).await;
    assert_eq!(told(&ask(analyzer, "^T1").await), [("T1".to_owned(), vec!["CRR".to_owned()])]);
    noted(&lab, "orders: 1 test; the LIMS isn't connected; as of ").await;
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_order_and_unknown_specimen_are_different_answers() {
    let (_lims, lab, analyzer, address) = laboratory().await;
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "NOTOURS")])).await;
    lims.tell(&oml("2", "T2", &[("NW", "P2", "GLCC"), ("CA", "P2", "GLCC")])).await;
    for (tubes, expected) in [
        ("^T1", "no order for this instrument; delivered"),
        ("^T2", "no order: all are held, cancelled or done; delivered"),
        ("^T9", "unknown specimen; delivered"),
        ("", "no information: no specimen is named; delivered"),
        ("ALL", "nothing to do; delivered"),
    ] {
        let answer = ask(analyzer, tubes).await;
        assert!(answer.ends_with("L|1|I\r") && told(&answer).is_empty(), "{tubes}: {answer}");
        noted(&lab, expected).await;
    }
    assert_eq!(lab.reader().unanswered_queries(100).unwrap().len(), 5, "they are listed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_a_range_and_everything_get_what_there_is() {
    let (_lims, lab, analyzer, address) = laboratory().await;
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    for number in 0..60 {
        let tube = format!("T{number:03}");
        lims.tell(&oml(&format!("{number}"), &tube, &[("NW", &format!("P{number}"), "GLCC")])).await;
    }
    let names = |answer: &str| -> Vec<String> { told(answer).into_iter().map(|(tube, _)| tube).collect() };
    assert_eq!(names(&ask(analyzer, "^T003`X9`T001").await), ["T003", "T001"]);
    noted(&lab, "orders: 2 tests for 2 specimens; 1 × unknown specimen; delivered").await;
    assert_eq!(names(&ask(analyzer, "^T003|^T005").await), ["T003", "T004", "T005"]);
    assert_eq!(names(&ask(analyzer, "ALL").await).len(), 50);
    noted(&lab, "orders: 50 tests for 50 specimens, and there are more; delivered").await;
    // What has its result is no work any more, until the LIMS wants it again.
    send(analyzer, &glucose("T000", "5.1", "F", "20260501110000")).await;
    until("it is read", || lab.count("accepted") == 1).await;
    assert_eq!(names(&ask(analyzer, "ALL").await)[0], "T001");
    assert_eq!(names(&ask(analyzer, "^T000").await), Vec::<String>::new());
    lims.tell(&oml("again", "T000", &[("CA", "P0", "GLCC"), ("NW", "P0", "GLCC")])).await;
    assert_eq!(names(&ask(analyzer, "^T000").await), ["T000"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_analyzers_may_ask_for_one_tube_and_each_gets_its_own_tests() {
    let (_lims, lab, erba, address) = laboratory().await;
    let vitros = free_port();
    let codes =
        "[codes.002]\nlims_code = \"TSH\"\n[codes.001]\nlims_code = \"HCG\"\n[specimen_kinds]\nSER = \"5\"\n";
    lab.instrument("vitros", "ortho-vitros-3600", "", &(listener(vitros) + codes));
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC"), ("NW", "P2", "TSH")])).await;
    let asked = "H|\\^&|||3600796||||||||LIS2-A|20261121110643\rQ|1|^T1||ALL||||||||O\rL|1|N\r";
    let mut analyzer = analyzer(vitros).await;
    let (chemistry, immunology) = tokio::join!(ask(erba, "^T1"), analyzer.query(asked.as_bytes()));
    let immunology = String::from_utf8(immunology.unwrap()).unwrap();
    assert_eq!(told(&chemistry), [("T1".to_owned(), vec!["GLCC".to_owned()])]);
    assert!(immunology.contains("\rP|1|EX77|||Example^Anna|||F\r"), "{immunology}");
    assert!(immunology.contains("\rO|1|T1||^^^1.0000+002+1.0|R||||||N||||5||||||||||O\r"), "{immunology}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_is_withdrawn_gets_no_answer() {
    let (_lims, lab, address, _) = laboratory().await;
    let _gateway = lab.start().await;
    let withdrawn = query("^T1").replace("|O\r", "|A\r");
    send(address, &withdrawn).await;
    noted(&lab, "withdrawn by the analyzer").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_queries_is_answered_one_by_one() {
    let (_lims, lab, analyzer, address) = laboratory().await;
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC")])).await;
    let mut line = Analyzer::new(connect(analyzer).await, Options::default());
    for number in 0..100 {
        let answer = line.query(query("^T1").as_bytes()).await;
        let answer = String::from_utf8(answer.unwrap()).unwrap();
        assert_eq!(told(&answer).len(), 1, "query {number}");
    }
    until("all are noted", || answers(&lab).len() == 100).await;
}

/// The messages that come within a moment, and an answer of the analyzer's to the last.
async fn dialogue(
    line: &mut Teller,
    query: &str,
    count: usize,
    last: &dyn Fn(&str) -> String,
) -> Vec<String> {
    let mut told = vec![line.tell(query).await];
    while told.len() < count {
        told.push(line.hear().await);
    }
    let answer = last(told.last().unwrap());
    line.line.write_all(&[b"\x0B", answer.as_bytes(), b"\x1C\r"].concat()).await.unwrap();
    told
}

/// MSH-10 of a message that came.
fn control_id(message: &str) -> &str {
    message.split('|').nth(9).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mindray_asks_and_is_told_in_its_own_way() {
    let (_lims, lab, _, address) = laboratory().await;
    let mindray = free_port();
    let codes = "[codes.1]\nlims_code = \"GLU\"\n[codes.7]\nlims_code = \"UREA\"\n";
    lab.instrument("bs", "mindray-bs-200", "", &(listener(mindray) + codes));
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLU"), ("NW", "P2", "UREA"), ("NW", "P3", "TSH")])).await;
    let asks = |id: &str, tube: &str, what: &str| {
        format!(
            "MSH|^~\\&|Mindray|BS-200|||20260501080202||QRY^Q02|{id}|P|2.3.1||||||ASCII|||\r\
             QRD|20260501080202|R|D|1|||RD|{tube}|{what}|||T|\rQRF|BS-200|1|2|||RCT|COR|ALL||\r"
        )
    };
    let mut analyzer = Teller::connect(mindray).await;
    let took = |told: &str| {
        let id = control_id(told);
        format!(
            "MSH|^~\\&|Mindray|BS-200|||2026||ACK^Q03|{id}|P|2.3.1||||||ASCII|||\rMSA|AA|{id}|Message accepted|||0|\rERR|0|\r"
        )
    };
    for id in ["1", "1", "2"] {
        let told = dialogue(&mut analyzer, &asks(id, "T1", "OTH"), 2, &took).await;
        assert!(told[0].contains("|QCK^Q02|") && told[0].contains("/QAK|SR|OK|"), "{told:?}");
        assert!(
            told[1].contains("/DSP|21||T1|||/") && told[1].contains("/DSP|29||1^^^|||/DSP|30||7^^^|||/DSC||"),
            "{told:?}"
        );
    }
    noted(&lab, "orders: 2 tests; delivered").await;
    let none = analyzer.tell(&asks("3", "T9", "OTH")).await;
    assert!(none.contains("/QAK|SR|NF|/") && !none.contains("DSR"), "{none}");
    noted(&lab, "unknown specimen; delivered").await;
    let withdrawn = analyzer.tell(&asks("4", "T1", "CAN")).await;
    assert!(withdrawn.contains("|QCK^Q02|4|"), "{withdrawn}");
    noted(&lab, "withdrawn by the analyzer").await;
    // The same bytes again are a fresh question: what was cancelled meanwhile isn't told again.
    lims.tell(&oml("2", "T1", &[("CA", "P1", "GLU")])).await;
    let told = dialogue(&mut analyzer, &asks("2", "T1", "OTH"), 2, &took).await;
    assert!(told[1].contains("/DSP|29||7^^^|||/DSC||"), "{told:?}");
    assert!(lab.text(&["problems"]).contains("No open problems"), "{}", lab.text(&["problems"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_law_analyzer_gets_its_answer_and_then_a_work_order() {
    let (_lims, lab, _, address) = laboratory().await;
    let cobas = free_port();
    let codes = "[codes.10020]\nlims_code = \"TSH\"\n";
    lab.instrument("cobas", "roche-cobas-pro", "", &(listener(cobas) + codes));
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "TSH"), ("NW", "P2", "GLU")])).await;
    let asks = |id: &str, tube: &str| {
        format!(
            "MSH|^~\\&|cobas pro||host||20260501||QBP^Q11^QBP_Q11|{id}|P|2.5.1|||NE|AL||UNICODE UTF-8|||LAB-27R^ROCHE\r\
             QPD|INISEQ^^99ROC|query{id}|{tube}|50001|1|||||SERPLAS^^99ROC|SC^^99ROC|R\rRCP|I|1|R^^HL70394\r"
        )
    };
    let mut analyzer = Teller::connect(cobas).await;
    for (id, code, fate) in [
        ("1", "AA", "orders: 1 test; delivered"),
        ("2", "AE", "not answered, the analyzer refused it: orders: 1 test"),
    ] {
        let answers = |told: &str| {
            format!(
                "MSH|^~\\&|cobas pro||host||2026||ORL^O34^ORL_O42|O{id}|P|2.5.1|||NE|NE||UNICODE UTF-8|||LAB-28R^ROCHE\rMSA|{code}|{}\r",
                control_id(told)
            )
        };
        let told = dialogue(&mut analyzer, &asks(id, "T1"), 2, &answers).await;
        assert!(
            told[0].contains("|RSP^K11^RSP_K11|") && told[0].contains(&format!("/QAK|query{id}|OK|")),
            "{told:?}"
        );
        assert!(
            told[1].contains("|OML^O33^OML_O33|") && told[1].contains("/SAC|||T1|||||||50001|1/ORC|NW|"),
            "{told:?}"
        );
        assert_eq!(told[1].matches("/OBR|").count(), 1, "{told:?}");
        noted(&lab, fate).await;
    }
    let none = analyzer.tell(&asks("3", "T9")).await;
    assert!(none.contains("/QAK|query3|NF|"), "{none}");
    noted(&lab, "unknown specimen; delivered").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_ordered_waits_for_a_person_where_the_site_says_so() {
    let (_lims, lab, analyzer, address) = laboratory().await;
    lab.instrument("erba", "erba-xl", "unordered = \"hold\"", &listener(analyzer));
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC"), ("NW", "P2", "CRR"), ("CA", "P2", "CRR")])).await;
    let results = [("GLCC", "5.1"), ("CRR", "0.9"), ("ALTT", "20")];
    send(analyzer, &chemistry("T1", &results, "F", "20260501110000")).await;
    until("what was ordered is accepted", || lab.count("accepted") == 1).await;
    assert_eq!(lab.count("held"), 2);
    let held = lab.text(&["held"]);
    for (test, why) in [("CRR 0.9", "took its order"), ("ALTT 20", "told no order")] {
        assert!(held.lines().any(|line| line.contains(test) && line.contains(why)), "{held}");
    }
    let id = held.split_whitespace().next().unwrap().to_owned();
    assert!(lab.run(&["release", &id, "--reason", "asked for by telephone"]).status.success());
    until("it is accepted", || lab.count("accepted") == 2).await;
    lims.tell(&oml("2", "T1", &[("NW", "P3", "ALTT")])).await;
    until("an order that comes later lets it go", || lab.count("accepted") == 3).await;
    let trace = lab.text(&["trace", "T1"]);
    assert!(trace.contains("no longer held for this"), "{trace}");
}

const DELTA: &str = "[[delta]]\nname = \"glucose-delta\"\nanalyte = \"glucose\"\nunit = \"mg/dL\"\nmethod = \"absolute\"\n\
    rise = \"> 100\"\nwindow = \"72 h\"\nsource = \"a test\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_patients_earlier_value_is_found_by_the_lims_orders_where_the_analyzer_names_nobody() {
    let (_lims, lab, analyzer, address) = laboratory().await;
    let codes = "[codes.GLCC]\nanalyte = \"glucose\"\n";
    lab.instrument("erba", "erba-xl", "", &format!("{}{codes}", listener(analyzer)));
    fs::create_dir(lab.path("rules.d")).unwrap();
    fs::write(lab.path("rules.d/own.toml"), DELTA).unwrap();
    let gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    let of = |id: &str, tube: &str, patient: &str| {
        let order = oml(id, tube, &[("NW", &format!("P{id}"), "GLCC")]);
        order.replace("EX77^^^HOSP^MR", patient)
    };
    for (id, tube, patient) in [
        ("1", "T1", "EX77^^^HOSP^MR"),
        ("2", "T2", "EX77^^^ELSEWHERE^MR"),
        ("3", "T3", "EX78^^^HOSP^MR"),
        ("4", "T4", "EX77^^^HOSP^MR"),
    ] {
        assert!(lims.tell(&of(id, tube, patient)).await.contains("/MSA|AA|"));
    }
    let named_nobody = |tube: &str, value: &str, hour: u8| {
        let time = format!("20260501{hour:02}0000");
        chemistry(tube, &[("GLCC", value)], "F", &time).replace("EX-77||Example^Anna", "||")
    };
    for (hour, tube, value) in [(8, "T1", "100"), (9, "T2", "300"), (10, "T3", "300"), (11, "T4", "210")] {
        send(analyzer, &named_nobody(tube, value, hour)).await;
        until("it is judged", || lab.text(&["trace", tube]).contains("judged")).await;
    }
    for tube in ["T2", "T3"] {
        let trace = lab.text(&["trace", tube]);
        assert!(trace.contains("delta: not evaluated: there is no earlier value"), "{tube}: {trace}");
    }
    let trace = lab.text(&["trace", "T4"]);
    assert!(trace.contains("delta: rise") && trace.contains("at 2026-05-01T08:00:00Z"), "{trace}");
    assert!(trace.contains("glucose was 5.6 (exactly 250000/45039)"), "{trace}");
    assert!(gateway.terminate().success());
    lab.must_balance();
}
