//! `labwire top` on a terminal, beside a running gateway: what it shows, its keys, and that the terminal is given back.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "support/pty.rs"]
mod pty;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use labsim::lims::Mode;
use pty::Terminal;
use support::*;

const PROGRAM: &str = env!("CARGO_BIN_EXE_labwire");
const LEAVES: &str = "\x1b[?1049l";

/// The screen that a terminal of so many columns and rows has after all that, line by line: what is drawn where, and no colour.
fn screen(shown: &str, (columns, rows): (usize, usize)) -> String {
    let mut screen = vec![vec![' '; columns]; rows];
    let (mut row, mut column) = (0, 0);
    let mut rest = shown.chars();
    while let Some(letter) = rest.next() {
        if letter == '\x1b' {
            rest.next();
            let mut order = String::new();
            let kind = rest.by_ref().find(|it| {
                !it.is_ascii_digit() && !";?".contains(*it) || {
                    order.push(*it);
                    false
                }
            });
            match kind {
                Some('H') => {
                    let mut places = order.split(';').map(|it| it.parse::<usize>().unwrap_or(1) - 1);
                    (row, column) = (places.next().unwrap_or(0), places.next().unwrap_or(0));
                }
                Some('J') => screen = vec![vec![' '; columns]; rows],
                _ => {}
            }
        } else if let Some(place) = screen.get_mut(row).and_then(|line| line.get_mut(column)) {
            *place = letter;
            column += 1;
        }
    }
    screen.into_iter().map(|line| line.into_iter().collect::<String>() + "\n").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_shows_what_status_tells_follows_it_and_gives_the_terminal_back() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let address = free_port();
    lab.instrument("erba", "erba-xl", "", &listener(address));
    let gateway = lab.start().await;
    let mut terminal = Terminal::new(80, 24);
    let before = terminal.manners();
    let folder = lab.folder.path().to_str().unwrap();
    let mut top = terminal.run(PROGRAM, &["top", "--config", folder], &[]);
    let now = |terminal: &Terminal| screen(&terminal.shown(), (80, 24));
    until("the analyzer is there", || now(&terminal).contains("erba")).await;
    assert!(now(&terminal).contains("Nothing waits."), "{}", now(&terminal));
    assert_ne!(terminal.manners(), before, "keys come one by one");

    lims.set_mode(Mode::Status(400));
    send(address, &glucose("EX0001", "90.0", "F", "20260102030405")).await;
    until("the refused one is counted", || now(&terminal).contains("1 dead letters")).await;
    assert!(now(&terminal).contains("DANGER: 1 delivery waits for a person"), "{}", now(&terminal));

    terminal.press("?");
    until("the keys are told", || now(&terminal).contains("more of the lists")).await;
    terminal.press("?");
    until("the lists are back", || now(&terminal).contains("Destination")).await;
    let narrow = |terminal: &Terminal| screen(&terminal.shown(), (40, 9));
    let wide = terminal.shown().len();
    terminal.resize(40, 9);
    until("it fits", || terminal.shown().len() > wide && narrow(&terminal).contains("Analyzer")).await;
    terminal.press(&"\x1b[B".repeat(9));
    until("the end of the lists is seen", || narrow(&terminal).contains("lims ")).await;
    let all = terminal.shown();
    assert!(!all.contains("EX0001") && !all.contains("Example^Anna"), "no patient, no specimen");

    terminal.resize(80, 24);
    assert!(gateway.terminate().success());
    until("it says so", || now(&terminal).contains("NOT RUNNING")).await;
    terminal.press("q");
    assert!(top.wait().unwrap().success());
    terminal.until_shown(0, LEAVES);
    assert_eq!(terminal.manners(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_gives_the_terminal_back_too() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let terminal = Terminal::new(80, 24);
    let before = terminal.manners();
    // The shell says which process it becomes.
    let line = format!("echo $$ >{0}/pid; exec {PROGRAM} top --config {0}", lab.folder.path().display());
    let mut top = terminal.run("sh", &["-c", &line], &[]);
    terminal.until_shown(0, "NOT RUNNING");
    let pid: i32 = std::fs::read_to_string(lab.path("pid")).unwrap().trim().parse().unwrap();
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid).unwrap(),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    assert!(top.wait().unwrap().success());
    terminal.until_shown(0, LEAVES);
    assert_eq!(terminal.manners(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_it_says_what_to_use_instead() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let output = lab.run(&["top"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(output.stdout.is_empty() && String::from_utf8_lossy(&output.stderr).contains("labwire status"));
}
