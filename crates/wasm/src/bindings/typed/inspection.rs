//! What developer tools show: a session or materializer as a plain object.

use std::collections::BTreeMap;

use highwater_core::{Action, Materializer as Core, Session as CoreSession};
use js_sys::JSON;
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

use crate::bindings::view::JsView;
use crate::{Fault, Materializer, Session};

#[wasm_bindgen(typescript_custom_section)]
const INSPECTION: &str = "
/** What `inspect` finds: a plain object, for developer tools. It is of one moment, and costs what it shows. */
export interface Inspection {
  protocol: string
  cursor: string | undefined
  /** Moves with every transaction that changed anything. */
  version: number
  /** How many items there are, also those that the limit leaves out of `state`. */
  items: number
  /** By kind and key: the items, their values parsed. */
  state: { [kind: string]: { [key: string]: { version: number | bigint; value?: unknown; error?: string } } }
  /** How many deletions are remembered, and how many were forgotten because of the bounds. */
  tombstones: { remembered: number; forgotten: number }
  /** How many steps of an unfinished transfer have arrived. */
  staged: number
  /** What the last input did. */
  recent: { transactions: number; snapshots: number; inserted: number; updated: number; deleted: number }
  /** How a session stands; a materializer has none. */
  status: InspectedStatus | undefined
}

export interface InspectedStatus {
  phase: 'connecting' | 'syncing' | 'live' | 'stale' | 'paused' | 'offline' | 'stopped'
  connected: boolean
  attempt: number
  failures: number
  resumed: boolean | undefined
  /** On the clock that the session is given. */
  retryAt: number | undefined
  staleSince: number | undefined
  error: { code: string; class: 'retry' | 'reset' | 'terminal'; message: string } | undefined
}
";

#[wasm_bindgen]
extern "C" {
    /// What `inspect` finds: a plain object, see its TypeScript interface.
    #[wasm_bindgen(typescript_type = "Inspection")]
    pub type Inspection;
}

#[wasm_bindgen]
impl Materializer {
    /// State and recent counts as a plain object, with no more items than `limit`; 1,000 unless
    /// told.
    pub fn inspect(&self, limit: Option<u32>) -> Result<Inspection, JsValue> {
        let core = self.shared();
        let core = core.try_borrow().map_err(|_| "busy")?;
        crossed(&Found::of(&core, limit, None))
    }
}

#[wasm_bindgen]
impl Session {
    /// State, status and recent counts as a plain object, with no more items than `limit`; 1,000
    /// unless told.
    pub fn inspect(&self, limit: Option<u32>) -> Result<Inspection, JsValue> {
        let session = self.shared();
        let session = session.try_borrow().map_err(|_| "busy")?;
        crossed(&Found::of(session.materializer(), limit, Some(Standing::of(&session))))
    }
}

#[derive(Serialize)]
struct Found<'a> {
    protocol: &'static str,
    cursor: Option<&'a str>,
    version: u64,
    items: usize,
    state: BTreeMap<&'a str, BTreeMap<&'a str, Shown>>,
    tombstones: Tombstones,
    staged: usize,
    recent: Recent,
    status: Option<Standing>,
}

#[derive(Serialize)]
struct Shown {
    #[serde(with = "serde_wasm_bindgen::preserve")]
    version: JsValue,
    #[serde(with = "serde_wasm_bindgen::preserve")]
    value: JsValue,
    error: Option<String>,
}

#[derive(Serialize)]
struct Tombstones {
    remembered: usize,
    forgotten: u64,
}

#[derive(Default, Serialize)]
struct Recent {
    transactions: usize,
    snapshots: usize,
    inserted: usize,
    updated: usize,
    deleted: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Standing {
    phase: &'static str,
    connected: bool,
    attempt: u32,
    failures: u32,
    resumed: Option<bool>,
    retry_at: Option<u64>,
    stale_since: Option<u64>,
    error: Option<Told>,
}

#[derive(Serialize)]
struct Told {
    code: &'static str,
    class: &'static str,
    message: String,
}

impl<'a> Found<'a> {
    fn of(core: &'a Core<JsView>, limit: Option<u32>, status: Option<Standing>) -> Self {
        let mut state: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        let limit = limit.map_or(LIMIT, |limit| limit as usize);
        for (_, item) in core.state().iter().take(limit) {
            let shown = Shown::of(item.version, item.value);
            state.entry(item.kind).or_default().insert(item.key, shown);
        }
        let known = core.state().iter_known().count();
        Self {
            protocol: core.protocol().name(),
            cursor: core.cursor(),
            version: core.state().revision(),
            items: core.state().len(),
            state,
            tombstones: Tombstones {
                remembered: known.saturating_sub(core.state().len()),
                forgotten: core.state().tombstones_forgotten(),
            },
            staged: core.staged(),
            recent: Recent::of(core),
            status,
        }
    }
}

impl Shown {
    fn of(version: i64, json: &[u8]) -> Self {
        let exact = version.unsigned_abs() < 1 << 53;
        let version = if exact { JsValue::from_f64(version as f64) } else { version.into() };
        match JSON::parse(&String::from_utf8_lossy(json)) {
            Ok(value) => Self { version, value, error: None },
            Err(error) => {
                let words = js_sys::Error::from(error).message();
                Self { version, value: JsValue::UNDEFINED, error: Some(words.into()) }
            }
        }
    }
}

impl Recent {
    fn of(core: &Core<JsView>) -> Self {
        let mut recent = Self { transactions: core.commits().len(), ..Self::default() };
        recent.snapshots = core.commits().iter().filter(|commit| commit.snapshot).count();
        for change in core.changes() {
            match change.action {
                Action::Insert => recent.inserted += 1,
                Action::Update => recent.updated += 1,
                Action::Delete => recent.deleted += 1,
                Action::Noop => {}
            }
        }
        recent
    }
}

impl Standing {
    fn of(session: &CoreSession<JsView>) -> Self {
        let status = session.status();
        Self {
            phase: status.phase.as_str(),
            connected: status.connected,
            attempt: status.attempt,
            failures: status.failures,
            resumed: status.resumed,
            retry_at: status.retry_at.map(highwater_core::Instant::as_millis),
            stale_since: status.stale_since.map(highwater_core::Instant::as_millis),
            error: status.error.map(Told::of),
        }
    }
}

impl Told {
    fn of(fault: &Fault) -> Self {
        let class = match fault.class() {
            crate::Class::Retry => "retry",
            crate::Class::Reset => "reset",
            crate::Class::Terminal => "terminal",
        };
        Self { code: fault.code(), class, message: fault.to_string() }
    }
}

fn crossed(found: &Found<'_>) -> Result<Inspection, JsValue> {
    let plain = Serializer::new().serialize_maps_as_objects(true);
    Ok(found.serialize(&plain)?.unchecked_into())
}

const LIMIT: usize = 1000;
