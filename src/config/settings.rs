//! The typed settings that the rest of the gateway runs on. Everything in here has been checked; nothing in
//! here knows that it came from TOML.

mod alerts;
mod destination;
mod drop;
mod history;
mod orders;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use labwire_units::Aliases;

use super::Origin;
use crate::domain::call::Step;
use crate::domain::profile::{EqualWithoutHour, Pattern, Profile};
use crate::domain::qc::Plan;
pub use crate::domain::{
    CodeMapping, FinishedTests, OrderRules, Panels, RerunPolicy, SpecimenRules, UnorderedPolicy,
};
use crate::domain::{InstrumentId, PersonName, Private, Role, Rules};
pub use alerts::*;
pub use destination::*;
pub use drop::*;
pub use history::*;
pub use orders::*;

/// One site's gateway.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where all of this was read.
    pub origin: Origin,
    /// The laboratory's name, part of every result's identity.
    pub site: String,
    pub journal: JournalSettings,
    pub page: PageSettings,
    /// The Unix socket on which commands reach a running gateway.
    pub control_socket: PathBuf,
    pub log: LogSettings,
    pub reconciliation: ReconciliationSettings,
    pub backup: BackupSettings,
    pub alerts: AlertSettings,
    /// `None`: nobody is told of traces.
    pub otlp: Option<Otlp>,
    /// Whom to call about a critical value, and from when on; in order.
    pub call_steps: Vec<Step>,
    pub trace: Option<TraceSettings>,
    pub instruments: Vec<Arc<Instrument>>,
    /// What may be converted, into what, and why, and what is asked about results; whether it is in force is the journal's
    /// to say.
    pub rules: Arc<Rules>,
    pub destinations: Vec<Arc<Destination>>,
    /// The system users who may put rules in force; empty: whoever may use the control socket.
    pub signers: Vec<String>,
    /// What mustn't leave by itself for the time being.
    pub suspended: Vec<Suspension>,
    /// Who tells what is to be done.
    pub orders: Vec<Arc<OrderSource>>,
    /// Who is asked for patients' earlier values.
    pub history: Option<Arc<HistorySettings>>,
    /// Which control is which, and how runs of them are judged.
    pub qc: Arc<Plan>,
}

#[derive(Debug, Clone)]
pub struct JournalSettings {
    pub path: PathBuf,
    /// Below this much free space on the journal's file system, in bytes, no new transmission is accepted; a
    /// running one still has room to end.
    pub reserve_bytes: u64,
    pub retention: Retention,
}

/// When bytes of old, settled messages leave the journal for archives beside it. By default never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Once they are so many days old; never less than [`Retention::FLOOR_DAYS`].
    pub keep_days: Option<u32>,
    /// While the journal is larger, in bytes: the oldest first, and none below the floor.
    pub most_bytes: Option<u64>,
}

impl Retention {
    /// Two years, for which a laboratory's test records must be at hand by 42 CFR 493.1105.
    pub const FLOOR_DAYS: u32 = 731;

    /// Whether anything ever leaves.
    pub fn is_on(self) -> bool {
        self.keep_days.is_some() || self.most_bytes.is_some()
    }
}

/// Copies of the journal. They hold patient data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupSettings {
    pub folder: PathBuf,
    /// The newest copy of each of so many days, weeks and months stays.
    pub keep_days: usize,
    pub keep_weeks: usize,
    pub keep_months: usize,
}

#[derive(Debug, Clone)]
pub struct PageSettings {
    pub listen: SocketAddr,
    /// Always there where the address isn't a loopback one.
    pub tls: Option<TlsServerSettings>,
    /// Programs that may read, and what else they may.
    pub tokens: Vec<MachineToken>,
    /// The names a browser may use for this page (its `Host` header without the port).
    pub hosts: Vec<String>,
    /// After so long without a request of its user, a session asks for a PIN, a badge or the password.
    pub away_after: Duration,
    /// How long a link may be down before the page tells people to go to paper.
    pub paper_after: Duration,
    pub language: Language,
}

/// What the page speaks. Commands, records and programs are told in English.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    #[default]
    English,
    German,
    /// English with a mark around each text of the catalogue: what stands outside of them isn't in it. For tests; no setting
    /// chooses it.
    Marked,
}

impl Language {
    /// By their names in BCP 47.
    pub const NAMED: [(&str, Language); 2] = [("en", Language::English), ("de", Language::German)];
}

impl PageSettings {
    /// Other machines reach it: nobody may read patient data there who hasn't signed in.
    pub fn is_open(&self) -> bool {
        !self.listen.ip().is_loopback()
    }
}

/// A program that reads, or decides, in its own name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineToken {
    pub name: PersonName,
    pub role: Role,
    pub token: Private<String>,
}

#[derive(Debug, Clone)]
pub struct LogSettings {
    pub format: LogFormat,
    /// A filter as `tracing` reads it, such as `info` or `labwire::intake=debug`.
    pub filter: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// What a day's reconciliation counts as late, and the reports of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReconciliationSettings {
    /// A result that hasn't left after this long is an exception.
    pub late_after: Duration,
    /// Without it no report is written.
    pub reports: Option<ReportSettings>,
}

/// A report of each day. They name specimens: files are readable by the owner and the group only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportSettings {
    pub folder: PathBuf,
    /// When the day before is reported, in the machine's time zone.
    pub at: jiff::civil::Time,
    /// At least one.
    pub formats: Vec<ReportFormat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReportFormat {
    Json,
    Csv,
}

/// Byte-exact traces of every link. They hold patient data: files are readable by the owner only.
#[derive(Debug, Clone)]
pub struct TraceSettings {
    pub folder: PathBuf,
    /// A link's trace starts over at this size in bytes, keeping one older file.
    pub keep_bytes: u64,
}

/// Nothing of these tests of these instruments leaves by itself, where rules verify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspension {
    pub instruments: Selection,
    /// By the LIMS's code or by the instrument's.
    pub tests: Selection,
    /// In the site's words.
    pub reason: String,
}

impl Suspension {
    pub fn takes(&self, instrument: &str, code: &str, lims_code: Option<&str>) -> bool {
        self.instruments.takes(&[instrument]) && self.tests.takes(&[code, lims_code.unwrap_or(code)])
    }
}

/// `tests K, NA of cobas-1: the ISE module drifts`.
impl fmt::Display for Suspension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named =
            |selection: &Selection| selection.only.iter().map(Pattern::as_str).collect::<Vec<_>>().join(", ");
        match named(&self.tests).as_str() {
            "" => f.write_str("all tests")?,
            tests => write!(f, "tests {tests}")?,
        }
        match named(&self.instruments).as_str() {
            "" => f.write_str(" of all analyzers")?,
            instruments => write!(f, " of {instruments}")?,
        }
        write!(f, ": {}", self.reason)
    }
}

/// One machine at this site.
#[derive(Debug, Clone)]
pub struct Instrument {
    pub id: InstrumentId,
    pub description: String,
    pub profile: Arc<Profile>,
    pub transport: Transport,
    /// What the analyzer calls itself (the first component of H.5 or MSH-3); required where an address can't tell two apart.
    pub sender: Option<String>,
    /// How its link behaves: the profile's defaults with this file's changes.
    pub line: Line,
    pub time_zone: jiff::tz::TimeZone,
    /// `None`: what an HL7 message declares; for ASTM, windows-1252.
    pub character_set: Option<&'static encoding_rs::Encoding>,
    /// The decimal separator in its values: `.` or `,`.
    pub decimal_separator: char,
    pub specimen: SpecimenRules,
    /// This site's view of the instrument's test codes.
    pub codes: Arc<BTreeMap<String, CodeMapping>>,
    /// What the LIMS orders under one code and this instrument reports as several tests.
    pub panels: Panels,
    /// What it writes for which UCUM unit.
    pub units: Aliases,
    /// What the instrument calls a kind of specimen, by the LIMS's name for it.
    pub specimen_kinds: BTreeMap<String, String>,
    /// How long a repeated message whose results carry no time still counts as a repetition.
    pub resend_window: Duration,
    /// What a result of its files is that equals one of another file, where no hour tells them apart.
    pub equal_without_hour: EqualWithoutHour,
    pub rerun: RerunPolicy,
    pub orders: OrderRules,
    /// It doesn't ask: it is told of its work.
    pub download: bool,
    /// From how far off its clock is in doubt; `None`: nobody looks.
    pub clock_limit: Option<jiff::SignedDuration>,
}

/// The protocol on an instrument's connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    Astm(labwire_astm::transfer::Settings),
    /// HL7 v2 in MLLP blocks, and how its messages are answered.
    Mllp(labwire_hl7::transfer::Settings, labwire_hl7::transfer::Acknowledging),
    /// None: files are fetched, and nobody is answered.
    Files,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    Serial(SerialSettings),
    TcpServer(TcpServerSettings),
    TcpClient(TcpClientSettings),
    /// Files in a folder or on a server.
    Drop(DropSettings),
}

impl Transport {
    /// Whether the instrument may be at this address. Only a listener restricts it.
    pub fn allows(&self, peer: IpAddr) -> bool {
        match self {
            Transport::TcpServer(server) => {
                server.allow.is_empty() || server.allow.iter().any(|network| network.contains(peer))
            }
            Transport::Serial(_) | Transport::TcpClient(_) | Transport::Drop(_) => true,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerialSettings {
    /// Best a `/dev/serial/by-id/…` name: it stays the same when the adapter is plugged in again.
    pub device: PathBuf,
    /// Bits per second.
    pub baud: u32,
    /// 5 to 8.
    pub data_bits: u8,
    pub parity: Parity,
    /// 1 or 2.
    pub stop_bits: u8,
    pub flow_control: FlowControl,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parity {
    None,
    Even,
    Odd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowControl {
    None,
    Software,
    Hardware,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpServerSettings {
    /// Instruments with the same address share one listener.
    pub listen: SocketAddr,
    /// Who may connect as this instrument; empty means anyone who can reach the listener.
    pub allow: Vec<Network>,
    /// How many connections of this instrument may stand at once.
    pub max_connections: usize,
    pub second_connection: SecondConnection,
    pub limits: TcpLimits,
    /// Without it, connections are in the clear.
    pub tls: Option<TlsServerSettings>,
}

/// TLS on a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsServerSettings {
    pub certificate_pem: Vec<u8>,
    pub key_pem: Private<Vec<u8>>,
    /// Only who has a certificate of this authority may connect.
    pub client_ca_pem: Option<Vec<u8>>,
}

/// TLS to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsClientSettings {
    /// The authority of the server's certificate.
    pub ca_pem: Vec<u8>,
    /// The name in its certificate.
    pub server_name: String,
    /// Our own certificate and key, where it asks for them.
    pub identity: Option<(Vec<u8>, Private<Vec<u8>>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpClientSettings {
    /// `host:port` of the analyzer or its terminal server.
    pub connect: String,
    pub limits: TcpLimits,
    /// Without it, the connection is in the clear.
    pub tls: Option<TlsClientSettings>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpLimits {
    /// Probe an idle connection after this long.
    pub keep_alive: Duration,
    /// Give a connection up when sent data stays unacknowledged this long (TCP_USER_TIMEOUT).
    pub user_timeout: Duration,
    /// Close a connection on which nothing arrived for this long; `None` keeps it for ever.
    pub idle: Option<Duration>,
}

/// What happens when an instrument that has `max_connections` connections opens one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondConnection {
    /// The oldest connection is closed: analyzers that crash reconnect without ending the old one.
    Replace,
    /// The new connection is closed at once.
    Refuse,
}

/// An address with a prefix length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    pub address: IpAddr,
    pub prefix: u8,
}

impl Network {
    pub fn contains(&self, peer: IpAddr) -> bool {
        let same = |a: u128, b: u128, width: u32| {
            let ignored = width.saturating_sub(u32::from(self.prefix));
            ignored >= 128 || (a >> ignored) == (b >> ignored)
        };
        match (self.address, peer.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => same(u32::from(a).into(), u32::from(b).into(), 32),
            (IpAddr::V6(a), IpAddr::V6(b)) => same(a.into(), b.into(), 128),
            _ => false,
        }
    }
}
