//! A screen that nobody sees, for browsers that insist on one.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::Result;

/// An X server, until this is dropped.
pub(crate) struct Display {
    server: Child,
    /// What `DISPLAY` has to be.
    pub(crate) name: String,
}

impl Display {
    /// Starts one at a number that is free.
    pub(crate) fn start(xvfb: &Path) -> Result<Self> {
        let mut server = Command::new(xvfb)
            .args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0", "1680x1050x24"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{}: {error}", xvfb.display()))?;
        let mut number = String::new();
        if let Some(output) = server.stdout.take() {
            // It says so when it is there.
            BufReader::new(output).read_line(&mut number)?;
        }
        let display = Self { server, name: format!(":{}", number.trim()) };
        if number.trim().is_empty() {
            return Err(format!("{} did not start", xvfb.display()).into());
        }
        Ok(display)
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.server.kill());
        drop(self.server.wait());
    }
}
