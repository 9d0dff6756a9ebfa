//! Questions to a person at a terminal.

use std::io::{self, BufRead, IsTerminal, Write};

/// Who can be asked. Without a terminal nobody can.
pub(super) struct Dialogue<'d> {
    pub(super) input: &'d mut dyn BufRead,
    pub(super) out: &'d mut dyn Write,
}

impl Dialogue<'_> {
    /// Asks until `check` has nothing against the answer. An empty line stands for the usual one; without one it is asked again.
    ///
    /// # Errors
    /// Where the terminal was closed instead of answering.
    pub(super) fn ask(
        &mut self,
        question: &str,
        usual: Option<&str>,
        mut check: impl FnMut(&str) -> Result<(), String>,
    ) -> io::Result<String> {
        loop {
            let hint = usual.filter(|it| !it.is_empty()).map(|it| format!(" [{it}]")).unwrap_or_default();
            write!(self.out, "{question}{hint}: ")?;
            self.out.flush()?;
            let mut line = String::new();
            if self.input.read_line(&mut line)? == 0 {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the answers ended; nothing was written",
                ));
            }
            let answer = match (line.trim(), usual) {
                ("", Some(usual)) => usual,
                ("", None) => continue,
                (answer, _) => answer,
            };
            match check(answer) {
                Ok(()) => return Ok(answer.to_owned()),
                Err(why) => writeln!(self.out, "{why}")?,
            }
        }
    }
}

/// Whether there is somebody to ask.
pub(super) fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}
