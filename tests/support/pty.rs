//! A terminal for a program under test: what it shows is read here, and keys are pressed here.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};

/// How often it is looked whether something is shown, and how long from one look to the next.
const LOOKS: usize = 3_000;
const EACH: Duration = Duration::from_millis(20);

pub(crate) struct Terminal {
    ours: File,
    theirs: File,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    pub(crate) fn new(columns: u16, rows: u16) -> Terminal {
        let ours: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let theirs = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let ours = File::from(ours);
        let shown: Arc<Mutex<Vec<u8>>> = Arc::default();
        let (mut reading, keeping) = (ours.try_clone().unwrap(), Arc::clone(&shown));
        // It ends with the process of the test.
        std::thread::spawn(move || {
            let mut some = [0; 4096];
            while let Ok(length @ 1..) = reading.read(&mut some) {
                keeping.lock().unwrap().extend(some.iter().take(length));
            }
        });
        let terminal = Terminal { ours, theirs, shown };
        terminal.resize(columns, rows);
        terminal
    }

    /// Starts a program whose own terminal this is.
    pub(crate) fn run(&self, program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Child {
        let end = || Stdio::from(self.theirs.try_clone().unwrap());
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait", program]).args(arguments).envs(environment.iter().copied());
        command.env("TERM", "xterm-256color");
        command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap()
    }

    /// The program is told of it, as by a window that somebody drags.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        let size = Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.ours, size).unwrap();
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.ours.write_all(keys.as_bytes()).unwrap();
    }

    /// How lines are edited and echoed, in words that can be compared.
    pub(crate) fn manners(&self) -> String {
        let Termios { input_modes, output_modes, control_modes, local_modes, .. } =
            tcgetattr(&self.theirs).unwrap();
        format!("{input_modes:?} {output_modes:?} {control_modes:?} {local_modes:?}")
    }

    /// Everything that was shown up to now, with what moves and colours it.
    pub(crate) fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// Waits until what was shown from here on has this in it.
    pub(crate) fn until_shown(&self, from: usize, what: &str) {
        let is_shown = || self.shown().get(from..).is_some_and(|shown| shown.contains(what));
        let seen = (0..LOOKS).any(|_| {
            let seen = is_shown();
            if !seen {
                std::thread::sleep(EACH);
            }
            seen
        });
        assert!(seen, "gave up waiting until it shows {what:?}: {:?}", self.shown());
    }
}
