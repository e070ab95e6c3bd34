//! `cargo xtask setup`: gets what building and testing need.
//!
//! Each part looks first, and does nothing when what it needs is there. What is
//! made is kept in the user's cache folder, so that a new clone finds it.

mod apt;
mod browser;
mod browsers;
mod nats;
mod nchan;
mod npm;
mod optional;
mod postgres;
mod python;
mod toolchain;
mod tools;

use std::env;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

pub(crate) use browser::Browser;
pub(crate) use browsers::{Firefox, WebKit};
pub(crate) use nchan::Nchan;
pub(crate) use toolchain::{BARE, WASM};

use crate::project::Project;
use crate::{Result, sh};

/// How to run a program that builds for, or works on, WebAssembly.
pub(crate) struct WasmTools {
    /// Searched before PATH.
    folders: Vec<PathBuf>,
}

impl WasmTools {
    /// `program` with the toolchain that has our targets, wasm-bindgen, wasm-pack and wasm-opt before it on PATH.
    pub(crate) fn command(&self, program: &str) -> Result<Command> {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = self.folders.iter().cloned().chain(env::split_paths(&path));
        let path = env::join_paths(folders)?;
        // The program is looked up by the PATH that xtask itself has, so say where it is.
        let file =
            self.folders.iter().map(|folder| folder.join(program)).find(|file| file.is_file());
        let mut command = Command::new(file.unwrap_or_else(|| program.into()));
        // `CARGO` and `RUSTC` name the programs of the toolchain that xtask itself runs under.
        command
            .env("PATH", path)
            .env_remove("CARGO")
            .env_remove("RUSTC")
            .env_remove("RUSTDOC")
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "wasm-bindgen-test-runner");
        Ok(command)
    }
}

/// The nats-server that `bench publisher` and `bench dispatch` measure with, if there is one to be had.
pub(crate) fn for_nats_bench(project: &Project) -> Result<Option<PathBuf>> {
    let _one_at_a_time = lock(project)?;
    nats::ensure(project)
}

/// Gets nginx with nchan.
pub(crate) fn for_server_bench(project: &Project) -> Result<Nchan> {
    let _one_at_a_time = lock(project)?;
    nchan::ensure(project)
}

/// Sets up the browsers beside Chromium. None is said aloud; in CI it is an error.
pub(crate) fn for_browsers(project: &Project) -> Result<(Option<Firefox>, Option<WebKit>)> {
    let _one_at_a_time = lock(project)?;
    Ok((browsers::firefox(project)?, browsers::webkit()?))
}

/// Everything that set-up can get.
pub(crate) struct Everything {
    pub(crate) wasm: WasmTools,
    pub(crate) browser: Browser,
    /// None where there is none to be had: what needs it is skipped.
    pub(crate) nats: Option<PathBuf>,
    /// The same; the folder of its programs.
    pub(crate) postgres: Option<PathBuf>,
    /// The same.
    pub(crate) schemathesis: Option<PathBuf>,
}

/// Sets up what `build` needs.
pub(crate) fn for_build(project: &Project) -> Result<WasmTools> {
    let _one_at_a_time = lock(project)?;
    let mut folders = Vec::new();
    toolchain::ensure(project, &[WASM], &mut folders)?;
    tools::ensure_wasm_bindgen(project, &mut folders)?;
    npm::ensure(project, &mut folders)?;
    Ok(WasmTools { folders })
}

/// Sets up what a benchmark of the package needs; its peers are the npm packages of `folder`.
pub(crate) fn for_bench(project: &Project, folder: &str) -> Result<(WasmTools, Browser)> {
    let tools = for_build(project)?;
    let _one_at_a_time = lock(project)?;
    npm::install(&format!("peers in {folder}"), &project.root.join(folder))?;
    Ok((tools, browser::ensure(project)?))
}

/// Sets up what the tests of the packed package need: the npm packages of `folder`.
pub(crate) fn for_package(project: &Project, folder: &str) -> Result {
    let _one_at_a_time = lock(project)?;
    npm::install(&format!("bundlers and runtimes in {folder}"), &project.root.join(folder))
}

/// Sets up what makes the API reference: the npm packages of `folder`.
pub(crate) fn for_docs(project: &Project, folder: &str) -> Result {
    let _one_at_a_time = lock(project)?;
    npm::install(&format!("what makes the reference in {folder}"), &project.root.join(folder))
}

/// What others wrote in Python and our server is tried with: for each the Python that has it, none
/// where there is none to be had.
pub(crate) struct Pythons {
    pub(crate) launchdarkly: Option<PathBuf>,
    pub(crate) websockets: Option<PathBuf>,
}

/// Sets up what others wrote and our server is tried with: the npm packages of `folder`, and Python's.
pub(crate) fn for_interop(project: &Project, folder: &str) -> Result<Pythons> {
    let _one_at_a_time = lock(project)?;
    npm::install(&format!("clients of others in {folder}"), &project.root.join(folder))?;
    Ok(Pythons {
        launchdarkly: python::launchdarkly(project)?,
        websockets: python::websockets(project)?,
    })
}

/// Sets up what `build` and `test` need.
pub(crate) fn everything(project: &Project) -> Result<Everything> {
    let _one_at_a_time = lock(project)?;
    let mut folders = Vec::new();
    toolchain::ensure(project, &[WASM, BARE], &mut folders)?;
    tools::ensure_wasm_bindgen(project, &mut folders)?;
    tools::ensure_wasm_pack(project, &mut folders)?;
    npm::ensure(project, &mut folders)?;
    let browser = browser::ensure(project)?;
    let nats = nats::ensure(project)?;
    let postgres = postgres::ensure(project)?;
    let schemathesis = python::schemathesis(project)?;
    Ok(Everything { wasm: WasmTools { folders }, browser, nats, postgres, schemathesis })
}

/// `cargo xtask wasm COMMAND…`
pub(crate) fn run_with_wasm_tools(project: &Project, arguments: &[String]) -> Result<ExitCode> {
    let (program, rest) = arguments.split_first().ok_or("wasm: which command?")?;
    let folders = {
        let _one_at_a_time = lock(project)?;
        let mut folders = Vec::new();
        toolchain::ensure(project, &[WASM], &mut folders)?;
        tools::ensure_wasm_bindgen(project, &mut folders)?;
        tools::ensure_wasm_pack(project, &mut folders)?;
        npm::ensure(project, &mut folders)?;
        folders
    };
    sh::run(WasmTools { folders }.command(program)?.args(rest))?;
    Ok(ExitCode::SUCCESS)
}

/// Held while set-up works: two at once would build the same thing twice in one place.
fn lock(project: &Project) -> Result<File> {
    fs::create_dir_all(&project.cache)?;
    let file = File::create(project.cache.join("setup.lock"))?;
    if file.try_lock().is_err() {
        println!("waiting for another set-up to end");
        file.lock()?;
    }
    Ok(file)
}
