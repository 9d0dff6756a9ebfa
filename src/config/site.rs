//! `labwire.toml`: the site as a whole, without its instruments.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::complaint::Complaint;
use super::reader::Table;
use super::settings::{
    AlertSettings, BackupSettings, HistorySettings, JournalSettings, LogFormat, LogSettings, Otlp,
    PageSettings, ReconciliationSettings, Retention, Suspension, TraceSettings,
};
use super::transport::path;
use super::{alerts, calls, destination, history, orders, otlp, page, qc, reconciliation, verification};
use crate::domain::call::{CallPolicy, Step};
use crate::domain::qc::Plan;

const LOG_FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];
/// The longest path that a Unix socket's address can hold on Linux, in bytes.
const LONGEST_SOCKET_PATH: usize = 107;
const MIB: u64 = 1024 * 1024;

/// `labwire.toml` as far as it could be read. Errors were noted: with any of them it is not used.
pub(super) struct Draft {
    pub(super) site: String,
    pub(super) journal: JournalSettings,
    pub(super) page: PageSettings,
    pub(super) control_socket: PathBuf,
    pub(super) control_socket_span: Range<usize>,
    pub(super) log: LogSettings,
    pub(super) reconciliation: ReconciliationSettings,
    pub(super) reports_span: Range<usize>,
    pub(super) backup: BackupSettings,
    pub(super) alerts: AlertSettings,
    pub(super) otlp: Option<Otlp>,
    pub(super) call_policy: CallPolicy,
    pub(super) call_steps: Vec<Step>,
    pub(super) trace: Option<TraceSettings>,
    pub(super) trace_span: Range<usize>,
    pub(super) signers: Vec<String>,
    pub(super) suspended: Vec<Suspension>,
    /// The instruments that those name, each with its place.
    pub(super) suspended_instruments: Vec<Complaint>,
    pub(super) destinations: Vec<destination::Draft>,
    pub(super) orders: Vec<orders::Draft>,
    pub(super) history: Option<HistorySettings>,
    /// Where it is said who assigns patients' numbers, and no table of orders tells that.
    pub(super) history_authority: Vec<Range<usize>>,
    /// Without its lots.
    pub(super) qc: Plan,
}

/// Reads `labwire.toml`. Paths in it are relative to `folder`.
pub(super) fn read(file: &mut Table<'_>, folder: &Path) -> Draft {
    let site = file.required("site", "\"the laboratory's name\"").and_then(|entry| entry.parsed(site));
    let journal = journal(file, folder);
    let backup = backup(file, folder, &journal);
    let (control_socket, control_socket_span) = control_socket(file, folder);
    let trace = file.table("trace", |table| trace(table, folder)).flatten();
    let (reconciliation, reports_span) = file
        .table("reconciliation", |table| reconciliation::read(table, folder))
        .unwrap_or_else(reconciliation::default);
    let (call_policy, call_steps) = file.table("critical_calls", calls::read).unwrap_or_default();
    let (trace, trace_span) = trace.map_or((None, 0..0), |(trace, span)| (Some(trace), span));
    let orders = file.named_tables("orders", |name, table| orders::read(name, table, folder));
    let orders: Vec<orders::Draft> = orders.into_iter().flatten().collect();
    let names: Vec<String> = orders.iter().map(|draft| draft.source.name.clone()).collect();
    let history = file.table("history", |table| history::read(table, folder, &names)).flatten();
    let (history, history_authority) =
        history.map_or_else(Default::default, |it| (Some(it.settings), it.of_authority));
    let suspended = file.tables("suspend", verification::suspension).into_iter().flatten();
    let (suspended, suspended_instruments): (Vec<_>, Vec<_>) = suspended.unzip();
    Draft {
        site: site.unwrap_or_default(),
        journal,
        page: file.table("page", |table| page::read(table, folder)).unwrap_or_else(page::default),
        control_socket,
        control_socket_span,
        log: file.table("log", log).unwrap_or_else(default_log),
        reconciliation,
        reports_span,
        backup,
        alerts: file.table("alerts", |table| alerts::read(table, folder)).unwrap_or_default(),
        otlp: file.table("otlp", |table| otlp::read(table, folder)).flatten(),
        call_policy,
        call_steps,
        trace,
        trace_span,
        signers: file.table("rules", verification::signers).unwrap_or_default(),
        suspended,
        suspended_instruments: suspended_instruments.concat(),
        destinations: file
            .named_tables("destination", |name, table| destination::read(name, table, folder))
            .into_iter()
            .flatten()
            .collect(),
        qc: file.table("qc", qc::read).unwrap_or_default(),
        orders,
        history,
        history_authority,
    }
}

fn site(text: &str) -> Result<String, String> {
    let fits = (1..=64).contains(&text.chars().count()) && !text.contains(char::is_control);
    if fits {
        Ok(text.to_owned())
    } else {
        Err("a site's name has 1 to 64 characters on one line".to_owned())
    }
}

fn default_journal() -> JournalSettings {
    JournalSettings {
        path: PathBuf::from("/var/lib/labwire/journal.db"),
        reserve_bytes: 512 * MIB,
        retention: Retention::default(),
    }
}

/// `[journal]`, as far as it can be read.
pub(super) fn journal(file: &mut Table<'_>, folder: &Path) -> JournalSettings {
    let default = default_journal;
    let read = |table: &mut Table<'_>| JournalSettings {
        path: table.entry("path").and_then(|entry| path(&entry, folder)).unwrap_or(default().path),
        reserve_bytes: table
            .number("reserve_mib", 16_u64..=1_048_576)
            .map_or(default().reserve_bytes, |mebibytes| mebibytes * MIB),
        retention: table.table("retention", retention).unwrap_or_default(),
    };
    file.table("journal", read).unwrap_or_else(default)
}

/// `[journal.retention]`. What a law asks for at least isn't a matter of taste: less is a mistake.
fn retention(table: &mut Table<'_>) -> Retention {
    Retention {
        keep_days: table.number("keep_days", Retention::FLOOR_DAYS..=36_525),
        most_bytes: table.number("most_mib", 64_u64..=1_048_576).map(|mebibytes| mebibytes * MIB),
    }
}

/// Beside the journal: better than nowhere, and lost with its disk.
fn default_backup(journal: &JournalSettings) -> BackupSettings {
    let folder = journal.path.parent().unwrap_or(Path::new("/")).join("backups");
    BackupSettings { folder, keep_days: 14, keep_weeks: 8, keep_months: 24 }
}

/// `[backup]`, as far as it can be read.
pub(super) fn backup(file: &mut Table<'_>, folder: &Path, journal: &JournalSettings) -> BackupSettings {
    let default = || default_backup(journal);
    let read = |table: &mut Table<'_>| BackupSettings {
        folder: table.entry("folder").and_then(|entry| path(&entry, folder)).unwrap_or(default().folder),
        keep_days: table.number("keep_days", 1_usize..=3_660).unwrap_or(default().keep_days),
        keep_weeks: table.number("keep_weeks", 0_usize..=520).unwrap_or(default().keep_weeks),
        keep_months: table.number("keep_months", 0_usize..=1_200).unwrap_or(default().keep_months),
    };
    file.table("backup", read).unwrap_or_else(default)
}

/// Puts the journal elsewhere, and with it what stands beside it unless the file names a place.
pub(super) fn move_journal(draft: &mut Draft, path: PathBuf) {
    if draft.backup.folder == default_backup(&draft.journal).folder {
        draft.journal.path = path;
        draft.backup.folder = default_backup(&draft.journal).folder;
    } else {
        draft.journal.path = path;
    }
}

/// Whether a socket can have this path.
pub(super) fn fits_socket(path: &Path) -> Result<(), String> {
    if path.as_os_str().len() <= LONGEST_SOCKET_PATH {
        return Ok(());
    }
    Err(format!(
        "{} is too long for a socket; write a path of at most {LONGEST_SOCKET_PATH} bytes",
        path.display()
    ))
}

/// Where commands reach the gateway, and where the file says so.
pub(super) fn control_socket(file: &mut Table<'_>, folder: &Path) -> (PathBuf, Range<usize>) {
    let default = PathBuf::from("/run/labwire/control.sock");
    let Some(entry) = file.entry("control_socket") else { return (default, 0..0) };
    let Some(socket) = path(&entry, folder) else { return (default, entry.span()) };
    if let Err(why) = fits_socket(&socket) {
        entry.error(why);
    }
    (socket, entry.span())
}

fn default_log() -> LogSettings {
    LogSettings { format: LogFormat::Text, filter: "info".to_owned() }
}

fn log(table: &mut Table<'_>) -> LogSettings {
    let default = default_log();
    LogSettings {
        format: table.choice("format", &LOG_FORMATS).unwrap_or(default.format),
        filter: table.text("filter").unwrap_or(default.filter),
    }
}

fn trace(table: &mut Table<'_>, folder: &Path) -> Option<(TraceSettings, Range<usize>)> {
    let entry = table.required("folder", "\"/var/lib/labwire/trace\"");
    let keep_bytes = table.number("keep_mib", 1_u64..=10_240).unwrap_or(64) * MIB;
    let entry = entry?;
    let folder = path(&entry, folder)?;
    Some((TraceSettings { folder, keep_bytes }, entry.span()))
}
