//! A server as a process on a core of its own, and what it uses, as Linux counts it.

use crate::{Failure, Result};
use core::time::Duration;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts a program on one core; `taskset` comes with Linux everywhere.
    pub(crate) fn start(core: usize, program: &str, arguments: &[&str]) -> Result<Self> {
        let child = Command::new("taskset")
            .args(["-c", &core.to_string(), program])
            .args(arguments)
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot run taskset for {program}: {error}"))?;
        Ok(Self { child })
    }

    /// The address that it prints when it listens.
    pub(crate) fn address(&mut self) -> Result<String> {
        let mut line = String::new();
        BufReader::new(self.child.stdout.take().ok_or("it was asked before")?)
            .read_line(&mut line)?;
        let address = line.trim().strip_prefix("listening on http://");
        Ok(address
            .ok_or_else(|| Failure::from(format!("it does not listen: {line:?}")))?
            .to_owned())
    }

    /// How long it and its children have computed, kernel included.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        self.ids()?.into_iter().map(computed).sum()
    }

    /// The same of this very process.
    pub(crate) fn own_cpu() -> Result<Duration> {
        computed(std::process::id())
    }

    /// How much memory it and its children have, in KiB.
    pub(crate) fn memory(&self) -> Result<f64> {
        self.status("VmRSS:")
    }

    /// How much they had at most.
    pub(crate) fn most_memory(&self) -> Result<f64> {
        self.status("VmHWM:")
    }

    /// From here on [`most_memory`](Self::most_memory) counts anew.
    pub(crate) fn forget_peak(&self) -> Result {
        for id in self.ids()? {
            fs::write(format!("/proc/{id}/clear_refs"), "5")?;
        }
        Ok(())
    }

    fn status(&self, name: &str) -> Result<f64> {
        let mut kib = 0.0;
        for id in self.ids()? {
            let status = fs::read_to_string(format!("/proc/{id}/status"))?;
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next());
            kib += number.ok_or("not in its status")?.parse::<f64>()?;
        }
        Ok(kib)
    }

    /// It has ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<String>> {
        Ok(self.child.try_wait()?.map(|status| status.to_string()))
    }

    fn ids(&self) -> Result<Vec<u32>> {
        let own = self.child.id();
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children"))?;
        let children = children
            .split_whitespace()
            .map(str::parse)
            .collect::<core::result::Result<Vec<_>, _>>()?;
        Ok([own].into_iter().chain(children).collect())
    }
}

impl Drop for Process {
    /// Its children, too: nginx's worker ends with its master when that is asked to.
    fn drop(&mut self) {
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        for _ in 0..200 {
            if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How long the threads of a process have computed.
fn computed(id: u32) -> Result<Duration> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{id}/task"))? {
        // One that ends meanwhile has nothing to add.
        let text = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        let own = text.split(' ').next().and_then(|first| first.parse::<u64>().ok());
        nanoseconds += own.unwrap_or_default();
    }
    Ok(Duration::from_nanos(nanoseconds))
}
