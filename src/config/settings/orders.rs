//! Where orders come from.

use std::path::PathBuf;
use std::time::Duration;

use labwire_hl7::message::Path;

use super::{TcpServerSettings, Web};
use crate::domain::{Numbering, Private};

/// A LIMS that tells its orders.
#[derive(Debug, Clone)]
pub struct OrderSource {
    /// As the configuration calls it. Orders belong to it: under another name the same LIMS is another.
    pub name: String,
    pub way: OrderWay,
    /// Where it is asked about a tube of which nothing is known.
    pub ask: Option<AskSettings>,
}

/// How orders come.
#[derive(Debug, Clone)]
pub enum OrderWay {
    /// It connects and sends HL7 over MLLP.
    Mllp { server: TcpServerSettings, hl7: OrderHl7, numbers: Numbering },
    /// It connects and posts JSON, with this token.
    Push { server: TcpServerSettings, token: Private<String>, numbers: Numbering },
    /// It is asked again and again.
    Poll(PollSettings),
    /// It leaves files in a folder.
    Folder(OrderFolder),
}

/// How its HL7 is read.
#[derive(Debug, Clone)]
pub struct OrderHl7 {
    pub places: OrderPlaces,
    /// `None`: what each message declares.
    pub character_set: Option<&'static encoding_rs::Encoding>,
}

/// Where this LIMS writes what it may write at several places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPlaces {
    /// The specimen's number: the first of these that holds something.
    pub specimen: Vec<Path>,
}

/// A LIMS that is asked what is new.
#[derive(Debug, Clone)]
pub struct PollSettings {
    /// With `{cursor}` where that belongs; for FHIR the server's base.
    pub url: String,
    pub web: Web,
    /// From one answer to the next question, in whole seconds.
    pub every: Duration,
    pub format: OrderFormat,
}

/// What a LIMS on the web answers in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderFormat {
    /// labwire's own, as docs/orders.schema.json describes it.
    Json,
    /// A FHIR R4 searchset of ServiceRequests.
    Fhir(FhirOrders),
}

/// Which of several codes and identifiers are the LIMS's. Without a system, the first that there is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FhirOrders {
    pub code_system: Option<String>,
    pub specimen_system: Option<String>,
    pub patient_system: Option<String>,
}

/// Files with HL7 messages (`.hl7`) or JSON (`.json`).
#[derive(Debug, Clone)]
pub struct OrderFolder {
    pub path: PathBuf,
    pub every: Duration,
    /// Where a file goes that was taken; `None`: it is deleted.
    pub moved_to: Option<PathBuf>,
    pub hl7: OrderHl7,
    pub numbers: Numbering,
}

/// A LIMS that can be asked about one tube.
#[derive(Debug, Clone)]
pub struct AskSettings {
    /// With `{specimen}` where the label belongs.
    pub url: String,
    pub web: Web,
    pub format: OrderFormat,
}
