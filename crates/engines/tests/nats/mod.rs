//! A NATS server for a test.
#![allow(dead_code)] // not every test that has one kills it

use core::time::Duration;
use std::env;
use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;
use tempfile::TempDir;

/// One that listens on a port of its own, and keeps what it stores when it is killed.
pub(crate) struct Nats {
    program: PathBuf,
    store: TempDir,
    port: u16,
    process: Option<Child>,
}

impl Nats {
    /// `None` where there is no `nats-server`, which is said aloud; in CI there has to be one.
    pub(crate) fn start() -> Option<Self> {
        let Some(program) = program() else {
            let text = "no nats-server (Debian's package of that name, or NATS_SERVER): not tested";
            assert!(env::var_os("CI").is_none_or(|ci| ci.is_empty() || ci == "false"), "{text}");
            // Not `eprintln`, which is kept back when a test passes.
            let _ = writeln!(io::stderr(), "SKIPPED: {text}");
            return None;
        };
        // Another process may take the port before the server does: then another one is tried.
        for _ in 0..10 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let store = tempfile::tempdir().unwrap();
            let mut nats = Self { program: program.clone(), store, port, process: None };
            if nats.run() {
                return Some(nats);
            }
        }
        panic!("nats-server does not start");
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Where it stores what it keeps.
    pub(crate) fn store(&self) -> &std::path::Path {
        self.store.path()
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Starts it again after it was killed.
    pub(crate) fn restart(&mut self) {
        assert!(self.run(), "nats-server does not start again");
    }

    /// Whether it listens, and is not gone.
    fn run(&mut self) -> bool {
        let mut process = Command::new(&self.program)
            .args(["-js", "-a", "127.0.0.1", "-p", &self.port.to_string(), "-sd"])
            .arg(self.store.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_mins(1);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "nats-server does not listen");
            if process.try_wait().unwrap().is_some() {
                return false;
            }
            thread::sleep(Duration::from_millis(10));
        }
        self.process = Some(process);
        true
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
    }
}

fn program() -> Option<PathBuf> {
    if let Some(named) = env::var_os("NATS_SERVER").filter(|named| !named.is_empty()) {
        let named = PathBuf::from(named);
        assert!(named.is_file(), "NATS_SERVER names {}, which is no file", named.display());
        return Some(named);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    // Debian has it where not everyone looks.
    let folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join("nats-server")).find(|file| file.is_file())
}
