//! nats-server, for the tests of the engine over NATS.

use std::env;
use std::fs;
use std::path::PathBuf;

use super::{apt, optional};
use crate::project::Project;
use crate::{Result, sh};

/// The one named by `NATS_SERVER`, one on PATH, or Debian's, unpacked: the first there is.
pub(super) fn ensure(project: &Project) -> Result<Option<PathBuf>> {
    let without = "the engine over NATS will not be tested";
    optional::ensure("nats-server for tests", without, || find_or_unpack(project))
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
