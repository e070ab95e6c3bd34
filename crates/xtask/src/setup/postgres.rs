//! PostgreSQL, for the tests of event streams that are kept there.

use std::path::{Path, PathBuf};
use std::{env, fs};

use super::{apt, optional};
use crate::project::Project;
use crate::{Result, sh};

/// The folder of its programs: the one named by `POSTGRES_BIN`, the machine's newest, or Debian's,
/// unpacked: the first there is.
pub(super) fn ensure(project: &Project) -> Result<Option<PathBuf>> {
    let without = "streams in PostgreSQL will not be tested";
    optional::ensure("PostgreSQL for tests", without, || find_or_unpack(project))
}

fn find_or_unpack(project: &Project) -> Result<(PathBuf, &'static str)> {
    if let Some(folder) = env::var_os("POSTGRES_BIN").filter(|folder| !folder.is_empty()) {
        let programs = PathBuf::from(folder);
        if !is_whole(&programs) {
            let named = programs.display();
            return Err(format!("POSTGRES_BIN names {named}, where there is no initdb").into());
        }
        return Ok((programs, "named by the environment"));
    }
    let folder = project.cache.join("postgresql");
    if let Some(programs) = newest(Path::new("/")).or_else(|| newest(&folder)) {
        return Ok((programs, "already there"));
    }
    if sh::which(&["apt-get"]).is_some() && sh::which(&["dpkg-deb"]).is_some() {
        fs::create_dir_all(&folder)?;
        // With the libraries that this machine has not got; nothing of it is installed.
        for package in apt::missing_for("postgresql")? {
            apt::unpack(&package, &folder)?;
        }
        if let Some(programs) = newest(&folder) {
            return Ok((programs, "unpacked from Debian's package"));
        }
    }
    Err("none found and none to be had: install postgresql, or set POSTGRES_BIN to the folder of its programs"
        .into())
}

/// The greatest version below a root.
fn newest(root: &Path) -> Option<PathBuf> {
    let versions = fs::read_dir(root.join("usr/lib/postgresql")).ok()?.flatten();
    let programs = versions.map(|version| version.path().join("bin"));
    programs.filter(|programs| is_whole(programs)).max()
}

fn is_whole(programs: &Path) -> bool {
    ["initdb", "pg_ctl", "postgres"].iter().all(|program| programs.join(program).is_file())
}
