//! Analyzers of each dialect ask within their own limits, with the real program, while the LIMS is late or away, clocks are
//! apart and questions are odd: each gets what is known, or hears that there is nothing.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "gateway_queries/captured.rs"]
mod captured;
#[path = "support/captures.rs"]
mod captures;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;
#[path = "support/teller.rs"]
mod teller;

use std::fs;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use labsim::analyzer::{Analyzer, Options, Timing};
use labsim::lims::{Books, Conduct, Lims, OrderDesk};
use labsim::mllp::{MllpAnalyzer, Way};
use support::*;
use teller::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How long each model waits for its orders: the limits that their manuals name.
const LIMITS: [(Option<Way>, u64); 4] =
    [(None, 15), (Some(Way::Law), 60), (Some(Way::Mindray), 10), (Some(Way::MindrayOrm), 10)];

/// An analyzer of each dialect, beside a LIMS whose desk is late.
struct Hall {
    _results: Lims,
    lab: Lab,
    orders: SocketAddr,
    /// In the order of [`LIMITS`].
    analyzers: Vec<SocketAddr>,
    desk: OrderDesk,
}

impl Hall {
    async fn open(conduct: Conduct) -> Hall {
        let (results, lab, astm, orders) = laboratory().await;
        let books = Arc::new(Mutex::new(Books::new(1, 2, &["GLU"])));
        let desk = OrderDesk::start(SocketAddr::from(([127, 0, 0, 1], 0)), books, conduct).await.unwrap();
        let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
        let ask = format!(
            "[orders.lims.ask]\nurl = \"http://{}/orders?specimen={{specimen}}\"\npatience_secs = 2\n",
            desk.address()
        );
        fs::write(lab.path("labwire.toml"), site + &ask).unwrap();
        let mut analyzers = vec![astm];
        for (name, profile, code) in [
            ("cobas", "roche-cobas-pro", "10020"),
            ("bs", "mindray-bs-200", "1"),
            ("bc", "mindray-bc-5380", "CBC+DIFF"),
        ] {
            let address = free_port();
            let codes = format!("[codes.\"{code}\"]\nlims_code = \"GLCC\"\n");
            lab.instrument(name, profile, "", &(listener(address) + &codes));
            analyzers.push(address);
        }
        Hall { _results: results, lab, orders, analyzers, desk }
    }

    /// All at once, each with its own limit in seconds; what each was told.
    async fn all_ask(&self, tube: &str) -> Vec<String> {
        let mut asking = Vec::new();
        for ((way, limit), address) in LIMITS.into_iter().zip(&self.analyzers) {
            asking.push(tokio::spawn(ask(way, *address, tube.to_owned(), Duration::from_secs(limit))));
        }
        let mut told = Vec::new();
        for one in asking {
            told.push(one.await.unwrap().unwrap());
        }
        told
    }
}

/// What a model is told within a limit, with `/` between records or segments.
async fn ask(way: Option<Way>, address: SocketAddr, tube: String, limit: Duration) -> Option<String> {
    let options = Options { timing: Timing { answer: limit, ..Timing::default() }, ..Options::default() };
    let stream = connect(address).await;
    let told = match way {
        None => Analyzer::new(stream, options).query(query(&format!("^{tube}")).as_bytes()).await?,
        Some(way) => MllpAnalyzer::new(stream, options).query(way, &tube, "7").await?.concat(),
    };
    Some(String::from_utf8(told).unwrap().replace('\r', "/"))
}

fn answers(lab: &Lab) -> Vec<String> {
    lab.reader().host_queries(100).unwrap().into_iter().filter_map(|it| it.answer).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_dialect_is_answered_within_its_limit_though_the_lims_is_late() {
    let hall = Hall::open(Conduct::Late(Duration::from_secs(90))).await;
    let _gateway = hall.lab.start().await;
    // The control: a limit that the LIMS's patience doesn't fit into bites, in each dialect.
    let mut hasty = Vec::new();
    for ((way, _), address) in LIMITS.into_iter().zip(&hall.analyzers) {
        hasty.push(tokio::spawn(ask(way, *address, "T8".to_owned(), Duration::from_millis(100))));
    }
    for one in hasty {
        assert_eq!(one.await.unwrap(), None);
    }
    let told = hall.all_ask("T1").await;
    let nothing = [vec![], vec!["/QAK|7|NF|"], vec!["/QAK|SR|NF|"], vec!["/MSA|AR|7"]];
    for (told, parts) in told.iter().zip(&nothing) {
        assert!(parts.iter().all(|part| told.contains(part)) && !told.contains("GLU"), "{told}");
    }
    until("each says why", || {
        answers(&hall.lab).iter().filter(|it| it.contains("the LIMS could not be asked")).count() >= 4
    })
    .await;
    assert!(hall.desk.asked().contains(&"T1".to_owned()) || hall.desk.asked().contains(&"T8".to_owned()));
    // What it says on its line counts at once, for all of them.
    let mut lims = Teller::connect(hall.orders).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC")])).await;
    let told = hall.all_ask("T1").await;
    for (told, part) in
        told.iter().zip(["^GLCC", "|10020", "DSP|29||1^^^", "08003^Test Mode^99MRC||CBC+DIFF"])
    {
        assert!(told.contains(part) && told.contains("EX77"), "{part}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_questions_get_an_honest_nothing_and_change_nothing() {
    let hall = Hall::open(Conduct::Answer).await;
    let gateway = hall.lab.start().await;
    let mut lims = Teller::connect(hall.orders).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC")])).await;
    let enormous = "9".repeat(500);
    for tube in ["", " ", &enormous, "T1;DROP", "T%", "*"] {
        let told = hall.all_ask(tube).await;
        assert!(told.iter().all(|told| !told.contains("EX77")), "{tube}: {told:?}");
    }
    assert!(hall.desk.asked().iter().all(|label| label.len() < 100), "an enormous number is never asked for");
    assert_eq!(hall.all_ask("T1").await.iter().filter(|told| told.contains("EX77")).count(), 4);
    assert!(gateway.terminate().success());
    hall.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_for_a_patients_tube_or_one_test_is_answered_for_exactly_that() {
    let (_results, lab, erba, orders) = laboratory().await;
    let _gateway = lab.start().await;
    let mut lims = Teller::connect(orders).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC"), ("NW", "P2", "CRR")])).await;
    lims.tell(&oml("2", "T2", &[("NW", "P3", "GLCC")]).replace("EX77", "EX88")).await;
    lims.tell(&oml("3", "T3", &[("NW", "P4", "GLCC")]).replace("EX77^^^HOSP^MR", "")).await;
    let both = ["GLCC", "CRR"];
    for (tubes, tests, expected, noted) in [
        ("EX77^T1", "", &[("T1", &both[..])][..], "orders: 2 tests; delivered"),
        ("EX77^T1", "^^^CRR", &[("T1", &["CRR"])], "orders: 1 test; delivered"),
        ("^T1`^T2", "^^^CRR`^^^NA", &[("T1", &["CRR"])], "1 × no order for a test that was asked for"),
        ("^T1", "^^^NA", &[], "no order for a test that was asked for; delivered"),
        ("^T1`^T1", "", &[("T1", &both)], "orders: 2 tests; delivered"),
        ("EX88^T1", "", &[], "no order told: the analyzer asked for it as another patient's"),
        // The LIMS names nobody whose tube it could be.
        ("EX88^T3", "", &[], "no order told: the analyzer asked for it as another patient's"),
        ("EX77^T1`EX77^T2", "", &[("T1", &both)], "1 × no order told: the analyzer asked for it as"),
        ("EX88^ALL", "", &[("T2", &["GLCC"])], "orders: 1 test; delivered"),
        ("EX88^T1|EX88^T2", "", &[("T2", &["GLCC"])], "orders: 1 test; delivered"),
        ("EX77^", "", &[], "no information: no specimen is named; delivered"),
        // The control: who narrows nothing gets everything.
        (
            "ALL",
            "",
            &[("T1", &both), ("T2", &["GLCC"]), ("T3", &["GLCC"])],
            "orders: 4 tests for 3 specimens",
        ),
    ] {
        let first_free = if tubes.contains('|') { "|" } else { "||" };
        let query = query(tubes).replace("|||S|", &format!("{first_free}{tests}|S|"));
        let before = answers(&lab).len();
        let answer = Analyzer::new(connect(erba).await, Options::default()).query(query.as_bytes()).await;
        let told = told(&String::from_utf8(answer.unwrap()).unwrap());
        let told: Vec<(&str, Vec<&str>)> = told
            .iter()
            .map(|(tube, tests)| (tube.as_str(), tests.iter().map(String::as_str).collect()))
            .collect();
        let expected: Vec<_> = expected.iter().map(|(tube, tests)| (*tube, tests.to_vec())).collect();
        assert_eq!(told, expected, "{query}");
        until("it is noted", || answers(&lab).len() > before).await;
        until(noted, || answers(&lab).first().is_some_and(|answer| answer.contains(noted))).await;
    }
    // Another authority's patient has the number too: nobody can say whose tubes are asked for.
    lims.tell(&oml("4", "T4", &[("NW", "P5", "GLCC")]).replace("EX77^^^HOSP", "EX88^^^CLINIC")).await;
    let answer =
        Analyzer::new(connect(erba).await, Options::default()).query(query("EX88^ALL").as_bytes()).await;
    assert_eq!(told(&String::from_utf8(answer.unwrap()).unwrap()), []);
    until("it is noted why", || answers(&lab).first().is_some_and(|it| it.contains("several patients have")))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_queries_in_all_dialects_are_each_answered() {
    let hall = Hall::open(Conduct::Down).await;
    let gateway = hall.lab.start().await;
    let mut lims = Teller::connect(hall.orders).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC")])).await;
    let mut asking = Vec::new();
    for ((way, limit), address) in LIMITS.into_iter().zip(hall.analyzers.clone()) {
        asking.push(tokio::spawn(async move {
            let timing = Timing { answer: Duration::from_secs(limit), ..Timing::default() };
            let options = Options { timing, ..Options::default() };
            let stream = connect(address).await;
            let mut answered = 0;
            match way {
                None => {
                    let mut line = Analyzer::new(stream, options);
                    for _ in 0..250 {
                        let told = line.query(query("^T1").as_bytes()).await.unwrap();
                        answered += usize::from(String::from_utf8_lossy(&told).contains("EX77"));
                    }
                }
                Some(way) => {
                    let mut line = MllpAnalyzer::new(stream, options);
                    for number in 0..250 {
                        let told = line.query(way, "T1", &number.to_string()).await.unwrap().concat();
                        answered += usize::from(String::from_utf8_lossy(&told).contains("EX77"));
                    }
                }
            }
            answered
        }));
    }
    for one in asking {
        assert_eq!(one.await.unwrap(), 250);
    }
    until("all are noted", || {
        let asked = hall.lab.reader().host_queries(2_000).unwrap();
        asked.iter().filter(|it| it.answer.as_deref().is_some_and(|it| it.contains("delivered"))).count()
            == 1_000
    })
    .await;
    assert!(gateway.terminate().success());
    hall.lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_without_a_test_is_a_problem_and_makes_no_tube_known() {
    let hall = Hall::open(Conduct::Down).await;
    let _gateway = hall.lab.start().await;
    let mut lims = Teller::connect(hall.orders).await;
    let without = oml("1", "T5", &[("NW", "P1", "")]);
    let answer = lims.tell(&without).await;
    assert!(answer.contains("/MSA|AE|1"), "{answer}");
    until("it is shown", || hall.lab.text(&["problems"]).contains("unreadable-order")).await;
    let told = hall.all_ask("T5").await;
    assert!(told.iter().all(|told| !told.contains("EX77")), "{told:?}");
    until("it isn't known", || answers(&hall.lab).iter().any(|it| it.contains("unknown specimen"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_are_apart_change_nothing() {
    let hall = Hall::open(Conduct::Down).await;
    let _gateway = hall.lab.start().await;
    let mut lims = Teller::connect(hall.orders).await;
    let at = |id: &str, control: &str, year: &str| {
        oml(id, "T1", &[(control, "P1", "GLCC")])
            .replace("||20260501080000||", &format!("||{year}0501080000||"))
    };
    // The later to arrive counts, whatever its clock says.
    for (id, control, year, told) in [
        ("1", "NW", "2099", true),
        ("2", "CA", "1999", false),
        ("3", "NW", "1970", true),
        ("4", "CA", "", false),
    ] {
        let answer = lims.tell(&at(id, control, year)).await;
        assert!(answer.contains("/MSA|AA|"), "{answer}");
        let all = hall.all_ask("T1").await;
        assert!(all.iter().all(|it| it.contains("EX77") == told), "{year}: {all:?}");
    }
}

/// A page of the gateway's, as text.
async fn page(lab: &Lab, path: &str) -> String {
    let mut line = connect(lab.page).await;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", lab.page);
    line.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    line.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_with_orders_of_several_patients_is_listed_with_what_to_do() {
    let hall = Hall::open(Conduct::Down).await;
    let _gateway = hall.lab.start().await;
    let mut lims = Teller::connect(hall.orders).await;
    lims.tell(&oml("1", "T1", &[("NW", "P1", "GLCC"), ("NW", "P2", "CRR")])).await;
    lims.tell(&oml("2", "T2", &[("NW", "P3", "GLCC")])).await;
    let calm = hall.lab.text(&["orders"]);
    assert!(!calm.contains("several patients") && calm.contains("  T1  R GLCC CRR"), "{calm}");
    lims.tell(&oml("3", "T1", &[("NW", "P9", "GLCC"), ("HD", "P9", "GLCC")]).replace("EX77", "EX88")).await;
    let all = hall.lab.text(&["orders"]);
    for part in [
        "Labels with orders of several patients: compare the tube's label with the orders, and cancel or correct in the LIMS",
        "\n  T1  P1 for GLCC (orders lims), P2 for CRR (orders lims), P9 for GLCC (orders lims), since ",
        "  T2  R GLCC",
    ] {
        assert!(all.contains(part), "{part}: {all}");
    }
    assert!(!all.contains("  T1  R "), "it is nobody's work: {all}");
    let shown = page(&hall.lab, "/orders").await;
    assert!(
        shown.contains("Labels with orders of several patients") && shown.contains("Next: compare"),
        "{shown}"
    );
    assert!(!shown.contains("EX88") && !all.contains("EX88"), "no patient is named");
    lims.tell(&oml("4", "T1", &[("CA", "P9", "GLCC")]).replace("EX77", "EX88")).await;
    assert_eq!(hall.lab.text(&["orders"]), calm, "settled");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_what_is_to_be_done_who_asked_in_vain_and_a_tubes_way_to_the_lims() {
    let hall = Hall::open(Conduct::Down).await;
    let _gateway = hall.lab.start().await;
    let astm = *hall.analyzers.first().unwrap();
    let mut lims = Teller::connect(hall.orders).await;
    let orders = [("NW", "P1", "GLCC"), ("NW", "P2", "CRR"), ("NW", "P3", "ELSEWHERE")];
    lims.tell(&oml("1", "T1", &orders)).await;
    for tube in ["T1", "T2"] {
        ask(None, astm, tube.to_owned(), Duration::from_secs(15)).await.unwrap();
    }
    send(astm, &chemistry("T1", &[("GLCC", "5.1")], "F", "20260501110000")).await;
    until("it is accepted", || hall.lab.count("accepted") == 1).await;
    let all = hall.lab.text(&["orders"]);
    for part in [
        "To be done by erba, specimens: 1\n  T1  R CRR, since ",
        "To be done by cobas, specimens: 1\n  T1  R GLCC, since ",
        "To be done by no analyzer here, specimens: 1\n  T1  R ELSEWHERE, since ",
        "erba asked about T2 at ",
    ] {
        assert!(all.contains(part), "{part}: {all}");
    }
    let way = hall.lab.text(&["orders", "T1"]);
    let steps = [
        "spoke of its order P1 for GLCC: placed",
        "erba asked what to do with it: orders: 2 tests",
        "read as observation",
        "to lims: accepted",
    ];
    let places: Vec<_> = steps.iter().map(|step| way.find(step)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}\n{way}");
    let shown = page(&hall.lab, "/orders").await;
    for part in
        ["To be done by erba", "To be done by no analyzer here", "unknown specimen", "/specimen?id=T1"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let tube = page(&hall.lab, "/specimen?id=T1").await;
    assert!(tube.contains("spoke of its order P2 for CRR: placed") && tube.contains("erba asked"), "{tube}");
    let ordered = page(&hall.lab, "/specimen?id=T2").await;
    assert!(ordered.contains("erba asked what to do with it") && ordered.contains("no result"), "{ordered}");
}
