//! What a terminal shows of one moment, at whatever size it has. Colour stands only where something isn't as it should be,
//! and never without a word. It asks nobody.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::host::control::{AnalyzerLine, DestinationLine, Overview, Weight};

/// The widest that a name is written out, in columns.
const NAME: usize = 20;
/// The least that is left to a state, in columns.
const STATE: usize = 12;

/// What is shown, and how far somebody has gone down in it.
pub(super) struct View {
    /// The last that could be read.
    last: Option<Overview>,
    /// Why nothing can be read now.
    lost: Option<String>,
    zone: TimeZone,
    pub(super) help: Help,
    /// The first line of the lists that is shown.
    pub(super) first: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Help {
    Hidden,
    Shown,
}

/// A column: its title, how wide it is, and from which width of the terminal on it is there.
struct Column {
    title: &'static str,
    width: usize,
    from: u16,
}

const ANALYZERS: [Column; 4] = [
    Column { title: "last", width: 11, from: 50 },
    Column { title: "received", width: 9, from: 70 },
    Column { title: "held", width: 6, from: 40 },
    Column { title: "problems", width: 9, from: 40 },
];
const DESTINATIONS: [Column; 4] = [
    Column { title: "waiting", width: 8, from: 40 },
    Column { title: "oldest", width: 9, from: 50 },
    Column { title: "last ACK", width: 11, from: 70 },
    Column { title: "dead", width: 6, from: 40 },
];

impl View {
    pub(super) fn new(zone: TimeZone) -> View {
        View { last: None, lost: None, zone, help: Help::Hidden, first: 0 }
    }

    /// What was read, or why nothing could be.
    pub(super) fn take(&mut self, read: Result<Overview, String>) {
        match read {
            Ok(overview) => (self.last, self.lost) = (Some(overview), None),
            Err(why) => self.lost = Some(why),
        }
    }

    /// The sentence on top, what waits, and as much of the lists as there is room for.
    pub(super) fn draw(&mut self, frame: &mut Frame<'_>) {
        let area = frame.area();
        let (top, lists) = (self.top(area.width), self.lists(area.width));
        let room = usize::from(area.height);
        let height = top.len().min(room);
        // As far down as there is something left to see.
        self.first = self.first.min(lists.len().saturating_sub(room.saturating_sub(height)));
        let [above, below] = Layout::vertical([
            Constraint::Length(u16::try_from(height).unwrap_or(area.height)),
            Constraint::Fill(1),
        ])
        .areas(area);
        frame.render_widget(Paragraph::new(top), above);
        let shown: Vec<Line<'_>> = lists.into_iter().skip(self.first).collect();
        frame.render_widget(Paragraph::new(shown), below);
    }

    fn top(&self, width: u16) -> Vec<Line<'static>> {
        let mut lines = Vec::new();
        let site = self.last.as_ref().map_or("labwire", |it| it.site.as_str());
        let at = self.last.as_ref().map(|it| format!("  {}", self.clock(it.as_of))).unwrap_or_default();
        let keys = if width >= 60 { "  (? for keys, q to end)" } else { "" };
        lines.push(Line::from(vec![
            Span::styled(site.to_owned(), Style::new().add_modifier(Modifier::BOLD)),
            Span::raw(at),
            Span::styled(keys, Style::new().add_modifier(Modifier::DIM)),
        ]));
        if let Some(why) = &self.lost {
            let words = format!("NOT RUNNING: {why}");
            lines.extend(wrapped(&words, style(Weight::Danger), width));
            if self.last.is_some() {
                lines.extend(wrapped("What stands below is what was known last.", Style::new(), width));
            }
        }
        let Some(it) = &self.last else { return lines };
        if self.lost.is_none() {
            let sentence = format!("{}{}", word(it.weight), it.headline);
            lines.extend(wrapped(&sentence, style(it.weight), width));
            lines.extend(wrapped(&it.then, Style::new(), width));
        }
        let waits = it.waiting.iter().filter(|(count, _)| *count > 0);
        let waits: Vec<String> = waits.map(|(count, what)| format!("{count} {what}")).collect();
        let waits = match waits.as_slice() {
            [] => "Nothing waits.".to_owned(),
            waits => format!("Waiting: {}", waits.join(" · ")),
        };
        lines.extend(wrapped(&waits, Style::new(), width));
        match (it.calls, it.overdue) {
            (0, _) => {}
            (calls, 0) => {
                lines.push(Line::styled(format!("Critical calls open: {calls}"), style(Weight::Act)))
            }
            (calls, overdue) => {
                let words = format!("CRITICAL CALLS OVERDUE: {overdue} of {calls} open; see labwire calls");
                lines.extend(wrapped(&words, style(Weight::Danger), width));
            }
        }
        lines
    }

    fn lists(&self, width: u16) -> Vec<Line<'static>> {
        if self.help == Help::Shown {
            let keys =
                ["", "q, Esc       end", "Up, Down     more of the lists", "?            this, and back"];
            let more = ["", "labwire status says the same once, trace, held and problems say more."];
            return keys.into_iter().chain(more).map(Line::raw).collect();
        }
        let Some(it) = &self.last else { return Vec::new() };
        let mut lines = vec![Line::raw(""), title("Analyzer", &ANALYZERS, width)];
        lines.extend(it.analyzers.iter().map(|it| self.analyzer(it, width)));
        lines.extend([Line::raw(""), title("Destination", &DESTINATIONS, width)]);
        lines.extend(it.destinations.iter().map(|to| self.destination(to, it.as_of, width)));
        lines
    }

    fn analyzer(&self, it: &AnalyzerLine, width: u16) -> Line<'static> {
        let last = it.last_message.map_or_else(|| "-".to_owned(), |at| self.clock(at));
        let calm = |text: String| (text, Weight::Calm);
        let cells = [calm(last), calm(it.received.to_string()), count(it.held), count(it.problems)];
        row((&it.name, &it.state, it.weight), &ANALYZERS, cells, width)
    }

    fn destination(&self, it: &DestinationLine, now: i64, width: u16) -> Line<'static> {
        let oldest = it.oldest.map_or_else(|| "-".to_owned(), |at| age(now.saturating_sub(at)));
        let last = it.last_accepted.map_or_else(|| "-".to_owned(), |at| self.clock(at));
        let calm = |text: String| (text, Weight::Calm);
        let cells = [calm(it.waiting.to_string()), calm(oldest), calm(last), count(it.dead_letters)];
        row((&it.name, &it.state, it.weight), &DESTINATIONS, cells, width)
    }

    /// The hour of a moment in the last day, else its date.
    fn clock(&self, at: i64) -> String {
        let Ok(moment) = Timestamp::from_second(at) else { return "-".to_owned() };
        let now = self.last.as_ref().map_or(at, |it| it.as_of);
        let form = if now.saturating_sub(at) < 24 * 3_600 { "%H:%M:%S" } else { "%Y-%m-%d" };
        moment.to_zoned(self.zone.clone()).strftime(form).to_string()
    }
}

/// A text in as many lines as it takes, broken between words.
fn wrapped(text: &str, style: Style, width: u16) -> Vec<Line<'static>> {
    let width = usize::from(width);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                *line += &format!(" {word}")
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.into_iter().map(|line| Line::styled(line, style)).collect()
}

/// How wide a name and a state are beside these columns.
fn widths(columns: &[Column], width: u16) -> (usize, usize) {
    let there: usize = columns.iter().filter(|it| width >= it.from).map(|it| it.width).sum();
    let left = usize::from(width).saturating_sub(there);
    let name = NAME.min(left.saturating_sub(STATE));
    (name, left.saturating_sub(name))
}

fn title(what: &str, columns: &[Column], width: u16) -> Line<'static> {
    let (name, state) = widths(columns, width);
    let mut text = fit(what, name) + &fit("state", state);
    for it in columns.iter().filter(|it| width >= it.from) {
        text += &format!("{:>1$}", it.title, it.width);
    }
    Line::styled(text, Style::new().add_modifier(Modifier::UNDERLINED))
}

fn row(
    (name, state, weight): (&str, &str, Weight),
    columns: &[Column],
    cells: [(String, Weight); 4],
    width: u16,
) -> Line<'static> {
    let (of_name, of_state) = widths(columns, width);
    let mut spans = vec![Span::raw(fit(name, of_name)), Span::styled(fit(state, of_state), style(weight))];
    for (column, (text, weight)) in columns.iter().zip(cells).filter(|(column, _)| width >= column.from) {
        spans.push(Span::styled(format!("{text:>0$}", column.width), style(weight)));
    }
    Line::from(spans)
}

/// A text in so many columns, cut short where it must be, with a space behind it.
fn fit(text: &str, width: usize) -> String {
    let room = width.saturating_sub(1);
    if text.chars().count() <= room {
        return format!("{text:<width$}");
    }
    let mut cut: String = text.chars().take(room.saturating_sub(1)).collect();
    cut.extend((room > 0).then_some('…'));
    format!("{cut:<width$}")
}

/// A number of what should be none.
fn count(number: i64) -> (String, Weight) {
    (number.to_string(), if number > 0 { Weight::Act } else { Weight::Calm })
}

fn age(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{} s", seconds.max(0)),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn word(weight: Weight) -> &'static str {
    match weight {
        Weight::Danger => "DANGER: ",
        Weight::Act => "Needs a person: ",
        Weight::Odd => "Unusual: ",
        Weight::Wait | Weight::Calm => "",
    }
}

fn style(weight: Weight) -> Style {
    match weight {
        Weight::Danger => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
        Weight::Act | Weight::Odd => Style::new().fg(Color::Yellow),
        Weight::Wait | Weight::Calm => Style::new(),
    }
}
