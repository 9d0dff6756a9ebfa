//! The answer to a message: which acknowledgements it asks for, and what they say. Pure; the caller brings the time and
//! the control IDs. Never decides whether a message is accepted.

mod batch;
mod compose;
mod condition;
mod mode;
#[cfg(test)]
mod tests;

use std::fmt;

use labwire_link::Reply;

use super::control::{FS, VT};
use crate::message::{Charset, Message, Msh};

pub use condition::Condition;
pub use mode::Mode;

/// How one peer wants to be answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Acknowledging {
    pub mode: Mode,
    pub control_id: ControlIdForm,
    pub msa: MsaForm,
    /// Whether MSH-16 repeats the message's, for analyzers that keep something of their own there.
    pub echoes_msh_16: bool,
    /// The trigger event in MSH-9 of the answer, where it is another one than the standard's.
    pub trigger: Option<String>,
    /// The peer's character set, where it is another one than it declares.
    pub charset: Option<Charset>,
}

/// MSH-10 of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ControlIdForm {
    /// One of our own.
    #[default]
    Own,
    /// The message's own, for analyzers that look for it there.
    Echoed,
}

/// MSA of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MsaForm {
    #[default]
    Standard,
    /// With a text in MSA-3 and a number in MSA-6, 0 where all is well: `MSA|AA|7|Message accepted|||0|`.
    Numbered,
}

/// What became of a message here.
#[derive(Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is on disk.
    Accepted,
    /// It isn't on disk, and that is our trouble: it may be sent again.
    NotStored,
    /// Sent again it would fare no better.
    NotForUs(Condition),
    /// It is on disk, and its content is refused because the peer's profile asks for that. The reason must name no
    /// patient.
    ContentError { condition: Condition, reason: String },
}

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Accepted => "Accepted",
            Verdict::NotStored => "NotStored",
            Verdict::NotForUs(_) => "NotForUs",
            Verdict::ContentError { .. } => "ContentError",
        })
    }
}

/// A control ID of our own: 1 to 20 printable ASCII characters, as every version allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlId(String);

impl ControlId {
    pub fn new(id: &str) -> Option<ControlId> {
        let fits = (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| ControlId(id.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an answer has of its own.
pub struct Stamp<'a> {
    /// MSH-7, as `20260102030405`.
    pub sent: &'a str,
    /// MSH-10 of each acknowledgement: each call gives an ID that was never used.
    pub next_control_id: &'a mut dyn FnMut() -> ControlId,
}

/// What to say about the content of a block: to each message what it asks for and what `judge` says of it, and to a batch a
/// batch. Silent where nothing is asked for, and where there is no header that an answer could refer to.
pub fn acknowledge(
    content: &[u8],
    judge: impl Fn(&Msh<'_>) -> Verdict,
    settings: &Acknowledging,
    stamp: &mut Stamp<'_>,
) -> Reply {
    let parsed = match settings.charset {
        Some(charset) => Message::parse_as(content, charset),
        None => Message::parse(content),
    };
    let Ok(message) = parsed else { return Reply::Silent };
    let headers: Vec<_> = message.named(b"MSH").filter_map(Msh::of).collect();
    let texts: Vec<Vec<u8>> =
        headers.iter().flat_map(|header| answers_to(header, &judge(header), settings, stamp)).collect();
    let asks = if headers.is_empty() { settings.mode != Mode::Silent } else { !texts.is_empty() };
    let texts = match batch::Envelope::of(&message) {
        Some(envelope) if asks => vec![envelope.around(&texts, stamp)],
        _ => texts,
    };
    if texts.is_empty() { Reply::Silent } else { Reply::Texts(texts.into_iter().map(blockable).collect()) }
}

/// What an echoed field brought along must not end the block of the answer.
fn blockable(mut text: Vec<u8>) -> Vec<u8> {
    text.retain(|byte| ![VT, FS].contains(byte));
    text
}

fn answers_to(
    header: &Msh<'_>,
    verdict: &Verdict,
    settings: &Acknowledging,
    stamp: &mut Stamp<'_>,
) -> Vec<Vec<u8>> {
    let answers = mode::answers(settings.mode, header, verdict);
    answers.into_iter().map(|answer| compose::acknowledgement(header, &answer, settings, stamp)).collect()
}
