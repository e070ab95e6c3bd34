//! `cargo xtask`: set-up, build, start and test of the whole project.
#![forbid(unsafe_code)]

mod api;
mod bench;
mod build;
mod display;
mod docs;
mod licences;
mod locks;
mod project;
mod setup;
mod sh;
mod sizes;
mod start;
mod test;
mod vectors;

use std::process::ExitCode;

use project::Project;

const USAGE: &str = "\
cargo xtask COMMAND

  setup                   get what building and testing need; what is there already is left alone
  build [--dev]           the wasm package and its TypeScript (dist/), the page (www/dist/),
                          the extension (www/extension/), the server
  start [-- ARGUMENT…]    set up, build, and run `highwater demo` with the page on 127.0.0.1:7070
  test [STEP…]            set up and run every step, or those named; stops at the first that fails
       [--keep-going]     run the rest after a failure too (as CI does)
       [--list]           name the steps
  docs                    the API reference, of what is built (www/dist/api/)
  size                    what browsers load: raw, compressed, and beside its budget
  vectors [SUITE…]        recorded vectors, of tests/vectors or $HIGHWATER_VECTORS, on the core and
                          through the built package in Node
  bench client [--quick] [--json FILE]
                          the package beside its peers, in Node and in Chromium; BENCHMARKS.md says more
  bench server [--quick] [--json FILE]
                          streams beside nchan and plain axum: CPU, delay and memory of a delivery
  bench dispatch [--quick] [--json FILE]
                          events delivered and acknowledged, beside consumers of NATS JetStream
  bench core|sse [ROUNDS] the core and its decoder beside crates
  bench publisher [SECONDS] the engines beside each other; a herd that comes to a large snapshot
  wasm COMMAND…           run a command with the wasm tools on PATH, for example
                          cargo xtask wasm wasm-pack build --mode no-install --target web crates/wasm

What is downloaded or built for set-up lies in $XDG_CACHE_HOME/highwater, else ~/.cache/highwater.
";

/// What went wrong, in words for the person at the terminal.
type Failure = Box<dyn core::error::Error>;
type Result<T = ()> = core::result::Result<T, Failure>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<ExitCode> {
    let Some((command, rest)) = arguments.split_first() else {
        print!("{USAGE}");
        return Ok(ExitCode::FAILURE);
    };
    let project = Project::find()?;
    match command.as_str() {
        "setup" => match rest.first() {
            Some(other) => Err(format!("setup: no option `{other}`").into()),
            None => setup::everything(&project).map(|_| ExitCode::SUCCESS),
        },
        "build" => build::command(&project, rest).map(|()| ExitCode::SUCCESS),
        "start" => start::command(&project, rest),
        "test" => test::command(&project, rest),
        "docs" => docs::command(&project).map(|()| ExitCode::SUCCESS),
        "size" => sizes::print(&project).map(|()| ExitCode::SUCCESS),
        "vectors" => vectors::command(&project, rest),
        "bench" => bench::command(&project, rest),
        "wasm" => setup::run_with_wasm_tools(&project, rest),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        other => Err(format!("no command `{other}`\n\n{USAGE}").into()),
    }
}
