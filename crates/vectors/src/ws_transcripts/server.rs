//! The server that the conversations are with, and the log that it delivers.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use highwater_eventstreams::{
    Answer, Clock, Configuration, DispatcherFactory, Error as Fault, Event, EventStreamSpec,
    Instruction, Manager, MemoryPersistence, Program, Reset, Run, Runtime, Statistics,
    WebSocketFactory,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::Error;
use crate::subject::text;

pub(super) struct Server {
    manager: Manager,
    sockets: WebSocketFactory,
    log: Arc<Log>,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

/// Events in order, each under its place in the whole log as twelve digits.
#[derive(Debug, Default)]
struct Log {
    events: Mutex<Vec<Event>>,
    moved: watch::Sender<usize>,
}

impl Log {
    fn after(&self, position: &str) -> Vec<Event> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().filter(|event| **event.sequence_id() > *position).cloned().collect()
    }

    fn publish(&self, event: &Value) -> Result<(), Fault> {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let id = format!("{:012}", events.len() + 1);
        let topic = event["topic"].as_str().unwrap_or_default();
        events.push(Event::new(topic, &id, &event.to_string())?);
        self.moved.send_replace(events.len());
        Ok(())
    }
}

#[derive(Debug)]
struct Source(Arc<Log>);

impl Runtime for Source {
    fn run(&self, run: Run) -> Answer<'_, ()> {
        Box::pin(async move {
            let (mut position, mut moved) = (Arc::clone(&run.position), self.0.moved.subscribe());
            loop {
                moved.mark_unchanged();
                let events = self.0.after(&position);
                if let Some(last) = events.last() {
                    position = Arc::clone(last.sequence_id());
                    if run.deliver.deliver(events).await == Instruction::Exit {
                        return Ok(());
                    }
                    continue;
                }
                if run.cancel.run_until_cancelled(moved.changed()).await.is_none() {
                    return Ok(());
                }
            }
        })
    }
}

impl Server {
    pub(super) async fn start(setup: &Value) -> Result<Self, Error> {
        let mut configuration = json!({
            "checkpoints": { "asynchronous": false },
            "retry": {
                "initialDelay": setup["retryInitialDelayMs"],
                "maximumDelay": setup["retryMaxDelayMs"],
            },
        });
        if let Some(timeout) = setup["ackTimeoutMs"].as_u64().filter(|timeout| *timeout > 0) {
            configuration["websockets"] = json!({ "ackTimeout": timeout });
        }
        let configuration: Configuration =
            serde_json::from_value(configuration).map_err(|error| Error::new(error.to_string()))?;
        let (log, sockets) = (Arc::<Log>::default(), WebSocketFactory::new(&configuration));
        let factory: Arc<dyn DispatcherFactory> = Arc::new(sockets.clone());
        let program = Program {
            configuration,
            persistence: Arc::new(MemoryPersistence::default()),
            runtime: Arc::new(Source(Arc::clone(&log))),
            dispatchers: HashMap::from([("websocket".into(), factory)]),
            clock: Clock::default(),
        };
        let manager = Manager::start(program).await.map_err(|fault| failed(&fault))?;
        for spec in setup["streams"].as_array().into_iter().flatten() {
            manager.upsert("", read(spec)?).await.map_err(|fault| failed(&fault))?;
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| failed(&error))?;
        let address = listener.local_addr().map_err(|error| failed(&error))?;
        let router: axum::Router = sockets.router();
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await; // it ends when it is aborted
        });
        Ok(Self { manager, sockets, log, address, serving })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn publish(&self, events: &[Value]) -> Result<(), Error> {
        events.iter().try_for_each(|event| self.log.publish(event)).map_err(|fault| failed(&fault))
    }

    pub(super) async fn admin(&self, step: &Value) -> Result<(), Error> {
        let stream = step["stream"].as_str().unwrap_or_default();
        let manager = &self.manager;
        let done = match text(step, "op")? {
            "stop" => manager.stop_stream(stream).await,
            "start" => manager.start_stream(stream).await,
            "delete" => manager.delete_stream(stream).await,
            "reset" => {
                let sequence_id = step["sequenceId"].as_str().map(Into::into);
                manager.reset_stream(stream, Reset { sequence_id, time: None }).await
            }
            "upsert" => {
                let spec = read(&step["spec"])?;
                let name = spec.name.clone().unwrap_or_default();
                manager.upsert(&name, spec).await.map(drop)
            }
            "get" => return self.shows(stream, &step["result"]).await,
            "closeServer" => {
                self.sockets.close();
                Ok(())
            }
            other => return Err(Error::new(format!("there is no call {other}"))),
        };
        done.map_err(|fault| failed(&fault))
    }

    pub(super) async fn stop(self) {
        self.sockets.close();
        self.manager.close().await;
        self.serving.abort();
    }

    /// What a stream shows, as soon as it does: what a client has said may still be on its way.
    async fn shows(&self, stream: &str, recorded: &Value) -> Result<(), Error> {
        let mut recorded = recorded.clone();
        codes(&mut recorded);
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let shown = self.manager.get(stream).await.map_err(|fault| failed(&fault))?;
            let status = shown.spec.status.map(|status| status.as_str().to_owned());
            let mut observed = json!({ "status": status });
            if let (Some(statistics), Some(observed)) =
                (&shown.statistics, observed.as_object_mut())
            {
                observed.extend(members(statistics));
            }
            codes(&mut observed);
            match crate::subject::same("the stream", &observed, &recorded) {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => sleep(Duration::from_millis(5)).await,
            }
        }
    }
}

fn members(statistics: &Statistics) -> serde_json::Map<String, Value> {
    let members = json!({
        "checkpoint": statistics.checkpoint,
        "highestDetected": statistics.highest_detected,
        "highestDispatched": statistics.highest_dispatched,
        "lastDispatchAttempts": statistics.last_dispatch_attempts,
        "lastDispatchComplete": statistics.last_dispatch_status,
        "lastDispatchFailure": statistics.last_dispatch_failure,
    });
    members.as_object().cloned().unwrap_or_default()
}

/// Leaves of a failure its code.
fn codes(shown: &mut Value) {
    if let Some(code) = shown["lastDispatchFailure"].as_str().and_then(|error| error.get(..7)) {
        shown["lastDispatchFailure"] = code.into();
    }
}

fn read(spec: &Value) -> Result<EventStreamSpec, Error> {
    serde_json::from_value(spec.clone()).map_err(|error| failed(&error))
}

fn failed(error: &dyn core::fmt::Display) -> Error {
    Error::new(error.to_string())
}
