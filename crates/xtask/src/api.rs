//! `cargo xtask test api`: the running server is held to its API file.

use core::time::Duration;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::project::Project;
use crate::{Result, sh};

/// Asks the server about a thousand times, rightly and wrongly, for all that the file names.
pub(crate) fn check(project: &Project, schemathesis: Option<&Path>, server: &Path) -> Result {
    let Some(schemathesis) = schemathesis else {
        println!("SKIPPED: there is no schemathesis (set-up says why)");
        return Ok(());
    };
    let server = Server::start(server)?;
    server.put("/v1/topics/flags/flag/dark-mode", "{\"on\":true}")?;
    let settings = project.root.join("tests/api");
    let folder = project.target.join("api"); // it leaves files where it runs
    fs::create_dir_all(&folder)?;
    let mut check = Command::new(schemathesis);
    check.arg("--config-file").arg(settings.join("schemathesis.toml"));
    check.arg("run").arg(format!("{}/v1/openapi.json", server.url));
    check.args(["--header", &format!("Authorization: Bearer {ADMIN}")]);
    // The same requests every time: a failure can be looked at.
    check.args(["--seed", "1", "--max-examples", "30", "--request-timeout", "10"]);
    check.arg("--continue-on-failure");
    check.env("SCHEMATHESIS_HOOKS", "hooks").env("PYTHONPATH", &settings);
    check.env("PYTHONDONTWRITEBYTECODE", "1").current_dir(folder);
    sh::run_within(LIMIT, &mut check)
}

struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Waits are short, so that those of a thousand requests are over soon.
    fn start(program: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--heartbeat-ms", "20"]);
        command.arg("--event-streams");
        command.args(["--max-wait-ms", "50", "--max-age-ms", "50"]);
        command.env("HIGHWATER_ADMIN_TOKEN", ADMIN).env("RUST_LOG", "warn");
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| {
            format!("{}: {error}; `cargo xtask build` makes it", program.display())
        })?;
        let mut line = String::new();
        if let Some(said) = child.stdout.take() {
            BufReader::new(said).read_line(&mut line)?;
        }
        let url = line.trim().strip_prefix("listening on ").unwrap_or_default().to_owned();
        let server = Self { child, url };
        if server.url.is_empty() { Err("the server does not start".into()) } else { Ok(server) }
    }

    fn put(&self, path: &str, body: &str) -> Result {
        let address = self.url.trim_start_matches("http://");
        let mut socket = TcpStream::connect(address)?;
        write!(
            socket,
            "PUT {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {ADMIN}\r\n\
             connection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        let done = answer.starts_with("HTTP/1.1 201");
        if done { Ok(()) } else { Err(format!("PUT {path}: {answer}").into()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may be gone already
        let _ = self.child.wait();
    }
}

/// Of a server that nobody else reaches, and that is gone in a minute.
const ADMIN: &str = "the-administrators-secret";

const LIMIT: Duration = Duration::from_mins(5);
