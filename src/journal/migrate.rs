//! Forward-only migrations by `user_version`. A released migration never changes.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::OpenError;

/// In order; the index plus one is the version that each leads to.
const MIGRATIONS: [&str; 29] = [
    include_str!("migrations/0001_spine.sql"),
    include_str!("migrations/0002_drop.sql"),
    include_str!("migrations/0003_order.sql"),
    include_str!("migrations/0004_stuck.sql"),
    include_str!("migrations/0005_qc.sql"),
    include_str!("migrations/0006_restoration.sql"),
    include_str!("migrations/0007_rules.sql"),
    include_str!("migrations/0008_call.sql"),
    include_str!("migrations/0009_order_link.sql"),
    include_str!("migrations/0010_order_cursor.sql"),
    include_str!("migrations/0011_download.sql"),
    include_str!("migrations/0012_person.sql"),
    include_str!("migrations/0013_order_identity.sql"),
    include_str!("migrations/0014_reassignment.sql"),
    include_str!("migrations/0015_traffic.sql"),
    include_str!("migrations/0016_downtime.sql"),
    include_str!("migrations/0017_work_step.sql"),
    include_str!("migrations/0018_patient_word.sql"),
    include_str!("migrations/0019_history.sql"),
    include_str!("migrations/0020_download_step.sql"),
    include_str!("migrations/0021_authority.sql"),
    include_str!("migrations/0022_resend.sql"),
    include_str!("migrations/0023_time.sql"),
    include_str!("migrations/0024_sent_again.sql"),
    include_str!("migrations/0025_reevaluation.sql"),
    include_str!("migrations/0026_archive.sql"),
    include_str!("migrations/0027_recoded.sql"),
    include_str!("migrations/0028_specimen_token.sql"),
    include_str!("migrations/0029_let_go.sql"),
];

/// SQLite before this version could lose committed transactions when a WAL was reset (3.7.0 to 3.51.2).
const OLDEST_SQLITE: i32 = 3_051_003;

/// Brings the journal to this program's version, in one transaction.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(OpenError::OldSqlite(rusqlite::version()));
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    if found > MIGRATIONS.len() {
        return Err(OpenError::NewerJournal { found, known: MIGRATIONS.len() });
    }
    for (index, script) in MIGRATIONS.iter().enumerate().skip(found) {
        transaction.execute_batch(script)?;
        transaction.pragma_update(None, "user_version", index + 1)?;
    }
    transaction.commit()?;
    Ok(())
}

/// Whether this program can read the journal as it is.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let known = MIGRATIONS.len();
    match version(connection)? {
        0 => Err(OpenError::NoJournal(path.to_owned())),
        found if found < known => Err(OpenError::OlderJournal { found, known }),
        found if found > known => Err(OpenError::NewerJournal { found, known }),
        _ => Ok(()),
    }
}

/// No version that was ever released is below 1. A negative one is as unknown as one that is too high.
fn version(connection: &Connection) -> Result<usize, OpenError> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(usize::try_from(found).unwrap_or(usize::MAX))
}
