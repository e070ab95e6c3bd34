//! nats-server, for the tests of the engine over NATS.

use std::env;
use std::fs;
use std::path::PathBuf;

use super::apt;
use crate::project::Project;
use crate::{Result, sh};

/// The one named by `NATS_SERVER`, one on PATH, or Debian's, unpacked: the first there is.
///
/// None is said aloud, and then those tests are skipped, which they say too; in CI it is an error.
pub(super) fn ensure(project: &Project) -> Result<Option<PathBuf>> {
    let mut found = None;
    sh::timed("nats-server for tests", || {
        let (program, how) = match find_or_unpack(project) {
            Ok(found) => found,
            Err(failure) if sh::in_ci() => return Err(failure),
            Err(failure) => {
                return Ok(format!("{failure}; the engine over NATS will not be tested"));
            }
        };
        let said = format!("{} {how}", program.display());
        found = Some(program);
        Ok(said)
    })?;
    Ok(found)
}

fn find_or_unpack(project: &Project) -> Result<(PathBuf, &'static str)> {
    if let Some(file) = env::var_os("NATS_SERVER").filter(|file| !file.is_empty()) {
        let program = PathBuf::from(file);
        if !program.is_file() {
            return Err(format!("NATS_SERVER names {}, which is no file", program.display()).into());
        }
        return Ok((program, "named by the environment"));
    }
    let folder = project.cache.join("nats-server");
    let unpacked = folder.join("usr/sbin/nats-server");
    // Debian has it where not everyone looks.
    let usual = [PathBuf::from("/usr/sbin/nats-server"), unpacked.clone()];
    let on_path = sh::which(&["nats-server"]);
    if let Some(program) = on_path.into_iter().chain(usual).find(|program| program.is_file()) {
        return Ok((program, "already there"));
    }
    if sh::which(&["apt-get"]).is_some() && sh::which(&["dpkg-deb"]).is_some() {
        fs::create_dir_all(&folder)?;
        apt::unpack("nats-server", &folder)?;
        if unpacked.is_file() {
            return Ok((unpacked, "unpacked from Debian's package"));
        }
    }
    Err("none found and none to be had: install nats-server, or set NATS_SERVER to where it is"
        .into())
}
