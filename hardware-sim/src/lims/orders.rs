//! A LIMS that tells orders and changes its mind: its books, a line on which it tells, and a desk where it can be asked. Its
//! books are the truth that an answer to an analyzer is held against. It knows nothing of labwire.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::chance::Chance;

/// What a LIMS wants done, by its own books. The same seed changes its mind in the same way.
#[derive(Debug)]
pub struct Books {
    tests: Vec<String>,
    tubes: usize,
    /// What the labels of its tubes begin with.
    letter: char,
    /// Who assigns its patients' numbers; empty where it doesn't say.
    authority: String,
    /// Tubes are theirs in turn.
    patients: Vec<Person>,
    /// By the placer's number: the tube, the test, and whether it stands.
    orders: BTreeMap<String, Ordered>,
    chance: Chance,
    placed: usize,
    told: usize,
    merged: usize,
}

#[derive(Debug, Clone)]
struct Person {
    number: String,
    name: String,
    born: &'static str,
}

#[derive(Debug, Clone, Copy)]
struct Ordered {
    tube: usize,
    test: usize,
    stands: bool,
}

/// What is said of an order.
#[derive(Debug, Clone, Copy)]
enum Word {
    Place,
    Cancel,
    Move,
}

impl Books {
    /// A patient for each tube, numbered by HOSP.
    pub fn new(seed: u64, tubes: usize, tests: &[&str]) -> Books {
        let mut books = Books {
            tests: tests.iter().map(|test| (*test).to_owned()).collect(),
            tubes,
            letter: 'T',
            authority: "HOSP".to_owned(),
            patients: Vec::new(),
            orders: BTreeMap::new(),
            chance: Chance::seeded_for(seed, "orders"),
            placed: 0,
            told: 0,
            merged: 0,
        };
        books.patients = (1..=tubes).map(|at| books.person(at)).collect();
        books
    }

    /// The same for as many patients.
    #[must_use]
    pub fn shared_by(mut self, patients: usize) -> Books {
        self.patients = (1..=patients).map(|at| self.person(at)).collect();
        self
    }

    /// The same with patients' numbers that nobody assigns but the LIMS itself, and other labels: another LIMS's numbers may
    /// be the same.
    #[must_use]
    pub fn of_its_own(mut self, letter: char) -> Books {
        (self.letter, self.authority) = (letter, String::new());
        let patients = self.patients.len();
        self.shared_by(patients)
    }

    fn person(&self, at: usize) -> Person {
        let name = format!("Example{}^Anna", self.letter);
        Person { number: format!("EX{at}"), name, born: "19800102" }
    }

    /// The labels of all tubes.
    pub fn tubes(&self) -> impl Iterator<Item = String> + use<> {
        let letter = self.letter;
        (1..=self.tubes).map(move |tube| format!("{letter}{tube}"))
    }

    /// The tests that stand for a tube now.
    pub fn standing(&self, label: &str) -> BTreeSet<String> {
        let orders = self.orders.values().filter(|it| it.stands && self.label(it.tube) == label);
        orders.filter_map(|it| self.tests.get(it.test).cloned()).collect()
    }

    /// The number of the patient of a tube.
    pub fn patient(&self, label: &str) -> Option<&str> {
        Some(&self.person_of(label)?.number)
    }

    /// The name and the day of birth of the patient of a tube, as HL7 has them.
    pub fn particulars(&self, label: &str) -> Option<(&str, &str)> {
        let person = self.person_of(label)?;
        Some((&person.name, person.born))
    }

    fn person_of(&self, label: &str) -> Option<&Person> {
        let tube = (0..self.tubes).find(|tube| self.label(*tube) == label)?;
        self.patients.get(self.whose(tube)?)
    }

    fn whose(&self, tube: usize) -> Option<usize> {
        tube.checked_rem(self.patients.len())
    }

    /// Changes its mind about something; returns the HL7 message that says so.
    pub fn change(&mut self) -> String {
        self.told += 1;
        let known: Vec<String> = self.orders.keys().cloned().collect();
        let number = usize::try_from(self.chance.below(known.len() as u64)).ok().and_then(|at| known.get(at));
        match (self.chance.below(15), number) {
            (0, _) => self.merge(),
            (12, _) => self.correct(),
            (13 | 14, _) => {
                // Without a word about the patient beside it.
                let tube = self.any_tube();
                let name = format!("Renamed{}^Anna", self.told);
                if let Some(person) = self.whose(tube).and_then(|at| self.patients.get_mut(at)) {
                    person.name = name;
                }
                self.place_on(tube)
            }
            (1..=4, _) | (_, None) => self.place(),
            (kind, Some(number)) => {
                let Some(order) = self.orders.get(number).copied() else { return self.merge() };
                match kind {
                    5..=7 => self.say(number.clone(), Ordered { stands: false, ..order }, Word::Cancel),
                    8..=9 if order.stands => {
                        let tube = self.any_tube();
                        self.say(number.clone(), Ordered { tube, ..order }, Word::Move)
                    }
                    _ => self.say(number.clone(), Ordered { stands: true, ..order }, Word::Place),
                }
            }
        }
    }

    fn any_tube(&mut self) -> usize {
        usize::try_from(self.chance.below(self.tubes as u64)).unwrap_or_default()
    }

    fn any_test(&mut self) -> usize {
        usize::try_from(self.chance.below(self.tests.len() as u64)).unwrap_or_default()
    }

    fn label(&self, tube: usize) -> String {
        format!("{}{}", self.letter, tube + 1)
    }

    fn place(&mut self) -> String {
        let tube = self.any_tube();
        self.place_on(tube)
    }

    fn place_on(&mut self, tube: usize) -> String {
        self.placed += 1;
        let order = Ordered { tube, test: self.any_test(), stands: true };
        self.say(format!("P{}", self.placed), order, Word::Place)
    }

    fn say(&mut self, number: String, order: Ordered, word: Word) -> String {
        let control = match word {
            Word::Place => "NW",
            Word::Cancel => "CA",
            Word::Move => "XO",
        };
        let test = self.tests.get(order.test).cloned().unwrap_or_default();
        let mut text = self.head("OML^O33^OML_O33", order.tube);
        // Writing to a text can't fail.
        let _ = write!(
            text,
            "PV1|1|I|WARD3\rSPM|1|{}||SER\rORC|{control}|{number}\rTQ1|||||||||R\rOBR|1|{number}||{test}\r",
            self.label(order.tube)
        );
        self.orders.insert(number, order);
        text
    }

    /// A patient turns out to be known under another number.
    fn merge(&mut self) -> String {
        let tube = self.any_tube();
        self.merged += 1;
        let survivor = format!("EXM{}", self.merged);
        let former = self.whose(tube).and_then(|at| self.patients.get_mut(at));
        let former = former.map(|it| std::mem::replace(&mut it.number, survivor)).unwrap_or_default();
        let mut text = self.head("ADT^A40^ADT_A39", tube);
        let _ = write!(text, "MRG|{former}^^^{}^MR\r", self.authority);
        text
    }

    /// A patient has another name, and now and then another day of birth, than was thought.
    fn correct(&mut self) -> String {
        let tube = self.any_tube();
        let is_reborn = self.chance.below(2) == 0;
        let name = format!("Corrected{}^Anna", self.told);
        if let Some(person) = self.whose(tube).and_then(|at| self.patients.get_mut(at)) {
            person.name = name;
            if is_reborn {
                person.born = if person.born == "19800102" { "19790203" } else { "19800102" };
            }
        }
        self.head("ADT^A08^ADT_A01", tube)
    }

    fn head(&self, kind: &str, tube: usize) -> String {
        let unknown = Person { number: String::new(), name: String::new(), born: "" };
        let person = self.whose(tube).and_then(|at| self.patients.get(at)).unwrap_or(&unknown);
        let Person { number, name, born } = person;
        format!(
            "MSH|^~\\&|LIMS|HOSP|labwire||20260501080000||{kind}|M{}|P|2.5.1\r\
             PID|1||{number}^^^{}^MR||{name}||{born}|F\r",
            self.told, self.authority
        )
    }

    /// What it knows of a tube, as JSON in the shape of docs/orders.schema.json.
    pub fn known_of(&self, label: &str) -> String {
        let orders = self.orders.iter().filter(|(_, it)| it.stands && self.label(it.tube) == label);
        let person = self.person_of(label);
        let orders: Vec<_> = orders
            .map(|(number, it)| {
                json!({
                    "action": "place", "placer": number, "specimen": label, "specimen_kind": "SER",
                    "test": self.tests.get(it.test),
                    "patient": {
                        "id": person.map_or("", |it| &it.number), "authority": self.authority,
                        "name": person.map_or("", |it| &it.name),
                        "birth_date": person.map_or("", |it| it.born), "sex": "F", "location": "WARD3",
                    },
                })
            })
            .collect();
        json!({ "orders": orders }).to_string()
    }
}

/// The line on which a LIMS tells: HL7 over MLLP, one message and its answer after the other.
#[derive(Debug)]
pub struct OrderLine {
    stream: TcpStream,
}

impl OrderLine {
    pub async fn connect(address: &str) -> io::Result<OrderLine> {
        Ok(OrderLine { stream: TcpStream::connect(address).await? })
    }

    /// Says a message without waiting for the answer.
    pub async fn say(&mut self, message: &str) -> io::Result<()> {
        self.stream.write_all(&[b"\x0B", message.as_bytes(), b"\x1C\r"].concat()).await
    }

    /// Says a message and returns the answer, with `/` between the segments. Fails where none comes within ten seconds.
    pub async fn tell(&mut self, message: &str) -> io::Result<String> {
        self.say(message).await?;
        let hearing = async {
            let mut block = Vec::new();
            while !block.ends_with(b"\x1C\r") {
                block.push(self.stream.read_u8().await?);
            }
            Ok::<_, io::Error>(block)
        };
        let block =
            tokio::time::timeout(Duration::from_secs(10), hearing).await.map_err(io::Error::from)??;
        let text = block.get(1..block.len().saturating_sub(2)).unwrap_or_default();
        Ok(String::from_utf8_lossy(text).replace('\r', "/"))
    }
}

/// How a LIMS meets a question about a tube.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conduct {
    Answer,
    /// After this long.
    Late(Duration),
    /// With 503.
    Down,
}

/// Where a LIMS can be asked about a tube: `GET /orders?specimen=T1`. Dropping it ends it.
#[derive(Debug)]
pub struct OrderDesk {
    address: SocketAddr,
    shared: Arc<Desk>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Desk {
    books: Arc<Mutex<Books>>,
    conduct: Mutex<Conduct>,
    asked: Mutex<Vec<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl OrderDesk {
    /// Port 0 takes a free one.
    pub async fn start(
        listen: SocketAddr,
        books: Arc<Mutex<Books>>,
        conduct: Conduct,
    ) -> io::Result<OrderDesk> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Desk { books, conduct: Mutex::new(conduct), asked: Mutex::default() });
        let routes = Router::new().route("/orders", get(answer)).with_state(Arc::clone(&shared));
        // Accept errors are retried inside.
        let server = tokio::spawn(async move { drop(axum::serve(listener, routes).await) });
        Ok(OrderDesk { address, shared, server })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn conduct(&self, conduct: Conduct) {
        *lock(&self.shared.conduct) = conduct;
    }

    /// The labels that were asked for, in their order.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.shared.asked).clone()
    }
}

impl Drop for OrderDesk {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(desk): State<Arc<Desk>>, Query(asked): Query<BTreeMap<String, String>>) -> Response {
    let label = asked.get("specimen").cloned().unwrap_or_default();
    lock(&desk.asked).push(label.clone());
    let conduct = *lock(&desk.conduct);
    match conduct {
        Conduct::Answer => {}
        Conduct::Late(time) => tokio::time::sleep(time).await,
        Conduct::Down => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
    lock(&desk.books).known_of(&label).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_changes_its_mind_in_the_same_way() {
        let said = |seed| {
            let mut books = Books::new(seed, 3, &["GLU", "UREA"]);
            (0..60).map(|_| books.change()).collect::<Vec<_>>()
        };
        assert_eq!(said(7), said(7));
        assert_ne!(said(7), said(8));
        let all = said(7).concat();
        for word in ["ORC|NW|", "ORC|CA|", "ORC|XO|", "MRG|", "ADT^A08", "Renamed", "19790203"] {
            assert!(all.contains(word), "{word}");
        }
    }

    #[test]
    fn tubes_of_one_patient_have_one_name_and_another_lims_may_use_the_number() {
        let mut books = Books::new(3, 4, &["GLU"]).shared_by(2).of_its_own('U');
        assert_eq!(books.tubes().collect::<Vec<_>>(), ["U1", "U2", "U3", "U4"]);
        for _ in 0..40 {
            let said = books.change();
            assert!(!said.contains("^HOSP^"), "{said}");
            assert_eq!(books.particulars("U1"), books.particulars("U3"));
            assert_eq!(books.patient("U2"), books.patient("U4"));
        }
        assert_ne!(books.particulars("U1"), books.particulars("U2"));
    }

    #[test]
    fn what_stands_is_what_was_placed_and_not_cancelled() {
        let mut books = Books::new(1, 1, &["GLU"]);
        let order = Ordered { tube: 0, test: 0, stands: true };
        books.say("P1".to_owned(), order, Word::Place);
        assert_eq!(books.standing("T1"), BTreeSet::from(["GLU".to_owned()]));
        assert!(books.known_of("T1").contains("\"placer\":\"P1\""));
        books.say("P1".to_owned(), Ordered { stands: false, ..order }, Word::Cancel);
        assert!(books.standing("T1").is_empty());
        assert_eq!(books.known_of("T1"), r#"{"orders":[]}"#);
        let merged = books.merge();
        assert!(merged.contains("PID|1||EXM1^") && merged.contains("MRG|EX1^"), "{merged}");
        assert_eq!(books.patient("T1"), Some("EXM1"));
    }
}
