//! Every tube asked for gets exactly what its LIMS said last, of the patient as it said last, or an honest "none", while two
//! LIMS number their patients alike, patients are merged and corrected, the gateway is killed again and again, a LIMS is away
//! and results want the line at the same time. A cache that serves cancelled orders, older particulars or another LIMS's
//! patient is caught.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;
#[expect(dead_code, reason = "shared with the other tests of orders, which use the rest")]
#[path = "support/teller.rs"]
mod teller;

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use labsim::analyzer::{Analyzer, Options};
use labsim::chance::Chance;
use labsim::lims::{Books, Conduct, Lims, OrderDesk, OrderLine};
use support::{Gateway, Lab, chemistry, connect, free_port, until};
use teller::{laboratory, query, told};

const TESTS: [&str; 3] = ["GLCC", "CRR", "ALTT"];
/// Of which the LIMS never says a word.
const NOBODYS: &str = "T99";

/// Whether an answer about a tube is exactly what stands in the LIMS's books, of the patient that they name.
fn judge(books: &Books, tube: &str, answer: &str) -> Result<(), String> {
    let wanted = books.standing(tube);
    let mut got = BTreeSet::new();
    for (label, tests) in told(answer) {
        if label != tube {
            return Err(format!("an answer about {tube} names {label}"));
        }
        got.extend(tests);
    }
    let patient = books.patient(tube).unwrap_or_default();
    if !wanted.is_empty() && !answer.contains(&format!("|{patient}|")) {
        return Err(format!("the patient of {tube} isn't the LIMS's"));
    }
    let (name, born) = books.particulars(tube).unwrap_or_default();
    let is_named = answer.contains(&format!("|{name}|")) && answer.contains(born);
    if !wanted.is_empty() && !is_named {
        return Err(format!("the patient of {tube} isn't named as the LIMS said last"));
    }
    if got == wanted { Ok(()) } else { Err(format!("{tube}: told {got:?}, stands {wanted:?}")) }
}

/// A LIMS and its line.
struct Hospital {
    orders: SocketAddr,
    books: Arc<Mutex<Books>>,
    line: Option<OrderLine>,
}

impl Hospital {
    fn of(orders: SocketAddr, books: Books) -> Hospital {
        Hospital { orders, books: Arc::new(Mutex::new(books)), line: None }
    }

    async fn line(&mut self) -> &mut OrderLine {
        if self.line.is_none() {
            self.line = Some(OrderLine::connect(&self.orders.to_string()).await.unwrap());
        }
        self.line.as_mut().unwrap()
    }
}

/// A laboratory, and the two LIMS that it hears of orders from.
struct Ward {
    lab: Lab,
    results: Lims,
    analyzer: SocketAddr,
    hospitals: [Hospital; 2],
    desk: OrderDesk,
    gateway: Option<Gateway>,
    chance: Chance,
    /// Results that the analyzer saw acknowledged.
    sent: i64,
    asked: usize,
    kills: usize,
    outages: usize,
}

impl Ward {
    /// `first` are the books of one LIMS; the other's patients have the same numbers, and nobody says that they are others.
    async fn open(first: Books) -> Ward {
        let (results, lab, analyzer, orders) = laboratory().await;
        let second = free_port();
        let hospitals = [
            Hospital::of(orders, first),
            Hospital::of(second, Books::new(8, 4, &TESTS).shared_by(2).of_its_own('U')),
        ];
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let books = Arc::clone(&hospitals[0].books);
        let desk = OrderDesk::start(any, books, Conduct::Answer).await.unwrap();
        let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
        let ask = format!(
            "[orders.lims.ask]\nurl = \"http://{}/orders?specimen={{specimen}}\"\npatience_secs = 1\n\
             [orders.other]\nkind = \"mllp\"\nlisten = \"{second}\"\nallow = [\"127.0.0.1\"]\n",
            desk.address()
        );
        fs::write(lab.path("labwire.toml"), site + &ask).unwrap();
        // The analyzer sends results of its own accord; the LIMS's books know nothing of what is done.
        let erba = lab.path("instruments.d/erba.toml");
        let instrument = fs::read_to_string(&erba).unwrap();
        fs::write(&erba, format!("repeat_finished = true\n{instrument}")).unwrap();
        let gateway = Some(lab.start().await);
        let chance = Chance::seeded_for(7, "oracle");
        let (sent, asked, kills, outages) = (0, 0, 0, 0);
        Ward { lab, results, analyzer, hospitals, desk, gateway, chance, sent, asked, kills, outages }
    }

    async fn kill(&mut self) {
        self.gateway.take().unwrap().kill();
        self.gateway = Some(self.lab.start().await);
        self.hang_up();
        self.kills += 1;
    }

    fn hang_up(&mut self) {
        self.hospitals.iter_mut().for_each(|it| it.line = None);
    }

    /// A LIMS changes its mind, and is heard: where the gateway is killed while it may be at it, it says so again.
    async fn change(&mut self, is_killed: bool) {
        let at = usize::from(self.chance.below(3) == 0);
        let message = self.hospitals[at].books.lock().unwrap().change();
        if is_killed {
            self.hospitals[at].line().await.say(&message).await.unwrap();
            self.kill().await;
        }
        let answer = self.hospitals[at].line().await.tell(&message).await.unwrap();
        assert!(answer.contains("/MSA|AA|"), "{message}: {answer}");
        // What was said before and comes again changes nothing.
        if self.chance.below(4) == 0 {
            assert_eq!(self.hospitals[at].line().await.tell(&message).await.unwrap(), answer);
        }
    }

    /// Whether an answer about a tube is what stands in the books of the LIMS whose label it has.
    fn judge(&self, tube: &str, answer: &str) -> Result<(), String> {
        let books = &self.hospitals[usize::from(tube.starts_with('U'))].books;
        judge(&books.lock().unwrap(), tube, answer)
    }

    async fn ask(&mut self, tube: &str) -> String {
        let mut analyzer = Analyzer::new(connect(self.analyzer).await, Options::default());
        let answer = analyzer.query(query(&format!("^{tube}")).as_bytes()).await;
        self.asked += 1;
        String::from_utf8(answer.unwrap()).unwrap()
    }

    /// Asks, and has results to send before the answer can come.
    async fn ask_and_send(&mut self, tube: &str) -> String {
        let mut analyzer = Analyzer::new(connect(self.analyzer).await, Options::default());
        let time = format!("20260501{:06}", self.sent);
        let results = chemistry(tube, &[("GLCC", &format!("5.{}", self.sent))], "F", &time);
        let messages = [query(&format!("^{tube}")), results];
        for message in &messages {
            let report = analyzer.transfer(&[message]).await;
            assert!(report.is_complete(), "{report:?}");
        }
        self.sent += 1;
        self.asked += 1;
        let answer = analyzer.receive(Options::default().timing.answer).await;
        String::from_utf8(answer.unwrap()).unwrap()
    }

    async fn must_be_right(&mut self, tube: &str, step: usize) {
        let answer = match self.chance.below(3) {
            0 => self.ask_and_send(tube).await,
            _ => self.ask(tube).await,
        };
        assert_eq!(self.judge(tube, &answer), Ok(()), "step {step}");
    }

    /// The LIMS is away: what it said before it went still counts, and of what it never spoke there is nothing.
    async fn outage(&mut self, step: usize) {
        self.outages += 1;
        self.hang_up();
        self.desk.conduct(Conduct::Down);
        let tube = self.any_tube();
        self.must_be_right(&tube, step).await;
        if self.outages % 2 == 1 {
            self.kill().await;
        }
        for tube in [tube, NOBODYS.to_owned()] {
            self.must_be_right(&tube, step).await;
        }
        self.desk.conduct(Conduct::Answer);
    }

    fn tubes(&self) -> Vec<String> {
        self.hospitals.iter().flat_map(|it| it.books.lock().unwrap().tubes()).collect()
    }

    fn any_tube(&mut self) -> String {
        let tubes = self.tubes();
        let at = usize::try_from(self.chance.below(tubes.len() as u64)).unwrap();
        tubes.get(at).unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tube_gets_what_the_lims_said_last_whatever_fails_meanwhile() {
    walk(Ward::open(Books::new(7, 4, &TESTS).shared_by(2)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tube_gets_what_its_own_lims_said_last_where_two_number_their_patients_alike() {
    walk(Ward::open(Books::new(9, 4, &TESTS).shared_by(2).of_its_own('T')).await).await;
}

async fn walk(mut ward: Ward) {
    for step in 0..60 {
        let chance = ward.chance.below(10);
        if chance == 0 {
            ward.outage(step).await;
        }
        ward.change(chance == 1).await;
        let tube = ward.any_tube();
        ward.must_be_right(&tube, step).await;
    }
    ward.hang_up();
    let tubes = ward.tubes();
    for tube in &tubes {
        ward.must_be_right(tube, 60).await;
    }
    let Ward { asked, kills, outages, sent, .. } = ward;
    eprintln!("{asked} asked, {kills} kills, {outages} outages, {sent} results beside them");
    assert!(asked > 60 && kills > 3 && outages > 2 && sent > 10);
    until("each result is in the LIMS", || ward.lab.count("accepted") == sent).await;
    assert_eq!(ward.results.ledger().held().len(), usize::try_from(sent).unwrap());
    assert!(ward.results.ledger().doubled().is_empty());
    assert!(ward.gateway.take().unwrap().terminate().success());
    ward.lab.must_balance();
    for (what, spoils) in CACHES_THAT_LIE {
        let known = known(&ward.lab);
        let journal = journal(&ward.lab);
        assert!(journal.execute(spoils, []).unwrap() > 0, "{what}");
        drop(journal);
        assert!(wrong(&mut ward, &tubes).await > 0, "a cache that serves {what} passes for a good one");
        put_back(&ward.lab, &known);
    }
    assert_eq!(wrong(&mut ward, &tubes).await, 0, "only what was spoiled is noticed");
}

/// The controls, one after the other: the same books, and a cache that isn't as they are.
const CACHES_THAT_LIE: [(&str, &str); 3] = [
    (
        "older particulars of a patient",
        "UPDATE lab_order SET detail = json_set(detail, '$.patient.name', (
             SELECT json_extract(w.detail, '$.patient.name') FROM order_word w WHERE w.lab_order = lab_order.id ORDER BY w.id))",
    ),
    (
        "another LIMS's patient of the same number",
        "UPDATE lab_order SET detail = json_set(detail, '$.patient.name', (
             SELECT json_extract(o.detail, '$.patient.name') FROM lab_order o WHERE o.source <> lab_order.source))",
    ),
    ("cancelled orders", "UPDATE lab_order SET state = 'active' WHERE state = 'cancelled'"),
];

fn journal(lab: &Lab) -> rusqlite::Connection {
    rusqlite::Connection::open(lab.path("labwire.db")).unwrap()
}

fn known(lab: &Lab) -> Vec<(i64, String, String)> {
    let journal = journal(lab);
    let mut orders = journal.prepare("SELECT id, state, detail FROM lab_order").unwrap();
    let orders = orders.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    orders.map(Result::unwrap).collect()
}

fn put_back(lab: &Lab, known: &[(i64, String, String)]) {
    let journal = journal(lab);
    for (id, state, detail) in known {
        let put = "UPDATE lab_order SET state = ?, detail = ? WHERE id = ?";
        journal.execute(put, rusqlite::params![state, detail, id]).unwrap();
    }
}

/// How many tubes are answered otherwise than by the books, from the journal as it lies there.
async fn wrong(ward: &mut Ward, tubes: &[String]) -> usize {
    ward.gateway = Some(ward.lab.start().await);
    let mut wrong = 0;
    for tube in tubes {
        let answer = ward.ask(tube).await;
        wrong += usize::from(ward.judge(tube, &answer).is_err());
    }
    assert!(ward.gateway.take().unwrap().terminate().success());
    wrong
}
