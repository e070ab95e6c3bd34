//! The engines beside each other: appends a second and how long one takes, by how many write at once.
//!
//! Each writer appends one item of 200 bytes, waits for the acknowledgement, and appends again.

use crate::table::Table;
use core::time::Duration;
use highwater_engines::{JetStream, JetStreamOptions, Sqlite, SqliteOptions};
use highwater_publisher::engine::{Append, Engine, Memory};
use highwater_publisher::{Id, Object, Operation};
use std::env;
use std::fs::File;
use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Instant;
use tempfile::TempDir;

type Failure = Box<dyn core::error::Error>;

/// Measures for about so long a cell; `folder` is on the disk that is measured.
pub fn compare(cell: Duration, folder: &Path) -> Result<String, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let columns = WRITERS.map(|(name, _)| name).into_iter();
    let mut table = Table::new("appends a second (p50, p99)", columns);
    let mut measure = |name: &str, engine: Arc<dyn Engine>| {
        let cells = WRITERS.map(|(_, writers)| {
            runtime.block_on(appends(&engine, writers, cell)).map(|figures| figures.to_string())
        });
        table.row(name, cells.into_iter().collect::<Result<_, _>>()?);
        Ok::<_, Failure>(())
    };
    measure("memory", Arc::new(Memory::default()))?;
    let data = TempDir::new_in(folder)?;
    measure("sqlite", Arc::new(Sqlite::open(data.path(), &SqliteOptions::default())?))?;
    let nats = Nats::start(folder)?;
    if let Some(nats) = &nats {
        let open = JetStream::open(&nats.url, JetStreamOptions::default());
        let engine = runtime.block_on(open)?;
        measure("jetstream", Arc::new(engine))?;
    }
    let flushes = flushes(folder, cell)?;
    let without =
        if nats.is_none() { "\nNo nats-server: jetstream was not measured.\n" } else { "" };
    Ok(format!(
        "{table}\nThe disk alone: {flushes:.0} flushes of 4 KiB a second, one after the other.\n{without}"
    ))
}

async fn appends(
    engine: &Arc<dyn Engine>,
    writers: usize,
    cell: Duration,
) -> Result<Figures, Failure> {
    let object = Object::parse(&format!("{{\"text\":\"{}\"}}", "x".repeat(188)))?;
    let begun = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let (engine, object) = (Arc::clone(engine), object.clone());
            tokio::spawn(async move {
                let id = Id::new("bench", &writer.to_string()).map_err(|e| e.to_string())?;
                let mut times = Vec::new();
                while begun.elapsed() < cell {
                    let append = Append::new([Operation::put(id.clone(), object.clone())].into());
                    let sent = Instant::now();
                    engine.append("bench", append).await.map_err(|e| e.to_string())?;
                    times.push(sent.elapsed());
                }
                Ok::<_, String>(times)
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    let seconds = begun.elapsed().as_secs_f64();
    times.sort();
    let at = |hundredth: usize| times[times.len() * hundredth / 100];
    let count = u32::try_from(times.len())?;
    Ok(Figures { a_second: f64::from(count) / seconds, half: at(50), most: at(99) })
}

struct Figures {
    a_second: f64,
    half: Duration,
    most: Duration,
}

impl core::fmt::Display for Figures {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { a_second, half, most } = self;
        let ms = |time: &Duration| time.as_secs_f64() * 1000.0;
        write!(f, "{a_second:.0} ({:.2} ms, {:.2} ms)", ms(half), ms(most))
    }
}

/// What one writer without any engine could do at most.
fn flushes(folder: &Path, cell: Duration) -> io::Result<f64> {
    let folder = TempDir::new_in(folder)?;
    let mut file = File::create(folder.path().join("flushed"))?;
    let (begun, mut count) = (Instant::now(), 0.0);
    while begun.elapsed() < cell {
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        count += 1.0;
    }
    Ok(count / begun.elapsed().as_secs_f64())
}

/// A server of our own, if there is one to run.
struct Nats {
    process: Child,
    url: String,
    _store: TempDir,
}

impl Nats {
    fn start(folder: &Path) -> Result<Option<Self>, Failure> {
        let named = env::var_os("NATS_SERVER").map(PathBuf::from);
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
        let mut programs = named.into_iter().chain(folders.map(|at| at.join("nats-server")));
        let Some(program) = programs.find(|program| program.is_file()) else { return Ok(None) };
        let store = TempDir::new_in(folder)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let process = Command::new(program)
            .args(["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd"])
            .arg(store.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let url = format!("nats://127.0.0.1:{port}");
        let mut nats = Self { process, url, _store: store };
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = nats.process.try_wait()? {
                return Err(format!("nats-server: {status}").into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(Some(nats))
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const WRITERS: [(&str, usize); 3] = [("1 writer", 1), ("16 writers", 16), ("256 writers", 256)];
