//! What a browser has to load: raw, gzipped, and as Brotli.

use std::process::Command;

use crate::project::Project;
use crate::{Result, build, sh};

/// Prints a line per file; Node compresses, so that we need no crates for it.
pub(crate) fn print(project: &Project) -> Result {
    let [browser, inline] = build::bundles(project)?;
    let program = project.root.join("crates/xtask/scripts/sizes.mjs");
    let table = sh::read(
        Command::new("node")
            .arg(program)
            .arg("wasm module=dist/core.wasm")
            .arg(format!("JavaScript, minified={}", browser.display()))
            .arg(format!("inline, minified={}", inline.display())),
    )?;
    println!("{table}");
    Ok(())
}
