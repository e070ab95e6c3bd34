//! A client, and the world around it that a test scripts (`world.js`).

use highwater_wasm::{Client, Link, Protocol, Reader, Session};
use js_sys::{Array, Promise, Uint8Array, WebAssembly};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    fn eval(script: &str) -> World;

    pub(crate) type World;
    #[wasm_bindgen(method, getter)]
    fn link(this: &World) -> Link;
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_native(this: &World, on: bool);
    #[wasm_bindgen(method, setter, js_name = noSource)]
    pub(crate) fn set_no_source(this: &World, on: bool);
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_renews(this: &World, on: bool);
    #[wasm_bindgen(method, setter, js_name = noHeaders)]
    pub(crate) fn set_no_headers(this: &World, on: bool);
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_throws(this: &World, on: bool);
    #[wasm_bindgen(method)]
    pub(crate) fn time(this: &World) -> f64;
    #[wasm_bindgen(method)]
    pub(crate) fn log(this: &World) -> String;
    #[wasm_bindgen(method)]
    pub(crate) fn accepts(this: &World) -> String;
    #[wasm_bindgen(method)]
    fn next(this: &World) -> Promise;
    #[wasm_bindgen(method, js_name = answer)]
    fn answer_with(this: &World, status: u16, headers: &str);
    #[wasm_bindgen(method)]
    pub(crate) fn refuse(this: &World, words: &str);
    #[wasm_bindgen(method)]
    pub(crate) fn send(this: &World, text: &str);
    #[wasm_bindgen(method, js_name = sendBytes)]
    pub(crate) fn send_bytes(this: &World, bytes: &[u8]);
    #[wasm_bindgen(method)]
    pub(crate) fn end(this: &World);
    #[wasm_bindgen(method, js_name = breakOff)]
    pub(crate) fn break_off(this: &World, words: &str);
    #[wasm_bindgen(method, js_name = sendLate)]
    pub(crate) fn send_late(this: &World, place: u32, text: &str);
    #[wasm_bindgen(method, js_name = openSource)]
    pub(crate) fn open_source(this: &World);
    #[wasm_bindgen(method)]
    pub(crate) fn emit(this: &World, kind: &str, data: &str, id: &str);
    #[wasm_bindgen(method, js_name = emitOn)]
    pub(crate) fn emit_on(this: &World, place: u32, kind: &str, data: &str, id: &str);
    #[wasm_bindgen(method, js_name = failSource)]
    pub(crate) fn fail_source(this: &World);
    #[wasm_bindgen(method)]
    pub(crate) fn types(this: &World) -> String;
    #[wasm_bindgen(method)]
    pub(crate) fn polled(this: &World, status: u16, text: &str);
    #[wasm_bindgen(method, js_name = pollFails)]
    pub(crate) fn poll_fails(this: &World);
}

impl World {
    pub(crate) fn new() -> Self {
        eval(include_str!("world.js"))
    }

    /// What answers its requests, for a client that needs no more than that.
    #[cfg(feature = "typed")]
    pub(crate) fn fetch(&self) -> js_sys::Function {
        let fetch = js_sys::Reflect::get(&self.link(), &"fetch".into());
        fetch.expect("every link has it").unchecked_into()
    }

    /// The newest request is answered with a stream.
    pub(crate) fn answer(&self) {
        self.answer_with(200, r#"{ "content-type": "text/event-stream" }"#);
    }

    pub(crate) fn answer_status(&self, status: u16, headers: &str) {
        self.answer_with(status, headers);
    }
}

/// Waits until something holds, as the world moves.
#[cfg(feature = "typed")]
pub(crate) async fn until(world: &World, what: &str, holds: impl Fn() -> bool) {
    while !holds() {
        assert!(world.next().await.is_ok(), "not {what}: {}", world.log());
    }
}

/// A client in its world. It is stopped when it is dropped, so that no timer outlives a test.
pub(crate) struct Rig {
    pub(crate) world: World,
    pub(crate) session: Session,
    pub(crate) client: Client,
    pub(crate) reader: Reader,
}

/// The session's commands, see `Session::command`.
pub(crate) mod command {
    pub(crate) const START: u8 = 0;
    pub(crate) const RECONNECT: u8 = 1;
    pub(crate) const STOP: u8 = 5;
}

/// What `Session::status` lists.
pub(crate) struct Status {
    pub(crate) phase: f64,
    pub(crate) resumed: Option<bool>,
    pub(crate) retry_at: f64,
}

/// A fault as the module lists it.
#[derive(Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) code: String,
    pub(crate) words: String,
    pub(crate) place: String,
    pub(crate) number: Option<f64>,
    pub(crate) terminal: bool,
}

impl Fault {
    pub(crate) fn of(parts: &Array) -> Self {
        let text = |at| parts.get(at).as_string().unwrap_or_default();
        Self {
            code: text(0),
            words: text(1),
            place: text(2),
            number: parts.get(4).as_f64(),
            terminal: parts.get(5).as_f64() == Some(2.0),
        }
    }
}

pub(crate) const LIVE: f64 = 2.0;
pub(crate) const STALE: f64 = 3.0;
pub(crate) const PAUSED: f64 = 4.0;
pub(crate) const STOPPED: f64 = 6.0;

impl Rig {
    /// A started client of a stream of this protocol.
    pub(crate) fn start(protocol: &str, world: World) -> Self {
        let protocol = Protocol::named(protocol).expect("a protocol that is known");
        // Waits short enough for tests, without chance; everything else as the protocol has it.
        let mut numbers = [f64::NAN; 16];
        numbers[10..15].copy_from_slice(&[0.0, 5.0, 0.0, 20.0, 0.0]);
        let session = Session::new(protocol, &numbers, None);
        let client = Client::new(&session, world.link());
        let reader = session.reader();
        let rig = Self { world, session, client, reader };
        rig.command(command::START);
        rig
    }

    /// A client of a stream of ours that has been opened and sent so much.
    pub(crate) async fn live(text: &str) -> Self {
        let rig = Self::start("fdv2", World::new());
        rig.asked("fetch").await;
        rig.world.answer();
        rig.world.send(text);
        rig.until("live", || rig.status().phase == LIVE).await;
        rig.world.log();
        rig
    }

    pub(crate) fn command(&self, command: u8) {
        self.session.command(self.world.time(), command).expect("it is not busy");
        self.client.settle();
    }

    pub(crate) fn pause(&self, on: bool) {
        self.session.pause(self.world.time(), "test", on).expect("it is not busy");
        self.client.settle();
    }

    /// Waits until something holds.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        while !holds() {
            if self.world.next().await.is_err() {
                let Status { phase, .. } = self.status();
                panic!("not {what}: phase {phase}, {:?}\n{}", self.fault(), self.world.log());
            }
        }
    }

    /// Waits until this was asked of the world, and returns all that was since the last look.
    pub(crate) async fn asked(&self, what: &str) -> String {
        let log = core::cell::RefCell::new(String::new());
        self.until(&format!("asked to {what}"), || {
            let more = self.world.log();
            let mut log = log.borrow_mut();
            if !more.is_empty() {
                if !log.is_empty() {
                    log.push('\n');
                }
                log.push_str(&more);
            }
            log.lines().any(|line| line.starts_with(what))
        })
        .await;
        log.into_inner()
    }

    pub(crate) fn status(&self) -> Status {
        let parts = self.session.status().expect("it is not busy");
        let resumed = (parts[4] >= 0.0).then_some(parts[4] > 0.0);
        Status { phase: parts[0], resumed, retry_at: parts[6] }
    }

    /// The fault that is told, if one is.
    pub(crate) fn fault(&self) -> Option<Fault> {
        let parts: Array = self.session.error().expect("it is not busy").dyn_into().ok()?;
        Some(Fault::of(&parts))
    }

    /// The JSON of an item, read as JavaScript reads it: by its place in memory.
    pub(crate) fn value(&self, kind: &str, key: &str) -> Option<String> {
        value(&self.reader, kind, key)
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.command(command::STOP);
        self.client.close();
    }
}

pub(crate) fn value(reader: &Reader, kind: &str, key: &str) -> Option<String> {
    let slot = reader.find(kind, key)?;
    let memory: WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
    let (place, length) = (reader.value_ptr(slot), reader.value_len(slot));
    let bytes = Uint8Array::new_with_byte_offset_and_length(&memory.buffer(), place, length);
    Some(String::from_utf8(bytes.to_vec()).expect("JSON is UTF-8"))
}

/// The wire of our own server, an event at a time.
pub(crate) mod wire {
    pub(crate) fn intent(code: &str) -> String {
        let resumed = code != "xfer-full";
        format!(
            "event: server-intent\ndata: {{\"payloads\":[{{\"id\":\"t\",\"target\":1,\"intentCode\":\"{code}\",\
             \"reason\":\"test\"}}],\"highwater\":{{\"version\":1,\"resumed\":{resumed},\"heartbeat\":15000}}}}\n\n"
        )
    }

    pub(crate) fn put(key: &str, version: i64, value: &str) -> String {
        format!(
            "event: put-object\ndata: {{\"kind\":\"flag\",\"key\":\"{key}\",\"version\":{version},\"object\":{value}}}\n\n"
        )
    }

    pub(crate) fn gone(key: &str, version: i64) -> String {
        format!(
            "event: delete-object\ndata: {{\"kind\":\"flag\",\"key\":\"{key}\",\"version\":{version}}}\n\n"
        )
    }

    pub(crate) fn transferred(index: u64) -> String {
        let basis =
            if index > 1 { format!(",\"basis\":\"e1.{}\"", index - 1) } else { String::new() };
        format!(
            "event: payload-transferred\nid: e1.{index}\ndata: {{\"state\":\"e1.{index}\",\"version\":{index}{basis}}}\n\n"
        )
    }

    /// A snapshot of one flag.
    pub(crate) fn snapshot() -> String {
        intent("xfer-full") + &put("a", 1, "{\"on\":true}") + &transferred(1)
    }
}
