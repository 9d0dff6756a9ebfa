//! `labwire top`: everything at a glance on a terminal, anew each second. It asks the running gateway, which reads as its page
//! does, and changes nothing. However it ends, by a key, a signal or a panic, the terminal is as it was before.

mod picture;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tokio::signal::unix::{SignalKind, signal};

use super::Outcome;
use crate::clock;
use crate::config::Bearings;
use crate::exit::Exit;
use crate::host::control::{Overview, Request, Response, ask_within};

use picture::{Help, View};

/// From one reading to the next.
const EACH: Duration = Duration::from_secs(1);
/// How long a key may wait to be noticed.
const GLANCE: Duration = Duration::from_millis(50);
/// How long the gateway may take to answer; keys wait meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);

/// Shows everything until somebody has seen enough.
pub(super) fn run(bearings: &Bearings) -> Outcome {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        writeln!(
            io::stderr(),
            "labwire: top needs a terminal; labwire status says it once, for programs too"
        )?;
        return Ok(Exit::Usage);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    on_a_terminal(|terminal| runtime.block_on(watch(terminal, &bearings.control_socket)))?;
    Ok(Exit::Done)
}

/// Gives the whole terminal to `show`, and puts it back however that ends.
fn on_a_terminal<T>(show: impl FnOnce(&mut DefaultTerminal) -> io::Result<T>) -> io::Result<T> {
    // This sees to panics, too.
    let mut terminal = ratatui::try_init()?;
    let shown = show(&mut terminal);
    ratatui::try_restore()?;
    shown
}

async fn watch(terminal: &mut DefaultTerminal, socket: &Path) -> io::Result<()> {
    let (mut terminate, mut hangup) = (signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
    let mut view = View::new(TimeZone::system());
    let mut asked = None;
    loop {
        let now = clock::monotonic();
        if asked.is_none_or(|asked| now.duration_since(asked) >= EACH) {
            asked = Some(now);
            view.take(overview(socket));
            terminal.draw(|frame| view.draw(frame))?;
        }
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = hangup.recv() => return Ok(()),
            () = tokio::time::sleep(GLANCE) => {}
        }
        while event::poll(Duration::ZERO)? {
            match event::read()? {
                Event::Key(key) if key.kind == KeyEventKind::Press => {
                    if press(&mut view, key) == After::Ends {
                        return Ok(());
                    }
                }
                Event::Key(_) | Event::Mouse(_) | Event::Paste(_) | Event::FocusGained | Event::FocusLost => {
                    continue;
                }
                Event::Resize(..) => {}
            }
            terminal.draw(|frame| view.draw(frame))?;
        }
    }
}

fn overview(socket: &Path) -> Result<Overview, String> {
    match ask_within(socket, &Request::Overview, PATIENCE) {
        Ok(Response::Overview(overview)) => Ok(*overview),
        Ok(Response::Refused { why }) => Err(why),
        Ok(_) => Err("the gateway is of another version than this command".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum After {
    GoesOn,
    Ends,
}

fn press(view: &mut View, key: KeyEvent) -> After {
    match key.code {
        KeyCode::Char('q') | KeyCode::Esc => return After::Ends,
        // No signal is made of it while the terminal is ours.
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return After::Ends,
        KeyCode::Char('?') => view.help = if view.help == Help::Shown { Help::Hidden } else { Help::Shown },
        KeyCode::Down => view.first = view.first.saturating_add(1),
        KeyCode::Up => view.first = view.first.saturating_sub(1),
        _ => {}
    }
    After::GoesOn
}
