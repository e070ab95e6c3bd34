//! A database as a file to keep, and back.

use super::error::{failure, plain};
use super::{Sqlite, lock, schema};
use highwater_publisher::engine::Failure;
use rusqlite::Connection;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

impl Sqlite {
    /// Writes the database of a folder into one new file, as it is at one moment; a process that
    /// uses the folder goes on meanwhile. Blocks on the disk.
    pub fn backup(folder: &Path, to: &Path) -> Result<(), Failure> {
        if to.try_exists().map_err(plain)? {
            return Err(plain(format!("{} is there already", to.display())));
        }
        let db = schema::open_to_read(&folder.join(FILE)).map_err(failure)?;
        schema::check(&db).map_err(failure)?;
        // Whole under its name, or not there.
        let part = beside(to, ".part");
        let _ = fs::remove_file(&part); // left by one that was interrupted
        let text = part.to_str().ok_or_else(|| plain("the path is not UTF-8"))?;
        db.execute("VACUUM INTO ?", [text]).map_err(failure)?;
        settle(&part, to)
    }

    /// Puts a backup in the place of the database of a folder that no process uses, or makes the
    /// folder. All topics begin new epochs with the next opening, so that clients begin again
    /// instead of going on from what is no longer there. Blocks on the disk.
    pub fn restore(folder: &Path, from: &Path) -> Result<(), Failure> {
        fs::create_dir_all(folder).map_err(plain)?;
        let _lock = lock(folder)?;
        let part = folder.join("highwater.db.part");
        fs::copy(from, &part).map_err(|error| plain(format!("{}: {error}", from.display())))?;
        let checked = renew(&part).map_err(failure);
        if checked.is_err() {
            let _ = fs::remove_file(&part);
        }
        checked?;
        // First the database itself: what is in these belongs to the old one.
        for rest in ["highwater.db-wal", "highwater.db-shm"] {
            match fs::remove_file(folder.join(rest)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(plain(error));
                }
                _ => {}
            }
        }
        settle(&part, &folder.join(FILE))
    }
}

/// Makes sure that it is one of ours and whole, and that no marker vouches for it.
fn renew(file: &Path) -> rusqlite::Result<()> {
    let db = Connection::open(file)?;
    schema::check(&db)?;
    let found: String = db.query_row("PRAGMA quick_check", (), |row| row.get(0))?;
    if found != "ok" {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        return Err(rusqlite::Error::SqliteFailure(code, Some(found)));
    }
    db.query_row("PRAGMA journal_mode = DELETE", (), |_| Ok(()))?;
    db.execute("UPDATE head SET life = ''", ()).map(drop)
}

/// Gives a file its name when it is on the disk.
fn settle(part: &Path, name: &Path) -> Result<(), Failure> {
    File::open(part).and_then(|file| file.sync_all()).map_err(plain)?;
    fs::rename(part, name).map_err(plain)?;
    let folder = name.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = File::open(folder.unwrap_or(Path::new(".")));
    folder.and_then(|folder| folder.sync_all()).map_err(plain)
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

const FILE: &str = "highwater.db";
