//! JSON Schemas of the configuration's files, for editors that complete and explain TOML by them. They are made of what the
//! readers ask for while they read the examples, so they can't name a key that isn't read. `labwire check` is stricter.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::complaint::Remarks;
use super::examples::{self, setting, switched_on};
use super::finding::Source;
use super::instrument::Shared;
use super::profiles::Profiles;
use super::reader::{self, Table};
use super::survey::{Known, Members, Place, Shape};
use super::{analytes, checks, codes, instrument, qc, rules, site};
use crate::domain::InstrumentId;

/// No folder: whatever the examples name isn't there, and isn't read.
const NOWHERE: &str = "/dev/null";

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    Labwire,
    Instrument,
    Codes,
    Rules,
    Qc,
    Analytes,
}

impl File {
    pub const ALL: [File; 6] =
        [File::Labwire, File::Instrument, File::Codes, File::Rules, File::Qc, File::Analytes];

    pub fn name(self) -> &'static str {
        match self {
            File::Labwire => "labwire",
            File::Instrument => "instrument",
            File::Codes => "codes",
            File::Rules => "rules",
            File::Qc => "qc",
            File::Analytes => "analytes",
        }
    }

    fn title(self) -> &'static str {
        match self {
            File::Labwire => "labwire.toml",
            File::Instrument => "instruments.d/NAME.toml",
            File::Codes => "codes.d/NAME.toml",
            File::Rules => "rules.d/NAME.toml",
            File::Qc => "qc.d/NAME.toml",
            File::Analytes => "analytes.toml",
        }
    }

    /// The schema, pretty, with a line feed at its end. The same program always says the same.
    pub fn schema(self) -> String {
        let shape = self.survey();
        let mut schema = Map::new();
        schema.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
        schema.insert("title".to_owned(), json!(self.title()));
        if let Value::Object(table) = of_place(&shape) {
            schema.extend(table);
        }
        format!("{:#}\n", Value::Object(schema))
    }

    /// Every key that may stand in this kind of file, whatever table it belongs to.
    pub(super) fn keys(self) -> BTreeSet<&'static str> {
        let mut keys = BTreeSet::new();
        keys_of(&self.survey(), &mut keys);
        keys
    }

    /// What the readers of this kind of file ask for.
    fn survey(self) -> Place {
        let nowhere = Path::new(NOWHERE);
        let (rules, _) = rules::assembled(&[shipped_analytes()]);
        let texts = self.examples();
        let place = match self {
            File::Labwire => survey(&texts, |file| drop(site::read(file, nowhere))),
            File::Instrument => {
                let (profiles, _) = Profiles::shipped();
                let maps = Default::default();
                let shared = Shared { profiles: &profiles, analytes: &rules.analytes, code_maps: &maps };
                let id = InstrumentId::new("example");
                survey(&texts, |file| drop(instrument::read(&id, file, nowhere, &shared)))
            }
            File::Codes => survey(&texts, |file| drop(codes::read(file, &rules.analytes))),
            File::Rules => survey(&texts, |file| {
                let source = Source { name: "rules.d/example.toml".to_owned(), text: String::new() };
                checks::read(file, &source, &rules.analytes);
            }),
            File::Qc => survey(&texts, |file| drop(qc::read_lots(file, "example", &mut Vec::new()))),
            File::Analytes => survey(&texts, |file| drop(analytes::read(file))),
        };
        texts.iter().for_each(|text| explain(&place, text));
        place
    }

    /// Files in which everything that may be said is said at least once.
    fn examples(self) -> Vec<String> {
        use examples::{DROP, HL7, QC, RULES, SERIAL, TCP_CLIENT, TCP_SERVER};
        match self {
            File::Labwire => vec![super::DEFAULT.to_owned(), besides()],
            File::Instrument => {
                let all = [SERIAL, TCP_SERVER, TCP_CLIENT, HL7, DROP].map(str::to_owned).into_iter();
                all.chain(drops()).chain(instruments()).collect()
            }
            File::Codes => {
                let codes = SERIAL.find("#[codes").and_then(|at| SERIAL.get(at..)).unwrap_or_default();
                vec![codes.to_owned()]
            }
            File::Rules => vec![RULES.to_owned(), rules_besides()],
            File::Qc => vec![QC.to_owned()],
            File::Analytes => vec![super::ANALYTES.to_owned()],
        }
    }
}

/// What the manual of `labwire.toml` says in words alone: keys that stand in several tables and are explained in one.
fn besides() -> String {
    let web = "token_file = \"a\"\nca_file = \"a\"\ncertificate_file = \"a\"\nkey_file = \"a\"\n";
    let mut text = "site = \"A\"\n".to_owned();
    for table in ["alerts.webhook", "alerts.heartbeat", "orders.a.ask"] {
        text += &format!("[{table}]\n{web}");
    }
    for kind in ["http", "fhir"] {
        text += &format!("[destination.{kind}]\nkind = \"{kind}\"\nprobe_url = \"a\"\n{web}");
    }
    for list in ["instruments", "specimen_kinds", "tests"] {
        text += &format!("{list} = [\"a\"]\nexcept_{list} = [\"a\"]\n");
    }
    for kind in ["poll", "fhir"] {
        text += &format!("[orders.{kind}]\nkind = \"{kind}\"\n{web}");
    }
    let identity = "certificate_file = \"a\"\nkey_file = \"a\"\n";
    text += &format!("[destination.mllp]\nkind = \"mllp\"\n[destination.mllp.tls]\n{identity}");
    text += &format!("[orders.mllp]\n[orders.mllp.tls]\n{identity}");
    text += &format!("[history]\nformat = \"fhir\"\ncode_system = \"a\"\n{web}");
    text += "[alerts.email]\nuser = \"a\"\npassword_credential = \"a\"\n";
    if cfg!(feature = "otlp") {
        text += &format!("[otlp]\nurl = \"a\"\n{web}");
    }
    text += "[critical_calls]\nclock = \"verified\"\nverify_minutes = 20\n";
    text
}

/// As [`besides`], of rules.
fn rules_besides() -> String {
    let method = |method| format!("[[delta]]\nmethod = \"{method}\"\nbase = \"mean\"\n");
    ["absolute", "percent", "rate", "rcv", "rcv-log"].map(method).concat()
}

/// As [`besides`], of instruments.
fn instruments() -> Vec<String> {
    let tls = "ca_file = \"a\"\ncertificate_file = \"a\"\nkey_file = \"a\"\nclient_ca_file = \"a\"\nserver_name = \"a\"\n";
    let least = "profile = \"erba-xl\"\ntime_zone = \"UTC\"\n";
    let tables = [
        format!("[tcp_server]\n[tcp_server.tls]\n{tls}"),
        format!("[tcp_client]\nconnect = \"a:1\"\n[tcp_client.tls]\n{tls}"),
        "[ftp]\nfingerprint = \"a\"\nserver_name = \"a\"\npassword_credential = \"a\"\n".to_owned(),
        "[[codes.a.ranges]]\nsex = \"female\"\ntext = \"a\"\n".to_owned(),
    ];
    let times = format!("times = [\"%Y\"]\n{least}");
    tables.into_iter().map(|table| format!("{least}{table}")).chain([times]).collect()
}

/// Files from a folder and from other servers, each finished in another way.
fn drops() -> Vec<String> {
    let least = "profile = \"generic-hl7\"\ntime_zone = \"UTC\"\n";
    let ways = [
        "by = \"marker\", suffix = \".ok\"",
        "by = \"rename\", while_writing = \"*.tmp\"",
        "by = \"trailer\"",
        "by = \"lock\"",
    ];
    let folder = |way| {
        format!("{least}[folder]\nfolder = \"/srv/analyzer\"\nafter = \"delete\"\ncomplete = {{ {way} }}\n")
    };
    let mut drops: Vec<String> = ways.into_iter().map(folder).collect();
    let server = examples::DROP.replace("[ftp]", "[folder]");
    drops.push(server);
    if cfg!(feature = "sftp") {
        drops.push(examples::DROP.replace("[ftp]", "[sftp]"));
        drops.push(format!("{least}[sftp]\nkey_file = \"analyzer.key\"\n"));
    }
    drops
}

fn shipped_analytes() -> Source {
    Source { name: "(shipped) analytes.toml".to_owned(), text: super::ANALYTES.to_owned() }
}

fn survey(texts: &[String], mut read: impl FnMut(&mut Table<'_>)) -> Place {
    let survey = Place::noted();
    for text in texts {
        // What is wrong with an example out of its place is of no interest here.
        let remarks = Remarks::surveying(&survey);
        reader::document(&switched_on(text), &remarks, &mut read);
    }
    survey
}

/// Tells each place what a manual says of it: the comment above its line, or above the lines that it is one of.
fn explain(survey: &Place, manual: &str) {
    let mut table: Vec<String> = Vec::new();
    let mut words: Vec<&str> = Vec::new();
    let mut is_open = false;
    for line in manual.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            if !is_open {
                words.clear();
            }
            is_open = true;
            words.push(comment.trim());
            continue;
        }
        is_open = false;
        let line = setting(line).unwrap_or(line);
        if line.trim().is_empty() {
            words.clear();
        } else if let Some(header) = line.strip_prefix('[') {
            let inner = header.trim_start_matches('[').split(']').next().unwrap_or_default();
            table = inner.split('.').map(|step| step.trim_matches('"').to_owned()).collect();
            survey.at(&table).describe(&words.join(" "));
        } else if let Some((key, _)) = line.split_once(" = ") {
            let path: Vec<String> = table.iter().cloned().chain([key.trim_matches('"').to_owned()]).collect();
            survey.at(&path).describe(&words.join(" "));
        }
    }
}

fn keys_of(place: &Place, keys: &mut BTreeSet<&'static str>) {
    place.look(|shape| {
        for (key, Known { place, .. }) in shape.table.iter().flat_map(|table| &table.known) {
            keys.insert(key);
            keys_of(place, keys);
        }
        let others = shape.element.iter().chain(shape.table.iter().filter_map(|table| table.any.as_ref()));
        others.for_each(|place| keys_of(place, keys));
    });
}

fn of_place(place: &Place) -> Value {
    place.look(of_shape).unwrap_or(Value::Bool(true))
}

fn of_shape(shape: &Shape) -> Value {
    let mut kinds = Vec::new();
    if shape.text {
        kinds.push(json!({ "type": "string" }));
    }
    if !shape.words.is_empty() {
        kinds.push(json!({ "enum": shape.words }));
    }
    if shape.flag {
        kinds.push(json!({ "type": "boolean" }));
    }
    if let Some((least, greatest)) = shape.number {
        kinds.push(json!({ "type": "integer", "minimum": least, "maximum": greatest }));
    }
    if let Some(element) = &shape.element {
        kinds.push(json!({ "type": "array", "items": of_place(element) }));
    }
    kinds.extend(shape.table.as_ref().map(of_table));
    let mut schema = Map::new();
    if !shape.description.is_empty() {
        schema.insert("description".to_owned(), json!(shape.description));
    }
    match (kinds.len(), kinds.pop()) {
        (1, Some(Value::Object(kind))) => schema.extend(kind),
        (_, Some(last)) => {
            kinds.push(last);
            schema.insert("anyOf".to_owned(), Value::Array(kinds));
        }
        (_, None) => {}
    }
    Value::Object(schema)
}

fn of_table(members: &Members) -> Value {
    let known = members.known.iter();
    let properties: Map<String, Value> =
        known.map(|(key, Known { place, .. })| ((*key).to_owned(), of_place(place))).collect();
    let is_required = |known: &Known| members.read > 0 && known.required >= members.read;
    let required: Vec<&str> =
        members.known.iter().filter(|(_, known)| is_required(known)).map(|(key, _)| *key).collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    if !properties.is_empty() {
        schema.insert("properties".to_owned(), Value::Object(properties));
    }
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    let others = members.any.as_ref().map_or(Value::Bool(false), of_place);
    schema.insert("additionalProperties".to_owned(), others);
    Value::Object(schema)
}
