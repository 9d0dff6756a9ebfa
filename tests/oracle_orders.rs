//! Every tube asked for gets exactly what the LIMS said last, or an honest "none", while the gateway is killed again and
//! again, the LIMS is away and results want the line at the same time; and a cache that serves cancelled orders is caught.

#![expect(
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

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use labsim::analyzer::{Analyzer, Options};
use labsim::chance::Chance;
use labsim::lims::{Books, Conduct, Lims, OrderDesk, OrderLine};
use support::{Gateway, Lab, chemistry, connect, until};
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
    if got == wanted { Ok(()) } else { Err(format!("{tube}: told {got:?}, stands {wanted:?}")) }
}

/// A laboratory, and the LIMS that it hears of orders from.
struct Ward {
    lab: Lab,
    results: Lims,
    analyzer: SocketAddr,
    orders: SocketAddr,
    books: Arc<Mutex<Books>>,
    desk: OrderDesk,
    line: Option<OrderLine>,
    gateway: Option<Gateway>,
    chance: Chance,
    /// Results that the analyzer saw acknowledged.
    sent: i64,
    asked: usize,
    kills: usize,
    outages: usize,
}

impl Ward {
    async fn open() -> Ward {
        let (results, lab, analyzer, orders) = laboratory().await;
        let books = Arc::new(Mutex::new(Books::new(7, 4, &TESTS)));
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let desk = OrderDesk::start(any, Arc::clone(&books), Conduct::Answer).await.unwrap();
        let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
        let ask = format!(
            "[orders.lims.ask]\nurl = \"http://{}/orders?specimen={{specimen}}\"\npatience_secs = 1\n",
            desk.address()
        );
        fs::write(lab.path("labwire.toml"), site + &ask).unwrap();
        // The analyzer sends results of its own accord; the LIMS's books know nothing of what is done.
        let erba = lab.path("instruments.d/erba.toml");
        let instrument = fs::read_to_string(&erba).unwrap();
        fs::write(&erba, format!("repeat_finished = true\n{instrument}")).unwrap();
        let gateway = Some(lab.start().await);
        let (line, chance) = (None, Chance::seeded_for(7, "oracle"));
        let counts = (0, 0, 0, 0);
        let (sent, asked, kills, outages) = counts;
        Ward {
            lab,
            results,
            analyzer,
            orders,
            books,
            desk,
            line,
            gateway,
            chance,
            sent,
            asked,
            kills,
            outages,
        }
    }

    async fn kill(&mut self) {
        self.gateway.take().unwrap().kill();
        self.gateway = Some(self.lab.start().await);
        self.line = None;
        self.kills += 1;
    }

    async fn line(&mut self) -> &mut OrderLine {
        if self.line.is_none() {
            self.line = Some(OrderLine::connect(&self.orders.to_string()).await.unwrap());
        }
        self.line.as_mut().unwrap()
    }

    /// The LIMS changes its mind, and is heard: where the gateway is killed while it may be at it, it says so again.
    async fn change(&mut self, is_killed: bool) {
        let message = self.books.lock().unwrap().change();
        if is_killed {
            self.line().await.say(&message).await.unwrap();
            self.kill().await;
        }
        let answer = self.line().await.tell(&message).await.unwrap();
        assert!(answer.contains("/MSA|AA|"), "{message}: {answer}");
        // What was said before and comes again changes nothing.
        if self.chance.below(4) == 0 {
            assert_eq!(self.line().await.tell(&message).await.unwrap(), answer);
        }
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
        assert_eq!(judge(&self.books.lock().unwrap(), tube, &answer), Ok(()), "step {step}");
    }

    /// The LIMS is away: what it said before it went still counts, and of what it never spoke there is nothing.
    async fn outage(&mut self, step: usize) {
        self.outages += 1;
        self.line = None;
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

    fn any_tube(&mut self) -> String {
        let tubes: Vec<String> = self.books.lock().unwrap().tubes().collect();
        let at = usize::try_from(self.chance.below(tubes.len() as u64)).unwrap();
        tubes.get(at).unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tube_gets_what_the_lims_said_last_whatever_fails_meanwhile() {
    let mut ward = Ward::open().await;
    for step in 0..60 {
        let chance = ward.chance.below(10);
        if chance == 0 {
            ward.outage(step).await;
        }
        ward.change(chance == 1).await;
        let tube = ward.any_tube();
        ward.must_be_right(&tube, step).await;
    }
    ward.line = None;
    let tubes: Vec<String> = ward.books.lock().unwrap().tubes().collect();
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
    served_though_cancelled_is_noticed(&mut ward, &tubes).await;
}

/// The control: the same books, and a cache in which what was cancelled stands again.
async fn served_though_cancelled_is_noticed(ward: &mut Ward, tubes: &[String]) {
    let journal = rusqlite::Connection::open(ward.lab.path("labwire.db")).unwrap();
    let revived =
        journal.execute("UPDATE lab_order SET state = 'active' WHERE state = 'cancelled'", []).unwrap();
    drop(journal);
    assert!(revived > 0);
    ward.gateway = Some(ward.lab.start().await);
    let mut noticed = 0;
    for tube in tubes {
        let answer = ward.ask(tube).await;
        noticed += usize::from(judge(&ward.books.lock().unwrap(), tube, &answer).is_err());
    }
    assert!(noticed > 0, "a cache that serves cancelled orders passes for a good one");
}
