//! What a profile's TOML looks like: the twin that serde reads. Holds no meaning of its own.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_spanned::Spanned;

use crate::domain;
use crate::domain::profile;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    pub(super) name: Spanned<String>,
    pub(super) revision: Spanned<u32>,
    pub(super) vendor: String,
    pub(super) model: String,
    pub(super) note: String,
    #[serde(default)]
    pub(super) protocol: Protocol,
    /// Of ASTM.
    pub(super) records: Option<Spanned<String>>,
    /// Of HL7.
    pub(super) segments: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) unknown_status: Unknown,
    #[serde(default)]
    pub(super) unknown_flag: Unknown,
    /// Of models that write files.
    pub(super) equal_without_hour: Option<EqualWithoutHour>,
    pub(super) sources: BTreeMap<Spanned<String>, String>,
    pub(super) thousands_separator: Option<Spanned<String>>,
    pub(super) dilutions: Option<Dilutions>,
    pub(super) sender: Option<Rule>,
    #[serde(default)]
    pub(super) places: Places,
    /// Of ASTM.
    #[serde(default)]
    pub(super) pins: Vec<Pin>,
    /// Of HL7.
    pub(super) supplements: Option<Vec<Rule>>,
    /// Of HL7.
    pub(super) order_results: Option<Spanned<OrderResults>>,
    /// Of HL7.
    pub(super) acknowledge: Option<Spanned<Acknowledge>>,
    #[serde(default)]
    pub(super) tests: BTreeMap<String, Test>,
    #[serde(default)]
    pub(super) aspects: BTreeMap<String, Aspect>,
    #[serde(default)]
    pub(super) failed_values: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) statuses: BTreeMap<Spanned<String>, Status>,
    #[serde(default)]
    pub(super) flags: BTreeMap<String, Flag>,
    pub(super) classes: Option<Vec<Class>>,
    /// Read by the reader that instrument files share.
    #[serde(default, rename = "link")]
    pub(super) _link: IgnoredAny,
    /// Of ASTM.
    pub(super) query: Option<Query>,
    /// Of tables in files.
    pub(super) table: Option<Spanned<Table>>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(super) enum EqualWithoutHour {
    Held,
    Same,
}

impl From<EqualWithoutHour> for profile::EqualWithoutHour {
    fn from(raw: EqualWithoutHour) -> profile::EqualWithoutHour {
        match raw {
            EqualWithoutHour::Held => profile::EqualWithoutHour::Held,
            EqualWithoutHour::Same => profile::EqualWithoutHour::Same,
        }
    }
}

#[derive(Deserialize, Clone, Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Protocol {
    #[default]
    Astm,
    Hl7,
    Table,
}

/// A place, or in HL7 several of which the first that holds something counts.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Named {
    One(String),
    Several(Vec<String>),
}

impl Named {
    pub(super) fn all(&self) -> &[String] {
        match self {
            Named::One(one) => std::slice::from_ref(one),
            Named::Several(several) => several,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) at: Spanned<String>,
    pub(super) is: String,
}

/// The sign of a message whose results stand in OBR, and where.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderResults {
    pub(super) at: Spanned<String>,
    pub(super) is: String,
    pub(super) places: Places,
}

/// How the model wants its messages answered.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Acknowledge {
    #[serde(default)]
    pub(super) mode: AcknowledgeMode,
    /// The answer's MSH-10 repeats the message's.
    #[serde(default)]
    pub(super) echo_control_id: bool,
    /// MSA carries a text and a number.
    #[serde(default)]
    pub(super) numbered: bool,
    /// The answer's MSH-16 repeats the message's.
    #[serde(default)]
    pub(super) echo_msh_16: bool,
    pub(super) trigger: Option<String>,
}

#[derive(Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "kebab-case")]
pub(super) enum AcknowledgeMode {
    #[default]
    AsAsked,
    Original,
    Commit,
    Silent,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Places {
    pub(super) specimen: Option<Spanned<Named>>,
    pub(super) position: Option<Spanned<Named>>,
    pub(super) priority: Option<Spanned<Named>>,
    pub(super) specimen_type: Option<Spanned<Named>>,
    pub(super) patient_id: Option<Spanned<Named>>,
    pub(super) patient_name: Option<Spanned<Named>>,
    pub(super) birth_date: Option<Spanned<Named>>,
    pub(super) sex: Option<Spanned<Named>>,
    pub(super) patient_location: Option<Spanned<Named>>,
    pub(super) code: Option<Spanned<Named>>,
    pub(super) aspect: Option<Spanned<Named>>,
    pub(super) component: Option<Spanned<Named>>,
    pub(super) dilution: Option<Spanned<Named>>,
    pub(super) replicate: Option<Spanned<Named>>,
    pub(super) loinc: Option<Spanned<Named>>,
    pub(super) firmware: Option<Spanned<Named>>,
    pub(super) assay_version: Option<Spanned<Named>>,
    pub(super) value: Option<Spanned<Named>>,
    pub(super) unit: Option<Spanned<Named>>,
    pub(super) range: Option<Spanned<Named>>,
    pub(super) flags: Option<Spanned<Named>>,
    pub(super) status: Option<Spanned<Named>>,
    pub(super) operator: Option<Spanned<Named>>,
    pub(super) started: Option<Spanned<Named>>,
    pub(super) completed: Option<Spanned<Named>>,
    pub(super) analyzer_unit: Option<Spanned<Named>>,
    pub(super) query_specimen: Option<Spanned<Named>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pin {
    pub(super) at: Spanned<String>,
    pub(super) is: String,
    pub(super) meaning: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Test {
    #[serde(default)]
    pub(super) name: String,
    pub(super) loinc: Option<Spanned<String>>,
    pub(super) result: Spanned<ResultKind>,
    #[serde(default)]
    pub(super) values: BTreeMap<String, String>,
    pub(super) unit: Option<String>,
    pub(super) source: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Aspect {
    pub(super) meaning: String,
    pub(super) unit: Option<String>,
    pub(super) result: Option<Spanned<ResultKind>>,
    #[serde(default)]
    pub(super) values: BTreeMap<String, String>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ResultKind {
    Quantity,
    Coded,
    Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Status {
    pub(super) means: StatusKind,
    #[serde(default)]
    pub(super) in_doubt: bool,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(super) enum StatusKind {
    Preliminary,
    Final,
    Correction,
    Failed,
}

impl From<StatusKind> for domain::Status {
    fn from(kind: StatusKind) -> domain::Status {
        match kind {
            StatusKind::Preliminary => domain::Status::Preliminary,
            StatusKind::Final => domain::Status::Final,
            StatusKind::Correction => domain::Status::Correction,
            StatusKind::Failed => domain::Status::Failed,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Flag {
    pub(super) meaning: String,
    #[serde(default)]
    pub(super) in_doubt: bool,
}

#[derive(Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Unknown {
    #[default]
    Hold,
    Show,
    Tell,
}

impl From<Unknown> for profile::Unknown {
    fn from(unknown: Unknown) -> profile::Unknown {
        match unknown {
            Unknown::Hold => profile::Unknown::Hold,
            Unknown::Show => profile::Unknown::Show,
            Unknown::Tell => profile::Unknown::Tell,
        }
    }
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Dilutions {
    Applied,
    ToApply,
}

impl From<Dilutions> for domain::Dilutions {
    fn from(dilutions: Dilutions) -> domain::Dilutions {
        match dilutions {
            Dilutions::Applied => domain::Dilutions::Applied,
            Dilutions::ToApply => domain::Dilutions::ToApply,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Class {
    pub(super) at: Spanned<String>,
    pub(super) is: String,
    pub(super) class: ClassKind,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ClassKind {
    Patient,
    Control,
    Calibration,
    /// It can't be told.
    Unclear,
}

impl From<ClassKind> for Option<domain::SampleClass> {
    fn from(kind: ClassKind) -> Option<domain::SampleClass> {
        match kind {
            ClassKind::Patient => Some(domain::SampleClass::Patient),
            ClassKind::Control => Some(domain::SampleClass::Control),
            ClassKind::Calibration => Some(domain::SampleClass::Calibration),
            ClassKind::Unclear => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    #[serde(default)]
    pub(super) no_orders: Vec<ReplyRecord>,
    #[serde(default)]
    pub(super) orders: Vec<ReplyRecord>,
    pub(super) style: Option<Spanned<String>>,
    pub(super) test: Option<Spanned<String>>,
    pub(super) patience_secs: Option<Spanned<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplyRecord {
    pub(super) record: Spanned<String>,
    #[serde(default)]
    pub(super) fields: BTreeMap<Spanned<String>, Spanned<String>>,
}

/// How a file's table is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    pub(super) format: Spanned<TableFormat>,
    pub(super) delimiter: Option<Spanned<String>>,
    pub(super) quote: Option<Spanned<String>>,
    pub(super) sheet: Option<Spanned<String>>,
    pub(super) encoding: Option<Spanned<String>>,
    /// The row that is the header.
    pub(super) header: Option<Spanned<u32>>,
    /// How the row begins that is the header.
    pub(super) header_begins: Option<Spanned<String>>,
    /// Rows before the data of a table that has no header.
    pub(super) skip: Option<Spanned<u32>>,
    #[serde(default)]
    pub(super) units_below: bool,
    pub(super) comment: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) open_end: bool,
    pub(super) trailer: Option<Spanned<Trailer>>,
    pub(super) short_rows: Option<Spanned<ShortRows>>,
    /// Characters that hold something and aren't read.
    #[serde(default)]
    pub(super) unread: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) empty_values: EmptyValues,
    pub(super) flag_separator: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) times: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) optional: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) aspects: BTreeMap<String, Spanned<Named>>,
    pub(super) tests: Option<Spanned<TestColumns>>,
    #[serde(default)]
    pub(super) not_results: Vec<Rule>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TableFormat {
    Csv,
    Fixed,
    Xlsx,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trailer {
    pub(super) begins: String,
    pub(super) count_at: Option<usize>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ShortRows {
    Refuse,
    Fill,
    Trimmed,
}

impl From<ShortRows> for profile::ShortRows {
    fn from(rows: ShortRows) -> profile::ShortRows {
        match rows {
            ShortRows::Refuse => profile::ShortRows::Refused,
            ShortRows::Fill => profile::ShortRows::Filled,
            ShortRows::Trimmed => profile::ShortRows::Trimmed,
        }
    }
}

#[derive(Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "kebab-case")]
pub(super) enum EmptyValues {
    #[default]
    Absent,
    Silent,
}

impl From<EmptyValues> for profile::EmptyValues {
    fn from(values: EmptyValues) -> profile::EmptyValues {
        match values {
            EmptyValues::Absent => profile::EmptyValues::Absent,
            EmptyValues::Silent => profile::EmptyValues::Silent,
        }
    }
}

/// Which columns are tests.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TestColumns {
    pub(super) header: Spanned<String>,
    pub(super) flags: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) columns: Vec<String>,
    #[serde(default)]
    pub(super) others: Vec<String>,
}
