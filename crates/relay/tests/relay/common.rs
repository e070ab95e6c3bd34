//! Environments and filters to test with, and a world that runs them.

use core::future::Future;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};

use highwater_relay::{
    Action, AutoConfig, AutoConfigKey, AutoConfigOptions, AutoConfigSource, EnvironmentParams,
    EnvironmentRep, Environments, FilterRep, Retry, StreamOptions, auto_config_router,
};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than anything takes here, unless it never comes.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// An environment of a project, at a version, with keys that tell the version.
pub(crate) fn environment(id: &str, project: &str, version: i64) -> EnvironmentRep {
    let json = json!({
        "envID": id, "envKey": format!("{id}-key"), "projKey": project, "version": version,
        "sdkKey": { "value": format!("sdk-{id}-{version}") },
        "mobKey": format!("mob-{id}-{version}"),
    });
    EnvironmentRep::parse(json.to_string().as_bytes()).unwrap()
}

/// A filter of a project.
pub(crate) fn filter(project: &str, key: &str) -> FilterRep {
    let json = json!({ "projKey": project, "key": key, "version": 1 });
    FilterRep::parse(json.to_string().as_bytes()).unwrap()
}

/// What runs, by name, with its SDK key; and whether all is known.
pub(crate) type Running = BTreeMap<String, String>;

/// Runs environments by writing them down. Those that are held are not done before they are let go.
pub(crate) struct World {
    running: watch::Sender<(Running, bool)>,
    held: watch::Sender<HashSet<String>>,
    /// Every action, in the order in which they were done.
    pub(crate) done: Mutex<Vec<String>>,
}

impl World {
    pub(crate) fn new() -> Arc<Self> {
        let (running, held) = (watch::Sender::default(), watch::Sender::default());
        Arc::new(Self { running, held, done: Mutex::default() })
    }

    pub(crate) fn hold(&self, name: &str) {
        self.held.send_if_modified(|held| held.insert(name.into()));
    }

    pub(crate) fn let_go(&self, name: &str) {
        self.held.send_if_modified(|held| held.remove(name));
    }

    pub(crate) fn running(&self) -> Running {
        self.running.borrow().0.clone()
    }

    pub(crate) fn knows_all(&self) -> bool {
        self.running.borrow().1
    }

    /// Waits until what runs is as it should be.
    pub(crate) async fn until(&self, what: &str, is: impl Fn(&Running, bool) -> bool) {
        let mut running = self.running.subscribe();
        let waited = timeout(PATIENCE, running.wait_for(|(running, all)| is(running, *all))).await;
        let Ok(waited) = waited else { panic!("never {what}: {:?}", self.running()) };
        drop(waited.unwrap());
    }

    /// Waits until this runs, and nothing else.
    pub(crate) async fn until_runs(&self, names: &[&str]) {
        let wanted =
            |running: &Running| running.keys().map(String::as_str).eq(names.iter().copied());
        self.until(&format!("{names:?}"), |running, _| wanted(running)).await;
    }
}

impl Environments for World {
    async fn apply(&self, action: Action) {
        let name = action.variant().map(|variant| variant.to_string()).unwrap_or_default();
        let mut held = self.held.subscribe();
        drop(held.wait_for(|held| !held.contains(&name)).await);
        let key = |params: &EnvironmentParams| {
            params.sdk_key.as_ref().map_or("", |key| key.reveal()).to_owned()
        };
        let said = match &action {
            Action::Add(_) => "add",
            Action::Update(_) => "update",
            Action::Delete(_) => "delete",
            _ => "all",
        };
        self.done.lock().unwrap().push(format!("{said} {name}"));
        self.running.send_modify(|(running, all)| match &action {
            Action::Add(params) => assert_eq!(running.insert(name, key(params)), None),
            Action::Update(params) => assert!(running.insert(name, key(params)).is_some()),
            Action::Delete(_) => assert!(running.remove(&name).is_some()),
            _ => *all = true,
        });
    }
}

pub(crate) fn key(text: &str) -> AutoConfigKey {
    AutoConfigKey::new(text).unwrap()
}

/// Options that wait for as little as a test has to.
pub(crate) fn options(address: SocketAddr) -> AutoConfigOptions {
    let mut retry = Retry::default();
    for profile in [&mut retry.short, &mut retry.long] {
        profile.factor = Duration::from_millis(10);
        profile.max = Duration::from_millis(100);
    }
    AutoConfigOptions {
        stream_uri: format!("http://{address}"),
        key: key("auto-config-key"),
        cache: None,
        stream: StreamOptions { retry, ..StreamOptions::default() },
    }
}

/// A server of auto-config. Dropped, it is gone, and all its connections with it.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Served {
    /// Serves a source at an address that may have been served before.
    pub(crate) async fn at(address: SocketAddr, source: &Arc<AutoConfigSource>) -> Self {
        let router = auto_config_router(Arc::clone(source), [key("auto-config-key")], PATIENCE);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = timeout(PATIENCE, async {
            loop {
                match TcpListener::bind(address).await {
                    Ok(listener) => break listener.into_std().unwrap(),
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        });
        let listener = listener.await.expect("the port is free again");
        let address = listener.local_addr().unwrap();
        runtime.spawn(async {
            axum::serve(TcpListener::from_std(listener).unwrap(), router).await.unwrap();
        });
        Self { address, runtime: Some(runtime) }
    }

    pub(crate) async fn new(source: &Arc<AutoConfigSource>) -> Self {
        Self::at(([127, 0, 0, 1], 0).into(), source).await
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // A runtime that goes takes every connection with it, as a process does.
        self.runtime.take().unwrap().shutdown_background();
    }
}

/// Follows what is served at an address.
pub(crate) fn follow(address: SocketAddr) -> (AutoConfig, Arc<World>) {
    let world = World::new();
    let relay = AutoConfig::start(options(address), Arc::clone(&world)).unwrap();
    (relay, world)
}

/// A server that hands the head of each request to a script, which says the whole answer. An
/// answer that does not say how long it is stays open.
pub(crate) async fn scripted<F>(
    script: impl Fn(usize, String) -> F + Send + 'static,
) -> (SocketAddr, JoinHandle<()>)
where
    F: Future<Output = String> + Send + 'static,
{
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let mut open = Vec::new();
        for number in 0.. {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(socket.read_u8().await.unwrap_or(b'\n'));
            }
            let answer = script(number, String::from_utf8_lossy(&head).into_owned()).await;
            let _ = socket.write_all(answer.as_bytes()).await; // it may be gone
            if !answer.contains("content-length") {
                open.push(socket);
            }
        }
    });
    (address, task)
}
