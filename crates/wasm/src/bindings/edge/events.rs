//! The other transport: the platform's own `EventSource`.
//!
//! It sends no headers, tells no status, hides comments, and hands over strings, each of which is
//! copied and encoded: `fetch` is faster and knows more. It is closed at the first error and made
//! anew by the session, which knows better when.

use core::cell::Cell;
use std::rc::Rc;

use highwater_core::{ConnectionId, Event, Failure, Input, Request};
use js_sys::{Array, Function, Object, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{EventSource, EventSourceInit, MessageEvent};

use super::link::Surroundings;
use super::{Connection, Edge};

/// One connection.
pub(super) struct Events {
    id: ConnectionId,
    source: EventSource,
    opened: Cell<bool>,
}

impl Events {
    pub(super) fn id(&self) -> ConnectionId {
        self.id
    }

    pub(super) fn close(self) {
        self.source.close();
    }

    pub(super) fn connect(edge: &Edge, link: &Rc<dyn Surroundings>, request: &Request) {
        let id = request.connection;
        let url = link.address(&request.query);
        let init: EventSourceInit = Object::new().unchecked_into();
        init.set_with_credentials(link.credentials());
        let class: Function = link.event_source().unchecked_into();
        let source = match Reflect::construct(&class, &Array::of2(&url.into(), &init)) {
            Ok(source) => source.unchecked_into::<EventSource>(),
            Err(error) => {
                // Known as the current one for a moment, so that its failure counts.
                return edge.input(Input::Failed {
                    connection: id,
                    failure: Failure::Network { what: &link.words(&error), temporary: None },
                });
            }
        };
        let open = edge.callback(id, |edge, id, _| open(edge, id));
        let take = edge.callback(id, take);
        let fail = edge.callback(id, |edge, id, event| {
            // A server may send an event that is called "error": that one has data.
            if event.dyn_ref::<MessageEvent>().is_some_and(|event| !event.data().is_undefined()) {
                take_event(edge, id, event.unchecked_ref());
            } else {
                edge.fail(id, "the event source failed; it does not say why");
            }
        });
        let listen = |kind: &str, then: &Function| {
            drop(source.add_event_listener_with_callback(kind, then));
        };
        listen("open", &open);
        listen("error", &fail);
        for kind in edge.session.borrow().materializer().protocol().event_types() {
            if kind != "error" {
                listen(kind, &take);
            }
        }
        edge.connection.replace(Connection::Events(Self { id, source, opened: Cell::new(false) }));
    }
}

fn open(edge: &Edge, id: ConnectionId) {
    if let Connection::Events(events) = &*edge.connection.borrow()
        && events.opened.replace(true)
    {
        return;
    }
    edge.input(Input::Opened {
        connection: id,
        status: 200,
        content_type: Some("text/event-stream"),
        retry_after: None,
    });
}

fn take(edge: &Edge, id: ConnectionId, event: JsValue) {
    take_event(edge, id, event.unchecked_ref());
}

fn take_event(edge: &Edge, id: ConnectionId, event: &MessageEvent) {
    let (kind, last_event_id) = (event.type_(), event.last_event_id());
    let data = event.data().as_string().unwrap_or_default();
    edge.input(Input::Event {
        connection: id,
        event: Event { kind: &kind, data: data.as_bytes(), id: &last_event_id },
    });
}
