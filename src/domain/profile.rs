//! What is known of an analyzer model, as data: where its messages keep each part of a result, which tests it
//! runs, what its statuses and flags mean. Names no LIMS test, ward or person, and nothing of one machine at a site.

mod astm;
mod columns;
mod hl7;
mod pattern;
mod place;
mod query;
mod scale;
mod table;
mod taken;

use std::collections::BTreeMap;

use encoding_rs::Encoding;
use labwire_drop::{Contents, Ending, LONGEST_MESSAGE};

use super::{Dilutions, Status};

pub use astm::{AstmDialect, ClassRule, Pin, SenderRule};
pub use columns::{HeaderForm, TestColumns};
pub use hl7::{Hl7Dialect, Hl7Location, Hl7Places, Hl7Queries, Hl7Rule, OrderResults};
pub use pattern::Pattern;
pub use place::{Location, Places};
pub use query::{Piece, QueryStyle, ReplyRecord, Template};
pub use scale::ScaleFlags;
pub use table::{
    EmptyValues, Header, Layout, ShortRows, TableDialect, TableFormat, TableLocation, TablePiece, TablePlace,
    TableRule, Told,
};
pub use taken::refusal;

/// An analyzer model.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Such as `ortho-vitros-3600`.
    pub name: String,
    /// Never changes once released; every observation stores the revision that read it.
    pub revision: u32,
    pub vendor: String,
    pub model: String,
    /// What couldn't be verified, and what was decided all the same.
    pub note: String,
    /// The protocol that the model speaks, and its way with it.
    pub dialect: Dialect,
    /// What the model writes between the thousands of a number, if it does.
    pub thousands_separator: Option<char>,
    /// What its values of diluted specimens are. `None` where nobody knows: then nothing is made of a dilution.
    pub dilutions: Option<Dilutions>,
    pub tests: BTreeMap<String, Test>,
    /// The sides of one measurement that the model reports separately.
    pub aspects: BTreeMap<String, Aspect>,
    /// Values that mean that the run failed, each with its reason.
    pub failed_values: BTreeMap<String, String>,
    /// The model's own statuses; they come before the protocol's.
    pub statuses: BTreeMap<String, StatusMeaning>,
    /// The model's own flags; they come before the protocol's.
    pub flags: BTreeMap<String, FlagMeaning>,
    pub unknown_status: Unknown,
    pub unknown_flag: Unknown,
    /// What its exports say again without an hour. `None`: nobody knows.
    pub equal_without_hour: Option<EqualWithoutHour>,
}

/// What a result without an hour (a date alone, or no time) is that equals one of another file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EqualWithoutHour {
    /// The same or another: a person says which.
    Held,
    /// Each file says again what those before it said.
    Same,
}

/// How a model speaks.
#[derive(Debug, Clone, PartialEq)]
pub enum Dialect {
    Astm(Box<AstmDialect>),
    Hl7(Box<Hl7Dialect>),
    /// Tables in files.
    Table(Box<TableDialect>),
}

impl Profile {
    /// An analyzer that keeps to the standard and of whose tests nothing is known.
    pub fn standard(name: impl Into<String>, revision: u32, dialect: Dialect) -> Profile {
        Profile {
            name: name.into(),
            revision,
            vendor: String::new(),
            model: String::new(),
            note: String::new(),
            dialect,
            thousands_separator: None,
            dilutions: None,
            tests: BTreeMap::new(),
            aspects: BTreeMap::new(),
            failed_values: BTreeMap::new(),
            statuses: BTreeMap::new(),
            flags: BTreeMap::new(),
            unknown_status: Unknown::Hold,
            unknown_flag: Unknown::Hold,
            equal_without_hour: None,
        }
    }

    /// `name/revision`, as every observation carries it.
    pub fn identity(&self) -> String {
        format!("{}/{}", self.name, self.revision)
    }

    /// What a status letter means. `None` where neither the model nor the protocol knows it.
    pub fn status(&self, sent: &str) -> Option<StatusMeaning> {
        let protocol = || self.dialect.statuses().iter().find(|(letter, ..)| *letter == sent);
        self.statuses
            .get(sent)
            .copied()
            .or_else(|| protocol().map(|(_, status, trust)| StatusMeaning { status: *status, trust: *trust }))
    }

    /// How far a result with this flag is to be trusted. `None` for a flag that nobody knows.
    pub fn flag(&self, sent: &str) -> Option<Trust> {
        let protocol = || {
            let doubts = self.dialect.doubts().contains(&sent).then_some(Trust::InDoubt);
            doubts.or_else(|| self.dialect.flags().contains(&sent).then_some(Trust::Plain))
        };
        self.flags.get(sent).map(|flag| flag.trust).or_else(protocol)
    }

    /// The unit that a test is sent with in one of its aspects. `None` where the profile doesn't say.
    pub fn unit(&self, code: &str, aspect: &str) -> Option<&str> {
        let own = self.aspects.get(aspect).and_then(|aspect| aspect.unit.as_deref());
        own.or_else(|| self.tests.get(code)?.unit.as_deref())
    }

    /// What kind of value a test gives in one of its aspects. `None` where the profile doesn't say.
    pub fn result_type(&self, code: &str, aspect: &str) -> Option<&ResultType> {
        let test = self.tests.get(code);
        match self.aspects.get(aspect) {
            Some(aspect) => aspect.result.as_ref().or(test.map(|test| &test.result)),
            None if aspect.is_empty() => test.map(|test| &test.result),
            None => None,
        }
    }
}

impl Dialect {
    /// What the protocol's status letters mean, where the model doesn't say otherwise.
    fn statuses(&self) -> &'static [(&'static str, Status, Trust)] {
        match self {
            Dialect::Astm(_) => &astm::STATUSES,
            Dialect::Hl7(_) => &hl7::STATUSES,
            Dialect::Table(_) => &[],
        }
    }

    /// The protocol's abnormal flags. They qualify a value against its range and don't question it.
    fn flags(&self) -> &'static [&'static str] {
        match self {
            Dialect::Astm(_) => &astm::FLAGS,
            Dialect::Hl7(_) => &hl7::FLAGS,
            Dialect::Table(_) => &[],
        }
    }

    /// The protocol's abnormal flags that question a value.
    fn doubts(&self) -> &'static [&'static str] {
        match self {
            Dialect::Hl7(_) => &hl7::DOUBTS,
            Dialect::Astm(_) | Dialect::Table(_) => &[],
        }
    }

    /// Whether a status says by the protocol that its result isn't ready. Then nothing makes it final.
    pub fn is_never_final(&self, status: &str) -> bool {
        matches!(self, Dialect::Hl7(_)) && hl7::NEVER_FINAL.contains(&status)
    }

    /// What a file of such a model holds, as far as it takes to cut it, in an encoding that the site may know better.
    pub fn contents(&self, encoding: Option<&'static Encoding>) -> Contents {
        match self {
            Dialect::Astm(_) => Contents::Astm { longest: LONGEST_MESSAGE },
            Dialect::Hl7(_) => Contents::Hl7 { longest: LONGEST_MESSAGE, ending: Ending::Line },
            Dialect::Table(table) => table.contents(encoding),
        }
    }

    /// How the model writes times, as `strptime` formats. Empty: as the protocol does.
    pub fn times(&self) -> &[String] {
        match self {
            Dialect::Astm(_) | Dialect::Hl7(_) => &[],
            Dialect::Table(table) => &table.times,
        }
    }
}

/// One test of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// What the instrument calls it beside its code; empty where it doesn't.
    pub name: String,
    pub loinc: Option<String>,
    pub result: ResultType,
    /// The unit as the instrument sends it.
    pub unit: Option<String>,
    /// The document this was written from.
    pub source: String,
}

/// One side of a measurement, such as the interpretation beside the concentration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aspect {
    pub meaning: String,
    /// The kind of value, where it isn't the test's own.
    pub result: Option<ResultType>,
    /// The unit as the instrument sends it, where it isn't the test's own.
    pub unit: Option<String>,
}

/// The kind of value a test gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResultType {
    Quantity,
    /// A number, or one of the calls that stand in its place, such as `Not Detected`: each exactly as sent, with its
    /// meaning. A call is never a number.
    QuantityOrCall(BTreeMap<String, String>),
    /// Known values, each exactly as sent, with its meaning.
    Coded(BTreeMap<String, String>),
    Text,
}

/// What a status letter says of its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusMeaning {
    pub status: Status,
    pub trust: Trust,
}

/// What a flag says of its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagMeaning {
    pub meaning: String,
    pub trust: Trust,
}

/// Whether the instrument itself questions a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    Plain,
    /// A person must look first.
    InDoubt,
    /// The instrument takes back what it sent; a person must look first.
    Withdrawn,
}

/// What happens to a result that carries something the profile doesn't know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// A person must look first.
    Hold,
    /// It is shown with the result, which may leave.
    Show,
    /// As shown, and a problem names it.
    Tell,
}
