//! What is shown at which size, and that a terminal is given back whatever happens.

use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;

use super::on_a_terminal;
use super::picture::{Help, View};
use crate::host::control::{AnalyzerLine, DestinationLine, Overview, Weight};

#[expect(dead_code, reason = "shared with the end-to-end test, which also presses keys")]
#[path = "../../../tests/support/pty.rs"]
mod pty;

/// Set in a process that is to panic: its terminal is a whole process's.
const IN_ITS_OWN: &str = "LABWIRE_TEST_PANICS";
/// 2026-01-02 03:04:05 UTC.
const NOW: i64 = 1_767_323_045;

fn analyzer(name: &str, weight: Weight, state: &str, held: i64) -> AnalyzerLine {
    let last_message = Some(NOW - 65);
    AnalyzerLine {
        name: name.to_owned(),
        weight,
        state: state.to_owned(),
        last_message,
        received: 120,
        held,
        problems: 0,
    }
}

fn overview() -> Overview {
    Overview {
        site: "Example laboratory".to_owned(),
        as_of: NOW,
        weight: Weight::Danger,
        headline: "lims does not answer.".to_owned(),
        then: "Results are kept and go out by themselves.".to_owned(),
        waiting: vec![(0, "to be read".to_owned()), (2, "held".to_owned())],
        calls: 2,
        overdue: 1,
        analyzers: vec![
            analyzer("vitros", Weight::Calm, "Connected", 2),
            analyzer("erba", Weight::Danger, "Not connected", 0),
        ],
        destinations: vec![DestinationLine {
            name: "lims".to_owned(),
            weight: Weight::Danger,
            state: "Does not answer".to_owned(),
            waiting: 7,
            oldest: Some(NOW - 7_300),
            last_accepted: Some(NOW - 100_000),
            dead_letters: 0,
        }],
    }
}

fn view() -> View {
    let mut view = View::new(TimeZone::UTC);
    view.take(Ok(overview()));
    view
}

/// What stands on a terminal of this size, without what is blank at the ends of lines.
fn shown(view: &mut View, columns: u16, rows: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| view.draw(frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let line = |row: u16| (0..columns).map(|column| buffer[(column, row)].symbol()).collect::<String>();
    (0..rows).map(|row| line(row).trim_end().to_owned()).collect()
}

#[test]
fn a_usual_terminal_shows_everything() {
    let mut expected = vec![
        "Example laboratory  03:04:05  (? for keys, q to end)",
        "DANGER: lims does not answer.",
        "Results are kept and go out by themselves.",
        "Waiting: 2 held",
        "CRITICAL CALLS OVERDUE: 1 of 2 open; see labwire calls",
        "",
        "Analyzer            state                           last received  held problems",
        "vitros              Connected                   03:03:00      120     2        0",
        "erba                Not connected               03:03:00      120     0        0",
        "",
        "Destination         state                     waiting   oldest last ACK  dead",
        "lims                Does not answer                 7      2 h 2025-12-31     0",
    ];
    let shown = shown(&mut view(), 80, 24);
    expected.resize(24, "");
    let blanks = |lines: &[String]| -> Vec<String> {
        lines.iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
    assert_eq!(blanks(&shown), blanks(&expected), "{}", shown.join("\n"));
    assert!(shown.iter().all(|line| line.chars().count() <= 80));
    assert_eq!(
        shown[6].find("last"),
        Some(shown[7].find("03:03:00").unwrap() + 4),
        "they stand below their titles"
    );
}

#[test]
fn a_narrow_terminal_keeps_the_sentence_names_and_states() {
    for (columns, rows) in [(60, 20), (40, 14), (24, 30)] {
        let lines = shown(&mut view(), columns, rows);
        let all = lines.join("\n");
        for what in ["DANGER: lims does", "vitros", "erba", "Not conn", "CRITICAL CALLS", "lims"] {
            assert!(all.contains(what), "{what} at {columns}×{rows}:\n{all}");
        }
    }
    // However small: nothing but what there is room for, and no panic.
    for columns in 1..30 {
        for rows in 1..12 {
            assert_eq!(shown(&mut view(), columns, rows).len(), usize::from(rows));
        }
    }
}

#[test]
fn arrows_go_as_far_down_as_there_is_something_left() {
    let mut view = view();
    let top = shown(&mut view, 80, 8);
    assert!(top[7].starts_with("vitros") && !top.join("").contains("Does not answer"));
    view.first = 1_000;
    let down = shown(&mut view, 80, 8);
    assert_eq!(down[..5], top[..5], "the sentence stays");
    assert!(down[7].contains("Does not answer"), "{down:?}");
    assert!(view.first < 10, "one step up is seen at once");
}

#[test]
fn colour_stands_only_beside_a_word_that_says_the_same() {
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let mut colours = |overview: Overview| {
        let mut view = View::new(TimeZone::UTC);
        view.take(Ok(overview));
        terminal.draw(|frame| view.draw(frame)).unwrap();
        let buffer = terminal.backend().buffer();
        let coloured = buffer.content.iter().filter(|cell| cell.fg != Color::Reset && cell.symbol() != " ");
        coloured.map(|cell| cell.symbol().to_owned()).collect::<String>()
    };
    let alarming = colours(overview());
    for part in ["DANGER", "CRITICALCALLSOVERDUE", "Notconnected", "Doesnotanswer", "2"] {
        assert!(alarming.contains(part), "{part}: {alarming}");
    }
    assert!(!alarming.contains("Connected") && !alarming.contains("vitros"), "{alarming}");
    let mut calm = Overview { weight: Weight::Calm, calls: 0, overdue: 0, waiting: Vec::new(), ..overview() };
    calm.analyzers = vec![analyzer("vitros", Weight::Calm, "Connected", 0)];
    calm.destinations.clear();
    assert_eq!(colours(calm), "", "what is as it should be has none");
}

#[test]
fn a_gateway_that_is_gone_is_said_above_what_was_known_last() {
    let mut view = view();
    view.take(Err("failed to reach a gateway".to_owned()));
    let all = shown(&mut view, 80, 24).join("\n");
    for what in ["NOT RUNNING: failed to reach", "what was known last", "vitros"] {
        assert!(all.contains(what), "{what}: {all}");
    }
    assert!(!all.contains("DANGER: lims"), "{all}");
    let mut never = View::new(TimeZone::UTC);
    never.take(Err("failed to reach a gateway".to_owned()));
    assert!(shown(&mut never, 80, 24)[1].starts_with("NOT RUNNING"));
    view.help = Help::Shown;
    assert!(shown(&mut view, 80, 24).join("\n").contains("Up, Down"));
}

#[test]
fn a_panic_gives_the_terminal_back() {
    if std::env::var_os(IN_ITS_OWN).is_some() {
        let _ = on_a_terminal::<()>(|terminal| {
            terminal.draw(|frame| view().draw(frame))?;
            panic!("a fault of the program's own");
        });
        return;
    }
    let terminal = pty::Terminal::new(80, 24);
    let before = terminal.manners();
    let (test, program) =
        (std::thread::current().name().unwrap().to_owned(), std::env::current_exe().unwrap());
    let arguments = ["--exact", &test, "--nocapture"];
    let mut child = terminal.run(program.to_str().unwrap(), &arguments, &[(IN_ITS_OWN, "1")]);
    assert!(!child.wait().unwrap().success());
    terminal.until_shown(0, "a fault of the program's own");
    let (shown, enters, leaves) = (terminal.shown(), "\x1b[?1049h", "\x1b[?1049l");
    assert!(shown.find(enters).unwrap() < shown.find(leaves).unwrap(), "{shown:?}");
    assert!(
        shown.find(leaves) < shown.find("a fault"),
        "what went wrong is read on the usual screen: {shown:?}"
    );
    assert_eq!(terminal.manners(), before);
}
