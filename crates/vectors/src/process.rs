//! A subject in another process: a script a line in, what it observed a line out.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::{Error, Subject, sse};

/// Runs scripts in a process that reads them from its standard input.
///
/// It answers each with one line on its standard output, `{"observed":…}` or `{"error":TEXT}`.
/// The process ends when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Process {
    /// Starts the process.
    pub fn start(command: &mut Command) -> Result<Self, Error> {
        let broken = |error: std::io::Error| Error::new(format!("cannot start: {error}"));
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(broken)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::new("the process has no standard input and output"));
        };
        Ok(Self { child, input: Some(input), output: BufReader::new(output) })
    }

    fn ask(&mut self, script: &Value) -> Result<Value, Error> {
        let broken = |error: std::io::Error| Error::new(format!("the process is gone: {error}"));
        let input = self.input.as_mut().ok_or_else(|| Error::new("the process has ended"))?;
        writeln!(input, "{script}").and_then(|()| input.flush()).map_err(broken)?;
        let mut line = String::new();
        self.output.read_line(&mut line).map_err(broken)?;
        let mut answer: Value = serde_json::from_str(&line)
            .map_err(|error| Error::new(format!("the process answered {line:?}: {error}")))?;
        if let Some(error) = answer["error"].as_str() {
            return Err(Error::new(error));
        }
        Ok(answer["observed"].take())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // At the end of its input it ends by itself.
        self.input = None;
        drop(self.child.wait());
    }
}

impl Subject for Process {
    fn observe(&mut self, script: &Value) -> Result<Value, Error> {
        self.ask(script)
    }
}

impl sse::Subject for Process {
    fn decode(
        &mut self,
        streams: &[Vec<u8>],
        cuts: &[sse::Cuts],
    ) -> Result<Vec<sse::Observed>, Error> {
        let streams: Vec<String> = streams.iter().map(|bytes| STANDARD.encode(bytes)).collect();
        let observed = self.ask(&json!({ "suite": "sse", "streams": streams, "cuts": cuts }))?;
        serde_json::from_value(observed).map_err(|error| Error::new(error.to_string()))
    }
}
