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

/// Package lists may be missing or out of date on a new machine.
fn with_lists(get: impl Fn() -> Result) -> Result {
    get().or_else(|_| {
        sh::run(apt_get()?.args(["update", "-qq"]))?;
        get()
    })
}

fn apt_get() -> Result<Command> {
    let root = sh::read(Command::new("id").arg("-u"))? == "0";
    let mut command = Command::new(if root { "apt-get" } else { "sudo" });
    if !root {
        command.arg("apt-get");
    }
    command.env("DEBIAN_FRONTEND", "noninteractive");
    Ok(command)
}
