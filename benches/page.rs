//! How long the page and the scan box take while results come in, with few and with millions of observations stored, and what
//! twenty people who look at the page add to the time in which a message is acknowledged.
//!
//! The journal is a real one of one message, multiplied in SQL without syncing: its rows are those that the gateway makes,
//! but for their hashes. `LABWIRE_BENCH_OBSERVATIONS=10000,1000000` asks for other sizes than the default.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(clippy::unwrap_used, reason = "a benchmark may stop at the first surprise")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use labsim::lims::mllp::{next_block, write_block};
use labsim::lims::{Lims, Setup};
use rusqlite::Connection;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

#[path = "../tests/support/port.rs"]
mod port;
use port::free_port;

/// Observations in the journal.
const SIZES: &str = "10000,1000000,5000000";
/// Results of the message that is multiplied.
const RESULTS: u64 = 10;
/// The first test's code, which the profile knows; the others follow it.
const FIRST_TEST: u64 = 10_020;
/// Its specimen; a copy's number has as many characters.
const TEMPLATE: &str = "F0000000000";
/// Over how long the copies are spread, in microseconds: half a year.
const SPREAD: u64 = 180 * 24 * 3_600 * 1_000_000;
/// Copies made by one statement.
const AT_ONCE: u64 = 50_000;

/// Pages fetched of each kind.
const FETCHES: usize = 400;
/// Between two messages: ten a second.
const PACE: Duration = Duration::from_millis(100);
const VIEWERS: usize = 20;
/// Rounds without and with viewers, turn by turn, so that a machine that is busy is so for both.
const ROUNDS: usize = 6;
/// Messages of a round.
const MESSAGES: usize = 100;

/// The running gateway; dropping it ends it.
struct Gateway {
    child: Child,
    analyzer: SocketAddr,
    page: SocketAddr,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let lims = Lims::start(Setup::default()).await.unwrap();
    configure(folder.path(), &lims.url());
    template(folder.path()).await;
    let sizes = std::env::var("LABWIRE_BENCH_OBSERVATIONS").unwrap_or_else(|_| SIZES.to_owned());
    let mut copies = 0;
    for size in sizes.split(',') {
        let wanted = size.trim().parse::<u64>().unwrap() / RESULTS - 1;
        let began = Instant::now();
        multiply(&folder.path().join("labwire.db"), copies, wanted);
        copies = copies.max(wanted);
        println!("{size} observations, filled in {:.0?}:", began.elapsed());
        let gateway = start(folder.path()).await;
        fetches(&gateway, copies).await;
        viewers(&gateway).await;
    }
}

fn configure(folder: &Path, lims: &str) {
    fs::create_dir_all(folder.join("instruments.d")).unwrap();
    let (analyzer, page) = (free_port(), free_port());
    let site = format!(
        "site = \"Example laboratory\"\ncontrol_socket = \"sock\"\n[journal]\npath = \"labwire.db\"\n\
         [page]\nlisten = \"{page}\"\n[log]\nfilter = \"off\"\n[destination.lims]\nurl = \"{lims}\"\n"
    );
    fs::write(folder.join("labwire.toml"), site).unwrap();
    let mut instrument = format!(
        "profile = \"roche-cobas-pro\"\ntime_zone = \"UTC\"\n[tcp_server]\nlisten = \"{analyzer}\"\nallow = [\"127.0.0.1\"]\n"
    );
    for test in (1..RESULTS).map(|number| FIRST_TEST + number) {
        writeln!(instrument, "[codes.{test}]\nresult = \"quantity\"").unwrap();
    }
    fs::write(folder.join("instruments.d/cobas.toml"), instrument).unwrap();
    fs::write(folder.join("ports"), format!("{analyzer} {page}")).unwrap();
}

async fn start(folder: &Path) -> Gateway {
    let ports = fs::read_to_string(folder.join("ports")).unwrap();
    let (analyzer, page) = ports.split_once(' ').unwrap();
    let (analyzer, page) = (analyzer.parse().unwrap(), page.parse().unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_labwire"));
    command.args(["run", "--config"]).arg(folder);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let gateway = Gateway { child, analyzer, page };
    while !fetch(page, "/ready").await.starts_with("HTTP/1.1 200") {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(fetch(page, "/api/status").await.contains("\"balanced\":true"), "the sums balance");
    gateway
}

/// A journal with one message, delivered.
async fn template(folder: &Path) {
    let gateway = start(folder).await;
    let mut line = connect(gateway.analyzer).await;
    acknowledged(&mut line, &message("T", TEMPLATE, RESULTS)).await;
    while !fetch(gateway.page, "/api/status").await.contains(&format!("\"accepted\":{RESULTS}")) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A table, which of its rows are the template's, and what differs in a copy: by column, in SQL.
type Copied = (&'static str, &'static str, Vec<(&'static str, String)>);

/// Makes copies of the first message and of all that came of it, from the one after `before` up to `wanted`.
fn multiply(journal: &PathBuf, before: u64, wanted: u64) {
    if wanted <= before {
        return;
    }
    let connection = Connection::open(journal).unwrap();
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; BEGIN").unwrap();
    // Beyond all that is there already, so that what came since the last filling keeps its numbers.
    let base = (1 + before) * 1_000_000_000;
    let step = SPREAD / wanted;
    let number = "printf('F%010d', i)";
    let of_specimen = format!("replace({{}}, '{TEMPLATE}', {number})");
    let told = |column: &str| of_specimen.replace("{}", column);
    let bytes =
        |column: &str| format!("CAST(replace(CAST({column} AS TEXT), '{TEMPLATE}', {number}) AS BLOB)");
    let once = |column: &str| format!("{column} + {base} + i");
    let each = |column: &str| format!("{column} + {base} + i * {RESULTS}");
    let earlier = |column: &str| format!("{column} - i * {step}");
    let tables: [Copied; 9] = [
        (
            "transfer",
            "id = 1",
            vec![
                ("id", once("id")),
                ("began_at", earlier("began_at")),
                ("ended_at", format!("coalesce(ended_at, began_at) - i * {step}")),
                ("ending", "'ended'".to_owned()),
            ],
        ),
        (
            "parcel",
            "transfer = 1",
            vec![
                ("id", once("id")),
                ("transfer", once("transfer")),
                ("received_at", earlier("received_at")),
                ("raw", bytes("raw")),
            ],
        ),
        (
            "message",
            "id = 1",
            vec![
                ("id", once("id")),
                ("transfer", once("transfer")),
                ("first_parcel", once("first_parcel")),
                ("last_parcel", once("last_parcel")),
                ("received_at", earlier("received_at")),
                ("processed_at", earlier("processed_at")),
                ("fingerprint", format!("CAST({number} AS BLOB)")),
            ],
        ),
        (
            "observation",
            "message = 1",
            vec![
                ("id", each("id")),
                ("message", once("message")),
                ("specimen", told("specimen")),
                ("recorded_at", earlier("recorded_at")),
                ("detail", told("detail")),
            ],
        ),
        (
            "delivery",
            "id = 1",
            vec![
                ("id", once("id")),
                ("specimen", told("specimen")),
                ("key", "key || '-' || i".to_owned()),
                ("payload", bytes("payload")),
                ("due_at", earlier("due_at")),
                ("created_at", earlier("created_at")),
                ("settled_at", earlier("settled_at")),
            ],
        ),
        (
            "ledger",
            "delivery = 1",
            vec![
                ("observation", each("observation")),
                ("specimen", told("specimen")),
                ("lane", told("lane")),
                ("delivery", once("delivery")),
                ("changed_at", earlier("changed_at")),
            ],
        ),
        ("owed", "message = 1", vec![("message", once("message"))]),
        (
            "attempt",
            "delivery = 1",
            vec![("id", once("id")), ("delivery", once("delivery")), ("began_at", earlier("began_at"))],
        ),
        (
            "answer",
            "attempt = (SELECT id FROM attempt WHERE delivery = 1)",
            vec![("attempt", once("attempt")), ("ended_at", earlier("ended_at"))],
        ),
    ];
    let mut from = before + 1;
    while from <= wanted {
        let to = wanted.min(from + AT_ONCE - 1);
        for (table, of_template, shifted) in &tables {
            let columns = columns(&connection, table);
            let value = |column: &String| {
                shifted
                    .iter()
                    .find(|(name, _)| name == column)
                    .map_or(column.clone(), |(_, value)| value.clone())
            };
            let values: Vec<String> = columns.iter().map(value).collect();
            let statement = format!(
                "WITH RECURSIVE n (i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {to})
                 INSERT INTO {table} ({}) SELECT {} FROM n, (SELECT * FROM {table} WHERE {of_template})",
                columns.join(", "),
                values.join(", ")
            );
            connection.execute(&statement, []).unwrap();
        }
        connection.execute_batch("COMMIT; BEGIN").unwrap();
        from = to + 1;
    }
    let made = wanted - before;
    let counted = [("read", 1), ("received", RESULTS), ("new", RESULTS), ("owed", RESULTS)];
    for (name, each) in counted {
        let counted = format!("UPDATE counter SET value = value + {} WHERE name = '{name}'", each * made);
        connection.execute(&counted, []).unwrap();
    }
    connection.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
}

fn columns(connection: &Connection, table: &str) -> Vec<String> {
    let mut statement =
        connection.prepare(&format!("SELECT name FROM pragma_table_info('{table}')")).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// The bench and specimens from all over the journal, while ten messages a second come in.
async fn fetches(gateway: &Gateway, copies: u64) {
    let (analyzer, page) = (gateway.analyzer, gateway.page);
    let ingest: JoinHandle<()> = tokio::spawn(async move {
        let mut line = connect(analyzer).await;
        for number in 0.. {
            let name = format!("I{copies}-{number}");
            acknowledged(&mut line, &message(&name, &name, 1)).await;
            tokio::time::sleep(PACE).await;
        }
    });
    let (mut benches, mut scans) = (Vec::new(), Vec::new());
    for number in 0..u64::try_from(FETCHES).unwrap() {
        benches.push(timed(page, "/").await);
        let tube = 1 + (number * 7_919) % copies.max(1);
        let path = format!("/specimen?id=F{tube:010}");
        scans.push(timed(page, &path).await);
    }
    ingest.abort();
    print("page", &mut benches);
    print("scan box", &mut scans);
}

async fn timed(page: SocketAddr, path: &str) -> Duration {
    let began = Instant::now();
    let answer = fetch(page, path).await;
    let took = began.elapsed();
    assert!(answer.starts_with("HTTP/1.1 200"), "{path}");
    assert!(path == "/" || answer.contains("/message/"), "{path} shows its way");
    took
}

/// From a message's last byte to its acknowledgement, without and with people who look.
async fn viewers(gateway: &Gateway) {
    let mut line = connect(gateway.analyzer).await;
    let mut took = [Vec::new(), Vec::new()];
    for round in 0..ROUNDS {
        for (looking, took) in took.iter_mut().enumerate() {
            let open: Vec<JoinHandle<()>> =
                (0..looking * VIEWERS).map(|_| tokio::spawn(look(gateway.page))).collect();
            tokio::time::sleep(Duration::from_secs(1)).await;
            for number in 0..MESSAGES {
                let name = format!("V{}-{round}-{looking}-{number}", std::process::id());
                let began = Instant::now();
                acknowledged(&mut line, &message(&name, &name, 1)).await;
                took.push(began.elapsed());
                tokio::time::sleep(PACE / 4).await;
            }
            open.iter().for_each(JoinHandle::abort);
        }
    }
    let [alone, watched] = &mut took;
    print("ACK, nobody looks", alone);
    print(&format!("ACK, {VIEWERS} look"), watched);
    let ratio = median(watched).as_secs_f64() / median(alone).as_secs_f64();
    println!("  {VIEWERS} viewers make the median of ACK {:+.1} %", (ratio - 1.0) * 100.0);
}

/// An open page: it fetches itself whenever it is told that something changed.
async fn look(page: SocketAddr) {
    let mut line = BufReader::new(TcpStream::connect(page).await.unwrap());
    let asked = format!("GET /events HTTP/1.1\r\nHost: {page}\r\n\r\n");
    line.write_all(asked.as_bytes()).await.unwrap();
    let mut text = String::new();
    while line.read_line(&mut text).await.unwrap() > 0 {
        if text.contains("event: changed") {
            fetch(page, "/").await;
        }
        text.clear();
    }
}

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

async fn fetch(page: SocketAddr, path: &str) -> String {
    let mut line = connect(page).await;
    let asked = format!("GET {path} HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\n\r\n");
    line.write_all(asked.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    line.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

async fn acknowledged(line: &mut BufReader<TcpStream>, message: &str) {
    write_block(line, message.as_bytes()).await.unwrap();
    let answer = next_block(line).await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&answer).contains("MSA|"), "it is acknowledged");
}

fn message(control_id: &str, specimen: &str, results: u64) -> String {
    let mut message = format!(
        "MSH|^~\\&|cobas pro||Host||20260501120000||OUL^R22^OUL_R22|{control_id}|P|2.5.1|||NE|AL||UNICODE UTF-8\r\
         SPM|1|{specimen}&BARCODE||SERPLAS|||||||P\r"
    );
    for number in 1..=results {
        let test = FIRST_TEST + number - 1;
        write!(
            message,
            "OBR|{number}|\"\"||{test}\rOBX|1|NM|{test}|1|1.{number}|ng/dL|||||F|||||||e801~77|20260501115500\r"
        )
        .unwrap();
    }
    message
}

fn median(took: &mut [Duration]) -> Duration {
    took.sort();
    took.get(took.len() / 2).copied().unwrap_or_default()
}

fn print(what: &str, took: &mut [Duration]) {
    let p50 = median(took);
    let p99 = took.get(took.len() * 99 / 100).copied().unwrap_or_default();
    let max = took.last().copied().unwrap_or_default();
    println!("  {what:<18} p50 {p50:>9.2?}  p99 {p99:>9.2?}  worst {max:>9.2?}");
}
