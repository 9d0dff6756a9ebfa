//! Messages over MLLP a second, each sent once the one before it is answered, on one connection and on sixteen: the
//! gateway, which has each on disk before it answers, beside servers of others, which store nothing. The rounds are
//! interleaved, so that a machine that is busy is so for all; a server that isn't installed is left out.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(clippy::unwrap_used, reason = "a benchmark may stop at the first surprise")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use labsim::lims::mllp::{next_block, write_block};
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

#[path = "../tests/support/port.rs"]
mod port;
use port::free_port;

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);
const CONNECTIONS: [usize; 2] = [1, 16];

/// How long a connection lasts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Connection {
    Kept,
    /// For one message: the server answers those before it on the connection again.
    Renewed,
}

/// A running server; dropping it ends it.
struct Server {
    name: &'static str,
    child: Child,
    address: SocketAddr,
    connection: Connection,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut servers = vec![gateway(folder.path())];
    for (name, found) in [("python-hl7", python()), ("node-hl7-server", node())] {
        match found {
            Some(server) => servers.push(server),
            None => println!("{name} isn't in target/peers and is left out; .ci/run installs it"),
        }
    }
    for server in &servers {
        runtime.block_on(connect(server.address));
    }
    let mut rates = vec![vec![Vec::new(); CONNECTIONS.len()]; servers.len()];
    for round in 0..ROUNDS {
        for (server, rates) in servers.iter().zip(&mut rates) {
            for (connections, rates) in CONNECTIONS.iter().zip(rates) {
                rates.push(runtime.block_on(measure(server, *connections, round)));
            }
        }
    }
    print(&servers, &rates);
}

fn gateway(folder: &Path) -> Server {
    let (address, page) = (free_port(), free_port());
    fs::create_dir_all(folder.join("instruments.d")).unwrap();
    let site = format!(
        "site = \"Example laboratory\"\ncontrol_socket = \"sock\"\n[journal]\npath = \"labwire.db\"\n\
         [page]\nlisten = \"{page}\"\n[log]\nfilter = \"off\"\n"
    );
    fs::write(folder.join("labwire.toml"), site).unwrap();
    let instrument = format!(
        "profile = \"roche-cobas-pro\"\ntime_zone = \"UTC\"\n[tcp_server]\nlisten = \"{address}\"\nallow = [\"127.0.0.1\"]\nmax_connections = 64\n"
    );
    fs::write(folder.join("instruments.d/cobas.toml"), instrument).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_labwire"));
    command.args(["run", "--config"]).arg(folder);
    start("labwire", command, address, Connection::Kept).unwrap()
}

fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers")
}

fn python() -> Option<Server> {
    let mut command = Command::new(peers().join("python/bin/python"));
    let address = free_port();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/server.py");
    command.arg(script).arg(address.port().to_string());
    start("python-hl7", command, address, Connection::Kept)
}

fn node() -> Option<Server> {
    if !peers().join("node_modules/node-hl7-server").exists() {
        return None;
    }
    let script = peers().join("server.mjs");
    fs::write(&script, include_str!("../tests/peers/server.mjs")).unwrap();
    let mut command = Command::new("node");
    let address = free_port();
    command.arg(script).arg(address.port().to_string());
    start("node-hl7-server", command, address, Connection::Renewed)
}

/// `None` where there is no such program.
fn start(
    name: &'static str,
    mut command: Command,
    address: SocketAddr,
    connection: Connection,
) -> Option<Server> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().ok()?;
    Some(Server { name, child, address, connection })
}

/// Connects as soon as somebody listens.
async fn connect(address: SocketAddr) -> BufReader<TcpStream> {
    loop {
        match TcpStream::connect(address).await {
            Ok(line) => {
                line.set_nodelay(true).unwrap();
                return BufReader::new(line);
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Messages a second by all connections together.
async fn measure(server: &Server, connections: usize, round: usize) -> f64 {
    let mut clients = JoinSet::new();
    let began = Instant::now();
    for client in 0..connections {
        clients.spawn(play(
            server.address,
            server.connection,
            format!("{round}-{connections}-{client}"),
            began,
        ));
    }
    let answered: usize = clients.join_all().await.into_iter().sum();
    answered as f64 / began.elapsed().as_secs_f64()
}

async fn play(address: SocketAddr, connection: Connection, name: String, began: Instant) -> usize {
    let mut line = connect(address).await;
    for number in 0.. {
        if began.elapsed() >= ROUND {
            return number;
        }
        if connection == Connection::Renewed && number > 0 {
            line = connect(address).await;
        }
        let control_id = format!("{name}-{number}");
        write_block(&mut line, message(&control_id).as_bytes()).await.unwrap();
        let answer = next_block(&mut line).await.unwrap().unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.contains(&format!("|{control_id}")), "{answer}");
    }
    0
}

fn message(control_id: &str) -> String {
    format!(
        "MSH|^~\\&|cobas pro||Host||20260501120000||OUL^R22^OUL_R22|{control_id}|P|2.5.1|||NE|AL||UNICODE UTF-8\r\
         SPM|1|S{control_id}&BARCODE||SERPLAS|||||||P\r\
         OBR|1|\"\"||10020\r\
         OBX|1|NM|10020|1|1.12|ng/dL|||||F|||||||e801~77|20260501115500\r"
    )
}

fn print(servers: &[Server], rates: &[Vec<Vec<f64>>]) {
    let median = |rates: &Vec<f64>| {
        let mut sorted = rates.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    };
    let medians: Vec<Vec<f64>> = rates.iter().map(|rates| rates.iter().map(median).collect()).collect();
    let ours = medians.first().cloned().unwrap_or_default();
    for (server, medians) in servers.iter().zip(&medians) {
        for ((connections, rate), ours) in CONNECTIONS.iter().zip(medians).zip(&ours) {
            let (name, ratio) = (server.name, ours / rate);
            println!(
                "{name:<16} {connections:>2} connections: {rate:>8.0} a second; labwire is {ratio:.2} times that"
            );
        }
    }
}
