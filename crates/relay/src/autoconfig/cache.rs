//! The last good configuration, kept on disk.

use core::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::credentials::AutoConfigKey;

/// A file with the last put that could be used.
///
/// It holds keys, and so is its owner's alone. It is written aside and put in place whole, and bears a
/// digest of itself and of the auto-config key. R5: one that is damaged, or of another key, is no good.
#[derive(Clone, Debug)]
pub struct Cache {
    path: PathBuf,
    key: AutoConfigKey,
}

/// Why a file cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum CacheError {
    /// It cannot be read or written.
    Io(io::Error),
    /// It is damaged, or was written for another key.
    Unfit,
}

impl Cache {
    /// The file at this path, of whoever has this key.
    pub fn new(path: impl Into<PathBuf>, key: AutoConfigKey) -> Self {
        Self { path: path.into(), key }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was kept; `None` if nothing was.
    pub fn load(&self) -> Result<Option<Vec<u8>>, CacheError> {
        let mut file = match fs::read(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        let head = file.iter().position(|byte| *byte == b'\n').ok_or(CacheError::Unfit)?;
        let put = file.split_off(head + 1);
        if file == self.head(&put).as_bytes() { Ok(Some(put)) } else { Err(CacheError::Unfit) }
    }

    /// Keeps this in the place of what was kept before.
    pub fn store(&self, put: &[u8]) -> Result<(), CacheError> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            fs::create_dir_all(folder)?;
        }
        let mut aside = self.path.clone().into_os_string();
        aside.push(format!(".{}", std::process::id()));
        let aside = PathBuf::from(aside);
        let written = self.write(&aside, put).and_then(|()| fs::rename(&aside, &self.path));
        if written.is_err() {
            // Not to be left lying about; the error that counts is the first.
            let _ = fs::remove_file(&aside);
        }
        written?;
        // The new name is to outlive a power cut too.
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(())
    }

    fn write(&self, path: &Path, put: &[u8]) -> io::Result<()> {
        // One that another life left may have other permissions.
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.write_all(self.head(put).as_bytes())?;
        file.write_all(put)?;
        file.sync_all()
    }

    /// The first line.
    fn head(&self, put: &[u8]) -> String {
        let mut digest = Sha256::new();
        for part in [self.key.reveal().as_bytes(), b"\0", put] {
            digest.update(part);
        }
        format!("{FORMAT} {:x}\n", digest.finalize())
    }
}

impl fmt::Display for CacheError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "{error}"),
            Self::Unfit => f.write_str("it is damaged, or was written for another key"),
        }
    }
}

impl core::error::Error for CacheError {}

impl From<io::Error> for CacheError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

const FORMAT: &str = "highwater auto-config 1";

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(folder: &tempfile::TempDir, key: &str) -> Cache {
        let key = AutoConfigKey::new(key).unwrap_or_else(|| unreachable!("it is not empty"));
        Cache::new(folder.path().join("deeper/cache"), key)
    }

    #[test]
    fn what_was_kept_comes_back_and_is_its_owners_alone() -> Result<(), CacheError> {
        let folder = tempfile::tempdir()?;
        let cache = cache(&folder, "key");
        assert!(cache.load()?.is_none());
        cache.store(b"{}")?;
        cache.store(b"{\"a\":\n1}")?;
        assert_eq!(cache.load()?.as_deref(), Some(&b"{\"a\":\n1}"[..]));
        assert_eq!(fs::read_dir(folder.path().join("deeper"))?.count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(cache.path())?.permissions().mode() & 0o777, 0o600);
        }
        Ok(())
    }

    #[test]
    fn every_byte_counts_and_the_key_too() -> Result<(), CacheError> {
        let folder = tempfile::tempdir()?;
        let cache = cache(&folder, "key");
        cache.store(b"{\"environments\":{}}")?;
        let good = fs::read(cache.path())?;
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(cache.path(), &bad)?;
            assert!(matches!(cache.load(), Err(CacheError::Unfit)), "byte {at}");
            fs::write(cache.path(), &good[..at])?;
            assert!(matches!(cache.load(), Err(CacheError::Unfit)), "cut at {at}");
        }
        fs::write(cache.path(), &good)?;
        assert!(cache.load()?.is_some());
        let other = Cache { key: AutoConfigKey::new("other").ok_or(CacheError::Unfit)?, ..cache };
        assert!(matches!(other.load(), Err(CacheError::Unfit)));
        Ok(())
    }
}
