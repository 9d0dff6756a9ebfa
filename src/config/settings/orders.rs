//! Where orders come from.

use labwire_hl7::message::Path;

use super::TcpServerSettings;

/// A LIMS that tells its orders by HL7 over MLLP: it connects to us.
#[derive(Debug, Clone)]
pub struct OrderSource {
    /// As the configuration calls it. Orders belong to it: under another name the same LIMS is another.
    pub name: String,
    pub server: TcpServerSettings,
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
