//! Every tube asked for gets exactly what the LIMS said last, or an honest "none", while the gateway is killed again and
//! again; and a cache that serves cancelled orders is caught.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;
#[path = "support/teller.rs"]
mod teller;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use labsim::analyzer::{Analyzer, Options};
use support::{Gateway, Lab, connect};
use teller::{Teller, laboratory, oml, query, told};
use tokio::io::AsyncWriteExt;

const TUBES: [&str; 4] = ["T1", "T2", "T3", "T4"];
const TESTS: [&str; 3] = ["GLCC", "CRR", "ALTT"];

/// What the LIMS wants, by its own books: each order's tube, test and whether it stands.
#[derive(Default)]
struct Books {
    orders: BTreeMap<String, (usize, &'static str, bool)>,
    placed: usize,
    messages: usize,
}

/// A number that depends on the one before it only.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

impl Books {
    /// The LIMS changes its mind about something; returns the message that says so.
    fn change(&mut self, dice: &mut Dice) -> String {
        self.messages += 1;
        let id = format!("M{}", self.messages);
        let known: Vec<String> = self.orders.keys().cloned().collect();
        let number = if known.is_empty() { None } else { known.get(dice.roll(known.len())).cloned() };
        let (control, number) = match (dice.roll(5), number) {
            (0 | 1, _) | (_, None) => {
                self.placed += 1;
                let number = format!("P{}", self.placed);
                let order = (dice.roll(TUBES.len()), TESTS[dice.roll(TESTS.len())], true);
                self.orders.insert(number.clone(), order);
                ("NW", number)
            }
            (2, Some(number)) => {
                self.orders.get_mut(&number).unwrap().2 = false;
                ("CA", number)
            }
            (3, Some(number)) => {
                self.orders.get_mut(&number).unwrap().0 = dice.roll(TUBES.len());
                ("XO", number)
            }
            (_, Some(number)) => {
                self.orders.get_mut(&number).unwrap().2 = true;
                ("NW", number)
            }
        };
        let (tube, test, _) = self.orders[&number];
        oml(&id, TUBES[tube], &[(control, &number, test)])
    }

    /// Whether an answer about a tube is exactly what stands.
    fn judge(&self, tube: usize, answer: &str) -> Result<(), String> {
        let standing = self.orders.values().filter(|(at, _, stands)| *at == tube && *stands);
        let wanted: BTreeSet<String> = standing.map(|(_, test, _)| (*test).to_owned()).collect();
        let mut got = BTreeSet::new();
        for (label, tests) in told(answer) {
            if label != TUBES[tube] {
                return Err(format!("an answer about {} names {label}", TUBES[tube]));
            }
            got.extend(tests);
        }
        if !wanted.is_empty() && !answer.contains("|EX77|") {
            return Err("the patient isn't the LIMS's".to_owned());
        }
        if got == wanted { Ok(()) } else { Err(format!("{}: told {got:?}, stands {wanted:?}", TUBES[tube])) }
    }
}

async fn ask(address: SocketAddr, tube: usize) -> String {
    let mut analyzer = Analyzer::new(connect(address).await, Options::default());
    let answer = analyzer.query(query(&format!("^{}", TUBES[tube])).as_bytes()).await;
    String::from_utf8(answer.unwrap()).unwrap()
}

/// The LIMS says the message and hears nothing: the gateway is killed while it may be at it. It is said again then.
async fn kill_in_between(
    lab: &Lab,
    gateway: Gateway,
    lims: &mut Teller,
    orders: SocketAddr,
    message: &str,
) -> Gateway {
    lims.line.write_all(&[b"\x0B", message.as_bytes(), b"\x1C\r"].concat()).await.unwrap();
    gateway.kill();
    let gateway = lab.start().await;
    *lims = Teller::connect(orders).await;
    gateway
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tube_gets_what_the_lims_said_last_though_the_gateway_is_killed() {
    let (_lims, lab, analyzer, orders) = laboratory().await;
    let mut gateway = lab.start().await;
    let mut lims = Teller::connect(orders).await;
    let (mut books, mut dice) = (Books::default(), Dice(7));
    let (mut asked, mut kills) = (0, 0);
    for step in 0..80 {
        let message = books.change(&mut dice);
        if dice.roll(10) == 0 {
            gateway = kill_in_between(&lab, gateway, &mut lims, orders, &message).await;
            kills += 1;
        }
        let answer = lims.tell(&message).await;
        assert!(answer.contains("/MSA|AA|"), "step {step}: {answer}");
        // What was said before and comes again changes nothing.
        if dice.roll(4) == 0 {
            assert_eq!(lims.tell(&message).await, answer, "step {step}");
        }
        let tube = dice.roll(TUBES.len());
        let told = ask(analyzer, tube).await;
        assert_eq!(books.judge(tube, &told), Ok(()), "step {step}: {message:?}");
        asked += 1;
    }
    drop(lims);
    for tube in 0..TUBES.len() {
        let told = ask(analyzer, tube).await;
        assert_eq!(books.judge(tube, &told), Ok(()), "the LIMS is gone");
    }
    assert!(asked > 70 && kills > 3, "{asked} asked, {kills} kills");
    assert!(gateway.terminate().success());
    lab.must_balance();
    served_though_cancelled_is_noticed(&lab, &books, analyzer).await;
}

/// The control: the same books, and a cache in which what was cancelled stands again.
async fn served_though_cancelled_is_noticed(lab: &Lab, books: &Books, analyzer: SocketAddr) {
    let journal = rusqlite::Connection::open(lab.path("labwire.db")).unwrap();
    let revived =
        journal.execute("UPDATE lab_order SET state = 'active' WHERE state = 'cancelled'", []).unwrap();
    drop(journal);
    assert!(revived > 0);
    let _gateway = lab.start().await;
    let mut noticed = 0;
    for tube in 0..TUBES.len() {
        noticed += usize::from(books.judge(tube, &ask(analyzer, tube).await).is_err());
    }
    assert!(noticed > 0, "a cache that serves cancelled orders passes for a good one");
}
