//! The npm packages of package-lock.json: TypeScript, esbuild, wasm-opt, a browser's driver.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::project::Project;
use crate::{Result, sh};

/// Installs them; adds their programs to `folders`.
pub(super) fn ensure(project: &Project, folders: &mut Vec<PathBuf>) -> Result {
    folders.push(project.root.join("node_modules/.bin"));
    install("npm packages", &project.root)
}

/// Installs the packages of a folder, unless its `node_modules` was installed from its very lock file.
pub(super) fn install(name: &str, folder: &Path) -> Result {
    sh::timed(name, || {
        let lock = fs::read(folder.join("package-lock.json"))?;
        let stamp = folder.join("node_modules/.installed-from-lock");
        if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
            return Ok("already there".to_owned());
        }
        let node = sh::read(Command::new("node").arg("--version")).unwrap_or_default();
        if !is_new_enough(&node) {
            let found = if node.is_empty() { "none was found" } else { &node };
            return Err(format!("Node.js {LEAST} or newer is needed: {found}").into());
        }
        let npm = sh::which(&["npm", "npm.cmd"]).ok_or("npm is needed beside Node.js")?;
        let run = |how: &[&str]| {
            let quiet = ["--no-fund", "--no-audit"];
            sh::run(Command::new(&npm).args(how).args(quiet).current_dir(folder))
        };
        // Where a registry has not every platform's programs, `ci` refuses the lock file, though it
        // pins all that this platform needs.
        run(&["ci"]).or_else(|_| run(&["install", "--no-save"]))?;
        fs::write(stamp, lock)?;
        Ok("installed".to_owned())
    })
}

/// Whether `v22.1.0` is at least the version of package.json's `engines`.
fn is_new_enough(version: &str) -> bool {
    let numbers = |text: &str| -> Option<(u32, u32)> {
        let mut parts = text.trim_start_matches('v').split('.').map(|part| part.parse().ok());
        Some((parts.next()??, parts.next()??))
    };
    numbers(version) >= numbers(LEAST)
}

const LEAST: &str = "20.19";

#[cfg(test)]
mod tests {
    use super::{LEAST, is_new_enough};

    #[test]
    fn node_is_new_enough_or_not() {
        for (version, enough) in [
            ("v20.19.0", true),
            ("v22.1.0", true),
            ("v20.9.0", false),
            ("v18.20.4", false),
            ("", false),
        ] {
            assert_eq!(is_new_enough(version), enough, "{version}");
        }
        let package = include_str!("../../../../package.json");
        assert!(package.contains(&format!("\"node\": \">={LEAST}\"")));
    }
}
