//! The file that tokens are kept in: small, written whole, never half.

use super::glob::Glob;
use super::secret::Digest;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// A token as it is kept.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) name: Box<str>,
    /// Of the secret, which is kept nowhere.
    #[serde(rename = "sha256")]
    pub(super) digest: Digest,
    pub(super) read: Vec<Glob>,
    pub(super) write: Vec<Glob>,
    #[serde(default)]
    pub(super) consume: Vec<Glob>,
    #[serde(default)]
    pub(super) manage: Vec<Glob>,
    pub(super) metrics: bool,
    /// Milliseconds since 1970.
    pub(super) created: u64,
}

#[derive(Serialize, Deserialize)]
struct Tokens {
    tokens: Vec<Kept>,
}

/// The tokens of the file; none, if there is no file yet. Errors name the file.
pub(super) fn read(path: &Path) -> io::Result<Vec<Kept>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(named(path, &error)),
    };
    let read: Tokens = serde_json::from_str(&text).map_err(|error| named(path, &error))?;
    Ok(read.tokens)
}

/// Puts the tokens in place of those of the file: beside it first, then at once.
pub(super) fn write(path: &Path, mut tokens: Vec<Kept>) -> io::Result<()> {
    tokens.sort_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)));
    let text = serde_json::to_vec_pretty(&Tokens { tokens })?;
    let replace = || {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            fs::create_dir_all(folder)?;
        }
        let beside = path.with_extension("new");
        let mut file = private(&beside)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        #[cfg(unix)]
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?; // the new name, too
        Ok(())
    };
    replace().map_err(|error: io::Error| named(path, &error))
}

/// For nobody else's eyes: the names of tokens and topics are told by it.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn named(path: &Path, error: &dyn core::error::Error) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}
