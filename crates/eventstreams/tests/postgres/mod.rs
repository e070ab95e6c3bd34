//! A PostgreSQL server for a test.
#![allow(dead_code)] // not every test that has one stops it

use core::time::Duration;
use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use std::{env, fs, thread};
use tempfile::TempDir;

/// One that listens on a port of its own, and keeps what it stores when it is stopped.
pub(crate) struct Postgres {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    process: Option<Child>,
}

impl Postgres {
    /// `None` where there is no PostgreSQL, which is said aloud; in CI there has to be one.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            let text = "no PostgreSQL (Debian's package postgresql, or POSTGRES_BIN): not tested";
            assert!(env::var_os("CI").is_none_or(|ci| ci.is_empty() || ci == "false"), "{text}");
            // Not `eprintln`, which is kept back when a test passes.
            let _ = writeln!(io::stderr(), "SKIPPED: {text}");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        if is_root() {
            std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let mut postgres = Self { programs, folder, port: 0, process: None };
        let made = postgres
            .command("initdb")
            .args(["-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"])
            .arg("-D")
            .arg(postgres.data())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        // Another process may take the port before the server does: then another one is tried.
        for _ in 0..10 {
            postgres.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if postgres.run() {
                return Some(postgres);
            }
        }
        panic!("{}", postgres.log());
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// At once, as if the power failed.
    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let data = self.data();
            let mut stop = self.command("pg_ctl");
            stop.args(["stop", "-m", "immediate", "-D"]).arg(data);
            let _ = stop.stdout(Stdio::null()).status(); // it may have gone already
            process.wait().unwrap();
        }
    }

    /// Starts it again after it was stopped.
    pub(crate) fn restart(&mut self) {
        assert!(self.run(), "{}", self.log());
    }

    /// Whether it listens, and is not gone.
    fn run(&mut self) -> bool {
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        let (data, port) = (self.data(), self.port.to_string());
        let mut process = self.command("postgres");
        process.arg("-D").arg(data).args(["-p", &port, "-h", "127.0.0.1", "-k", "", "-F"]);
        let mut process = process.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_mins(1);
        // It listens before it takes connections; then it says so.
        while !self.log().contains("ready to accept connections") {
            assert!(Instant::now() < deadline, "{}", self.log());
            if process.try_wait().unwrap().is_some() {
                return false;
            }
            thread::sleep(Duration::from_millis(10));
        }
        self.process = Some(process);
        TcpStream::connect(("127.0.0.1", self.port)).is_ok()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// One of its programs, as somebody whom it does not refuse, and with the libraries that were
    /// unpacked with it.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(self.folder.path()).env("LC_ALL", "C").env("TZ", "UTC");
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let libraries = self.programs.join("../../..").canonicalize().unwrap();
        if libraries != Path::new("/usr/lib") {
            let folders = fs::read_dir(&libraries).unwrap().flatten().map(|entry| entry.path());
            command.env("LD_LIBRARY_PATH", env::join_paths(folders).unwrap());
        }
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Where `initdb` and `postgres` are.
fn programs() -> Option<PathBuf> {
    if let Some(named) = env::var_os("POSTGRES_BIN").filter(|named| !named.is_empty()) {
        let named = PathBuf::from(named);
        let there = named.join("initdb").is_file();
        assert!(there, "POSTGRES_BIN names {}, where there is no initdb", named.display());
        return Some(named);
    }
    let mut versions: Vec<_> =
        fs::read_dir("/usr/lib/postgresql").ok()?.flatten().map(|entry| entry.path()).collect();
    versions.sort();
    let folders = versions.into_iter().rev().map(|version| version.join("bin"));
    folders.into_iter().find(|folder| folder.join("initdb").is_file())
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}

/// `nobody`, to whom it does not matter who is root.
const NOBODY: u32 = 65534;
