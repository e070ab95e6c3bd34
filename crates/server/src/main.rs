//! The `highwater` program.
#![forbid(unsafe_code)]

use clap::{Parser, Subcommand, ValueEnum};
use highwater_server::{
    BackupArguments, DemoArguments, Misuse, PublishArguments, RelayArguments, ReplayArguments,
    RestoreArguments, ServeArguments, TailArguments, Unpublished,
};
use std::io::IsTerminal as _;
use std::process::ExitCode;

/// Frames and events are many small pieces of memory, of all sizes, which other threads give back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Stream in, state out: versioned topics over HTTP and SSE.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// How the log on stderr is written; what is in it, `RUST_LOG` says
    #[arg(long, global = true, env = "HIGHWATER_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    /// A JSON object a line
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Serve topics: from memory, from a folder, or over NATS
    Serve(ServeArguments),
    /// Serve flags to the SDKs of LaunchDarkly: from files, from topics, or from another server
    Relay(RelayArguments),
    /// Write the topics of a folder into one file, also while they are served
    Backup(BackupArguments),
    /// Put a backup in the place of a folder's topics, which nobody serves meanwhile
    Restore(RestoreArguments),
    /// Serve this machine's live process table, with a page that shows it and ways to break the stream
    Demo(DemoArguments),
    /// Do the changes that stand on standard input, a line each, to a topic of a running server
    Publish(PublishArguments),
    /// Materialize recorded streams offline, and print what each event did and the final state
    Replay(ReplayArguments),
    /// Show any stream's state live, or print what changes as lines of JSON
    Tail(TailArguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Arguments =
        highwater_server::parse(std::env::args_os()).unwrap_or_else(|error| error.exit());
    let log =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(log).with_writer(std::io::stderr);
    match arguments.log_format {
        LogFormat::Text => log.with_ansi(colours).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    let done = match arguments.command {
        Command::Serve(serve) => serve.run().await,
        Command::Relay(relay) => relay.run().await,
        Command::Backup(backup) => backup.run(),
        Command::Restore(restore) => restore.run(),
        Command::Demo(demo) => demo.run().await,
        Command::Publish(publish) => publish.run().await,
        Command::Replay(replay) => replay.run(),
        Command::Tail(tail) => tail.run().await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("highwater: {error}");
            match error.downcast_ref::<Unpublished>() {
                Some(unpublished) => ExitCode::from(unpublished.exit_code()),
                None if error.is::<Misuse>() => ExitCode::from(2),
                None => ExitCode::FAILURE,
            }
        }
    }
}
