//! A session by itself: inputs in, effects out, and how things stand.

use core::cell::{RefCell, RefMut};
use core::time::Duration;
use std::rc::Rc;

use highwater_core::{
    ConnectionId, Effect, Event, Failure, Input, Instant, Phase, Session as Core, Status,
};
use js_sys::{Array, Function};
use wasm_bindgen::prelude::*;

use super::protocol::Protocol;
use super::reader::{Reader, Source};
use super::report;
use super::view::JsView;
use crate::settings;

pub(crate) type Shared = Rc<RefCell<Core<JsView>>>;

/// Drives one stream: when to connect, what to resume from, when to give up.
///
/// After each input carry out what [`poll`](Self::poll) returns, until that is `undefined`. Times
/// are milliseconds of one clock, any that does not run backwards.
#[wasm_bindgen]
pub struct Session(Shared);

#[wasm_bindgen]
impl Session {
    /// A session that has not started; see `settings.rs` for the numbers, and `view.rs` for the
    /// view.
    #[wasm_bindgen(constructor)]
    pub fn new(protocol: Protocol, numbers: &[f64], view: Option<Function>) -> Self {
        let options =
            settings::session(&protocol.0, &|at| numbers.get(at).copied().unwrap_or(f64::NAN));
        Self(Rc::new(RefCell::new(Core::new(protocol.0, JsView::new(view), options))))
    }

    /// 0: start; 1: reconnect; 2: wake; 3: offline; 4: online; 5: stop.
    pub fn command(&self, now: f64, command: u8) -> Result<(), JsValue> {
        let input = match command {
            0 => Input::Start,
            1 => Input::Reconnect,
            2 => Input::Wake,
            3 => Input::Offline,
            4 => Input::Online,
            _ => Input::Stop,
        };
        self.handle(now, input)
    }

    /// A reason to pause has come, or gone.
    pub fn pause(&self, now: f64, reason: &str, on: bool) -> Result<(), JsValue> {
        self.handle(now, if on { Input::Pause { reason } } else { Input::Unpause { reason } })
    }

    /// The server has answered. `retry_after` is in milliseconds, or NaN.
    pub fn opened(
        &self,
        now: f64,
        connection: u32,
        status: u16,
        content_type: Option<String>,
        retry_after: f64,
    ) -> Result<(), JsValue> {
        self.handle(
            now,
            Input::Opened {
                connection: ConnectionId::from_u32(connection),
                status,
                content_type: content_type.as_deref(),
                retry_after: (!retry_after.is_nan())
                    .then(|| Duration::from_millis(retry_after as u64)),
            },
        )
    }

    /// Bytes of the body came.
    pub fn bytes(&self, now: f64, connection: u32, bytes: &[u8]) -> Result<(), JsValue> {
        self.handle(now, Input::Bytes { connection: ConnectionId::from_u32(connection), bytes })
    }

    /// An event came, on a transport that makes events itself.
    pub fn event(
        &self,
        now: f64,
        connection: u32,
        kind: &str,
        data: &str,
        id: &str,
    ) -> Result<(), JsValue> {
        let event = Event { kind, data: data.as_bytes(), id };
        self.handle(now, Input::Event { connection: ConnectionId::from_u32(connection), event })
    }

    /// The body has ended.
    pub fn ended(&self, now: f64, connection: u32) -> Result<(), JsValue> {
        self.handle(now, Input::Ended { connection: ConnectionId::from_u32(connection) })
    }

    /// The connection could not be made, or broke; without words, the server aborted it.
    pub fn failed(
        &self,
        now: f64,
        connection: u32,
        what: Option<String>,
        temporary: Option<bool>,
    ) -> Result<(), JsValue> {
        let failure = match &what {
            Some(what) => Failure::Network { what, temporary },
            None => Failure::Aborted,
        };
        self.handle(now, Input::Failed { connection: ConnectionId::from_u32(connection), failure })
    }

    /// The state was fetched; status 0 when there was no answer.
    pub fn fetched(
        &self,
        now: f64,
        connection: u32,
        status: u16,
        body: &[u8],
    ) -> Result<(), JsValue> {
        let connection = ConnectionId::from_u32(connection);
        self.handle(now, Input::Fetched { connection, status, body })
    }

    /// The next thing to do: `["connect", id, attempt, last event id, name, value, …]` (the last
    /// ones to be added to the address's query), `["disconnect", id]`, `["fetch", id]`,
    /// `["wake", at]`, or `undefined`.
    pub fn poll(&self) -> Result<JsValue, JsValue> {
        let number = |id: ConnectionId| JsValue::from_f64(f64::from(id.as_u32()));
        Ok(match self.session()?.poll() {
            None => JsValue::UNDEFINED,
            Some(Effect::Connect(request)) => {
                let list = Array::of4(
                    &"connect".into(),
                    &number(request.connection),
                    &JsValue::from_f64(f64::from(request.attempt)),
                    &request.last_event_id.map_or(JsValue::UNDEFINED, Into::into),
                );
                for (name, value) in request.query {
                    list.push(&name.into());
                    list.push(&value.into());
                }
                list.into()
            }
            Some(Effect::Disconnect(id)) => report::list(&["disconnect".into(), number(id)]),
            Some(Effect::Fetch(id)) => report::list(&["fetch".into(), number(id)]),
            Some(Effect::WakeAt(at)) => {
                report::list(&["wake".into(), JsValue::from_f64(at.as_millis() as f64)])
            }
            Some(_) => return Err("an effect that is not known here".into()),
        })
    }

    /// How things stand: `[phase, connected, attempt, failures, resumed, version, retry at,
    /// stale since, staged, target, synced, news]`; -1 or NaN where there is nothing to say.
    pub fn status(&self) -> Result<Vec<f64>, JsValue> {
        let session = self.session()?;
        let Status {
            phase,
            connected,
            attempt,
            failures,
            resumed,
            version,
            retry_at,
            stale_since,
            staged,
            target,
            synced,
            news,
            ..
        } = session.status();
        let phase = match phase {
            Phase::Connecting => 0.0,
            Phase::Syncing => 1.0,
            Phase::Live => 2.0,
            Phase::Stale => 3.0,
            Phase::Paused => 4.0,
            Phase::Offline => 5.0,
            _ => 6.0,
        };
        let time = |at: Option<Instant>| at.map_or(f64::NAN, |at| at.as_millis() as f64);
        Ok(vec![
            phase,
            f64::from(u8::from(connected)),
            f64::from(attempt),
            f64::from(failures),
            resumed.map_or(-1.0, |resumed| f64::from(u8::from(resumed))),
            version as f64,
            time(retry_at),
            time(stale_since),
            staged as f64,
            target.map_or(f64::NAN, |target| target as f64),
            f64::from(u8::from(synced)),
            news as f64,
        ])
    }

    /// The last fault that was told: `[code, words, place, key, number, class]`, or `undefined`.
    pub fn error(&self) -> Result<JsValue, JsValue> {
        Ok(self.session()?.status().error.map_or(JsValue::UNDEFINED, report::error))
    }

    /// Reads the state.
    pub fn reader(&self) -> Reader {
        Reader(Source::Session(Rc::clone(&self.0)))
    }

    /// Begins or ends the recording of what every event does.
    #[wasm_bindgen(js_name = setTracing)]
    pub fn set_tracing(&self, on: bool) -> Result<(), JsValue> {
        self.session()?.materializer_mut().set_tracing(on);
        Ok(())
    }

    /// What every event did since this was last called:
    /// `[[at, type, id, bytes, data, [[action, kind, key, version, reason, known, cursor], …]], …]`.
    #[wasm_bindgen(js_name = takeTrace)]
    pub fn take_trace(&self) -> Result<Array, JsValue> {
        let events = self.session()?.materializer_mut().take_trace();
        Ok(events.iter().map(report::traced).collect())
    }
}

impl Session {
    #[cfg(feature = "typed")]
    pub(crate) fn of(core: Core<JsView>) -> Self {
        Self(Rc::new(RefCell::new(core)))
    }

    pub(crate) fn shared(&self) -> Shared {
        Rc::clone(&self.0)
    }

    fn handle(&self, now: f64, input: Input<'_>) -> Result<(), JsValue> {
        self.session()?.handle(Instant::from_millis(now as u64), input);
        Ok(())
    }

    fn session(&self) -> Result<RefMut<'_, Core<JsView>>, JsValue> {
        self.0.try_borrow_mut().map_err(|_| "busy".into())
    }
}
