//! The servers that are measured: how each is started, asked and published to.

use crate::Result;
use crate::process::Process;
use core::net::SocketAddr;
use core::time::Duration;
use std::env;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread;
use tempfile::TempDir;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Highwater,
    Nchan,
    Axum,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Highwater, Self::Nchan, Self::Axum];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Highwater => "highwater",
            Self::Nchan => "nchan",
            Self::Axum => "axum",
        }
    }

    /// A request for the stream of all that is published.
    pub(crate) fn subscribe(self) -> String {
        let path = match self {
            Self::Highwater => "/v1/topics/bench/stream",
            Self::Nchan | Self::Axum => "/sub",
        };
        format!("GET {path} HTTP/1.1\r\nhost: bench\r\naccept: text/event-stream\r\n\r\n")
    }

    /// A request that publishes a JSON object to all.
    pub(crate) fn publish(self, payload: &str) -> String {
        let line = match self {
            Self::Highwater => "PUT /v1/topics/bench/item/1",
            Self::Nchan | Self::Axum => "POST /pub",
        };
        let length = payload.len();
        format!(
            "{line} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{payload}"
        )
    }
}

/// Where the programs are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Programs {
    pub(crate) highwater: PathBuf,
    pub(crate) nginx: PathBuf,
    pub(crate) nchan: PathBuf,
}

pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    _folder: Option<TempDir>,
}

impl Server {
    pub(crate) fn start(kind: Kind, programs: &Programs, core: usize) -> Result<Self> {
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        match kind {
            Kind::Highwater => {
                let arguments =
                    ["serve", "--listen", "127.0.0.1:0", "--max-opens-per-second", "100000"];
                Self::announced(Process::start(core, &text(&programs.highwater), &arguments)?)
            }
            Kind::Axum => {
                let own = text(&env::current_exe()?);
                Self::announced(Process::start(core, &own, &["axum", "127.0.0.1:0"])?)
            }
            Kind::Nchan => Self::nchan(programs, core),
        }
    }

    fn announced(mut process: Process) -> Result<Self> {
        let address = process.address()?.parse()?;
        Ok(Self { process, address, _folder: None })
    }

    /// One worker, as the others have one core; nothing is logged, nothing ends a connection.
    fn nchan(programs: &Programs, core: usize) -> Result<Self> {
        let folder = TempDir::new()?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let (module, at) = (programs.nchan.display(), folder.path().display());
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let temporary = temporary.map(|what| format!("{what}_temp_path {at}/{what};")).concat();
        let settings = format!(
            "load_module {module}; daemon off; worker_processes 1; worker_rlimit_nofile 20000;
             pid {at}/pid; error_log stderr crit;
             events {{ worker_connections 19000; }}
             http {{
               access_log off; {temporary} nchan_shared_memory_size 512m;
               keepalive_requests 1000000000; keepalive_timeout 1h;
               server {{
                 listen {address} backlog=4096;
                 location = /pub {{
                   nchan_publisher; nchan_channel_id bench; client_body_buffer_size 64k;
                   nchan_message_buffer_length 512; nchan_message_timeout 60s;
                 }}
                 location = /sub {{
                   nchan_subscriber eventsource; nchan_channel_id bench;
                   nchan_subscriber_first_message newest;
                 }}
               }}
             }}"
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, settings)?;
        let arguments = ["-p", &at.to_string(), "-c", &file.to_string_lossy()];
        let mut process = Process::start(core, &programs.nginx.to_string_lossy(), &arguments)?;
        while TcpStream::connect(address).is_err() {
            if let Some(status) = process.ended()? {
                return Err(format!("nginx with nchan: {status}").into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        thread::sleep(Duration::from_millis(300)); // its worker
        Ok(Self { process, address, _folder: Some(folder) })
    }
}
