//! The npm packages of package-lock.json: TypeScript, esbuild, wasm-opt, a browser's driver.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::project::Project;
use crate::{Result, sh};

/// Installs them unless `node_modules` was installed from this very lock file; adds their programs to `folders`.
pub(super) fn ensure(project: &Project, folders: &mut Vec<PathBuf>) -> Result {
    sh::timed("npm packages", || {
        folders.push(project.root.join("node_modules/.bin"));
        let lock = fs::read(project.root.join("package-lock.json"))?;
        let stamp = project.root.join("node_modules/.installed-from-lock");
        if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
            return Ok("already there".to_owned());
        }
        let npm =
            sh::which(&["npm", "npm.cmd"]).ok_or("Node.js 20.19 or newer, with npm, is needed")?;
        sh::run(Command::new(npm).args(["ci", "--no-fund", "--no-audit"]))?;
        fs::write(stamp, lock)?;
        Ok("installed".to_owned())
    })
}
