//! `cargo xtask vectors`: recorded vectors, natively and, where it has what they are about, through
//! the npm package in Node.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::SystemTime;

use highwater_vectors::{Departures, Error, NATIVE_SUITES, Native, Outcome, Process, SUITES, sse};

use crate::build;
use crate::project::Project;

/// `cargo xtask vectors [SUITE…]`: a line for each suite and runner; fails if any vector does.
pub(crate) fn command(project: &Project, arguments: &[String]) -> crate::Result<ExitCode> {
    let known: Vec<&str> = core::iter::once("sse")
        .chain(SUITES.iter().chain(NATIVE_SUITES).map(|(name, _)| *name))
        .collect();
    if let Some(unknown) = arguments.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("vectors: no suite `{unknown}`; there are {}", known.join(", ")).into());
    }
    let wanted = |name: &str| arguments.is_empty() || arguments.iter().any(|other| other == name);
    let departures = Departures::load()?;
    let mut good = true;
    // A suite that cannot be run is a failure, and no reason to run no other.
    let mut report = |suite: &str, runner: &str, outcome: Result<Outcome, Error>| match outcome {
        Ok(outcome) => {
            println!("{outcome}");
            for failure in &outcome.failed {
                println!("  {failure}");
            }
            good &= outcome.is_good() && outcome.passed > 0;
        }
        Err(error) => {
            println!("{suite} {runner}: cannot be run: {error}");
            good = false;
        }
    };
    if wanted("sse") {
        report("sse", "native", sse::run("native", &mut sse::Native, true, &departures));
        report("sse", "wasm", sse::run("wasm", &mut package(project)?, true, &departures));
    }
    for (name, run) in SUITES.iter().filter(|(name, _)| wanted(name)) {
        report(name, "native", run("native", &mut Native, &departures));
        report(name, "wasm", run("wasm", &mut package(project)?, &departures));
    }
    for (name, run) in NATIVE_SUITES.iter().filter(|(name, _)| wanted(name)) {
        report(name, "native", run("native", &mut Native, &departures));
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The package in a Node process that takes scripts; built first, if it is older than its sources.
fn package(project: &Project) -> crate::Result<Process> {
    let built = modified(&project.root.join("dist/node.js"));
    let sources = ["crates/core", "crates/wasm"].map(|folder| newest(&project.root.join(folder)));
    if built.is_none() || sources.into_iter().max().flatten() > built {
        println!("the package is to be built first");
        build::command(project, &["wasm".to_owned(), "js".to_owned()])?;
    }
    let runner = project.root.join("tests/node/vectors-runner.mjs");
    Ok(Process::start(Command::new("node").arg(runner))?)
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|file| file.modified()).ok()
}

/// When the youngest file of a folder was written.
fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let ages = entries.map(|entry| {
        let path = entry.path();
        if path.is_dir() { newest(&path) } else { modified(&path) }
    });
    ages.max().flatten()
}
