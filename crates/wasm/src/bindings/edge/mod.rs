//! The edge: carries out what a session asks for, with the platform's own transports.
//!
//! - E1: nobody is called back while the session is borrowed: a listener may do anything.
//! - E2: what JavaScript still holds of an old connection (a promise, a listener) finds by the
//!   connection's id that it is not wanted any more, and does nothing.
//! - E3: closing drops everything that leads to JavaScript, so that nothing keeps the store alive.

mod events;
mod link;
mod stream;

use core::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use highwater_core::{ConnectionId, Effect, Failure, Input, Instant, Request};
use js_sys::{Array, Function, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::AbortController;

use super::session::{Session, Shared};
use events::Events;
pub use link::Link;
#[cfg(not(feature = "typed"))]
use link::Surroundings;
#[cfg(feature = "typed")]
pub(crate) use link::{Surroundings, now};
use stream::Stream;

/// Keeps a stream up.
///
/// It makes the connections, sets the timers and tells the session what comes of them. After each
/// input that it took in it calls `link.notify`. What the application wants of the session (to
/// pause, for instance) is told to the session itself, and then carried out by
/// [`settle`](Self::settle).
#[wasm_bindgen]
pub struct Client(Rc<Edge>);

#[wasm_bindgen]
impl Client {
    /// A client of a session, over a link.
    #[wasm_bindgen(constructor)]
    pub fn new(session: &Session, link: Link) -> Self {
        Self(Edge::new(session.shared(), Rc::new(link)))
    }

    /// Carries out what the session wants after an input that it was given directly.
    pub fn settle(&self) {
        self.0.settle();
    }

    /// Lets go of JavaScript, after the session was stopped and that was settled.
    pub fn close(&self) {
        self.0.close();
    }
}

pub(crate) struct Edge {
    this: Weak<Self>,
    session: Shared,
    /// Gone once the client is closed.
    link: RefCell<Option<Rc<dyn Surroundings>>>,
    connection: RefCell<Connection>,
    polling: RefCell<Option<AbortController>>,
    /// The timer that is set, by its handle.
    timer: RefCell<JsValue>,
    /// What the timer calls.
    wake: RefCell<Option<Function>>,
    /// A buffer for chunks, kept from one to the next.
    chunk: Cell<Vec<u8>>,
}

enum Connection {
    None,
    Stream(Stream),
    Events(Events),
}

impl Connection {
    fn id(&self) -> Option<ConnectionId> {
        match self {
            Self::None => None,
            Self::Stream(stream) => Some(stream.id()),
            Self::Events(events) => Some(events.id()),
        }
    }
}

impl Edge {
    pub(crate) fn new(session: Shared, link: Rc<dyn Surroundings>) -> Rc<Self> {
        Rc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            session,
            link: RefCell::new(Some(link)),
            connection: RefCell::new(Connection::None),
            polling: RefCell::new(None),
            timer: RefCell::new(JsValue::UNDEFINED),
            wake: RefCell::new(None),
            chunk: Cell::default(),
        })
    }

    /// Lets go of its surroundings, after the session was stopped and that was settled.
    pub(crate) fn close(&self) {
        self.link.take();
        self.wake.take();
    }

    /// Takes in an input, tells of it, and carries out what follows.
    pub(crate) fn input(&self, input: Input<'_>) {
        self.session.borrow_mut().handle(Instant::from_millis(link::now() as u64), input);
        self.settle();
    }

    fn settle(&self) {
        // Told first: what is carried out may be an input itself, and would replace the changes.
        if let Some(link) = self.link() {
            link.notify();
        }
        loop {
            let effect = self.session.borrow_mut().poll();
            match effect {
                None => break,
                Some(Effect::Connect(request)) => self.connect(request),
                Some(Effect::Disconnect(id)) => self.disconnect(id),
                Some(Effect::Fetch(id)) => self.fetch(id),
                Some(Effect::WakeAt(at)) => self.wake_at(at),
                Some(_) => {}
            }
        }
        // No timer outlives the session.
        if self.session.borrow().status().phase == highwater_core::Phase::Stopped {
            link::clear_timeout(&self.timer.replace(JsValue::UNDEFINED));
        }
    }

    fn link(&self) -> Option<Rc<dyn Surroundings>> {
        self.link.borrow().clone()
    }

    fn connect(&self, request: Request) {
        let Some(link) = self.link() else {
            return;
        };
        if link.event_source().is_undefined() {
            Stream::connect(self, &link, request);
        } else {
            Events::connect(self, &link, &request);
        }
    }

    fn disconnect(&self, id: ConnectionId) {
        if self.is_current(id) {
            // Taken out first: to abort may call listeners.
            let connection = self.connection.replace(Connection::None);
            let polling = self.polling.take();
            match connection {
                Connection::None => {}
                Connection::Stream(stream) => stream.abort(),
                Connection::Events(events) => events.close(),
            }
            if let Some(polling) = polling {
                polling.abort();
            }
        }
    }

    fn is_current(&self, id: ConnectionId) -> bool {
        self.connection.borrow().id() == Some(id)
    }

    /// Fetches the state from the poll address.
    fn fetch(&self, id: ConnectionId) {
        let (Some(link), Ok(abort)) = (self.link(), AbortController::new()) else {
            return;
        };
        let answered = self.callback(id, |edge, id, answer| {
            let answer: Array = answer.unchecked_into();
            let status = answer.get(0).as_f64().unwrap_or_default() as u16;
            let body = answer.get(1).dyn_into::<Uint8Array>().unwrap_or_default().to_vec();
            edge.input(Input::Fetched { connection: id, status, body: &body });
        });
        let failed = self.callback(id, |edge, id, _| {
            edge.input(Input::Fetched { connection: id, status: 0, body: &[] });
        });
        link.watch(link.poll(&abort.signal()), &answered, &failed);
        self.polling.replace(Some(abort));
    }

    fn wake_at(&self, at: Instant) {
        let mut wake = self.wake.borrow_mut();
        let wake = wake.get_or_insert_with(|| {
            let this = Weak::clone(&self.this);
            let wake = move || {
                if let Some(edge) = this.upgrade() {
                    edge.input(Input::Wake);
                }
            };
            function(Closure::<dyn Fn()>::new(wake).into_js_value())
        });
        let wait = (at.as_millis() as f64 - link::now()).ceil().clamp(0.0, LONGEST);
        let timer = link::set_timeout(wake, wait);
        link::clear_timeout(&self.timer.replace(timer));
    }

    /// The connection has failed, in these words.
    fn fail(&self, id: ConnectionId, what: &str) {
        self.disconnect(id);
        let failure = Failure::Network { what, temporary: None };
        self.input(Input::Failed { connection: id, failure });
    }

    /// A function for promises and listeners of a connection, which does nothing once that is not
    /// the current one. JavaScript owns it, and frees it when nothing refers to it any more: a
    /// promise that settles late must find it.
    fn callback(
        &self,
        id: ConnectionId,
        then: impl Fn(&Self, ConnectionId, JsValue) + 'static,
    ) -> Function {
        let this = Weak::clone(&self.this);
        let callback = move |value| {
            if let Some(edge) = this.upgrade()
                && edge.is_current(id)
            {
                then(&edge, id, value);
            }
        };
        function(Closure::<dyn Fn(JsValue)>::new(callback).into_js_value())
    }
}

fn function(value: JsValue) -> Function {
    value.unchecked_into()
}

/// Timers of 2^31 ms and more go off at once.
const LONGEST: f64 = 2_147_483_647.0;
