//! Where results go: what every destination has, and what each kind of it adds.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::TlsClientSettings;
use crate::domain::profile::Pattern;
use crate::domain::{DestinationId, OnceMore, Private, Words, words};

/// Where results go.
#[derive(Debug, Clone)]
pub struct Destination {
    pub id: DestinationId,
    pub kind: Kind,
    /// How many specimens may be in flight at once.
    pub parallel: usize,
    pub backoff: Backoff,
    pub breaker: Breaker,
    pub on_unknown: OnUnknown,
    /// The most deliveries that begin in one second.
    pub per_second: u32,
    pub mode: Mode,
    pub release: Release,
    pub held: WhileHeld,
    /// It is told what people recorded of critical calls.
    pub critical_calls: bool,
    pub takes: Takes,
}

/// What a destination is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Patients are treated by what it holds.
    #[default]
    Live,
    /// It is tried out beside the live one: what it gets is marked as a test.
    Test,
    /// It gets what it is owed already, and newer versions of what it has, and nothing else.
    Drain,
}

/// Who verifies the results that a destination gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Release {
    /// Its own people do: no rule holds anything back from it.
    #[default]
    PassThrough,
    /// Rules in force do, and what they hold waits for a person. Without rules in force everything waits.
    HoldExceptions,
    /// A person releases each result.
    Full,
}

/// What a destination is told of a result that rules, or the want of a release, hold back from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhileHeld {
    #[default]
    Nothing,
    /// The result as preliminary, unless its value is in doubt.
    Preliminary,
}

/// Which results a destination takes: those that every part takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Takes {
    pub instruments: Selection,
    /// By the LIMS's code or by the instrument's.
    pub tests: Selection,
    /// As the instrument sent it; a result without one counts as empty.
    pub specimen_kinds: Selection,
    pub whose: Whose,
}

/// Whose results a destination is there for. Calibrations go nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Whose {
    #[default]
    Patients,
    /// Those of controls alone: what it gets is on no patient's record.
    Controls,
}

/// A choice of names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Nothing else is taken; empty means all.
    pub only: Vec<Pattern>,
    pub except: Vec<Pattern>,
}

impl Selection {
    /// Whether any of these names of one thing is chosen, and none is excepted.
    pub fn takes(&self, names: &[&str]) -> bool {
        let any = |patterns: &[Pattern]| {
            patterns.iter().any(|pattern| names.iter().any(|name| pattern.matches(name)))
        };
        (self.only.is_empty() || any(&self.only)) && !any(&self.except)
    }
}

/// How results get there.
#[derive(Debug, Clone)]
pub enum Kind {
    Http(Http),
    Fhir(Fhir),
    Mllp(Mllp),
    Folder(Folder),
}

impl Kind {
    /// What becomes there of results that it has acknowledged and that go to it once more, for a person.
    pub fn makes_of(&self, how: OnceMore) -> Words {
        match (self, how) {
            (Kind::Http(_), OnceMore::AsItWas) => {
                words!("it has the same key: a LIMS that has it answers as it did, one that lost it takes it")
            }
            (Kind::Http(_), OnceMore::Anew) => {
                words!("it has another key: a LIMS that goes by the key alone HAS THESE RESULTS TWICE then")
            }
            (Kind::Fhir(_), _) => words!("what the server has is found by its identifier and not made twice"),
            (Kind::Mllp(_), OnceMore::AsItWas) => {
                words!(
                    "it has the same control ID (MSH-10): a LIMS that doesn't go by that HAS THESE RESULTS TWICE then"
                )
            }
            (Kind::Mllp(_), OnceMore::Anew) => {
                words!("it has another control ID (MSH-10): the LIMS HAS THESE RESULTS TWICE then")
            }
            (Kind::Folder(_), OnceMore::AsItWas) => {
                words!("a file of the same name and content: whoever took it before MAY HAVE IT TWICE then")
            }
            (Kind::Folder(_), OnceMore::Anew) => {
                words!("a file of another name: whoever took them before HAS THESE RESULTS TWICE then")
            }
        }
    }
}

/// How a web server is reached, and how it knows us.
#[derive(Debug, Clone)]
pub struct Web {
    /// Sent as `Authorization: Bearer …`.
    pub token: Option<Private<String>>,
    /// A certificate authority to trust instead of the system's, as PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// Our certificate and its key, as PEM, for a server that asks for one.
    pub identity_pem: Option<Private<Vec<u8>>>,
    /// How long one request may take, connection and answer.
    pub timeout: Duration,
}

/// JSON by POST.
#[derive(Debug, Clone)]
pub struct Http {
    pub url: String,
    pub web: Web,
    /// Whether `Idempotency-Key` is a quoted string, as the IETF draft says, or bare, as some servers want it.
    pub key_style: KeyStyle,
    /// Asked for the fate of a delivery when `on_unknown` is `Probe`; `{key}` stands for the idempotency key.
    pub probe_url: Option<String>,
    /// Checked in order; the first that matches decides. The built-in table follows them.
    pub rules: Vec<ReplyRule>,
    pub items: Option<ItemReply>,
}

/// A FHIR R4 server: transactions by POST.
#[derive(Debug, Clone)]
pub struct Fhir {
    /// The server's base address, without a slash at its end.
    pub url: String,
    pub web: Web,
    pub names: FhirNames,
    /// Checked in order; the first that matches decides. The built-in table follows them.
    pub rules: Vec<ReplyRule>,
}

/// By which names a FHIR server knows things.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FhirNames {
    /// The address under which this laboratory's own identifiers and codes stand, without a slash at its end.
    pub system: String,
    /// The system of specimen numbers.
    pub specimen_system: String,
    /// The system of patient numbers; without one no result names its patient.
    pub patient_system: Option<String>,
    /// The system of the codes that the LIMS calls tests by.
    pub code_system: String,
    /// The UCUM code of each unit, as sent, that has one.
    pub ucum: BTreeMap<String, String>,
}

/// HL7 v2 over MLLP, by a connection of ours.
#[derive(Debug, Clone)]
pub struct Mllp {
    /// `host:port` of the LIMS.
    pub connect: String,
    /// Without it, messages are in the clear.
    pub tls: Option<TlsClientSettings>,
    pub hl7: Hl7,
    pub awaited: Awaited,
    /// How long to wait for the first answer.
    pub timeout: Duration,
    /// How long to wait for the application's answer once the LIMS has the message in safe storage.
    pub application_timeout: Duration,
    /// Checked in order; the first that matches decides. The built-in table follows them.
    pub rules: Vec<AnswerRule>,
}

/// How results are written as HL7.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hl7 {
    pub message: MessageKind,
    /// MSH-3 to MSH-6; `^` separates components, empty leaves the field out.
    pub sending_application: String,
    pub sending_facility: String,
    pub receiving_application: String,
    pub receiving_facility: String,
}

/// MSH-9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MessageKind {
    #[default]
    OruR01,
    OulR22,
}

/// Which answer settles a message, and so what MSH-15 and MSH-16 ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// The application's, in the original mode: both fields are empty. A commit before it is passed over.
    Application,
    /// The commit alone: `AL` and `NE`.
    Commit,
    /// The application's, after a commit: `AL` and `AL`.
    Both,
}

/// A file a delivery.
#[derive(Debug, Clone)]
pub struct Folder {
    pub folder: PathBuf,
    pub format: Format,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    Hl7(Hl7),
    Csv,
}

/// One line of the rule table that turns an acknowledgement into a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerRule {
    /// MSA-1.
    pub code: labwire_hl7::transfer::Code,
    /// Codes of HL7 table 0357 in ERR-3, inclusive; one of the answer's must be among them.
    pub errors: Option<(u32, u32)>,
    /// A text that must occur in MSA-3 or ERR-8.
    pub text: Option<String>,
    pub verdict: VerdictKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStyle {
    Quoted,
    Bare,
}

/// Full-jitter backoff: the n-th wait is random between 0 and `min(longest, first × 2ⁿ)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    pub first: Duration,
    pub longest: Duration,
}

/// After `failures` failures in a row the destination rests for `rest`, then one delivery tries again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    pub failures: u32,
    pub rest: Duration,
}

/// What to do when it isn't known whether the LIMS took a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUnknown {
    /// Ask the LIMS, then act on the answer.
    Probe,
    /// Send the same bytes with the same key again.
    Resend,
    /// Wait for a person.
    Ask,
}

/// One line of the rule table that turns a reply into a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyRule {
    /// Status codes, inclusive.
    pub status: (u16, u16),
    /// A JSON pointer into the body and the text that must stand there.
    pub body: Option<(String, String)>,
    pub verdict: VerdictKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerdictKind {
    Accepted,
    Staged,
    Duplicate,
    Retry,
    Refused,
    Unknown,
}

impl VerdictKind {
    /// As it is written everywhere.
    pub fn name(self) -> &'static str {
        match self {
            VerdictKind::Accepted => "accepted",
            VerdictKind::Staged => "staged",
            VerdictKind::Duplicate => "duplicate",
            VerdictKind::Retry => "retry",
            VerdictKind::Refused => "refused",
            VerdictKind::Unknown => "unknown",
        }
    }
}

/// Where a LIMS that answers per item says what became of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemReply {
    /// JSON pointer to the array of items.
    pub array: String,
    /// JSON pointer within an item to the observation's id as we sent it.
    pub id: String,
    /// JSON pointer within an item to its outcome.
    pub outcome: String,
    /// What each outcome means; one that isn't listed leaves the item unknown.
    pub outcomes: BTreeMap<String, VerdictKind>,
    /// JSON pointer within an item to the reason.
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_takes_what_it_names_and_excepts_what_it_excepts() {
        let patterns = |names: &[&str]| names.iter().map(|name| Pattern::new(*name)).collect::<Vec<_>>();
        let any: &[&str] = &[];
        for (only, except, names, expected) in [
            (any, any, any, true),
            (any, any, &["GLU"][..], true),
            (&["GLU"][..], any, &["GLU"][..], true),
            (&["GLU"], any, &["glu"], false),
            (&["GLU"], any, &["GLCC", "GLU"], true),
            (&["GLU"], any, any, false),
            (&["HIV*", "HCV"], any, &["HIV-1"], true),
            (any, &["HIV*"], &["HIV-1"], false),
            (any, &["HIV*"], &["GLCC", "HIV-1"], false),
            (&["H*"], &["HIV"], &["HIV"], false),
            (&["H*"], &["HIV"], &["HCV"], true),
            (&[""], any, &[""], true),
        ] {
            let selection = Selection { only: patterns(only), except: patterns(except) };
            assert_eq!(selection.takes(names), expected, "{selection:?} {names:?}");
        }
    }
}
