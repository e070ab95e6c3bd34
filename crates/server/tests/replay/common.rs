//! Running the program.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What a run said, and its exit code.
pub(crate) struct Ran {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: Option<i32>,
}

pub(crate) fn replay(arguments: &[&str]) -> Ran {
    replay_of("", arguments)
}

/// Runs with this as its standard input.
pub(crate) fn replay_of(stdin: &str, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_highwater"));
    let mut child = command
        .arg("replay")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A run that ends without reading closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    Ran {
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code(),
    }
}

/// The recorded streams: those of `$HIGHWATER_VECTORS`, else ours.
pub(crate) fn streams() -> PathBuf {
    let ours = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors");
    std::env::var_os("HIGHWATER_VECTORS").map_or_else(|| ours.into(), PathBuf::from).join("streams")
}
