//! The exit codes, a promise to scripts and to the systemd unit. From 64 on they are those of `sysexits.h`.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It did what it was asked for.
    Done = 0,
    /// It ran, and the answer is no: sums that don't balance, a message that isn't there, a refused action, results that are stopped
    /// or in danger.
    Failed = 1,
    /// It ran, and something is left for a person: a day's exceptions, a draft's questions, an
    /// overdue critical call.
    Open = 2,
    /// The command line makes no sense.
    Usage = 64,
    /// The command needs a running gateway and none answers.
    Unavailable = 69,
    /// A fault in the program itself.
    Internal = 70,
    /// The journal can't be read or written. Nothing more was acknowledged.
    Journal = 74,
    /// Not now: another gateway runs on this journal.
    Busy = 75,
    /// The configuration is wrong. Starting again won't help: the unit has `RestartPreventExitStatus=78`.
    Configuration = 78,
}

impl Exit {
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
