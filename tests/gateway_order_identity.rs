//! Whose an order is and which word about it counts, with the real program: several patients on one tube, two ways for one
//! order, patients that are merged in mid-run, numbers that are used again, and an answer that comes later than a newer word.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "support/page.rs"]
mod page;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;
#[path = "support/teller.rs"]
mod teller;

use std::fs;
use std::net::SocketAddr;

use labsim::analyzer::{Analyzer, Options};
use labsim::lims::{Lims, Mode};
use labwire::domain::SpecimenId;
use support::*;
use teller::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Each order of a tube and where it stands.
fn known(lab: &Lab, tube: &str) -> Vec<(String, &'static str)> {
    let orders = lab.reader().orders_on(&SpecimenId::new(tube)).unwrap();
    orders.into_iter().map(|it| (it.order.key.test, it.state.name())).collect()
}

fn is(orders: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    orders.iter().map(|(test, state)| ((*test).to_owned(), *state)).collect()
}

async fn answer(analyzer: SocketAddr, tube: &str) -> String {
    let mut line = Analyzer::new(connect(analyzer).await, Options::default());
    String::from_utf8(line.query(query(&format!("^{tube}")).as_bytes()).await.unwrap()).unwrap()
}

/// The same message for a patient whom the LIMS gives no number.
fn unnumbered(message: &str, name: &str, born: &str) -> String {
    message.replace("EX77^^^HOSP^MR||Example^Anna||19800102", &format!("||{name}||{born}"))
}

const MERGE: &str = "MSH|^~\\&|LIMS|HOSP|labwire||2026||ADT^A40^ADT_A39|M1|P|2.5.1\r\
                     PID|1||EX78^^^HOSP||Survivor^Anne\rMRG|EX77^^^HOSP\r";

#[tokio::test(flavor = "multi_thread")]
async fn a_tube_of_two_unnumbered_patients_is_told_to_nobody_and_its_results_wait() {
    let (_lims, lab, analyzer, address) = laboratory().await;
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    let one = oml("1", "T1", &[("NW", "P1", "GLCC")]);
    let two = oml("2", "T1", &[("NW", "P2", "CRR")]);
    lims.tell(&unnumbered(&one, "Alpha^A", "19700101")).await;
    lims.tell(&unnumbered(&two, "Beta^B", "19700101")).await;
    let told = answer(analyzer, "T1").await;
    assert!(!told.contains("Alpha") && !told.contains("GLCC") && !told.contains("CRR"), "{told}");
    let problems = lab.text(&["problems"]);
    assert!(
        problems.contains("other-patient") && problems.contains("orders of several patients"),
        "{problems}"
    );
    send(analyzer, &chemistry("T1", &[("GLCC", "5.1"), ("CRR", "0.9")], "F", "20260501110000")).await;
    until("both results wait", || lab.count("held") == 2).await;
    assert!(lab.text(&["held"]).contains("another patient"), "{}", lab.text(&["held"]));
    // The LIMS takes one back: the tube is the other's, whose result leaves; what was ordered for the first goes to nobody.
    lims.tell(&oml("3", "T1", &[("CA", "P2", "CRR")])).await;
    until("the one that is the other's is accepted", || lab.count("accepted") == 1).await;
    assert_eq!(lab.count("held"), 1);
    let trace = lab.text(&["trace", "T1", "--raw"]);
    let sent: Vec<&str> = trace.lines().filter(|line| line.contains("sent, ")).collect();
    assert!(sent.iter().any(|it| it.contains("Alpha^A")), "{trace}");
    assert!(sent.iter().all(|it| !it.contains("Beta^B")), "{trace}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_birth_date_without_a_number_is_another_patient() {
    let (_lims, lab, analyzer, address) = laboratory().await;
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    let one = oml("1", "T1", &[("NW", "P1", "GLCC")]);
    let two = oml("2", "T1", &[("NW", "P2", "CRR")]);
    lims.tell(&unnumbered(&one, "Alpha^A", "19700101")).await;
    lims.tell(&unnumbered(&two, "Alpha^A", "19700102")).await;
    let queried = answer(analyzer, "T1").await;
    assert_eq!(told(&queried), []);
    let same = oml("3", "T2", &[("NW", "P3", "GLCC")]);
    let again = oml("4", "T2", &[("NW", "P4", "CRR")]);
    lims.tell(&unnumbered(&same, "Alpha^A", "19700101")).await;
    lims.tell(&unnumbered(&again, "ALPHA^A", "1970-01-01")).await;
    assert_eq!(
        told(&answer(analyzer, "T2").await),
        [("T2".to_owned(), vec!["GLCC".to_owned(), "CRR".to_owned()])]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_comes_while_the_lims_is_asked_counts_before_its_older_answer() {
    let desk = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (_lims, lab, analyzer, address) = laboratory().await;
    let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
    let ask = format!(
        "[orders.lims.ask]\nurl = \"http://{}/orders?specimen={{specimen}}\"\npatience_secs = 6\n",
        desk.local_addr().unwrap()
    );
    fs::write(lab.path("labwire.toml"), site + &ask).unwrap();
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    let asking = tokio::spawn(async move { answer(analyzer, "T1").await });
    let (mut asked, _) = desk.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(asked.read_u8().await.unwrap());
    }
    // Cancelled by number before anybody here knew it; another changed to STAT; a third stays.
    assert!(lims.tell(&oml("1", "T1", &[("CA", "P1", "GLCC")])).await.contains("/ORC|UC|P1/"));
    lims.tell(&oml("2", "T1", &[("NW", "P2", "CRR"), ("CA", "P2", "CRR")])).await;
    let married = "PID|1||EX77^^^HOSP||Married^Anna\r";
    lims.tell(&format!("MSH|^~\\&|LIMS|HOSP|labwire||2026||ADT^A08^ADT_A01|3|P|2.5.1\r{married}")).await;
    let patient = r#""patient":{"id":"EX77","authority":"HOSP","name":"Example^Anna"}"#;
    let order = |number: &str, test: &str| {
        format!(r#"{{"action":"place","placer":"{number}","specimen":"T1","test":"{test}",{patient}}}"#)
    };
    let body =
        format!("{{\"orders\":[{},{},{}]}}", order("P1", "GLCC"), order("P2", "CRR"), order("P3", "ALTT"));
    let reply = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    asked.write_all(reply.as_bytes()).await.unwrap();
    let answered = asking.await.unwrap();
    assert_eq!(told(&answered), [("T1".to_owned(), vec!["ALTT".to_owned()])]);
    assert!(answered.contains("Married^Anna"), "{answered}");
    let mut orders = known(&lab, "T1");
    orders.sort();
    assert_eq!(orders, is(&[("ALTT", "active"), ("CRR", "cancelled"), ("GLCC", "cancelled")]));
}

/// A laboratory whose LIMS tells orders over HL7 and by posting them.
async fn with_push() -> (Lims, Lab, SocketAddr, SocketAddr, SocketAddr) {
    let (results, lab, analyzer, address) = laboratory().await;
    let push = free_port();
    fs::write(lab.path("orders.token"), "open-sesame-0123456789\n").unwrap();
    let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
    let table = format!(
        "[orders.rest]\nkind = \"push\"\nlisten = \"{push}\"\nallow = [\"127.0.0.1\"]\ntoken_file = \"orders.token\"\n"
    );
    fs::write(lab.path("labwire.toml"), site + &table).unwrap();
    (results, lab, analyzer, address, push)
}

async fn post(address: SocketAddr, body: &str) -> String {
    let mut line = connect(address).await;
    let head = format!(
        "POST /orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer open-sesame-0123456789\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    line.write_all((head + body).as_bytes()).await.unwrap();
    let mut answer = String::new();
    line.read_to_string(&mut answer).await.unwrap();
    answer.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned()
}

fn json(id: &str, action: &str, number: &str, tube: &str, test: &str, patient: &str) -> String {
    format!(
        r#"{{"id":"{id}","orders":[{{"action":"{action}","placer":"{number}","specimen":"{tube}","test":"{test}",
        "patient":{{"id":"{patient}","authority":"HOSP","name":"Example^Anna"}}}}]}}"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_came_one_way_is_cancelled_changed_and_merged_by_another() {
    let (_lims, lab, analyzer, address, push) = with_push().await;
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    post(push, &json("1", "place", "P1", "T1", "GLCC", "EX77")).await;
    post(push, &json("2", "place", "P2", "T2", "GLCC", "EX77")).await;
    post(push, &json("3", "place", "P3", "T3", "GLCC", "EX99")).await;
    // Told both ways it is one order, and taken back by one of them it is gone.
    assert!(lims.tell(&oml("1", "T2", &[("NW", "P2", "GLCC")])).await.contains("/ORC|OK|P2/"));
    assert_eq!(known(&lab, "T2"), is(&[("GLCC", "active")]));
    assert!(lims.tell(&oml("2", "T1", &[("CA", "P1", "GLCC")])).await.contains("/ORC|CR|P1/"));
    assert_eq!(told(&answer(analyzer, "T1").await), []);
    let answered = post(push, &json("4", "cancel", "P2", "", "", "EX77")).await;
    assert!(answered.contains("done"), "{answered}");
    assert_eq!(known(&lab, "T2"), is(&[("GLCC", "cancelled")]));
    // The number is another patient's there: it is refused, and a person sees it.
    let refused = lims.tell(&oml("3", "T3", &[("CA", "P3", "GLCC")])).await;
    assert!(refused.contains("/ORC|UC|P3/") && refused.contains("/MSA|AE|"), "{refused}");
    assert_eq!(known(&lab, "T3"), is(&[("GLCC", "active")]));
    assert!(lab.text(&["problems"]).contains("another source"), "{}", lab.text(&["problems"]));
    // The number alone doesn't say that it is meant.
    let alone = |id: &str| format!("MSH|^~\\&|LIMS|HOSP|labwire||2026||ORM^O01|{id}|P|2.5.1\rORC|CA|P3\r");
    let refused = lims.tell(&alone("6")).await;
    assert!(refused.contains("/MSA|AE|6/") && refused.contains("/ORC|UC|P3/"), "{refused}");
    assert!(refused.contains("name the patient or the specimen"), "{refused}");
    assert_eq!(known(&lab, "T3"), is(&[("GLCC", "active")]));
    // A merge by HL7 is for what was posted, too.
    post(push, &json("5", "place", "P5", "T5", "GLCC", "EX77")).await;
    lims.tell(MERGE).await;
    assert!(answer(analyzer, "T5").await.contains("|EX78|"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_is_remembered_for_later_orders_and_for_a_run_under_way() {
    let (_lims, lab, analyzer, address) = laboratory().await;
    lab.instrument("erba", "erba-xl", "other_patient = \"hold\"", &listener(analyzer));
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC")])).await;
    assert!(answer(analyzer, "T1").await.contains("|EX77|"), "the run begins under the old number");
    lims.tell(MERGE).await;
    lims.tell(&oml("2", "T1", &[("NW", "P2", "CRR")])).await;
    let after = answer(analyzer, "T1").await;
    assert!(
        after.contains("|EX78|") && after.contains("Survivor^Anne") && !after.contains("EX77"),
        "{after}"
    );
    assert_eq!(told(&after).len(), 1, "they are one patient's: {after}");
    // The analyzer still has the number and name that it was told.
    let text = chemistry("T1", &[("GLCC", "5.1"), ("CRR", "0.9")], "F", "20260501110000");
    send(analyzer, &text.replace("P|1||EX-77||", "P|1||EX77||")).await;
    until("both are accepted", || lab.count("accepted") == 2).await;
    let trace = lab.text(&["trace", "T1", "--raw"]);
    assert!(trace.contains("\"id\":\"EX78\""), "{trace}");
    assert!(!lab.text(&["problems"]).contains("other-patient"), "{}", lab.text(&["problems"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_placed_anew_says_all_of_its_order_and_what_is_replaced_is_seen() {
    let (_lims, lab, analyzer, address) = laboratory().await;
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC")])).await;
    lims.tell(&oml("2", "T1", &[("NW", "P1", "CRR"), ("NW", "P1", "ALTT")])).await;
    assert_eq!(
        told(&answer(analyzer, "T1").await),
        [("T1".to_owned(), vec!["CRR".to_owned(), "ALTT".to_owned()])]
    );
    let problems = lab.text(&["problems"]);
    assert!(problems.contains("numbers = \"request\""), "{problems}");
    lims.tell(&oml("3", "T2", &[("NW", "P1", "CRR")])).await;
    assert_eq!(told(&answer(analyzer, "T1").await), []);
    assert_eq!(told(&answer(analyzer, "T2").await), [("T2".to_owned(), vec!["CRR".to_owned()])]);
    // XO changes the test of the one order that there is.
    assert!(lims.tell(&oml("4", "T2", &[("XO", "P1", "GLCC")])).await.contains("/ORC|XR|P1/"));
    assert_eq!(told(&answer(analyzer, "T2").await), [("T2".to_owned(), vec!["GLCC".to_owned()])]);
    // What is over isn't changed.
    lims.tell(&oml("5", "T2", &[("DC", "P1", "GLCC")])).await;
    let refused = lims.tell(&oml("6", "T2", &[("XO", "P1", "GLCC")])).await;
    assert!(refused.contains("/ORC|UX|P1/") && refused.contains("/MSA|AE|"), "{refused}");
    assert!(lab.text(&["problems"]).contains("stands as discontinued"), "{}", lab.text(&["problems"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_numbers_are_a_requests_its_orders_come_one_by_one() {
    let (_lims, lab, analyzer, address) = laboratory().await;
    let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
    fs::write(lab.path("labwire.toml"), site + "numbers = \"request\"\n").unwrap();
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "A1", "GLCC")])).await;
    lims.tell(&oml("2", "T1", &[("NW", "A1", "CRR")])).await;
    assert_eq!(
        told(&answer(analyzer, "T1").await),
        [("T1".to_owned(), vec!["GLCC".to_owned(), "CRR".to_owned()])]
    );
    assert!(lims.tell(&oml("3", "T1", &[("XO", "A1", "ALTT")])).await.contains("/ORC|UX|A1/"));
    assert!(!lab.text(&["problems"]).contains("replaced"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_without_an_authority_is_one_sources_patient_and_not_anothers() {
    let (_lims, lab, analyzer, address, push) = with_push().await;
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    let adam = |message: &str| {
        message.replace("EX77^^^HOSP^MR||Example^Anna||19800102|F", "55||Alpha^Adam||19400101|M")
    };
    let berta = |id: &str, action: &str, number: &str, tube: &str, test: &str| {
        json(id, action, number, tube, test, "55").replace(
            r#""authority":"HOSP","name":"Example^Anna""#,
            r#""name":"Beta^Berta","birth_date":"19990909","sex":"F""#,
        )
    };
    // One tube, one number, two people: nobody is told of it.
    lims.tell(&adam(&oml("1", "T1", &[("NW", "P1", "GLCC")]))).await;
    post(push, &berta("1", "place", "X1", "T1", "CRR")).await;
    let queried = answer(analyzer, "T1").await;
    assert_eq!(told(&queried), []);
    assert!(lab.text(&["problems"]).contains("orders of several patients"), "{}", lab.text(&["problems"]));
    // Neither is another's order cancelled nor changed under the number, and it is seen.
    for (number, tube, id) in [("P2", "T2", "2"), ("P3", "T3", "3")] {
        lims.tell(&adam(&oml(id, tube, &[("NW", number, "GLCC")]))).await;
    }
    for refused in [berta("2", "cancel", "P2", "", "GLCC"), berta("3", "change", "P3", "T4", "GLCC")] {
        let answered = post(push, &refused).await;
        assert!(answered.contains("another source told an order"), "{answered}");
    }
    assert!(lab.text(&["problems"]).contains("and of another patient"), "{}", lab.text(&["problems"]));
    for tube in ["T2", "T3"] {
        assert_eq!(known(&lab, tube), is(&[("GLCC", "active")]));
        let told = answer(analyzer, tube).await;
        assert!(told.contains("Alpha^Adam") && !told.contains("Berta"), "{told}");
    }
    assert_eq!(known(&lab, "T4"), []);
}

const DELTA: &str = "[[delta]]\nname = \"glucose-delta\"\nanalyte = \"glucose\"\nunit = \"mg/dL\"\nmethod = \"absolute\"\n\
    rise = \"> 100\"\nwindow = \"72 h\"\nsource = \"a test\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn no_value_is_compared_with_that_of_another_sources_patient_of_the_same_number() {
    let (_lims, lab, analyzer, address, push) = with_push().await;
    lab.instrument(
        "erba",
        "erba-xl",
        "",
        &format!("{}[codes.GLCC]\nanalyte = \"glucose\"\n", listener(analyzer)),
    );
    fs::create_dir(lab.path("rules.d")).unwrap();
    fs::write(lab.path("rules.d/own.toml"), DELTA).unwrap();
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    for (id, tube) in [("1", "T1"), ("3", "T3")] {
        let adam = oml(id, tube, &[("NW", &format!("P{id}"), "GLCC")]);
        lims.tell(&adam.replace("EX77^^^HOSP^MR||Example^Anna||19800102|F", "55||Alpha^Adam||19400101|M"))
            .await;
    }
    let berta = json("2", "place", "X2", "T2", "GLCC", "55")
        .replace(r#""authority":"HOSP","name":"Example^Anna""#, r#""name":"Beta^Berta""#);
    assert!(post(push, &berta).await.contains("done"));
    for (hour, tube, value) in [(8, "T1", "100"), (9, "T2", "300"), (10, "T3", "210")] {
        let text = chemistry(tube, &[("GLCC", value)], "F", &format!("20260501{hour:02}0000"));
        send(analyzer, &text.replace("EX-77||Example^Anna", "||")).await;
        until("it is judged", || lab.text(&["trace", tube]).contains("judged")).await;
    }
    let trace = lab.text(&["trace", "T2"]);
    assert!(trace.contains("delta: not evaluated: there is no earlier value"), "{trace}");
    // The same number of the same source is the same patient's.
    let trace = lab.text(&["trace", "T3"]);
    assert!(trace.contains("delta: rise") && trace.contains("at 2026-05-01T08:00:00Z"), "{trace}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analyzer_is_told_the_patients_latest_particulars_for_every_tube() {
    let (_lims, lab, analyzer, address, push) = with_push().await;
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC")])).await;
    let newer = json("2", "place", "P2", "T2", "GLCC", "EX77").replace("Example^Anna", "Married^Anna");
    assert!(post(push, &newer).await.contains("done"));
    for tube in ["T1", "T2"] {
        let told = answer(analyzer, tube).await;
        assert!(told.contains("Married^Anna") && told.contains("19800102"), "{tube}: {told}");
    }
    // Another person under the number: each tube keeps its own, and one with both is told to nobody.
    let otto = |id: &str, tube: &str, number: &str| {
        oml(id, tube, &[("NW", number, "CRR")]).replace("Example^Anna||19800102|F", "Sample^Otto||19500505|M")
    };
    lims.tell(&otto("3", "T3", "P3")).await;
    assert!(answer(analyzer, "T3").await.contains("Sample^Otto"));
    assert!(answer(analyzer, "T2").await.contains("Married^Anna"));
    assert!(lab.text(&["problems"]).contains("another day of birth"), "{}", lab.text(&["problems"]));
    lims.tell(&otto("4", "T2", "P4")).await;
    let queried = answer(analyzer, "T2").await;
    assert!(told(&queried).is_empty() && !queried.contains("Otto"), "{queried}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_of_several_numbers_is_done_whole_or_refused_by_name() {
    let (_lims, lab, analyzer, address) = laboratory().await;
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    for (id, patient) in [("1", "EX77^^^HOSP"), ("2", "990^^^NAT"), ("3", "EX90^^^HOSP")] {
        let order = oml(id, &format!("T{id}"), &[("NW", &format!("P{id}"), "GLCC")]);
        lims.tell(&order.replace("EX77^^^HOSP^MR", patient)).await;
    }
    let merge = |id: &str, groups: &str| {
        format!(
            "MSH|^~\\&|LIMS|HOSP|labwire||2026||ADT^A40^ADT_A39|{id}|P|2.5.1\r{}",
            groups.replace('/', "\r")
        )
    };
    // Of two groups one can't be read: nothing of it is done.
    let half = "PID|1||EX78^^^HOSP||Survivor^Anne/MRG|EX77^^^HOSP/PID|2||EX91^^^HOSP/MRG|/";
    let refused = lims.tell(&merge("M1", half)).await;
    assert!(refused.contains("/MSA|AE|M1") && refused.contains("PID-3 or MRG-1"), "{refused}");
    assert!(lab.text(&["problems"]).contains("no patient number"), "{}", lab.text(&["problems"]));
    assert!(answer(analyzer, "T1").await.contains("|EX77|"));
    let whole =
        "PID|1||EX78^^^HOSP||Survivor^Anne/MRG|EX77^^^HOSP~990^^^NAT/PID|2||EX91^^^HOSP/MRG|EX90^^^HOSP/";
    assert!(lims.tell(&merge("M2", whole)).await.contains("/MSA|AA|M2"));
    for (tube, number) in [("T1", "|EX78|"), ("T2", "|EX78|"), ("T3", "|EX91|")] {
        let told = answer(analyzer, tube).await;
        assert!(told.contains(number), "{tube}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_for_a_downtime_names_both_patients_where_the_analyzer_named_another() {
    let (results, lab, analyzer, address) = laboratory().await;
    let _gateway = lab.start().await;
    results.set_mode(Mode::Refuse(vec!["GLCC".to_owned()]));
    let mut lims = Teller::connect(address).await;
    for id in ["1", "2"] {
        lims.tell(&oml(id, &format!("T{id}"), &[("NW", &format!("P{id}"), "GLCC")])).await;
    }
    let text = |tube: &str, patient: &str| {
        let text = chemistry(tube, &[("GLCC", "5.1")], "F", "20260501110000");
        text.replace("P|1||EX-77||Example^Anna", &format!("P|1||{patient}"))
    };
    send(analyzer, &text("T1", "EX99||Sample^Otto||19500505|M")).await;
    send(analyzer, &text("T2", "EX77||Example^Anna||19800102|F")).await;
    until("both are refused", || lab.count("refused") == 2).await;
    let list = page::answer(lab.page, "/downtime").unwrap();
    let of = |tube: &str| {
        let caption = list.split("<caption>").skip(1).find(|it| it.contains(tube)).unwrap();
        caption.split("</caption>").next().unwrap().to_owned()
    };
    assert!(of("T1").contains("Example^Anna") && of("T1").contains("Sample^Otto"), "{}", of("T1"));
    assert!(of("T1").contains("named another patient than the LIMS"), "{}", of("T1"));
    assert!(of("T2").contains("Example^Anna") && !of("T2").contains("In doubt"), "{}", of("T2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_critical_call_names_whom_the_lims_names_and_says_where_the_analyzer_named_another() {
    let (_lims, lab, analyzer, address) = laboratory().await;
    lab.instrument(
        "erba",
        "erba-xl",
        "",
        &format!("{}[codes.GLCC]\nanalyte = \"glucose\"\n", listener(analyzer)),
    );
    fs::create_dir(lab.path("rules.d")).unwrap();
    let rule = "[[critical]]\nname = \"glucose\"\nanalyte = \"glucose\"\nunit = \"mg/dL\"\nlow = \"< 40\"\nsource = \"a test\"\n";
    fs::write(lab.path("rules.d/own.toml"), rule).unwrap();
    let _gateway = lab.start().await;
    lab.sign();
    let mut lims = Teller::connect(address).await;
    for id in ["1", "2"] {
        lims.tell(&oml(id, &format!("T{id}"), &[("NW", &format!("P{id}"), "GLCC")])).await;
    }
    let text = |tube: &str, patient: &str| {
        let text = chemistry(tube, &[("GLCC", "30")], "F", "20260501110000");
        text.replace("P|1||EX-77||Example^Anna", patient)
    };
    send(analyzer, &text("T1", "P|1")).await;
    until("the first call is open", || lab.text(&["calls"]).contains("T1 GLCC")).await;
    send(analyzer, &text("T2", "P|1||EX99||Sample^Otto||19500505|M")).await;
    until("the second call is open", || lab.text(&["calls"]).contains("T2 GLCC")).await;
    let shown = lab.text(&["calls", "T1"]);
    assert!(shown.contains("the patient by the LIMS's order: name Example^Anna"), "{shown}");
    assert!(
        shown.contains("the analyzer said of the patient: nothing") && !shown.contains("NOT WHOM"),
        "{shown}"
    );
    let shown = lab.text(&["calls", "T2"]);
    assert!(shown.contains("THAT IS NOT WHOM THE LIMS NAMES") && shown.contains("Sample^Otto"), "{shown}");
    let page = |call: &str| page::answer(lab.page, &format!("/call/{call}")).unwrap();
    assert!(page("1").contains("Patient by the LIMS") && page("1").contains("Example^Anna"), "{}", page("1"));
    assert!(!page("1").contains("Not whom the LIMS names") && page("2").contains("Not whom the LIMS names"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_of_another_patient_is_noticed_though_its_test_was_not_ordered() {
    let (_lims, lab, analyzer, address) = laboratory().await;
    lab.instrument("erba", "erba-xl", "other_patient = \"hold\"", &listener(analyzer));
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(address).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC")])).await;
    let text = chemistry("T1", &[("ALTT", "33")], "F", "20260501110000");
    let text = text.replace("P|1||EX-77||Example^Anna", "P|1||EX99||Sample^Otto||19500505|M");
    send(analyzer, &text).await;
    until("the result waits", || lab.count("held") == 1).await;
    assert!(lab.text(&["problems"]).contains("other-patient"), "{}", lab.text(&["problems"]));
}
