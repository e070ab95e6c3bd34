//! A session over recordings: time passes only where the session wants to wait.

use super::recording::Format;
use super::session::Base;
use crate::serve::Failure as Refusal;
use highwater::Fault;
use highwater_core::{
    Action, Commit, ConnectionId, Effect, Event, Failure, Input, Instant, Noop, Protocol, Session,
    SessionOptions, State, Status, Step, Transfer,
};

/// Plays one stream.
pub(super) struct Player {
    protocol: Box<dyn Fn() -> Result<Protocol, Refusal>>,
    session: Session,
    now: Instant,
    wake: Option<Instant>,
    connection: Option<ConnectionId>,
    query: Vec<(&'static str, String)>,
    /// The session asked for a fetch, which no recording can answer.
    fetch: bool,
    /// And has had no answer.
    polls: bool,
}

/// An event, and what it did.
#[derive(Debug)]
pub(super) struct Happened {
    pub(super) at: u64,
    pub(super) kind: String,
    pub(super) id: String,
    pub(super) bytes: usize,
    pub(super) did: Vec<Did>,
}

/// One thing that an event did.
#[derive(Debug)]
pub(super) enum Did {
    Begin {
        snapshot: bool,
    },
    Stage {
        kind: String,
        key: String,
        version: i64,
        delete: bool,
    },
    Change {
        kind: String,
        key: String,
        version: i64,
        action: Action,
        noop: Option<Noop>,
    },
    /// There was more to say than a trace keeps: what did nothing is left out.
    Abridged,
    Commit {
        snapshot: bool,
        cursor: Option<String>,
    },
    Seen,
    UpToDate,
    Resumed(bool),
    Fetch,
    Reconnect,
    Goodbye(String),
    Heartbeat,
    Ignored(&'static str),
    Fault(Fault),
}

impl Happened {
    pub(super) fn is_ignored(&self) -> bool {
        self.did.iter().all(|did| matches!(did, Did::Ignored(_)))
    }
}

impl Player {
    /// `protocol` is asked for it whenever a session begins.
    pub(super) fn new(
        protocol: Box<dyn Fn() -> Result<Protocol, Refusal>>,
    ) -> Result<Self, Refusal> {
        Ok(Self {
            session: begun(protocol()?),
            protocol,
            now: Instant::default(),
            wake: None,
            connection: None,
            query: Vec::new(),
            fetch: false,
            polls: false,
        })
    }

    /// Begins a session with a state that was noted; [`join`](Self::join) follows, when it is connected.
    pub(super) fn take_up(&mut self, base: &Base) -> Result<(), Refusal> {
        self.session = begun((self.protocol)()?);
        self.connection = None;
        self.wake = None;
        if base.standing.is_none() {
            self.session.restore_checkpoint(self.now, &base.checkpoint)?;
        }
        Ok(())
    }

    /// Goes on in the middle of a connection, if that is where the state was noted.
    pub(super) fn join(&mut self, base: &Base) -> Result<(), Refusal> {
        let (Some(standing), Some(connection)) = (base.standing, self.connection) else {
            return Ok(());
        };
        self.session.join(self.now, connection, standing, &base.checkpoint);
        self.session.materializer_mut().take_trace();
        match self.session.status().error {
            Some(fault) => Err(fault.to_string().into()),
            None => Ok(()),
        }
    }

    pub(super) fn protocol(&self) -> &'static str {
        self.session.materializer().protocol().name()
    }

    pub(super) fn state(&self) -> &State {
        self.session.state()
    }

    pub(super) fn status(&self) -> Status<'_> {
        self.session.status()
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Opens the next connection, after ending the one before, and says what it asks for; `None`
    /// when the session wants no more.
    pub(super) fn connect(&mut self, format: Format) -> Option<String> {
        if let Some(connection) = self.connection.take() {
            self.input(Input::Ended { connection });
        } else if self.wake.is_none() {
            self.input(Input::Start);
        }
        while self.connection.is_none() {
            self.now = self.now.max(self.wake.take()?);
            self.input(Input::Wake);
        }
        let content_type = match format {
            Format::Events => "text/event-stream",
            Format::Lines => "application/x-ndjson",
        };
        let connection = self.connection?;
        let content_type = Some(content_type);
        self.input(Input::Opened { connection, status: 200, content_type, retry_after: None });
        let pairs = self.query.iter().map(|(name, value)| format!("{name}={value}"));
        Some(pairs.collect::<Vec<_>>().join("&"))
    }

    /// Plays an event of the present connection.
    pub(super) fn event(&mut self, event: &Event<'_>, at: u64) -> Happened {
        if let Some(connection) = self.connection {
            // Among the events of a session there are the answers of the poll address.
            let polled = self.polls && event.kind == "poll";
            self.polls &= !polled;
            self.input(if polled {
                Input::Fetched { connection, status: 200, body: event.data }
            } else {
                Input::Event { connection, event: *event }
            });
        }
        let steps = self.session.materializer_mut().take_trace().pop().map(|traced| traced.steps);
        let mut did = self.told(steps.unwrap_or_default());
        if core::mem::take(&mut self.fetch) {
            did.push(Did::Fetch);
        }
        let (kind, id) = (event.kind.to_owned(), event.id.to_owned());
        Happened { at, kind, id, bytes: event.data.len(), did }
    }

    /// Plays an event that was too large to be one: it breaks the connection.
    pub(super) fn too_large(&mut self, limit: usize, at: u64) -> Happened {
        let fault = Fault::TooLarge { limit, at };
        if let Some(connection) = self.connection.take() {
            let what = fault.to_string();
            let failure = Failure::Network { what: &what, temporary: None };
            self.input(Input::Failed { connection, failure });
        }
        let did = vec![Did::Fault(fault)];
        Happened { at, kind: String::new(), id: String::new(), bytes: 0, did }
    }

    fn input(&mut self, input: Input<'_>) {
        self.session.handle(self.now, input);
        while let Some(effect) = self.session.poll() {
            match effect {
                Effect::Connect(request) => {
                    self.connection = Some(request.connection);
                    self.query = request.query;
                }
                Effect::Disconnect(id) if self.connection == Some(id) => self.connection = None,
                Effect::WakeAt(at) => self.wake = Some(at),
                Effect::Fetch(_) => (self.fetch, self.polls) = (true, true),
                _ => {}
            }
        }
    }

    /// What the last input did, in the order in which one would tell it.
    fn told(&self, steps: Vec<Step>) -> Vec<Did> {
        let abridged = steps.len() >= TRACED;
        let commits = self.session.materializer().commits();
        let whole = !commits.is_empty();
        let mut did: Vec<Did> = steps
            .into_iter()
            .filter_map(|step| match step {
                // What was collected is told by what became of it.
                Step::Staged { .. } if whole => None,
                Step::Changed { .. } if abridged => None,
                Step::Commit(_) => None,
                step => tell(step),
            })
            .collect();
        if abridged {
            did.push(Did::Abridged);
        }
        let mut start = 0;
        for commit in commits {
            if abridged {
                did.extend(self.changes(start, commit));
            }
            start = commit.end;
            let cursor = self.session.materializer().cursor().map(str::to_owned);
            did.push(Did::Commit { snapshot: commit.snapshot, cursor });
        }
        did
    }

    fn changes(&self, start: usize, commit: &Commit) -> impl Iterator<Item = Did> {
        let changes = self.session.materializer().changes().get(start..commit.end);
        changes.unwrap_or_default().iter().filter_map(|change| {
            let (kind, key) = self.state().name(change.slot)?;
            Some(Did::Change {
                kind: kind.to_owned(),
                key: key.to_owned(),
                version: change.version,
                action: change.action,
                noop: None,
            })
        })
    }
}

fn begun(protocol: Protocol) -> Session {
    let mut options = SessionOptions::of(&protocol);
    options.materializer.trace = true;
    Session::new(protocol, (), options)
}

fn tell(step: Step) -> Option<Did> {
    Some(match step {
        Step::Begin(transfer) => Did::Begin { snapshot: transfer == Transfer::Snapshot },
        Step::Staged { kind, key, version, delete } => {
            Did::Stage { kind: kind.into(), key: key.into(), version, delete }
        }
        Step::Changed { kind, key, version, action, noop, .. } => {
            Did::Change { kind: kind.into(), key: key.into(), version, action, noop }
        }
        Step::Seen => Did::Seen,
        Step::UpToDate => Did::UpToDate,
        Step::Resumed(resumed) => Did::Resumed(resumed),
        Step::Reconnect => Did::Reconnect,
        Step::Goodbye(reason) => Did::Goodbye(reason.into()),
        Step::Heartbeat => Did::Heartbeat,
        Step::Ignored(why) => Did::Ignored(why),
        Step::Fault(fault) => Did::Fault(fault),
        // Told otherwise: a commit with its changes, a fetch by its effect.
        _ => return None,
    })
}

/// As many steps of an event as a trace keeps.
const TRACED: usize = 200;
