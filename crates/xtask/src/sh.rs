//! Running other programs: shown, streamed, and judged by their exit code.

use core::time::Duration;
use std::env;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

use crate::Result;

/// Runs `command` with its output streamed; not succeeding is a failure.
pub(crate) fn run(command: &mut Command) -> Result {
    announce(command);
    let status = command.status().map_err(|error| cannot_start(command, &error))?;
    succeeded(command, status)
}

/// As [`run`], and returns what it printed on standard output.
pub(crate) fn run_and_keep(command: &mut Command) -> Result<String> {
    announce(command);
    let mut child =
        command.stdout(Stdio::piped()).spawn().map_err(|error| cannot_start(command, &error))?;
    let mut kept = String::new();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = line?;
            println!("{line}");
            kept.push_str(&line);
            kept.push('\n');
        }
    }
    let status = child.wait()?;
    succeeded(command, status).map(|()| kept)
}

/// As [`run`], but ends the program when `limit` has passed.
pub(crate) fn run_within(limit: Duration, command: &mut Command) -> Result {
    announce(command);
    let mut child =
        command.stdin(Stdio::null()).spawn().map_err(|error| cannot_start(command, &error))?;
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return succeeded(command, status);
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Err(format!("no end after {} s: {}", limit.as_secs(), shown(command)).into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Runs `command` unseen and returns what it printed, without the last line's end.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| cannot_start(command, &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}\n{}", exit(command, output.status), said.trim_end()).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

/// Does `work` and prints how it went: what `work` answers, and the time it took.
pub(crate) fn timed(name: &str, work: impl FnOnce() -> Result<String>) -> Result {
    let begun = Instant::now();
    let outcome = work().map_err(|failure| format!("{name}: {failure}"))?;
    println!("{} {name}: {outcome} ({})", green("✓"), seconds(begun.elapsed()));
    Ok(())
}

/// The first of `names` that is a program on PATH.
pub(crate) fn which(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names.iter().find_map(|name| {
        folders
            .iter()
            .map(|folder| folder.join(name).with_extension(std::env::consts::EXE_EXTENSION))
            .find(|file| file.is_file())
    })
}

/// A program that an npm package brought.
pub(crate) fn node_tool(root: &Path, name: &str) -> Command {
    Command::new(root.join("node_modules/.bin").join(name))
}

pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// Whether nobody watches: every part has to run, and every failure to be told.
pub(crate) fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

pub(crate) fn green(text: &str) -> String {
    coloured("32", text)
}

pub(crate) fn red(text: &str) -> String {
    coloured("31", text)
}

pub(crate) fn bold(text: &str) -> String {
    coloured("1", text)
}

fn coloured(code: &str, text: &str) -> String {
    if std::io::stdout().is_terminal() {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

fn announce(command: &Command) {
    println!("$ {}", shown(command));
    // The program writes to the same place past our buffer.
    let _ = std::io::stdout().flush();
}

fn succeeded(command: &Command, status: ExitStatus) -> Result {
    if status.success() { Ok(()) } else { Err(exit(command, status).into()) }
}

fn exit(command: &Command, status: ExitStatus) -> String {
    format!("{status}: {}", shown(command))
}

fn cannot_start(command: &Command, error: &std::io::Error) -> String {
    format!("cannot run {}: {error}", command.get_program().display())
}

/// The command as it would be typed, its program by its name alone.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut line =
        program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}
