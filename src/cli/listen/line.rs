//! Listening to a serial device: one setting after another, until what was heard leaves one.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use labwire_hearing::{Belief, Content, Count, Errors, Heard, Setting, Verdict};
use tokio::time::{sleep, timeout};

use super::{Found, Serial};
use crate::wire::ear::{self, Ear, Taken};

/// A transmission, or a part of it, ends with so long a silence.
const QUIET: Duration = Duration::from_millis(700);
/// So much of one is enough, and so long a one.
const ENOUGH: usize = 2000;
const LONGEST: Duration = Duration::from_secs(10);
/// With nothing heard for so long, another setting is tried: analyzers ask again sooner.
const PATIENCE: Duration = Duration::from_secs(45);
/// Where some settings can't be told apart by what an analyzer says, more than so many parts of transmissions don't help.
const TRANSMISSIONS: usize = 12;
/// Whoever says more than this at once says something.
const HANDSHAKE: usize = 8;

/// What was heard, each time with the port's setting.
struct Listening {
    belief: Belief,
    recorded: Vec<(Setting, Vec<Heard>)>,
}

pub(super) async fn listen(
    device: &Path,
    over: &mut (impl Future<Output = ()> + Unpin),
    out: &mut impl Write,
) -> io::Result<Found> {
    let open = |error: io::Error| {
        let why = match error.raw_os_error() {
            Some(16) => {
                "another program has it for its own use; as root, labwire ports tells which".to_owned()
            }
            _ => error.to_string(),
        };
        io::Error::new(error.kind(), format!("failed to listen to {}: {why}", device.display()))
    };
    let mut ear = Ear::open(device).map_err(open)?;
    let is_pseudo = std::fs::canonicalize(device)?.starts_with("/dev/pts");
    let errors = if is_pseudo { Errors::Untold } else { Errors::Told };
    let mut listening = Listening { belief: Belief::new(errors), recorded: Vec::new() };
    let mut port = Setting::FIRST;
    ear.set(port).map_err(open)?;
    writeln!(
        out,
        "Listening to {}, first at {port}. Nothing is sent and nothing answered. Let the analyzer send; Ctrl-C ends it.",
        device.display()
    )?;
    out.flush()?;
    loop {
        let mut is_over = false;
        let mut part = Vec::new();
        tokio::select! {
            heard = hear(&mut ear, &mut part) => heard?,
            () = sleep(PATIENCE) => {}
            () = &mut *over => is_over = true,
        }
        listening.belief.hear(port, &part);
        if !part.is_empty() {
            let marred = part.iter().filter(|heard| heard.is_marred).count();
            writeln!(out, "Heard {} characters at {port}, {marred} of them with errors.", part.len())?;
            out.flush()?;
            listening.recorded.push((port, part));
        }
        if is_over || listening.is_enough() {
            break;
        }
        port = listening.tune(&mut ear, port)?;
    }
    drop(ear);
    Ok(listening.found(device, is_pseudo))
}

/// Adds characters until the line falls silent, or until there are enough.
async fn hear(ear: &mut Ear, part: &mut Vec<Heard>) -> io::Result<()> {
    part.extend(ear.hear().await?);
    let rest = async {
        while let Ok(more) = timeout(QUIET, ear.hear()).await {
            part.extend(more?);
            if part.len() >= ENOUGH {
                break;
            }
        }
        Ok(())
    };
    timeout(LONGEST, rest).await.unwrap_or(Ok(()))
}

impl Listening {
    /// Whether more would teach nothing.
    fn is_enough(&self) -> bool {
        match self.belief.verdict() {
            Verdict::Sure(choice) => {
                let heard = self.of(choice.setting);
                let talked = self.recorded.iter().any(|(_, part)| part.len() > HANDSHAKE);
                let has_text = heard.len() > HANDSHAKE || !talked;
                let is_known = choice.alike.is_empty() && has_text;
                !heard.is_empty() && (is_known || self.recorded.len() >= TRANSMISSIONS)
            }
            Verdict::Silent | Verdict::Noise | Verdict::Inverted { .. } | Verdict::Unsure(_) => {
                self.recorded.len() >= TRANSMISSIONS
            }
        }
    }

    /// Sets the port for the next transmission; what its driver doesn't take counts as tried.
    fn tune(&mut self, ear: &mut Ear, port: Setting) -> io::Result<Setting> {
        for _ in 0..Setting::usual().len() {
            let next = self.belief.next();
            if next == port {
                return Ok(port);
            }
            if ear.set(next)? == Taken::AsAsked {
                return Ok(next);
            }
            self.belief.hear(next, &[]);
            if self.belief.next() == next {
                break;
            }
        }
        ear.set(port)?;
        Ok(port)
    }

    /// What was heard with a line's own setting; or else with 8N1 at its speed, if that hears all of it.
    fn of(&self, line: Setting) -> Vec<Heard> {
        let with = |setting: Setting| -> Vec<Heard> {
            let parts = self.recorded.iter().filter(|(port, _)| *port == setting);
            parts.flat_map(|(_, part)| part).copied().collect()
        };
        let own = with(line);
        if own.is_empty() && line.bits_a_character() == 10 {
            return with(Setting { baud: line.baud, ..Setting::FIRST });
        }
        own
    }

    fn found(self, device: &Path, is_pseudo: bool) -> Found {
        let verdict = self.belief.verdict();
        let heard = match &verdict {
            Verdict::Sure(choice) | Verdict::Unsure(choice) => self.of(choice.setting),
            Verdict::Silent | Verdict::Noise | Verdict::Inverted { .. } => Vec::new(),
        };
        let content = match &verdict {
            Verdict::Sure(choice) | Verdict::Unsure(choice) => Content::of(choice.setting, &heard),
            Verdict::Silent | Verdict::Noise | Verdict::Inverted { .. } => Content::default(),
        };
        let marred = heard.iter().filter(|heard| heard.is_marred).count() as u64;
        let transmissions = self.recorded.len() as u64;
        let count = Count { characters: heard.len() as u64, marred, transmissions };
        // A setting that makes no sense of what was heard isn't the line's.
        let verdict = if content.is_meant() { verdict } else { Verdict::Noise };
        let modem = (verdict == Verdict::Silent && !is_pseudo).then(|| ear::modem(device)).flatten();
        Found { serial: Some(Serial { verdict, count, modem, has_settings: !is_pseudo }), content }
    }
}
