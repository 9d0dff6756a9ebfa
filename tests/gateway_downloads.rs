//! Instruments that don't ask, with the real program: they are told of their work on their own connection.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;
#[expect(dead_code, reason = "shared with the other tests of orders, which use the rest")]
#[path = "support/teller.rs"]
mod teller;

use std::net::SocketAddr;
use std::time::Duration;

use labsim::lims::Lims;
use support::*;
use teller::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

async fn with_download() -> (Lims, Lab, SocketAddr, SocketAddr) {
    let (lims, lab, analyzer, address) = laboratory().await;
    lab.instrument("erba", "erba-xl", "download = true", &listener(analyzer));
    (lims, lab, analyzer, address)
}

/// Takes one transfer as an analyzer that listens; its records.
async fn hear(line: &mut TcpStream) -> String {
    let hearing = async {
        let mut text = Vec::new();
        loop {
            match line.read_u8().await.unwrap() {
                0x05 => line.write_all(b"\x06").await.unwrap(),
                0x04 => return String::from_utf8(text).unwrap(),
                0x02 => {
                    let mut frame = Vec::new();
                    while !frame.ends_with(b"\r\n") || frame.len() < 6 {
                        frame.push(line.read_u8().await.unwrap());
                    }
                    text.extend_from_slice(frame.get(1..frame.len() - 5).unwrap());
                    line.write_all(b"\x06").await.unwrap();
                }
                other => panic!("{other:02x} came"),
            }
        }
    };
    timeout(Duration::from_secs(20), hearing).await.unwrap()
}

/// Each order's tests and what is to be done with them.
fn work(text: &str) -> Vec<(String, String)> {
    let orders = text.split('\r').filter(|record| record.starts_with("O|"));
    let order = |record: &str| {
        let fields: Vec<&str> = record.split('|').collect();
        assert_eq!(fields.get(25), Some(&"O"), "it answers nothing: {record}");
        ((*fields.get(4).unwrap()).replace('^', ""), (*fields.get(11).unwrap()).to_owned())
    };
    orders.map(order).collect()
}

fn is(told: &[(&str, &str)]) -> Vec<(String, String)> {
    told.iter().map(|(tests, action)| ((*tests).to_owned(), (*action).to_owned())).collect()
}

fn taken(lab: &Lab) -> bool {
    lab.reader().open_downloads(9).unwrap().is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn work_is_told_added_to_and_taken_back() {
    let (_lims, lab, analyzer, address) = with_download().await;
    let gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC"), ("NW", "P9", "ELSEWHERE")])).await;
    until("it waits for the analyzer", || !taken(&lab)).await;
    let shown = lab.text(&["orders"]);
    assert!(shown.contains("erba is to do GLCC with T1: due"), "{shown}");
    let mut line = connect(analyzer).await;
    let told = hear(&mut line).await;
    assert_eq!(work(&told), is(&[("GLCC", "N")]), "{told}");
    assert!(told.contains("|EX77|"), "{told}");
    until("it is known to be taken", || taken(&lab)).await;
    lims.tell(&oml("2", "T1", &[("NW", "P2", "CRR")])).await;
    assert_eq!(work(&hear(&mut line).await), is(&[("GLCC\\CRR", "A")]));
    until("it is taken", || taken(&lab)).await;
    lims.tell(&oml("3", "T1", &[("CA", "P1", "GLCC")])).await;
    assert_eq!(work(&hear(&mut line).await), is(&[("CRR", "A"), ("GLCC", "C")]));
    until("it is taken", || taken(&lab)).await;
    // The gateway is killed: nothing is told twice.
    gateway.kill();
    let _gateway = lab.start().await;
    let mut line = connect(analyzer).await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("4", "T1", &[("CA", "P2", "CRR")])).await;
    assert_eq!(work(&hear(&mut line).await), is(&[("CRR", "C")]));
    until("it is taken", || taken(&lab)).await;
    let shown = lab.text(&["orders", "T1"]);
    assert!(shown.contains("erba is to do nothing any more: taken"), "{shown}");
}

/// A message's number, what it says of orders, and the tests that are to be done then.
type Said<'a> = (&'a str, &'a [(&'a str, &'a str, &'a str)], &'a str);

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_before_stays_visible_when_it_is_told_otherwise() {
    let (_lims, lab, analyzer, orders) = with_download().await;
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(orders).await;
    let mut line = connect(analyzer).await;
    let steps: [Said<'_>; 3] = [
        ("1", &[("NW", "P1", "GLCC")], "GLCC"),
        ("2", &[("NW", "P2", "CRR")], "CRR GLCC"),
        ("3", &[("CA", "P1", "GLCC"), ("CA", "P2", "CRR")], "nothing any more"),
    ];
    for (id, orders, _) in steps {
        lims.tell(&oml(id, "T1", orders)).await;
        hear(&mut line).await;
        until("it is taken", || {
            lab.reader().taken_downloads(9).unwrap().len() == id.parse::<usize>().unwrap()
        })
        .await;
    }
    let (all, way) = (lab.text(&["orders"]), lab.text(&["orders", "T1"]));
    let places: Vec<_> = steps
        .iter()
        .map(|(_, _, tests)| {
            (all.find(&format!("erba took {tests} with T1")), way.find(&format!("is to do {tests}: taken")))
        })
        .collect();
    assert!(places.iter().all(|(list, way)| list.is_some() && way.is_some()), "{places:?}\n{all}\n{way}");
    assert!(places.iter().rev().map(|(list, _)| list).is_sorted(), "the last first: {all}");
    assert!(places.iter().map(|(_, way)| way).is_sorted(), "in their order: {way}");
    assert_eq!(way.matches(": due").count(), 3, "what waited is seen, each once: {way}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_under_way_when_all_stopped_is_told_again() {
    let (_lims, lab, analyzer, address) = with_download().await;
    let gateway = lab.start().await;
    let mut line = connect(analyzer).await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC")])).await;
    assert_eq!(line.read_u8().await.unwrap(), 0x05);
    gateway.kill();
    let _gateway = lab.start().await;
    let mut line = connect(analyzer).await;
    assert_eq!(work(&hear(&mut line).await), is(&[("GLCC", "A")]), "it may know the tube");
    until("it is taken", || taken(&lab)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analyzer_that_takes_nothing_holds_up_no_other_and_its_results_go_first() {
    let (_lims, lab, analyzer, address) = with_download().await;
    let other = free_port();
    lab.instrument("other", "erba-xl", "download = true", &listener(other));
    let _gateway = lab.start().await;
    let mut wedged = connect(analyzer).await;
    let mut line = connect(other).await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC")])).await;
    assert_eq!(wedged.read_u8().await.unwrap(), 0x05, "it is asked and says nothing");
    assert_eq!(work(&hear(&mut line).await), is(&[("GLCC", "N")]));
    // Contention: the host yields to the analyzer's ENQ, and takes its results when it asks again.
    wedged.write_all(b"\x05").await.unwrap();
    let text = chemistry("T2", &[("CRR", "0.9")], "F", "20260501110000");
    let mut analyzer = labsim::analyzer::Analyzer::new(wedged, labsim::analyzer::Options::default());
    let _ = timeout(Duration::from_secs(30), analyzer.transfer(&[text.as_bytes()])).await;
    until("the result is there", || lab.count("accepted") == 1).await;
    let open = lab.reader().open_downloads(9).unwrap();
    assert!(open.iter().all(|it| it.instrument == "erba"), "{open:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_patient_or_priority_is_told_though_the_tests_are_the_same() {
    let (_lims, lab, analyzer, address) = with_download().await;
    let _gateway = lab.start().await;
    let mut line = connect(analyzer).await;
    let mut lims = Teller::connect(address).await;
    let first = oml("1", "T1", &[("NW", "P1", "GLCC")]);
    lims.tell(&first).await;
    assert_eq!(work(&hear(&mut line).await), is(&[("GLCC", "N")]));
    until("it is taken", || taken(&lab)).await;
    lims.tell(
        &first
            .replace("O33|1|P", "O33|2|P")
            .replace("EX77^^^HOSP^MR||Example^Anna", "EX88^^^HOSP^MR||Sample^Eva"),
    )
    .await;
    let told = hear(&mut line).await;
    assert!(told.contains("|EX88|") && !told.contains("EX77"), "{told}");
    assert_eq!(work(&told), is(&[("GLCC", "A")]));
    until("it is taken", || taken(&lab)).await;
    let merge =
        "MSH|^~\\&|LIMS|HOSP|labwire||2026||ADT^A40^ADT_A39|3|P|2.5.1\rPID|1||EX99^^^HOSP\rMRG|EX88^^^HOSP\r";
    lims.tell(merge).await;
    assert!(hear(&mut line).await.contains("|EX99|"));
    until("it is taken", || taken(&lab)).await;
    // It becomes STAT, by the surviving patient's number.
    let stat =
        first.replace("O33|1|P", "O33|4|P").replace("EX77^", "EX99^").replace("|||||||R\r", "|||||||S\r");
    lims.tell(&stat).await;
    assert!(hear(&mut line).await.contains("^^^GLCC|S|"));
    until("it is taken", || taken(&lab)).await;
    // What is measured isn't ordered again, whatever is said of its patient.
    let mut one = labsim::analyzer::Analyzer::new(line, labsim::analyzer::Options::default());
    let result = chemistry("T1", &[("GLCC", "5.1")], "F", "20260501110000");
    assert!(one.transfer(&[result.as_bytes()]).await.is_complete());
    until("the result is there", || lab.count("accepted") == 1).await;
    lims.tell(&oml("5", "T1", &[("NW", "P2", "CRR")]).replace("EX77^", "EX99^")).await;
    until("the other test is wanted", || !taken(&lab)).await;
    drop(one);
    let mut line = connect(analyzer).await;
    assert_eq!(work(&hear(&mut line).await), is(&[("CRR", "A")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_stat_goes_before_everything_that_waits() {
    let (_lims, lab, analyzer, address) = with_download().await;
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    for number in 1..=5 {
        lims.tell(&oml(
            &format!("{number}"),
            &format!("T{number}"),
            &[("NW", &format!("P{number}"), "GLCC")],
        ))
        .await;
    }
    until("they wait", || lab.reader().open_downloads(9).unwrap().len() == 5).await;
    let stat = oml("9", "T4", &[("NW", "P4", "GLCC")]).replace("|||||||R\r", "|||||||S\r");
    lims.tell(&stat).await;
    let is_first = || {
        let (instrument, later) = (labwire::domain::InstrumentId::new("erba"), jiff::Timestamp::MAX);
        lab.reader().due_download(&instrument, later).unwrap().is_some_and(|it| it.specimen.reveal() == "T4")
    };
    until("the STAT is first", is_first).await;
    let mut line = connect(analyzer).await;
    assert!(hear(&mut line).await.contains("|T4|"));
}

/// The steps of a work order: what is to be done with each, its number and its code.
fn steps(told: &str) -> Vec<(String, String, String)> {
    let mut control = String::new();
    let mut steps = Vec::new();
    for segment in told.split('/') {
        let field = |at: usize| segment.split('|').nth(at).unwrap_or_default().to_owned();
        match segment.get(..3) {
            Some("ORC") => control = field(1),
            Some("OBR") => steps.push((control.clone(), field(2), field(4))),
            _ => {}
        }
    }
    steps
}

/// A question about T1.
fn about(id: &str) -> String {
    format!(
        "MSH|^~\\&|cobas pro||host||2026||QBP^Q11^QBP_Q11|{id}|P|2.5.1|||NE|AL||UNICODE UTF-8|||LAB-27R^ROCHE\r\
         QPD|INISEQ^^99ROC|query{id}|T1|50001|1|||||SERPLAS^^99ROC|SC^^99ROC|R\rRCP|I|1|R^^HL70394\r"
    )
}

async fn confirm(line: &mut Teller, told: &str) {
    let id = told.split('|').nth(9).unwrap();
    let answer = format!(
        "\x0BMSH|^~\\&|cobas pro||host||2026||ORL^O34^ORL_O42|R{id}|P|2.5.1|||NE|NE||UNICODE UTF-8|||LAB-28R^ROCHE\rMSA|AA|{id}\r\x1C\r"
    );
    line.line.write_all(answer.as_bytes()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_of_law_keeps_its_number_until_it_is_taken_back_under_it() {
    let (_lims, lab, _, address) = laboratory().await;
    let cobas = free_port();
    let codes = "[codes.10020]\nlims_code = \"TSH\"\n";
    lab.instrument("cobas", "roche-cobas-pro", "download = true", &(listener(cobas) + codes));
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    let mut line = Teller::connect(cobas).await;
    let order = oml("1", "T1", &[("NW", "P1", "TSH")]);
    lims.tell(&order).await;
    let told = line.hear().await;
    let first = steps(&told);
    assert!(matches!(first.as_slice(), [(control, _, code)] if control == "NW" && code == "10020"), "{told}");
    confirm(&mut line, &told).await;
    until("it is taken", || taken(&lab)).await;
    // Another ward is nothing that it is told of.
    lims.tell(&order.replace("O33|1|P", "O33|W|P").replace("WARD3", "ICU")).await;
    assert!(line.tell(&about("6")).await.contains("|OK|"));
    let told = line.hear().await;
    assert_eq!(steps(&told), first, "{told}");
    confirm(&mut line, &told).await;
    // Another patient: the step is taken back under its number and told anew under another.
    lims.tell(&order.replace("O33|1|P", "O33|2|P").replace("EX77^", "EX88^")).await;
    let told = line.hear().await;
    let second = steps(&told);
    let new = second[1].1.clone();
    assert_eq!(second[0], ("CA".to_owned(), first[0].1.clone(), "10020".to_owned()), "{told}");
    assert!(second[1].0 == "NW" && new != first[0].1 && told.contains("|EX88|"), "{told}");
    confirm(&mut line, &told).await;
    until("it is taken", || taken(&lab)).await;
    // Asked about, it is the same step, however often.
    for id in ["7", "8"] {
        assert!(line.tell(&about(id)).await.contains("|OK|"));
        let told = line.hear().await;
        assert_eq!(steps(&told), [("NW".to_owned(), new.clone(), "10020".to_owned())], "{told}");
        confirm(&mut line, &told).await;
    }
    lims.tell(&oml("3", "T1", &[("CA", "P1", "TSH")])).await;
    let told = line.hear().await;
    assert_eq!(steps(&told), [("CA".to_owned(), new, "10020".to_owned())], "{told}");
}
