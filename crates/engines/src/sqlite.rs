//! The engine of one process with a disk: SQLite.

mod backup;
mod error;
mod marker;
mod reader;
mod schema;
mod store;
mod writer;

use self::error::{failure, plain};
use self::marker::Marker;
use self::reader::Readers;
use self::writer::{Job, Writer};
use core::time::Duration;
use highwater_publisher::engine::{
    Answer, Append, AppendError, Appended, Bell, Engine, Failure, Lease, Leases, Place, Read,
    Retention, Snapshot, Watch,
};
use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use tokio::sync::oneshot;

/// Topics in a folder: `highwater.db` with its write-ahead log, and a lock that keeps other processes out.
///
/// One thread writes. Appends that wait while it commits are its next commit, all in one: one flush
/// to the disk for as many as there are. An append is acknowledged when it has been flushed; `kill -9`
/// and power failures lose nothing that was acknowledged. Reading is done on other connections and
/// waits for nobody; it needs the Tokio runtime.
///
/// # Epochs
///
/// The file alone cannot tell whether it is the newest: it may be a backup that was put back, and
/// going on from it would give places out a second time. So each commit is also counted in a
/// *marker*, a small file outside the folder ([`SqliteOptions::marker`]), before it is acknowledged.
/// On opening, the epochs of all topics go on only if the marker names this database and is not
/// ahead of it; else each topic begins a new one, and clients begin again from a snapshot. A marker
/// that is lost, as by a reboot, costs that and nothing more.
///
/// [`Sqlite::backup`] makes a backup at any time, as SQLite's own `.backup` and `VACUUM INTO` do;
/// [`Sqlite::restore`] puts it back while no process uses the folder.
///
/// # Room
///
/// When the disk is full, or [`SqliteOptions::most_bytes`] are used, the log gives way first: all
/// but the newest record of each topic. If that is not enough, appends fail with [`Failure::Full`]
/// until there is room again; reads go on.
#[derive(Debug)]
pub struct Sqlite {
    jobs: Option<Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    readers: Readers,
    bells: Bells,
    leases: Leases,
    /// Held as long as the engine lives.
    _lock: File,
}

/// What it keeps, and where.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// How much of each topic's log. Trimmed when something is appended to the topic.
    pub retention: Retention,
    /// How long a lease lasts.
    pub lease: Duration,
    /// The greatest size of the database file.
    pub most_bytes: Option<u64>,
    /// The folder for the marker, which must never be part of what a backup puts back: best one that
    /// a reboot empties. `None`: every opening begins new epochs.
    ///
    /// By default the first there is of `$RUNTIME_DIRECTORY` (under systemd, use
    /// `RuntimeDirectoryPreserve=restart`), `$XDG_RUNTIME_DIR` and `/run`.
    pub marker: Option<PathBuf>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            retention: Retention::default(),
            lease: Duration::from_secs(10),
            most_bytes: None,
            marker: marker::folder(),
        }
    }
}

impl Sqlite {
    /// Opens the database of a folder, or makes both. Blocks on the disk.
    pub fn open(folder: &Path, options: &SqliteOptions) -> Result<Self, Failure> {
        fs::create_dir_all(folder).map_err(plain)?;
        let folder = folder.canonicalize().map_err(plain)?;
        let lock = lock(&folder)?;
        let file = folder.join("highwater.db");
        let db = schema::open(&file, options.most_bytes).map_err(failure)?;
        let marker = options.marker.as_deref().map(|at| Marker::new(at, &folder));
        let bells = Bells::default();
        let writer = Writer::new(db, marker, bells.clone(), options.retention)?;

        let (jobs, queue) = mpsc::channel();
        let thread = thread::Builder::new().name("highwater-sqlite".into());
        let writer = thread.spawn(move || writer.run(&queue)).map_err(plain)?;
        Ok(Self {
            jobs: Some(jobs),
            writer: Some(writer),
            readers: Readers::new(file),
            bells,
            leases: Leases::new(options.lease),
            _lock: lock,
        })
    }

    /// Hands a job to the thread that writes, and waits for its answer.
    async fn ask<T, E: From<Failure>>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, E>>) -> Job,
    ) -> Result<T, E> {
        let (reply, answer) = oneshot::channel();
        // Neither fails while the thread lives, and it lives as long as the engine.
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(job(reply));
        }
        answer.await.unwrap_or_else(|_| Err(plain("the thread that writes has ended").into()))
    }
}

impl Engine for Sqlite {
    fn topics(&self) -> Answer<'_, Vec<String>> {
        Box::pin(async { Ok(self.bells.names()) })
    }

    fn append<'a>(&'a self, topic: &'a str, append: Append) -> Answer<'a, Appended, AppendError> {
        Box::pin(self.ask(|reply| Job::Append { topic: topic.into(), append, reply }))
    }

    fn read<'a>(&'a self, topic: &'a str, after: &'a Place, limit: usize) -> Answer<'a, Read> {
        let (topic, after) = (topic.to_owned(), after.clone());
        Box::pin(self.readers.with(move |db| reader::read(db, &topic, &after, limit)))
    }

    fn snapshot<'a>(&'a self, topic: &'a str) -> Answer<'a, Option<Snapshot>> {
        let topic = topic.to_owned();
        Box::pin(self.readers.with(move |db| reader::snapshot(db, &topic)))
    }

    fn watch<'a>(&'a self, topic: &'a str) -> Answer<'a, Option<Watch>> {
        Box::pin(async move { Ok(self.bells.watch(topic)) })
    }

    fn acquire<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Lease>> {
        Box::pin(async move {
            if self.leases.held(name) {
                return Ok(None);
            }
            // One that nobody gets in the end is passed over: tokens grow, they need not be without gaps.
            let token = self.ask(|reply| Job::Token { name: name.into(), reply }).await?;
            Ok(self.leases.acquire(name, token))
        })
    }

    fn renew<'a>(&'a self, lease: &'a Lease) -> Answer<'a, bool> {
        Box::pin(async move { Ok(self.leases.renew(lease)) })
    }

    fn release(&self, lease: Lease) -> Answer<'_, ()> {
        self.leases.release(&lease);
        Box::pin(async { Ok(()) })
    }
}

/// Waits for the last commit, so that the folder can be opened again. The one who writes closes last
/// and leaves all in one file.
impl Drop for Sqlite {
    fn drop(&mut self) {
        self.readers.close();
        self.jobs = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// Who waits for which topic.
#[derive(Clone, Debug, Default)]
struct Bells(Arc<Mutex<HashMap<String, Bell>>>);

impl Bells {
    fn ring(&self, topic: &str, place: Place) {
        let mut bells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match bells.get(topic) {
            Some(bell) => bell.ring(place),
            None => drop(bells.insert(topic.into(), Bell::new(place))),
        }
    }

    fn watch(&self, topic: &str) -> Option<Watch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(topic).map(Bell::watch)
    }

    fn names(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }
}

fn lock(folder: &Path) -> Result<File, Failure> {
    let file = File::create(folder.join("highwater.lock")).map_err(plain)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let text = format!("{} is locked", folder.join("highwater.lock").display());
            Err(Failure::InUse(Arc::from(Box::from(text))))
        }
        Err(TryLockError::Error(error)) => Err(plain(error)),
    }
}
