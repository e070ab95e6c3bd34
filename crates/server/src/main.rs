//! The `highwater` program.
#![forbid(unsafe_code)]

use clap::{Parser, Subcommand};
use highwater_server::{DemoArguments, Misuse, ReplayArguments, ServeArguments, TailArguments};
use std::io::IsTerminal as _;
use std::process::ExitCode;

/// Stream in, state out: versioned topics over HTTP and SSE.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve topics from memory
    Serve(ServeArguments),
    /// Serve this machine's live process table, with a page that shows it and ways to break the stream
    Demo(DemoArguments),
    /// Materialize recorded streams offline, and print what each event did and the final state
    Replay(ReplayArguments),
    /// Show any stream's state live, or print what changes as lines of JSON
    Tail(TailArguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let log =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(log)
        .with_ansi(colours)
        .with_writer(std::io::stderr)
        .init();
    let done = match arguments.command {
        Command::Serve(serve) => serve.run().await,
        Command::Demo(demo) => demo.run().await,
        Command::Replay(replay) => replay.run(),
        Command::Tail(tail) => tail.run().await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("highwater: {error}");
            if error.is::<Misuse>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}
