//! `cargo xtask vectors`: recorded vectors, natively and, where it has what they are about, through
//! the npm package in Node.

use std::process::{Command, ExitCode};

use highwater_vectors::{Departures, NATIVE_SUITES, Native, Outcome, Process, SUITES, sse};

use crate::Result;
use crate::project::Project;

/// `cargo xtask vectors [SUITE…]`: a line for each suite and runner; fails if any vector does.
pub(crate) fn command(project: &Project, arguments: &[String]) -> Result<ExitCode> {
    let known: Vec<&str> = core::iter::once("sse")
        .chain(SUITES.iter().chain(NATIVE_SUITES).map(|(name, _)| *name))
        .collect();
    if let Some(unknown) = arguments.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("vectors: no suite `{unknown}`; there are {}", known.join(", ")).into());
    }
    let wanted = |name: &str| arguments.is_empty() || arguments.iter().any(|other| other == name);
    let departures = Departures::load()?;
    let mut good = true;
    let mut report = |outcome: Outcome| {
        println!("{outcome}");
        for failure in &outcome.failed {
            println!("  {failure}");
        }
        good &= outcome.is_good() && outcome.passed > 0;
    };
    if wanted("sse") {
        report(sse::run("native", &mut sse::Native, true, &departures)?);
        // Its one vector of 64 MiB says nothing more about the package than about the core.
        report(sse::run("wasm", &mut package(project)?, false, &departures)?);
    }
    for (name, run) in SUITES.iter().filter(|(name, _)| wanted(name)) {
        report(run("native", &mut Native, &departures).map_err(|e| format!("{name}: {e}"))?);
        let mut package = package(project)?;
        report(run("wasm", &mut package, &departures).map_err(|e| format!("{name}: {e}"))?);
    }
    for (name, run) in NATIVE_SUITES.iter().filter(|(name, _)| wanted(name)) {
        report(run("native", &mut Native, &departures).map_err(|e| format!("{name}: {e}"))?);
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The built package in a Node process that takes scripts.
fn package(project: &Project) -> Result<Process> {
    let runner = project.root.join("tests/node/vectors-runner.mjs");
    Ok(Process::start(Command::new("node").arg(runner))?)
}
