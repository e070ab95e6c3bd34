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
        let npm =
            sh::which(&["npm", "npm.cmd"]).ok_or("Node.js 20.19 or newer, with npm, is needed")?;
        sh::run(Command::new(npm).args(["ci", "--no-fund", "--no-audit"]).current_dir(folder))?;
        fs::write(stamp, lock)?;
        Ok("installed".to_owned())
    })
}
