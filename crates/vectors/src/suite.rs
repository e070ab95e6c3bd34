//! Where suites are found.

use core::fmt;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde::de::DeserializeOwned;

/// A suite that cannot be run: not there, not readable, or not what its module reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    /// An error that says just this.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    pub(crate) fn unreadable(path: &Path, cause: &dyn fmt::Display) -> Self {
        Self(format!("cannot read {}: {cause}", path.display()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl core::error::Error for Error {}

/// The folder of a suite: `$HIGHWATER_VECTORS/<suite>` if there is one, else this repository's.
///
/// A variable that names no folder is a mistake, and not a reason to look elsewhere.
pub fn locate(suite: &str) -> Result<PathBuf, Error> {
    let elsewhere = env::var_os(ENVIRONMENT).filter(|root| !root.is_empty()).map(PathBuf::from);
    if let Some(root) = elsewhere.as_ref().filter(|root| !root.is_dir()) {
        return Err(Error(format!("${ENVIRONMENT} names {}, which is no folder", root.display())));
    }
    let folders = elsewhere.into_iter().chain([repository_root()]).map(|root| root.join(suite));
    folders.into_iter().find(|folder| folder.is_dir()).ok_or_else(|| {
        Error(format!(
            "no vectors of suite {suite}: neither in ${ENVIRONMENT} nor in tests/vectors"
        ))
    })
}

/// The JSON files of a suite in order of name, at least one; then our own, which stand where we
/// depart from recorded ones.
pub(crate) fn files(suite: &str) -> Result<Vec<PathBuf>, Error> {
    let folder = locate(suite)?;
    let mut files = list(&folder)?;
    if files.is_empty() {
        return Err(Error(format!("no JSON file in {}", folder.display())));
    }
    files.extend(own_files(suite)?);
    Ok(files)
}

/// Our own files of a suite, of which nothing may be recorded.
pub(crate) fn own_files(suite: &str) -> Result<Vec<PathBuf>, Error> {
    let folder = repository_root().join("ours").join(suite);
    if folder.is_dir() { list(&folder) } else { Ok(Vec::new()) }
}

/// What a file of JSON says.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    serde_json::from_slice(&bytes(path)?).map_err(|error| Error::unreadable(path, &error))
}

/// The content of a file.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| Error::unreadable(path, &error))
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder).map_err(|error| Error::unreadable(folder, &error))?;
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    Ok(files)
}

/// `tests/vectors` of this repository.
pub(crate) fn repository_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors")
}

/// The environment variable that names another folder of suites.
const ENVIRONMENT: &str = "HIGHWATER_VECTORS";
