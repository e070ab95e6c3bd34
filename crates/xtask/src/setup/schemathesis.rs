//! schemathesis, which holds the running server to its API file.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::project::Project;
use crate::{Result, sh};

const VERSION: &str = "4.32.5";

/// Its program, in a virtual environment of its own.
///
/// None is said aloud, and then the step says that it checks nothing; in CI it is an error.
pub(super) fn ensure(project: &Project) -> Result<Option<PathBuf>> {
    let mut found = None;
    sh::timed(&format!("schemathesis {VERSION}"), || match find_or_install(project) {
        Ok((program, how)) => {
            found = Some(program);
            Ok(how.to_owned())
        }
        Err(failure) if sh::in_ci() => Err(failure),
        Err(failure) => Ok(format!("{failure}; the API will not be checked")),
    })?;
    Ok(found)
}

fn find_or_install(project: &Project) -> Result<(PathBuf, &'static str)> {
    let folder = project.cache.join(format!("schemathesis-{VERSION}"));
    let bin = folder.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let program = bin.join("schemathesis").with_extension(std::env::consts::EXE_EXTENSION);
    let works = || {
        let said = sh::read(Command::new(&program).arg("--version"));
        said.is_ok_and(|said| said.ends_with(VERSION))
    };
    if works() {
        return Ok((program, "already there"));
    }
    let python = sh::which(&["python3", "python"]).ok_or("there is no Python")?;
    if folder.exists() {
        fs::remove_dir_all(&folder)?; // broken off, or of a Python that is gone
    }
    sh::run(Command::new(python).args(["-m", "venv"]).arg(&folder))?;
    let pip = bin.join("pip").with_extension(std::env::consts::EXE_EXTENSION);
    let package = format!("schemathesis=={VERSION}");
    sh::run(Command::new(pip).args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        &package,
    ]))?;
    if works() { Ok((program, "installed")) } else { Err("it does not run".into()) }
}
