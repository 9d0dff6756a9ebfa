//! How long an analyzer waits for the answer to "what am I to run on this tube?": from its EOT to the first byte and to the
//! last frame, with few and with 100,000 orders known, beside the bare turnaround of a frame on the same line.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(clippy::unwrap_used, reason = "a benchmark may stop at the first surprise")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use labsim::frame::{self, ACK, ENQ, EOT, FrameEnd, Part};
use labsim::lims::OrderLine;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[path = "../tests/support/port.rs"]
mod port;
use port::free_port;

/// Orders known, four a tube.
const KNOWN: [usize; 2] = [400, 100_000];
/// Tubes of one message of the LIMS.
const TOLD_AT_ONCE: usize = 100;
const QUERIES: usize = 400;
const TESTS: [&str; 4] = ["GLCC", "CRR", "ALTT", "NA"];

/// The running gateway; dropping it ends it.
struct Gateway(Child);

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What one query took.
struct Took {
    /// From a frame's last byte to its ACK; the frame is on disk.
    turnaround: Duration,
    first_byte: Duration,
    last_frame: Duration,
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (analyzer, orders) = (free_port(), free_port());
    let _gateway = gateway(folder.path(), analyzer, orders);
    let mut line = connect(analyzer).await;
    let mut told = 0;
    for known in KNOWN {
        let began = Instant::now();
        told = tell(orders, told, known / TESTS.len()).await;
        let filled = began.elapsed();
        let mut took = Vec::new();
        for number in 0..QUERIES {
            // Spread over all that is known.
            let tube = (number * 7919) % told;
            took.push(ask(&mut line, tube).await);
        }
        print(known, filled, &took);
    }
}

fn gateway(folder: &Path, analyzer: SocketAddr, orders: SocketAddr) -> Gateway {
    fs::create_dir_all(folder.join("instruments.d")).unwrap();
    let site = format!(
        "site = \"Example laboratory\"\ncontrol_socket = \"sock\"\n[journal]\npath = \"labwire.db\"\n\
         [page]\nlisten = \"{}\"\n[log]\nfilter = \"off\"\n[orders.lims]\nkind = \"mllp\"\nlisten = \"{orders}\"\nallow = [\"127.0.0.1\"]\n",
        free_port()
    );
    fs::write(folder.join("labwire.toml"), site).unwrap();
    let instrument = format!(
        "profile = \"erba-xl\"\ntime_zone = \"UTC\"\n[tcp_server]\nlisten = \"{analyzer}\"\nallow = [\"127.0.0.1\"]\n"
    );
    fs::write(folder.join("instruments.d/erba.toml"), instrument).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_labwire"));
    command.args(["run", "--config"]).arg(folder);
    Gateway(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap())
}

async fn connect(address: SocketAddr) -> TcpStream {
    loop {
        match TcpStream::connect(address).await {
            Ok(line) => {
                line.set_nodelay(true).unwrap();
                return line;
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

fn label(tube: usize) -> String {
    format!("T{tube:06}")
}

/// Tells orders until these many tubes have some; returns how many have.
async fn tell(orders: SocketAddr, mut told: usize, tubes: usize) -> usize {
    drop(connect(orders).await);
    let mut line = OrderLine::connect(&orders.to_string()).await.unwrap();
    while told < tubes {
        let mut message = format!(
            "MSH|^~\\&|LIMS|HOSP|labwire||20260501080000||OML^O33^OML_O33|M{told}|P|2.5.1\r\
             PID|1||EX77^^^HOSP^MR||Example^Anna||19800102|F\r"
        );
        for tube in told..(told + TOLD_AT_ONCE).min(tubes) {
            write!(message, "SPM|1|{}||SER\r", label(tube)).unwrap();
            for test in TESTS {
                write!(message, "ORC|NW|{tube}-{test}\rOBR|1|{tube}-{test}||{test}\r").unwrap();
            }
        }
        let answer = line.tell(&message).await.unwrap();
        assert!(answer.contains("/MSA|AA|"), "{answer}");
        told = (told + TOLD_AT_ONCE).min(tubes);
    }
    told
}

async fn ask(line: &mut TcpStream, tube: usize) -> Took {
    let label = label(tube);
    line.write_all(&[ENQ]).await.unwrap();
    assert_eq!(line.read_u8().await.unwrap(), ACK);
    let records =
        ["H|`^&||||||||||P|E 1394-97|20260501100000", &format!("Q|1|^{label}|||S|||||||O"), "L|1|N"];
    let mut turnaround = Duration::ZERO;
    for (number, record) in (1_u8..).zip(records) {
        let part = Part { text: format!("{record}\r").into(), end: FrameEnd::Etx, ends_message: number == 3 };
        let sent = Instant::now();
        line.write_all(&frame::emit(number, &part)).await.unwrap();
        assert_eq!(line.read_u8().await.unwrap(), ACK);
        turnaround = sent.elapsed();
    }
    let asked = Instant::now();
    line.write_all(&[EOT]).await.unwrap();
    assert_eq!(line.read_u8().await.unwrap(), ENQ);
    let first_byte = asked.elapsed();
    line.write_all(&[ACK]).await.unwrap();
    let (mut answer, mut last_frame) = (Vec::new(), Duration::ZERO);
    loop {
        let byte = line.read_u8().await.unwrap();
        answer.push(byte);
        match byte {
            b'\n' => {
                last_frame = asked.elapsed();
                line.write_all(&[ACK]).await.unwrap();
            }
            EOT => break,
            _ => {}
        }
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.contains(&label) && answer.contains("GLCC"), "{answer}");
    Took { turnaround, first_byte, last_frame }
}

fn print(known: usize, filled: Duration, took: &[Took]) {
    let at = |of: fn(&Took) -> Duration, rank: usize| {
        let mut all: Vec<Duration> = took.iter().map(of).collect();
        all.sort();
        all.get((all.len() * rank / 100).min(all.len() - 1)).copied().unwrap_or_default().as_secs_f64() * 1e3
    };
    println!(
        "{known} orders known (the last of them told in {:.1} s), {} queries, ms:",
        filled.as_secs_f64(),
        took.len()
    );
    let bare = at(|it| it.turnaround, 50);
    for (what, of) in [
        ("bare turnaround of a frame", (|it| it.turnaround) as fn(&Took) -> Duration),
        ("to the first byte", |it| it.first_byte),
        ("to the last frame", |it| it.last_frame),
    ] {
        let (median, late) = (at(of, 50), at(of, 99));
        println!(
            "  {what:<27} median {median:>7.2} ({:.1} times bare), 99 % within {late:>7.2}",
            median / bare
        );
    }
}
