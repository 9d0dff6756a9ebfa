//! Holds the house in order: who may import whom, where each outside crate lives, where tasks are started, how files
//! begin and how long they are. The rules are the tables below; it reads sources only and runs nothing.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod tidy_scan;

use std::fs;
use std::path::Path;

use tidy_scan::{code_of, imports, mentions, production};

/// Each module of the gateway, and the modules of the gateway that it may import. The longest path that fits a file
/// counts; importing oneself is always allowed.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("exit", &[]),
    ("clock", &[]),
    ("board", &["domain"]),
    ("tap", &["domain"]),
    ("shutdown", &[]),
    ("config", &["domain"]),
    ("host", &["config", "domain", "clock", "exit"]),
    ("host/control", &["journal", "domain", "board", "tap", "clock", "shutdown"]),
    ("host/systemd", &["journal", "board", "clock"]),
    ("wire", &["config", "domain", "clock"]),
    ("journal", &["config", "domain", "clock"]),
    ("pipeline", &["domain"]),
    ("pipeline/who", &["config", "domain"]),
    ("pipeline/runner", &["journal", "config", "domain", "clock"]),
    ("host/tls", &["config"]),
    ("intake", &["host", "wire", "journal", "config", "domain", "clock", "board", "tap", "shutdown"]),
    ("delivery", &["wire", "host", "journal", "config", "domain", "clock", "board", "shutdown"]),
    (
        "delivery/mllp",
        &["delivery", "host", "wire", "journal", "config", "domain", "clock", "board", "shutdown"],
    ),
    ("reconciliation", &["host", "journal", "config", "domain"]),
    ("reconciliation/schedule", &["journal", "config", "board", "clock"]),
    ("alerts", &["status", "host", "config", "domain", "clock"]),
    ("traces", &["journal", "host", "config", "domain", "board"]),
    ("orders", &["host", "wire", "journal", "pipeline", "config", "domain", "clock", "board", "shutdown"]),
    ("status", &["host", "journal", "reconciliation", "config", "domain", "clock", "board"]),
    ("status/measured", &["pipeline", "journal", "domain"]),
    ("status/orders", &["orders", "pipeline", "journal", "config", "domain"]),
    ("status/offset", &["pipeline", "journal", "domain"]),
    ("status/preview", &["pipeline", "config", "journal", "domain"]),
    (
        "gateway",
        &[
            "intake",
            "delivery",
            "orders",
            "status",
            "alerts",
            "traces",
            "pipeline",
            "reconciliation",
            "journal",
            "wire",
            "config",
            "host",
            "board",
            "tap",
            "shutdown",
            "clock",
            "exit",
            "domain",
        ],
    ),
    ("livd", &["domain"]),
    ("pseudonym", &["domain"]),
    ("cli", &["gateway", "journal", "config", "host", "clock", "exit", "domain"]),
    ("cli/arguments", &["host", "reconciliation", "config", "domain"]),
    ("cli/check/reach", &["intake", "alerts", "config", "domain", "host"]),
    ("cli/check/rules", &["pipeline", "config", "domain"]),
    ("cli/codes", &["pipeline", "journal", "config", "domain", "exit"]),
    ("cli/orders", &["orders", "pipeline", "journal", "config", "domain", "exit"]),
    ("cli/call", &["pipeline", "journal", "config", "domain", "host", "clock", "exit"]),
    ("cli/calls", &["pipeline", "journal", "config", "domain", "clock", "exit"]),
    ("cli/replay", &["gateway", "pipeline", "config", "journal", "domain", "clock", "exit"]),
    ("cli/listen", &["wire", "host", "pipeline", "config", "domain", "exit"]),
    ("cli/rules", &["pipeline", "config", "journal", "host", "exit"]),
    ("cli/specimen", &["pipeline", "config", "exit"]),
    ("cli/import", &["livd", "exit"]),
    ("cli/reconcile", &["reconciliation", "journal", "config", "clock", "exit"]),
    ("cli/support", &["pseudonym", "journal", "config", "domain", "host", "clock", "exit"]),
    ("cli/convert", &["pipeline", "config", "domain", "exit"]),
    ("cli/trace", &["pipeline", "journal", "config", "domain", "exit"]),
    ("main", &["cli"]),
];

/// What each half of a protocol may not mention. A grammar knows no transfer; of a transfer, only what reads and writes
/// acknowledgements knows the grammar.
const HALVES: &[(&str, &[&str])] = &[
    ("protocols/astm/src/record/", &["labwire_link", "crate::transfer", "super::super"]),
    ("protocols/astm/src/transfer/", &["crate::record"]),
    ("protocols/hl7/src/message/", &["labwire_link", "crate::transfer", "super::super"]),
    ("protocols/hl7/src/transfer/", &["crate::message"]),
    ("protocols/hl7/src/transfer/answer.rs", &[]),
    ("protocols/hl7/src/transfer/acknowledge/", &[]),
    ("protocols/drop/src/", &["labwire_link", "labwire_astm", "labwire_hl7", "std::fs", "std::io"]),
    ("protocols/hearing/src/", &["labwire_link", "std::fs", "std::io", "std::time", "std::net"]),
];

/// Each outside crate that has a home, and the folders or files that are it.
const HOMES: &[(&str, &[&str])] = &[
    ("rusqlite", &["src/journal"]),
    ("suppaftp", &["src/intake/drop", "hardware-sim"]),
    ("russh", &["src/intake/drop"]),
    ("russh_sftp", &["src/intake/drop"]),
    ("tokio_serial", &["src/wire", "hardware-sim"]),
    ("reqwest", &["src/host/web.rs", "src/delivery", "src/orders", "src/alerts"]),
    ("opentelemetry", &["src/traces"]),
    ("opentelemetry_http", &["src/traces"]),
    ("opentelemetry_otlp", &["src/traces"]),
    ("opentelemetry_sdk", &["src/traces"]),
    ("ratatui", &["src/cli/top.rs", "src/cli/top"]),
    ("sd_notify", &["src/host"]),
    ("listenfd", &["src/host"]),
    ("lettre", &["src/alerts", "src/config/alerts.rs"]),
    ("rustls", &["src/host"]),
    ("tokio_rustls", &["src/host"]),
    ("nom", &["protocols/astm"]),
    ("memchr", &["protocols/hl7"]),
    ("octofhir_ucum", &["units"]),
    ("num_bigint", &["units"]),
    ("num_rational", &["units"]),
    ("num_traits", &["units"]),
    // The second is a module of that name.
    ("csv", &["src/pipeline", "src/livd", "src/delivery/kind.rs", "src/reconciliation"]),
    ("calamine", &["src/pipeline", "src/livd"]),
    ("toml", &["src/config", "src/status/words.rs"]),
    ("serde_spanned", &["src/config"]),
    ("argon2", &["src/status"]),
    ("hmac", &["src/domain/token.rs"]),
    ("flate2", &["src/cli/support"]),
    ("axum", &["src/status", "src/orders", "hardware-sim"]),
    ("hyper", &["src/status", "src/orders"]),
    ("hyper_util", &["src/status", "src/orders"]),
    ("tower_http", &["src/status", "src/orders"]),
    ("askama", &["src/status"]),
    ("rust_embed", &["src/config", "src/status"]),
    ("tracing_subscriber", &["src/host"]),
    ("clap", &["src/cli", "src/main.rs", "hardware-sim"]),
    (
        "serde",
        &[
            "src/config",
            "src/journal",
            "src/delivery",
            "src/orders",
            "src/reconciliation",
            "src/status",
            "src/host",
            "src/cli",
            "hardware-sim",
        ],
    ),
];

/// Where a number is exact or not at all: no binary floating point, tests included. A decimal literal outside texts would
/// be one too.
const EXACT: &[&str] = &[
    "units/",
    "src/domain/",
    "src/pipeline/",
    "src/config/",
    "src/livd/",
    "src/journal/",
    "src/orders/",
    "src/delivery/bundle",
    "src/delivery/payload",
    "src/delivery/hl7",
    "src/delivery/csv.rs",
    "src/cli/convert.rs",
];

/// What reads a format that has numbers in binary, and hands on text only.
const READS_BINARY: &[&str] = &["src/pipeline/interpret/table/workbook.rs"];

/// Words that start a task or a thread. The gateway alone does, so that it can end what it began.
const SPAWNS: &[&str] = &[
    "tokio::spawn",
    "task::spawn",
    "spawn_blocking",
    "spawn_local",
    "thread::spawn",
    "thread::Builder",
    "JoinSet",
    "TaskTracker",
];

/// Where else something may be started, and why.
const MAY_SPAWN: &[(&str, &str)] = &[
    ("src/shutdown.rs", "the home of tasks: what is started there is ended there"),
    ("src/traces", "the journal is read beside the loops that must not wait; it changes nothing"),
    ("src/intake/drop/place/folder.rs", "a mount that hangs holds one thread, which the next call waits for"),
    ("src/status/", "connections end with the page; blocking reads of the journal leave its threads free"),
    (
        "src/gateway/retention.rs",
        "writing an archive waits for the disk, and is waited for before anything else of it",
    ),
    ("src/cli/demo/", "the simulated analyzers aren't the gateway's"),
    ("src/journal/writer.rs", "the journal's one writer thread belongs to the journal, which ends it"),
    ("hardware-sim/", "a program of its own"),
];

/// The most lines of a file before its tests.
const LONGEST: usize = 450;

/// Everything that is wrong with one file. `path` is relative to the project's folder.
fn faults(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if text.lines().count() > 1 && !text.starts_with("//!") {
        faults.push("doesn't open with a //! that says what it is for".to_owned());
    }
    for word in [concat!("TO", "DO"), concat!("FIX", "ME")] {
        if text.contains(word) {
            faults.push(format!("says {word}; finish it or leave it out"));
        }
    }
    let code = code_of(text);
    // A module that several test programs share can't say which of its parts each of them leaves unused.
    let is_shared = path.starts_with("tests/support/");
    if !is_shared && ["#[allow(", "#![allow("].iter().any(|allow| code.contains(allow)) {
        faults.push("allows a lint; write #[expect(…, reason = \"…\")]".to_owned());
    }
    faults.extend(not_exact(path, &code));
    if is_test(path) {
        return faults;
    }
    let production = production(&code);
    let lines = production.lines().count();
    if lines > LONGEST {
        faults.push(format!("has {lines} lines before its tests; split it at {LONGEST}"));
    }
    faults.extend(wrong_imports(path, production));
    faults.extend(mixed_halves(path, production));
    faults.extend(far_from_home(path, production));
    let spawns = SPAWNS.iter().find(|spawn| mentions(production, spawn));
    let excused = MAY_SPAWN.iter().any(|(place, _)| path.starts_with(place));
    if let (Some(spawn), false) = (spawns, excused) {
        faults.push(format!("starts a task ({spawn}); tasks are started in src/shutdown.rs"));
    }
    if path.starts_with("hardware-sim/") && production.contains("labwire") {
        faults.push("uses the gateway's code; the simulator is a second opinion".to_owned());
    }
    faults
}

fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs")
}

fn wrong_imports(path: &str, production: &str) -> Vec<String> {
    let Some(inner) = path.strip_prefix("src/").and_then(|rest| rest.strip_suffix(".rs")) else {
        return Vec::new();
    };
    if inner == "lib" {
        return Vec::new();
    }
    let within = |module: &str| inner == module || inner.starts_with(&format!("{module}/"));
    let rule = MAY_IMPORT.iter().filter(|(module, _)| within(module)).max_by_key(|(module, _)| module.len());
    let Some((_, allowed)) = rule else {
        return vec!["belongs to no module of MAY_IMPORT; say there what it may import".to_owned()];
    };
    let own = inner.split('/').next().unwrap_or_default();
    imports(inner, production)
        .into_iter()
        .filter(|module| module != own && !allowed.contains(&module.as_str()))
        .map(|module| format!("imports {module}, which {own} may not"))
        .collect()
}

/// The longest path of the table that fits a file counts.
fn mixed_halves(path: &str, production: &str) -> Vec<String> {
    let rule =
        HALVES.iter().filter(|(place, _)| path.starts_with(place)).max_by_key(|(place, _)| place.len());
    let forbidden = rule.into_iter().flat_map(|(_, words)| words.iter());
    forbidden
        .filter(|word| mentions(production, word))
        .map(|word| format!("mentions {word}, which this half may not know"))
        .collect()
}

fn not_exact(path: &str, code: &str) -> Option<String> {
    let must_be = EXACT.iter().any(|place| path.starts_with(place)) && !READS_BINARY.contains(&path);
    let words = ["f32", "f64"].into_iter().find(|word| mentions(code, word)).map(str::to_owned);
    let found = words.or_else(|| float_literal(code)).filter(|_| must_be)?;
    Some(format!("uses binary floating point ({found}); a value is exact, or text"))
}

/// Digits, a full stop and a digit, where no field of a tuple is meant.
fn float_literal(code: &str) -> Option<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    code.match_indices('.').find_map(|(at, _)| {
        let (before, after) = (code.get(..at)?, code.get(at + 1..)?);
        let whole = before.rsplit(|c: char| !is_word(c)).next()?;
        let starts = before.get(..before.len() - whole.len())?;
        let number = whole.starts_with(|c: char| c.is_ascii_digit()) && !starts.ends_with('.');
        (number && after.starts_with(|c: char| c.is_ascii_digit())).then(|| format!("{whole}.…"))
    })
}

fn far_from_home(path: &str, production: &str) -> Vec<String> {
    let lives = |place: &&str| path == *place || path.starts_with(&format!("{place}/"));
    HOMES
        .iter()
        .filter(|(_, homes)| !homes.iter().any(&lives))
        .filter(|(name, _)| mentions(production, &format!("{name}::")))
        .map(|(name, homes)| format!("uses {name}, whose home is {}", homes.join(", ")))
        .collect()
}

/// Every Rust file of the project, with its text.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    let mut folders: Vec<_> =
        ["src", "protocols", "units", "hardware-sim", "tests"].map(|folder| root.join(folder)).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                sources.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    sources.sort();
    sources
}

#[test]
fn the_house_is_in_order() {
    let sources = sources();
    assert!(sources.len() > 20, "the sources are found");
    let faults: Vec<String> = sources
        .iter()
        .flat_map(|(path, text)| faults(path, text).into_iter().map(move |fault| format!("{path} {fault}")))
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn the_simulator_depends_on_no_crate_of_the_gateway() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("hardware-sim/Cargo.toml");
    assert!(!fs::read_to_string(manifest).unwrap().contains("labwire"));
}

#[test]
fn each_disorder_is_noticed() {
    for (path, code, expected) in [
        ("src/domain/a.rs", "use crate::journal::Journal;", "imports journal, which domain may not"),
        ("src/domain/a.rs", "fn a() { crate::config::load() }", "imports config, which domain may not"),
        ("src/config/a.rs", "use crate::{domain::Private, wire};", "imports wire, which config may not"),
        (
            "src/config/a.rs",
            "use crate::{\n  domain::{A, B},\n  host::{self},\n};",
            "imports host, which config may not",
        ),
        ("src/wire/tcp.rs", "use super::super::delivery::x;", "imports delivery, which wire may not"),
        ("src/wire/mod.rs", "use super::delivery::x;", "imports delivery, which wire may not"),
        ("src/pipeline/decode.rs", "use crate::journal::A;", "imports journal, which pipeline may not"),
        ("src/main.rs", "use labwire::journal::A;", "imports journal, which main may not"),
        ("src/helpers.rs", "", "belongs to no module of MAY_IMPORT; say there what it may import"),
        ("src/status/a.rs", "use rusqlite::Connection;", "uses rusqlite, whose home is src/journal"),
        (
            "src/domain/a.rs",
            "#[derive(serde::Serialize)] struct A;",
            "uses serde, whose home is src/config, src/journal",
        ),
        ("src/intake/a.rs", "fn a() { tokio::spawn(b()); }", "starts a task (tokio::spawn)"),
        (
            "src/journal/store.rs",
            "use std::thread; fn a() { thread::spawn(b); }",
            "starts a task (thread::spawn)",
        ),
        ("hardware-sim/src/a.rs", "use labwire_astm::record;", "uses the gateway's code"),
        (
            "protocols/hl7/src/message/a.rs",
            "use labwire_link::Link;",
            "mentions labwire_link, which this half",
        ),
        (
            "protocols/hl7/src/transfer/a.rs",
            "use crate::message::A;",
            "mentions crate::message, which this half",
        ),
        ("protocols/astm/src/record/a.rs", "use crate::transfer::A;", "mentions crate::transfer, which this"),
        ("units/src/a.rs", "fn a(b: f64) {}", "uses binary floating point (f64)"),
        ("units/tests/a.rs", "fn a(b: &[f32]) {}", "uses binary floating point (f32)"),
        ("src/pipeline/a.rs", "fn a() { b(2.5 * c) }", "uses binary floating point (2.…)"),
        ("src/exit.rs", "#[allow(dead_code)] fn a() {}", "allows a lint"),
        ("tests/a.rs", "#![allow(dead_code)]", "allows a lint"),
        ("src/exit.rs", concat!("// TO", "DO: more"), concat!("says TO", "DO")),
    ] {
        let faults = faults(path, &format!("//! A file.\n{code}\n"));
        assert!(
            faults.len() == 1 && faults.iter().all(|fault| fault.starts_with(expected)),
            "{path}: {code}\n{faults:?}"
        );
    }
    let headless = faults("src/exit.rs", "use std::fmt;\nfn a() {}\n");
    assert_eq!(headless, ["doesn't open with a //! that says what it is for"]);
    let long = faults("src/exit.rs", &("//! A file.\n".to_owned() + &"fn a() {}\n".repeat(LONGEST)));
    assert_eq!(long, [format!("has {} lines before its tests; split it at {LONGEST}", LONGEST + 1)]);
}

#[test]
fn what_only_looks_like_disorder_is_left_alone() {
    for (path, code) in [
        (
            "src/domain/a.rs",
            "// use crate::journal::A;\n/* crate::wire */ const A: &str = \"crate::journal::A\";",
        ),
        ("src/domain/a.rs", "const A: &str = r#\"crate::journal \"tokio::spawn(\"#;"),
        ("src/domain/a.rs", "#[cfg(test)]\nmod tests {\n    use crate::journal::A;\n}"),
        ("src/domain/tests.rs", "use crate::journal::A;"),
        ("src/domain/a.rs", "use super::journal_like; use self::wire; fn a(c: char) -> bool { c == '\"' }"),
        ("src/config/finding.rs", "fn toml(file: &str) {} fn a<'a>(b: &'a str) { toml(b) }"),
        ("src/config/claims.rs", "use super::super::domain::Private; use crate::config::settings;"),
        ("src/wire/serial.rs", "use tokio_serial::SerialStream;"),
        ("src/shutdown.rs", "fn a() { tokio::spawn(b()); }"),
        ("units/src/a.rs", "fn a(b: C) -> D { b.0.1 + (0..9).1 + E::from(\"2.5\") } // f64"),
        ("src/status/a.rs", "fn a() -> f64 { 0.5 }"),
        ("src/pipeline/runner.rs", "use crate::journal::A;"),
        ("protocols/hl7/src/transfer/answer.rs", "use crate::message::A;"),
    ] {
        let faults = faults(path, &format!("//! A file.\n{code}\n"));
        assert!(faults.is_empty(), "{path}: {code}\n{faults:?}");
    }
}
