//! wasm-bindgen at the version of Cargo.lock, wasm-pack, and geckodriver.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::project::{Project, cargo};
use crate::{Result, sh};

const WASM_PACK: &str = "0.15.1";
const GECKODRIVER: &str = "0.37.1";

/// The glue's generator and the test runner; both must be of the very version that the crate was built with.
pub(super) fn ensure_wasm_bindgen(project: &Project, folders: &mut Vec<PathBuf>) -> Result {
    let version = project.locked_version("wasm-bindgen")?;
    let programs = ["wasm-bindgen", "wasm-bindgen-test-runner"];
    // Without default features: they are for downloading drivers over TLS, and double the time to build.
    let options =
        ["--no-default-features", "--bin", "wasm-bindgen", "--bin", "wasm-bindgen-test-runner"];
    ensure(project, folders, "wasm-bindgen-cli", &version, &programs, &options)
}

/// Builds and tests the crate by itself, as its users may.
pub(super) fn ensure_wasm_pack(project: &Project, folders: &mut Vec<PathBuf>) -> Result {
    ensure(project, folders, "wasm-pack", WASM_PACK, &["wasm-pack"], &[])
}

/// Drives Firefox: its makers publish it as a crate. GECKODRIVER names another one.
pub(super) fn geckodriver(project: &Project) -> Result<PathBuf> {
    if let Some(named) = env::var_os("GECKODRIVER").filter(|file| !file.is_empty()) {
        return Ok(named.into());
    }
    let mut folders = Vec::new();
    ensure(project, &mut folders, "geckodriver", GECKODRIVER, &["geckodriver"], &[])?;
    let folder = folders.first().map(|folder| folder.join("geckodriver"));
    folder.or_else(|| sh::which(&["geckodriver"])).ok_or_else(|| "no geckodriver".into())
}

fn ensure(
    project: &Project,
    folders: &mut Vec<PathBuf>,
    package: &str,
    version: &str,
    programs: &[&str],
    options: &[&str],
) -> Result {
    sh::timed(&format!("{package} {version}"), || {
        if programs.iter().all(|program| is_version(Path::new(program), version)) {
            return Ok("already on PATH".to_owned());
        }
        let root = project.cache.join(format!("{package}-{version}"));
        let bin = root.join("bin");
        folders.push(bin.clone());
        if programs.iter().all(|program| is_version(&bin.join(program), version)) {
            return Ok("already there".to_owned());
        }
        println!("  building it without optimisation: one to three minutes, once");
        install(&root, &format!("{package}@{version}"), options)?;
        Ok("installed".to_owned())
    })
}

fn is_version(program: &Path, version: &str) -> bool {
    // "wasm-bindgen 0.2.129", "wasm-pack 0.15.1"
    sh::read(Command::new(program).arg("--version"))
        .is_ok_and(|said| said.split_whitespace().nth(1) == Some(version))
}

/// They run for a second, and would take twice as long to build with optimisation.
fn install(root: &Path, package: &str, options: &[&str]) -> Result {
    let target = root.join("target");
    let done = sh::run(
        cargo()
            .args(["install", "--quiet", "--locked", "--root"])
            .arg(root)
            .arg(package)
            .args(options)
            .env("CARGO_TARGET_DIR", &target)
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
            .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    );
    // Kept on failure: the next try goes on from there.
    done?;
    std::fs::remove_dir_all(target)?;
    Ok(())
}
