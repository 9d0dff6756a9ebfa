//! A LIMS that tells orders, by hand, and what an analyzer that asks is told. Nothing here judges.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use labsim::lims::Lims;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{Lab, connect, free_port, lims, listener};

/// A LIMS's connection, by hand.
pub(crate) struct Teller {
    pub(crate) line: TcpStream,
}

impl Teller {
    pub(crate) async fn connect(address: SocketAddr) -> Teller {
        Teller { line: connect(address).await }
    }

    /// Sends a message and returns the answer.
    pub(crate) async fn tell(&mut self, message: &str) -> String {
        self.line.write_all(&[b"\x0B", message.as_bytes(), b"\x1C\r"].concat()).await.unwrap();
        self.hear().await
    }

    /// The next message.
    pub(crate) async fn hear(&mut self) -> String {
        let mut block = Vec::new();
        let reading = async {
            while !block.ends_with(b"\x1C\r") {
                block.push(self.line.read_u8().await.unwrap());
            }
        };
        timeout(Duration::from_secs(10), reading).await.unwrap();
        String::from_utf8(block.get(1..block.len() - 2).unwrap().to_vec()).unwrap().replace('\r', "/")
    }
}

/// An OML^O33 about one tube: each order's control, number and test.
pub(crate) fn oml(id: &str, tube: &str, orders: &[(&str, &str, &str)]) -> String {
    use std::fmt::Write;
    let mut text = format!(
        "MSH|^~\\&|LIMS|HOSP|labwire||20260501080000||OML^O33^OML_O33|{id}|P|2.5.1\r\
         PID|1||EX77^^^HOSP^MR||Example^Anna||19800102|F\rPV1|1|I|WARD3\rSPM|1|{tube}||SER\r"
    );
    for (control, number, test) in orders {
        write!(text, "ORC|{control}|{number}\rTQ1|||||||||R\rOBR|1|{number}||{test}\r").unwrap();
    }
    text
}

/// A laboratory with an Erba XL, and a LIMS that tells orders.
pub(crate) async fn laboratory() -> (Lims, Lab, SocketAddr, SocketAddr) {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let (analyzer, orders) = (free_port(), free_port());
    let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
    let table = format!("[orders.lims]\nkind = \"mllp\"\nlisten = \"{orders}\"\nallow = [\"127.0.0.1\"]\n");
    fs::write(lab.path("labwire.toml"), site + &table).unwrap();
    lab.instrument("erba", "erba-xl", "", &listener(analyzer));
    (lims, lab, analyzer, orders)
}

/// What the analyzer asks about these tubes.
pub(crate) fn query(tubes: &str) -> String {
    format!("H|`^&||||||||||P|E 1394-97|20260501100000\rQ|1|{tubes}|||S|||||||O\rL|1|N\r")
}

/// The tests that an answer names for each tube.
pub(crate) fn told(answer: &str) -> Vec<(String, Vec<String>)> {
    let orders = answer.split('\r').filter(|record| record.starts_with("O|"));
    let order = |record: &str| {
        let fields: Vec<&str> = record.split('|').collect();
        let tests = fields.get(4).unwrap().split('`').map(|test| test.trim_start_matches('^').to_owned());
        ((*fields.get(2).unwrap()).to_owned(), tests.collect())
    };
    orders.map(order).collect()
}
