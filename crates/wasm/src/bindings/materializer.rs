//! A materializer: bytes or events in, state out.

use core::cell::{RefCell, RefMut};
use std::rc::Rc;

use highwater_core::{Error, Event, Instant, Materializer as Core, MaterializerOptions, Signals};
use js_sys::{Array, Function};
use wasm_bindgen::prelude::*;

use super::protocol::Protocol;
use super::reader::{Reader, Source};
use super::report;
use super::view::JsView;
use crate::settings;

/// Takes in one stream and keeps its items, and a view up to date with them.
#[wasm_bindgen]
pub struct Materializer(Rc<RefCell<Core<JsView>>>);

#[wasm_bindgen]
impl Materializer {
    /// A materializer that has seen nothing; see `settings.rs` for the numbers, and `view.rs` for
    /// the view.
    #[wasm_bindgen(constructor)]
    pub fn new(protocol: Protocol, numbers: &[f64], view: Option<Function>) -> Self {
        let mut options = MaterializerOptions::default();
        let numbers = |at: usize| numbers.get(at).copied().unwrap_or(f64::NAN);
        settings::materializer(&mut options, &numbers);
        let core = Core::with_view(protocol.0, JsView::new(view), options);
        Self(Rc::new(RefCell::new(core)))
    }

    /// Reads the next bytes of the stream. Answers with what they asked for:
    /// `[error, committed, up to date, resumed, reconnect, goodbye, invalidated, events]`.
    pub fn push(&self, now: f64, bytes: &[u8]) -> Result<Array, JsValue> {
        self.take(|core| core.push(at(now), bytes))
    }

    /// Reads one event; answers as [`push`](Self::push).
    #[wasm_bindgen(js_name = pushEvent)]
    pub fn push_event(&self, now: f64, kind: &str, data: &str, id: &str) -> Result<Array, JsValue> {
        self.take(|core| core.event(at(now), &Event { kind, data: data.as_bytes(), id }))
    }

    /// Reads the answer to a poll; answers as [`push`](Self::push).
    pub fn fetched(&self, now: f64, body: &[u8]) -> Result<Array, JsValue> {
        self.take(|core| core.fetched(at(now), body))
    }

    /// A new connection begins.
    pub fn connected(&self) -> Result<(), JsValue> {
        self.core()?.connected();
        Ok(())
    }

    /// The coming stream is lines of JSON, or else server-sent events.
    #[wasm_bindgen(js_name = readLines)]
    pub fn read_lines(&self, lines: bool) -> Result<(), JsValue> {
        self.core()?.read_lines(lines);
        Ok(())
    }

    /// Drops the position: the next connection asks for everything.
    pub fn reset(&self) -> Result<(), JsValue> {
        let mut core = self.core()?;
        core.begin();
        core.reset();
        Ok(())
    }

    /// The last event id of the stream.
    #[wasm_bindgen(js_name = lastEventId)]
    pub fn last_event_id(&self) -> Result<String, JsValue> {
        Ok(self.core()?.last_event_id().into())
    }

    /// Reads the state.
    pub fn reader(&self) -> Reader {
        Reader(Source::Materializer(Rc::clone(&self.0)))
    }

    /// Begins or ends the recording of what every event does.
    #[wasm_bindgen(js_name = setTracing)]
    pub fn set_tracing(&self, on: bool) -> Result<(), JsValue> {
        self.core()?.set_tracing(on);
        Ok(())
    }

    /// What every event did since this was last called; see `Session.takeTrace`.
    #[wasm_bindgen(js_name = takeTrace)]
    pub fn take_trace(&self) -> Result<Array, JsValue> {
        let events = self.core()?.take_trace();
        Ok(events.iter().map(report::traced).collect())
    }
}

#[cfg(feature = "typed")]
impl Materializer {
    pub(crate) fn of(core: Core<JsView>) -> Self {
        Self(Rc::new(RefCell::new(core)))
    }

    pub(crate) fn shared(&self) -> Rc<RefCell<Core<JsView>>> {
        Rc::clone(&self.0)
    }
}

impl Materializer {
    fn take(
        &self,
        take: impl FnOnce(&mut Core<JsView>) -> Result<Signals, Error>,
    ) -> Result<Array, JsValue> {
        let mut core = self.core()?;
        core.begin();
        let result = take(&mut core);
        let signals = result.as_ref().ok().cloned().unwrap_or_default();
        let fault = signals.fault.as_ref().map_or(JsValue::UNDEFINED, report::error);
        let parts = [
            result.as_ref().err().map_or(fault, report::error),
            signals.committed.into(),
            signals.up_to_date.into(),
            signals.resumed.map_or(JsValue::UNDEFINED, Into::into),
            signals.reconnect.into(),
            signals.goodbye.as_deref().map_or(JsValue::UNDEFINED, JsValue::from_str),
            signals.invalidated.into(),
            JsValue::from_f64(signals.events as f64),
            result.is_err().into(),
        ];
        Ok(parts.iter().collect())
    }

    fn core(&self) -> Result<RefMut<'_, Core<JsView>>, JsValue> {
        self.0.try_borrow_mut().map_err(|_| "busy".into())
    }
}

fn at(now: f64) -> Instant {
    Instant::from_millis(now as u64)
}
