//! HL7 servers that others wrote, as the LIMS of the real program: each result is settled once, by its own answer.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use labsim::lims::mllp::{next_block, write_block};

use super::peers;
use super::support::*;

const TIME: &str = "20260102030405";

/// A server at work; dropping it ends it.
struct Server {
    child: Child,
    address: SocketAddr,
    /// The control IDs of the messages that it was shown, in order.
    shown: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Runs a program that takes its port as its argument, and waits until it listens.
    async fn start(command: &mut Command) -> Server {
        let address = free_port();
        let mut child = command.arg(address.port().to_string()).stdout(Stdio::piped()).spawn().unwrap();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (lines, list) = (BufReader::new(child.stdout.take().unwrap()).lines(), Arc::clone(&shown));
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                list.lock().unwrap().push(line);
            }
        });
        let server = Server { child, address, shown };
        drop(connect(address).await);
        server
    }

    /// How often it was shown each message.
    fn shown(&self) -> BTreeMap<String, usize> {
        let mut times = BTreeMap::new();
        for control_id in self.shown.lock().unwrap().iter() {
            *times.entry(control_id.clone()).or_default() += 1;
        }
        times
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn python() -> Server {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/server.py");
    Server::start(Command::new(peers().join("python/bin/python")).arg(script)).await
}

/// Its modules are found from where the script lies.
async fn node() -> Server {
    let script = peers().join("server.mjs");
    fs::write(&script, include_str!("server.mjs")).unwrap();
    Server::start(Command::new("node").arg(script)).await
}

/// A laboratory with one Erba XL whose results go there by HL7.
async fn laboratory(server: &Server) -> (Lab, SocketAddr) {
    let unused = lims().await;
    let lab = Lab::new(&unused, "");
    let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
    let (before, _) = site.split_once("[destination.lims]").unwrap();
    let destination = format!("[destination.lims]\nkind = \"mllp\"\nconnect = \"{}\"\n", server.address);
    fs::write(lab.path("labwire.toml"), format!("{before}{destination}")).unwrap();
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    (lab, address)
}

/// Sends eight results at once, of which the odd ones are refused, and checks that each has its own verdict.
async fn each_is_settled_by_its_own_answer(server: &Server) {
    let (lab, address) = laboratory(server).await;
    let gateway = lab.start().await;
    for number in 0..8 {
        send(address, &glucose(&format!("EX{number:04}"), "5.40", "F", TIME)).await;
    }
    until("all are settled", || lab.count("accepted") + lab.count("refused") == 8).await;
    let refused = lab.text(&["dead-letters"]);
    for number in 0..8 {
        let specimen = format!("EX{number:04}");
        assert_eq!(refused.contains(&specimen), number % 2 == 1, "{specimen}: {refused}");
    }
    assert_eq!((lab.count("accepted"), server.shown().len()), (4, 8));
    let log = fs::read_to_string(lab.path("log")).unwrap();
    for (answer, times) in [("answered AA", 4), ("answered AE", 4), ("verdict=Unknown", 0)] {
        assert_eq!(log.matches(answer).count(), times, "{answer}");
    }
    assert!(gateway.terminate().success());
    lab.must_balance();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PyPI's hl7 in target/peers/python"]
async fn python_s_server_settles_each_message_once() {
    let server = python().await;
    each_is_settled_by_its_own_answer(&server).await;
    assert!(server.shown().values().all(|times| *times == 1), "{:?}", server.shown());
}

/// How many answers come to the last of three messages on one connection.
async fn answers_to_the_third(address: SocketAddr) -> usize {
    let mut line = connect(address).await;
    for number in 1..=3 {
        let message = format!("MSH|^~\\&|||||||ORU^R01|T{number}|P|2.5.1\rOBX|1|NM|K|1|4.1\rSPM|1|T2\r");
        write_block(&mut line, message.as_bytes()).await.unwrap();
        for answers in 1.. {
            let answer = next_block(&mut line).await.unwrap().unwrap();
            if String::from_utf8(answer).unwrap().contains(&format!("|T{number}")) {
                if number == 3 {
                    return answers;
                }
                break;
            }
        }
    }
    0
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs npm's node-hl7-server in target/peers"]
async fn node_s_server_settles_each_message_once_though_it_answers_the_earlier_ones_again() {
    let server = node().await;
    assert_eq!(answers_to_the_third(server.address).await, 3, "it has mended its ways; let this test go");
    server.shown.lock().unwrap().clear();
    each_is_settled_by_its_own_answer(&server).await;
    assert!(server.shown().values().any(|times| *times > 1), "one connection was kept: {:?}", server.shown());
}
