//! What a peer answered to a message of ours: the code exactly as sent, what it is for, and why. Reads only; whether to
//! try again is the gateway's to decide.

use std::fmt;

use crate::message::{Err, Field, Message, Msa};

/// MSA-1. Nothing else is a code: "AAX" isn't AA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// AA
    Accept,
    /// AE
    Error,
    /// AR
    Reject,
    /// CA
    CommitAccept,
    /// CE
    CommitError,
    /// CR
    CommitReject,
}

const CODES: [(&str, Code); 6] = [
    ("AA", Code::Accept),
    ("AE", Code::Error),
    ("AR", Code::Reject),
    ("CA", Code::CommitAccept),
    ("CE", Code::CommitError),
    ("CR", Code::CommitReject),
];

impl Code {
    pub fn parse(code: &[u8]) -> Option<Code> {
        CODES.iter().find(|(letters, _)| letters.as_bytes() == code).map(|(_, code)| *code)
    }

    /// As it stands in MSA-1.
    pub fn letters(self) -> &'static str {
        CODES.iter().find(|(_, code)| *code == self).map_or("", |(letters, _)| letters)
    }
}

/// An answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    pub code: Code,
    /// MSA-2: the MSH-10 of the message that is answered.
    pub control_id: Vec<u8>,
    /// MSA-3.
    pub text: String,
    /// MSA-4; empty unless the peer follows sequence numbers.
    pub expected_sequence_number: String,
    /// What the peer complains about, in its order.
    pub complaints: Vec<Complaint>,
    carries: Carries,
}

/// Whether an answer holds more than the acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carries {
    Nothing,
    Content,
}

/// One error, from whichever field its version has it in. What isn't there is empty.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Complaint {
    /// By HL7 table 0357: ERR-3, else ERR-1, else MSA-6.
    pub code: String,
    /// ERR-2, or the location of ERR-1, as sent.
    pub location: String,
    /// ERR-4: E, W, I or F.
    pub severity: String,
    /// ERR-7.
    pub diagnostic: String,
    /// ERR-8, else what the code says in words.
    pub message: String,
}

/// Why a text is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// It isn't HL7, or has no MSA.
    NotAnAnswer,
    /// It has several MSA: whose answer it is can't be told.
    Several,
    /// MSA-1 is no code.
    UnknownCode,
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoAnswer::NotAnAnswer => "it isn't an acknowledgement",
            NoAnswer::Several => "it holds several acknowledgements",
            NoAnswer::UnknownCode => "its acknowledgement code is unknown",
        })
    }
}

impl std::error::Error for NoAnswer {}

/// Segments that an acknowledgement consists of.
const OF_AN_ACKNOWLEDGEMENT: [&[u8]; 10] =
    [b"MSH", b"MSA", b"ERR", b"SFT", b"UAC", b"NTE", b"FHS", b"BHS", b"BTS", b"FTS"];

impl Answer {
    /// Reads an answer.
    ///
    /// # Errors
    /// A text that is none, or one whose code or addressee can't be told.
    pub fn parse(content: &[u8]) -> Result<Answer, NoAnswer> {
        if memchr::memmem::find(content, b"MSA").is_none() {
            return Err(NoAnswer::NotAnAnswer);
        }
        let message = Message::parse(content).map_err(|_| NoAnswer::NotAnAnswer)?;
        let mut acknowledgements = message.named(b"MSA").filter_map(Msa::of);
        let msa = acknowledgements.next().ok_or(NoAnswer::NotAnAnswer)?;
        if acknowledgements.next().is_some() {
            return Err(NoAnswer::Several);
        }
        let code = Code::parse(msa.code().raw()).ok_or(NoAnswer::UnknownCode)?;
        Ok(Answer {
            code,
            control_id: msa.control_id().unescape().into_owned(),
            text: text(msa.text()),
            expected_sequence_number: text(msa.expected_sequence_number()),
            complaints: complaints(&message, &msa),
            carries: if is_bare(&message) { Carries::Nothing } else { Carries::Content },
        })
    }

    /// Whether it holds segments beyond those of an acknowledgement, as the answer to a query does.
    pub fn has_content(&self) -> bool {
        self.carries == Carries::Content
    }
}

/// Whether a text is HL7 and holds nothing but acknowledgements, readable or not.
pub(super) fn is_bare_acknowledgement(content: &[u8]) -> bool {
    Message::parse(content).is_ok_and(|message| is_bare(&message))
}

fn is_bare(message: &Message<'_>) -> bool {
    message.segments().all(|segment| OF_AN_ACKNOWLEDGEMENT.contains(&segment.name()))
}

/// A message's own MSH-10; `None` where there is none.
pub(super) fn control_id(message: &[u8]) -> Option<Vec<u8>> {
    let message = Message::parse(message).ok()?;
    let id = message.header()?.control_id().unescape().into_owned();
    (!id.is_empty()).then_some(id)
}

/// Whether a message of ours is itself an answer, to which none is awaited.
pub(super) fn is_answer(message: &[u8]) -> bool {
    Message::parse(message).is_ok_and(|message| message.named(b"MSA").next().is_some())
}

fn complaints(message: &Message<'_>, msa: &Msa<'_>) -> Vec<Complaint> {
    let errors = message.named(b"ERR").filter_map(Err::of);
    let mut complaints: Vec<_> = errors.flat_map(|error| complaints_of(&error)).collect();
    let condition = msa.error_condition();
    if complaints.is_empty() && !condition.is_empty() {
        let (code, message) = (text(condition.component(1)), text(condition.component(2)));
        complaints.push(Complaint { code, message, ..Complaint::default() });
    }
    complaints
}

fn complaints_of(error: &Err<'_>) -> Vec<Complaint> {
    let rest = |code: String, location: String, words: String| Complaint {
        code,
        location,
        severity: text(error.severity()),
        diagnostic: text(error.diagnostic()),
        message: if error.user_message().is_empty() { words } else { text(error.user_message()) },
    };
    if !error.code().is_empty() || error.code_and_location().is_empty() {
        let words = text(error.code().component(2));
        return vec![rest(text(error.code().component(1)), text(error.location()), words)];
    }
    let before_2_5 = error.code_and_location().repeats().map(|place| {
        let identifier = place.component(4);
        let parts: Vec<String> = place.components().take(3).map(text).collect();
        let location = parts.join("^").trim_end_matches('^').to_owned();
        rest(text(identifier.subcomponent(1)), location, text(identifier.subcomponent(2)))
    });
    before_2_5.collect()
}

fn text(field: Field<'_>) -> String {
    field.text().text.into_owned()
}

/// A peer's words may name a patient: only codes are shown.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({}, {} complaints)", self.code.letters(), self.complaints.len())
    }
}

impl fmt::Debug for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Complaint({} bytes)", self.code.len() + self.message.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(segments: &str) -> Result<Answer, NoAnswer> {
        Answer::parse(format!("MSH|^~\\&|LIS\r{segments}").as_bytes())
    }

    #[test]
    fn only_the_six_codes_are_codes() {
        for (code, letters) in [("AA", Code::Accept), ("CR", Code::CommitReject), ("AE", Code::Error)] {
            assert_eq!(answer(&format!("MSA|{code}|7")).unwrap().code, letters);
        }
        for code in ["AAX", "aa", "A", "", " AA", "AA ", "OK", "AA^AA"] {
            assert_eq!(answer(&format!("MSA|{code}|7")), Err(NoAnswer::UnknownCode), "{code}");
        }
    }

    #[test]
    fn what_says_nothing_about_one_message_is_no_answer() {
        assert_eq!(answer("PID|1"), Err(NoAnswer::NotAnAnswer));
        assert_eq!(Answer::parse(b"MSA|AA|7"), Err(NoAnswer::NotAnAnswer));
        assert_eq!(Answer::parse(b"garbage MSA"), Err(NoAnswer::NotAnAnswer));
        assert_eq!(answer("MSA|AA|7\rMSA|AA|8"), Err(NoAnswer::Several));
    }

    #[test]
    fn reasons_are_read_wherever_the_version_has_them() {
        let complaint =
            |code: &str, location: &str, severity: &str, diagnostic: &str, message: &str| Complaint {
                code: code.to_owned(),
                location: location.to_owned(),
                severity: severity.to_owned(),
                diagnostic: diagnostic.to_owned(),
                message: message.to_owned(),
            };
        for (segments, expected) in [
            (
                "MSA|AE|7\rERR||PID^1^3|204^Unknown key^HL70357|E|||row 7|No such patient",
                vec![complaint("204", "PID^1^3", "E", "row 7", "No such patient")],
            ),
            (
                "MSA|AE|7\rERR||PID^1|101^Required field missing",
                vec![complaint("101", "PID^1", "", "", "Required field missing")],
            ),
            (
                "MSA|AE|7\rERR|PID^1^5^101&Required field missing&HL70357~OBR^1^4^103",
                vec![
                    complaint("101", "PID^1^5", "", "", "Required field missing"),
                    complaint("103", "OBR^1^4", "", "", ""),
                ],
            ),
            (
                "MSA|AR|7|Down|||207^Application internal error",
                vec![complaint("207", "", "", "", "Application internal error")],
            ),
            ("MSA|AR|7|Down", vec![]),
        ] {
            assert_eq!(answer(segments).unwrap().complaints, expected, "{segments}");
        }
        assert_eq!(answer("MSA|AR|7|Down\\T\\out").unwrap().text, "Down&out");
    }

    #[test]
    fn an_answer_to_a_query_has_content() {
        assert!(answer("MSA|AA|7\rQAK|1|OK\rQPD|x").unwrap().has_content());
        assert!(!answer("MSA|AA|7\rERR||x\rNTE|1").unwrap().has_content());
    }
}
