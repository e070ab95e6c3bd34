//! Debian's packages.

use std::path::Path;
use std::process::Command;

use crate::{Result, sh};

/// Installs packages on this machine.
pub(super) fn install(packages: &[&str]) -> Result {
    with_lists(|| {
        sh::run(apt_get()?.args(["install", "-qq", "-y", "--no-install-recommends"]).args(packages))
    })
}

/// Whether packages can be installed without asking anybody for a password.
pub(super) fn can_install() -> bool {
    sh::which(&["apt-get"]).is_some() && (sh::in_ci() || is_root().unwrap_or(false))
}

/// Unpacks one package into a folder: nothing is installed, and no service is started.
pub(super) fn unpack(package: &str, folder: &Path) -> Result {
    with_lists(|| {
        // As whoever runs this, who need not be root for it.
        sh::run(Command::new("apt-get").args(["download", "-qq", package]).current_dir(folder))
    })?;
    for file in std::fs::read_dir(folder)? {
        let file = file?.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            sh::run(Command::new("dpkg-deb").arg("-x").arg(&file).arg(folder))?;
            std::fs::remove_file(file)?;
        }
    }
    Ok(())
}

/// The packages that installing one would install, itself among them.
pub(super) fn missing_for(package: &str) -> Result<Vec<String>> {
    let simulate = || {
        let mut simulate = Command::new("apt-get");
        simulate.args(["install", "--simulate", "--no-install-recommends", package]);
        sh::read(&mut simulate)
    };
    let told = simulate().or_else(|_| {
        sh::run(apt_get()?.args(["update", "-qq"]))?;
        simulate()
    })?;
    let named = told.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next());
    Ok(named.map(str::to_owned).collect())
}

/// Package lists may be missing or out of date on a new machine.
fn with_lists(get: impl Fn() -> Result) -> Result {
    get().or_else(|_| {
        sh::run(apt_get()?.args(["update", "-qq"]))?;
        get()
    })
}

fn apt_get() -> Result<Command> {
    let root = is_root()?;
    let mut command = Command::new(if root { "apt-get" } else { "sudo" });
    if !root {
        command.arg("apt-get");
    }
    command.env("DEBIAN_FRONTEND", "noninteractive");
    Ok(command)
}

fn is_root() -> Result<bool> {
    Ok(sh::read(Command::new("id").arg("-u"))? == "0")
}
