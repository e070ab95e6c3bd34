//! What is written in Python, each in a virtual environment of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::optional;
use crate::project::Project;
use crate::{Result, sh};

/// schemathesis, which holds the running server to its API file.
pub(super) fn schemathesis(project: &Project) -> Result<Option<PathBuf>> {
    let bin = ensure(project, "schemathesis", "4.32.5", "the API will not be checked")?;
    Ok(bin.map(|bin| program(&bin, "schemathesis")))
}

/// A Python that has a client of event streams.
pub(super) fn websockets(project: &Project) -> Result<Option<PathBuf>> {
    let without = "event streams to Python will not be tried";
    let bin = ensure(project, "websockets", "16.0", without)?;
    Ok(bin.map(|bin| program(&bin, "python")))
}

/// A Python that has LaunchDarkly's SDK.
pub(super) fn launchdarkly(project: &Project) -> Result<Option<PathBuf>> {
    let package = "launchdarkly-server-sdk";
    let bin = ensure(project, package, "9.18.2", "the SDK for Python will not be tried")?;
    Ok(bin.map(|bin| program(&bin, "python")))
}

/// The folder of an environment's programs.
fn ensure(
    project: &Project,
    package: &str,
    version: &str,
    without: &str,
) -> Result<Option<PathBuf>> {
    let name = format!("{package} {version}");
    optional::ensure(&name, without, || find_or_install(project, package, version))
}

fn find_or_install(
    project: &Project,
    package: &str,
    version: &str,
) -> Result<(PathBuf, &'static str)> {
    let folder = project.cache.join(format!("{package}-{version}"));
    let bin = folder.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let works = || {
        let ask = format!("import importlib.metadata as m; print(m.version({package:?}))");
        let said = sh::read(Command::new(program(&bin, "python")).args(["-c", &ask]));
        said.is_ok_and(|said| said == version)
    };
    if works() {
        return Ok((bin, "already there"));
    }
    let python = sh::which(&["python3", "python"]).ok_or("there is no Python")?;
    if folder.exists() {
        fs::remove_dir_all(&folder)?; // broken off, or of a Python that is gone
    }
    sh::run(Command::new(python).args(["-m", "venv"]).arg(&folder))?;
    let pinned = format!("{package}=={version}");
    let quiet = ["--quiet", "--disable-pip-version-check"];
    sh::run(Command::new(program(&bin, "pip")).arg("install").args(quiet).arg(pinned))?;
    if works() { Ok((bin, "installed")) } else { Err("it does not run".into()) }
}

fn program(bin: &Path, name: &str) -> PathBuf {
    bin.join(name).with_extension(std::env::consts::EXE_EXTENSION)
}
