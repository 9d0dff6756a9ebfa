//! The commented default and the examples are the manual: they load, what they call a default is one, and they
//! name every key there is.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::config::examples::{self, DROP, HL7, QC, SERIAL, TCP_CLIENT, TCP_SERVER};
use crate::config::settings::{
    Destination, FhirOrders, Hl7, Instrument, Kind, OnUnknown, OrderFormat, OrderWay, PlaceSettings,
    Retention, SpecimenRules, Transport, VerdictKind, Web,
};
use crate::config::{ANALYTES, DEFAULT};
use crate::domain::qc::{Multirule, Unmarked};
use crate::domain::{CodeSystem, RangeFlags, Role};

const HL7_CLIENT: &str = include_str!("../../../config/instruments.d/example-hl7-client.toml.disabled");

/// The text with every commented setting switched on, and without the lines that `leave` picks.
fn switched_on(text: &str, leave: impl Fn(&str) -> bool) -> String {
    let text = examples::switched_on(text);
    text.lines().filter(|line| !leave(line)).map(|line| line.to_owned() + "\n").collect()
}

/// Loads one instrument's file as `a.toml`, under the profile of these tests.
fn instrument(text: &str) -> Instrument {
    let text = text.replace("ortho-vitros-3600", "acme-one");
    let (settings, _) = load(&[("labwire.toml", SITE), ("instruments.d/a.toml", &text)]);
    settings.instruments[0].as_ref().clone()
}

fn shown(instrument: &Instrument) -> String {
    format!("{instrument:#?}")
}

#[test]
fn the_commented_default_loads_as_it_is() {
    let (settings, warnings) = load(&[("labwire.toml", DEFAULT), ("instruments.d/a.toml", &tcp_file())]);
    assert_eq!(warnings.len(), 1, "only that there is no destination: {warnings:?}");
    assert_eq!(settings.page.listen.to_string(), "127.0.0.1:8480");
    assert!(settings.trace.is_none());
}

fn tcp_file() -> String {
    format!("{INSTRUMENT}[tcp_client]\nconnect = \"10.0.0.7:4001\"\n")
}

#[test]
fn what_the_default_file_calls_a_default_is_one() {
    let everything = switched_on(DEFAULT, |_| false);
    let files = [
        ("labwire.toml", everything.as_str()),
        ("lims.token", "secret\n"),
        ("orders.token", "invented\n"),
        ("monitoring.token", "0123456789abcdef0123456789abcdef\n"),
        ("lims-ca.pem", CERTIFICATE),
        ("labwire.pem", CERTIFICATE),
        ("labwire.key", KEY),
        ("clients-ca.pem", CERTIFICATE),
        ("mail-ca.pem", CERTIFICATE),
        ("mail.password", "invented\n"),
    ];
    let (written, _) = load(&files);
    let least = format!(
        "{SITE}[destination.lims]\nurl = \"https://lims.example/results\"\n\
         [destination.lis-fhir]\nkind = \"fhir\"\nurl = \"https://lims.example/fhir\"\n\
         system = \"https://lab.example/labwire\"\n\
         [destination.lis-hl7]\nkind = \"mllp\"\nconnect = \"lims.example:2575\"\n\
         [destination.lis-files]\nkind = \"file\"\nfolder = \"/srv/lims/results\"\n\
         [orders.lims]\nlisten = \"10.0.1.2:2576\"\n\
         [orders.lims-push]\nkind = \"push\"\nlisten = \"10.0.1.2:8443\"\ntoken_file = \"orders.token\"\n\
         [orders.lims-poll]\nkind = \"poll\"\nurl = \"https://lims.example/orders?after={{cursor}}\"\n\
         [orders.lims-fhir]\nkind = \"fhir\"\nurl = \"https://lims.example/fhir\"\n\
         [orders.lims-files]\nkind = \"folder\"\nfolder = \"/srv/lims/orders\"\n\
         [history]\nurl = \"https://lims.example/history?patient={{patient}}&since={{since}}\"\norders = \"lims\"\n"
    );
    let (default, _) = load(&[("labwire.toml", &least), ("orders.token", "invented\n")]);

    let mut journal = written.journal.clone();
    let example = Retention { keep_days: Some(1_826), most_bytes: Some(102_400 * 1024 * 1024) };
    assert_eq!(std::mem::take(&mut journal.retention), example);
    assert_eq!(format!("{journal:?}"), format!("{:?}", default.journal));
    let mut page = written.page.clone();
    let tokens = std::mem::take(&mut page.tokens);
    assert_eq!((tokens.len(), tokens[0].role), (1, Role::Viewer));
    assert!(page.tls.take().is_some());
    assert_eq!(format!("{page:?}"), format!("{:?}", default.page));
    assert_eq!(format!("{:?}", written.log), format!("{:?}", default.log));
    let mut reconciliation = written.reconciliation.clone();
    let reports = reconciliation.reports.take().unwrap();
    assert_eq!(reconciliation, default.reconciliation);
    let (folder_alone, _) = load(&[("labwire.toml", &format!("{SITE}[reconciliation]\nfolder = \"r\"\n"))]);
    let defaults = folder_alone.reconciliation.reports.unwrap();
    assert_eq!((reports.at, reports.formats), (defaults.at, defaults.formats));
    assert_eq!(written.rules, default.rules, "nothing of it is signed otherwise");
    assert_eq!((written.call_steps.len(), written.call_steps[2].after_minutes), (3, 45));
    assert_eq!(written.control_socket, default.control_socket);
    assert!(default.alerts.webhook.is_none() && default.alerts.heartbeat.is_none());
    let least = "[alerts.webhook]\nurl = \"https://alerts.example/labwire\"\n\
                 [alerts.heartbeat]\nurl = \"https://alerts.example/heartbeat/bench-pc\"\n\
                 [alerts.email]\nserver = \"mail.example\"\nfrom = \"labwire@lab.example\"\nto = [\"lab-it@lab.example\"]\n";
    let (alone, _) = load(&[("labwire.toml", &format!("{SITE}{least}"))]);
    let mut alerts = written.alerts.clone();
    let email = alerts.email.as_mut().unwrap();
    assert!(email.ca_pem.take().is_some() && email.login.take().is_some());
    assert_eq!(format!("{alerts:?}"), format!("{:?}", alone.alerts));
    assert_eq!((&default.qc.multirule, &written.qc.multirule), (&None, &Some(Multirule::default())));
    assert_eq!(default.qc.valid_for, written.qc.valid_for);
    let mut lims = destination(&written, "lims");
    let Kind::Http(http) = &mut lims.kind else { panic!("the kind without a word is http") };
    assert_eq!(http.rules.len(), 1);
    assert_eq!(http.rules[0].status, (422, 422));
    assert_eq!(http.items.as_ref().unwrap().outcomes["exists"], VerdictKind::Duplicate);
    assert!(http.web.token.is_some() && http.web.ca_pem.is_some() && http.web.identity_pem.is_some());
    (http.rules, http.items, http.web) = (Vec::new(), None, bare(&http.web));
    assert_eq!(format!("{lims:?}"), format!("{:?}", destination(&default, "lims")));
    assert_eq!(lims.on_unknown, OnUnknown::Resend);

    let mut fhir = destination(&written, "lis-fhir");
    let Kind::Fhir(server) = &mut fhir.kind else { panic!("it is fhir") };
    assert_eq!(server.names.ucum["mg/dl"], "mg/dL");
    assert_eq!(server.names.patient_system.as_deref(), Some("https://hospital.example/patient"));
    (server.names.ucum, server.names.patient_system) = (BTreeMap::new(), None);
    assert_eq!(format!("{fhir:?}"), format!("{:?}", destination(&default, "lis-fhir")));

    let mut hl7 = destination(&written, "lis-hl7");
    let Kind::Mllp(mllp) = &mut hl7.kind else { panic!("it is mllp") };
    assert_eq!(mllp.hl7.receiving_facility, "HOSPITAL");
    assert_eq!(mllp.rules[0].errors, Some((205, 205)));
    assert_eq!(mllp.tls.take().unwrap().server_name, "lims.example");
    mllp.rules.clear();
    mllp.hl7 = Hl7 { sending_application: "labwire".to_owned(), ..Hl7::default() };
    assert_eq!(format!("{hl7:?}"), format!("{:?}", destination(&default, "lis-hl7")));
    let files = destination(&written, "lis-files");
    assert_eq!(format!("{files:?}"), format!("{:?}", destination(&default, "lis-files")));
    let mut history = written.history.as_deref().unwrap().clone();
    assert_eq!(std::mem::take(&mut history.authority), "HOSP");
    assert!(std::mem::take(&mut history.units).unit("10^9/l").is_ok());
    assert_eq!(format!("{history:?}"), format!("{:?}", default.history.as_deref().unwrap()));
    orders_have_their_defaults(&written, &default);
}

fn orders_have_their_defaults(written: &Settings, default: &Settings) {
    let source = |settings: &Settings, name: &str| {
        settings.orders.iter().find(|source| source.name == name).unwrap().as_ref().clone()
    };
    let mut orders = source(written, "lims");
    let OrderWay::Mllp { server, hl7, .. } = &mut orders.way else { panic!("it is mllp") };
    assert!(server.tls.take().unwrap().client_ca_pem.is_some());
    assert_eq!(server.allow.len(), 1);
    assert_eq!(hl7.character_set.take(), Some(encoding_rs::UTF_8));
    server.allow.clear();
    server.limits.idle = None;
    let ask = orders.ask.take().unwrap();
    assert_eq!((ask.format, ask.web.timeout), (OrderFormat::Json, Duration::from_secs(4)));
    assert_eq!(format!("{orders:?}"), format!("{:?}", source(default, "lims")));
    for name in ["lims-push", "lims-poll", "lims-fhir", "lims-files"] {
        let (mut written, mut plain) = (source(written, name), source(default, name));
        for it in [&mut written, &mut plain] {
            match &mut it.way {
                OrderWay::Poll(poll) => {
                    poll.web.token = None;
                    if let OrderFormat::Fhir(fhir) = &mut poll.format {
                        *fhir = FhirOrders::default();
                    }
                }
                OrderWay::Folder(folder) => folder.moved_to = None,
                OrderWay::Push { server, .. } => server.tls = None,
                OrderWay::Mllp { .. } => panic!("{name} is none"),
            }
        }
        assert_eq!(format!("{written:?}"), format!("{plain:?}"));
    }
}

fn destination(settings: &Settings, name: &str) -> Destination {
    let found = settings.destinations.iter().find(|destination| destination.id.as_str() == name);
    found.unwrap().as_ref().clone()
}

/// Without what there is no default of.
fn bare(web: &Web) -> Web {
    Web { token: None, ca_pem: None, identity_pem: None, timeout: web.timeout }
}

const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMAo=\n-----END PRIVATE KEY-----\n";
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n";

#[test]
fn what_the_serial_example_calls_a_default_is_one() {
    let written = instrument(&switched_on(SERIAL, |_| false));
    assert_eq!(
        written.specimen,
        SpecimenRules {
            trim: true,
            suffix_separators: "-/".to_owned(),
            strip_prefix: "LAB".to_owned(),
            strip_leading_zeros: false,
            pad_to: Some(10),
            truncated_at: Some(15),
        }
    );
    assert_eq!(written.codes["GLU"].loinc.as_deref(), Some("2345-7"));
    assert_eq!(written.codes["GLU"].analyte.as_deref(), Some("glucose"));
    assert!(written.profile.failed_values["ERR42"].contains("no specimen"));
    assert_eq!(written.codes["GLU"].ranges.bands.len(), 2);
    assert_eq!(written.codes["GLU"].ranges.flags, RangeFlags::None);
    let values = &written.codes["HBSAG"].values;
    assert_eq!((values["NEG"].code.as_str(), values["NEG"].system), ("N", CodeSystem::Local));
    assert_eq!(values["+/-"].text.as_deref(), Some("Equivocal"));
    let panel = &written.panels["CHECKUP"];
    assert_eq!(
        (panel.components.len(), panel.optional.len(), panel.told()),
        (1, 1, &["CHECK".to_owned()][..])
    );
    assert_eq!(written.units.unit("K/uL").unwrap().code(), "10*3/uL");
    assert_eq!(written.sender.as_deref(), Some("VITROS"));
    assert_eq!(written.clock_limit, Some(jiff::SignedDuration::from_mins(15)));

    let examples = [
        "suffix_separators",
        "strip_prefix",
        "pad_to",
        "truncated_at",
        "sender",
        "clock_limit_mins",
        "[codes",
        "lims_code",
        "loinc",
        "unit ",
        "analyte",
        "result",
        "unknown_value",
        "range_unit",
        "[[codes",
        "below",
        "from",
        "low",
        "high",
        "range_flags",
        "NEG",
        "POS",
        "[panels",
        "components",
        "optional",
        "told_as",
        "[failed_values",
        "ERR42",
        "[units]",
        "\"",
        "[specimen_kinds",
        "SER",
    ];
    let defaults = switched_on(SERIAL, |line| examples.iter().any(|key| line.starts_with(key)));
    assert_eq!(shown(&instrument(&defaults)), shown(&instrument(SERIAL)));
}

#[test]
fn what_the_tcp_examples_call_a_default_is_one() {
    for example in [TCP_SERVER, TCP_CLIENT, HL7] {
        let idle = instrument(&switched_on(example, |_| false));
        let limits = match &idle.transport {
            Transport::TcpServer(server) => server.limits,
            Transport::TcpClient(client) => client.limits,
            Transport::Serial(_) | Transport::Drop(_) => panic!("neither a serial line nor files"),
        };
        assert_eq!(limits.idle, Some(Duration::from_secs(86_400)));
        let defaults = switched_on(example, |line| line.starts_with("idle_secs"));
        assert_eq!(shown(&instrument(&defaults)), shown(&instrument(example)));
    }
}

#[test]
fn an_hl7_analyzer_that_is_called_loads_as_its_example_says() {
    let file = HL7_CLIENT.replace("generic-hl7", "roche-cobas-pro");
    let called = instrument(&file);
    assert!(matches!(called.transport, Transport::TcpClient(_)));
    assert_eq!(shown(&called), shown(&instrument(&switched_on(&file, |_| false))));
}

/// As [`instrument`], with the files that an FTP server's login needs.
fn dropped(text: &str) -> Instrument {
    let text = text.replace("generic-hl7", "acme-one");
    let folder = folder(&[
        ("labwire.toml", SITE),
        ("instruments.d/a.toml", &text),
        ("analyzer-ca.pem", CERTIFICATE),
        ("analyzer.password", "invented\n"),
    ]);
    let (settings, warnings) = Settings::load(folder.path()).unwrap();
    assert!(
        warnings.iter().any(|it| it.to_string().contains("chmod")),
        "it can be read by all: {warnings:?}"
    );
    settings.instruments[0].as_ref().clone()
}

#[test]
fn what_the_drop_example_calls_a_default_is_one() {
    let everything = dropped(&switched_on(DROP, |_| false));
    let Transport::Drop(written) = &everything.transport else { panic!("files") };
    assert_eq!(written.pattern.as_str(), "*.hl7");
    let PlaceSettings::Ftp(ftp) = &written.place else { panic!("on a server") };
    assert_eq!(ftp.password.reveal(), "invented");
    assert!(!shown(&everything).contains("invented"));
    let defaults =
        switched_on(DROP, |line| ["pattern", "server_name"].iter().any(|key| line.starts_with(key)));
    assert_eq!(shown(&dropped(&defaults)), shown(&dropped(DROP)));
}

#[test]
fn the_manual_names_every_key() {
    let manual = [DEFAULT, ANALYTES, SERIAL, TCP_SERVER, TCP_CLIENT, HL7, DROP, QC].concat();
    for reader in [
        include_str!("../analytes.rs"),
        concat!(include_str!("../site.rs"), include_str!("../reconciliation.rs")),
        include_str!("../calls.rs"),
        include_str!("../destination.rs"),
        include_str!("../destination/http.rs"),
        include_str!("../destination/fhir.rs"),
        include_str!("../destination/mllp.rs"),
        include_str!("../destination/web.rs"),
        include_str!("../destination/takes.rs"),
        include_str!("../tls.rs"),
        include_str!("../instrument.rs"),
        include_str!("../transport.rs"),
        include_str!("../drop.rs"),
        include_str!("../link.rs"),
        include_str!("../orders.rs"),
        include_str!("../qc.rs"),
        include_str!("../qc/lots.rs"),
    ] {
        let keys = keys_read(reader);
        assert!(keys.len() > 2, "keys are found: {keys:?}");
        for key in keys {
            let named = manual.contains(&format!("{key} = "))
                || manual.contains(&format!("{key}]"))
                || manual.contains(&format!("[{key}."));
            assert!(named, "the manual doesn't name {key}");
        }
    }
}

/// The first argument of each call that reads a key.
pub(super) fn keys_read(source: &str) -> Vec<&str> {
    let calls = [
        "entry",
        "required",
        "text",
        "flag",
        "number",
        "seconds",
        "choice",
        "parsed",
        "list",
        "narrowing",
        "table",
        "tables",
        "named_tables",
        "wait",
        "allow",
    ];
    let starts = calls.iter().flat_map(|call| source.match_indices(call).map(move |(at, _)| at + call.len()));
    let key = |at: usize| {
        source.get(at..)?.trim_start().strip_prefix('(')?.trim_start().strip_prefix('"')?.split('"').next()
    };
    starts
        .filter_map(key)
        .filter(|key| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
        .collect()
}

#[test]
fn the_example_of_control_lots_loads_as_it_is_and_with_everything_switched_on() {
    let with = |text: &str| {
        let text = text.replace("c311", "a");
        let (settings, _) = load(&[
            ("labwire.toml", SITE),
            ("instruments.d/a.toml", &tcp_file()),
            ("qc.d/example.toml", &text),
        ]);
        settings.qc.lots.clone()
    };
    let (plain, all) = (with(QC), with(&switched_on(QC, |_| false)));
    assert_eq!(plain.len(), 1);
    assert_eq!(plain[0].levels[0].targets.len(), 2);
    assert_eq!(plain[0].levels[0].unmarked, Unmarked::IsPatients);
    assert_eq!(all[0].instruments[0].as_str(), "a");
    let tests: Vec<&str> = all[0].levels[0].targets.iter().map(|it| it.test.aspect.as_str()).collect();
    assert_eq!(tests, ["DOSE", ""]);
    let told: Vec<_> =
        all[0].levels[0].targets.iter().map(|it| (it.mean.to_string(), it.sd.to_string())).collect();
    assert_eq!(told, [("5.4".to_owned(), "0.12".to_owned()), ("5.43".to_owned(), "0.13".to_owned())]);
}

/// The shipped examples of rules, each by its name.
fn examples_of_rules() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/config/rules.d");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(&path).unwrap())
    };
    files.map(text).collect()
}

#[test]
fn every_example_of_rules_passes_its_cases_and_leaves_no_way_untried() {
    let examples = examples_of_rules();
    assert!(examples.len() > 5, "they are found");
    for (name, text) in examples {
        assert!(text.contains("NOBODY HAS SIGNED"), "{name}");
        let (settings, _) =
            load(&[("labwire.toml", SITE), ("rules.d/a.toml", &switched_on(&text, |_| false))]);
        let trial = crate::pipeline::rules::try_examples(&settings.rules.checks);
        assert!(trial.passed >= 30 && !settings.rules.checks.rules.is_empty(), "{name}: {trial:?}");
        assert_eq!((trial.failures, trial.untried), (Vec::new(), Vec::new()), "{name}");
    }
}

#[test]
fn the_example_of_rules_names_every_key() {
    let manual = include_str!("../../../config/rules.d/example.toml.disabled");
    for reader in [
        include_str!("../checks.rs"),
        include_str!("../checks/limits.rs"),
        include_str!("../checks/delta.rs"),
        include_str!("../checks/integrity.rs"),
        include_str!("../checks/cases.rs"),
    ] {
        for key in keys_read(reader) {
            assert!(manual.contains(key), "the manual doesn't name {key}");
        }
    }
}

#[test]
fn what_the_example_of_rules_calls_a_default_is_one() {
    let example = include_str!("../../../config/rules.d/example.toml.disabled");
    let rules = |text: &str| load(&[("labwire.toml", SITE), ("rules.d/a.toml", text)]).0.rules.checks.clone();
    let kind = |text: &str| {
        let index = |it: &&crate::domain::clinic::Rule| it.name == "haemolysis";
        rules(text).rules.iter().find(index).unwrap().kind.clone()
    };
    assert_eq!(kind(&switched_on(example, |_| false)), kind(example));
    for rule in &rules(example).rules {
        let is_critical = rule.kind.check() == crate::domain::clinic::Check::Critical;
        assert_eq!(rule.holds, !is_critical, "{}", rule.name);
    }
}
