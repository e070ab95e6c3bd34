//! A session with a clock that goes only when it is told to.

use highwater_core::{ConnectionId, Effect, Failure, Input, Instant, Request, Session, View};

/// Drives a session as an edge would, without a network.
pub(crate) struct Driver<V> {
    pub(crate) session: Session<V>,
    /// Every connection that was asked for.
    pub(crate) requests: Vec<Request>,
    now: Instant,
    wake: Option<Instant>,
    current: Option<ConnectionId>,
}

impl<V: View> Driver<V> {
    pub(crate) fn new(session: Session<V>) -> Self {
        let now = Instant::from_millis(1_000_000);
        let mut driver = Self { session, requests: Vec::new(), now, wake: None, current: None };
        driver.input(Input::Start);
        driver
    }

    /// Lets the time pass that the session wants to wait, until it asks for a connection. False
    /// when it will not ask for one: it has one, or has stopped.
    pub(crate) fn until_connecting(&mut self) -> bool {
        while self.current.is_none() {
            let Some(wake) = self.wake.take() else { return false };
            self.now = self.now.max(wake);
            self.input(Input::Wake);
        }
        !self.session.status().connected
    }

    pub(crate) fn open(&mut self, status: u16, content_type: &str) {
        if let Some(connection) = self.current {
            let content_type = Some(content_type);
            self.input(Input::Opened { connection, status, content_type, retry_after: None });
        }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        if let Some(connection) = self.current {
            self.input(Input::Bytes { connection, bytes });
        }
    }

    pub(crate) fn end(&mut self) {
        if let Some(connection) = self.current.take() {
            self.input(Input::Ended { connection });
        }
    }

    pub(crate) fn fail(&mut self, failure: Failure<'_>) {
        if let Some(connection) = self.current.take() {
            self.input(Input::Failed { connection, failure });
        }
    }

    pub(crate) fn stop(&mut self) {
        self.input(Input::Stop);
    }

    fn input(&mut self, input: Input<'_>) {
        self.session.handle(self.now, input);
        while let Some(effect) = self.session.poll() {
            match effect {
                Effect::Connect(request) => {
                    self.current = Some(request.connection);
                    self.requests.push(request);
                }
                Effect::Disconnect(id) if self.current == Some(id) => self.current = None,
                Effect::WakeAt(at) => self.wake = Some(at),
                _ => {}
            }
        }
    }
}
