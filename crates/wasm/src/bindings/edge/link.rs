//! What the edge is given (by TypeScript, or by a store in Rust), and what every platform has.

use js_sys::{Array, Function, Object, Promise};
use wasm_bindgen::prelude::*;
use web_sys::{AbortSignal, Headers};

/// What an edge needs of its surroundings. TypeScript gives a [`Link`], whose interface says more;
/// a store in Rust gives itself.
pub(crate) trait Surroundings {
    fn event_source(&self) -> JsValue;
    fn credentials(&self) -> bool;
    fn renews(&self) -> bool;
    fn init(&self) -> Object;
    fn address(&self, query: &[(&str, String)]) -> String;
    fn headers(&self, attempt: u32, expired: bool) -> Promise;
    fn fetch(&self, url: &str, init: &Object) -> Result<Promise, JsValue>;
    fn poll(&self, signal: &AbortSignal) -> Promise;
    fn words(&self, error: &JsValue) -> String;
    fn notify(&self);
    fn broken(&self) -> Function;

    /// Calls one of two functions when the promise settles. If that fails, the module has.
    fn watch(&self, promise: Promise, value: &Function, error: &Function) {
        let promise: Settling = promise.unchecked_into();
        promise.then(value, error).catch(&self.broken());
    }
}

#[wasm_bindgen(typescript_custom_section)]
const LINK: &str = "
/** What a client needs of its surroundings. None of its functions throws, but `fetch`. */
export interface Link {
  /** The class to connect with, for streams over an event source of the platform's own. */
  eventSource: (new (url: string, init: { withCredentials: boolean }) => EventSource) | undefined
  /** Whether cookies go along. */
  credentials: boolean
  /** Whether new headers may help after a 401. */
  renews: boolean
  /** What every request has in common. */
  init: object
  /** The address with these names and values, one after the other, added to its query. */
  address(query: string[]): string
  /** The headers of the next request; after a 401, `expired`. */
  headers(attempt: number, expired: boolean): Promise<Headers>
  fetch(url: string, init: RequestInit): Promise<Response>
  /** The state from the poll address: its status and body. */
  poll(signal: AbortSignal): Promise<[number, Uint8Array]>
  /** What an exception says. */
  words(error: unknown): string
  /** An input was taken in: changes and status are there to be read. */
  notify(): void
  /** The module itself has failed, and is of no more use. */
  broken(error: unknown): void
}
";

#[wasm_bindgen]
extern "C" {
    /// What a client needs of its surroundings: an object, see its TypeScript interface.
    #[wasm_bindgen(typescript_type = "Link")]
    pub type Link;

    #[wasm_bindgen(method, getter, js_name = eventSource)]
    fn event_source(this: &Link) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn credentials(this: &Link) -> bool;
    #[wasm_bindgen(method, getter)]
    fn renews(this: &Link) -> bool;
    #[wasm_bindgen(method, getter)]
    fn init(this: &Link) -> Object;
    #[wasm_bindgen(method, getter, js_name = broken)]
    fn broken_function(this: &Link) -> Function;
    #[wasm_bindgen(method)]
    fn address(this: &Link, query: Array) -> String;
    #[wasm_bindgen(method)]
    fn headers(this: &Link, attempt: u32, expired: bool) -> Promise;
    #[wasm_bindgen(method, catch)]
    fn fetch(this: &Link, url: &str, init: &Object) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method)]
    fn poll(this: &Link, signal: &AbortSignal) -> Promise;
    #[wasm_bindgen(method)]
    fn words(this: &Link, error: &JsValue) -> String;
    #[wasm_bindgen(method)]
    fn notify(this: &Link);

    #[wasm_bindgen(js_namespace = performance)]
    pub(crate) fn now() -> f64;
    #[wasm_bindgen(js_name = setTimeout)]
    pub(super) fn set_timeout(then: &Function, millis: f64) -> JsValue;
    #[wasm_bindgen(js_name = clearTimeout)]
    pub(super) fn clear_timeout(timer: &JsValue);

    /// A promise, with callbacks that are functions already.
    #[wasm_bindgen(js_name = Promise)]
    type Settling;
    #[wasm_bindgen(method)]
    fn then(this: &Settling, value: &Function, error: &Function) -> Settling;
    #[wasm_bindgen(method)]
    fn catch(this: &Settling, error: &Function) -> Settling;

    /// A readable stream, as whatever `fetch` was given may have made it.
    pub(super) type Body;
    #[wasm_bindgen(method, catch, js_name = getReader)]
    pub(super) fn reader(this: &Body) -> Result<Reader, JsValue>;

    /// The stream's reader.
    #[derive(Clone)]
    pub(super) type Reader;
    #[wasm_bindgen(method)]
    pub(super) fn read(this: &Reader) -> Promise;

    /// What a reader reads.
    pub(super) type Chunk;
    #[wasm_bindgen(method, getter)]
    pub(super) fn done(this: &Chunk) -> bool;
    #[wasm_bindgen(method, getter)]
    pub(super) fn value(this: &Chunk) -> js_sys::Uint8Array;
}

impl Surroundings for Link {
    fn event_source(&self) -> JsValue {
        self.event_source()
    }

    fn credentials(&self) -> bool {
        self.credentials()
    }

    fn renews(&self) -> bool {
        self.renews()
    }

    fn init(&self) -> Object {
        self.init()
    }

    /// Names and values cross one after the other.
    fn address(&self, query: &[(&str, String)]) -> String {
        let pairs = query.iter();
        self.address(
            pairs.flat_map(|(name, value)| [JsValue::from_str(name), value.into()]).collect(),
        )
    }

    fn headers(&self, attempt: u32, expired: bool) -> Promise {
        self.headers(attempt, expired)
    }

    fn fetch(&self, url: &str, init: &Object) -> Result<Promise, JsValue> {
        self.fetch(url, init)
    }

    fn poll(&self, signal: &AbortSignal) -> Promise {
        self.poll(signal)
    }

    fn words(&self, error: &JsValue) -> String {
        self.words(error)
    }

    fn notify(&self) {
        self.notify();
    }

    fn broken(&self) -> Function {
        self.broken_function()
    }
}

/// Sets a header, unless it is set or cannot be.
pub(super) fn set_header(headers: &Headers, name: &str, value: &str) {
    if !headers.has(name).unwrap_or(true) {
        drop(headers.set(name, value));
    }
}
