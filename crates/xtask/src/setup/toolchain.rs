//! A Rust toolchain that has the targets we build for besides the host.

use core::time::Duration;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::project::Project;
use crate::{Result, sh};

/// The browser's target.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";
/// A target without an operating system: what core builds for, builds without std.
pub(crate) const BARE: &str = "x86_64-unknown-none";

/// The active toolchain if it has the targets or rustup can add them, else one made from Debian's packages,
/// whose folder is then added to `folders`.
pub(super) fn ensure(project: &Project, targets: &[&str], folders: &mut Vec<PathBuf>) -> Result {
    sh::timed(&format!("Rust for {}", targets.join(" and ")), || {
        if has(&sysroot()?, targets) {
            return Ok("already there".to_owned());
        }
        if added_by_rustup(targets)? {
            return Ok("added by rustup".to_owned());
        }
        let home = project.cache.join("toolchain");
        let made = made_from_debian(project, &home)?;
        folders.push(home.join("bin"));
        Ok(if made {
            "made from Debian's packages".to_owned()
        } else {
            "already there, made earlier".to_owned()
        })
    })
}

fn sysroot() -> Result<PathBuf> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    sh::read(Command::new(rustc).args(["--print", "sysroot"])).map(PathBuf::from)
}

fn has(sysroot: &Path, targets: &[&str]) -> bool {
    targets.iter().all(|target| {
        let library = sysroot.join("lib/rustlib").join(target).join("lib");
        fs::read_dir(library).is_ok_and(|files| {
            files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libcore-"))
        })
    })
}

/// The normal way. `RUSTUP_AUTO_INSTALL=0` says that rustup is to download nothing: then it is not asked.
fn added_by_rustup(targets: &[&str]) -> Result<bool> {
    if sh::which(&["rustup"]).is_none()
        || env::var_os("RUSTUP_AUTO_INSTALL").is_some_and(|value| value == "0")
    {
        return Ok(false);
    }
    let mut rustup = Command::new("rustup");
    if let Err(failure) = sh::run_within(RUSTUP_LIMIT, rustup.args(["target", "add"]).args(targets))
    {
        println!("  {failure}");
        return Ok(false);
    }
    Ok(has(&sysroot()?, targets))
}

/// The other way; answers whether there was something to do.
fn made_from_debian(project: &Project, home: &Path) -> Result<bool> {
    let stamp = home.join("stamp");
    let before = fs::metadata(&stamp).and_then(|file| file.modified()).ok();
    if before.is_none() {
        println!(
            "  building the targets' libraries from Debian's Rust packages: about a minute, once"
        );
    }
    let script = project.root.join("crates/xtask/scripts/debian-toolchain.sh");
    let status = Command::new("bash").arg(script).arg(home).status()?;
    if !status.success() {
        return Err("no toolchain for the targets: see above".into());
    }
    Ok(fs::metadata(&stamp)?.modified().ok() != before)
}

/// Without a network rustup keeps trying for long.
const RUSTUP_LIMIT: Duration = Duration::from_mins(2);
