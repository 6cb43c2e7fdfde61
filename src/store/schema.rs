//! The schema and its history: forward only, a backup first, a newer one is refused.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use super::error::{StoreError, file_failed};
use super::seal::Passphrase;

/// One script per version, in order; version `n` is the state after the first `n`. Released scripts never change.
pub(super) const STEPS: &[&str] = &[include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// "ofrc": marks a SQLite file as ours.
const APPLICATION_ID: i32 = 0x6f66_7263;

/// Brings `db` (stored at `file`, opened with `passphrase`) to the state after all `steps`.
pub(super) fn migrate(
    db: &mut Connection,
    file: &Path,
    passphrase: Option<&Passphrase>,
    steps: &[&str],
) -> Result<(), StoreError> {
    let known = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > known {
        return Err(StoreError::Newer { file: file.to_owned(), found, known });
    }
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let application: i32 = db.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if found < 0 || (tables > 0 && (found == 0 || application != APPLICATION_ID)) {
        return Err(StoreError::Failed(format!(
            "{} is not a database of offrecord (move it away, or choose another folder with --data-dir)",
            file.display()
        )));
    }
    if found == known {
        return Ok(());
    }
    if found > 0 {
        back_up(db, file, passphrase, found)?;
    }
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = usize::try_from(found).unwrap_or(0);
    for step in &steps[done..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}

/// Where the state before the migration from `version` is kept.
pub(super) fn backup_file(file: &Path, version: i64) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".v{version}.backup"));
    PathBuf::from(name)
}

/// Copies the database beside itself; a copy that a crash cut short never carries the final name. The copy of an
/// encrypted one opens with the same passphrase.
fn back_up(db: &Connection, file: &Path, passphrase: Option<&Passphrase>, version: i64) -> Result<(), StoreError> {
    let target = backup_file(file, version);
    let mut part = target.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    super::private_file(&part)?;
    let mut copy = Connection::open(&part)?;
    super::seal::unlock(&copy, &part, passphrase)?;
    rusqlite::backup::Backup::new(db, &mut copy)?.run_to_completion(1024, std::time::Duration::ZERO, None)?;
    // The copy inherits WAL mode in its header; as a plain file it is whole on its own.
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    copy.close().map_err(|(_, error)| error)?;
    let sync = std::fs::File::open(&part).and_then(|f| f.sync_all()).and_then(|()| std::fs::rename(&part, &target));
    sync.map_err(|e| file_failed("write the backup", &target, &e))
}
