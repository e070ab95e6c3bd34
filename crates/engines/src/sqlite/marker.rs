//! The witness outside the database of how far it has come.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The folder for markers of this machine: one that a reboot empties and no backup puts back.
pub(super) fn folder() -> Option<PathBuf> {
    let named = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let candidates = [named("RUNTIME_DIRECTORY"), named("XDG_RUNTIME_DIR"), Some("/run".into())];
    candidates.into_iter().flatten().map(|folder| folder.join("highwater")).find(|folder| {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).is_ok()
            && fs::metadata(folder).is_ok_and(|found| !found.permissions().readonly())
    })
}

/// How far a database has come, in a file that holds `LIFE GENERATION`.
#[derive(Debug)]
pub(super) struct Marker {
    path: PathBuf,
    /// Open once the marker is kept.
    file: Option<File>,
}

impl Marker {
    /// That of the database in `data`.
    pub(super) fn new(folder: &Path, data: &Path) -> Self {
        let name: String = data.to_string_lossy().bytes().map(escaped).collect();
        // A path that is too long for a name fails to be written, which is safe.
        Self { path: folder.join(name), file: None }
    }

    /// Whether nothing that was acknowledged is missing from a database that stands here.
    pub(super) fn vouches(&self, life: &str, generation: u64) -> bool {
        let Ok(text) = fs::read_to_string(&self.path) else { return false };
        let told = text.strip_suffix('\n').and_then(|line| line.split_once(' '));
        told.is_some_and(|(told, reached)| {
            told == life && reached.parse::<u64>().is_ok_and(|reached| reached <= generation)
        })
    }

    /// Notes a commit, before anybody is told of it.
    ///
    /// A single short write, so that a process that is killed leaves the old text or the new one.
    /// Where it cannot be written there is none from then on.
    pub(super) fn keep(&mut self, life: &str, generation: u64) {
        let written = self
            .open()
            .and_then(|file| file.write_all_at(format!("{life} {generation:020}\n").as_bytes(), 0));
        if let Err(error) = written {
            tracing::warn!(marker = %self.path.display(), %error, "the marker cannot be kept: the next start begins new epochs");
            self.file = None;
            let _ = fs::remove_file(&self.path);
        }
    }

    fn open(&mut self) -> io::Result<&File> {
        if let Some(file) = self.file.take() {
            return Ok(self.file.insert(file));
        }
        if let Some(folder) = self.path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(true).write(true).mode(0o600).open(&self.path)?;
        Ok(self.file.insert(file))
    }
}

/// A byte of a path as part of a name.
fn escaped(byte: u8) -> String {
    match byte {
        b'/' => "-".into(),
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' => char::from(byte).into(),
        other => format!("%{other:02x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_life_that_is_not_behind_is_vouched_for() {
        let folder = tempfile::tempdir().unwrap();
        let mut marker = Marker::new(folder.path(), Path::new("/var/lib/high water"));
        assert!(!marker.vouches("a", 5), "there is none");
        marker.keep("a", 5);
        let again = Marker::new(folder.path(), Path::new("/var/lib/high water"));
        assert!(again.vouches("a", 5));
        assert!(again.vouches("a", 6), "committed, and killed before it was noted");
        assert!(!again.vouches("a", 4), "a backup");
        assert!(!again.vouches("b", 5), "another database");
        assert!(!Marker::new(folder.path(), Path::new("/var/lib/high-water")).vouches("a", 5));
        marker.keep("a", 6);
        assert!(!again.vouches("a", 5));
        fs::write(&marker.path, "a").unwrap();
        assert!(!again.vouches("a", 9), "damaged");
    }
}
