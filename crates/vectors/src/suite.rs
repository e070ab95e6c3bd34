//! Where suites are found.

use core::fmt;
use std::path::{Path, PathBuf};
use std::{env, fs};

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
pub fn locate(suite: &str) -> Result<PathBuf, Error> {
    let elsewhere = env::var_os(ENVIRONMENT).map(|root| PathBuf::from(root).join(suite));
    let here = repository_root().join(suite);
    elsewhere.into_iter().chain([here]).find(|folder| folder.is_dir()).ok_or_else(|| {
        Error(format!(
            "no vectors of suite {suite}: neither in ${ENVIRONMENT} nor in tests/vectors"
        ))
    })
}

/// The JSON files of a suite in order of name, at least one.
pub fn json_files(suite: &str) -> Result<Vec<PathBuf>, Error> {
    let folder = locate(suite)?;
    let files = list(&folder)?;
    if files.is_empty() {
        return Err(Error(format!("no JSON file in {}", folder.display())));
    }
    Ok(files)
}

/// Our own vectors of a suite, which stand where we depart from recorded ones.
pub(crate) fn own_files(suite: &str) -> Result<Vec<PathBuf>, Error> {
    let folder = repository_root().join("ours").join(suite);
    if folder.is_dir() { list(&folder) } else { Ok(Vec::new()) }
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
