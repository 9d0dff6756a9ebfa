//! Which acknowledgements a message asks for. In the original mode it is one, and it says what became of the message;
//! in the enhanced mode safe storage and the application's word are asked for each by itself.

use super::super::answer::Code;
use super::{Condition, Verdict};
use crate::message::Msh;

/// Which mode to answer in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// As MSH-15 and MSH-16 ask for. What isn't AL, NE, ER or SU there asks for nothing.
    #[default]
    AsAsked,
    /// One AA, AE or AR, whatever is asked for.
    Original,
    /// One CA, CE or CR, whatever is asked for.
    Commit,
    Silent,
}

/// One acknowledgement.
pub(super) struct Answered {
    pub(super) code: Code,
    /// What was wrong, and in whose words where not the table's.
    pub(super) why: Option<(Condition, Option<String>)>,
    /// Whether it is the second exchange of the enhanced mode, which asks for no answer to itself.
    pub(super) asks_for_none: bool,
}

/// When an acknowledgement is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Always,
    Never,
    OnError,
    OnSuccess,
}

impl Wanted {
    fn parse(field: &[u8]) -> Option<Wanted> {
        match field {
            b"AL" => Some(Wanted::Always),
            b"NE" => Some(Wanted::Never),
            b"ER" => Some(Wanted::OnError),
            b"SU" => Some(Wanted::OnSuccess),
            _ => None,
        }
    }

    fn fits(self, code: Code) -> bool {
        let is_success = matches!(code, Code::Accept | Code::CommitAccept);
        match self {
            Wanted::Always => true,
            Wanted::Never => false,
            Wanted::OnError => !is_success,
            Wanted::OnSuccess => is_success,
        }
    }
}

pub(super) fn answers(mode: Mode, header: &Msh<'_>, verdict: &Verdict) -> Vec<Answered> {
    let accept = Wanted::parse(header.accept_acknowledgement().raw());
    let application = Wanted::parse(header.application_acknowledgement().raw());
    match mode {
        Mode::Silent => Vec::new(),
        Mode::Original => vec![original(verdict)],
        Mode::Commit => vec![commit(verdict)],
        Mode::AsAsked if accept.is_none() && application.is_none() => vec![original(verdict)],
        Mode::AsAsked => {
            let second = Answered { asks_for_none: true, ..original(verdict) };
            let wanted = |wanted: Option<Wanted>, code| wanted.is_some_and(|wanted| wanted.fits(code));
            [(accept, commit(verdict)), (application, second)]
                .into_iter()
                .filter(|(when, answer)| wanted(*when, answer.code))
                .map(|(_, answer)| answer)
                .collect()
        }
    }
}

/// AR also says that the system is down and the message likely accepted later.
fn original(verdict: &Verdict) -> Answered {
    let (code, why) = match verdict {
        Verdict::Accepted => (Code::Accept, None),
        Verdict::NotStored => (Code::Reject, Some((Condition::InternalError, None))),
        Verdict::NotForUs(condition) => (Code::Reject, Some((*condition, None))),
        Verdict::ContentError { condition, reason } => {
            (Code::Error, Some((*condition, Some(reason.clone()))))
        }
    };
    Answered { code, why, asks_for_none: false }
}

/// CR is for what MSH-9, 11 or 12 make unacceptable; what is on disk is committed, whatever its content.
fn commit(verdict: &Verdict) -> Answered {
    let (code, why) = match verdict {
        Verdict::Accepted | Verdict::ContentError { .. } => (Code::CommitAccept, None),
        Verdict::NotStored => (Code::CommitError, Some((Condition::InternalError, None))),
        Verdict::NotForUs(condition) => (Code::CommitReject, Some((*condition, None))),
    };
    Answered { code, why, asks_for_none: false }
}
